"""Iceberg tables as what is built and as spines: order, types, what other engines read, what exists already, made again, audited,
compared, held by expire. timeout: 600"""
import glob
import os
import sys
import unittest

from pyiceberg.table import StaticTable

sys.path.insert(0, os.path.dirname(__file__))
from dataset_support import Failed, Project, entity, source, view  # noqa: E402

INVALID, NOT_FOUND, CONFLICT, CORRUPT, UNSUPPORTED = 3, 4, 5, 11, 12
EVENTS = """SELECT * FROM (VALUES ('a', 1::BIGINT, TIMESTAMP '2020-01-01 00:00:00', 10::BIGINT),
    ('a', 1, TIMESTAMP '2020-01-01 12:00:00', 20), ('b', 2, TIMESTAMP '2020-01-01 06:00:00', 30),
    (NULL, 3, TIMESTAMP '2020-01-01 00:00:00', 40)) t(k, n, ts, v)"""
LABELS = """SELECT * FROM (VALUES ('a', TIMESTAMP '2020-01-01 12:00:00', 1::BIGINT),
    ('b', TIMESTAMP '2020-01-01 05:59:59.999999', 2), ('a', TIMESTAMP '2020-01-01 11:59:59.999999', 3),
    ('a', TIMESTAMP '2020-01-01 12:00:00', 1), ('nobody', TIMESTAMP '2021-01-01 00:00:00', 5)) s(k, t, label)"""
ANSWERS = [20, None, 10, 20, None]
TYPED = """SELECT k, t, label, 1.25::DECIMAL(9,2) d, uuid() u, [1, NULL, 3] l, {'x': 1, 'y': 'a'} st, MAP {'q': 2} m,
    TIME '01:02:03.5' tm, TIMESTAMPTZ '2020-01-01 00:00:00+00' tz, 'x'::BLOB z, true b, 1::UTINYINT u8, (-1)::TINYINT i8,
    1::UBIGINT u64, 1.5::FLOAT f, '{"a": 1}'::JSON j, DATE '1969-12-31' dd, [{'x': [1]}] deep FROM (""" + LABELS + ")"


def project():
    made = Project()
    made.table("events", EVENTS)
    made.define(entity() + source() + "feature_views:\n" +
                view("{name: last, column: v}", '{column: v, functions: [sum, {last_k: 2}]}'))
    made.file("s.parquet", LABELS)
    return made


def metadata(made, table):
    """The newest metadata file; there is no other reader of the catalog here than floe."""
    return max(glob.glob(made.path("lakehouse", "t", table, "metadata", "*.metadata.json")), key=os.path.getmtime)


def duckdb_rows(made, table, columns):
    """By DuckDB from the data files that the snapshot names, in their order: floe's own reader has no part in it."""
    plan = StaticTable.from_metadata(metadata(made, table)).scan().plan_files()
    files = [task.file.file_path.removeprefix("file://") for task in plan]
    return [row for path in files for row in made.rows(f"SELECT {columns} FROM '{path}'")]


