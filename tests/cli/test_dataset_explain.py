#!/usr/bin/env python3
"""floe dataset build --explain and --memory: what would be read, that the rest is not, what a terminal sees meanwhile, and what
is left of a build that was stopped or killed."""
import glob
import os
import shutil
import signal
import subprocess
import tempfile
import unittest

import duckdb
import pyarrow.parquet as pq

from harness import DEADLINE_S, FLOE, Checks, Project

VIEW = """entities: [{{name: e, keys: [{{name: k, type: int64}}]}}]
sources: [{{name: events, table: lake.t.{table}, event_time: ts}}]
feature_views:
  - name: v
    entity: e
    source: events
    {ttl}
    features: [{{name: last, column: x}}]
    aggregates: [{{column: x, functions: [count, sum], windows: [{window}]}}]
"""
ROWS = 400_000  # A minute each: 277 days, in four row groups of 122,880 rows.
os.environ["FLOE_MEMORY_LEAST"] = "1"  # A small question in so little that it is divided.


class Case(Checks, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.project = Project()
        cls.query(f"SELECT range % 50 AS k, TIMESTAMP '2024-01-01' + to_minutes(range) AS ts, range AS x FROM range({ROWS})",
                  "events.parquet")
        cls.project.floe_ok("table", "import", "events.parquet", "lake.t.sorted")
        cls.query(f"SELECT range % 50 AS k, timezone('UTC', TIMESTAMP '2024-01-01' + to_minutes(range)) AS ts, range AS x FROM range({ROWS})",
                  "zoned.parquet")
        cls.project.floe_ok("table", "import", "zoned.parquet", "lake.t.zoned")
        cls.project.floe_ok("table", "import", "events.parquet", "lake.t.months", "--partition", "month(ts)")
        cls.query("SELECT range % 60 AS k, TIMESTAMP '2024-03-01' + to_minutes(range * 7) AS t, range AS label FROM range(500)",
                  "spine.parquet")
        cls.query("SELECT range % 60 AS k, TIMESTAMP '2024-09-01' + to_minutes(range * 7) AS t, range AS label FROM range(500)",
                  "late.parquet")

    @classmethod
    def tearDownClass(cls):
        cls.project.__exit__()

    @classmethod
    def query(cls, sql, name):
        duckdb.sql(f"COPY ({sql}) TO '{cls.project.path(name)}' (FORMAT parquet)")

    def define(self, table, ttl="ttl: 5d", window="3d"):
        self.project.write("features/f.yaml", VIEW.format(table=table, ttl=ttl, window=window))
        self.project.floe_ok("apply")

    def build(self, *options, spine="spine.parquet", out="out.parquet", **kwargs):
        return self.project.floe("dataset", "build", "--features", "v", "--spine", spine, "-o", out, *options, **kwargs)

    def explain(self, *options, spine="spine.parquet"):
        run = self.project.floe_ok("dataset", "build", "--features", "v", "--spine", spine, "--explain", "--json", *options)
        return {row["step"]: row for row in run.json}


class Explain(Case):
    def test_partitions_after_and_before_what_labels_reach__are_not_read(self):
        self.define("months")
        source = self.explain()["source"]
        # Labels from 1 to 3 March; five days back is 25 February: two months of ten.
        self.assertEqual((source["files"], source["of"]), (2, 10))
        self.assertEqual(source["pruned_by_partition"], 8)
        self.assertIn("2024-02-25T00:00:00Z to 2024-03-03T10:13:00Z", source["what"])

    def test_an_unbounded_feature__needs_all_that_came_before(self):
        for ttl, window in (("", "3d"), ("ttl: 5d", "4000d")):
            self.define("months", ttl, window)
            source = self.explain()["source"]
            self.assertEqual((source["files"], source["of"]), (3, 10), "January, February and March")

    def test_row_groups_outside__are_counted(self):
        self.define("sorted")
        source = self.explain()["source"]
        # 60 days of 1,440 rows: rows 79,200 (25 February) to 89,000 (3 March) lie in the first group.
        self.assertEqual((source["row_groups"], source["of_row_groups"], source["files"]), (1, 4, 1))
        self.assertEqual(self.explain(spine="late.parquet")["source"]["row_groups"], 1)
        self.define("sorted", "")
        self.assertEqual(self.explain(spine="late.parquet")["source"]["row_groups"], 3)

    def test_what_is_pruned__is_never_read(self):
        """Every byte of the row groups that explain leaves out is overwritten: the build does not see it. One that needs them
        fails, so that the overwriting is proved to hurt."""
        for table in ("sorted", "zoned"):
            with self.subTest(table):
                self.check_never_read(table)

    def check_never_read(self, table):
        self.define(table)
        before = self.ok(self.build("--json")).json
        path, = glob.glob(self.project.path(f"lakehouse/t/{table}/data/**/*.parquet"), recursive=True)
        metadata = pq.read_metadata(path)
        self.assertEqual(metadata.num_row_groups, 4)
        shutil.copy(path, path + ".kept")
        try:
            with open(path, "r+b") as file:
                for group in range(1, 4):
                    for column in range(metadata.num_columns):
                        chunk = metadata.row_group(group).column(column)
                        start = chunk.dictionary_page_offset or chunk.data_page_offset
                        file.seek(start)
                        file.write(b"\xff" * chunk.total_compressed_size)
            for memory in ([], ["--memory", "1MB"]):
                again = self.ok(self.build("--json", out="again.parquet", *memory)).json
                self.assertEqual(again["content_hash"], before["content_hash"])
            self.assertNotEqual(self.build(spine="late.parquet").code, 0)
        finally:
            os.replace(path + ".kept", path)

    def test_labels_without_a_time__need_no_row(self):
        """The table's files are away: nothing of them is read, whichever way answers."""
        self.query("SELECT 1::BIGINT AS k, NULL::TIMESTAMP AS t, range AS label FROM range(3)", "timeless.parquet")
        self.query("SELECT 1::BIGINT AS k, TIMESTAMP '2024-03-01' AS t, 1 AS label FROM range(0)", "nothing.parquet")
        self.define("months", "")
        data = self.project.path("lakehouse/t/months/data")
        os.rename(data, data + ".away")
        try:
            for spine in ("timeless.parquet", "nothing.parquet"):
                source = self.explain(spine=spine)["source"]
                self.assertEqual((source["files"], source["of"], source["rows"], source["bytes"]), (0, 10, 0, 0))
                self.assertIn("no events, because no row of the spine has a time", source["what"])
                for way in ([], ["--engine", "duckdb"]):
                    built = self.ok(self.build("--json", *way, spine=spine)).json
                    rows = duckdb.sql(f"SELECT v__last, v__x_count_3d FROM '{self.project.path('out.parquet')}'").fetchall()
                    self.assertEqual(rows, [(None, 0)] * (3 if spine == "timeless.parquet" else 0))
                self.project.floe_ok("dataset", "audit", built["id"])
        finally:
            os.rename(data + ".away", data)

    def test_bytes__have_units_for_people(self):
        self.define("sorted")
        text = self.project.floe_ok("dataset", "build", "--features", "v", "--spine", "spine.parquet", "--explain").out
        source = next(line for line in text.splitlines() if line.startswith("source"))
        self.assertRegex(source, r" \d+\.\d [kM]B ")
        self.assertRegex(next(line for line in text.splitlines() if line.startswith("write")), r" \d+\.\d [MG]B ")

    def test_memory__decides_between_at_once_and_parts(self):
        self.define("sorted", "")
        self.assertIn("at once", self.explain()["join"]["what"])
        parts = self.explain("--memory", "8MB")["join"]
        self.assertIn("in one scan whose rows are spilled", parts["what"])
        self.assertEqual(parts["memory"], 4_000_000)
        self.assertIn("SQL", self.explain("--engine", "duckdb")["join"]["what"])

    def test_columns__are_those_that_are_read__of_those_that_there_are(self):
        """Every chunk of one column after the other is overwritten: as many hurt as are said to be read."""
        self.query("SELECT range % 50 AS k, TIMESTAMP '2024-03-01' + to_minutes(range) AS ts, range AS x, TIMESTAMP '2024-03-01' + "
                   "to_minutes(range) AS known, range AS unread, range % 3 AS kind, 't' || range AS also FROM range(2000)",
                   "wide.parquet")
        self.project.floe_ok("table", "import", "wide.parquet", "lake.t.wide")
        shape = VIEW.replace("event_time: ts", "event_time: ts, created_time: known").replace("{ttl}", "where: \"kind < 2\"")
        self.project.write("features/f.yaml", shape.format(table="wide", window="3d"))
        self.project.floe_ok("apply")
        self.assertIn("5 of 7 columns", self.explain()["source"]["what"])  # k, ts, x, known, kind
        path, = glob.glob(self.project.path("lakehouse/t/wide/data/**/*.parquet"), recursive=True)
        metadata, hurt = pq.read_metadata(path), []
        self.assertEqual(metadata.num_columns, 7)
        for column in range(metadata.num_columns):
            shutil.copy(path, path + ".kept")
            try:
                with open(path, "r+b") as file:
                    for group in range(metadata.num_row_groups):
                        chunk = metadata.row_group(group).column(column)
                        file.seek(chunk.dictionary_page_offset or chunk.data_page_offset)
                        file.write(b"\xff" * chunk.total_compressed_size)
                if self.build().code != 0:
                    hurt.append(metadata.row_group(0).column(column).path_in_schema)
            finally:
                os.replace(path + ".kept", path)
        self.assertEqual(sorted(hurt), ["k", "kind", "known", "ts", "x"])

    def test_so_little_memory_that_nothing_works__is_refused_with_the_least_that_does(self):
        self.define("sorted")
        for given in "1", "1MB", "63999999":
            self.refused(self.build("--memory", given, env={"FLOE_MEMORY_LEAST": ""}), "USAGE", f"--memory {given} is too little",
                         "64MB")
        self.ok(self.build("--memory", "64MB", env={"FLOE_MEMORY_LEAST": ""}))
        self.refused(self.build("--memory", "1MB", env={"FLOE_MEMORY_LEAST": "some"}), "INVALID", "FLOE_MEMORY_LEAST")

    def test_it_writes_nothing_and_needs_no_output(self):
        self.define("sorted")
        with self.unchanged(self.project.folder):
            run = self.project.floe_ok("dataset", "build", "--features", "v", "--spine", "spine.parquet", "--explain")
            self.assertIn("events (lake.t.sorted", run.out)
            self.refused(self.project.floe("dataset", "build", "--features", "v", "--spine", "spine.parquet"), "USAGE", "-o")

    def test_a_manifest_keeps_what_was_read_and_how_long_it_took(self):
        self.define("months")
        built = self.ok(self.build("--json")).json
        manifest = self.project.floe_ok("dataset", "show", built["id"], "--json").json
        source, = manifest["sources"]
        self.assertEqual((source["files_read"], source["files_total"], source["files_pruned_by_partition"]), (2, 10, 8))
        steps = [step["step"] for step in manifest["steps"]]
        self.assertEqual(steps, ["reading the spine", "reading sources", "joining", "writing", "hashing"])
        self.assertGreater(sum(step["micros"] for step in manifest["steps"]), 0)
        self.assertGreater(manifest["peak_memory_bytes"], 10_000_000)


    def test_times__are_those_of_the_newest_dataset_over_the_same_tables(self):
        self.project.floe_ok("table", "import", "events.parquet", "lake.t.timed")
        self.define("sorted")
        self.build()
        self.define("timed")
        fresh = self.explain()
        self.assertGreater(fresh["spine"]["micros"], 0)
        self.assertEqual([fresh[step]["micros"] for step in ("source", "join", "write")], [None] * 3, "nothing was built over this table")
        self.build("--engine", "duckdb")
        self.assertIsNone(self.explain()["join"]["micros"], "another engine took that long")
        built = self.ok(self.build("--json")).json
        manifest = self.project.floe_ok("dataset", "show", built["id"], "--json").json
        took = {step["step"]: step["micros"] for step in manifest["steps"]}

        def check(again, source, join, write):
            self.assertAlmostEqual(again["source"]["micros"], took["reading sources"] * source, delta=2)
            self.assertAlmostEqual(again["join"]["micros"], took["joining"] * join, delta=2)
            self.assertAlmostEqual(again["write"]["micros"], (took["hashing"] + took["writing"]) * write, delta=2)
        check(self.explain(), 1, 1, 1)
        self.query("FROM 'spine.parquet' LIMIT 100".replace("spine", self.project.path("spine")), "few.parquet")
        check(self.explain(spine="few.parquet"), 1, (ROWS + 100 * 3) / (ROWS + 500 * 3), 0.2)
        self.assertRegex(self.project.floe_ok("dataset", "build", "--features", "v", "--spine", "spine.parquet", "--explain").out,
                         r"join .* \d+\.\d{3} s\n")


class Progress(Case):
    def test_a_terminal__sees_a_bar(self):
        self.define("sorted", "")
        run = self.ok(self.build(env={"FLOE_PROGRESS": "always"}))
        self.assertRegex(run.err, r"reading sources: \[#* *\] \d+ %")
        self.assertTrue(run.err.endswith("\r\033[K"), "the line is gone at the end")
        self.assertEqual(self.ok(self.build()).err, "", "and a pipe sees nothing")


class Stopped(Case):
    def setUp(self):
        self.temp = tempfile.mkdtemp(prefix="floe-tmp-")
        self.addCleanup(shutil.rmtree, self.temp)
        self.define("sorted", "")

    def start(self):
        """A build in parts that has come to write them."""
        process = subprocess.Popen([FLOE, "dataset", "build", "--features", "v", "--spine", "late.parquet", "-o",
                                    "stopped.parquet", "--memory", "64kB"], cwd=self.project.folder, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env={**os.environ, "TMPDIR": self.temp, "FLOE_PROGRESS": "always"})
        seen = b""
        while b"joining" not in seen:
            byte = process.stderr.read(1)
            self.assertTrue(byte, seen)
            seen += byte
        return process

    def folders(self):
        return os.listdir(self.temp)

    def test_interrupted__leaves_nothing(self):
        with self.unchanged(self.project.folder):
            process = self.start()
            self.assertNotEqual(self.folders(), [])
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=DEADLINE_S)
            self.assertEqual(process.returncode, 14, err.decode())
        self.assertEqual(self.folders(), [])

    def test_killed__the_next_run_cleans_up(self):
        process = self.start()
        process.kill()
        process.communicate(timeout=DEADLINE_S)
        self.assertEqual(len(self.folders()), 1)
        self.assertNotEqual(os.listdir(os.path.join(self.temp, self.folders()[0])), [])
        self.ok(self.build(env={"TMPDIR": self.temp}))
        self.assertEqual(self.folders(), [])
        self.assertFalse(os.path.exists(self.project.path("stopped.parquet")))


