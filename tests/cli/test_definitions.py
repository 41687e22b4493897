#!/usr/bin/env python3
"""init, plan, apply, history and doctor: definitions that are right become versions; definitions that are wrong are named
with file, line and what was probably meant, and leave the registry as it was."""
import glob
import os
import resource
import shutil
import subprocess
import unittest

from harness import DELAYS, EXIT, Checks, Project, flights_project, floe


class Init(Checks, unittest.TestCase):
    def setUp(self):
        self.project = Project()
        self.addCleanup(shutil.rmtree, self.project.folder)

    def test_a_plain_project_runs(self):
        self.project.floe_ok("init", "shop")
        shop = self.project.path("shop")
        for command in (["plan"], ["apply"], ["table", "ls"], ["history"], ["index"]):
            self.ok(floe(*command, cwd=shop))
        self.assertIn("project: shop", self.project.read("shop/floe.yaml"))
        self.ok(floe("doctor", cwd=shop))

    def test_what_a_plain_project_says_in_comments_is_right_as_well(self):
        """The commented definitions, taken by their word: comment signs off, over an import like the one they name."""
        self.project.floe_ok("init", "shop")
        shop = self.project.path("shop")
        self.project.write("shop/orders.csv", "customer_id,ordered_at,amount\n1,2001-01-01 00:00:00,2.5\n")
        self.ok(floe("table", "import", "orders.csv", "lake.shop.orders", cwd=shop))
        lines = self.project.read("shop/features/features.yaml").splitlines()
        start = lines.index("# entities:")
        self.project.write("shop/features/features.yaml", "\n".join(line[2:] for line in lines[start:]) + "\n")
        run = self.ok(floe("plan", cwd=shop))
        self.assertIn("+ feature_view customer_orders", run.out)
        self.ok(floe("apply", cwd=shop))

    def test_one_comment_sign_taken_off_every_line_leaves_files_that_are_read(self):
        """As the words say, by their own command; words have two signs, so they stay comments."""
        self.project.floe_ok("init", "shop")
        shop = self.project.path("shop")
        self.project.write("shop/orders.csv", "customer_id,ordered_at,amount\n1,2001-01-01 00:00:00,2.5\n")
        self.ok(floe("table", "import", "orders.csv", "lake.shop.orders", cwd=shop))
        words = self.project.read("shop/features/features.yaml")
        command = words[words.index("(sed") + 1:words.index(")", words.index("(sed"))]
        subprocess.run(["sh", "-c", command], cwd=shop, check=True)
        self.assertIn("+ feature_view customer_orders", self.ok(floe("plan", cwd=shop)).out)
        subprocess.run(["sed", "-i", "s/^# //", "floe.yaml"], cwd=shop, check=True)
        self.ok(floe("plan", cwd=shop, env={"ASK_KEY": "k"}))

    def test_the_example_is_what_the_examples_folder_holds(self):
        self.project.floe_ok("init", "f", "--example", "flights")
        root = os.path.join(os.environ["FLOE_ROOT"], "examples/flights")
        for name in ("floe.yaml", "features/delays.yaml"):
            with open(os.path.join(root, name)) as file:
                self.assertEqual(self.project.read("f/" + name), file.read())

    def test_an_existing_project_is_never_overwritten(self):
        with self.unchanged(self.project.folder):
            self.refused(self.project.floe("init", "."), "CONFLICT", "floe.yaml", "nothing was written")

    def test_half_a_project_does_not_stand_in_the_way_of_the_next_try(self):
        for example in ([], ["--example", "flights"]):
            self.project.floe_ok("init", "whole", *example)
            features, = os.listdir(self.project.path("whole/features"))
            sizes = [os.path.getsize(self.project.path("whole/" + name)) for name in ("features/" + features, "floe.yaml")]
            small = "features/" + features if sizes[0] < sizes[1] else None
            limit = min(sizes)
            run = self.project.floe("init", "new", *example, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
            self.refused(run, "IO", "floe.yaml" if small else features)
            self.assertEqual(os.listdir(self.project.path("new/features")), [])
            self.project.floe_ok("init", "new", *example)
            for name in ("whole", "new"):
                shutil.rmtree(self.project.path(name))

    def test_wrong_folders_and_examples_are_refused(self):
        self.project.write("file", "")
        with self.unchanged(self.project.folder):
            self.refused(self.project.floe("init", "file/x"), "CONFLICT", "file")
            self.refused(self.project.floe("init", "new", "--example", "trains"), "NOT_FOUND", "trains", "flights")

    def test_a_folder_name_that_is_no_project_name_becomes_one(self):
        for name in ("1st-try", "a b", "ü"):
            self.project.floe_ok("init", name)
            self.ok(floe("apply", cwd=self.project.path(name)))


class Apply(Checks, unittest.TestCase):
    def setUp(self):
        self.project = flights_project(apply=False)
        self.addCleanup(shutil.rmtree, self.project.folder)

    def changes(self, command="plan"):
        return [(c["sign"], c["kind"], c["name"]) for c in self.project.floe_ok(command, "--json").json]

    ALL = [("+", "entity", "airport"), ("+", "source", "flights"), ("+", "feature_view", "airport_delays"),
           ("+", "feature_service", "delay_model")]

    def test_plan_changes_nothing_and_apply_does_what_plan_said(self):
        with self.unchanged(self.project.folder):
            self.assertEqual(self.changes(), self.ALL)
        self.assertEqual(self.changes("apply"), self.ALL)
        self.assertEqual(self.changes(), [])
        self.assertEqual(self.project.floe_ok("plan").out, "nothing to change\n")

    def test_apply_without_definitions_says_that_an_empty_version_was_made(self):
        with Project() as project:
            run = project.floe_ok("apply")
            self.assertIn("no definitions in features/ yet; an empty version was made", run.out)
            self.assertEqual(run.err, "version 1\n")
            again = project.floe_ok("apply")
            self.assertEqual((again.out, again.err), ("nothing to change\n", "version 1, as before\n"))
            run = project.floe_ok("sync")
            self.assertEqual(run.out, "")
            self.assertIn("nothing to sync: no feature view is applied", run.err)

    def test_sync_of_views_that_are_all_offline_says_so(self):
        self.project.write("features/delays.yaml", DELAYS.replace("    at: before\n", "    at: before\n    online: false\n"))
        self.project.floe_ok("apply")
        self.assertIn("nothing to sync: every feature view says online: false", self.project.floe_ok("sync").err)

    def test_a_second_apply_of_the_same_makes_no_version(self):
        self.project.floe_ok("apply")
        self.assertEqual(len(self.project.floe_ok("history", "--json").json), 1)
        self.project.floe_ok("apply")
        self.assertEqual(len(self.project.floe_ok("history", "--json").json), 1)

    def test_each_change_is_a_version_and_shows_its_sign(self):
        self.project.floe_ok("apply")
        self.project.write("features/delays.yaml", DELAYS.replace("functions: [count, mean, max]", "functions: [count]"))
        self.assertEqual([c[::2] for c in self.changes()], [("~", "airport_delays"), ("~", "delay_model")],
                         "the service serves all of the view, so it changes too")
        self.project.floe_ok("apply")
        os.unlink(self.project.path("features/delays.yaml"))
        self.assertEqual({c[0] for c in self.changes()}, {"-"})
        self.project.floe_ok("apply")
        versions = [row["version"] for row in self.project.floe_ok("history", "--json").json]
        self.assertEqual(sorted(versions), [1, 2, 3])

    def test_a_damaged_registry_is_named_with_what_to_do(self):
        self.project.floe_ok("apply")
        self.project.write(".floe/registry.db", "no database at all, but long enough to be one; " * 50)
        with self.unchanged(self.project.folder):
            for command in ("plan", "apply", "history", "sync"):
                self.refused(self.project.floe(command), "CORRUPT", "registry.db", "restore it from a backup", "run floe apply")

    def test_history_before_anything_is_applied_says_what_to_do(self):
        self.refused(self.project.floe("history"), "NOT_FOUND", "floe apply")


class WrongDefinitions(Checks, unittest.TestCase):
    def setUp(self):
        self.project = flights_project()
        self.addCleanup(shutil.rmtree, self.project.folder)

    def wrong(self, code, *parts, command=None):
        """plan and apply refuse alike, and nothing changes."""
        with self.unchanged(self.project.folder):
            for words in [[command]] if command else [["plan"], ["apply"]]:
                run = self.refused(self.project.floe(*words), code, *parts)
                self.assertEqual(run.out, "")
        return run

    def edit(self, old, new):
        text = DELAYS.replace(old, new)
        self.assertNotEqual(text, DELAYS)
        self.project.write("features/delays.yaml", text)
        return 1 + DELAYS[: DELAYS.index(old)].count("\n")

    def test_a_misspelt_key_is_named_with_line_and_nearest(self):
        line = self.edit("    entity: airport", "    entiti: airport")
        self.wrong("INVALID", f"features/delays.yaml:{line}", "entiti", "did you mean entity?")

    def test_a_missing_column_is_named_with_line_and_nearest(self):
        line = self.edit("{column: delay, functions", "{column: delai, functions")
        self.wrong("NOT_FOUND", f"features/delays.yaml:{line}", "delai", "did you mean delay?")

    def test_a_missing_table_is_named(self):
        self.edit("lake.aviation.flights", "lake.aviation.flight")
        self.wrong("NOT_FOUND", "features/delays.yaml:4", "lake.aviation.flight", "did you mean lake.aviation.flights?")

    def test_a_key_of_another_type_than_its_column_is_named(self):
        self.edit("{name: origin, type: string}", "{name: origin, type: int64}")
        self.wrong("INVALID", "features/delays.yaml:", "origin", "int64", "string")

    def test_an_unknown_entity_source_and_feature_are_named_with_the_nearest(self):
        for old, new, near in (("entity: airport", "entity: airprt", "did you mean airport?"),
                               ("source: flights", "source: fligths", "did you mean flights?"),
                               ("[airport_delays]}", "[airport_delay]}", "did you mean airport_delays?")):
            line = self.edit(old, new)
            run = self.project.floe("plan")
            self.assertIn(run.code, (EXIT["INVALID"], EXIT["NOT_FOUND"]), str(run))
            self.assertIn(f"features/delays.yaml:{line}", run.err)
            self.assertIn(near, run.err)

    def test_a_wrong_filter_is_named_with_its_line(self):
        for where in ("delay IS NOT NUL", "delay > 'x'", "delai > 1", "delay"):
            line = self.edit('"delay IS NOT NULL"', f'"{where}"')
            run = self.project.floe("plan")
            self.assertIn(run.code, (EXIT["INVALID"], EXIT["NOT_FOUND"]), str(run))
            self.assertIn(f"features/delays.yaml:{line}", run.err)

    def test_two_outputs_of_one_name_are_refused(self):
        self.edit("{name: last_delay, column: delay}", "{name: delay_count, column: delay}")
        self.wrong("INVALID", "delay_count")

    def test_text_that_is_no_yaml_is_named_with_its_line(self):
        self.project.write("features/broken.yaml", "entities:\n  - {name: x\n")
        self.wrong("INVALID", "features/broken.yaml:")

    def test_what_is_no_regular_file_is_refused_at_once(self):
        os.mkfifo(self.project.path("features/pipe.yaml"))
        for command in ("plan", "apply"):
            self.refused(self.project.floe(command), "INVALID", "features/pipe.yaml", "no regular file")
        os.remove(self.project.path("features/pipe.yaml"))
        os.symlink("/dev/zero", self.project.path("features/device.yaml"))
        self.refused(self.project.floe("plan"), "INVALID", "features/device.yaml", "no regular file")
        os.remove(self.project.path("features/device.yaml"))
        os.symlink("delays.yaml", self.project.path("features/again.yaml"))
        self.wrong("INVALID", "features/delays.yaml", "airport")

    def test_a_service_of_a_views_name_is_refused(self):
        """`floe get NAME` takes either: which one is meant nobody could say."""
        self.project.write("features/delays.yaml", DELAYS.replace("name: delay_model", "name: airport_delays"))
        self.wrong("INVALID", "features/delays.yaml:", "feature service airport_delays", "has the name of a feature view")

    def test_one_definition_in_two_files_is_named(self):
        self.project.write("features/more.yaml", "entities:\n  - {name: airport, keys: [{name: origin, type: string}]}\n")
        run = self.project.floe("plan")
        self.assertIn(run.code, (EXIT["INVALID"], EXIT["CONFLICT"]), str(run))
        self.assertIn("features/more.yaml:2", run.err)
        self.assertIn("airport", run.err)

    def test_the_first_ten_errors_come_in_file_order_then_how_many_more(self):
        for name in ("a", "b"):
            self.project.write(f"features/{name}.yaml", "entities:\n" + "".join(
                f"  - {{name: {name}{i}, kees: [{{name: k, type: string}}], keys: [{{name: k, type: string}}]}}\n"
                for i in range(8)))
        run = self.wrong("INVALID", "kees", command="plan")
        lines = run.err.splitlines()
        self.assertEqual(len(lines), 11, str(run))
        places = [f"features/a.yaml:{i + 2}:" for i in range(8)] + ["features/b.yaml:2:", "features/b.yaml:3:"]
        for line, place in zip(lines, places):
            self.assertIn(place, line)
        self.assertIn("6 more", lines[10])

    def test_long_errors_stay_within_their_bytes_and_say_how_many_more(self):
        self.project.write("features/a.yaml", "entities:\n" + "".join(
            f"  - {{name: e{i}, {'k' * 150}{i}: 1, keys: [{{name: k, type: string}}]}}\n" for i in range(40)))
        run = self.wrong("INVALID", "more", command="plan")
        message = run.err.split(": INVALID: ", 1)[1].rstrip("\n")
        self.assertLessEqual(len(message.encode()), 1900)

    def test_what_a_later_version_does_is_refused_by_name(self):
        self.project.write("features/delays.yaml", DELAYS + "streams:\n  - {name: s, source: flights, land: true, "
                           "kafka: {brokers: b, topic: t}}\n")
        self.wrong("UNSUPPORTED", "land: true")


class WrongProject(Checks, unittest.TestCase):
    def project(self, yaml):
        project = Project(yaml)
        self.addCleanup(shutil.rmtree, project.folder)
        return project

    def test_no_project_says_where_it_was_looked_for(self):
        with Project() as project:
            os.unlink(project.path("floe.yaml"))
            for command in ("plan", "apply", "history", "sync", "serve", "index", "doctor"):
                with self.unchanged(project.folder):
                    run = project.floe(command)
                    self.assertEqual(run.code, EXIT["NOT_FOUND"], str(run))
                    self.assertIn("floe.yaml", run.out + run.err)

    def test_an_unset_variable_is_named_with_its_line(self):
        project = self.project(Project.YAML + 'online: {store: redis, url: "${FLOE_TEST_NOT_SET}"}\n')
        for command in (["plan"], ["sync"], ["table", "ls"], ["serve"]):
            with self.unchanged(project.folder):
                self.refused(project.floe(*command), "INVALID", "floe.yaml:4", "FLOE_TEST_NOT_SET")
        self.ok(project.floe("plan", env={"FLOE_TEST_NOT_SET": "redis://127.0.0.1:1/0"}))
        project.write("floe.yaml", Project.YAML + 'registry: "${FLOE_TEST_NOT_SET:-.floe/r.db}"\n')
        self.ok(project.floe("plan"))

    def test_an_unknown_key_is_named_with_line_and_nearest(self):
        project = self.project(Project.YAML + "onlin: {store: embedded}\n")
        self.refused(project.floe("plan"), "INVALID", "floe.yaml:4", "onlin", "did you mean online?")

    def test_what_is_required_is_named(self):
        self.refused(self.project("catalogs: {}\n").floe("plan"), "INVALID", "project:")
        self.refused(self.project("").floe("plan"), "INVALID", "project:")

    def test_a_project_without_catalogs_and_features_is_valid(self):
        project = self.project("project: bare\n")
        shutil.rmtree(project.path("features"))
        self.ok(project.floe("plan"))
        self.assertEqual(self.ok(project.floe("table", "ls", "--json")).json, [])

    def test_what_a_later_version_does_is_refused_by_name(self):
        for line, name in (("access: open", "access"),
                           ("online: {store: redis-cluster, nodes: [\"a:1\"]}", "redis-cluster")):
            run = self.project(Project.YAML + line + "\n").floe("plan")
            if name == "access":
                # `open` says that nothing is hidden, which is so.
                self.assertIn(run.code, (0, EXIT["UNSUPPORTED"]), str(run))
            else:
                self.refused(run, "UNSUPPORTED", "floe.yaml:4", name)

    def test_catalogs_of_other_types_are_refused_by_name(self):
        for kind in ("hive", "glue", "nessie", "jdbc"):
            yaml = f"project: p\ncatalogs:\n  prod: {{type: {kind}, uri: \"thrift://h:1\"}}\n"
            self.refused(self.project(yaml).floe("plan"), "UNSUPPORTED", "floe.yaml:3", f"type {kind}", "directory and rest")
        yaml = "project: p\ncatalogs:\n  prod: {type: files, warehouse: w}\n"
        self.refused(self.project(yaml).floe("plan"), "INVALID", "floe.yaml:3", "unknown type `files`", "directory and rest")

    def test_a_catalog_that_does_not_answer_is_named(self):
        rest = "project: p\ncatalogs:\n  prod: {type: rest, uri: \"http://127.0.0.1:1\"}\n"
        self.refused(self.project(rest).floe("table", "ls"), "UNAVAILABLE", "prod", "127.0.0.1:1")


class Doctor(Checks, unittest.TestCase):
    def findings(self, run):
        return {row["what"]: row for row in run.json}

    def test_a_whole_project_is_fine(self):
        with flights_project() as project:
            project.floe_ok("sync")
            project.floe_ok("index")
            found = self.findings(self.ok(project.floe("doctor", "--json")))
            self.assertEqual({row["ok"] for row in found.values()}, {True}, found)
            self.assertEqual(set(found), {"project", "catalog lake", "definitions", "access", "registry", "online store",
                                          "online view airport_delays", "embedder", "search index"})

    def test_it_goes_on_after_a_finding_and_each_says_what_to_do(self):
        with flights_project(apply=False, yaml=Project.YAML + "online: {store: redis, url: \"redis://127.0.0.1:1/0\"}\n") as project:
            project.write("features/delays.yaml", DELAYS.replace("column: delay", "column: delai"))
            run = project.floe("doctor", "--json")
            found = self.findings(run)
            bad = {what: row["finding"] for what, row in found.items() if not row["ok"]}
            self.assertEqual(set(bad), {"definitions", "registry", "online store", "search index"}, run)
            self.assertIn("did you mean delay?", bad["definitions"])
            self.assertIn("floe apply", bad["registry"])
            self.assertIn("redis://127.0.0.1:1/0", bad["online store"])
            self.assertIn("floe index", bad["search index"])
            self.assertEqual(run.code, EXIT["NOT_FOUND"], "the class of the first finding: the column")
            self.assertIn("4 findings", run.err)
            shown = project.floe("doctor").out
            self.assertEqual(sum(line.startswith("NO ") for line in shown.splitlines()), 4, shown)

    def test_what_is_not_synced_or_of_an_earlier_definition_is_a_finding(self):
        with flights_project() as project:
            project.floe_ok("index")
            run = project.floe("doctor", "--json")
            self.assertIn("floe sync airport_delays", self.findings(run)["online view airport_delays"]["finding"])
            project.floe_ok("sync")
            self.ok(project.floe("doctor"))
            project.write("features/delays.yaml", DELAYS.replace("max]", "max, min]"))
            project.floe_ok("apply")
            run = project.floe("doctor", "--json")
            self.assertEqual(run.code, EXIT["CONFLICT"], str(run))
            self.assertIn("floe sync airport_delays", self.findings(run)["online view airport_delays"]["finding"])

    def test_a_streams_broker_that_does_not_answer_is_a_finding(self):
        stream = 'streams:\n  - {name: departures, source: flights, kafka: {brokers: "127.0.0.1:1", topic: departures}}\n'
        with flights_project(apply=False) as project:
            project.write("features/delays.yaml", DELAYS + stream)
            project.floe_ok("apply")
            row = self.findings(project.floe("doctor", "--json"))["stream departures"]
            self.assertFalse(row["ok"])
            self.assertIn("127.0.0.1:1", row["finding"])
            self.assertIn("start it", row["finding"])

    def test_a_table_that_cannot_be_read_is_named_with_its_file(self):
        """Whatever a scan needs is taken away or spoilt in turn, and put back; the table beside it stays whole."""
        with flights_project() as project:
            project.floe_ok("table", "import", "flights.csv", "lake.aviation.whole")
            project.floe_ok("sync")
            project.floe_ok("index")
            folder = project.path("lakehouse", "aviation", "flights")
            patterns = ("metadata/snap-*.avro", "metadata/*-m0.avro", "data/**/*.parquet")
            for pattern in patterns:
                file = glob.glob(os.path.join(folder, pattern), recursive=True)[0]
                os.rename(file, file + ".away")
                run = project.floe("doctor", "--json")
                found = self.findings(run)
                self.assertEqual([what for what, row in found.items() if not row["ok"]], ["table lake.aviation.flights"], run)
                said = found["table lake.aviation.flights"]["finding"]
                self.assertIn(f"{file} is not there", said)
                self.assertIn("put it back from a copy", said)
                self.assertEqual(run.code, EXIT["NOT_FOUND"], str(run))
                if file.endswith(".avro"):
                    with open(file, "w", encoding="utf-8") as spoilt:
                        spoilt.write("no Avro")
                    run = project.floe("doctor", "--json")
                    said = self.findings(run)["table lake.aviation.flights"]["finding"]
                    self.assertIn(file, said)
                    self.assertIn("restore it", said)
                    self.assertEqual(run.code, EXIT["CORRUPT"], str(run))
                os.rename(file + ".away", file)
                self.ok(project.floe("doctor"))

    def test_tables_that_were_moved_are_whole_where_they_lie(self):
        with flights_project() as project:
            project.floe_ok("sync")
            project.floe_ok("index")
            was, now = project.path("lakehouse"), project.path("elsewhere")
            os.rename(was, now)
            project.write("floe.yaml", "project: test\ncatalogs:\n  lake: {type: directory, warehouse: ./elsewhere, "
                                       f"moved: {{from: '{was}', to: '{now}'}}}}\n")
            self.ok(project.floe("doctor"))
            manifest, = glob.glob(os.path.join(now, "aviation/flights/metadata/*-m0.avro"))
            os.unlink(manifest)
            found = self.findings(project.floe("doctor", "--json"))["table lake.aviation.flights"]
            self.assertFalse(found["ok"])
            self.assertIn(f"{manifest} is not there", found["finding"])

    def test_it_changes_nothing_that_lasts(self):
        with flights_project() as project:
            project.floe_ok("sync")
            with self.unchanged(project.folder):
                project.floe("doctor")


if __name__ == "__main__":
    unittest.main()
