# timeout: 600
"""Compaction turns no exact tie: rows of one key with equal times are decided by the order of files and rows, and a training
set built before and after compaction has the same content hash, whatever the target size, with deletes of other rows between.

FLOE_TEST_SEED says with which seed.
"""
import json
import os
import random
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from dataset_support import Failed, Project, entity, source, view  # noqa: E402

SEED = int(os.environ.get("FLOE_TEST_SEED", random.randrange(2**32)))
FEATURES = "{name: x, column: x}, {name: y, column: y}"
AGGREGATES = "{column: x, functions: [count, sum], windows: [30d]}"


def rows_sql(rng, number, count):
    """Rows of few keys and few times, so that most have a tie; the value says which row it is."""
    return (f"SELECT 'k' || (hash(range * 7 + {rng.randrange(10**6)}) % 4) AS k, TIMESTAMP '2024-01-01' + INTERVAL 1 DAY * "
            f"(hash(range + {rng.randrange(10**6)}) % 3)::INTEGER AS ts, ({number * 10000} + range)::BIGINT AS x, "
            f"'row ' || ({number * 10000} + range) AS y, (hash(range + {rng.randrange(10**6)}) % 2)::BIGINT AS p FROM range({count})")


class Ties(unittest.TestCase):
    def build(self, project, out):
        return project.build(spine="spine.parquet", features="v", out=out)

    def grow(self, project, rng, partition):
        """Many small appends; in tables of version 1 and 2 alike later files come later."""
        for number in range(rng.randrange(4, 9)):
            options = ("--append",) if number else (("--partition", partition) if partition else ())
            project.table("events", rows_sql(rng, number, rng.randrange(1, 60)), *options)

    def check(self, rng, partition):
        with Project() as project:
            self.grow(project, rng, partition)
            project.define(entity() + source() + "feature_views:\n" + view(FEATURES, AGGREGATES))
            project.file("spine.parquet", "SELECT 'k' || (range % 5) AS k, TIMESTAMP '2024-01-01' + INTERVAL 1 HOUR * range AS "
                                          "label_time FROM range(100)")
            before = self.build(project, "before.parquet")
            self.assertGreater(before["ties"], 0)
            for target in ("2KB", "3KB", "512MB"):
                result = json.loads(project.floe("table", "compact", "lake.t.events", "--target-size", target, "--json"))
                after = self.build(project, "after.parquet")
                self.assertEqual(after["content_hash"], before["content_hash"], (SEED, partition, target, result))
                if partition is None:  # across partitions file order is what it is, and counted
                    self.assertEqual(after["ties"], before["ties"])
            # what an expiry leaves is the same table
            project.floe("table", "expire", "lake.t.events", "--older-than", "0s", "--force")
            self.assertEqual(self.build(project, "after.parquet")["content_hash"], before["content_hash"])

    def test_ties__of_one_partition__keep_their_winner(self):
        print(f"FLOE_TEST_SEED={SEED}")
        for number in range(3):
            self.check(random.Random(SEED + number), None)

    def test_ties__by_a_key_that_ties_share__keep_their_winner(self):
        self.check(random.Random(SEED + 50), "k")

    def test_snapshot__that_a_dataset_names__is_kept_unless_forced(self):
        with Project() as project:
            rng = random.Random(SEED)
            self.grow(project, rng, None)
            project.define(entity() + source() + "feature_views:\n" + view(FEATURES))
            project.file("spine.parquet", "SELECT 'k1' AS k, TIMESTAMP '2024-06-01' AS label_time")
            facts = self.build(project, "before.parquet")
            named = [s["snapshot_id"] for s in project.manifest(facts["id"])["sources"]]
            project.table("events", rows_sql(rng, 90, 10), "--append")
            result = json.loads(project.floe("table", "expire", "lake.t.events", "--older-than", "0s", "--json"))
            self.assertEqual(result["held"], 1)
            left = [s["snapshot"] for s in json.loads(project.floe("table", "snapshots", "lake.t.events", "--json"))]
            self.assertEqual(len(left), 2)
            self.assertIn(named[0], left)
            project.floe("table", "expire", "lake.t.events", "--older-than", "0s", "--force")
            left = [s["snapshot"] for s in json.loads(project.floe("table", "snapshots", "lake.t.events", "--json"))]
            self.assertEqual(len(left), 1)
            self.assertNotIn(named[0], left)

    def test_expire__without_an_age__is_a_usage_error(self):
        with Project() as project:
            with self.assertRaises(Failed) as failed:
                project.floe("table", "expire", "lake.t.events")
            self.assertEqual(failed.exception.code, 2)
            self.assertIn("--older-than", str(failed.exception))


unittest.main()
