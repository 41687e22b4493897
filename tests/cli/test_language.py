#!/usr/bin/env python3
"""All functions, expressions and request features, from the definition to a dataset by both engines, a sync, `floe get` and the
server: one value everywhere, the one that is computed here by hand."""
import json
import math
import os
import shutil
import statistics
import unittest

from harness import Checks, Project, Server

HEADER = ["date", "origin", "destination", "delay", "distance", "price", "known_at"]
# One airport with ties and nulls, one with a single flight; each known an hour after it left.
ROWS = [
    ("2001-01-01 00:00:00", "SFO", "JFK", "5", "100.5", "1.50"),
    ("2001-01-02 00:00:00", "SFO", "LAX", "", "337", "2.25"),
    ("2001-01-03 00:00:00", "SFO", "JFK", "25", "2586", "0.10"),
    ("2001-01-03 12:00:00", "SFO", "LAX", "-3", "337", ""),
    ("2001-01-04 00:00:00", "SFO", "ORD", "10", "1846", "9.99"),
    ("2001-01-04 06:00:00", "SFO", "JFK", "10", "2586", "2.25"),
    ("2001-01-02 00:00:00", "JFK", "SFO", "7", "2586", "3.00"),
]

DEFINITIONS = """\
entities:
  - {name: airport, keys: [{name: origin, type: string}]}
sources:
  - {name: flights, table: lake.aviation.flights, event_time: date}
feature_views:
  - name: delays
    entity: airport
    source: flights
    where: "coalesce(delay, 0) * 2 < 1000 AND lower(destination) LIKE '%' AND year(date) = 2001"
    features:
      - {name: newest, column: destination}
    aggregates:
      - {column: delay, functions: [variance, variance_pop, stddev_pop, first, last, {percentile: 0.95}, {percentile: 0.5}]}
      - {column: delay, functions: [approx_count_distinct, {top_k: 2}, {first_k: 3}, {last_k: 2}], windows: [36h]}
      - {column: destination, functions: [approx_count_distinct, {top_k: 3}, {last_k: 5}, first]}
      - {column: price, functions: [{percentile: 0.25}, {top_k: 1}, last, variance]}
      - {column: delay, functions: [variance, {percentile: 0.5}, {top_k: 3}], windows: [1h]}
request_features:
  - name: is_long_haul
    description: Whether the flight crosses the continent.
    inputs: [{name: distance, type: double}]
    expression: "distance > 1500"
    type: bool
  - name: delay_per_mile
    inputs: [{name: miles, type: double}, {name: late, feature: "delays:delay_last"}]
    expression: "CASE WHEN late IS NULL THEN -1 ELSE late / miles END"
    type: double
feature_services:
  - {name: model, features: [delays, is_long_haul, delay_per_mile]}
"""

SFO = [5, 25, -3, 10, 10]
PRICES = [1.5, 2.25, 0.1, 9.99, 2.25]


def percentile(values, q):
    values = sorted(values)
    place = q * (len(values) - 1)
    low = math.floor(place)
    return values[low] + (values[min(low + 1, len(values) - 1)] - values[low]) * (place - low)


# As of 2001-01-04 12:00: the last 36 hours are (Jan 3 00:00, Jan 4 12:00].
EXPECTED = {
    "newest": "JFK",
    "delay_variance": statistics.variance(SFO),
    "delay_variance_pop": statistics.pvariance(SFO),
    "delay_stddev_pop": statistics.pstdev(SFO),
    "delay_first": 5,
    "delay_last": 10,
    "delay_p95": percentile(SFO, 0.95),
    "delay_p50": 10,
    "delay_approx_count_distinct_36h": 2,
    "delay_top_2_36h": [10, -3],
    "delay_first_3_36h": [-3, 10, 10],
    "delay_last_2_36h": [10, 10],
    "destination_approx_count_distinct": 3,
    "destination_top_3": ["JFK", "LAX", "ORD"],
    "destination_last_5": ["JFK", "ORD", "LAX", "JFK", "LAX"],
    "destination_first": "JFK",
    "price_p25": percentile(PRICES, 0.25),
    "price_top_1": ["2.25"],
    "price_last": "2.25",
    "price_variance": statistics.variance(PRICES),
    "delay_variance_1h": None,
    "delay_p50_1h": None,
    "delay_top_3_1h": None,
}


