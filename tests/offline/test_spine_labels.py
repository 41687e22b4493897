"""Label columns of a spine come out as they came in, or are refused by the name of the column: types that the engine's reader, or the
Parquet of the kept copy, would change. timeout: 300"""
import os
import sys
import unittest

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq

sys.path.insert(0, os.path.dirname(__file__))
from dataset_support import Failed, Project, entity, source, view  # noqa: E402

UNSUPPORTED = 12


class Labels(unittest.TestCase):
    def setUp(self):
        self.project = self.enterContext(Project())
        self.project.table("events", "SELECT 1::BIGINT AS k, TIMESTAMP '2020-01-01' AS ts, 10::BIGINT AS v")
        self.project.define(entity("{name: k, type: int64}") + source() + "feature_views:\n" + view("{name: last, column: v}"))

    def spines(self, label):
        rows = pa.table({"label": label, "k": pa.array([1] * len(label), pa.int64()), "t": pa.array([10**15 * 2] * len(label), pa.timestamp("us"))})
        pq.write_table(rows, self.project.path("s.parquet"))
        pyarrow.feather.write_feather(rows, self.project.path("s.arrow"), compression="uncompressed")
        return "s.parquet", "s.arrow"

    def test_times_of_day_in_nanoseconds__are_refused_by_name(self):
        inner = pa.array([1, None, 86_399_999_999_999], pa.time64("ns"))
        for label in (inner, pa.array([[1], None, []], pa.list_(pa.time64("ns"))), pa.StructArray.from_arrays([inner], ["x"])):
            for spine in self.spines(label):
                with self.subTest(str(label.type), spine=spine), self.assertRaises(Failed) as caught:
                    self.project.build("--time", "t", spine=spine, features="v")
                self.assertEqual(caught.exception.code, UNSUPPORTED)
                self.assertIn('column "label"', str(caught.exception))

    def test_times_of_day_in_microseconds__come_out(self):
        label = pa.array([1, None, 86_399_999_999], pa.time64("us"))
        for spine in self.spines(label):
            self.project.build("--time", "t", spine=spine, features="v")
            self.assertEqual(pq.read_table(self.project.path("out.parquet"))["label"].to_pylist(), label.to_pylist())

    def test_durations__are_int64_in_parquet__and_refused_in_arrow(self):
        parquet, arrow = self.spines(pa.array([1, None, -1], pa.duration("us")))
        self.project.build("--time", "t", spine=parquet, features="v")
        self.assertEqual(self.project.rows("SELECT label FROM '$D/out.parquet'"), [(1,), (None,), (-1,)])
        with self.assertRaises(Failed) as caught:
            self.project.build("--time", "t", spine=arrow, features="v")
        self.assertIn('column "label" is of intervals or durations', str(caught.exception))


class Keys(unittest.TestCase):
    """Columns for keys whose type is another and whose every value is one of the declared type, or none."""

    def answers(self, type_, values, arrow, spine="s.parquet"):
        """Of an event for each value."""
        with Project() as project:
            sql = {"int64": "BIGINT", "string": "VARCHAR", "date": "DATE", "decimal(9,2)": "DECIMAL(9,2)"}[type_]
            project.table("events", f"SELECT unnest([{', '.join(values)}])::{sql} AS k, TIMESTAMP '2020-01-01' AS ts, 10::BIGINT AS v")
            project.define(entity(f"{{name: k, type: '{type_}'}}") + source() + "feature_views:\n" + view("{name: last, column: v}", '{column: "*", functions: [count]}'))
            pq.write_table(pa.table({"k": arrow, "t": pa.array([10**15 * 2] * len(arrow), pa.timestamp("us"))}), project.path("s.parquet"))
            pyarrow.feather.write_feather(pq.read_table(project.path("s.parquet")), project.path("s.arrow"), compression="uncompressed")
            for way in ([], ["--engine", "duckdb"]):
                facts = project.build("--time", "t", *way, spine=spine, features="v")
                found = project.rows("SELECT v__last, v__count FROM '$D/out.parquet'")
            project.floe("dataset", "audit", facts["id"])
            return found

    def test_unsigned_numbers_beyond_int64__equal_no_key(self):
        keys = pa.array([1, 2**63 - 1, 2**63, 2**64 - 1, None], pa.uint64())
        for spine in ("s.parquet", "s.arrow"):
            self.assertEqual(self.answers("int64", ["1", "9223372036854775807"], keys, spine), [(10, 1)] * 2 + [(None, 0)] * 3)

    def test_a_column_of_nulls__is_of_any_type(self):
        for type_, value in (("string", "'a'"), ("int64", "1"), ("date", "'2020-01-01'"), ("decimal(9,2)", "1.5")):
            self.assertEqual(self.answers(type_, [value], pa.nulls(2)), [(None, 0)] * 2)

    def test_a_column_of_another_type__is_refused_all_the_same(self):
        for arrow in (pa.array([None, 7], pa.int32()), pa.array([None, 7.0]), pa.array([None], pa.float64())):
            with self.assertRaises(Failed) as caught:
                self.answers("string", ["'a'"], arrow)
            self.assertIn("and the entity declares string", str(caught.exception))


if __name__ == "__main__":
    unittest.main(verbosity=2)