class Memory(Checks, unittest.TestCase):
    """What --explain expects of the join is not less than what the process really takes, but for 128 MB (docs/datasets.md)."""
    SLACK = 128 * 10**6
    SHAPES = {
        # name: columns of 2,000,000 rows, features, aggregates, labels
        "many windows over few keys": ("range % 20000 AS k, range AS x, range / 7 AS d", "",
                                       "{column: x, functions: [sum, max, mean], windows: [1h, 1d]}, {column: d, functions: [stddev], windows: [1d]}",
                                       100_000),
        "many labels, one row each": ("range % 1500000 AS k, range AS x, range / 7 AS d", "{name: a, column: x}, {name: b, column: d}", "",
                                      1_500_000),
        "texts": ("range % 20000 AS k, 'text ' || (range * 7919 % 300000) AS x", "",
                  "{column: x, functions: [count_distinct, {top_k: 3}, last], windows: [1d]}", 50_000)}

    def test_what_the_join_takes__is_not_above_what_was_expected(self):
        taken = []
        for name, (columns, features, aggregates, labels) in self.SHAPES.items():
            with self.subTest(name), Project() as project:
                def query(sql, file):
                    duckdb.sql(f"COPY ({sql}) TO '{project.path(file)}' (FORMAT parquet)")
                query(f"SELECT {columns}, TIMESTAMP '2024-01-01' + to_seconds(range) AS ts FROM range(2000000)", "e.parquet")
                project.floe_ok("table", "import", "e.parquet", "lake.t.events")
                outputs = f"features: [{features}]" if features else f"aggregates: [{aggregates}]"
                project.write("features/f.yaml", "entities: [{name: e, keys: [{name: k, type: int64}]}]\n"
                              "sources: [{name: events, table: lake.t.events, event_time: ts}]\n"
                              f"feature_views: [{{name: v, entity: e, source: events, {outputs}}}]\n")
                project.floe_ok("apply")
                spine = "SELECT {key} AS k, TIMESTAMP '2024-01-01' + to_seconds(range * {step}) AS t FROM range({count})"
                query(spine.format(key="range", step=2_000_000 // labels, count=labels), "many.parquet")
                query(spine.format(key="-1", step=1_000_000, count=3), "idle.parquet")

                def build(spine, *more):
                    return project.floe_ok("dataset", "build", "--features", "v", "--spine", spine, "-o", "o.parquet", "--json", "--memory",
                                           "2GB", "--threads", "2", *more).json

                def peak(spine):
                    return project.floe_ok("dataset", "show", build(spine)["id"], "--json").json["peak_memory_bytes"]
                (join,) = [step for step in build("many.parquet", "--explain") if step["step"] == "join"]
                self.assertIn("at once", join["what"])
                more = peak("many.parquet") - peak("idle.parquet")
                taken.append(more)
                if not os.environ.get("FLOE_SANITIZE"):  # which keeps what was freed
                    self.assertLess(more, join["memory"] + self.SLACK)
        self.assertGreater(sum(taken), 2 * self.SLACK, f"{taken}: too little for this to prove anything")


if __name__ == "__main__":
    unittest.main()
