#!/usr/bin/env python3
"""floe dataset rebuild, audit, diff and show: a dataset made again after its table and its definitions went on, held against
the rule, and against another dataset."""
import csv
import glob
import hashlib
import json
import os
import shutil
import unittest

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from harness import DELAYS, FLIGHTS_HEADER, Checks, flights_project

SPINE_HEADER = ["origin", "at", "label", "weight"]
SPINE = [["SFO", "2001-01-01 00:10:00", "1", "0.5"], ["SFO", "2001-02-03 06:00:00", "2", ""],
         ["JFK", "2001-03-01 00:00:00", "3", "1.25"], ["", "2001-03-01 00:00:00", "4", "2"],
         ["SFO", "2001-02-03 07:00:00", "5", "3"], ["SFO", "2001-02-03 07:00:00", "5", "3"]]
LATER = [["2001-02-02 00:10:00", "SFO", "JFK", "99", "2586", "2001-02-02 07:00:00"]]
VIEWS = DELAYS.replace("functions: [count, mean, max]}", """functions: [count, sum, mean, min, max, stddev], windows: [1d, 40d]}
      - {column: destination, functions: [count_distinct]}""").replace(
    "- {name: last_delay, column: delay}", "- {name: last_delay, column: delay}\n      - {name: last_destination, column: destination}")


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


class Case(Checks, unittest.TestCase):
    def setUp(self):
        self.project = flights_project()
        self.addCleanup(shutil.rmtree, self.project.folder)
        self.project.write("features/delays.yaml", VIEWS)
        self.project.floe_ok("apply")
        self.project.write_csv("spine.csv", SPINE_HEADER, SPINE)

    def build(self, *options, out="out.parquet", spine="spine.csv"):
        return self.project.floe_ok("dataset", "build", "--features", "airport_delays", "--spine", spine, "-o", out,
                                    "--json", *options).json

    def go_on(self):
        """New rows in the table, and a row that would have been seen by the labels."""
        self.project.write_csv("later.csv", FLIGHTS_HEADER, LATER)
        self.project.floe_ok("table", "import", "later.csv", "lake.aviation.flights", "--append")

    def manifest_path(self, built):
        return self.project.path(".floe", "datasets", built["id"], "manifest.json")


