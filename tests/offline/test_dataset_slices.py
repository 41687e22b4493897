"""Audits of every row, by SQL in slices of time, on random worlds: times on the edges of slices, before 1970, keys of several
parts, filters that views share, windows wider than everything. A dataset that is right is never found wrong, one that is wrong
in one cell always is. timeout: 900"""
import os
import random
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from dataset_support import Failed, Project, entity, source, view  # noqa: E402

FEATURES = ["v", "w", "x", "y", "z", "v,w,x,y,z", "y:last,v:a_sum_1m,x:last", "z:a_count,v:last", "u", "u,v"]
VIEWS = (view("{name: last, column: a}", "{column: a, functions: [sum, min, {last_k: 2}], windows: [1m, 170s]}") +
         view("{name: last, column: a}", "{column: a, functions: [count], windows: [1m]}", name="w",
              more=", at: before, ttl: 90s") +
         view("{name: last, column: a}", name="x", more=", where: 'a > 0'") +
         view("{name: last, column: a}", name="y", more=", where: 'a > 0', at: before") +
         view("{name: last, column: a}", "{column: a, functions: [count, max]}", name="z", more=", where: 'a < 0'") +
         "  - {name: u, entity: pair, source: events, features: [{name: last, column: a}], aggregates: [{column: a, "
         "functions: [count_distinct], windows: [2m]}]}\n")
ENTITIES = """entities:
  - {name: e, keys: [{name: k, type: string}]}
  - {name: pair, keys: [{name: k, type: string}, {name: m, type: int64}]}
"""


def moments(r, count, nulls):
    """Steps of ten seconds around 1970, so that many lie on the edges of windows and of slices."""
    return ["NULL" if r.random() < nulls else f"TIMESTAMP '1969-12-31 23:57:00' + to_seconds({r.randrange(45) * 10})"
            for _ in range(count)]


def project(r, rows, labels):
    made = Project()
    keys = ["NULL", "''", "'k1'", "'k2'", "'k3'"]
    events = ", ".join(f"({r.choice(keys)}::VARCHAR, {r.choice(['NULL', '1', '2'])}::BIGINT, ({at})::TIMESTAMP, ({known})::TIMESTAMP, "
                       f"{r.choice(['NULL', str(r.randrange(-9, 9))])}::BIGINT)"
                       for at, known in zip(moments(r, rows, .05), moments(r, rows, .1)))
    made.table("events", f"SELECT * FROM (VALUES {events}) t(k, m, ts, known, a)")
    made.define(ENTITIES + source(times=", created_time: known") + "feature_views:\n" + VIEWS)
    spine = ", ".join(f"({r.choice(keys)}::VARCHAR, {r.choice(['NULL', '1', '2', '3'])}::BIGINT, ({at})::TIMESTAMP, {n})"
                      for n, at in enumerate(moments(r, labels, .05)))
    made.file("s.parquet", f"SELECT * FROM (VALUES {spine}) t(k, m, t, n)")
    return made


