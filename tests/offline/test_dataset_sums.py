"""Ten million numbers of one key: sums are math.fsum's, whatever is among them, in whatever order of files, by any threads and memory, and
by SQL; means follow from them, and deviations from exact sums of squares. FLOE_SEED repeats a run. timeout: 900"""
import math
import os
import random
import sys
import unittest
from fractions import Fraction

sys.path.insert(0, os.path.dirname(__file__))
from dataset_support import Project, entity, source, view  # noqa: E402

TERMS = 10_000_000
WINDOW = 1_000_000  # of a second: rows are a microsecond apart
LABELS = [TERMS - 1, TERMS // 2, 3]  # see everything, half of it, four rows
# Of ten in turn three are 1e300, 1 and -1e300, one is of the smallest there are, and six of any size up to 2^950. `plain` is whole
# numbers times 2^-20.
ROWS = """CREATE TABLE r AS SELECT i, CASE WHEN i % 10 < 3 THEN [1e300, 1.0, -1e300][1 + i % 10]
        WHEN i % 10 = 3 THEN (hash(i + {seed}) % 2097152 - 1048576.0) * 5e-324
        ELSE (hash(i + {seed}) % 9007199254740992 - 4503599627370496.0) * pow(2.0, hash(i * 3 + {seed}) % 1990 - 1089.0) END AS hostile,
    CAST(hash(i * 5 + {seed}) % 1073741824 AS BIGINT) - 536870912 AS whole FROM range({terms}) t(i)"""
TABLE = "SELECT 'a' AS k, make_timestamp(i) AS ts, hostile, whole / 1048576.0 AS plain, 0.1::DOUBLE AS equal FROM r ORDER BY {order}"
AGGREGATES = [("hostile", "sum, mean", ""), ("hostile", "sum, mean", "1s"), ("plain", "sum, variance", ""), ("plain", "stddev", "1s"),
              ("equal", "sum, variance", ""), ("equal", "stddev_pop", "1s")]
WAYS = [("sorted",), ("sorted", "--threads", "1"), ("shuffled", "--threads", "3"), ("shuffled", "--memory", "128MB"),
        ("shuffled", "--engine", "duckdb")]


class Sums(unittest.TestCase):
    def fill(self, project, seed):
        project.db.execute(ROWS.format(seed=seed, terms=TERMS))
        project.table("sorted", TABLE.format(order="i"))
        cuts = [0, TERMS // 7, TERMS // 2, TERMS]
        for number, (low, high) in enumerate(zip(cuts, cuts[1:])):
            project.table("shuffled", f"SELECT * FROM ({TABLE.format(order='hash(i + 1)')} LIMIT {high - low} OFFSET {low})",
                          *(["--append"] if number else []))
        project.file("s.parquet", f"SELECT 'a' AS k, make_timestamp(unnest({LABELS})) AS t")

    def variance(self, project, low, high):
        n, total, squares = project.rows(f"SELECT count(*), sum(whole), sum(whole::HUGEINT * whole) FROM r WHERE i BETWEEN {low} AND {high}")[0]
        return Fraction(n * int(squares) - int(total) ** 2, n * (n - 1)) / 2**40

    def wanted(self, project, values, label):
        """In the order of AGGREGATES."""
        first = max(0, label + 1 - WINDOW)
        total, within = math.fsum(values[:label + 1]), math.fsum(values[first:label + 1])
        whole = project.rows(f"SELECT sum(whole) FROM r WHERE i <= {label}")[0][0]
        return [total, total / (label + 1), within, within / (label + 1 - first), float(Fraction(int(whole), 2**20)),
                float(self.variance(project, 0, label)), math.sqrt(self.variance(project, first, label)),
                float(Fraction(0.1) * (label + 1)), 0.0, 0.0]

    def test_ten_million__are_summed_as_fsum_does(self):
        seed = int(os.environ.get("FLOE_SEED") or random.randrange(1 << 31))
        print(f"FLOE_SEED={seed}", file=sys.stderr)
        aggregates = ", ".join(f"{{column: {column}, functions: [{functions}]{f', windows: [{window}]' if window else ''}}}"
                               for column, functions, window in AGGREGATES)
        names = [f"{column}_{function}{f'_{window}' if window else ''}" for column, functions, window in AGGREGATES
                 for function in functions.split(", ")]
        with Project() as project:
            self.fill(project, seed)
            values = project.db.execute("SELECT hostile FROM r ORDER BY i").to_arrow_table().column(0).to_pylist()
            want = [self.wanted(project, values, label) for label in LABELS]
            hashes = set()
            for table, *way in WAYS:
                project.define(entity() + source(table=table) + "feature_views:\n" + view(aggregates=aggregates))
                facts = project.build(*way, spine="s.parquet", features=",".join(f"v:{name}" for name in names))
                got = project.rows(f"SELECT {', '.join(f'v__{name}' for name in names)} FROM '$D/out.parquet'")
                for row, expected in zip(got, want):
                    for name, value, right in zip(names, row, expected):
                        rounds = name in ("plain_variance", "plain_stddev_1s")
                        self.assertTrue(abs(value - right) <= 1e-12 * right if rounds else value == right,
                                        (table, way, name, value, right))
                hashes.add(facts["content_hash"])
            self.assertEqual(len(hashes), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
