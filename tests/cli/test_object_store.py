#!/usr/bin/env python3
"""Tables in an object store, as a user sees them: made, read, added to, compacted; through a store that checks every signature,
lists in pages, is busy, loses objects or is not there."""
# timeout: 600
import json
import os
import random
import shutil
import tempfile
import threading
import unittest

import pyarrow as pa
import pyarrow.parquet as pq

from harness import Checks, Project
from object_store import ObjectStore, make_certificate

PIECE = 8 << 20  # of a large object
ROWS = [(1, "a", "2024-01-01"), (2, "b c/d", "2024-02-01"), (3, "\u00fc%41", "2024-03-01"), (4, "x=y+z", "2024-03-02")]


class Objects(Checks, unittest.TestCase):
    def make(self, store, **storage):
        self.addCleanup(store.close)
        project = Project("project: t\ncatalogs:\n  far: {type: directory, warehouse: \"s3://%s/ware house\", storage: %s}\n"
                          % (store.bucket, store.storage(**storage)))
        self.addCleanup(shutil.rmtree, project.folder)
        self.cache = tempfile.mkdtemp(prefix="floe-objects-")
        self.addCleanup(shutil.rmtree, self.cache, ignore_errors=True)
        os.environ["FLOE_OBJECT_CACHE"] = self.cache
        self.addCleanup(os.environ.pop, "FLOE_OBJECT_CACHE")
        project.write_csv("rows.csv", ["id", "name", "day"], ROWS)
        return project

    def forget_copies(self):
        shutil.rmtree(self.cache, ignore_errors=True)

    def rows(self, project, *arguments):
        return sorted((row["id"], row["name"]) for row in project.floe_ok("table", "scan", "far.a.t", "--json", *arguments).json_lines)

    def want(self, times=1):
        return sorted((row[0], row[1]) for row in ROWS * times)

    def test_a_table_is_made_read_grown_and_compacted(self):
        store = ObjectStore(page_size=2)
        project = self.make(store)
        project.floe_ok("table", "import", "rows.csv", "far.a.t", "--partition", "name")
        self.assertTrue(all(store.objects.values()), "every object has content")
        self.assertIn("ware house/a/t/metadata/v1.metadata.json", store.objects)
        self.forget_copies()
        self.assertEqual(self.rows(project), self.want())
        project.floe_ok("table", "import", "rows.csv", "far.a.t", "--append")
        self.forget_copies()
        self.assertEqual(self.rows(project), self.want(2))
        self.assertEqual([row["table"] for row in project.floe_ok("table", "ls", "--json").json], ["far.a.t"])
        project.floe_ok("table", "compact", "far.a.t")
        self.forget_copies()
        self.assertEqual(self.rows(project), self.want(2))
        self.assertEqual(len(project.floe_ok("table", "snapshots", "far.a.t", "--json").json), 3)
        # Paths in the metadata are the store's, so that other engines find them.
        metadata = json.loads(store.objects["ware house/a/t/metadata/v1.metadata.json"])
        self.assertEqual(metadata["location"], "s3://bucket/ware house/a/t")
        self.assertTrue(metadata["snapshots"][0]["manifest-list"].startswith("s3://bucket/ware house/a/t/metadata/"))

    def test_an_object_is_fetched_once(self):
        store = ObjectStore()
        project = self.make(store)
        project.floe_ok("table", "import", "rows.csv", "far.a.t")
        self.forget_copies()
        self.rows(project)
        store.requests.clear()
        self.rows(project)
        fetched = [key for method, key, _ in store.requests if method == "GET" and key and not key.endswith(("version-hint.text", ".metadata.json"))]
        self.assertEqual(fetched, [])

    def test_a_table_made_anew_in_its_place_is_the_new_one(self):
        store = ObjectStore()
        project = self.make(store)
        project.floe_ok("table", "import", "rows.csv", "far.a.t")
        self.assertEqual(self.rows(project), self.want())
        store.objects.clear()
        other = project
        shared, os.environ["FLOE_OBJECT_CACHE"] = os.environ["FLOE_OBJECT_CACHE"], tempfile.mkdtemp(prefix="floe-objects-")
        self.addCleanup(shutil.rmtree, os.environ["FLOE_OBJECT_CACHE"])
        other.write_csv("new.csv", ["id", "name"], [(9, "new")])
        other.floe_ok("table", "import", "new.csv", "far.a.t")
        os.environ["FLOE_OBJECT_CACHE"] = shared
        self.assertEqual(self.rows(project), [(9, "new")])

    def test_a_filter_fetches_only_the_files_that_may_match(self):
        store = ObjectStore()
        project = self.make(store)
        project.floe_ok("table", "import", "rows.csv", "far.a.t", "--partition", "name")
        self.forget_copies()
        store.requests.clear()
        self.assertEqual(self.rows(project, "--where", "name = 'a'"), [(1, "a")])
        data = {key for method, key, _ in store.requests if method == "GET" and "/data/" in key}
        self.assertEqual(len(data), 1, data)

    def test_large_objects_come_in_pieces(self):
        store = ObjectStore()
        project = self.make(store)
        count = 1500000
        with open(project.path("big.csv"), "w") as file:
            file.write("id,name\n" + "".join(f"{i},{(i * 2654435761) % 2**32:08x}{(i * 40503) % 2**31:08x}\n" for i in range(count)))
        project.floe_ok("table", "import", "big.csv", "far.a.big")
        self.forget_copies()
        store.requests.clear()
        run = project.floe_ok("table", "scan", "far.a.big", "--columns", "id", "--where", f"id = {count - 1}", "--json")
        self.assertEqual(run.json_lines, [{"id": count - 1}])
        sizes = [len(data) for key, data in store.objects.items() if "/big/data/" in key]
        pieces = [key for method, key, _ in store.requests if method == "GET" and "/big/data/" in key]
        self.assertGreater(max(sizes), 8 << 20, "the test's file is larger than a piece")
        self.assertGreater(len(pieces), len(sizes))

    def make_big(self, project):
        """A table of one file of several pieces, as random numbers are not made smaller; returns the first of them."""
        count = 2200000
        numbers = pa.Array.from_buffers(pa.int64(), count, [None, pa.py_buffer(random.Random(5).randbytes(8 * count))])
        pq.write_table(pa.table({"id": numbers}), project.path("big.parquet"))
        project.floe_ok("table", "import", "big.parquet", "far.a.big")
        return numbers[0].as_py()

    def test_pieces_of_one_object_are_fetched_side_by_side(self):
        store = ObjectStore()
        project = self.make(store)
        first = self.make_big(project)
        sizes = [len(data) for key, data in store.objects.items() if "/big/data/" in key]
        self.assertEqual(len(sizes), 1)
        pieces = -(-sizes[0] // PIECE)
        self.assertGreater(pieces, 1)
        self.forget_copies()
        under_way, most, changed = set(), [0], threading.Condition()

        def hook(moment):
            """Holds each piece until another one is asked for beside it."""
            with changed:
                if moment == "done":
                    under_way.discard(threading.get_ident())
                    return
                under_way.add(threading.get_ident())
                most[0] = max(most[0], len(under_way))
                changed.notify_all()
                asked = [True for method, key, _ in store.requests if method == "GET" and "/big/data/" in key]
                heads = [True for method, key, _ in store.requests if method == "HEAD" and "/big/data/" in key]
                if heads and not asked:
                    changed.wait_for(lambda: most[0] > 1, timeout=60)
        store.hook = hook
        store.requests.clear()
        run = project.floe_ok("table", "scan", "far.a.big", "--where", f"id = {first}", "--json")
        self.assertEqual(run.json_lines, [{"id": first}])
        self.assertGreater(most[0], 1, "one piece after the other")
        fetched = [key for method, key, _ in store.requests if method == "GET" and "/big/data/" in key]
        self.assertEqual(len(fetched), pieces)

    def test_one_piece_that_fails_fails_the_fetch_and_leaves_nothing(self):
        store = ObjectStore()
        project = self.make(store)
        self.make_big(project)
        self.forget_copies()
        key = next(key for key in store.objects if "/big/data/" in key)
        whole = store.objects[key]

        def hook(moment):
            """The object is another one after the first piece."""
            if moment == "done" and any(method == "GET" and name == key for method, name, _ in store.requests):
                store.objects[key] = whole[:-1] + b"?"
        store.hook = hook
        store.requests.clear()
        self.refused(project.floe("table", "scan", "far.a.big"), "CONFLICT", key)
        left = [name for _, _, names in os.walk(self.cache) for name in names if not name.endswith(".avro")]
        self.assertEqual(left, [])

    def test_the_schemes_own_port_may_be_written(self):
        """It is left out of the Host header, which is signed. The store stands behind a proxy, so that it can have that port."""
        store = ObjectStore()
        project = self.make(store, endpoint="http://example.com:80")
        proxy = {"http_proxy": store.endpoint, "no_proxy": "", "NO_PROXY": ""}
        project.floe_ok("table", "import", "rows.csv", "far.a.t", env=proxy)
        run = project.floe_ok("table", "scan", "far.a.t", "--json", env=proxy)
        self.assertEqual(sorted((row["id"], row["name"]) for row in run.json_lines), self.want())

    def test_certificates_of_its_own_are_trusted_when_named(self):
        folder = tempfile.mkdtemp(prefix="floe-ca-")
        self.addCleanup(shutil.rmtree, folder)
        make_certificate(folder)
        # A bucket with dots goes into the path by itself: no certificate is for it as a host.
        project = self.make(ObjectStore(bucket="my.bucket", certificate=f"{folder}/both.pem"), path_style="false")
        self.refused(project.floe("table", "import", "rows.csv", "far.a.t"), "DENIED", "certificate")
        project.floe_ok("table", "import", "rows.csv", "far.a.t", env={"AWS_CA_BUNDLE": f"{folder}/ca.pem"})
        self.forget_copies()
        run = project.floe_ok("table", "scan", "far.a.t", "--json", env={"AWS_CA_BUNDLE": f"{folder}/ca.pem"})
        self.assertEqual(sorted((row["id"], row["name"]) for row in run.json_lines), self.want())

    def test_session_tokens_are_sent_and_signed(self):
        store = ObjectStore(session_token="to/ken+1==")
        project = self.make(store)
        project.floe_ok("table", "import", "rows.csv", "far.a.t")
        self.assertEqual(self.rows(project), self.want())

    def test_a_wrong_secret_is_denied_by_name_and_never_shown(self):
        store = ObjectStore()
        project = self.make(store, secret_key="wrongwrong")
        run = self.refused(project.floe("table", "import", "rows.csv", "far.a.t"), "DENIED", "s3://bucket/")
        self.assertNotIn("wrongwrong", run.err + run.out)
        self.assertEqual(store.objects, {})

    def test_a_busy_store_is_asked_again(self):
        store = ObjectStore()
        project = self.make(store)
        project.floe_ok("table", "import", "rows.csv", "far.a.t")
        self.forget_copies()
        store.failures = [503, 500]
        self.assertEqual(self.rows(project), self.want())

    def test_a_store_that_is_not_there_is_unavailable(self):
        store = ObjectStore()
        project = self.make(store, endpoint="http://127.0.0.1:1")
        self.refused(project.floe("table", "scan", "far.a.t"), "UNAVAILABLE", "127.0.0.1:1")
        self.refused(project.floe("table", "ls"), "UNAVAILABLE", "127.0.0.1:1")

    def test_a_lost_data_file_is_named(self):
        store = ObjectStore()
        project = self.make(store)
        project.floe_ok("table", "import", "rows.csv", "far.a.t")
        self.forget_copies()
        lost = next(key for key in store.objects if "/data/" in key)
        del store.objects[lost]
        self.refused(project.floe("table", "scan", "far.a.t"), "NOT_FOUND", lost.rsplit("/", 1)[1])

    def test_of_writers_at_once_every_row_lands_or_is_refused(self):
        store = ObjectStore()
        project = self.make(store)
        project.floe_ok("table", "import", "rows.csv", "far.a.t")
        codes = []
        threads = [threading.Thread(target=lambda: codes.append(project.floe("table", "import", "rows.csv", "far.a.t", "--append").code))
                   for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.forget_copies()
        self.assertEqual(self.rows(project), self.want(1 + codes.count(0)))
        self.assertGreater(codes.count(0), 0)

    def test_a_table_is_opened_by_its_address(self):
        store = ObjectStore()
        project = self.make(store)
        project.floe_ok("table", "import", "rows.csv", "far.a.t")
        env = {"AWS_ACCESS_KEY_ID": store.access_key, "AWS_SECRET_ACCESS_KEY": store.secret_key,
               "AWS_REGION": store.region, "AWS_ENDPOINT_URL": store.endpoint}
        for name in ("s3://bucket/ware house/a/t", "s3a://bucket/ware house/a/t/",
                     "s3://bucket/ware house/a/t/metadata/v1.metadata.json"):
            run = project.floe_ok("table", "scan", name, "--json", env=env)
            self.assertEqual(sorted((row["id"], row["name"]) for row in run.json_lines), self.want(), name)
        self.refused(project.floe("table", "scan", "s3://bucket/nothing/here", env=env), "NOT_FOUND")
        self.refused(project.floe("table", "scan", "abfss://x@y/z"), "UNSUPPORTED", "abfss")

    def test_features_are_built_and_synced_from_an_object_store(self):
        store = ObjectStore()
        project = self.make(store)
        project.floe_ok("table", "import", "rows.csv", "far.a.t", "--types", "day=timestamp")
        project.write("features/f.yaml", "entities:\n  - {name: thing, keys: [{name: name, type: string}]}\n"
                      "sources:\n  - {name: rows, table: far.a.t, event_time: day}\n"
                      "feature_views:\n  - {name: v, entity: thing, source: rows, features: [{name: id, column: id}]}\n")
        project.floe_ok("apply")
        project.write_csv("spine.csv", ["name", "t"], [("a", "2024-06-01T00:00:00Z"), ("zz", "2024-06-01T00:00:00Z")])
        self.forget_copies()
        said = project.floe_ok("dataset", "build", "--features", "v", "--spine", "spine.csv", "-o", "out.csv", "--explain", "--json").out
        self.assertIn("source", said)
        self.assertNotIn("out.csv", os.listdir(project.folder))
        project.floe_ok("dataset", "build", "--features", "v", "--spine", "spine.csv", "-o", "out.csv")
        self.assertEqual(project.read("out.csv").splitlines()[1].split(",")[-1], "1")
        project.floe_ok("sync")
        self.assertEqual(project.floe_ok("get", "v", "name=a", "--json").json[0]["value"], 1)


if __name__ == "__main__":
    unittest.main()
