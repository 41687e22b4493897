#!/usr/bin/env python3
"""One key with nearly all rows, in less memory than they take: the same bits, and the process keeps to it. timeout: 900"""
import os
import unittest

from dataset_support import Failed, Project

VIEWS = """entities: [{name: one, keys: [{name: k, type: int64}]}]
sources: [{name: events, table: lake.t.events, event_time: ts}]
feature_views:
  - name: sums
    entity: one
    source: events
    features: [{name: n, column: n}]
    aggregates:
      - {column: a, functions: [sum, count, max, stddev], windows: [1h, 1d, 20d]}
      - {column: a, functions: [last, {percentile: 0.9}], windows: [1d]}
      - {column: n, functions: [mean, min]}
"""
EVENTS = """SELECT CASE WHEN i % 50 = 0 THEN i % 41 ELSE 7 END AS k, TIMESTAMP '2025-01-01' + to_seconds(i * 7919 % 2400000) AS ts,
    i % 1000 * 0.37 AS a, i AS n FROM range(1200000) r(i)"""
LABELS = """SELECT CASE WHEN i % 9 = 0 THEN i % 43 ELSE 7 END AS k, TIMESTAMP '2025-01-01' + to_seconds(i * 7877 % 2400000) AS t
    FROM range(30000) r(i)"""


TEXTS = VIEWS[:VIEWS.index("  - name")] + """  - name: texts
    entity: one
    source: events
    features: [{name: s, column: s}]
    aggregates:
      - {column: s, functions: [count_distinct, last, min, max], windows: [1h, 1d]}
      - {column: n, functions: [count_distinct, {percentile: 0.5}], windows: [1h]}
"""


class OneKey(unittest.TestCase):
    def project(self, views=VIEWS, events=EVENTS):
        project = self.enterContext(Project())
        project.table("events", events)
        project.file("labels.parquet", LABELS)
        project.define(views)
        return project

    def texts(self, distinct):
        text = f"'a text that is longer than others, ' || (i * 7919 % {distinct}) AS s, i % 5003 AS n"
        return self.project(TEXTS, EVENTS.replace("i AS n", text))

    def build(self, project, memory, threads, features="sums"):
        """The content's hash and the peak of the process's memory in bytes."""
        built = project.build("--memory", memory, "--threads", threads, spine="labels.parquet", features=features)
        return built["content_hash"], project.manifest(built["id"])["peak_memory_bytes"]

    def keeps_to(self, project, features, cases, limit, whole_takes):
        """By each (memory, threads) the same as in much memory, and not more than `limit` bytes."""
        whole, most = self.build(project, "4GB", "2", features)
        for memory, threads in cases:
            parts, peak = self.build(project, memory, threads, features)
            self.assertEqual(parts, whole, (memory, threads))
            if not os.environ.get("FLOE_SANITIZE"):  # which keeps what was freed
                self.assertLess(peak, limit, (memory, threads))
        if not os.environ.get("FLOE_SANITIZE"):
            self.assertGreater(most, whole_takes)  # else it says nothing

    def test_less_memory_than_its_rows_take__is_kept_to(self):
        cases = ("192MB", "1"), ("192MB", "3"), ("128MB", "2")  # with 128 MB the engine's least is more than its half
        self.keeps_to(self.project(), "sums", cases, 192_000_000, 230_000_000)

    def test_texts_of_one_key__are_answered_over_files_too(self):
        self.keeps_to(self.texts(20011), "texts", (("128MB", "1"), ("192MB", "2")), 230_000_000, 260_000_000)

    def test_more_distinct_texts_than_fit__are_told_with_the_feature_and_what_would_do(self):
        with self.assertRaisesRegex(Failed, r'LIMIT: .*texts:s: the distinct values of column "s" .*give at least --memory [0-9]+MB'):
            self.build(self.texts(1200007), "64MB", "1", "texts")


if __name__ == "__main__":
    unittest.main(verbosity=2)
