"""Files below folders that are named like `a=7`: a file's columns are those that stand in it. The engine's readers would take such a
name for a column, in the place of the file's own. Spines and outputs of every form, imports, tables and their delete files, and
the spill folder. timeout: 600"""
import json
import os
import sys
import unittest

import pyarrow as pa
import pyarrow.ipc

sys.path.insert(0, os.path.dirname(__file__))
from dataset_support import Project, entity, source, view  # noqa: E402

ROWS = "SELECT * FROM (VALUES (1, TIMESTAMP '2001-01-02 00:00:00', 'x'), (2, TIMESTAMP '2001-01-02 00:00:00', 'y')) s(a, t, note)"
WANT = [(1, "x", 10), (2, "y", 20)]
FOLDER = os.path.join("a=7", "note=n", "day=2001-01-01", "v__last=3", "c1=5", "pos=3", "json=1", "line=2", "v=9")


class Folders(unittest.TestCase):
    def setUp(self):
        self.project = Project()
        self.addCleanup(self.project.__exit__)
        os.makedirs(self.project.path(FOLDER))
        self.project.table("events", "SELECT * FROM (VALUES (1::BIGINT, TIMESTAMP '2001-01-01', 10), (2, TIMESTAMP '2001-01-01', 20)) "
                           "s(a, ts, v)")
        self.project.define(entity("{name: a, type: int64}") + source() + "feature_views:\n" + view("{name: last, column: v}"))

    def read(self, name):
        return self.project.rows(f"SELECT * EXCLUDE (t) FROM read_parquet('$D/{name}', hive_partitioning = false)")

    def write(self, form):
        name = os.path.join(FOLDER, f"s.{form}")
        rows = self.project.db.sql(ROWS.replace("(1,", "(1::BIGINT,", 1))
        if form == "arrow":
            with pa.ipc.new_file(self.project.path(name), rows.to_arrow_table().schema) as out:
                out.write_table(rows.to_arrow_table())
        else:
            self.project.file(name, rows.sql_query())
        return name

    def test_spines__have_their_own_columns_alone(self):
        for form in ("parquet", "csv", "jsonl", "arrow"):
            with self.subTest(form):
                facts = self.project.build("--time", "t", spine=self.write(form), features="v")
                self.assertEqual(self.read("out.parquet"), WANT)
                self.project.floe("dataset", "rebuild", facts["id"], "-o", "again.parquet")
                self.assertEqual(self.read("again.parquet"), WANT)

    def test_outputs__are_audited_where_they_lie(self):
        spine = self.write("parquet")
        for form in ("parquet", "csv", "jsonl", "arrow"):
            with self.subTest(form):
                facts = self.project.build("--time", "t", spine=spine, features="v", out=os.path.join(FOLDER, f"out.{form}"))
                self.project.floe("dataset", "audit", facts["id"])

    def test_imports__have_their_own_columns_alone(self):
        for form in ("parquet", "csv", "jsonl"):
            with self.subTest(form):
                self.project.floe("table", "import", self.write(form), "lake.t.copy", "--replace")
                lines = self.project.floe("table", "scan", "lake.t.copy", "--json").splitlines()
                self.assertEqual([(row["a"], row["note"]) for row in map(json.loads, lines)], [(1, "x"), (2, "y")])
                self.assertEqual(set(json.loads(lines[0])), {"a", "t", "note"})

    def test_spilled_parts__are_what_was_written(self):
        for way in (["--memory", "1B"], ["--engine", "duckdb"]):
            self.project.build("--time", "t", *way, spine=self.write("csv"), features="v", env={"TMPDIR": self.project.path(FOLDER)})
            self.assertEqual(self.read("out.parquet"), WANT)


class Projects(Folders):
    """The same where the whole project, and its tables, lie below such a folder."""

    def setUp(self):
        super().setUp()
        inner = self.project.path("a=8", "v=4", "c3=6")
        os.makedirs(inner)
        for name in os.listdir(self.project.folder):
            if name != "a=8":
                os.rename(self.project.path(name), os.path.join(inner, name))
        outer, self.project.folder = self.project.folder, inner
        self.addCleanup(setattr, self.project, "folder", outer)
        # A table knows where it lies: made again here.
        self.project.table("moved", "SELECT * FROM (VALUES (1::BIGINT, TIMESTAMP '2001-01-01', 10), (2, TIMESTAMP '2001-01-01', 20)) "
                           "s(a, ts, v)")
        self.project.define(entity("{name: a, type: int64}") + source(table="moved") + "feature_views:\n" + view("{name: last, column: v}"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