class Slices(unittest.TestCase):
    def test_what_is_right__is_never_found_wrong(self):
        seed = int(os.environ.get("FLOE_SEED") or random.randrange(2**32))
        r = random.Random(seed)
        for rows, labels in ((1, 3), (40, 30), (400, 200)):
            with self.subTest(seed=seed, rows=rows), project(r, rows, labels) as made:
                for features in FEATURES:
                    for options in ((), ("--as-known",)):
                        built = made.build("--time", "t", *options, spine="s.parquet", features=features)
                        self.assertIn("are the same", made.floe("dataset", "audit", built["id"], "--sample", "0"), features)

    def test_windows_and_ttls_as_wide_as_time__are_no_harm(self):
        """Up to the widest that int64 holds, from the first year to the last."""
        times = ", ".join(f"TIMESTAMP '{time}'" for time in ("0001-01-01", "1969-12-31 23:59:59", "9999-12-31 23:59:59.999999"))
        for width in ("9000w", "8000000w", "15000000w", "15250000w"):
            with self.subTest(width=width), Project() as made:
                made.table("events", f"SELECT 'a' AS k, unnest([{times}]) AS ts, unnest([1, 2, 4]) AS v")
                made.file("s.parquet", f"SELECT 'a' AS k, unnest([{times}]) AS t")
                made.define(entity() + source() + "feature_views:\n" +
                            view("{name: last, column: v}", f"{{column: v, functions: [sum], windows: [{width}]}}", more=f", ttl: {width}"))
                want = [(1, 1), (2, 2), (4, 4)] if width == "9000w" else [(1, 1), (2, 3), (4, 7)]
                for engine in ("native", "duckdb"):
                    built = made.build("--engine", engine, spine="s.parquet", features="v")
                    self.assertEqual(made.rows("SELECT * EXCLUDE (k, t) FROM '$D/out.parquet'"), want, engine)
                    self.assertIn("are the same", made.floe("dataset", "audit", built["id"], "--sample", "0"))

    def test_columns_may_have_any_names(self):
        """Also those that the SQL of slices might take for its own."""
        names = ("o", "b", "r", "s", "c", "k0", "slice", "before", "rid", "bound", "run", "best", "asked", "e", "p", "l", "t", "u", "v", "w", "m", "j")
        for name in names:
            with self.subTest(name=name), Project() as made:
                made.table("events", f"SELECT 'a' AS {name}, TIMESTAMP '2001-01-01' AS ts, 7 AS value")
                made.file("s.parquet", f"SELECT 'a' AS {name}, TIMESTAMP '2001-03-01' AS at")
                made.define(entity(f"{{name: {name}, type: string}}") + source() + "feature_views:\n" +
                            view("{name: last, column: value}", "{column: value, functions: [sum], windows: [1d]}"))
                built = made.build(spine="s.parquet", features="v")
                self.assertIn("are the same", made.floe("dataset", "audit", built["id"], "--sample", "0"))

    def test_one_cell_that_is_wrong__is_found(self):
        seed = int(os.environ.get("FLOE_SEED") or random.randrange(2**32))
        r = random.Random(seed)
        with self.subTest(seed=seed), project(r, 200, 100) as made:
            built = made.build("--time", "t", spine="s.parquet", features="v,w,x,y,u", out="o.parquet")
            columns = [name for name, *_ in made.rows("DESCRIBE FROM '$D/o.parquet'") if "__" in name and "last_2" not in name]
            for column in columns:
                row = r.randrange(100)
                made.file("bad.parquet", f"SELECT * REPLACE (if(n = {row}, coalesce({column}, 0) + 1000, {column}) AS {column}) "
                                         f"FROM '{made.path('o.parquet')}'")
                with self.assertRaises(Failed, msg=column) as caught:
                    made.floe("dataset", "audit", built["id"], "--file", "bad.parquet", "--sample", "0")
                self.assertIn(f"row {row + 1}, {column}", str(caught.exception))

    def test_how_near_a_view_came__is_counted_as_by_a_loop(self):
        """Pairs, labels that see anything, and the youngest event, against a join of every label with every row."""
        seed = int(os.environ.get("FLOE_SEED") or random.randrange(2**32))
        r = random.Random(seed)
        with self.subTest(seed=seed), project(r, 150, 80) as made:
            for options, seen in (((), ""), (("--as-known",), " AND e.known <= l.t")):
                built = made.build("--time", "t", *options, spine="s.parquet", features="v,w,u")
                told = [line.split() for line in made.floe("dataset", "audit", built["id"]).splitlines()]
                found = {line[0]: (int(line[1]), int(line[2])) for line in told if line and line[0] in ("v", "w", "u")}
                for name, on in (("v", "e.ts <= l.t"), ("w", "e.ts < l.t"), ("u", "e.ts <= l.t AND e.m = l.m")):
                    want = made.rows(f"""SELECT count(DISTINCT l.n), count(*) FROM '$D/s.parquet' l JOIN
                        '$D/events.import.parquet' e ON e.k = l.k AND {on}{seen}""")[0]
                    self.assertEqual(found[name], want, (name, options))


if __name__ == "__main__":
    unittest.main()
