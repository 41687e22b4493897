#!/usr/bin/env python3
"""Keys that run out while a command is at work: an Iceberg REST catalog is asked for the next ones, and what was refused is done again,
once. What is read by the engine itself is read again only while no row of it is out."""
# needs: py
# timeout: 900
import json
import os
import random
import shutil
import tempfile
import time
import unittest

import pyarrow as pa
import pyarrow.parquet
from vended import ROWS, VendedCase

HTTPFS = os.environ["FLOE_HTTPFS"]
LARGE = 300000  # rows; more than 4 MiB, so that the engine reads them from the store


class Keys(VendedCase):
    def lasting(self, requests):
        """Keys that are good for so many requests each."""
        def vend(location):
            said = self.always_new(location)
            self.newest().lasts = requests
            return said
        return vend

    def newest(self):
        return list(self.store.keys.values())[-1]

    def end_all(self):
        for key in self.store.keys.values():
            key.over = True

    def loads(self):
        return sum(1 for method, path, _ in self.service.requests if method == "GET" and path.endswith("/tables/t"))

    def refused_by_name(self, done, *words):
        self.assertNotEqual(done.code, 0)
        for word in words:
            self.assertIn(word, done.err)
        self.assertNotIn("secret", done.err)

    # ---- what floe reads and writes itself ----

    def test_keys_of_a_few_requests_are_enough_for_everything(self):
        for requests in (8, 11, 20):
            project = self.make(self.lasting(requests))
            self.work(project)
            self.assertTrue(all(key.used <= requests + 8 for key in self.store.keys.values()))  # eight threads may come too late

    def test_a_key_that_ends_between_two_files_loses_no_row(self):
        project = self.make(self.always_new)
        for _ in range(4):
            project.floe_ok("table", "import", "rows.csv", "prod.a.t", *(["--append"] if self.store.objects else []))
        shutil.rmtree(self.cache)
        ended = []

        def hook(moment):
            data = [key for method, key, _ in self.store.requests if method == "GET" and "/data/" in key]
            if moment == "done" and len(data) == 2 and not ended:
                ended.append(len(self.store.keys))
                self.end_all()
        self.store.requests.clear()
        self.store.hook = hook
        self.assertEqual(self.ids(project), sorted([1, 2, 3] * 4))
        self.assertTrue(ended)
        self.assertGreater(len(self.store.keys), ended[0])

    def test_a_key_that_ends_before_the_commit_leaves_no_half(self):
        project = self.make(self.always_new)
        project.floe_ok("table", "import", "rows.csv", "prod.a.t")
        for count in range(1, 8):  # of the writes of an import, the last that the first key may do
            puts = []

            def hook(moment):
                if moment == "done" and self.store.requests[-1][0] == "PUT":
                    puts.append(1)
                    if len(puts) == count:
                        self.end_all()
            self.store.hook = hook
            project.floe_ok("table", "import", "rows.csv", "prod.a.t", "--append")
            self.store.hook = lambda moment: None
            self.assertEqual(self.theirs(), sorted([1, 2, 3] * (count + 1)))
        self.assertEqual(self.ids(project), self.theirs())

    def test_a_new_table_gets_keys_before_it_is_there(self):
        project = self.make(self.lasting(1))
        project.floe_ok("table", "import", "rows.csv", "prod.a.t")
        self.assertEqual(self.theirs(), [1, 2, 3])

    # ---- catalogs that do not help ----

    def dead_table(self, vend):
        project = self.make(self.always_new)
        project.floe_ok("table", "import", "rows.csv", "prod.a.t")
        shutil.rmtree(self.cache)
        self.service.vend = vend
        self.end_all()
        self.service.requests.clear()
        self.store.requests.clear()
        return project

    def test_the_same_dead_key_again_is_refused_at_once(self):
        said = []

        def vend(location):
            if not said:
                said.append(self.always_new(location))
                self.end_all()
            return said[0]
        project = self.dead_table(vend)
        self.refused_by_name(project.floe("table", "scan", "prod.a.t"), "ExpiredToken", "the keys for the store have run out")
        self.assertLessEqual(len(self.store.requests), 2)
        self.assertLessEqual(self.loads(), 3)

    def test_another_dead_key_each_time_is_refused_soon(self):
        project = self.dead_table(self.lasting(0))
        self.refused_by_name(project.floe("table", "scan", "prod.a.t"), "ExpiredToken", "the keys for the store have run out")
        self.assertLessEqual(len(self.store.requests), 4)
        self.assertLessEqual(self.loads(), 5)

    def test_a_catalog_that_gives_no_more_keys_is_told_of(self):
        project = self.dead_table(self.lasting(1))

        def hook(moment):
            if moment == "done" and len(self.store.requests) == 1:
                self.service.vend = lambda location: {}
        self.store.hook = hook
        self.refused_by_name(project.floe("table", "scan", "prod.a.t"), "ExpiredToken", "the keys for the store have run out")

    def test_a_catalog_that_is_gone_by_then_is_told_of(self):
        project = self.dead_table(self.lasting(1))

        def hook(moment):
            if moment == "done" and len(self.store.requests) == 1:
                self.service.failures = [403]
        self.store.hook = hook
        self.refused_by_name(project.floe("table", "scan", "prod.a.t"), "the store takes the keys no more", "told to fail with 403")

    def test_what_is_forbidden_stays_forbidden(self):
        project = self.make(self.always_new)
        project.floe_ok("table", "import", "rows.csv", "prod.a.t")
        self.store.refuses = {"PUT"}
        self.service.requests.clear()
        self.refused_by_name(project.floe("table", "import", "rows.csv", "prod.a.t", "--append"), "AccessDenied")
        self.assertLessEqual(self.loads(), 12)
        self.assertEqual(self.theirs(), [1, 2, 3])

    # ---- the time that the catalog names ----

    def timed(self, seconds, as_text=True):
        def vend(location):
            until = int((time.time() + seconds) * 1000)
            said = self.new_key(location) | {"s3.session-token-expires-at-ms": str(until) if as_text else until}
            return {"config": self.place(), "storage-credentials": [{"prefix": location, "config": said}]}
        return vend

    def scan_loads(self, vend):
        self.service.vend = vend
        shutil.rmtree(self.cache, ignore_errors=True)
        self.service.requests.clear()
        self.assertEqual(self.ids(self.project), [1, 2, 3])
        return self.loads()

    def test_keys_are_had_before_the_last_run_out(self):
        self.project = self.make(self.always_new)
        self.project.floe_ok("table", "import", "rows.csv", "prod.a.t")
        once = self.scan_loads(self.always_new)
        self.assertEqual(self.scan_loads(self.timed(3600)), once)
        self.assertEqual(self.scan_loads(self.timed(-3600)), once + 1)  # and no more than once in a while
        self.assertEqual(self.scan_loads(self.timed(20)), once + 1)
        self.assertEqual(self.scan_loads(self.timed(20, as_text=False)), once + 1)
        self.assertTrue(all(not key.over for key in self.store.keys.values()))

    def test_a_time_that_is_none_is_left(self):
        self.project = self.make(self.always_new)
        self.project.floe_ok("table", "import", "rows.csv", "prod.a.t")
        once = self.scan_loads(self.always_new)
        for said in ("", "soon", "-5", "1e30", "99999999999999999999999999", None, [1], 2.5):
            self.assertEqual(self.scan_loads(lambda location, said=said: {
                "config": self.place() | self.new_key(location) | {"s3.session-token-expires-at-ms": said}}), once, said)

    # ---- what the engine reads by itself ----

    def large(self, files=3):
        self.assertTrue(os.path.exists(HTTPFS), "tools/deps.sh test installs it")
        project = self.make(self.always_new)
        rng = random.Random(5)
        self.want = []
        for number in range(files):
            ids = list(range(number * LARGE, (number + 1) * LARGE))
            pa.parquet.write_table(pa.table({"id": ids, "text": ["%032x" % rng.getrandbits(128) for _ in ids]}),
                                   project.path("large.parquet"))
            project.floe_ok("table", "import", "large.parquet", "prod.a.t", *(["--append"] if number else []))
            self.want += ids
        self.assertGreater(min(len(data) for key, data in self.store.objects.items() if "/data/" in key), 4 << 20)
        self.forget()
        return project

    def forget(self):
        shutil.rmtree(self.cache, ignore_errors=True)
        self.store.requests.clear()
        self.service.vend = self.always_new
        self.ended = []

    def end_after(self, ranges):
        """All keys that are there by then end once the store has given so many pieces of data files."""
        def hook(moment):
            data = [key for method, key, _ in self.store.requests if method == "GET" and "/data/" in key]
            if moment == "done" and len(data) >= ranges and not self.ended:
                self.ended.append(len(self.store.keys))
                self.end_all()
        self.store.hook = hook

    def test_a_file_of_rows_is_written_again_from_the_start(self):
        project = self.large()
        for ranges in (0, 1, 2, 3, 4, 6):
            self.forget()
            self.end_after(ranges)
            project.floe_ok("table", "scan", "prod.a.t", "--columns", "id", "-o", "out.parquet")
            self.assertTrue(self.ended, ranges)
            self.assertEqual(sorted(pa.parquet.read_table(project.path("out.parquet"))["id"].to_pylist()), self.want)
            self.assertGreater(len(self.store.keys), self.ended[0])

    def test_rows_come_once_or_are_refused_by_name(self):
        project = self.large()
        told, exact = 0, 0
        for ranges in (0, 1, 2, 3, 4, 5, 6, 8):
            self.forget()
            self.end_after(ranges)
            done = project.floe("table", "scan", "prod.a.t", "--columns", "id", "--json")
            if not self.ended or done.code == 0:
                self.assertEqual(done.code, 0, done.err)
                self.assertEqual(sorted(json.loads(line)["id"] for line in done.out.splitlines()), self.want)
                exact += 1
            else:
                self.refused_by_name(done, "the keys for the store have run out while rows were read", "run the command again")
                told += 1
        self.assertGreater(exact, 0)

    def test_compaction_merges_all_rows(self):
        project = self.large()
        for ranges in (1, 3):
            self.forget()
            self.end_after(ranges)
            project.floe_ok("table", "compact", "prod.a.t", "--target-size", "64MB")
            self.store.hook = lambda moment: None
            self.assertEqual(self.theirs(), self.want)

    def test_the_engine_is_not_sent_round_in_circles(self):
        project = self.large(1)
        said = [self.always_new("s3://bucket/house/a/t")]
        self.service.vend = lambda location: said[0]
        self.end_after(1)
        done = project.floe("table", "scan", "prod.a.t", "--columns", "id", "-o", "out.parquet")
        self.assertNotEqual(done.code, 0)
        self.assertLess(len(self.store.requests), 40)


if __name__ == "__main__":
    unittest.main()
