"""Times of a source at the ends of what may be stored: the engine's infinities, the first and last of int64, dates far beyond what
microseconds hold. None is dropped: those are before or after everything. Expected: the rule over integers of Python, where an
infinity is the end of int64. Kernel, in parts, SQL, audit, online. timeout: 600"""
import json
import os
import sys
import unittest

import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, os.path.dirname(__file__))
import foreign  # noqa: E402
from dataset_support import Project, entity, source, view  # noqa: E402

M = 2**63 - 1
DAY = 86_400_000_000
FIRST, LAST = -62_135_596_800_000_000, 253_402_300_799_999_999  # the years 1 to 9999
ENDS = [M, M - 1, LAST + 1, LAST, 0, -1, FIRST - 1, -M + 1, -M, -M - 1, None]
DATES = [2**31 - 1, 2**31 - 2, 106_751_992, 2_932_897, 2_932_896, 0, -1, -719_163, -106_751_992, -2**31 + 2, -2**31 + 1, -2**31, None]
LABELS = [LAST, 0, -1, FIRST, 10**15]
AGGREGATES = '{column: v, functions: [sum, count]}, {column: v, functions: [count], windows: [1d], name: day}'


def micros(day):
    return None if day is None else max(min(day * DAY, M), -M)


def answer(rows, t, before=False, as_known=False):
    """(last, sum, count, count of a day); rows: (event, known, until, v) in the order of the file."""
    seen = [(e, k if k is not None else -2**63, i, u, v) for i, (e, k, u, v) in enumerate(rows)
            if e is not None and (e < t if before else e <= t) and (not as_known or (k is not None and k <= t))]
    in_day = [row for row in seen if (t - DAY <= row[0] if before else t - DAY < row[0])]
    won = max(seen, default=None)
    ended = won is not None and won[3] is not None and (won[3] < t if before else won[3] <= t)
    return (None if won is None or ended else won[4], sum(row[4] for row in seen) if seen else None, len(seen), len(in_day))


