"""Audits of more rows than fit into memory at once are done batch by batch: what is right is found right, what is wrong is found
whichever batch it is in and told by its row of the file, and the memory is kept. timeout: 900"""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from dataset_support import Failed, Project, entity, source, view  # noqa: E402

LISTS = ("{column: a, functions: [{last_k: 5}, {first_k: 5}, {top_k: 3}, {percentile: 0.5}, count_distinct, sum, mean, min, max, "
         "stddev], windows: [1h, 3h, 6h, 12h, 1d, 2d]}")


def project(rows, labels, keys, aggregates):
    made = Project()
    made.table("events", f"""SELECT 'key ' || (i * 7919 % {keys}) AS k, TIMESTAMP '2024-01-01' + to_seconds(i * 31) AS ts,
        i * 104729 % 1009 - 500 AS a FROM range({rows}) t(i)""")
    made.define(entity() + source() + "feature_views:\n" + view("{name: last, column: a}", aggregates))
    made.file("s.parquet", f"""SELECT 'key ' || (i * 104729 % {keys}) AS k,
        TIMESTAMP '2024-01-01' + to_seconds(i * 31 * {rows} // {labels}) AS t, i AS n FROM range({labels}) t(i)""")
    return made


class Batches(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """Of six answers each row is some 12 KB, so that 64 MB (half of them are the answers') hold less than 3,000."""
        cls.made = project(20000, 12000, 50, "{column: a, functions: [count, sum, {last_k: 2}], windows: [1h]}")
        cls.built = cls.made.build("--time", "t", spine="s.parquet", features="v", out="o.parquet")

    @classmethod
    def tearDownClass(cls):
        cls.made.__exit__()

    def audit(self, *options):
        return self.made.floe("dataset", "audit", self.built["id"], "--sample", "0", "--memory", "64MB", *options)

    def test_what_is_right__is_right_in_every_batch(self):
        told = self.audit()
        self.assertIn("12,000 of 12,000 rows", told)
        self.assertIn("all 48,000 feature values are the same", told)

    def test_a_sample__is_cut_too(self):
        told = self.made.floe("dataset", "audit", self.built["id"], "--sample", "9000", "--memory", "64MB")
        self.assertIn("9,000 of 12,000 rows", told)
        self.assertIn("all 36,000 feature values are the same", told)

    def test_wrong_cells__are_found_in_every_batch_and_told_by_their_row(self):
        wrong = (0, 2999, 3000, 5461, 8192, 11999)
        self.made.file("bad.parquet", f"""SELECT * REPLACE (if(n IN {wrong}, v__a_count_1h + 1, v__a_count_1h) AS v__a_count_1h)
            FROM '{self.made.path("o.parquet")}'""")
        with self.assertRaises(Failed) as caught:
            self.audit("--file", "bad.parquet")
        told = str(caught.exception)
        self.assertIn("6 cells in", told)
        for row in wrong:
            self.assertIn(f"row {row + 1}, v__a_count_1h", told)

    def test_rows_that_changed_places__are_found(self):
        """Of two batches, so that each would be right in the other."""
        self.made.file("bad.parquet", f"SELECT * FROM '{self.made.path('o.parquet')}' ORDER BY (n + 6000) % 12000")
        with self.assertRaises(Failed) as caught:
            self.audit("--file", "bad.parquet")
        self.assertIn("CORRUPT", str(caught.exception))

    def test_no_rows__are_audited(self):
        self.made.file("none.parquet", f"SELECT * FROM '{self.made.path('s.parquet')}' LIMIT 0")
        built = self.made.build("--time", "t", spine="none.parquet", features="v", out="none.out.parquet")
        self.assertIn("0 of 0 rows", self.made.floe("dataset", "audit", built["id"], "--memory", "64MB"))


class Memory(unittest.TestCase):
    def test_lists_of_many_rows__are_audited_within_it(self):
        """All at once these took 8 GB."""
        with project(60000, 50000, 300, LISTS) as made:
            built = made.build("--time", "t", spine="s.parquet", features="v")
            told, peak = made.peak("dataset", "audit", built["id"], "--sample", "0", "--memory", "600MB")
            self.assertIn("50,000 of 50,000 rows", told)
            self.assertIn("are the same", told)
            if not os.environ.get("FLOE_SANITIZE"):
                self.assertLess(peak, 900_000_000)


if __name__ == "__main__":
    unittest.main()
