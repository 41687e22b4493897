"""Random small lakes, built by the kernel and by SQL, against the rule written a third time: loops in Python over the rows as
they were before any table was made. Tables are partitioned and appended to, and labels reach only a part of their time, so
that files are pruned: pruning must never lose a row. FLOE_SEED repeats a run, FLOE_WORLDS makes it longer. timeout: 900"""
import datetime
import fractions
import math
import os
import random
import struct
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from dataset_support import Project, entity  # noqa: E402

EPOCH = datetime.datetime(2020, 1, 1)
HOUR = datetime.timedelta(hours=1)
MICRO = datetime.timedelta(microseconds=1)
WINDOWS = {"": None, "6h": 6 * HOUR, "1d": 24 * HOUR, "36h": 36 * HOUR}
#As definitions write them, and what the output is called.
TEXT_FUNCTIONS = {"count": "count", "min": "min", "max": "max", "count_distinct": "count_distinct", "first": "first",
                  "last": "last", "approx_count_distinct": "approx_count_distinct", "{top_k: 2}": "top_2",
                  "{first_k: 2}": "first_2", "{last_k: 3}": "last_3"}
FUNCTIONS = {**TEXT_FUNCTIONS, "sum": "sum", "mean": "mean", "stddev": "stddev", "stddev_pop": "stddev_pop",
             "variance": "variance", "variance_pop": "variance_pop", "{percentile: 0.3}": "p30", "{percentile: 0.95}": "p95",
             "{percentile: 1}": "p100"}
DEVIATIONS = ("stddev", "stddev_pop", "variance", "variance_pop")
WHERES = {None: lambda r: True, "v > 0": lambda r: r["v"] is not None and r["v"] > 0,
          "s = 'x' OR d < 0": lambda r: r["s"] == "x" or (r["d"] is not None and r["d"] < 0),
          "v IS NOT NULL": lambda r: r["v"] is not None,
          "v % 2 = 0 OR upper(s) = 'X'": lambda r: (r["v"] is not None and r["v"] % 2 == 0) or r["s"] == "x",
          "coalesce(v, 0) / 2 + length(s) > 0.5 AND hour(known) < 24":
          lambda r: r["s"] is not None and (r["v"] or 0) / 2 + len(r["s"]) > 0.5 and r["known"] is not None,
          "CASE WHEN d < 0 THEN s = 'x' ELSE v IS NOT NULL END":
          lambda r: r["s"] == "x" if r["d"] is not None and r["d"] < 0 else r["v"] is not None}


