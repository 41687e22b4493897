"""Means of decimals and of whole numbers: the exact sum over the count, rounded once, and deviations within 1e-12 of exact, against
Python's fractions. By the kernel where windows are ranges and where rows come late, in parts, by SQL, and in the online store.
FLOE_SEED repeats a run. timeout: 600"""
import decimal
import json
import math
import os
import random
import sys
import unittest
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa
import pyarrow.parquet

sys.path.insert(0, os.path.dirname(__file__))
from dataset_support import YAML, Failed, Project, entity, view  # noqa: E402

decimal.getcontext().prec = 80
HOUR_US = 3_600_000_000
TYPES = [(38, 0), (38, 10), (38, 38), (18, 2), (9, 4), (20, 19), None]  # None: int64
FUNCTIONS = ["mean", "variance", "variance_pop", "stddev", "stddev_pop"]
BUILDS = ([], ["--as-known"], ["--memory", "1B", "--threads", "3"], ["--engine", "duckdb"], ["--as-known", "--engine", "duckdb"])


def hostile(r, type_):
    """Unscaled: the ends of the type, ties of doubles, and numbers of every length."""
    top = 2**63 - 1 if type_ is None else 10**type_[0] - 1
    number = r.choice([top, top - 1, 2**53 + 1, 2**53 + 3, 2**54 + 2, 5 * 10**17 + 1, r.randrange(top + 1),
                       r.randrange(1, 10**r.randrange(1, 19)), r.randrange(10), 3**r.randrange(1, 38)])
    return r.choice([-1, 1, 1]) * min(number, top)


def rounded(exact):
    return float(exact)  # of a Fraction: correctly rounded


def root(exact):
    """Within an ulp or two, at every size."""
    if exact == 0:
        return 0.0
    even = (exact.numerator.bit_length() - exact.denominator.bit_length()) // 2
    return math.ldexp(math.sqrt(exact / Fraction(2) ** (2 * even)), even)


def expected(values, function):
    if not values or (function in ("variance", "stddev") and len(values) < 2):
        return None
    n, total = len(values), sum(values)
    if function == "mean":
        return rounded(total / n)
    spread = (n * sum(value * value for value in values) - total * total) / (n * (n if function.endswith("_pop") else n - 1))
    return root(spread) if function.startswith("stddev") else rounded(spread)


