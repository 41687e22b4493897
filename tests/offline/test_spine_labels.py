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


if __name__ == "__main__":
    unittest.main(verbosity=2)
