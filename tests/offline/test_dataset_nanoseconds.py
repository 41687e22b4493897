"""Sources whose times are in nanoseconds: tables of version 3 made by hand (foreign.py), their times rounded up to microseconds by
integers of Python, so that no rounding lets the future in. Every boundary of the rule from both sides, before 1970 too, by the kernel,
in parts, by SQL, in the online store, and with files that are pruned. timeout: 600"""
import json
import os
import random
import re
import struct
import sys
import unittest

import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, os.path.dirname(__file__))
import foreign  # noqa: E402
from dataset_support import Failed, Project, entity, source, view  # noqa: E402

MICRO = 1000
DAY = 86_400 * 10**9
INVALID, UNSUPPORTED = 3, 12
TIMES = ", created_time: known, end_time: until"
LAST = "{name: last, column: v}"
ENDS = [-2**63, -2**63 + 1, 2**63 - 1, 2**63 - 2]


def up(nanos):
    """Microseconds: the smallest that is not before."""
    return None if nanos is None else -(-nanos // MICRO)


def down(nanos):
    return nanos // MICRO


def fields(kind):
    names = [("k", "string"), ("ts", kind), ("known", kind), ("until", kind), ("v", "long")]
    return [{"id": i + 1, "name": name, "type": type_, "required": False} for i, (name, type_) in enumerate(names)]


def rows_of(rows, zone=None):
    """Arrow with field ids. Rows: (k, ts, known, until, v), times in nanoseconds."""
    types = [pa.string()] + [pa.timestamp("ns", zone)] * 3 + [pa.int64()]
    schema = pa.schema([pa.field(name, type_, metadata={"PARQUET:field_id": str(i + 1)})
                        for i, (name, type_) in enumerate(zip(("k", "ts", "known", "until", "v"), types))])
    return pa.table([pa.array([row[i] for row in rows], type_) for i, type_ in enumerate(types)], schema)


def bounds(files):
    """Lower and upper bounds of `ts`, eight bytes of nanoseconds as the format writes them."""
    times = [row[1] for row in files if row[1] is not None]
    if not times:
        return {}
    return {"lower_bounds": [{"key": 2, "value": struct.pack("<q", min(times))}],
            "upper_bounds": [{"key": 2, "value": struct.pack("<q", max(times))}]}


def write_third(made, total):
    """Writes a table of version 3, whose one snapshot says how many rows it added."""
    def third(document):
        document["next-row-id"] = total
        document["snapshots"][0].update({"first-row-id": 0, "added-rows": total})
        return document
    made.change_document = third
    made.write()


def table(project, files, kind="timestamp_ns", name="events", bounded=True):
    """lake.t.<name> of version 3: one data file per list of rows."""
    made = foreign.Table(project.path("lakehouse", "t", name), fields(kind), version=3)
    for number, rows in enumerate(files):  # of one commit: their names are their order
        made.add(rows_of(rows, "UTC" if "tz" in kind else None), name=f"{number}.parquet", more=bounds(rows) if bounded else None)
    write_third(made, sum(len(rows) for rows in files))


def spine(project, labels, name="s.parquet"):
    """Labels: (k, time in nanoseconds)."""
    foreign.pyarrow.parquet.write_table(pa.table({"k": pa.array([k for k, _ in labels], pa.string()),
                                                  "t": pa.array([t for _, t in labels], pa.timestamp("ns"))}), project.path(name))
    return name


def define(project, features=LAST, aggregates="", more="", times=TIMES):
    project.define(entity() + source(times=times) + "feature_views:\n" + view(features, aggregates, more=more))


def answer(rows, label, as_known=False, before=False, ttl=None, window=None):
    """(last, count, sum) by the rule, everything in microseconds; `rows` in file order."""
    key, t = label[0], down(label[1])
    seen = []
    for at, (k, event, known, until, v) in enumerate(rows):
        event, known, until = up(event), up(known), up(until)
        visible = k == key and event is not None and (event < t if before else event <= t)
        if visible and as_known:
            visible = known is not None and known <= t
        if visible:
            seen.append((event, -2**70 if known is None else known, at, until, v))
    young = [row for row in seen if ttl is None or row[0] >= t - ttl]
    last = None
    if young:
        winner = max(young)
        ended = winner[3] is not None and (winner[3] < t if before else winner[3] <= t)
        last = None if ended else winner[4]
    inside = [row[4] for row in seen if window is None or (t - window <= row[0] if before else t - window < row[0])]
    values = [v for v in inside if v is not None]
    return last, len(values), sum(values) if values else None


class Nanoseconds(unittest.TestCase):
    kind = "timestamp_ns"

    def table(self, project, files, **options):
        table(project, files, kind=self.kind, **options)

    def all_ways(self, project, labels, want, *options):
        """By the kernel, in parts, and by SQL: the same values, hash and ties."""
        facts = []
        for way in ([], ["--memory", "1B", "--threads", "2"], ["--engine", "duckdb"]):
            facts.append(project.build(*way, *options, spine=spine(project, labels), features="v"))
            got = project.rows("SELECT * EXCLUDE (k, t) FROM '$D/out.parquet'")
            for label, one, expected in zip(labels, got, want):
                self.assertEqual(one, expected, (way, options, label))
            self.assertEqual(len(got), len(want))
        self.assertEqual(len({(fact["content_hash"], fact["ties"]) for fact in facts}), 1)
        return facts[0]

    def test_event__of_any_rest_is_seen_from_the_next_microsecond_on(self):
        for base in (0, -5 * DAY, 20_000 * DAY + 999 * MICRO):
            rests = (0, 1, 500, 999, 1000)
            rows = [(f"k{rest}", base + rest, None, None, rest) for rest in rests]
            labels = [(f"k{rest}", base + at * MICRO + fine) for rest in rests for at in (-1, 0, 1, 2) for fine in (0, 999)]
            with Project() as project:
                self.table(project, [rows])
                define(project)
                # Worked out by hand for the rest of 1 ns: up to 1 µs, so not by a label in [0, 1 µs), but by 1 µs.
                want = [(answer(rows, label)[0],) for label in labels]
                by_label = dict(zip(labels, want))
                self.assertEqual([by_label[("k1", base + t)] for t in (0, 999, 1000, 1999)], [(None,), (None,), (1,), (1,)])
                self.assertEqual([by_label[("k0", base + t)] for t in (-1000, -1, 0)], [(None,), (None,), (0,)])
                self.all_ways(project, labels, want)

    def test_created__is_known_from_the_next_microsecond_on(self):
        rows = [("a", -10 * MICRO, -1, None, 1), ("b", -10 * MICRO, -1000, None, 2), ("c", -10 * MICRO, 1, None, 3)]
        labels = [(k, t * MICRO) for k in "abc" for t in (-2, -1, 0, 1)]
        with Project() as project:
            self.table(project, [rows])
            define(project)
            self.all_ways(project, labels, [(None,), (None,), (1,), (1,), (None,), (2,), (2,), (2,), (None,), (None,), (None,), (3,)],
                          "--as-known")

    def test_end__is_rounded_up(self):
        # A row that ends 1 ns after 0 µs is still there at 0 and gone at 1 µs.
        rows = [("a", -10 * MICRO, None, 1, 1), ("b", -10 * MICRO, None, 0, 2), ("c", -10 * MICRO, None, -999, 3)]
        labels = [(k, t * MICRO) for k in "abc" for t in (-1, 0, 1)]
        with Project() as project:
            self.table(project, [rows])
            define(project)
            self.all_ways(project, labels, [(1,), (1,), (None,), (2,), (None,), (None,), (3,), (None,), (None,)])

    def test_tie__within_a_microsecond_is_decided_by_created(self):
        # 1 ns and 999 ns both happened "at 1 µs": the later created wins, not the later nanosecond.
        rows = [("a", 1, 7 * MICRO, None, 1), ("a", 999, 3 * MICRO, None, 2)]
        with Project() as project:
            self.table(project, [rows])
            define(project)
            facts = self.all_ways(project, [("a", MICRO)], [(1,)])
            self.assertEqual(facts["ties"], 0)

    def test_ends_of_nanoseconds__are_times_like_others(self):
        """The engine takes the ends of int64 for infinities."""
        rows = [(str(i), t, None, None, i) for i, t in enumerate(ENDS)]
        first, last = up(-2**63), up(2**63 - 1)
        with Project() as project:
            self.table(project, [rows])
            define(project, times="")
            labels = [(str(i), t) for i in range(4) for t in (first - 1, first, last - 1, last)]
            project.db.execute("CREATE TABLE labels (k VARCHAR, t BIGINT)")
            project.db.executemany("INSERT INTO labels VALUES (?, ?)", labels)
            project.file("s.parquet", "SELECT k, make_timestamp(t) AS t FROM labels")
            want = [(int(k) if up(ENDS[int(k)]) <= t else None,) for k, t in labels]
            for way in ([], ["--engine", "duckdb"]):
                project.build(*way, spine="s.parquet", features="v")
                self.assertEqual(project.rows("SELECT v__last FROM '$D/out.parquet'"), want)

    def test_random_worlds__equal_the_rule(self):
        first = int(os.environ.get("FLOE_SEED") or random.randrange(1 << 31))
        print(f"FLOE_SEED={first}", file=sys.stderr)
        pruned = 0
        for seed in range(first, first + int(os.environ.get("FLOE_WORLDS", "12"))):
            r = random.Random(seed)
            base = r.choice([0, -DAY, 18_000 * DAY, ENDS[0] + DAY, 2**63 - 2 * DAY])

            def time(null=0.1):
                return None if r.random() < null else base + r.randrange(12) * MICRO + r.choice([0, 0, 1, 500, 999])
            files = [[(r.choice("ab"), time(), time(), time(0.5), r.choice([None, 1, 2, 3])) for _ in range(r.randrange(1, 12))]
                     for _ in range(3)]
            labels = [(r.choice("abc"), time(0)) for _ in range(20)]
            before, ttl, window, as_known = r.random() < 0.5, r.choice([None, 3]), r.choice([None, 4]), r.random() < 0.5
            more = (", at: before" if before else "") + (f", ttl: {ttl}us" if ttl else "")
            # Windows are whole seconds: the rows are spread out to them.
            scale = 1_000_000
            with Project() as project:
                wide = [[(k, *(None if t is None else base + (t - base) // MICRO * MICRO * scale + (t - base) % MICRO
                               for t in times), v) for k, *times, v in rows] for rows in files]
                if base + 13 * MICRO * scale > 2**63 - 1:
                    continue
                far = [(k, base + (t - base) // MICRO * MICRO * scale + (t - base) % MICRO) for k, t in labels]
                self.table(project, wide, bounded=r.random() < 0.8)
                more = more.replace("us", "s")
                aggregates = "{column: v, functions: [count, sum]" + (f", windows: [{window}s]" if window else "") + "}"
                define(project, LAST, aggregates, more)
                rows = [row for one in wide for row in one]
                want = [answer(rows, label, as_known, before, ttl and ttl * scale, window and window * scale) for label in far]
                facts = self.all_ways(project, far, want, *(["--as-known"] if as_known else []))
                project.floe("dataset", "audit", facts["id"])
                for read in project.manifest(facts["id"])["sources"]:
                    pruned += read["files_total"] - read["files_read"]
        print("files pruned:", pruned, file=sys.stderr)

    def test_files_of_the_future__are_pruned_by_their_nanoseconds(self):
        """One microsecond decides: a file whose first event rounds up to the last label's time is read, the next is not."""
        with Project() as project:
            self.table(project, [[("a", -1, None, None, 1)], [("a", 1, None, None, 2)], [("a", 1001, None, None, 3)]])
            define(project, times="")
            facts = self.all_ways(project, [("a", 0), ("a", 1000)], [(1,), (2,)])
            read = project.manifest(facts["id"])["sources"][0]
            self.assertEqual((read["files_read"], read["files_total"]), (2, 3))
            define(project, more=", ttl: 1s", times="")
            second = 10**9
            facts = self.all_ways(project, [("a", second - 1000), ("a", second)], [(3,), (3,)])
            self.assertEqual(project.manifest(facts["id"])["sources"][0]["files_read"], 3)
            # The ttl reaches back to 1 µs: what happened at −1 ns rounds to 0 and is out, 1 ns rounds to 1 and is in.
            facts = self.all_ways(project, [("a", second + 1000)], [(3,)])
            self.assertEqual(project.manifest(facts["id"])["sources"][0]["files_read"], 2)

    def test_column_of_another_type__that_no_view_uses_is_no_harm(self):
        with Project() as project:
            made = foreign.Table(project.path("lakehouse", "t", "events"),
                                 fields(self.kind) + [{"id": 9, "name": "where", "type": "geometry(srid:4326)", "required": False}], version=3)
            made.add(rows_of([("a", 1, None, None, 1)], "UTC" if "tz" in self.kind else None))
            write_third(made, 1)
            define(project, times="")
            self.all_ways(project, [("a", 0), ("a", 1000)], [(None,), (1,)])

    def test_rebuild__has_the_same_bytes(self):
        with Project() as project:
            self.table(project, [[("a", 1, 2, None, 1), ("a", 999, 3, None, 2)]])
            define(project)
            facts = project.build(spine=spine(project, [("a", 0), ("a", 1000)]), features="v")
            project.floe("dataset", "rebuild", facts["id"], "-o", "again.parquet", "--threads", "2")
            with open(project.path("out.parquet"), "rb") as one, open(project.path("again.parquet"), "rb") as two:
                self.assertEqual(one.read(), two.read())
            self.assertIn("nothing", project.floe("plan").lower())

    def test_online__holds_the_rounded_time_and_value(self):
        with Project() as project:
            project.write("floe.yaml", "project: test\ncatalogs:\n  lake: {type: directory, warehouse: ./lakehouse}\n"
                                       "online: {store: embedded, path: ./online}\n")
            self.table(project, [[("a", 1, 5000, None, 1), ("a", 999, 4000, None, 2), ("b", -1999, None, None, 3)]])
            define(project)
            project.floe("sync")
            for key, value, when in (("a", 1, "1970-01-01T00:00:00.000001Z"), ("b", 3, "1969-12-31T23:59:59.999999Z")):
                (cell,) = json.loads(project.floe("get", "v:last", f"k={key}", "--json"))
                self.assertEqual((cell["value"], cell["event_time"]), (value, when))

    def test_feature__of_nanoseconds_is_refused_by_name(self):
        with Project() as project:
            self.table(project, [[("a", 1, None, None, 1)]])
            for features, aggregates, more in (("{name: x, column: known}", "", ""), ("", "{column: until, functions: [max]}", ""),
                                               (LAST, "", ", where: \"known IS NOT NULL\"")):
                with self.assertRaises(Failed) as caught:
                    define(project, features, aggregates, more)
                self.assertEqual(caught.exception.code, UNSUPPORTED)
                self.assertTrue(re.search("known|until", str(caught.exception)), str(caught.exception))

    def test_date__that_became_nanoseconds_is_read_by_what_it_is_now(self):
        """The definitions were applied when the column was a date: no bound of whole days may cut what came later that day."""
        if self.kind != "timestamp_ns":
            return  # no other type comes from a date
        hour = DAY // 24
        with Project() as project:
            days = foreign.Table(project.path("lakehouse", "t", "events"), [{**f, "type": "date"} if f["name"] == "ts" else f
                                                                            for f in fields("timestamp_ns")], version=3)
            schema = pa.schema([pa.field("k", pa.string(), metadata={"PARQUET:field_id": "1"}),
                                pa.field("ts", pa.date32(), metadata={"PARQUET:field_id": "2"}),
                                pa.field("v", pa.int64(), metadata={"PARQUET:field_id": "5"})])
            days.add(pa.table([pa.array(["a"]), pa.array([1], pa.date32()), pa.array([1], pa.int64())], schema))
            write_third(days, 9)
            define(project, times="")
            days.fields = fields("timestamp_ns")
            days.add(rows_of([("a", DAY + 3 * hour + 1, None, None, 2)]))
            days.write()
            labels = [("a", DAY), ("a", DAY + 3 * hour), ("a", DAY + 3 * hour + MICRO), ("a", DAY - 1)]
            self.all_ways(project, labels, [(1,), (1,), (2,), (None,)])


class Zoned(Nanoseconds):
    """The same of timestamptz_ns, of which the engine's reader shows the microseconds alone: it reads copies without a zone."""
    kind = "timestamptz_ns"

    def test_several_files__with_and_without_zone_and_finer_and_coarser(self):
        """A column's files may hold nanoseconds or microseconds, with a zone or without; a column that is not asked for is no harm."""
        types = [pa.timestamp("ns", "UTC"), pa.timestamp("ns"), pa.timestamp("us", "UTC"), pa.timestamp("us"), pa.timestamp("ns", "UTC")]
        with Project() as project:
            made = foreign.Table(project.path("lakehouse", "t", "events"), fields("timestamptz_ns"), version=3)
            for number, type_ in enumerate(types):
                at = [-1, 1] if type_.unit == "ns" else [0, 1]
                schema = pa.schema([pa.field(name, kind, metadata={"PARQUET:field_id": str(i)})
                                    for i, name, kind in ((1, "k", pa.string()), (2, "ts", type_), (5, "v", pa.int64()))])
                made.add(pa.table([pa.array([f"k{number}"] * 2), pa.array(at, type_), pa.array([1, 2])], schema), name=f"f[{number}].parquet")
            write_third(made, 10)
            define(project, times="")
            labels = [(f"k{number}", t) for number in range(5) for t in (-1, 0, 999, 1000)]
            self.all_ways(project, labels, [(None,), (1,), (1,), (2,)] * 5)

    def test_copies__are_gone_after_the_command(self):
        with Project() as project:
            self.table(project, [[("a", 1, 2, None, 1)], [("a", 999, 3, None, 2)]])
            define(project)
            os.mkdir(project.path("temp"))
            project.build(spine=spine(project, [("a", 1000)]), features="v", env={"TMPDIR": project.path("temp")})
            self.assertEqual(os.listdir(project.path("temp")), [])

    def test_spine_table__is_rounded_down(self):
        """The labels' times are such a column of a table, whose other columns come out as they are."""
        with Project() as project:
            self.table(project, [[("a", -1000, None, None, 1), ("a", 0, None, None, 2), ("a", 1001, None, None, 3)]])
            labels = [-1001, -1000, -1, 0, 999, 1999, 2000]
            self.table(project, [[("a", t, None, 7, 4) for t in labels]], name="asked")
            define(project, times="")
            for way in ([], ["--engine", "duckdb"]):
                facts = project.build("--time", "ts", *way, spine="lake.t.asked", features="v")
                self.assertEqual(project.rows("SELECT epoch_ns(ts), v__last FROM '$D/out.parquet'"),
                                 list(zip(labels, (None, 1, 1, 2, 2, 2, 3))))
                self.assertEqual(project.rows("SELECT DISTINCT epoch_ns(until), v FROM '$D/out.parquet'"), [(7, 4)])
            project.floe("dataset", "rebuild", facts["id"], "-o", "again.parquet")

    def test_scan__is_refused_by_name(self):
        """Of a column of features or of `table scan` the zone would be lost."""
        with Project() as project:
            self.table(project, [[("a", 1, None, None, 1)]])
            with self.assertRaises(Failed) as caught:
                project.floe("table", "scan", "lake.t.events")
            self.assertEqual(caught.exception.code, UNSUPPORTED)
            self.assertIn("timestamptz_ns", str(caught.exception))


class Keys(unittest.TestCase):
    """Keys match by value, and are microseconds: what lies between two of them is told, not rounded to another's."""

    def setUp(self):
        self.project = self.enterContext(Project())
        self.project.table("events", "SELECT TIMESTAMP '1970-01-01' AS k, TIMESTAMP '2000-01-01' AS ts, 1::BIGINT AS v")
        self.project.define(entity("{name: k, type: timestamp}") + source() + "feature_views:\n" + view(LAST))

    def spine(self, nanos, zone=None):
        rows = pa.table({"k": pa.array(nanos, pa.timestamp("ns", zone)),
                         "t": pa.array([10**15] * len(nanos), pa.timestamp("us"))})
        pq.write_table(rows, self.project.path("s.parquet"))

    def test_whole_microseconds__meet_their_keys(self):
        for zone in (None, "UTC"):
            self.spine([0, 1000, None], zone)
            self.project.build("--time", "t", spine="s.parquet", features="v")
            self.assertEqual(self.project.rows("SELECT v__last FROM '$D/out.parquet'"), [(1,), (None,), (None,)])

    def test_int96__is_a_key_like_others(self):
        for nanos, code in ((1000, None), (1001, INVALID), (-1, INVALID)):
            rows = pa.table({"k": pa.array([0, nanos], pa.timestamp("ns")), "t": pa.array([10**15] * 2, pa.timestamp("us"))})
            pq.write_table(rows, self.project.path("s.parquet"), use_deprecated_int96_timestamps=True)
            if code is None:
                self.project.build("--time", "t", spine="s.parquet", features="v")
                self.assertEqual(self.project.rows("SELECT v__last FROM '$D/out.parquet'"), [(1,), (None,)])
            else:
                with self.assertRaises(Failed) as failed:
                    self.project.build("--time", "t", spine="s.parquet", features="v")
                self.assertEqual(failed.exception.code, code)
                self.assertIn('row 2: the key column "k" is', str(failed.exception))

    def test_a_finer_key__is_told_by_its_row(self):
        for nanos in (1, -1, 999):
            for zone in (None, "UTC"):
                self.spine([0, nanos], zone)
                with self.assertRaises(Failed) as failed:
                    self.project.build("--time", "t", spine="s.parquet", features="v")
                self.assertEqual(failed.exception.code, INVALID)
                self.assertIn('row 2: the key column "k" is', str(failed.exception))


if __name__ == "__main__":
    unittest.main(verbosity=2)
