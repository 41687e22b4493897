#!/usr/bin/env python3
"""floe dataset build, ls and show: a training set against a nested loop written here, in every form of spine and output,
and every wrong use."""
import csv
import json
import os
import random
import shutil
import sqlite3
import subprocess
import time
import unittest

import pyarrow as pa
import pyarrow.parquet as pq

from harness import DELAYS, FLIGHTS, FLIGHTS_HEADER, FLOE, Checks, Project, flights_project, wait_until

BUILD = ["dataset", "build", "--features", "airport_delays", "--spine", "spine.csv", "-o", "out.csv"]
SPINE_HEADER = ["origin", "at", "label"]


def visible(rows, origin, at, as_known):
    """FACE's rule for `at: before` and `where: delay IS NOT NULL`, row by row."""
    return [row for row in rows
            if row[1] == origin and row[3] != "" and row[0] < at and (not as_known or row[5] <= at)]


def expected(rows, origin, at, as_known):
    """last_delay, delay_count, delay_mean, delay_max as CSV text gives them back: the newest row (then the one known
    last) wins."""
    seen = visible(rows, origin, at, as_known)
    delays = [int(row[3]) for row in seen]
    if not delays:
        return [None, 0, None, None]
    winner = max(seen, key=lambda row: (row[0], row[5]))
    return [int(winner[3]), len(delays), sum(delays) / len(delays), max(delays)]


