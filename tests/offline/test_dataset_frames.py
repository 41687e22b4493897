"""Audits recompute as-of features and windows by frames: every function over every type is found right where it is, and wrong in
one cell where that was changed; and labels of one key cost no pairs. timeout: 900"""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from dataset_support import Failed, Project, entity, source, view  # noqa: E402

ANY = "count, min, max, first, last, {first_k: 2}, {last_k: 3}, {top_k: 2}, count_distinct, approx_count_distinct"
NUMBER = ANY + ", sum, mean, stddev, variance, stddev_pop, variance_pop, {percentile: 0.9}"
COLUMNS = {
    "i": ("(i * 7919 % 23 - 11)::INT", NUMBER),
    "b": ("if(i % 17 = 0, 9007199254740993, i * 104729 % 1009)::BIGINT", NUMBER),
    "f": ("(i * 31 % 19 / 7)::FLOAT", NUMBER),
    "d": ("CASE i % 11 WHEN 0 THEN '-0.0'::DOUBLE WHEN 1 THEN 1e300 WHEN 2 THEN -1e300 WHEN 3 THEN 5e-324 ELSE i / 3 END", NUMBER),
    "n": ("if(i % 41 = 0, 'NaN'::DOUBLE, if(i % 43 = 0, 'inf'::DOUBLE, i % 5))", NUMBER),
    "m": ("(i * 7919 % 1000 / 4)::DECIMAL(9, 2)", NUMBER),
    "w": ("(i % 13)::DECIMAL(38, 3) * 1000000000000000000000", NUMBER),
    "s": ("'text ' || (i * 13 % 29)", ANY),
    "y": ("encode('b' || (i * 13 % 31))", ANY),
    "l": ("(i % 3 = 0)", ANY),
    "a": ("DATE '1969-12-30' + (i % 5)::INT", ANY),
    "t": ("TIMESTAMP '1969-12-30' + to_seconds(i % 7)", ANY),
}
WINDOWS = {"windowed": "[1m, 20m, 1d]", "ever": None}


def world(made, *, known=False):
    columns = ", ".join(f"CASE WHEN i % 9 = {n % 9} THEN NULL ELSE {sql} END AS {name}" for n, (name, (sql, _)) in enumerate(COLUMNS.items()))
    made.table("events", f"""SELECT CASE WHEN i % 50 = 0 THEN NULL ELSE 'k' || (i * 7919 % 5) END AS k, TIMESTAMP '1969-12-31 22:00' + to_seconds(
        i * 104729 % 1000 * 15) AS ts, if(i % 20 = 0, NULL, ts + to_seconds(i % 90)) AS known, if(i % 6 = 0, ts + to_seconds(i % 400), NULL) AS ended, {columns},
        [i, NULL, i % 3] AS list FROM range(1500) q(i)""")
    made.file("s.parquet", """SELECT CASE WHEN i % 40 = 0 THEN NULL ELSE 'k' || (i * 31 % 6) END AS k, CASE WHEN i % 30 = 0 THEN NULL ELSE TIMESTAMP
        '1969-12-31 21:55' + to_seconds(i * 7919 % 270 * 60) END AS at, i AS row FROM range(300) q(i)""")
    as_of = ", ".join(f"{{name: {name}, column: {name}}}" for name in [*COLUMNS, "list"])
    views = "".join(view(as_of, name=f"{name}_{'before' if at else 'at'}", more=f"{at}{more}")
                    for name, more in (("asof", ""), ("ttl", ", ttl: 10m")) for at in ("", ", at: before"))
    for name, windows in WINDOWS.items():
        of = ", ".join(f"{{column: {column}, functions: [{functions}]{f', windows: {windows}' if windows else ''}}}"
                       for column, (_, functions) in COLUMNS.items())
        of += ", {column: \"*\", functions: [count]" + (f", windows: {windows}" if windows else "") + "}"
        views += "".join(view("", of, name=f"{name}_{'before' if at else 'at'}", more=at) for at in ("", ", at: before"))
    made.define(entity() + source(times=", created_time: known, end_time: ended") + "feature_views:\n" + views)


VIEWS = [f"{name}_{at}" for name in ("asof", "ttl", "windowed", "ever") for at in ("at", "before")]


class Frames(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.made = Project()
        world(cls.made)

    @classmethod
    def tearDownClass(cls):
        cls.made.__exit__()

    def audit(self, built, *options):
        return self.made.floe("dataset", "audit", built["id"], "--sample", "0", *options)

    def test_every_function_of_every_type__is_found_right(self):
        for options, views in ((), VIEWS), (("--as-known",), ("asof_at", "ttl_before", "windowed_at", "ever_before")):
            for features in views:
                with self.subTest(features=features, options=options):
                    built = self.made.build("--time", "at", *options, spine="s.parquet", features=features)
                    self.assertIn("are the same", self.audit(built))

    def test_one_wrong_cell_of_each_feature__is_found(self):
        """All of one row are changed: as many cells are wrong as there are features, and no other."""
        for features in ("asof_at", "windowed_at", "windowed_before", "ever_at"):
            with self.subTest(features=features):
                built = self.made.build("--time", "at", spine="s.parquet", features=features)
                columns = [name for name, *_ in self.made.rows("DESCRIBE FROM '$D/out.parquet'") if "__" in name]
                self.made.db.execute(f"CREATE OR REPLACE TABLE bad AS FROM '{self.made.path('out.parquet')}'")
                for name in columns:
                    self.made.db.execute(f'UPDATE bad SET "{name}" = (SELECT "{name}" FROM bad WHERE "{name}" IS DISTINCT FROM '
                                         f'(SELECT "{name}" FROM bad WHERE row = 137) LIMIT 1) WHERE row = 137')
                self.made.file("bad.parquet", "FROM bad ORDER BY row")
                with self.assertRaises(Failed) as caught:
                    self.audit(built, "--file", "bad.parquet")
                self.assertIn(f"{len(columns)} cells in", str(caught.exception))
                self.assertIn("row 138,", str(caught.exception))


class Work(unittest.TestCase):
    def test_many_labels_of_one_key__are_no_pairs(self):
        """A hundred thousand of each within one window are ten thousand million pairs: hours of a join, seconds of frames."""
        with Project() as made:
            made.table("events", "SELECT 'a' AS k, TIMESTAMP '2024-01-01' + to_milliseconds(i * 6007) AS ts, i % 1000 AS v FROM range(100000) q(i)")
            made.file("s.parquet", "SELECT 'a' AS k, TIMESTAMP '2024-01-01' + to_milliseconds(i * 6011) AS t FROM range(100000) q(i)")
            made.define(entity() + source() + "feature_views:\n" +
                        view("{name: last, column: v}", "{column: v, functions: [count, sum, max, {last_k: 3}], windows: [7d]}, "
                             "{column: v, functions: [sum]}", more=", ttl: 7d"))
            built = made.build(spine="s.parquet", features="v")
            told, peak = made.peak("dataset", "audit", built["id"], "--sample", "0", "--memory", "256MB")
            self.assertIn("all 600,000 feature values are the same", told)
            if not os.environ.get("FLOE_SANITIZE"): # 50 MB are the pages of code.
                self.assertLess(peak, 306_000_000)


if __name__ == "__main__":
    unittest.main()
