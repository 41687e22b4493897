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


class OneKey(unittest.TestCase):
    def build(self, project, memory, threads):
        """The content's hash and the peak of the process's memory in bytes."""
        built = project.build("--memory", memory, "--threads", threads, spine="labels.parquet", features="sums")
        return built["content_hash"], project.manifest(built["id"])["peak_memory_bytes"]

    def test_less_memory_than_its_rows_take__is_kept_to(self):
        with Project() as project:
            project.table("events", EVENTS)
            project.file("labels.parquet", LABELS)
            project.define(VIEWS)
            whole, most = self.build(project, "4GB", "2")
            for memory, threads in (192, "1"), (192, "3"), (128, "2"):
                parts, peak = self.build(project, f"{memory}MB", threads)
                self.assertEqual(parts, whole, (memory, threads))
                if not os.environ.get("FLOE_SANITIZE"):  # which keeps what was freed
                    self.assertLess(peak, 192_000_000, (memory, threads))  # with 128 MB the engine's least is more than its half
            if not os.environ.get("FLOE_SANITIZE"):
                self.assertGreater(most, 230_000_000)  # else it says nothing

    TEXTS = """entities: [{name: one, keys: [{name: k, type: int64}]}]
sources: [{name: events, table: lake.t.events, event_time: ts}]
feature_views:
  - name: texts
    entity: one
    source: events
    features: [{name: s, column: s}]
    aggregates:
      - {column: s, functions: [count_distinct, last, min, max], windows: [1h, 1d]}
      - {column: n, functions: [count_distinct, {percentile: 0.5}], windows: [1h]}
"""

    def texts(self, project, distinct):
        project.table("events", EVENTS.replace("i AS n", f"'a text that is longer than others, ' || (i * 7919 % {distinct}) AS s, i % 5003 AS n"))
        project.file("labels.parquet", LABELS)
        project.define(self.TEXTS)

    def test_texts_of_one_key__are_answered_over_files_too(self):
        with Project() as project:
            self.texts(project, 20011)
            whole = project.build(spine="labels.parquet", features="texts")
            for memory, threads in ("128MB", "1"), ("192MB", "2"):
                parts = project.build("--memory", memory, "--threads", threads, spine="labels.parquet", features="texts")
                self.assertEqual(parts["content_hash"], whole["content_hash"], memory)
                if not os.environ.get("FLOE_SANITIZE"):
                    self.assertLess(project.manifest(parts["id"])["peak_memory_bytes"], 230_000_000, memory)
            if not os.environ.get("FLOE_SANITIZE"):
                self.assertGreater(project.manifest(whole["id"])["peak_memory_bytes"], 260_000_000)  # else it says nothing

    def test_more_distinct_texts_than_fit__are_told_with_the_feature_and_what_would_do(self):
        with Project() as project:
            self.texts(project, 1200007)
            with self.assertRaisesRegex(Failed, r'LIMIT: .*texts:s: the distinct values of column "s" .*give at least --memory [0-9]+MB'):
                project.build("--memory", "64MB", "--threads", "1", spine="labels.parquet", features="texts")


if __name__ == "__main__":
    unittest.main(verbosity=2)