def read_csv(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def spine_time(text):
    """The time of a written CSV, RFC 3339 in UTC, as the spines and the flights of these tests spell it."""
    assert len(text) == 20 and text[10] == "T" and text[-1] == "Z", text
    return text[:-1].replace("T", " ")


def features_of(row):
    texts = [row["airport_delays__" + name] for name in ("last_delay", "delay_count", "delay_mean", "delay_max")]
    return [None if text in ("", None) else float(text) for text in texts]


class Build(Checks, unittest.TestCase):
    def setUp(self):
        self.project = flights_project()
        self.addCleanup(shutil.rmtree, self.project.folder)
        self.spine = [["SFO", "2001-01-01 00:10:00", "1"], ["SFO", "2001-01-01 00:10:01", "2"],
                      ["SFO", "2001-02-03 00:10:00", "3"], ["SFO", "2001-02-03 06:00:00", "4"],
                      ["SFO", "2001-02-03 07:00:00", "5"], ["JFK", "2001-03-01 00:00:00", "6"],
                      ["XXX", "2001-03-01 00:00:00", "7"], ["", "2001-03-01 00:00:00", "8"]]
        self.project.write_csv("spine.csv", SPINE_HEADER, self.spine)

    def check(self, path, as_known, spine=None, rows=FLIGHTS):
        built = [{**row, "at": spine_time(row["at"])} for row in read_csv(path)]
        self.assertEqual([[row[c] for c in SPINE_HEADER] for row in built], spine or self.spine,
                         "every spine row once and in order")
        for row in built:
            for got, want in zip(features_of(row), expected(rows, row["origin"], row["at"], as_known), strict=True):
                if got is None or want is None:
                    self.assertEqual(got, want, row)
                else:
                    self.assertAlmostEqual(got, want, places=9, msg=str(row))

    def test_a_set_holds_what_a_nested_loop_finds(self):
        for engine in ([], ["--engine", "native"], ["--engine", "duckdb"]):
            self.project.floe_ok(*BUILD, *engine)
            self.check(self.project.path("out.csv"), as_known=False)
            self.project.floe_ok(*BUILD, *engine, "--as-known")
            self.check(self.project.path("out.csv"), as_known=True)

    def test_a_larger_set_holds_what_a_nested_loop_finds(self):
        seed = int(os.environ.get("FLOE_SEED") or random.randrange(2**32))
        with self.subTest(seed=seed):
            r = random.Random(seed)

            def time(hour):
                return f"2001-01-{hour // 24 + 1:02} {hour % 24:02}:00:00"

            rows = []
            for _ in range(400):
                hour = r.randrange(500)
                rows.append([time(hour), r.choice(["SFO", "JFK", "LAX"]), "X", r.choice(["", str(r.randrange(-9, 99))]),
                             "1", time(hour + r.randrange(20))])
            # No two rows of one airport and time: which of them is newest would be left to the file's order.
            rows = list({(row[0], row[1]): row for row in rows}.values())
            self.project.write_csv("flights.csv", FLIGHTS_HEADER, rows)
            self.project.floe_ok("table", "import", "flights.csv", "lake.aviation.flights", "--replace")
            spine = [[r.choice(["SFO", "JFK", "LAX", "XXX"]), time(r.randrange(520)), str(i)] for i in range(300)]
            self.project.write_csv("spine.csv", SPINE_HEADER, spine)
            for as_known in (False, True):
                for engine in ("native", "duckdb"):
                    self.project.floe_ok(*BUILD, "--engine", engine, *(["--as-known"] if as_known else []))
                    self.check(self.project.path("out.csv"), as_known, spine, rows)

    def test_every_form_of_spine_and_output_gives_the_same(self):
        self.project.floe_ok(*BUILD)
        want = [features_of(row) for row in read_csv(self.project.path("out.csv"))]
        columns = list(zip(*self.spine))
        table = pa.table({"origin": pa.array([c or None for c in columns[0]]),
                          "at": pa.array(columns[1]).cast(pa.timestamp("us")), "label": pa.array(columns[2])})
        pq.write_table(table, self.project.path("spine.parquet"))
        self.project.floe_ok("table", "import", "spine.parquet", "lake.labels.spine")
        for spine in ("spine.parquet", self.project.path("spine.csv"), "lake.labels.spine", "./lakehouse/labels/spine"):
            for out in ("o.csv", "o.parquet", "o.jsonl"):
                self.project.floe_ok("dataset", "build", "--service", "delay_model", "--spine", spine, "-o", out)
                path = self.project.path(out)
                if out == "o.csv":
                    rows = read_csv(path)
                elif out == "o.parquet":
                    rows = pq.read_table(path).to_pylist()
                else:
                    with open(path) as file:
                        rows = [json.loads(line) for line in file]
                self.assertEqual([features_of(row) for row in rows], want, (spine, out))

    def test_features_come_in_the_order_asked(self):
        self.project.floe_ok("dataset", "build", "--features", "airport_delays:delay_max, airport_delays:last_delay",
                             "--spine", "spine.csv", "-o", "o.csv")
        self.assertEqual(list(read_csv(self.project.path("o.csv"))[0])[3:],
                         ["airport_delays__delay_max", "airport_delays__last_delay"])

    def test_keys_and_time_may_have_other_names(self):
        self.project.write_csv("named.csv", ["from", "seen", "later"],
                               [[a, b, "2030-01-01 00:00:00"] for a, b, _ in self.spine])
        run = self.project.floe("dataset", "build", "--features", "airport_delays", "--spine", "named.csv", "--keys",
                                "origin=from", "-o", "o.csv")
        self.refused(run, "INVALID", "--time")
        self.project.floe_ok("dataset", "build", "--features", "airport_delays", "--spine", "named.csv", "--keys",
                             "origin=from", "--time", "seen", "-o", "o.csv")
        for row in read_csv(self.project.path("o.csv")):
            self.assertEqual(features_of(row), expected(FLIGHTS, row["from"], spine_time(row["seen"]), False))

    def test_it_is_listed_and_shown_with_what_it_was_built_from(self):
        built = self.project.floe_ok(*BUILD, "--name", "first", "--json").json
        again = self.project.floe_ok(*BUILD, "--json").json
        self.assertEqual(built["content_hash"], again["content_hash"], "the same again is the same")
        self.assertEqual((built["rows"], built["features"], built["out"]), (8, 4, "out.csv"))
        listed = {row["id"]: row for row in self.project.floe_ok("dataset", "ls", "--json").json}
        self.assertEqual(listed[built["id"]]["name"], "first")
        self.assertEqual(listed[built["id"]]["rows"], 8)
        self.assertEqual(listed[built["id"]]["content_hash"], built["content_hash"])
        manifest = self.project.floe_ok("dataset", "show", built["id"], "--json").json
        snapshot = self.project.floe_ok("table", "show", "lake.aviation.flights", "--json").json["snapshot_id"]
        self.assertEqual([s["snapshot_id"] for s in manifest["sources"]], [snapshot])
        self.assertEqual(manifest["content_hash"], built["content_hash"])
        self.assertIn(str(snapshot), self.project.floe_ok("dataset", "show", built["id"]).out)

    def test_no_dataset_yet_is_an_empty_list(self):
        self.assertEqual(self.project.floe_ok("dataset", "ls", "--json").json, [])
        self.refused(self.project.floe("dataset", "show", "nope"), "NOT_FOUND", "nope", "floe dataset ls")


class Wrong(Checks, unittest.TestCase):
    def setUp(self):
        self.project = flights_project()
        self.addCleanup(shutil.rmtree, self.project.folder)
        self.project.write_csv("spine.csv", SPINE_HEADER, [["SFO", "2001-01-05 00:00:00", "1"]])
        self.project.write("out.csv", "what was there before\n")

    def wrong(self, code, arguments, *parts):
        with self.unchanged(self.project.folder):
            run = self.refused(self.project.floe(*arguments), code, *parts)
        self.assertEqual(run.out, "")

    def build(self, **changes):
        options = {"features": "airport_delays", "spine": "spine.csv", "o": "out.csv", **changes}
        return ["dataset", "build"] + [part for name, value in options.items() if value is not None
                                       for part in (("-" if name == "o" else "--") + name, value)]

    def test_unknown_names_are_named_with_the_nearest(self):
        self.wrong("NOT_FOUND", self.build(features="airport_delay"), "airport_delay", "did you mean airport_delays?")
        self.wrong("NOT_FOUND", self.build(features="airport_delays:last_dela"), "last_dela", "last_delay")
        self.wrong("NOT_FOUND", self.build(features=None, service="delay_modl"), "did you mean delay_model?")
        self.wrong("NOT_FOUND", self.build(time="att"), "att")
        self.wrong("INVALID", self.build(keys="orign=label"), "orign")
        self.wrong("NOT_FOUND", self.build(keys="origin=lable"), "lable")
        self.wrong("USAGE", self.build(keys="origin=label,origin=other"), "origin twice")

    def test_a_missing_or_foreign_spine_is_named(self):
        self.wrong("NOT_FOUND", self.build(spine="nope.csv"), "nope.csv")
        self.wrong("NOT_FOUND", self.build(spine="lake.aviation.nope"), "lake.aviation.nope")
        self.project.write("spine.txt", "x")
        run = self.project.floe(*self.build(spine="spine.txt"))
        self.assertIn("spine.txt", run.err)
        self.assertNotEqual(run.code, 0)

    def test_a_spine_without_key_or_time_says_which(self):
        self.project.write_csv("spine.csv", ["airport", "at"], [["SFO", "2001-01-05 00:00:00"]])
        self.wrong("NOT_FOUND", self.build(), "origin", "--keys")
        self.project.write_csv("spine.csv", ["origin", "label"], [["SFO", "1"]])
        self.wrong("INVALID", self.build(), "--time")

    def test_a_key_of_the_wrong_type_names_its_column(self):
        rows = pa.table({"origin": pa.array([1], pa.int64()), "at": pa.array([0], pa.timestamp("us"))})
        pq.write_table(rows, self.project.path("spine.parquet"))
        self.wrong("INVALID", self.build(spine="spine.parquet"), "origin", "int64", "string")

    def test_text_that_is_no_key_of_its_type_names_its_column(self):
        self.project.write("features/delays.yaml", DELAYS.replace("origin, type: string", "distance, type: int64"))
        self.project.floe_ok("apply")
        self.project.write_csv("spine.csv", ["distance", "at"], [["12", "2001-01-05 00:00:00"], ["far", "2001-01-05 00:00:00"]])
        self.wrong("INVALID", self.build(), "distance", "far")

    def test_as_known_without_a_created_time_names_the_view(self):
        self.project.write("features/delays.yaml", DELAYS.replace(", created_time: known_at", ""))
        self.project.floe_ok("apply")
        self.wrong("INVALID", self.build() + ["--as-known"], "airport_delays", "created_time")

    def test_a_number_that_fits_no_key_names_its_column(self):
        self.project.write("features/delays.yaml", DELAYS.replace("origin, type: string", "distance, type: int64"))
        self.project.floe_ok("apply")
        for number in ("9223372036854775808", "-9223372036854775809", "9" * 20):
            self.project.write_csv("spine.csv", ["distance", "at"], [["12", "2001-01-05 00:00:00"], [number, "2001-01-05 00:00:00"]])
            self.wrong("INVALID", self.build(), "the spine spine.csv", '"distance"', f"no int64: {number}")
        self.project.write_csv("spine.csv", ["distance", "at"], [["9223372036854775807", "2001-01-05 00:00:00"],
                                                                 ["-9223372036854775808", "2001-01-05 00:00:00"]])
        self.project.floe_ok(*self.build(o="edge.csv"))

    def test_an_empty_spine_is_named(self):
        for name, text, said in (("spine.csv", "", "spine.csv is empty"), ("spine.jsonl", "", "spine.jsonl is empty"),
                                 ("spine.csv", "\n  \n\n", "spine.csv: the file has only blank lines")):
            self.project.write(name, text)
            self.wrong("INVALID", self.build(spine=name), said, "not even a header")

    def test_a_sum_outside_int64_is_said_alike_by_both_engines(self):
        self.project.write_csv("big.csv", ["k", "t", "x"], [["a", f"2020-01-0{day} 00:00:00", str(2**63 - 1)] for day in (1, 2, 3)])
        self.project.floe_ok("table", "import", "big.csv", "lake.n.big")
        self.project.write("features/big.yaml", """\
entities: [{name: e, keys: [{name: k, type: string}]}]
sources: [{name: big, table: lake.n.big, event_time: t}]
feature_views:
  - {name: v, entity: e, source: big, aggregates: [{column: x, functions: [sum]}]}
""")
        self.project.floe_ok("apply")
        self.project.write_csv("spine.csv", ["k", "at"], [["a", "2020-01-05 00:00:00"]])
        said = set()
        for engine in ("native", "duckdb"):
            run = self.project.floe(*self.build(features="v", engine=engine))
            said.add(self.refused(run, "INVALID", "v:x_sum", "k=a", "2020-01-05T00:00:00Z", '"x" does not fit int64').err)
        self.assertEqual(len(said), 1, said)

    def test_an_output_that_is_the_spine_is_refused(self):
        rows = pa.table({"origin": ["SFO"], "at": pa.array([978652800000000], pa.timestamp("us"))})
        pq.write_table(rows, self.project.path("spine.parquet"))
        os.symlink("spine.csv", self.project.path("other.csv"))
        os.link(self.project.path("spine.csv"), self.project.path("third.csv"))
        for spine, out in (("spine.csv", "spine.csv"), ("spine.csv", "./features/../spine.csv"), ("spine.csv", "other.csv"),
                           ("other.csv", "spine.csv"), ("third.csv", "spine.csv"), ("spine.parquet", "spine.parquet"),
                           ("spine.csv", self.project.path("spine.csv"))):
            self.wrong("INVALID", self.build(spine=spine, o=out), out, "is the spine itself", "name another file")
        self.project.floe_ok(*self.build())

    def test_an_output_among_a_tables_files_is_refused(self):
        """Whichever file it would take the place of, and however the way there is spelled."""
        flights = self.project.path("lakehouse", "aviation", "flights")
        data = next(os.path.join(folder, name) for folder, _, names in os.walk(os.path.join(flights, "data")) for name in names)
        os.symlink(os.path.join(flights, "data"), self.project.path("elsewhere"))
        old = os.path.join(flights, "old.parquet")
        shutil.copy(data, old)
        for out in (data, old, "lakehouse/aviation/flights/data/new.parquet", "elsewhere/new.csv",
                    "lakehouse/aviation/flights/metadata/x.jsonl"):
            self.wrong("INVALID", self.build(o=out), out, "among the files of the table", "name another place")
        self.project.floe_ok(*self.build())

    def test_wrong_outputs_are_named(self):
        self.wrong("UNSUPPORTED", self.build(o="out.xlsx"), "out.xlsx", ".parquet, .arrow, .feather, .arrows, .csv or .jsonl")
        self.wrong("NOT_FOUND", self.build(o="nope.ml.train"), "no catalog nope", ".parquet, .arrow, .feather, .arrows, .csv or .jsonl")
        run = self.project.floe(*self.build(o="/nowhere/out.csv"))
        self.assertIn(run.code, (4, 10), str(run))
        self.assertIn("/nowhere/out.csv", run.err)

    def test_a_name_that_is_none_is_refused(self):
        for name, word in (("", "--name is empty"), ("0123456789ab", "looks like the id of a dataset")):
            run = self.project.floe(*self.build(name=name))
            self.assertEqual(run.code, 2, str(run))
            self.assertIn(word, run.err)
        self.project.floe_ok(*self.build(name="0123456789abc"))

    def test_no_rows_as_lines_are_audited(self):
        self.project.write_csv("nothing.csv", SPINE_HEADER, [])
        for out in ("none.jsonl", "none.csv", "none.parquet", "none.arrow"):
            built = self.project.floe_ok("dataset", "build", "--features", "airport_delays", "--spine", "nothing.csv", "--time", "at", "-o", out, "--json").json
            self.project.floe_ok("dataset", "audit", built["id"])
        with open(self.project.path("none.jsonl"), "w") as file:
            file.write("{}\n")
        self.assertNotEqual(self.project.floe("dataset", "audit", "none.jsonl").code, 0)

    def test_before_anything_is_applied_the_reference_is_named(self):
        with Project() as fresh:
            fresh.write_csv("spine.csv", SPINE_HEADER, [])
            run = fresh.floe("dataset", "build", "--features", "airport_delays", "--spine", "spine.csv", "-o", "o.csv")
            self.refused(run, "NOT_FOUND", '"airport_delays" is not applied', "floe apply")


class Killed(Checks, unittest.TestCase):
    """A build that is killed: a dataset whose file is in place is in the list, whatever moment it was."""

    def setUp(self):
        self.project = flights_project()
        self.addCleanup(shutil.rmtree, self.project.folder)
        self.project.write_csv("spine.csv", SPINE_HEADER, [["SFO", "2001-02-03 06:00:00", "1"]])

    def listed(self):
        return {row["id"] for row in self.project.floe_ok("dataset", "ls", "--json").json}

    def start(self, out):
        return subprocess.Popen([FLOE, *BUILD[:-1], out], cwd=self.project.folder, stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def test_killed_before_the_registry_has_it_the_next_command_lists_it(self):
        self.project.floe_ok("dataset", "ls")
        locked = sqlite3.connect(self.project.path(".floe/registry.db"), isolation_level=None)
        locked.execute("BEGIN IMMEDIATE")  # readers go on, the build's entry waits
        process = self.start("killed.csv")
        try:
            wait_until(lambda: os.path.exists(self.project.path("killed.csv")), "the dataset's file")
        finally:
            process.kill()
            process.wait()
            locked.rollback()
            locked.close()
        (row,) = self.project.floe_ok("dataset", "ls", "--json").json
        shown = self.project.floe_ok("dataset", "show", row["id"], "--json").json
        self.assertEqual((shown["out"], shown["rows"], shown["content_hash"]), ("killed.csv", 1, row["content_hash"]))
        self.assertEqual(self.listed(), {row["id"]})
        self.assertEqual(os.listdir(self.project.path(".floe/datasets", row["id"])).count("unlisted"), 0)

    def test_killed_at_any_moment_no_file_is_without_its_entry(self):
        begin = time.monotonic()
        self.ok(self.project.floe(*BUILD))
        whole = time.monotonic() - begin
        seed = random.randrange(2**32)
        moments = random.Random(seed)
        outs = {row["id"] for row in self.project.floe_ok("dataset", "ls", "--json").json}
        for i in range(12):
            out = self.project.path(f"{i}.csv")
            process = self.start(out)
            try:
                process.wait(timeout=whole * moments.uniform(0.3, 1.1))
            except subprocess.TimeoutExpired:
                process.kill()
            process.wait()
            new = self.listed() - outs
            self.assertEqual(len(new), os.path.exists(out), f"seed {seed}, run {i}")
            for name in new:
                shown = self.project.floe_ok("dataset", "show", name, "--json").json
                self.assertEqual(shown["out"], out)
            outs |= new


if __name__ == "__main__":
    unittest.main()