class Rebuild(Case):
    def test_after_the_table_went_on__the_same_content_and_bytes(self):
        for out in ("out.parquet", "out.csv", "out.jsonl"):
            for known in ([], ["--as-known"]):
                built = self.build(*known, out=out)
                before = digest(self.project.path(out))
                self.go_on()
                again = self.project.floe_ok("dataset", "rebuild", built["id"], "-o", "again." + out, "--json").json
                self.assertEqual(again["content_hash"], built["content_hash"])
                self.assertEqual(digest(self.project.path("again." + out)), before)
                self.assertNotEqual(self.build(*known, out="new." + out)["content_hash"], built["content_hash"],
                                    "the rows that came later would have been seen")
                self.project.floe_ok("table", "import", "flights.csv", "lake.aviation.flights", "--replace")

    def test_after_compaction_and_expiry__the_same_bytes_until_its_snapshot_is_forced_away(self):
        """Appended to, compacted, appended to, expired: the snapshot is kept for the dataset. With --force it goes, and its files."""
        for _ in range(3):
            self.go_on()
        built = self.build()
        before = digest(self.project.path("out.parquet"))
        self.go_on()
        compacted = self.project.floe_ok("table", "compact", "lake.aviation.flights", "--json").json
        self.assertGreater(compacted["files_before"], compacted["files_after"])
        self.go_on()
        kept = self.project.floe_ok("table", "expire", "lake.aviation.flights", "--older-than", "0s")
        self.assertIn(built["id"], kept.out + kept.err)
        for options in ([], ["--threads", "1"], ["--memory", "256MB"], ["--engine", "duckdb"]):
            again = self.project.floe_ok("dataset", "rebuild", built["id"], "-o", "again.parquet", "--json", *options).json
            self.assertEqual((again["content_hash"], digest(self.project.path("again.parquet"))), (built["content_hash"], before), options)
        self.project.floe_ok("table", "expire", "lake.aviation.flights", "--older-than", "0s", "--force")
        with open(self.manifest_path(built)) as file:
            snapshot = json.load(file)["sources"][0]["snapshot_id"]
        with self.unchanged(self.project.folder):
            for command in ("rebuild", "audit"):
                self.refused(self.project.floe("dataset", command, built["id"]), "NOT_FOUND", str(snapshot), "lake.aviation.flights",
                             "expired")

    def test_without_an_output__it_goes_where_it_was(self):
        built = self.build()
        before = digest(self.project.path("out.parquet"))
        os.remove(self.project.path("out.parquet"))
        os.mkdir(self.project.path("elsewhere"))
        run = self.project.floe_ok("--project", self.project.folder, "dataset", "rebuild", built["id"],
                                   cwd=self.project.path("elsewhere"))
        self.assertIn(built["content_hash"][:12], run.out)
        self.assertEqual(digest(self.project.path("out.parquet")), before)

    def test_any_threads_and_memory__the_same(self):
        built = self.build("--threads", "1")
        for options in (["--threads", "3"], ["--threads", "2", "--memory", "256MB"], ["--memory", "1GiB"]):
            again = self.project.floe_ok("dataset", "rebuild", built["id"], "-o", "again.parquet", "--json", *options).json
            self.assertEqual(again["content_hash"], built["content_hash"])

    def test_definitions_that_went_on__are_not_asked(self):
        built = self.build()
        self.project.write("features/delays.yaml", VIEWS.replace("at: before", "at: at_or_before").replace("40d", "50d"))
        self.project.floe_ok("apply")
        again = self.project.floe_ok("dataset", "rebuild", built["id"], "-o", "again.parquet", "--json").json
        self.assertEqual(again["content_hash"], built["content_hash"])
        self.assertIn("airport_delays__delay_mean_40d", pq.read_schema(self.project.path("again.parquet")).names)

    def test_the_spine_file_may_be_gone__the_kept_one_is_read(self):
        built = self.build()
        os.remove(self.project.path("spine.csv"))
        again = self.project.floe_ok("dataset", "rebuild", built["id"], "-o", "again.parquet", "--json").json
        self.assertEqual(again["content_hash"], built["content_hash"])

    def test_by_name__the_newest_of_it(self):
        self.build("--name", "train")
        newest = self.build("--name", "train", "--as-known")
        again = self.project.floe_ok("dataset", "rebuild", "train", "-o", "again.parquet", "--json").json
        self.assertEqual((again["id"], again["content_hash"]), (newest["id"], newest["content_hash"]))

    def test_an_output_that_is_the_spine__is_refused(self):
        """By whatever name the file has: its labels are often all there is of them."""
        built = self.build()
        os.symlink("spine.csv", self.project.path("link.csv"))
        os.link(self.project.path("spine.csv"), self.project.path("other.csv"))
        os.mkdir(self.project.path("elsewhere"))
        with self.unchanged(self.project.folder):
            for out in ("spine.csv", "./spine.csv", "link.csv", "other.csv", self.project.path("spine.csv")):
                self.refused(self.project.floe("dataset", "rebuild", built["id"], "-o", out), "INVALID", out, "the spine itself")
            self.refused(self.project.floe("dataset", "rebuild", built["id"], "-o", "../spine.csv", cwd=self.project.path("elsewhere")),
                         "INVALID", "the spine itself")
            self.refused(self.project.floe("dataset", "rebuild", built["id"], "-o", f".floe/datasets/{built['id']}/spine.parquet"),
                         "INVALID", "the spine itself")
        self.project.floe_ok("table", "import", "spine.csv", "lake.aviation.labels", "--types", "origin=string,at=timestamp,label=int64")
        built = self.build(spine="lake.aviation.labels")
        self.refused(self.project.floe("dataset", "rebuild", built["id"], "-o", "lake.aviation.labels", "--replace"), "INVALID",
                     "the spine itself")

    def test_an_empty_table__stays_empty(self):
        self.project.write_csv("none.csv", FLIGHTS_HEADER, [])
        self.project.floe_ok("table", "import", "none.csv", "lake.aviation.none", "--types",
                             "date=timestamp,origin=string,destination=string,delay=int64,distance=int64,known_at=timestamp")
        self.project.write("features/delays.yaml", VIEWS.replace("lake.aviation.flights", "lake.aviation.none"))
        self.project.floe_ok("apply")
        built = self.build()
        self.project.floe_ok("table", "import", "flights.csv", "lake.aviation.none", "--append")
        again = self.project.floe_ok("dataset", "rebuild", built["id"], "-o", "again.parquet", "--json").json
        self.assertEqual(again["content_hash"], built["content_hash"])

    def test_a_snapshot_that_was_expired__is_named(self):
        built = self.build()
        with open(self.manifest_path(built)) as file:
            snapshot = json.load(file)["sources"][0]["snapshot_id"]
        self.go_on()
        self.forget_snapshot(snapshot)
        with self.unchanged(self.project.folder):
            run = self.project.floe("dataset", "rebuild", built["id"], "-o", "again.parquet")
            self.refused(run, "NOT_FOUND", str(snapshot), "lake.aviation.flights", "expired")

    def forget_snapshot(self, snapshot):
        """What an expiry leaves: metadata that no longer knows it."""
        newest = max(glob.glob(self.project.path("lakehouse/aviation/flights/metadata/*.metadata.json")))
        with open(newest) as file:
            metadata = json.load(file)
        metadata["snapshots"] = [s for s in metadata["snapshots"] if s["snapshot-id"] != snapshot]
        metadata["snapshot-log"] = [s for s in metadata.get("snapshot-log", []) if s["snapshot-id"] != snapshot]
        with open(newest, "w") as file:
            json.dump(metadata, file)

    def test_a_spine_that_was_changed__is_corrupt_and_nothing_is_written(self):
        built = self.build()
        kept = self.project.path(".floe", "datasets", built["id"], "spine.parquet")
        table = pq.read_table(kept)
        pq.write_table(table.set_column(2, "label", pc.add(table["label"], 1)), kept)
        with self.unchanged(self.project.folder):
            self.refused(self.project.floe("dataset", "rebuild", built["id"], "-o", "again.parquet"), "CORRUPT", "kept spine")
        os.remove(kept)
        self.refused(self.project.floe("dataset", "rebuild", built["id"], "-o", "again.parquet"), "NOT_FOUND", "spine.parquet")

    def test_another_engine_that_rounds_otherwise__is_no_silent_difference(self):
        """Integers here, so both engines give the same content; the engine of the manifest is not needed for it."""
        built = self.build()
        again = self.project.floe_ok("dataset", "rebuild", built["id"], "--engine", "duckdb", "-o", "again.parquet", "--json")
        self.assertEqual(again.json["content_hash"], built["content_hash"])

    def test_wrong_use(self):
        built = self.build()
        self.refused(self.project.floe("dataset", "rebuild", "nope"), "NOT_FOUND", "nope")
        self.refused(self.project.floe("dataset", "rebuild", built["id"], "--memory", "some"), "USAGE", "256MB")
        self.refused(self.project.floe("dataset", "rebuild", built["id"], "--threads", "0"), "USAGE", "--threads")
        self.refused(self.project.floe("dataset", "rebuild", built["id"], "-o", "x.xlsx"), "UNSUPPORTED", ".parquet")


