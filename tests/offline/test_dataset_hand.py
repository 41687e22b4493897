"""Training sets against SQL typed by hand, a subquery per cell: ties, nulls everywhere, times before 1970 and on every boundary, from and
into every kind of file, with label columns that are called like what the engine calls its own. timeout: 600"""
import os
import random
import sys
import unittest

import pyarrow.ipc as ipc
import pyarrow.parquet as pq

sys.path.insert(0, os.path.dirname(__file__))
from dataset_support import Project, entity, source, view  # noqa: E402

TEN_SECONDS = "TIMESTAMP '1969-12-31 23:59:00' + to_microseconds(((random() * {n})::BIGINT) * 10000000)"
EVENTS = f"""SELECT CASE (random() * 6)::INT WHEN 0 THEN NULL WHEN 1 THEN '' ELSE 'k' || (random() * 4)::INT END k,
    CASE WHEN random() < .05 THEN NULL ELSE {TEN_SECONDS.format(n=40)} END ts,
    CASE WHEN random() < .1 THEN NULL ELSE {TEN_SECONDS.format(n=60)} END known,
    CASE WHEN random() < .2 THEN NULL ELSE (random() * 100 - 50)::BIGINT END v,
    CASE WHEN random() < .2 THEN NULL ELSE (random() * 100)::DECIMAL(9,2) END d FROM range(400)"""
SPINE = f"""SELECT CASE (random() * 7)::INT WHEN 0 THEN NULL WHEN 1 THEN '' ELSE 'k' || (random() * 5)::INT END k,
    CASE WHEN random() < .05 THEN NULL ELSE {TEN_SECONDS.format(n=50)} END t, i, 1.25::DECIMAL(9,2) v__x, uuid() AS last,
    [i, NULL] b, {{'a': i, 'b': NULL}} "V__LASt_", i::VARCHAR "we""ird, name", i __row, i __time, -i answer, i s
    FROM range(250) r(i)"""
WINNER = "ORDER BY ts DESC, known DESC NULLS LAST, pos DESC LIMIT 1"


def cell(what, where, known, tail=""):
    seen = "AND e.known <= l.t" if known else ""
    return f"(SELECT {what} FROM e WHERE e.k = l.k AND {where} {seen} {tail})"


def by_hand(known):
    minute = "e.ts <= l.t AND e.ts > l.t - INTERVAL 1 MINUTE"
    before = "e.ts < l.t AND e.ts >= l.t - INTERVAL {}"
    cells = [cell("v", "e.ts <= l.t", known, WINNER), cell("d", "e.ts <= l.t", known, WINNER),
             cell("sum(v)::BIGINT", minute, known), cell("count(v)", minute, known), cell("min(v)", minute, known),
             cell("sum(d)", "e.ts <= l.t", known),
             cell("v", before.format("90 SECOND"), known, WINNER), cell("count(v)", before.format("1 MINUTE"), known)]
    return f"""WITH l AS (SELECT *, row_number() OVER () AS rn FROM '$D/s.parquet'),
        e AS (SELECT *, row_number() OVER () AS pos FROM '$D/events.import.parquet')
        SELECT {', '.join(f'{text} AS c{n}' for n, text in enumerate(cells))} FROM l ORDER BY rn"""


class ByHand(unittest.TestCase):
    def test_every_way__gives_what_sql_by_hand_gives(self):
        seed = int(os.environ.get("FLOE_SEED") or random.randrange(2**32))
        with self.subTest(seed=seed), Project() as made:
            made.db.sql(f"SELECT setseed({random.Random(seed).random()})")
            made.table("events", EVENTS)
            made.define(entity() + source(times=", created_time: known") + "feature_views:\n" +
                        view("{name: last, column: v}, {name: dd, column: d}",
                             "{column: v, functions: [sum, count, min], windows: [1m]}, {column: d, functions: [sum]}") +
                        view("{name: last, column: v}", "{column: v, functions: [count], windows: [1m]}", name="b",
                             more=", at: before, ttl: 90s"))
            made.file("s.parquet", SPINE)
            labels = pq.read_table(made.path("s.parquet"))
            with ipc.new_file(made.path("s.arrow"), labels.schema) as writer:
                writer.write_table(labels, max_chunksize=17)
            made.table("labels", f"FROM '{made.path('s.parquet')}'")
            for known in (False, True):
                want = made.rows(by_hand(known))
                hashes = set()
                for spine, engine, out in (("s.parquet", "native", "o.parquet"), ("s.arrow", "native", "o.arrow"),
                                           ("lake.t.labels", "duckdb", "o.parquet"), ("s.arrow", "duckdb", "o.arrow")):
                    options = ["--time", "t", "--engine", engine, *(["--as-known"] if known else [])]
                    hashes.add(made.build(*options, spine=spine, features="v,b", out=out)["content_hash"])
                    table = pq.read_table(made.path(out)) if out == "o.parquet" else ipc.open_file(made.path(out)).read_all()
                    got = [table[name].to_pylist() for name in table.column_names[len(labels.column_names):]]
                    self.assertEqual(list(zip(*got)), want, (spine, engine, out, known))
                    for name in labels.column_names:
                        self.assertEqual(str(table[name].to_pylist()), str(labels[name].to_pylist()), (spine, name))
                self.assertEqual(len(hashes), 1)


if __name__ == "__main__":
    unittest.main()