class Ends(unittest.TestCase):
    def setUp(self):
        self.project = self.enterContext(Project())

    def table(self, kind, rows):
        """lake.t.events of one file without statistics, in the order of the rows: (ts, known, until, v)."""
        type_ = pa.date32() if kind == "date" else pa.timestamp("us", "UTC" if kind == "timestamptz" else None)
        columns = [("k", "long", pa.int64()), ("ts", kind, type_), ("known", kind, type_), ("until", kind, type_), ("v", "long", pa.int64())]
        made = foreign.Table(self.project.path("lakehouse", "t", "events"), [{"id": i + 1, "name": name, "type": ice, "required": False}
                                                                             for i, (name, ice, _) in enumerate(columns)])
        schema = pa.schema([pa.field(name, arrow, metadata={"PARQUET:field_id": str(i + 1)}) for i, (name, _, arrow) in enumerate(columns)])
        raw = pa.int32() if kind == "date" else pa.int64()
        values = [pa.array([1] * len(rows), pa.int64())] + [pa.array([row[i] for row in rows], raw).cast(type_) for i in range(3)]
        made.add(pa.table(values + [pa.array([row[3] for row in rows], pa.int64())], schema))
        made.write()

    def check(self, kind, rows, before=False, as_known=False):
        self.table(kind, rows)
        self.project.define(entity("{name: k, type: int64}") + source(times=", created_time: known, end_time: until") + "feature_views:\n" +
                            view("{name: last, column: v}", AGGREGATES, more=", at: before" if before else ""))
        spine = pa.table({"k": pa.array([1] * len(LABELS), pa.int64()), "t": pa.array(LABELS, pa.timestamp("us"))})
        pq.write_table(spine, self.project.path("s.parquet"))
        counted = [tuple(micros(x) for x in row[:3]) + row[3:] for row in rows] if kind == "date" else rows
        want = [answer(counted, t, before, as_known) for t in LABELS]
        known = ["--as-known"] if as_known else []
        for way in ([], ["--threads", "1"], ["--memory", "64MB"], ["--engine", "duckdb"]):
            with self.subTest(kind, before=before, as_known=as_known, way=way):
                facts = self.project.build(*way, *known, spine="s.parquet", features="v")
                self.assertEqual(self.project.rows("SELECT v__last, v__v_sum, v__v_count, v__day FROM '$D/out.parquet'"), want)
        self.project.floe("dataset", "audit", facts["id"])

    def test_event_times__of_every_end(self):
        for kind, ends in (("timestamp", ENDS), ("timestamptz", ENDS), ("date", DATES)):
            for before in (False, True):
                self.check(kind, [(e, None, None, 2**i) for i, e in enumerate(ends)], before)

    def test_created_and_end_times__of_every_end(self):
        for kind, ends in (("timestamp", ENDS), ("date", DATES)):
            for at in (0, -1):
                for end in ends:
                    self.check(kind, [(at, ends[4], end, 1), (at, end, None, 2)][:: 1 if at else -1], as_known=at == 0)

    def test_one_infinite_row_alone(self):
        for end in (M, -M):
            self.check("timestamp", [(end, None, None, 1)])

    def test_files__with_a_zone_and_without_and_of_several_row_groups(self):
        """A file may give a column a zone that the table does not, and the other way round; a bound of times passes over row groups."""
        rows = [(i * DAY // 8, None, None, i) for i in range(400)]
        for kind in ("timestamp", "timestamptz"):
            made = foreign.Table(self.project.path("lakehouse", "t", kind), [{"id": i + 1, "name": name, "type": ice, "required": False}
                                                                             for i, (name, ice) in enumerate((("k", "long"), ("ts", kind), ("v", "long")))])
            for number, zone in enumerate((None, "UTC", "Asia/Tokyo")):
                part = rows[number::3]
                schema = pa.schema([pa.field(name, type_, metadata={"PARQUET:field_id": str(i + 1)}) for i, (name, type_) in
                                    enumerate((("k", pa.int64()), ("ts", pa.timestamp("us", zone)), ("v", pa.int64())))])
                made.add(pa.table([[1] * len(part), [row[0] for row in part], [row[3] for row in part]], schema), row_group_size=20)
            made.write()
            self.project.define(entity("{name: k, type: int64}") + source(table=kind) + "feature_views:\n" +
                                view("", '{column: v, functions: [sum, count], windows: [2d]}'))
            for first in (0, 100, 390):
                labels = [rows[first][0] + t for t in (-1, 0, 1, DAY, 3 * DAY)]
                pq.write_table(pa.table({"k": pa.array([1] * len(labels), pa.int64()), "t": pa.array(labels, pa.timestamp("us"))}),
                               self.project.path("s.parquet"))
                want = [[row[3] for row in rows if t - 2 * DAY < row[0] <= t] for t in labels]
                for way in ([], ["--engine", "duckdb"]):
                    facts = self.project.build(*way, spine="s.parquet", features="v")
                    self.assertEqual(self.project.rows("SELECT v__v_sum_2d, v__v_count_2d FROM '$D/out.parquet'"),
                                     [(sum(seen) if seen else None, len(seen)) for seen in want])
                self.project.floe("dataset", "audit", facts["id"])

    def test_online__holds_a_row_from_before_everything(self):
        self.project.write("floe.yaml", "project: test\ncatalogs:\n  lake: {type: directory, warehouse: ./lakehouse}\n"
                                        "online: {store: embedded, path: ./online}\n")
        self.table("timestamp", [(M, None, None, 1), (-M, None, None, 2)])
        self.project.define(entity("{name: k, type: int64}") + source() + "feature_views:\n" + view("{name: last, column: v}"))
        self.project.floe("sync")
        (cell,) = json.loads(self.project.floe("get", "v:last", "k=1", "--json"))
        self.assertEqual(cell["value"], 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