class Audit(Case):
    def audit(self, built, *options):
        return self.project.floe("dataset", "audit", built["id"], *options)

    def test_what_was_built__is_proved(self):
        for out in ("out.parquet", "out.csv", "out.jsonl"):
            for known in ([], ["--as-known"]):
                built = self.build(*known, out=out)
                run = self.ok(self.audit(built))
                self.assertIn("6 of 6 rows", run.out)
                view = self.ok(self.audit(built, "--json")).json[0]
                # Five labels have a key; SFO at its first flight sees nothing, because a flight does not see itself, and as
                # known the two at 07:00 see the flight that is known just then.
                self.assertEqual(view["rows_that_see_something"], 4)
                self.assertEqual(view["youngest_known_before_label"], "0s" if known else None)

    def test_it_reads_the_snapshot_that_was_built_from(self):
        built = self.build()
        self.go_on()
        self.ok(self.audit(built))

    def test_a_value_that_was_changed__is_found_and_shown(self):
        built = self.build()
        path = self.project.path("out.parquet")
        table = pq.read_table(path)
        for column, value in (("airport_delays__delay_max_40d", 26), ("airport_delays__delay_mean_40d", 15.5),
                              ("airport_delays__last_destination", "LAX"), ("airport_delays__delay_count_1d", None),
                              ("label", 7)):
            index = table.schema.get_field_index(column)
            values = table[column].to_pylist()
            values[4] = value
            pq.write_table(table.set_column(index, table.schema.field(index), pa.array(values, table.schema.types[index])),
                           path)
            self.refused(self.audit(built), "CORRUPT", "row 5", column, "null" if value is None else str(value), "1 cell")

    def test_a_value_in_a_text_file__is_found(self):
        built = self.build(out="out.csv")
        with open(self.project.path("out.csv"), newline="") as file:
            rows = list(csv.reader(file))
        at = rows[0].index("airport_delays__delay_sum_40d")
        rows[5][at] = str(int(rows[5][at]) + 1)
        with open(self.project.path("out.csv"), "w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
        self.refused(self.audit(built), "CORRUPT", "row 5", "airport_delays__delay_sum_40d")

    def test_a_leak_that_was_built_in__is_found(self):
        """The file of a build without the guard, in the place of one with it: what a join that sees the label's own row
        would have written."""
        built = self.build("--as-known")
        leak = self.build(out="leak.parquet")
        self.assertNotEqual(built["content_hash"], leak["content_hash"])
        self.refused(self.audit(built, "--file", "leak.parquet"), "CORRUPT", "by the rule")
        # Also when the manifest was made to say that this is what was built.
        path = self.manifest_path(built)
        self.project.floe_ok("dataset", "audit", leak["id"])
        with open(path) as file:
            self.assertNotIn(leak["content_hash"], file.read())

    def test_a_leak_of_any_kind__is_found(self):
        """Features that are right for other labels, in the place of these labels' own: one microsecond later, so that a flight sees
        itself or what was only just not known; of another airport; of wider windows; of a row that the snapshot did not have."""
        spine = [["SFO", time, label, "1"] for label, time in enumerate((
            "2001-02-03 07:00:00", "2001-02-03 06:59:59.999999", "2001-02-04 00:00:00"))] + [["JFK", "2001-03-01 00:00:00", 4, "1"]]
        flights = self.flights()
        self.assertIn(("SFO", "2001-02-03 07:00:00"), {(origin, known) for _, origin, known in flights})
        at = next(date for date, origin, _ in flights if origin == "SFO")
        spine.append(["SFO", at, 5, "1"])

        def later(row):
            return [row[0], row[1] + (".000001" if "." not in row[1] else ""), *row[2:]]

        def other(row):
            return [{"SFO": "JFK", "JFK": "SFO"}[row[0]], *row[1:]]
        self.project.write_csv("spine.csv", SPINE_HEADER, spine)
        for name, change, wanted in (("event", later, []), ("known", lambda row: [row[0], "2001-02-03 07:00:00", *row[2:]], ["--as-known"]),
                                     ("key", other, [])):
            built = self.build(*wanted)
            self.ok(self.audit(built))
            self.project.write_csv("leak.csv", SPINE_HEADER, [change(row) for row in spine])
            self.build(*wanted, spine="leak.csv", out="leak.parquet")
            self.put_features("leak.parquet")
            self.refused(self.audit(built, "--file", "leak.parquet"), "CORRUPT", "by the rule")
        built = self.build()
        self.go_on()
        self.build(out="leak.parquet")
        self.refused(self.audit(built, "--file", "leak.parquet"), "CORRUPT", "by the rule")

    def flights(self):
        with open(self.project.path("flights.csv"), newline="") as file:
            return [(row["date"], row["origin"], row["known_at"]) for row in csv.DictReader(file)]

    def put_features(self, name):
        """The features of that file beside the spine's columns of out.parquet."""
        table, own = pq.read_table(self.project.path(name)), pq.read_table(self.project.path("out.parquet"))
        for index, column in enumerate(SPINE_HEADER):
            table = table.set_column(index, own.schema.field(column), own[column])
        pq.write_table(table, self.project.path(name))

    def test_another_file__is_named(self):
        built = self.build()
        self.project.floe_ok("dataset", "build", "--features", "airport_delays:last_delay", "--spine", "spine.csv", "-o",
                             "other.parquet")
        self.refused(self.audit(built, "--file", "other.parquet"), "INVALID", "other.parquet")
        self.refused(self.audit(built, "--file", "none.parquet"), "NOT_FOUND", "none.parquet")
        pq.write_table(pq.read_table(self.project.path("out.parquet")).slice(0, 3), self.project.path("short.parquet"))
        self.refused(self.audit(built, "--file", "short.parquet"), "INVALID", "3 rows")

    def test_a_sample__says_so_and_still_sees_the_whole_file(self):
        built = self.build()
        run = self.ok(self.audit(built, "--sample", "2"))
        self.assertIn("2 of 6 rows", run.out)
        self.assertIn("--sample 0", run.out)
        path = self.project.path("out.parquet")
        table = pq.read_table(path)
        for row in range(6):
            values = table["airport_delays__delay_count_40d"].to_pylist()
            values[row] = 17
            index = table.schema.get_field_index("airport_delays__delay_count_40d")
            pq.write_table(table.set_column(index, table.schema.field(index), pa.array(values, pa.int64())), path)
            self.refused(self.audit(built, "--sample", "2"), "CORRUPT", "out.parquet")
        self.refused(self.audit(built, "--sample", "-1"), "USAGE", "--sample")


class Diff(Case):
    def diff(self, a, b):
        rows = self.project.floe_ok("dataset", "diff", a["id"], b["id"], "--json").json
        return {(row["kind"], row["what"]): (row["before"], row["after"]) for row in rows}

    def test_the_same_twice__does_not_differ(self):
        a, b = self.build(), self.build(out="b.parquet")
        self.assertEqual(self.diff(a, b), {})
        self.assertEqual(self.project.floe_ok("dataset", "diff", a["id"], b["id"]).out, "the datasets do not differ\n")

    def test_rows_that_came__snapshot_statistics_and_cells(self):
        a = self.build()
        self.go_on()
        b = self.build(out="b.parquet")
        found = self.diff(a, b)
        self.assertIn(("source", "flights snapshot_id"), found)
        self.assertEqual(found["source", "flights rows"], ("4", "5"))
        self.assertEqual(found["feature", "airport_delays:delay_max_40d max"], ("25", "99"))
        # The labels at SFO in February see the late row: rows 2, 5 and 6.
        self.assertEqual(found["cells", "airport_delays__delay_max_40d: 3 rows, the first is row 2"], ("25", "99"))
        self.assertNotIn("airport_delays__last_delay", str(found))

    def test_definitions__their_lines(self):
        a = self.build()
        self.project.write("features/delays.yaml", VIEWS.replace("at: before", "at: at_or_before\n    ttl: 9d"))
        self.project.floe_ok("apply")
        found = self.diff(a, self.build(out="b.parquet"))
        self.assertEqual(found["view", "airport_delays at"], ("before", "at_or_before"))
        self.assertEqual(found["view", "airport_delays ttl"], ("", "9d"))

    def test_features_and_spines__which_are_only_in_one(self):
        a = self.build()
        self.project.write_csv("short.csv", SPINE_HEADER, SPINE[:2])
        b = self.project.floe_ok("dataset", "build", "--features", "airport_delays:last_delay", "--spine", "short.csv", "-o",
                                 "b.parquet", "--json").json
        run = self.project.floe_ok("dataset", "diff", a["id"], b["id"], "--json")
        self.assertIn("spines differ", run.err)
        found = {(row["kind"], row["what"]): (row["before"], row["after"]) for row in run.json}
        self.assertEqual(found["feature", "airport_delays:delay_count_1d"], ("there", None))
        self.assertEqual(found["fact", "rows"], ("6", "2"))

    def test_a_file_that_is_gone__is_said(self):
        a, b = self.build(), self.build("--as-known", out="b.parquet")
        os.remove(self.project.path("b.parquet"))
        self.assertIn("gone", self.project.floe_ok("dataset", "diff", a["id"], b["id"]).err)
        self.refused(self.project.floe("dataset", "diff", a["id"], "nope"), "NOT_FOUND", "nope")
        self.refused(self.project.floe("dataset", "diff", a["id"]), "USAGE")


class Show(Case):
    def test_statistics__are_those_of_the_file(self):
        built = self.build()
        manifest = self.project.floe_ok("dataset", "show", built["id"], "--json").json
        table = pq.read_table(self.project.path("out.parquet"))
        for feature in manifest["features"]:
            column = table[feature["feature"].replace(":", "__")]
            values = [v for v in column.to_pylist() if v is not None]
            self.assertEqual((feature["nulls"], feature["count"]), (column.null_count, len(values)))
            if values and not isinstance(values[0], str):
                self.assertEqual((feature["min"], feature["max"]), (min(values), max(values)))
                self.assertAlmostEqual(feature["mean"], sum(values) / len(values))
                self.check_histogram(feature["histogram"], values)
            elif values:
                self.assertEqual(feature["distinct"], len(set(values)))
                self.assertEqual({t["value"]: t["count"] for t in feature["top"]}, {v: values.count(v) for v in values})

    def check_histogram(self, histogram, values):
        counts = [0] * len(histogram["counts"])
        for value in values:
            counts[int((value - histogram["from"]) // histogram["width"])] += 1
        self.assertEqual(histogram["counts"], counts)

    def test_the_facts_say_what_made_it(self):
        built = self.build("--as-known", "--name", "train", "--engine", "duckdb")
        manifest = self.project.floe_ok("dataset", "show", "train", "--json").json
        self.assertEqual((manifest["id"], manifest["engine"], manifest["as_known"]), (built["id"], "duckdb", True))
        self.assertRegex(manifest["duckdb_version"], r"^v\d+\.\d+")
        self.assertTrue(manifest["floe_version"])
        self.assertEqual(manifest["path"], self.project.path("out.parquet"))
        self.assertEqual([c["name"] for c in manifest["spine"]["columns"]], SPINE_HEADER)
        self.assertEqual(manifest["views"][0]["at"], "before")

    def test_manifest_and_registry__hold_everything_that_is_needed_to_make_it_again(self):
        built = self.build("--name", "train")
        with open(self.manifest_path(built)) as file:
            manifest = json.load(file)
        self.assertEqual(self.project.floe_ok("dataset", "show", built["id"], "--json").json, manifest)
        version = self.project.floe_ok("history", "--json").json
        self.assertEqual(manifest["definitions_version"], max(row["version"] for row in version))
        snapshots = {row["snapshot"] for row in self.project.floe_ok("table", "snapshots", "lake.aviation.flights", "--json").json}
        source, = manifest["sources"]
        self.assertIn(source["snapshot_id"], snapshots)
        self.assertRegex(manifest["spine"]["content_hash"], "^[0-9a-f]{64}$")
        self.assertRegex(manifest["content_hash"], "^[0-9a-f]{64}$")
        self.assertEqual((manifest["name"], manifest["rows"], manifest["ties_decided_by_file_order"]), ("train", 6, 0))
        self.assertTrue(self.project.floe_ok("--version").out.strip().endswith(manifest["floe_version"]))
        for feature in manifest["features"]:
            self.assertEqual(feature["nulls"] + feature["count"], 6)
            self.assertTrue("histogram" in feature or "top" in feature or feature["count"] == 0, feature)
        listed, = self.project.floe_ok("dataset", "ls", "--json").json
        for fact in ("id", "name", "rows", "content_hash"):
            self.assertEqual(listed[fact], manifest[fact], fact)
        self.assertTrue(os.path.exists(os.path.join(os.path.dirname(self.manifest_path(built)), "spine.parquet")))

    def test_show__is_for_people(self):
        """A fact of several parts is words; a list has a row for each item."""
        out = self.project.floe_ok("dataset", "show", self.build()["id"]).out
        self.assertNotIn('{"', out)
        for words in ("reading the spine, ", "joining, ", "from spine.csv, ", ", table lake.aviation.flights, ", ", at before"):
            self.assertIn(words, out)

    def test_shapes__are_blocks_where_the_terminal_has_them(self):
        built = self.build()
        run = self.project.floe_ok("dataset", "show", built["id"], env={"LC_ALL": "C.UTF-8"})
        self.assertIn("█", run.out)
        run = self.project.floe_ok("dataset", "show", built["id"], env={"LC_ALL": "C"})
        self.assertNotIn("█", run.out)
        self.assertIn("@", run.out)
        self.assertIn("airport_delays:delay_stddev_40d", run.out)


if __name__ == "__main__":
    unittest.main()
