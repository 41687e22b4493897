#!/usr/bin/env python3
"""Expiry of tables whose files are objects: what goes, what stays, what another table's is, and what a run that was stopped leaves
to the next. Which objects a table names is counted with PyIceberg."""
# needs: py
# timeout: 600
import os
import shutil
import sys
import tempfile
import time
import unittest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.join(os.environ["FLOE_ROOT"], "tests", "cli")]
from harness import Checks, Project  # noqa: E402
from object_store import ObjectStore  # noqa: E402
from rest_catalog import RestCatalog  # noqa: E402
from store_io import named, newest, stores  # noqa: E402

ROWS = [(1, "a"), (2, "b"), (3, "\u00fc x")]
ALL = ("--older-than", "0s", "--orphans-older-than", "0s")


class Expire(Checks, unittest.TestCase):
    def prepare(self, yaml, store):
        self.store = store
        stores[store.bucket] = store
        self.addCleanup(store.close)
        self.cache = tempfile.mkdtemp(prefix="floe-objects-")
        self.addCleanup(shutil.rmtree, self.cache, ignore_errors=True)
        os.environ["FLOE_OBJECT_CACHE"] = self.cache
        self.addCleanup(os.environ.pop, "FLOE_OBJECT_CACHE")
        self.project = Project("project: t\ncatalogs:\n" + yaml)
        self.addCleanup(shutil.rmtree, self.project.folder)
        self.project.write_csv("rows.csv", ["id", "name"], ROWS)

    def make(self, **other):
        store = ObjectStore(**other)
        self.prepare("  far: {type: directory, warehouse: \"s3://%s/ware house\", storage: %s}\n" % (store.bucket, store.storage()), store)
        self.table, self.key = "far.a.t", "ware house/a/t"

    def make_rest(self):
        store = ObjectStore()
        folder = tempfile.mkdtemp(prefix="floe-rest-")
        self.addCleanup(shutil.rmtree, folder)
        self.service = RestCatalog(folder, warehouse=f"s3://{store.bucket}/wh", properties={"py-io-impl": "store_io.StoreIO"},
                                   config={"s3.endpoint": store.endpoint, "s3.access-key-id": store.access_key,
                                           "s3.secret-access-key": store.secret_key, "s3.region": store.region,
                                           "s3.path-style-access": "true"})
        self.addCleanup(self.service.close)
        self.prepare("  prod: {type: rest, uri: \"%s\"}\n" % self.service.uri, store)
        self.table = "prod.a.t"

    def floe(self, *arguments):
        return self.project.floe_ok("table", *arguments)

    def fill(self, appends=2, table=None):
        self.floe("import", "rows.csv", table or self.table, "--partition", "name")
        for _ in range(appends):
            self.floe("import", "rows.csv", table or self.table, "--append")

    def rows(self, table=None):
        shutil.rmtree(self.cache, ignore_errors=True)
        return sorted((row["id"], row["name"]) for row in self.floe("scan", table or self.table, "--json").json_lines)

    def there(self, key=None):
        prefix = (key or self.key) + "/"
        return {name for name in self.store.objects if name.startswith(prefix) and not name.endswith("version-hint.text")}

    def expire(self, *arguments):
        return self.floe("expire", self.table, *(arguments or ALL), "--json").json

    # ---- what goes ----

    def test_what_only_old_snapshots_needed_goes(self):
        self.make(page_size=3)
        self.fill()
        self.floe("compact", self.table)
        before = self.there()
        want = self.rows()
        result = self.expire()
        self.assertEqual(len(result["snapshot_ids"]), 3, result)
        self.assertGreater(result["data_files"], 0)
        self.assertGreater(result["bytes"], 0)
        self.assertEqual(self.there(), named(self.store, newest(self.store, self.key)))
        self.assertLess(len(self.there()), len(before))
        self.assertEqual(self.rows(), want)

    def test_what_snapshots_that_stay_share_with_old_ones_stays(self):
        self.make()
        self.fill()
        data = {key for key in self.there() if "/data/" in key}
        result = self.expire()
        self.assertEqual(result["data_files"], 0)
        self.assertEqual({key for key in self.there() if "/data/" in key}, data)
        self.assertEqual(self.rows(), sorted(ROWS * 3))

    def test_a_dry_run_says_the_same_and_touches_nothing(self):
        self.make()
        self.fill()
        self.floe("compact", self.table)
        before = dict(self.store.objects)
        said = self.expire(*ALL, "--dry-run")
        self.assertEqual(self.store.objects, before)
        self.assertNotIn("DELETE", {method for method, _, _ in self.store.requests})
        done = self.expire()
        for count in ("snapshot_ids", "data_files", "manifests", "manifest_lists", "metadata_files", "bytes"):
            self.assertEqual(said[count], done[count], count)

    def test_a_third_run_finds_nothing(self):
        """The second takes the former metadata files, which the first kept as long as there was something left to remove."""
        self.make()
        self.fill()
        self.expire()
        self.expire()
        before = dict(self.store.objects)
        self.expire()
        self.assertEqual(self.store.objects, before)

    # ---- what stays ----

    def test_snapshots_of_datasets_stay_without_force(self):
        self.make()
        self.fill(0)
        self.project.write("features/f.yaml", "entities:\n  - {name: thing, keys: [{name: name, type: string}]}\n"
                           "sources:\n  - {name: rows, table: far.a.t, event_time: at}\n"
                           "feature_views:\n  - {name: v, entity: thing, source: rows, features: [{name: id, column: id}]}\n")
        self.project.write_csv("timed.csv", ["id", "name", "at"], [(1, "a", "2024-01-01T00:00:00")])
        self.floe("import", "timed.csv", self.table, "--replace")
        self.project.floe_ok("apply")
        self.project.write_csv("spine.csv", ["name", "t"], [("a", "2024-06-01T00:00:00Z")])
        self.project.floe_ok("dataset", "build", "--features", "v", "--spine", "spine.csv", "-o", "out.csv")
        pinned = self.floe("snapshots", self.table, "--json").json[-1]["snapshot"]
        self.floe("import", "timed.csv", self.table, "--replace")
        result = self.expire()
        self.assertNotIn(pinned, result["snapshot_ids"])
        self.assertIn(pinned, [row["snapshot"] for row in self.floe("snapshots", self.table, "--json").json])
        self.assertEqual(len(self.floe("scan", self.table, "--snapshot", str(pinned), "--json").json_lines), 1)
        self.assertIn(pinned, self.expire(*ALL, "--force")["snapshot_ids"])

    def test_orphans_go_by_age_and_only_those_of_the_table(self):
        self.make()
        self.fill()
        self.fill(0, "far.a.t2")
        store, day = self.store, 86400
        orphans = {f"{self.key}/data/lost.parquet": 4 * day, f"{self.key}/metadata/lost.avro": 4 * day,
                   f"{self.key}/data/name=x/deep er/lost+.parquet": 4 * day}
        stay = {f"{self.key}/data/young.parquet": 2 * day, f"{self.key}/README.md": 400 * day,
                f"{self.key}/data/notes.txt": 400 * day, f"{self.key}2/data/lost.parquet": 400 * day,
                f"{self.key}/inner/metadata/v1.metadata.json": 400 * day, f"{self.key}/inner/data/x.parquet": 400 * day,
                f"{self.key}/folder/": 400 * day, "ware house/a/lost.parquet": 400 * day}
        for key, age in (orphans | stay).items():
            store.objects[key] = b"x" * 7
            store.times[key] = time.time() - age
        result = self.expire("--older-than", "365d")
        self.assertEqual(result["orphans"], len(orphans), result)
        self.assertEqual(result["bytes"], 7 * len(orphans))
        self.assertEqual({key for key in orphans if key in store.objects}, set())
        self.assertEqual({key for key in stay if key not in store.objects}, set())
        self.assertEqual(self.rows("far.a.t2"), ROWS)
        self.assertEqual(self.rows(), sorted(ROWS * 3))

    def test_a_store_that_does_not_list_loses_nothing(self):
        self.make()
        self.fill()
        before = dict(self.store.objects)
        self.store.failures = []
        original = self.store.objects
        for status, code in ((403, "DENIED"), (404, "NOT_FOUND")):
            self.store.failures = [status] * 200
            self.refused(self.project.floe("table", "expire", self.table, *ALL), code)
            self.store.failures = []
            self.assertEqual(original, before)
        self.store.failures = [503, 500]
        self.expire()
        self.assertEqual(self.rows(), sorted(ROWS * 3))

    def test_a_manifest_that_cannot_be_read_stops_everything(self):
        self.make()
        self.fill()
        shutil.rmtree(self.cache, ignore_errors=True)
        manifest = next(key for key in self.there() if key.endswith(".avro") and "/snap-" not in key)
        self.store.objects[manifest] = b"damaged"
        before = dict(self.store.objects)
        self.refused(self.project.floe("table", "expire", self.table, *ALL), "CORRUPT")
        self.assertEqual(self.store.objects, before)

    # ---- what a run that was stopped leaves ----

    def test_what_could_not_be_removed_the_next_run_removes(self):
        self.make()
        self.fill()
        self.floe("compact", self.table)
        want = self.rows()
        self.store.refuses = {"DELETE"}
        self.refused(self.project.floe("table", "expire", self.table, *ALL), "DENIED")
        self.assertEqual(self.rows(), want)
        self.assertEqual(len(self.floe("snapshots", self.table, "--json").json), 1, "the commit was made")
        self.store.refuses = set()
        left = self.there() - named(self.store, newest(self.store, self.key))
        self.assertGreater(len(left), 0)
        self.expire("--older-than", "0s")  # not as orphans: those are too young
        left = {key for key in self.there() - named(self.store, newest(self.store, self.key)) if not key.endswith(".metadata.json")}
        self.assertEqual(left, set())
        self.assertEqual(self.rows(), want)

    # ---- over a REST catalog ----

    def rest_named(self):
        location = self.service.catalog.load_table(("a", "t")).metadata_location
        return named(self.store, location.partition("://")[2].partition("/")[2])

    def test_over_rest_the_same(self):
        self.make_rest()
        self.fill()
        self.floe("compact", self.table)
        want = self.rows()
        result = self.expire()
        self.assertEqual(len(result["snapshot_ids"]), 3, result)
        self.assertIn("remove-snapshots", self.service.commits[-1])
        self.assertEqual(self.rows(), want)
        there = {key for key in self.store.objects if key.startswith("wh/")}
        self.assertEqual(self.rest_named() - there, set())
        left = {key for key in there - self.rest_named() if not key.endswith(".metadata.json")}
        self.assertEqual(left, set(), "metadata files are the service's, everything else is named")
        self.assertEqual(self.expire()["snapshot_ids"], [])

    def test_over_rest_a_refused_commit_removes_nothing(self):
        """The current snapshot is there whether or not the expiry landed: it proves nothing."""
        self.make_rest()
        self.fill()
        self.floe("compact", self.table)
        before = dict(self.store.objects)
        original = self.service.catalog.commit_table
        refusals = []

        def refuse(*arguments):
            from pyiceberg.exceptions import CommitFailedException
            refusals.append(1)
            raise CommitFailedException("told to refuse")

        self.service.catalog.commit_table = refuse
        self.refused(self.project.floe("table", "expire", self.table, *ALL), "CONFLICT", "told to refuse")
        self.assertGreater(len(refusals), 1, "it was tried again")
        self.assertEqual(self.store.objects, before)
        self.service.catalog.commit_table = original
        self.assertEqual(len(self.expire()["snapshot_ids"]), 3)

    def test_over_rest_a_lost_answer_that_landed_is_finished(self):
        self.make_rest()
        self.fill()
        self.floe("compact", self.table)
        self.service.lost_answers = 1
        self.assertEqual(len(self.expire()["snapshot_ids"]), 3)
        self.assertEqual(self.rows(), sorted(ROWS * 3))
        left = {key for key in self.store.objects if not key.endswith(".metadata.json")} - self.rest_named()
        self.assertEqual(left, set())

    def test_over_rest_a_snapshot_added_meanwhile_keeps_its_files(self):
        """A branch that somebody makes of an old state between the look and the commit, by files that only old snapshots name."""
        self.make_rest()
        self.fill()
        old = self.service.catalog.load_table(("a", "t")).current_snapshot()
        self.floe("compact", self.table)
        original = self.service.catalog.commit_table

        def meddle(table, requirements, updates):
            from pyiceberg.table.update import AddSnapshotUpdate
            self.service.catalog.commit_table = original
            answer = original(table, requirements, updates)
            table = self.service.catalog.load_table(("a", "t"))
            again = old.model_copy(update={"snapshot_id": 4711, "parent_snapshot_id": None,
                                           "sequence_number": table.metadata.last_sequence_number + 1})
            original(table, (), (AddSnapshotUpdate(snapshot=again),))
            return answer

        self.service.catalog.commit_table = meddle
        self.expire()
        self.assertEqual(len(self.floe("scan", self.table, "--snapshot", "4711", "--json").json_lines), 9)
        self.assertEqual(self.rest_named() - set(self.store.objects), set())


if __name__ == "__main__":
    unittest.main()