class Tables(unittest.TestCase):
    def fails(self, made, code, *parts, spine="s.parquet", out="lake.t.train", options=(), features="v"):
        before = made.content()
        with self.assertRaises(Failed) as caught:
            made.build("--time", "t", *options, spine=spine, features=features, out=out)
        self.assertEqual(caught.exception.code, code, str(caught.exception))
        for part in parts:
            self.assertIn(part, str(caught.exception))
        self.assertEqual(made.content(), before, "a refused build left something")

    def test_a_table__is_what_a_file_would_be(self):
        with project() as made:
            made.file("typed.parquet", TYPED)
            file = made.build("--time", "t", spine="typed.parquet", features="v", out="o.parquet")
            table = made.build("--time", "t", spine="typed.parquet", features="v", out="lake.made.train")
            self.assertEqual(table["content_hash"], file["content_hash"])
            self.assertEqual((table["out"], table["rows"]), ("lake.made.train", 5))
            made.floe("table", "scan", "lake.made.train", "-o", "back.parquet")
            same = "SELECT k, t, label, d, u, l, st, m, tm, tz, z, b, u8::INT, i8::INT, u64::DECIMAL(20,0), f, j::VARCHAR, " \
                   "dd, deep, v__last, v__v_sum, v__v_last_2"
            made.db.sql("SET TimeZone = 'UTC'")
            built = made.rows(f"SELECT COLUMNS(*)::VARCHAR FROM ({same} FROM '$D/o.parquet')")
            self.assertEqual(made.rows(f"SELECT COLUMNS(*)::VARCHAR FROM ({same} FROM '$D/back.parquet')"), built)
            self.assertEqual(len(built), 5)

    def test_times_of_a_table_spine__keep_their_zone(self):
        zoned = """SELECT k, t::TIMESTAMPTZ AS t, label, t AS bare, CASE WHEN label <> 2 THEN t::TIMESTAMPTZ END AS "a zone",
            [t::TIMESTAMPTZ, NULL] AS inner FROM (""" + LABELS + ")"
        with project() as made:
            made.db.sql("SET TimeZone = 'UTC'")
            made.file("zoned.parquet", zoned)
            made.floe("table", "import", "zoned.parquet", "lake.t.zoned", "--partition", "a zone")
            made.floe("table", "import", "zoned.parquet", "lake.t.whole")
            file = made.build("--time", "t", spine="zoned.parquet", features="v", out="f.parquet")
            columns = made.rows("SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM '$D/f.parquet')")
            self.assertEqual(dict(columns)["a zone"], "TIMESTAMP WITH TIME ZONE")
            for table, out in (("lake.t.whole", "o.parquet"), ("lake.t.whole", "lake.t.train"), ("lake.t.zoned", "o.parquet")):
                built = made.build("--time", "t", spine=table, features="v", out=out)
                if out == "lake.t.train":
                    out = "back.parquet"
                    made.floe("table", "scan", "lake.t.train", "-o", out)
                self.assertEqual(made.rows(f"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM '$D/{out}')"), columns)
                self.assertEqual(made.rows(f"SELECT count(*) FROM (FROM '$D/f.parquet' EXCEPT ALL FROM '$D/{out}')"), [(0,)])
                if table == "lake.t.whole":
                    self.assertEqual(built["content_hash"], file["content_hash"])
                made.floe("dataset", "audit", built["id"])
                self.assertIn(built["content_hash"][:12], made.floe("dataset", "rebuild", built["id"], "--json"))

    def test_other_engines_read_it__in_the_spines_order(self):
        with project() as made:
            made.build("--time", "t", spine="s.parquet", features="v", out="lake.t.train")
            self.assertEqual(duckdb_rows(made, "train", "label, v__last"), list(zip([1, 2, 3, 1, 5], ANSWERS)))
            arrow = StaticTable.from_metadata(metadata(made, "train")).scan().to_arrow()
            self.assertEqual(arrow.column_names, ["k", "t", "label", "v__last", "v__v_sum", "v__v_last_2"])
            self.assertEqual(arrow["v__last"].to_pylist(), ANSWERS)
            self.assertEqual(arrow["v__v_last_2"].to_pylist(), [[20, 10], None, [10], [20, 10], None])

    def test_many_rows__keep_their_order_at_any_thread_count(self):
        with project() as made:
            made.file("s.parquet", "SELECT ['a', 'b', 'x'][1 + i * 7919 % 3] k, TIMESTAMP '2021-01-01' t, i * 7919 % 400009 AS "
                                   "label FROM range(400000) r(i)")
            labels = made.rows("SELECT label FROM '$D/s.parquet'")
            for threads in ("1", "4"):
                made.build("--threads", threads, "--replace", spine="s.parquet", features="v", out="lake.t.train")
                self.assertEqual(duckdb_rows(made, "train", "label"), labels)

    def test_a_table_that_exists__is_left_alone_without_replace(self):
        with project() as made:
            made.table("train", "SELECT 1 AS old")
            self.fails(made, CONFLICT, "the table lake.t.train exists", "--replace")
            made.build("--time", "t", "--replace", spine="s.parquet", features="v", out="lake.t.train")
            self.assertEqual([row[0] for row in duckdb_rows(made, "train", "v__last")], ANSWERS)
            self.assertIn("overwrite", made.floe("table", "snapshots", "lake.t.train"))

    def test_what_cannot_be_right__is_refused_and_leaves_nothing(self):
        with project() as made:
            made.table("labels", LABELS)
            made.table("parts", LABELS, "--partition", "identity(k)")
            self.fails(made, INVALID, "the table of the source events", out="lake.t.events", options=["--replace"])
            self.fails(made, INVALID, "the spine itself", spine="lake.t.labels", out="lake.t.labels", options=["--replace"])
            self.fails(made, UNSUPPORTED, "is partitioned", out="lake.t.parts", options=["--replace"])
            self.fails(made, INVALID, "--replace is for tables", out="o.parquet", options=["--replace"])
            self.fails(made, NOT_FOUND, "no catalog pond", out="pond.t.train")
            self.fails(made, UNSUPPORTED, "the ending must be", out="lake.train")
            made.file("ns.parquet", f"SELECT *, t::TIMESTAMP_NS ns FROM ({LABELS})")
            self.fails(made, UNSUPPORTED, '"ns"', "TIMESTAMP_NS", spine="ns.parquet")
            self.assertFalse(os.path.exists(made.path("lakehouse", "t", "train")))

    def test_what_is_read__is_never_replaced_however_it_is_named(self):
        with project() as made:
            made.table("labels", LABELS)
            made.define(entity() + source() + "feature_views:\n" + view("{name: last, column: v}") +
                        'request_features: [{name: twice, inputs: [{name: x, feature: "v:last"}], expression: "x * 2", '
                        "type: int64}]\n")
            newest = os.path.relpath(metadata(made, "labels"), made.folder)
            for spine in ("lakehouse/t/labels", "./lakehouse/../lakehouse/t/labels", made.path("lakehouse/t/labels"), newest):
                self.fails(made, INVALID, "lake.t.labels is the spine itself", spine=spine, out="lake.t.labels",
                           options=["--replace"])
            self.fails(made, INVALID, "the table of the source events", out="lake.t.events", features="twice",
                       options=["--replace"])
            built = made.build("--time", "t", spine="lakehouse/t/labels", features="twice", out="lake.t.train")
            with self.assertRaises(Failed) as caught:
                made.floe("dataset", "rebuild", built["id"], "-o", "lake.t.labels", "--replace")
            self.assertEqual(caught.exception.code, INVALID, str(caught.exception))
            self.assertIn("lake.t.labels is the spine itself", str(caught.exception))
            self.assertEqual([row[0] for row in duckdb_rows(made, "labels", "label")], [1, 2, 3, 1, 5])

    def test_it_is_made_again__audited_shown_and_listed(self):
        with project() as made:
            built = made.build("--time", "t", "--name", "n", spine="s.parquet", features="v", out="lake.t.train")
            manifest = made.manifest(built["id"])
            self.assertEqual((manifest["path"], manifest["output"]["table"]), ("lake.t.train", "lake.t.train"))
            first = StaticTable.from_metadata(metadata(made, "train")).current_snapshot().snapshot_id
            self.assertEqual(manifest["output"]["snapshot_id"], first)
            self.assertFalse(os.path.exists(made.path(".floe", "datasets", built["id"], "committing")))
            self.assertIn(built["id"], made.floe("dataset", "ls"))
            self.assertIn("lake.t.train", made.floe("dataset", "show", "n"))
            self.assertIn("all 15 feature values are the same", made.floe("dataset", "audit", "n"))
            made.floe("dataset", "rebuild", "n")
            second = StaticTable.from_metadata(metadata(made, "train"))
            self.assertNotEqual(second.current_snapshot().snapshot_id, first)
            self.assertEqual(second.scan().to_arrow()["v__last"].to_pylist(), ANSWERS)
            with self.assertRaises(Failed) as caught:
                made.floe("dataset", "rebuild", "n", "-o", "lake.t.train")
            self.assertEqual(caught.exception.code, CONFLICT)
            made.floe("dataset", "rebuild", "n", "-o", "lake.t.other")
            self.assertEqual([row[0] for row in duckdb_rows(made, "other", "v__last")], ANSWERS)
            made.floe("dataset", "rebuild", "n", "-o", "o.arrow")

    def test_audit__reads_the_snapshot_that_was_built_and_finds_what_was_changed(self):
        with project() as made:
            made.build("--time", "t", "--name", "n", spine="s.parquet", features="v", out="lake.t.train")
            made.floe("table", "scan", "lake.t.train", "-o", "rows.parquet")
            made.file("bad.parquet", f"SELECT * REPLACE (if(label = 2, 99, v__last) AS v__last) FROM '{made.path('rows.parquet')}'")
            made.floe("table", "import", "bad.parquet", "lake.t.train", "--replace")
            self.assertIn("are the same", made.floe("dataset", "audit", "n"))
            with self.assertRaises(Failed) as caught:
                made.floe("dataset", "audit", "n", "--file", "lake.t.train")
            self.assertEqual(caught.exception.code, CORRUPT)
            self.assertIn("row 2, v__last: 99, by the rule null", str(caught.exception))

    def test_expire__keeps_the_snapshot_that_a_dataset_is(self):
        with project() as made:
            made.build("--time", "t", "--name", "mine", spine="s.parquet", features="v", out="lake.t.train")
            made.floe("dataset", "rebuild", "mine")
            self.assertIn("0 snapshots expired", made.floe("table", "expire", "lake.t.train", "--older-than", "0"))
            self.assertIn("are the same", made.floe("dataset", "audit", "mine"))
            self.assertIn("1 snapshot expired",
                          made.floe("table", "expire", "lake.t.train", "--older-than", "0", "--force"))
            with self.assertRaises(Failed) as caught:
                made.floe("dataset", "audit", "mine")
            self.assertEqual(caught.exception.code, NOT_FOUND)

    def test_two_tables__are_compared_cell_by_cell(self):
        with project() as made:
            made.build("--time", "t", "--name", "one", spine="s.parquet", features="v:last", out="lake.t.one")
            made.file("more.parquet", "SELECT 'a' k, 1::BIGINT n, TIMESTAMP '2020-01-01 11:00' ts, 15::BIGINT v")
            made.floe("table", "import", "more.parquet", "lake.t.events", "--append")
            made.build("--time", "t", "--name", "two", spine="s.parquet", features="v:last", out="lake.t.two")
            made.build("--time", "t", "--name", "three", spine="s.parquet", features="v:last", out="three.parquet")
            for other in ("two", "three"):
                self.assertRegex(made.floe("dataset", "diff", "one", other), r"cells +v__last: 1 row, the first is row 3 +10 +15")

    def test_no_rows__are_an_empty_table(self):
        with project() as made:
            made.file("s.parquet", LABELS + " LIMIT 0")
            made.build("--time", "t", "--name", "n", spine="s.parquet", features="v", out="lake.t.train")
            empty = StaticTable.from_metadata(metadata(made, "train")).scan().to_arrow()
            self.assertEqual((empty.num_rows, empty.column_names[-1]), (0, "v__v_last_2"))
            self.assertIn("the same", made.floe("dataset", "audit", "n"))

    def test_a_table_spine__is_pinned_and_recorded(self):
        with project() as made:
            made.table("labels", LABELS)
            built = made.build("--time", "t", spine="lake.t.labels", features="v", out="lake.t.train")
            spine = made.manifest(built["id"])["spine"]
            snapshot = StaticTable.from_metadata(metadata(made, "labels")).current_snapshot().snapshot_id
            self.assertEqual((spine["from"], spine["snapshot_id"]), ("lake.t.labels", snapshot))
            self.assertEqual([row[0] for row in duckdb_rows(made, "train", "v__last")], ANSWERS)
            made.floe("table", "import", made.file("l2.parquet", LABELS), "lake.t.labels", "--append")
            self.assertIn("0 snapshots expired", made.floe("table", "expire", "lake.t.labels", "--older-than", "0"))
            made.floe("dataset", "rebuild", built["id"], "-o", "again.parquet")
            self.assertEqual(made.rows("SELECT v__last FROM '$D/again.parquet'"), [(a,) for a in ANSWERS])
            made.build("--time", "t", spine="lake.t.labels", features="v")
            self.assertEqual(len(made.rows("FROM '$D/out.parquet'")), 10)


if __name__ == "__main__":
    unittest.main()
