"""Real flights: no flight's own delay, nor any that was not known by its departure, reaches its features; and the same build
without the two guards (`at: before` and --as-known) leaks.

Shown in two ways. By another program: DuckDB computes the features over the plain file with the rule typed in by hand. And by
poison: for the flights that depart at one moment, every delay that may not be seen is replaced by a huge one; with the guards
not one bit of the training set may change, without them it must. timeout: 600"""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from dataset_support import Project  # noqa: E402

FLIGHTS = os.path.join(os.environ["FLOE_VEGA_DIR"], "data", "flights-3m.parquet")
KNOWN = "date + INTERVAL 45 MINUTE + to_seconds(distance * 9)"
SLICE = f"SELECT *, {KNOWN} AS known_at FROM '{FLIGHTS}' LIMIT 300000"
POISON = 10000  # Minutes; the longest real delay is below 2,000.
VIEWS = """entities:
  - {{name: airport, keys: [{{name: origin, type: string}}]}}
  - {{name: route, keys: [{{name: origin, type: string}}, {{name: destination, type: string}}]}}
sources: [{{name: flights, table: lake.t.flights, event_time: date, created_time: known_at}}]
feature_views:
  - name: airport
    entity: airport
    source: flights
    where: "delay IS NOT NULL"
    ttl: 90d
    {at}
    features: [{{name: last_delay, column: delay}}]
    aggregates: [{{column: delay, functions: [count, sum, mean, max, min, stddev], windows: [1d, 7d]}}]
  - name: route
    entity: route
    source: flights
    where: "delay IS NOT NULL"
    {at}
    features: [{{name: last_delay, column: delay}}]
    aggregates: [{{column: delay, functions: [count, sum, max], windows: [7d, 30d]}}]
"""
FEATURES = "airport,route"

# The rule of docs/point-in-time.md for `at: before` and --as-known, typed by hand.
EXPECTED = """
SELECT l.i,
    arg_max(f.delay, (f.date, f.known_at, f.i)) FILTER (f.date >= l.date - INTERVAL 90 DAY),
    count(*) FILTER (f.date >= l.date - INTERVAL 1 DAY), sum(f.delay) FILTER (f.date >= l.date - INTERVAL 1 DAY),
    max(f.delay) FILTER (f.date >= l.date - INTERVAL 7 DAY), min(f.delay) FILTER (f.date >= l.date - INTERVAL 7 DAY),
    count(*) FILTER (f.date >= l.date - INTERVAL 7 DAY), stddev_samp(f.delay) FILTER (f.date >= l.date - INTERVAL 7 DAY)
FROM labels l JOIN flights f
    ON f.origin = l.origin AND f.date < l.date AND f.known_at <= l.date AND f.delay IS NOT NULL
GROUP BY l.i ORDER BY l.i"""
BUILT = """airport__last_delay, airport__delay_count_1d, airport__delay_sum_1d, airport__delay_max_7d, airport__delay_min_7d,
    airport__delay_count_7d, airport__delay_stddev_7d"""


