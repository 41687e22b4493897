"""Names of files are names: what the engine would read as a pattern stands for itself, whatever lies beside it. timeout: 300"""
import os
import sys
import unittest

import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, os.path.dirname(__file__))
from dataset_support import Failed, Project, entity, source, view  # noqa: E402

NAMES = {"l[1]": "l1", "p*": "pp", "q?": "qq", "[a-c]x*": "axy", "quote'[1]": "quote'1"}
EVENTS = "SELECT * FROM (VALUES (1::BIGINT, TIMESTAMP '2020-01-01', 10::BIGINT), (2, TIMESTAMP '2020-01-01', 20)) t(k, ts, v)"


def project():
    made = Project()
    made.table("events", EVENTS)
    made.define(entity("{name: k, type: int64}") + source() + "feature_views:\n" + view("{name: last, column: v}"))
    return made


def write(made, name, key):
    """The same row as a file of every format."""
    made.write(name + ".csv", f"k,t\n{key},2021-01-01T00:00:00Z\n")
    made.write(name + ".jsonl", f'{{"k": {key}, "t": "2021-01-01T00:00:00Z"}}\n')
    rows = pa.table({"k": pa.array([key], pa.int64()), "t": pa.array([1609459200000000], pa.timestamp("us"))})
    pq.write_table(rows, made.path(name + ".parquet"))


ENDINGS = (".csv", ".jsonl", ".parquet")


class FileNames(unittest.TestCase):
    def each(self):
        """(project, file) of every name and format; what the name as a pattern would also find lies beside it."""
        for name, beside in NAMES.items():
            with project() as made:
                write(made, name, 1)
                write(made, beside, 2)
                for ending in ENDINGS:
                    yield made, name + ending

    def test_a_spine__is_the_file_of_that_name(self):
        for made, file in self.each():
            made.build(spine=file, features="v")
            self.assertEqual(made.rows("SELECT k, v__last FROM '$D/out.parquet'"), [(1, 10)], file)

    def test_a_file_that_is_imported__is_the_one_of_that_name(self):
        for made, file in self.each():
            made.floe("table", "import", file, "lake.t.c", "--replace")
            made.floe("table", "scan", "lake.t.c", "-o", "c.parquet")
            self.assertEqual(made.rows("SELECT k FROM '$D/c.parquet'"), [(1,)], file)

    def test_a_pattern__is_no_list_of_files(self):
        with project() as made:
            write(made, "axy", 2)
            for arguments in (("table", "import", "ax*.csv", "lake.t.c"), ("dataset", "build", "--features", "v", "--spine",
                              "ax*.parquet", "-o", "out.parquet")):
                with self.assertRaises(Failed):
                    made.floe(*arguments)

    def test_what_was_built_under_such_a_name__is_audited_and_compared(self):
        with project() as made:
            write(made, "s", 1)
            for ending in ENDINGS:
                made.write("o1" + ending, "nothing that could be read")
                built = made.build(spine="s.parquet", features="v", out="o[1]" + ending)
                made.floe("dataset", "audit", built["id"])


if __name__ == "__main__":
    unittest.main()