class World:
    def __init__(self, seed):
        self.random = random.Random(seed)
        r = self.random
        self.is_date = r.random() < 0.3
        self.rows = [self.row() for _ in range(r.randrange(60))]
        start = r.randrange(0, 200)
        self.labels = [(r.choice("abc" + "n"), r.randrange(2), self.time(start, start + 60)) for _ in range(r.randrange(1, 25))]
        self.labels = [(None if k == "n" else k, n, t) for k, n, t in self.labels]
        self.views = [self.view(name) for name in ("v0", "v1")[:r.randrange(1, 3)]]
        self.as_known = r.random() < 0.5

    def time(self, low, high):
        """Multiples of six hours, so that rows and windows' edges meet, some a microsecond off."""
        return EPOCH + 6 * HOUR * self.random.randrange(low // 6, high // 6 + 1) + MICRO * self.random.choice([0, 0, 0, 1, -1])

    def row(self):
        r = self.random
        event = self.time(0, 240)
        if self.is_date:
            event = event.replace(hour=0, minute=0, second=0, microsecond=0)
        return {
    "k" : r.choice([ "a", "b", "c", None ]), "n" : r.randrange(2),
        "ts" : event,
               "known" : None if r.random() < 0.2 else event + HOUR *r.choice([ 0, 1, 6, 30 ]),
               "until" : None if r.random() < 0.7 else event + HOUR *r.choice([ 6, 24, 90 ]),
               "v" : None if r.random() < 0.2 else r.randrange(-4, 5),
               "d" : None if r.random() < 0.2 else r.choice([ 0.1, -0.2, 1e300, -1e300, 1e-300, 3.7, 1 / 3, -0.0 ]),
               "s" : r.choice([ "x", "y", "", None ])}

    def view(self, name):
        r = self.random
        windows = r.sample(["6h", "1d", "36h"], 2) + ([""] if r.random() < 0.3 else [])
        outputs = [("last_v", None, "v", None), ("last_d", None, "d", None), ("last_s", None, "s", None)] if r.random() < 0.7 else []
        for column in ("v", "d", "s"):
            functions = (FUNCTIONS if column != "s" else TEXT_FUNCTIONS).values()
            outputs += [(f"{column}_{f}_{w}" if w else f"{column}_{f}", f, column, w) for f in functions for w in windows]
        return {"name": name, "pair": r.random() < 0.5, "before": r.random() < 0.5, "ttl": r.choice([None, 6, 30]),
                "where": r.choice(list(WHERES)), "windows": windows, "outputs": outputs}
#-- -- definitions -- --

    def yaml(self):
        text = ("entities:\n  - {name: e, keys: [{name: k, type: string}]}\n"
                "  - {name: p, keys: [{name: k, type: string}, {name: n, type: int64}]}\n"
                "sources:\n  - {name: events, table: lake.t.events, event_time: ts, created_time: known, end_time: until}\n"
                "feature_views:\n")
        for view in self.views:
            text += f"  - name: {view['name']}\n    entity: {'p' if view['pair'] else 'e'}\n    source: events\n"
            text += "    at: before\n" if view["before"] else ""
            text += f"    ttl: {view['ttl']}h\n" if view["ttl"] else ""
            text += f"    where: \"{view['where']}\"\n" if view["where"] else ""
            if any(function is None for _, function, _, _ in view["outputs"]):
                text += "    features: [{name: last_v, column: v}, {name: last_d, column: d}, {name: last_s, column: s}]\n"
            text += "    aggregates:\n"
            windows = [w for w in view["windows"] if w]
            for column in ("v", "d", "s"):
                functions = ", ".join(FUNCTIONS if column != "s" else TEXT_FUNCTIONS)
                text += f"      - {{column: {column}, functions: [{functions}], windows: [{', '.join(windows)}]}}\n"
                if "" in view["windows"]:
                    text += f"      - {{column: {column}, functions: [{functions}]}}\n"
        return text

    def fill(self, project):
        types = {"k": "VARCHAR", "n": "BIGINT", "ts": "DATE" if self.is_date else "TIMESTAMP", "known": "TIMESTAMP",
                 "until": "TIMESTAMP", "v": "BIGINT", "d": "DOUBLE", "s": "VARCHAR"}
        project.db.execute(f"CREATE TABLE r ({', '.join(f'{n} {t}' for n, t in types.items())}, i INTEGER)")
        for i, row in enumerate(self.rows):
            project.db.execute("INSERT INTO r VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", [*row.values(), i])
        cuts = sorted(self.random.sample(range(len(self.rows) + 1), min(2, len(self.rows) + 1)))
        edges = [0, *cuts, len(self.rows)]
        partition = self.random.choice([(), ("--partition", "day(ts)"), ("--partition", "month(ts)")])
        for number, (low, high) in enumerate(zip(edges, edges[1:])):
            options = partition if number == 0 else ("--append",)
            project.table("events", f"SELECT * EXCLUDE (i) FROM r WHERE i >= {low} AND i < {high} ORDER BY i", *options)
        project.db.execute("CREATE TABLE l (k VARCHAR, n BIGINT, t TIMESTAMP, i INTEGER)")
        for i, label in enumerate(self.labels):
            project.db.execute("INSERT INTO l VALUES (?, ?, ?, ?)", [*label, i])
        project.file("spine.parquet", "SELECT k, n, t FROM l ORDER BY i")

#-- -- the rule -- --

    def visible(self, view, label):
        k, n, t = label
        for order, row in enumerate(self.rows):
            if k is None or row["k"] != k or (view["pair"] and row["n"] != n):
                continue
            if row["ts"] >= t if view["before"] else row["ts"] > t:
                continue
            if not WHERES[view["where"]](row) or (self.as_known and (row["known"] is None or row["known"] > t)):
                continue
            yield order, row

    def as_of(self, view, column, label):
        t = label[2]
        best = None
        for order, row in self.visible(view, label):
            if view["ttl"] and row["ts"] < t - HOUR * view["ttl"]:
                continue
            place = (row["ts"], row["known"] or datetime.datetime.min, order)
            if best is None or place > best[0]:
                best = (place, row)
        if best is None:
            return None
        until = best[1]["until"]
        ended = until is not None and (until < t if view["before"] else until <= t)
        return None if ended else best[1][column]

    def aggregate(self, view, function, column, window, label):
        t, width = label[2], WINDOWS[window]
        rows = [((row["ts"], row["known"] or datetime.datetime.min, order), row[column])
                for order, row in self.visible(view, label)
                if row[column] is not None and (width is None or (row["ts"] >= t - width if view["before"] else row["ts"] > t - width))]
        values = [value for _, value in sorted(rows, key=lambda row: row[0])]
        if function == "count":
            return len(values)
        if function == "count_distinct":
            return len(set(values))
        if function == "approx_count_distinct":
            return approximate(values, column)
        if not values or (function in ("stddev", "variance") and len(values) < 2):
            return None
        if function in ("first", "last"):
            return values[0] if function == "first" else values[-1]
        if function in ("first_2", "last_3"):
            return values[:2] if function == "first_2" else values[:-4:-1]
        if function == "top_2":
            return sorted(set(values), key=lambda value: (-values.count(value), value))[:2]
        if function.startswith("p") and function[1:].isdigit():
            return percentile(values, int(function[1:]) / 100)
        if function in ("min", "max"):
            return min(values) if function == "min" else max(values)
        total = math.fsum(values) if column == "d" else sum(values)
        if function == "sum":
            return total
        return total / len(values) if function == "mean" else deviation(values, function)

    def expected(self, view, output, label):
        _, function, column, window = output
        return self.as_of(view, column, label) if function is None else self.aggregate(view, function, column, window, label)


def percentile(values, quantile):
    """Linear between the closest ranks."""
    values = sorted(float(value) for value in values)
    place = quantile * (len(values) - 1)
    low = math.floor(place)
    part = place - low
    return values[low] if part == 0 else values[low] + (values[low + 1] - values[low]) * part


def xxh64(data):
    """XXH64 with seed 0 of less than 32 bytes, by its specification."""
    mask = (1 << 64) - 1
    p1, p2, p3, p4, p5 = (11400714785074694791, 14029467366897019727, 1609587929392839161, 9650029242287828579, 2870177450012600261)

    def rotate(value, by):
        return ((value << by) | (value >> (64 - by))) & mask
    result, at = (p5 + len(data)) & mask, 0
    while at + 8 <= len(data):
        lane = rotate(int.from_bytes(data[at:at + 8], "little") * p2 & mask, 31) * p1 & mask
        result, at = (rotate(result ^ lane, 27) * p1 + p4) & mask, at + 8
    if at + 4 <= len(data):
        lane = int.from_bytes(data[at:at + 4], "little") * p1 & mask
        result, at = (rotate(result ^ lane, 23) * p2 + p3) & mask, at + 4
    for byte in data[at:]:
        result = rotate(result ^ (byte * p5 & mask), 11) * p1 & mask
    result = (result ^ result >> 33) * p2 & mask
    result = (result ^ result >> 29) * p3 & mask
    return result ^ result >> 32


def approximate(values, column):
    """The sketch and the estimator of proto/FORMATS.md."""
    m, registers = 4096, {
}
    for value in values:
        data = (value.to_bytes(8, "little", signed=True) if column == "v" else
                struct.pack("<d", value if value != 0 else 0.0) if column == "d" else value.encode())
        hashed = xxh64(data)
        rest = hashed & ((1 << 52) - 1)
        registers[hashed >> 52] = max(registers.get(hashed >> 52, 0), 53 - rest.bit_length())
    counts = [m - len(registers)] + [sum(r == k for r in registers.values()) for k in range(1, 54)]
    sigma, x, power = counts[0] / m, counts[0] / m, 1.0
    if x == 1:
        return 0
    while True:
        x, before = x * x, sigma
        sigma, power = sigma + x * power, power * 2
        if sigma == before:
            break
    z = 0.0  # no register is full here, so tau is 0
    for k in range(52, 0, -1):
        z = 0.5 * (z + counts[k])
    return round(m * m / (2 * math.log(2) * (z + m * sigma)))


def deviation(values, function):
    exact = [fractions.Fraction(value) for value in values]
    mean = sum(exact) / len(exact)
    spread = sum((value - mean) ** 2 for value in exact) / (len(exact) - (0 if function.endswith("_pop") else 1))
    if function.startswith("variance"):
        try:
            return float(spread)
        except OverflowError:
            return math.inf
    digits = spread.numerator.bit_length() - spread.denominator.bit_length()
    scale = fractions.Fraction(2) ** (2 * (digits // 2))
    try:
        return math.ldexp(math.sqrt(spread / scale), digits // 2)
    except OverflowError:
        return math.inf


def same(got, want, function, tolerance):
    if got is None or want is None or not isinstance(want, float) or not tolerance:
        return got == want
    return got == want or abs(got - want) <= tolerance * abs(want)


class Worlds(unittest.TestCase):
    def check(self, world, project, seed, engine, *options):
        features = ",".join(f"{view['name']}:{output[0]}" for view in world.views for output in view["outputs"])
        facts = project.build(*(["--as-known"] if world.as_known else []), "--engine", engine, *options, spine="spine.parquet",
                              features=features)
        for view in world.views:
            for output in view["outputs"]:
                got = [row[0] for row in project.rows(f"SELECT {view['name']}__{output[0]} FROM '$D/out.parquet'")]
                self.assertEqual(len(got), len(world.labels))
                rounded = output[1] in DEVIATIONS
                for label, value in zip(world.labels, got):
                    want = world.expected(view, output, label)
                    if not same(value, want, output[1], 1e-12 if rounded else 0):
                        self.fail(f"seed {seed}, {engine}: {view} {output} for {label}: {value!r}, the rule says {want!r}")
        return facts

    def test_kernel__equals_the_rule_on_pruned_tables(self):
        first = int(os.environ.get("FLOE_SEED") or random.randrange(1 << 31))
        print(f"FLOE_SEED={first}", file=sys.stderr)
        pruned = 0
        for seed in range(first, first + int(os.environ.get("FLOE_WORLDS", "14"))):
            world = World(seed)
            with Project() as project:
                world.fill(project)
                project.define(world.yaml())
                facts = self.check(world, project, seed, "native")
                for read in project.manifest(facts["id"])["sources"]:
                    pruned += read["files_total"] - read["files_read"]
#In parts that are spilled : the same, bit for bit, whatever the parts and the threads.
                for memory in (random.Random(seed).choice(["1B", "10kB", "100kB"]), "1MB"):
                    parts = self.check(world, project, seed, "native", "--memory", memory, "--threads", str(1 + seed % 4))
                    self.assertEqual((parts["content_hash"], parts["ties"]), (facts["content_hash"], facts["ties"]),
                                     f"seed {seed}, {memory}")
        self.assertGreater(pruned, 0, "no world pruned a file: this proves nothing")

    def test_as_of_features_alone__equal_the_rule_in_stretches_of_the_labels(self):
        first = int(os.environ.get("FLOE_SEED") or random.randrange(1 << 31))
        print(f"FLOE_SEED={first}", file=sys.stderr)
        stretched = 0
        for seed in range(first, first + int(os.environ.get("FLOE_WORLDS", "14"))):
            world = World(seed)
            for view in world.views:
                view["outputs"] = [output for output in view["outputs"] if output[1] is None]
            asked = [view for view in world.views if view["outputs"]]
            if not asked:
                continue
            with Project() as project:
                world.fill(project)
                project.define(world.yaml())
                world.views = asked
                facts = self.check(world, project, seed, "native")
                for memory in "1kB", "3kB":
                    parts = self.check(world, project, seed, "native", "--memory", memory, "--threads", str(1 + seed % 4))
                    self.assertEqual((parts["content_hash"], parts["ties"]), (facts["content_hash"], facts["ties"]), f"seed {seed}, {memory}")
                    stretched += "stretches of the labels" in project.floe(
                        "dataset", "build", "--features", ",".join(f"{view['name']}:{output[0]}" for view in asked for output in view["outputs"]),
                        *(["--as-known"] if world.as_known else []), "--spine", "spine.parquet", "--memory", memory, "--explain")
        self.assertGreater(stretched, 0, "no world had more labels than memory: this proves nothing")

    def test_sql__equals_the_rule(self):
        """Also sums of doubles: floe's own aggregates stand in for the engine's."""
        first = int(os.environ.get("FLOE_SEED") or random.randrange(1 << 31))
        print(f"FLOE_SEED={first}", file=sys.stderr)
        for seed in range(first, first + 4):
            world = World(seed)
            with Project() as project:
                world.fill(project)
                project.define(world.yaml())
                self.check(world, project, seed, "duckdb")


if __name__ == "__main__":
    unittest.main(verbosity=2)