class Language(Checks, unittest.TestCase):
    def setUp(self):
        self.project = Project()
        self.addCleanup(shutil.rmtree, self.project.folder)
        self.project.write_csv("flights.csv", HEADER, [[*row, row[0]] for row in ROWS])
        self.project.floe_ok("table", "import", "flights.csv", "lake.aviation.flights", "--types",
                             "date=timestamp,delay=int64,distance=double,price=decimal(10,2),known_at=timestamp")
        self.project.write("features/delays.yaml", DEFINITIONS)
        self.project.floe_ok("apply")

    def same(self, got, want, what):
        if isinstance(want, float):
            self.assertAlmostEqual(got, want, delta=1e-12 * abs(want), msg=what)
        else:
            self.assertEqual(got, want, what)

    def build(self, *arguments, spine=None):
        self.project.write_csv("spine.csv", ["origin", "at", "distance", "miles"], spine or [
            ["SFO", "2001-01-04 12:00:00", "2000", "4"], ["JFK", "2001-01-04 12:00:00", "1500", "2"],
            ["XXX", "2001-01-04 12:00:00", "1501", "0"], ["SFO", "2000-01-04 12:00:00", "", "1"]])
        out = self.project.path("out.jsonl")
        if os.path.exists(out):
            os.unlink(out)
        self.project.floe_ok("dataset", "build", "--service", "model", "--spine", "spine.csv", *arguments, "-o", out)
        with open(out) as file:
            return [json.loads(line) for line in file]

    def test_a_dataset_has_every_function_alike_by_both_engines(self):
        native = self.build()
        self.assertEqual(native, self.build("--engine", "duckdb"))
        for name, want in EXPECTED.items():
            self.same(native[0]["delays__" + name], want, name)
        jfk, nowhere, before = native[1:]
        self.assertIsNone(jfk["delays__delay_variance"])
        self.assertEqual(jfk["delays__delay_variance_pop"], 0)
        self.assertEqual(jfk["delays__destination_top_3"], ["SFO"])
        self.assertEqual(jfk["delays__delay_p95"], 7)
        for row in (nowhere, before):
            for name in EXPECTED:
                self.assertEqual(row["delays__" + name], 0 if "count" in name else None, name)

    def test_request_features_are_columns_of_their_bare_name(self):
        rows = self.build()
        self.assertEqual(list(rows[0])[-2:], ["is_long_haul", "delay_per_mile"])
        self.assertEqual([row["is_long_haul"] for row in rows], [True, False, True, None])
        # 10 / 4; 7 / 2; nothing was found, so -1; before the first row as well
        self.assertEqual([row["delay_per_mile"] for row in rows], [2.5, 3.5, -1, -1])
        self.assertNotIn("delays__late", rows[0])

    def test_a_request_feature_brings_no_column_that_was_not_asked_for(self):
        self.build()
        for engine in ("native", "duckdb"):
            out = self.project.path(f"{engine}.jsonl")
            self.project.floe_ok("dataset", "build", "--features", "delay_per_mile,delays:newest", "--spine", "spine.csv",
                                 "--engine", engine, "-o", out)
            with open(out) as file:
                rows = [json.loads(line) for line in file]
            self.assertEqual(list(rows[0]), ["origin", "at", "distance", "miles", "delay_per_mile", "delays__newest"])
            self.assertEqual([row["delay_per_mile"] for row in rows], [2.5, 3.5, -1, -1])

    def test_a_dataset_of_request_features_is_rebuilt_and_audited(self):
        self.build("--name", "kept")
        kept = self.project.floe_ok("dataset", "ls", "--json").json[0]
        again = self.project.path("again.jsonl")
        self.project.floe_ok("dataset", "rebuild", kept["id"], "-o", again)
        with open(again) as one, open(self.project.path("out.jsonl")) as other:
            self.assertEqual(one.read(), other.read())
        self.project.floe_ok("dataset", "audit", kept["id"])

    def test_a_spine_without_the_input_is_refused_by_name(self):
        self.project.write_csv("spine.csv", ["origin", "at", "distance"], [["SFO", "2001-01-04 12:00:00", "x"]])
        run = self.project.floe("dataset", "build", "--features", "delays:newest,delay_per_mile", "--spine", "spine.csv",
                                "-o", "o.parquet")
        self.refused(run, "INVALID", "miles", "double")
        run = self.project.floe("dataset", "build", "--features", "delays:newest,is_long_haul", "--spine", "spine.csv",
                                "-o", "o.parquet")
        self.refused(run, "INVALID", "distance", "no double", "needs it: x")
        run = self.project.floe("dataset", "build", "--features", "is_long_haul", "--spine", "spine.csv", "-o",
                                "o.parquet")
        self.refused(run, "INVALID", "distance", "no double", "needs it: x")

    def test_online_the_values_are_those_of_the_tables(self):
        self.project.floe_ok("sync")
        got = {row["feature"]: row for row in self.project.floe_ok(
            "get", "model", "origin=SFO", "distance=2000", "miles=4", "--json").json}
        for name, want in EXPECTED.items():
            if not name.endswith(("_36h", "_1h")):
                self.same(got["delays:" + name]["value"], want, name)
        # The sync's own time is years later: the windows are empty.
        self.assertEqual(got["delays:delay_approx_count_distinct_36h"]["value"], 0)
        self.assertIsNone(got["delays:delay_top_2_36h"]["value"])
        self.assertEqual((got["is_long_haul"]["value"], got["is_long_haul"]["status"]), (True, "PRESENT"))
        self.assertEqual(got["delay_per_mile"]["value"], 2.5)
        text = self.project.floe_ok("get", "delays:destination_top_3", "origin=SFO").out
        self.assertIn('["JFK","LAX","ORD"]', text)

    def test_get_names_what_is_missing_and_what_is_wrong(self):
        self.project.floe_ok("sync")
        self.refused(self.project.floe("get", "model", "origin=SFO", "miles=4"), "INVALID", "distance")
        self.refused(self.project.floe("get", "is_long_haul", "distance=far"), "INVALID", "distance", "double")
        self.refused(self.project.floe("get", "is_long_haul", "distance=1", "hight=2"), "INVALID", "hight")
        row = self.project.floe_ok("get", "is_long_haul", "distance=1501", "--json").json[0]
        self.assertEqual((row["feature"], row["value"]), ("is_long_haul", True))

    def test_the_server_takes_the_request_beside_the_entities(self):
        self.project.floe_ok("sync")
        with Server(self.project) as server:
            status, body = server.request("/v1/lookup", {
                "features": ["delay_per_mile", "delays:destination_top_3", "is_long_haul", "delays:price_last"],
                "entities": {"origin": ["SFO", "JFK", "XXX"]},
                "request": {"distance": [1, 1501, None], "miles": [4, 2, 1]}, "include": ["statuses"]})
            self.assertEqual(status, 200, body)
            self.assertEqual(body["features"], ["delay_per_mile", "delays:destination_top_3", "is_long_haul",
                                                "delays:price_last"])
            self.assertEqual(body["values"], [[2.5, 3.5, -1], [["JFK", "LAX", "ORD"], ["SFO"], None],
                                              [False, True, None], ["2.25", "3.00", None]])
            self.assertEqual(body["statuses"][2], ["PRESENT", "PRESENT", "NULL_VALUE"])
            self.assertEqual(body["statuses"][0], ["PRESENT"] * 3)
            # Without any entity the request alone says how many there are.
            status, body = server.request("/v1/lookup", {"features": ["is_long_haul"],
                                                         "request": {"distance": [1500, 1500.5]}})
            self.assertEqual((status, body["values"]), (200, [[False, True]]))
            ask = {"features": ["is_long_haul", "delays:newest"], "entities": {"origin": ["SFO", "JFK"]}}
            for request, words in ((None, "request.distance is missing"), ({}, "request.distance is missing"),
                                   ({"distance": [1]}, "1 values, and 2 entities"),
                                   ({"distance": [1, "far"]}, "request.distance[1]"),
                                   ({"distance": [1, 2], "miles": [1, 2]}, "request.miles is no input"),
                                   ({"distanc": [1, 2]}, "did you mean"), ({"distance": 5}, "must be a list"),
                                   ([], "must be an object")):
                status, body = server.request("/v1/lookup", ask if request is None else {**ask, "request": request})
                self.assertEqual(status, 400, (request, body))
                self.assertIn(words, body["detail"], request)

    def test_plan_shows_what_a_request_feature_became(self):
        self.project.write("features/delays.yaml", DEFINITIONS.replace('"distance > 1500"', '"distance > 2000"').replace(
            "{percentile: 0.95}", "{percentile: 0.9}"))
        out = self.project.floe_ok("plan").out
        self.assertIn("request_feature is_long_haul: expression distance > 1500 → distance > 2000", out)
        self.assertIn("delay_p90", out)

    def test_what_the_language_does_not_know_is_refused_with_its_place(self):
        for expression, words in (("distance >", "character 11"), ("distanc > 1", "did you mean distance"),
                                  ("lowr('a') = 'a'", "did you mean lower"), ("distance || 1", "character 10"),
                                  ("distance + 'a' > 1", "+ needs numbers"), ("distance", "is declared bool")):
            self.project.write("features/delays.yaml", DEFINITIONS.replace("distance > 1500", expression))
            run = self.project.floe("plan")
            self.assertNotEqual(run.code, 0, expression)
            self.assertIn(words, run.err, expression)
            self.assertIn("features/delays.yaml:", run.err, expression)

    def test_search_finds_a_request_feature_by_its_words(self):
        self.project.floe_ok("index", env={**os.environ, "FLOE_EMBEDDER": "none"})
        hits = self.project.floe_ok("search", "crosses the continent", "--kind", "feature", "--json").json
        self.assertIn("is_long_haul", json.dumps(hits))

    def test_a_scan_filters_by_floes_expressions(self):
        def rows(where):
            run = self.project.floe_ok("table", "scan", "lake.aviation.flights", "--columns", "delay", "--where", where, "--json")
            return [row["delay"] for row in run.json_lines]
        self.assertEqual(sorted(rows("delay % 5 = 0 AND origin = 'SFO'")), [5, 10, 10, 25])
        self.assertEqual(rows("delay / 0 IS NOT NULL"), [])
        self.assertEqual(sorted(rows("CASE WHEN delay > 9 THEN true END")), [10, 10, 25])
        self.assertEqual(sorted(rows("hour(date) IN (6, 12)")), [-3, 10])
        self.assertEqual(rows("round(price + 0.005, 2) = 9.995"), [])


if __name__ == "__main__":
    unittest.main()
