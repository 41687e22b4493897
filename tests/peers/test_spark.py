#!/usr/bin/env python3
"""Tables that Spark wrote are read with exactly its rows, and Spark reads exactly the rows of tables that floe wrote: formats 1 to
3, merge-on-read deletes, schema and partition evolution, branches, tags and time travel."""
# needs: engines, alone
# timeout: 900
import os
import shutil
import tempfile
import unittest

from engines import floe, floe_rows, spark, spark_rows


class Spark(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="floe-spark-")
        cls.warehouse = os.path.join(cls.folder, "lakehouse")
        os.mkdir(cls.warehouse)
        cls.spark = spark(cls.warehouse)
        with open(os.path.join(cls.folder, "floe.yaml"), "w") as file:
            file.write("project: t\ncatalogs:\n  lake: {type: directory, warehouse: ./lakehouse}\n")

    @classmethod
    def tearDownClass(cls):
        cls.spark.stop()
        shutil.rmtree(cls.folder)

    def sql(self, text):
        return self.spark.sql(text)

    def same(self, table, spark_select=None, *arguments):
        theirs = spark_rows(self.sql(spark_select or f"SELECT * FROM {table}"))
        ours = floe_rows(table, *arguments, cwd=self.folder)
        self.assertEqual(ours, theirs)
        return theirs

    def create(self, table, version, columns, rest=""):
        self.sql(f"CREATE TABLE {table} ({columns}) USING iceberg {rest} TBLPROPERTIES ('format-version' = '{version}', "
                 "'write.delete.mode' = 'merge-on-read', 'write.update.mode' = 'merge-on-read', "
                 "'write.merge.mode' = 'merge-on-read')")

    def test_every_type_in_every_format(self):
        columns = ("b boolean, i int, l bigint, f float, d double, s string, t timestamp, n timestamp_ntz, day date, "
                   "st struct<x: int, y: array<string>>, m map<string, bigint>, e array<struct<z: double>>")
        for version in (1, 2, 3):
            table = f"lake.types.v{version}"
            self.create(table, version, columns)
            self.sql(f"""INSERT INTO {table} VALUES
                (true, 1, 9007199254740993, 1.5, -0.1, 'a"\\n', TIMESTAMP '1969-12-31T23:59:59.999999Z',
                 TIMESTAMP_NTZ '2024-02-29 12:00:00.5', DATE '1582-10-15', named_struct('x', 1, 'y', array('p', NULL)),
                 map('k', 7L), array(named_struct('z', 2.5D))),
                (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
                (false, -2147483648, -9223372036854775808, float('inf'), double('nan'), '', TIMESTAMP '9999-12-31T23:59:59Z',
                 TIMESTAMP_NTZ '0001-01-01 00:00:00', DATE '9999-12-31', named_struct('x', NULL, 'y', array()), map(), array())""")
            ours = floe_rows(table, cwd=self.folder)
            self.assertEqual(len(ours), 3)
            for column in ("b", "i", "l", "s", "t", "n", "day", "st", "m", "e"):
                # Spark's JSON has times to the millisecond only.
                select = f"date_format({column}, \"yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'\") AS {column}" if column in "tn" else column
                self.assertEqual(floe_rows(table, "--columns", column, cwd=self.folder),
                                 spark_rows(self.sql(f"SELECT {select} FROM {table}")), f"{column} of v{version}")

    def test_deletes_updates_and_merges(self):
        for version in (2, 3):
            table = f"lake.deletes.v{version}"
            self.create(table, version, "id bigint, k string, v double", "PARTITIONED BY (bucket(4, id))")
            self.sql(f"INSERT INTO {table} SELECT id, concat('k', id % 7), id / 3 FROM range(1000)")
            self.same(table)
            self.sql(f"DELETE FROM {table} WHERE id % 5 = 0")
            self.assertEqual(len(self.same(table)), 800)
            self.sql(f"UPDATE {table} SET v = -1 WHERE k = 'k3'")
            self.same(table)
            self.sql(f"MERGE INTO {table} t USING (SELECT id + 500 AS id, 'new' AS k, 0.5D AS v FROM range(1000)) s ON t.id = s.id "
                     "WHEN MATCHED AND s.id % 2 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *")
            rows = self.same(table)
            self.sql(f"DELETE FROM {table} WHERE id < 100")
            self.same(table)
            self.sql(f"CALL lake.system.rewrite_position_delete_files('{table[5:]}')") if version == 2 else None
            self.same(table)
            self.sql(f"CALL lake.system.rewrite_data_files(table => '{table[5:]}', options => map('rewrite-all', 'true'))")
            self.assertLess(len(self.same(table)), len(rows))

    def test_the_schema_moves(self):
        for version in (1, 2, 3):
            table = f"lake.schema.v{version}"
            self.create(table, version, "id int, a string, b float, st struct<x: int, y: string>")
            self.sql(f"INSERT INTO {table} VALUES (1, 'one', 1.5, named_struct('x', 1, 'y', 'p'))")
            self.sql(f"ALTER TABLE {table} RENAME COLUMN a TO c")
            self.sql(f"ALTER TABLE {table} ADD COLUMN a bigint")
            self.sql(f"ALTER TABLE {table} ALTER COLUMN id TYPE bigint")
            self.sql(f"ALTER TABLE {table} ALTER COLUMN b TYPE double")
            self.sql(f"ALTER TABLE {table} ADD COLUMN st.z double")
            self.sql(f"ALTER TABLE {table} RENAME COLUMN st.x TO w")
            self.sql(f"ALTER TABLE {table} DROP COLUMN st.y")
            self.sql(f"ALTER TABLE {table} ADD COLUMN st.y int FIRST")
            self.sql(f"ALTER TABLE {table} ALTER COLUMN c FIRST")
            self.sql(f"INSERT INTO {table} VALUES ('two', 3000000000, 2.25, named_struct('y', 9, 'w', 2, 'z', 0.5D), 7)")
            self.same(table)
            self.sql(f"ALTER TABLE {table} DROP COLUMN c")
            self.same(table)

    def test_partitions_move(self):
        table = "lake.parts.t"
        self.create(table, 2, "id bigint, d date, s string", "PARTITIONED BY (months(d))")
        self.sql(f"INSERT INTO {table} SELECT id, date_add(DATE '2023-12-25', CAST(id AS int)), concat('s', id % 3) FROM range(40)")
        self.sql(f"ALTER TABLE {table} REPLACE PARTITION FIELD d_month WITH days(d)")
        self.sql(f"INSERT INTO {table} SELECT id + 100, date_add(DATE '2024-01-05', CAST(id AS int)), 's/ ü%' FROM range(4)")
        self.sql(f"ALTER TABLE {table} ADD PARTITION FIELD truncate(1, s)")
        self.sql(f"ALTER TABLE {table} ADD PARTITION FIELD s")
        self.sql(f"INSERT INTO {table} VALUES (200, DATE '2024-01-06', NULL), (201, NULL, 'a=b/c')")
        self.same(table)
        for where in ("d = DATE '2024-01-05'", "d < DATE '2024-01-01'", "s = 's1'", "s IS NULL", "d IS NULL", "id >= 100"):
            self.same(table, f"SELECT * FROM {table} WHERE {where}", "--where", where)

    def test_branches_tags_and_time_travel(self):
        table = "lake.refs.t"
        self.create(table, 2, "id int")
        self.sql(f"INSERT INTO {table} VALUES (1)")
        self.sql(f"ALTER TABLE {table} CREATE TAG first")
        self.sql(f"INSERT INTO {table} VALUES (2)")
        self.sql(f"ALTER TABLE {table} CREATE BRANCH side")
        self.sql(f"INSERT INTO lake.refs.t.branch_side VALUES (3)")
        self.sql(f"ALTER TABLE {table} ADD COLUMN more string")
        self.sql(f"INSERT INTO {table} VALUES (4, 'x')")
        self.same(table)
        self.same(table, f"SELECT * FROM {table} VERSION AS OF 'first'", "--ref", "first")
        self.same(table, f"SELECT * FROM {table} VERSION AS OF 'side'", "--ref", "side")
        for row in self.sql(f"SELECT snapshot_id FROM {table}.snapshots").collect():
            self.same(table, f"SELECT * FROM {table} VERSION AS OF {row[0]}", "--snapshot", str(row[0]))

    # ---- the other way ----

    def source(self):
        path = os.path.join(self.folder, "rows.parquet")
        if not os.path.exists(path):
            import pyarrow as pa
            import pyarrow.parquet as pq
            ids = list(range(300))
            pq.write_table(pa.table({
                "id": pa.array(ids, pa.int64()), "s": pa.array([None if i % 11 == 0 else f"s{i % 5} ü" for i in ids]),
                "t": pa.array([i * 86400000000 * 3 for i in ids], pa.timestamp("us", tz="UTC")),
                "x": pa.array([float(i) / 7 for i in ids]), "d": pa.array([i % 40 for i in ids], pa.int32()),
                "st": pa.array([{"p": i, "q": [str(i), None]} for i in ids],
                               pa.struct([("p", pa.int64()), ("q", pa.list_(pa.string()))]))}), path)
        return path

    def test_what_floe_imports_spark_reads(self):
        for number, partition in enumerate(("", "month(t)", "bucket(8, id), s", "truncate(2, s)", "year(t), d")):
            table = f"lake.ours.t{number}"
            arguments = ["table", "import", self.source(), table] + (["--partition", partition] if partition else [])
            floe(*arguments, cwd=self.folder)
            self.assertEqual(len(self.same(table)), 300)
            floe("table", "import", self.source(), table, "--append", cwd=self.folder)
            self.assertEqual(len(self.same(table)), 600)
            self.same(table, f"SELECT * FROM {table} WHERE id = 17", "--where", "id = 17")
            floe("table", "compact", table, cwd=self.folder)
            self.assertEqual(len(self.same(table)), 600)

    def test_each_goes_on_where_the_other_stopped(self):
        table = "lake.both.t"
        floe("table", "import", self.source(), table, "--partition", "bucket(2, id)", cwd=self.folder)
        self.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ('write.delete.mode' = 'merge-on-read')")
        self.sql(f"DELETE FROM {table} WHERE id % 3 = 0")
        self.assertEqual(len(self.same(table)), 200)
        floe("table", "import", self.source(), table, "--append", cwd=self.folder)
        self.assertEqual(len(self.same(table)), 500)
        self.sql(f"DELETE FROM {table} WHERE d = 1")
        rows = self.same(table)
        floe("table", "compact", table, cwd=self.folder)
        self.assertEqual(self.same(table), rows)
        floe("table", "import", self.source(), table, "--overwrite", cwd=self.folder)
        self.assertEqual(len(self.same(table)), 300)
        self.sql(f"INSERT INTO {table} SELECT * FROM {table} WHERE id < 5")
        self.assertEqual(len(self.same(table)), 305)


if __name__ == "__main__":
    unittest.main()