class Leaks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.project = project = Project()
        project.db.sql("SET preserve_insertion_order = true")
        project.table("flights", SLICE, "--partition", "month(date)")
        project.db.execute(f"CREATE TABLE flights AS SELECT *, row_number() OVER () AS i FROM ({SLICE})")

    @classmethod
    def tearDownClass(cls):
        cls.project.__exit__()

    def build(self, guarded, spine, out):
        self.project.define(VIEWS.format(at="at: before" if guarded else "at: at_or_before"))
        return self.project.build(*(["--as-known"] if guarded else []), "--time", "date", spine=spine, features=FEATURES,
                                  out=out)

    def labels(self, name, where):
        """Label rows drawn from the flights themselves, each with its own delay as what is to be predicted."""
        self.project.file(name, f"""SELECT i, date, origin, destination, delay FROM flights
                                    WHERE delay IS NOT NULL AND {where} ORDER BY hash(i)""")
        self.project.db.execute(f"CREATE OR REPLACE TABLE labels AS SELECT * FROM '{self.project.path(name)}'")
        return self.project.rows("SELECT count(*) FROM labels")[0][0]

    def test_guarded__equals_the_rule_typed_by_hand(self):
        count = self.labels("spine.parquet", "i % 100 = 7")
        self.assertGreater(count, 2000)
        self.build(True, "spine.parquet", "guarded.parquet")
        expected = {row[0]: row[1:] for row in self.project.rows(EXPECTED)}
        seen = 0
        for row in self.project.rows(f"SELECT i, {BUILT} FROM '$D/guarded.parquet'"):
            want = expected.get(row[0], (None, 0, None, None, None, 0, None))
            self.assertEqual(row[1:7], want[:6], f"flight {row[0]}")
            if want[6] is None:
                self.assertIsNone(row[7])
            else:
                self.assertAlmostEqual(row[7], want[6], delta=1e-9 * max(1, want[6]))
            seen += 1
        self.assertEqual(seen, count)

    def test_unguarded__every_flight_sees_its_own_delay(self):
        """Without the guards the newest flight of the route at the label's time is the label's own flight, or one that
        departed in the same minute."""
        self.labels("spine.parquet", "i % 100 = 7")
        shares = []
        for guarded in (True, False):
            self.build(guarded, "spine.parquet", "out.parquet")
            share, in_window = self.project.rows("""SELECT avg((route__last_delay IS NOT DISTINCT FROM delay)::INTEGER),
                avg((route__delay_max_7d >= delay)::INTEGER) FROM '$D/out.parquet'""")[0]
            shares.append(share)
            if not guarded:
                self.assertEqual(in_window, 1.0)
        self.assertGreater(shares[1], 0.95)
        self.assertLess(shares[0], 0.2)  # Equal by chance only.

    def moments(self):
        """Minutes in which many flights depart, from the middle of the slice's time on."""
        return [row[0] for row in self.project.rows("""SELECT date FROM flights WHERE delay IS NOT NULL AND date >
            (SELECT quantile_cont(date, 0.5) FROM flights) GROUP BY date ORDER BY count(*) DESC, date LIMIT 3""")]

    def test_poison__changes_nothing_behind_the_guards_and_much_without(self):
        project = self.project
        for moment in self.moments():
            hidden = f"date >= TIMESTAMP '{moment}' OR known_at > TIMESTAMP '{moment}'"
            self.assertGreater(self.labels("spine.parquet", f"date = TIMESTAMP '{moment}'"), 3)
            clean = {guarded: self.build(guarded, "spine.parquet", "out.parquet")["content_hash"] for guarded in (True, False)}
            poisoned = f"""SELECT * EXCLUDE (i) REPLACE (CASE WHEN delay IS NOT NULL AND ({hidden})
                           THEN {POISON} ELSE delay END::BIGINT AS delay) FROM flights ORDER BY i"""
            project.table("flights", poisoned, "--replace")
            try:
                self.assertEqual(self.build(True, "spine.parquet", "out.parquet")["content_hash"], clean[True], str(moment))
                self.assertNotEqual(self.build(False, "spine.parquet", "out.parquet")["content_hash"], clean[False])
                poisoned_rows, all_rows = project.rows(f"""SELECT count(*) FILTER (route__last_delay = {POISON}), count(*)
                                                           FROM '$D/out.parquet'""")[0]
                self.assertEqual(poisoned_rows, all_rows, "every unguarded label sees what it must not")
            finally:
                project.table("flights", SLICE, "--replace")

    def test_one_guard_alone__is_not_enough(self):
        """`at: before` hides the flight itself, but not those still in the air."""
        project = self.project
        moment = self.moments()[0]
        self.labels("spine.parquet", f"date = TIMESTAMP '{moment}'")
        project.define(VIEWS.format(at="at: before"))
        project.build("--time", "date", spine="spine.parquet", features=FEATURES, out="out.parquet")
        leaked = project.rows(f"""SELECT count(*) FROM '$D/out.parquet' o JOIN flights f ON f.origin = o.origin
            AND f.date < o.date AND f.known_at > o.date AND f.delay = o.airport__last_delay
            AND NOT EXISTS (FROM flights g WHERE g.origin = f.origin AND g.delay IS NOT NULL AND g.date > f.date AND g.date < o.date)""")
        self.assertGreater(leaked[0][0], 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
