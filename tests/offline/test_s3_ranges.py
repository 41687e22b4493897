#!/usr/bin/env python3
"""Data of an object store that the engine reads by itself, through DuckDB's httpfs: only what is asked for travels, every request is
signed as the store wants it, and what comes is what the copies hold. The store checks each signature with code that is not
DuckDB's or floe's."""
# needs: py
# timeout: 600
import os
import random
import shutil
import sys
import tempfile
import unittest

import pyarrow
import pyarrow.parquet

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.join(os.environ["FLOE_ROOT"], "tests", "cli")]
from harness import Checks, Project  # noqa: E402
from object_store import ObjectStore  # noqa: E402
import foreign  # noqa: E402

HTTPFS = os.environ["FLOE_HTTPFS"]
COUNT = 600000
PIECE = 4 << 20  # what is larger is read by ranges


def noise(seed, count):
    """Text that no compression makes small."""
    rng = random.Random(seed)
    return ["%032x" % rng.getrandbits(128) for _ in range(count)]


class Ranges(Checks, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rows = {"id": list(range(COUNT)), "text": noise(7, COUNT), "part": [i % 2 for i in range(COUNT)]}
        cls.source = tempfile.mkdtemp(prefix="floe-ranges-")
        pyarrow.parquet.write_table(pyarrow.table(cls.rows), f"{cls.source}/rows.parquet")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.source)

    def make(self, warehouse="wh", httpfs=HTTPFS, **store):
        self.assertTrue(os.path.exists(HTTPFS), "tools/deps.sh test installs it")
        self.store = ObjectStore(**store)
        self.addCleanup(self.store.close)
        self.cache = tempfile.mkdtemp(prefix="floe-objects-")
        self.addCleanup(shutil.rmtree, self.cache, ignore_errors=True)
        os.environ["FLOE_OBJECT_CACHE"] = self.cache
        self.addCleanup(os.environ.pop, "FLOE_OBJECT_CACHE")
        os.environ["FLOE_HTTPFS"] = httpfs
        self.addCleanup(os.environ.__setitem__, "FLOE_HTTPFS", HTTPFS)
        self.project = Project("project: t\ncatalogs:\n  far: {type: directory, warehouse: \"s3://%s/%s\", storage: %s}\n"
                               % (self.store.bucket, warehouse, self.store.storage()))
        self.addCleanup(shutil.rmtree, self.project.folder)
        self.floe("import", f"{self.source}/rows.parquet", "far.a.t", "--partition", "part")
        self.forget()

    def floe(self, *arguments):
        return self.project.floe_ok("table", *arguments)

    def forget(self):
        shutil.rmtree(self.cache, ignore_errors=True)
        self.store.requests.clear()

    def copies(self):
        """Sizes of the data files that have a copy here."""
        return [os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(self.cache) for name in names
                if name.endswith(".parquet")]

    def data(self):
        return {key: len(data) for key, data in self.store.objects.items() if "/data/" in key}

    def scanned(self, *arguments):
        self.floe("scan", "far.a.t", "-o", "out.parquet", *arguments)
        return pyarrow.parquet.read_table(self.project.path("out.parquet"))

    def check_all(self):
        table = self.scanned().sort_by("id")
        self.assertEqual(table["id"].to_pylist(), self.rows["id"])
        self.assertEqual(table["text"].to_pylist(), self.rows["text"])

    # ---- what travels ----

    def test_large_objects_are_read_by_ranges_and_get_no_copy(self):
        self.make()
        self.assertGreater(min(self.data().values()), PIECE)
        self.check_all()
        self.assertEqual(self.copies(), [])
        table = self.scanned("--columns", "id", "--where", f"id = {COUNT - 1}")
        self.assertEqual(table["id"].to_pylist(), [COUNT - 1])

    def test_a_narrow_scan_moves_a_fraction_of_the_bytes(self):
        self.make()
        self.store.sent = 0
        self.scanned("--columns", "id")
        narrow = self.store.sent
        self.assertLess(narrow, sum(self.data().values()) / 3)
        self.assertGreater(narrow, 0)

    def test_small_objects_get_a_copy(self):
        self.make()
        self.project.write_csv("few.csv", ["id", "text", "part"], [(1, "x", 0), (2, "y", 1)])
        self.floe("import", "few.csv", "far.a.small", "--partition", "part")
        self.forget()
        self.assertEqual(len(self.floe("scan", "far.a.small", "--json").json_lines), 2)
        self.assertEqual(len(self.copies()), 2)

    def test_what_has_a_copy_is_read_from_it(self):
        self.make(httpfs="")
        self.check_all()
        self.assertEqual(sorted(self.copies()), sorted(self.data().values()))
        os.environ["FLOE_HTTPFS"] = HTTPFS
        self.store.requests.clear()
        self.check_all()
        self.assertEqual([key for _, key, _ in self.store.requests if "/data/" in key], [])

    def test_deletes_and_compaction_see_the_same_rows(self):
        self.make()
        self.floe("import", f"{self.source}/rows.parquet", "far.a.t", "--append")
        self.floe("compact", "far.a.t", "--target-size", "1GB")
        self.forget()
        self.assertEqual(self.scanned().num_rows, 2 * COUNT)
        self.assertEqual(self.copies(), [])

    def test_nanoseconds_with_a_zone_are_read_from_a_copy(self):
        """A large object of a source: the engine cannot read it from the store, and its footer is patched here."""
        self.make()
        fields = [("id", "long", pyarrow.int64()), ("text", "string", pyarrow.string()), ("ts", "timestamptz_ns", pyarrow.timestamp("ns", "UTC"))]
        schema = pyarrow.schema([pyarrow.field(name, type_, metadata={"PARQUET:field_id": str(i)})
                                 for i, (name, _, type_) in enumerate(fields, 1)])
        with tempfile.TemporaryDirectory() as folder:
            made = foreign.Table(folder, [{"id": i, "name": name, "type": kind, "required": False}
                                          for i, (name, kind, _) in enumerate(fields, 1)], version=3)
            made.uri = f"s3://{self.store.bucket}/wh/a/fine"
            made.add(pyarrow.table([self.rows["id"], self.rows["text"], list(range(COUNT))], schema))

            def third(document):
                document["next-row-id"] = COUNT
                document["snapshots"][0].update({"first-row-id": 0, "added-rows": COUNT})
                return document
            made.change_document = third
            made.write()
            for place, _, names in os.walk(folder):
                for name in names:
                    with open(os.path.join(place, name), "rb") as file:
                        self.store.objects[f"wh/a/fine/{os.path.relpath(os.path.join(place, name), folder)}"] = file.read()
        self.project.write("features/f.yaml", "entities: [{name: e, keys: [{name: id, type: int64}]}]\n"
                           "sources: [{name: s, table: far.a.fine, event_time: ts}]\n"
                           "feature_views: [{name: v, entity: e, source: s, features: [{name: text, column: text}]}]\n")
        self.project.floe_ok("apply")
        self.project.write("spine.csv", "id,t\n1000,1970-01-01T00:00:00.000001Z\n1001,1970-01-01T00:00:00.000001Z\n"
                                        "1001,1970-01-01T00:00:00.000002Z\n")
        self.project.floe_ok("dataset", "build", "--features", "v", "--spine", "spine.csv", "-o", "out.parquet")
        got = pyarrow.parquet.read_table(self.project.path("out.parquet"))["v__text"].to_pylist()
        self.assertEqual(got, [self.rows["text"][1000], None, self.rows["text"][1001]])

    # ---- how it is asked for ----

    def test_session_tokens_go_along(self):
        self.make(session_token="to/ken+1==")
        self.check_all()
        self.assertEqual(self.copies(), [])

    def test_names_that_mean_something_to_others_get_copies(self):
        self.make(warehouse="ware house/a+b")
        self.check_all()
        self.assertEqual(sorted(self.copies()), sorted(self.data().values()))

    def test_without_the_extension_everything_is_as_before(self):
        self.make(httpfs="")
        self.check_all()
        self.assertEqual(len(self.copies()), 2)

    # ---- what goes wrong ----

    def test_a_lost_object_is_named(self):
        self.make()
        lost = next(iter(self.data()))
        del self.store.objects[lost]
        self.refused(self.project.floe("table", "scan", "far.a.t"), "NOT_FOUND", lost.rsplit("/", 1)[1])

    def test_a_wrong_secret_is_denied_and_never_shown(self):
        self.make()
        yaml = self.project.read("floe.yaml").replace("se/cr+et", "wr/ong+wrong")
        self.floe("scan", "far.a.t", "--limit", "1")  # the metadata has copies now
        self.project.write("floe.yaml", yaml)
        run = self.refused(self.project.floe("table", "scan", "far.a.t"), "DENIED")
        self.assertNotIn("wr/ong", run.err + run.out)

    def test_a_busy_store_is_asked_again(self):
        self.make()
        self.store.failures = [503, 503]
        self.check_all()

    def test_an_extension_that_is_none_is_named(self):
        self.make(httpfs="")
        os.environ["FLOE_HTTPFS"] = "/nowhere/httpfs.duckdb_extension"
        self.forget()
        run = self.project.floe("table", "scan", "far.a.t")
        self.assertNotEqual(run.code, 0)
        self.assertIn("httpfs", run.err)


if __name__ == "__main__":
    unittest.main()