class Means(unittest.TestCase):
    def make(self, project, r):
        """Columns of every type; rows of two keys, one known at once and one that comes late and out of order."""
        count = r.randrange(20, 60)
        keys = [r.choice("ab") for _ in range(count)]
        times = sorted(r.randrange(40) * HOUR_US for _ in range(count))
        known = [t if k == "a" else t + r.randrange(30) * HOUR_US for k, t in zip(keys, times)]
        columns = [[None if r.random() < 0.1 else hostile(r, type_) for _ in range(count)] for type_ in TYPES]
        names = [f"c{i}" for i in range(len(TYPES))]
        data = {"k": pa.array(keys), "ts": pa.array(times, pa.timestamp("us")), "known": pa.array(known, pa.timestamp("us"))}
        for name, type_, column in zip(names, TYPES, columns):
            if type_ is None:
                data[name] = pa.array(column, pa.int64())
            else:
                data[name] = pa.array([None if v is None else Decimal(v).scaleb(-type_[1]) for v in column], pa.decimal128(*type_))
        pa.parquet.write_table(pa.table(data), project.path("e.parquet"))
        project.floe("table", "import", "e.parquet", "lake.t.events")
        aggregates = ", ".join(f"{{column: {name}, functions: [{', '.join(FUNCTIONS)}], windows: [7h, 100h]}}" for name in names)
        project.define(entity() + "sources: [{name: events, table: lake.t.events, event_time: ts, created_time: known}]\n"
                       "feature_views:\n" + view(aggregates=aggregates))
        exact = [[None if v is None else Fraction(v, 1 if type_ is None else 10**type_[1]) for v in column]
                 for type_, column in zip(TYPES, columns)]
        return list(zip(keys, times, known)), dict(zip(names, exact))

    def check(self, got, rows, columns, label, width, as_known, where):
        k, t = label
        inside = [i for i, (key, event, known) in enumerate(rows)
                  if key == k and t - width < event <= t and (not as_known or known <= t)]
        for name, column in columns.items():
            values = [column[i] for i in inside if column[i] is not None]
            for function in FUNCTIONS:
                value, want = got(name, function), expected(values, function)
                same = value == want if want is None or function == "mean" else abs(value - want) <= 1e-12 * want
                if not same:
                    self.fail(f"{where}: {function} of {name} over {width // HOUR_US}h at {label}: {value!r}, not {want!r}")

    def test_mean__is_rounded_once_everywhere(self):
        first = int(os.environ.get("FLOE_SEED") or random.randrange(1 << 31))
        print(f"FLOE_SEED={first}", file=sys.stderr)
        for seed in range(first, first + int(os.environ.get("FLOE_WORLDS", "4"))):
            r = random.Random(seed)
            with Project() as project:
                rows, columns = self.make(project, r)
                labels = [(r.choice("ab"), r.randrange(-1, 75) * HOUR_US) for _ in range(40)]
                pa.parquet.write_table(pa.table({"k": pa.array([k for k, _ in labels]),
                                                 "t": pa.array([t for _, t in labels], pa.timestamp("us"))}), project.path("s.parquet"))
                hashes = {}
                for way in BUILDS:
                    facts = project.build(*way, spine="s.parquet", features="v")
                    hashes.setdefault("--as-known" in way, set()).add(facts["content_hash"])
                    out = pa.parquet.read_table(project.path("out.parquet")).to_pydict()
                    for at, label in enumerate(labels):
                        for width in (7, 100):
                            self.check(lambda name, function: out[f"v__{name}_{function}_{width}h"][at], rows, columns, label,
                                       width * HOUR_US, "--as-known" in way, (seed, way))
                self.assertEqual([len(found) for found in hashes.values()], [1, 1])

    def test_sum_of_decimals__fits_or_not_as_a_whole(self):
        """Parts on the way may leave 38 digits."""
        big = 10**38 - 1
        with Project() as project:
            events = {"k": ["a"] * 3 + ["b"] * 3 + ["c"] * 4, "v": [big, big, -big, -big, big, -big, big, -big, 1, -1]}
            pa.parquet.write_table(pa.table({"k": events["k"], "ts": pa.array(range(10), pa.timestamp("us")),
                                             "v": pa.array([Decimal(v).scaleb(-5) for v in events["v"]], pa.decimal128(38, 5))}),
                                   project.path("e.parquet"))
            project.floe("table", "import", "e.parquet", "lake.t.events")
            project.define(entity() + "sources: [{name: events, table: lake.t.events, event_time: ts}]\nfeature_views:\n" +
                           view(aggregates="{column: v, functions: [sum]}"))
            want = [(Decimal(v).scaleb(-5) if v is not None else None,) for v in (big, -big, 0, None)]
            project.file("s.parquet", "SELECT unnest(['a', 'b', 'c', 'd']) AS k, TIMESTAMP '2000-01-01' AS t")
            for way in ([], ["--memory", "1B"], ["--engine", "duckdb"]):
                facts = project.build(*way, spine="s.parquet", features="v")
                self.assertEqual(project.rows("SELECT v__v_sum FROM '$D/out.parquet'"), want, way)
                project.floe("dataset", "audit", facts["id"])
            project.file("s.parquet", "SELECT 'a' AS k, make_timestamp(1) AS t")
            for way in ([], ["--memory", "1B"], ["--engine", "duckdb"]):
                with self.assertRaises(Failed) as caught:
                    project.build(*way, spine="s.parquet", features="v")
                self.assertEqual(caught.exception.code, 3)
                self.assertIn('v:v_sum of k=a at 1970-01-01T00:00:00.000001Z: the sum of column "v" does not fit 38 digits',
                              str(caught.exception), way)

    def test_mean__is_the_same_in_the_online_store(self):
        """All rows lie long ago, so only windows that reach back that far hold them."""
        with Project() as project:
            project.write("floe.yaml", YAML + "online: {store: embedded, path: ./online}\n")
            r = random.Random(7)
            columns = [[hostile(r, type_) for _ in range(9)] for type_ in TYPES]
            data = {"k": pa.array(["a"] * 9), "ts": pa.array(range(9), pa.timestamp("us"))}
            for i, (type_, column) in enumerate(zip(TYPES, columns)):
                data[f"c{i}"] = (pa.array(column, pa.int64()) if type_ is None else
                                 pa.array([Decimal(v).scaleb(-type_[1]) for v in column], pa.decimal128(*type_)))
            pa.parquet.write_table(pa.table(data), project.path("e.parquet"))
            project.floe("table", "import", "e.parquet", "lake.t.events")
            project.define(entity() + "sources: [{name: events, table: lake.t.events, event_time: ts}]\nfeature_views:\n" +
                           view(aggregates=", ".join(f"{{column: c{i}, functions: [mean]}}" for i in range(len(TYPES)))))
            project.floe("sync", env={"FLOE_SYNC_WAITS": "0,0"})
            for i, (type_, column) in enumerate(zip(TYPES, columns)):
                (cell,) = json.loads(project.floe("get", f"v:c{i}_mean", "k=a", "--json"))
                self.assertEqual(cell["value"], rounded(Fraction(sum(column), 9 * (1 if type_ is None else 10**type_[1]))))


if __name__ == "__main__":
    unittest.main(verbosity=2)
