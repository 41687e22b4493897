#!/usr/bin/env python3
"""A real S3 server (moto): floe makes, grows, evolves, compacts and expires tables there, in a directory catalog and over
Iceberg's own REST catalog, which keeps its files there and hands its credentials on. PyIceberg reads exactly floe's rows through
its own client, and floe PyIceberg's and Spark's fixture server's."""
# needs: engines
# timeout: 900
import json
import os
import shutil
import tempfile
import threading
import unittest

import pyarrow as pa
import pyarrow.fs
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.table import StaticTable

from engines import FLOE, RestServer, S3Server, floe, floe_rows

ALL = ("--older-than", "0s", "--orphans-older-than", "0s")


class Server(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="floe-s3-server-")
        os.environ["FLOE_OBJECT_CACHE"] = os.path.join(cls.folder, "objects")
        cls.s3 = S3Server(cls.folder)
        cls.files = cls.s3.files()
        cls.files.create_dir("bucket")
        cls.rest = RestServer(cls.folder, warehouse="s3://bucket/rest", s3=cls.s3)
        cls.catalog = RestCatalog("prod", uri=cls.rest.uri, **cls.s3.properties)
        with open(os.path.join(cls.folder, "floe.yaml"), "w") as file:
            file.write("project: t\ncatalogs:\n  prod: {type: rest, uri: \"%s\", storage: {endpoint: \"%s\", path_style: true}}\n"
                       "  far: {type: directory, warehouse: \"s3://bucket/wh\", storage: %s}\n"
                       % (cls.rest.uri, cls.s3.uri, cls.s3.storage))
        with open(os.path.join(cls.folder, "rows.csv"), "w") as file:
            file.write("id,s,t\n" + "".join(f"{i},s {i % 3},2024-0{1 + i % 9}-01 00:00:00\n" for i in range(90)))
        with open(os.path.join(cls.folder, "more.csv"), "w") as file:
            file.write("id,s,t,extra\n900,x/\u00fc+%41,2024-01-01 00:00:00,5\n")

    @classmethod
    def tearDownClass(cls):
        cls.rest.close()
        cls.s3.close()
        os.environ.pop("FLOE_OBJECT_CACHE")
        shutil.rmtree(cls.folder)

    def floe(self, *arguments):
        return floe(*arguments, cwd=self.folder)

    def objects(self, prefix):
        selector = pyarrow.fs.FileSelector(f"bucket/{prefix}", recursive=True, allow_not_found=True)
        found = {info.path for info in self.files.get_file_info(selector) if info.type == pyarrow.fs.FileType.File}
        return {f"s3://{path}" for path in found if not path.endswith("version-hint.text")}

    def newest(self, prefix):
        names = [path for path in self.objects(prefix + "/metadata") if path.endswith(".metadata.json")]
        return max(names, key=lambda path: int(path.rsplit("/v", 1)[1].split(".")[0]))

    def theirs(self, table):
        """The table as PyIceberg opens it, through its own way to the store."""
        catalog, space, name = table.split(".")
        if catalog == "prod":
            return self.catalog.load_table((space, name))
        return StaticTable.from_metadata(self.newest(f"wh/{space}/{name}"), self.s3.properties)

    def same(self, table):
        """Rows as floe reads them with no copies here, and as PyIceberg does."""
        shutil.rmtree(os.environ["FLOE_OBJECT_CACHE"], ignore_errors=True)
        theirs = self.theirs(table).scan().to_arrow().select(["id", "s"]).to_pylist()
        ours = floe_rows(table, "--columns", "id,s", cwd=self.folder)
        self.assertEqual(ours, sorted(theirs, key=lambda row: json.dumps(row, sort_keys=True)))
        return len(ours)

    def named(self, table):
        opened = self.theirs(table)
        paths = {opened.metadata_location} | {entry.metadata_file for entry in opened.metadata.metadata_log}
        for snapshot in opened.snapshots():
            paths.add(snapshot.manifest_list)
            for manifest in snapshot.manifests(opened.io):
                paths.add(manifest.manifest_path)
                paths |= {e.data_file.file_path for e in manifest.fetch_manifest_entry(opened.io, discard_deleted=True)}
        return paths

    def live(self, table, prefix):
        self.floe("table", "import", "rows.csv", table, "--partition", "s")
        self.assertEqual(self.same(table), 90)
        self.floe("table", "import", "rows.csv", table, "--append")
        self.assertEqual(self.same(table), 180)
        self.floe("table", "import", "more.csv", table, "--append", "--evolve")
        self.assertEqual(self.same(table), 181)
        self.floe("table", "compact", table)
        self.assertEqual(self.same(table), 181)
        self.floe("table", "import", "rows.csv", table, "--overwrite", "--evolve")
        self.assertEqual(self.same(table), 91)
        self.assertEqual(len(floe_rows(table, "--where", "s = 's 1'", cwd=self.folder)), 30)
        with self.files.open_output_stream(f"bucket/{prefix}/data/lost.parquet") as stray:
            stray.write(b"left by a writer that was killed")
        result = json.loads(self.floe("table", "expire", table, *ALL, "--json"))
        self.assertEqual(len(result["snapshot_ids"]), 4, result)
        self.assertEqual(result["orphans"], 1)
        self.floe("table", "expire", table, *ALL)
        self.assertEqual(self.same(table), 91)
        there, named = self.objects(prefix), self.named(table)
        self.assertEqual(named - there, set(), "named and not there")
        left = there - named
        self.assertEqual({path for path in left if not path.endswith(".metadata.json")}, set(), "there and not named")

    def test_a_table_of_a_directory_catalog_lives_there(self):
        self.live("far.a.t", "wh/a/t")
        self.assertEqual(self.objects("wh/a/t"), self.named("far.a.t"))

    def test_a_table_of_the_rest_catalog_lives_there(self):
        """floe.yaml has no keys for it: they come with the table, from the catalog."""
        location = self.place("prod.a.t")
        self.live("prod.a.t", location)

    def place(self, table):
        self.floe("table", "import", "rows.csv", table + "0")
        location = self.theirs(table + "0").location()
        self.assertTrue(location.startswith("s3://bucket/rest/"), location)
        return location.removeprefix("s3://bucket/")[:-1]

    def test_pyiceberg_makes_and_floe_adds(self):
        self.catalog.create_namespace("p")
        data = pa.table({"id": pa.array([1000, 1001], pa.int64()), "s": ["p", "q"], "t": pa.array([0, 1], pa.timestamp("us"))})
        table = self.catalog.create_table(("p", "t"), data.schema)
        table.append(data)
        self.assertEqual(self.same("prod.p.t"), 2)
        self.floe("table", "import", "rows.csv", "prod.p.t", "--append")
        self.assertEqual(self.same("prod.p.t"), 92)
        self.catalog.load_table(("p", "t")).delete("id = 1000")
        self.assertEqual(self.same("prod.p.t"), 91)

    def test_writers_at_once_lose_nothing(self):
        for table in ("far.w.t", "prod.w.t"):
            self.floe("table", "import", "rows.csv", table)
            done = []

            def append(name=table, landed=done):
                try:
                    self.floe("table", "import", "rows.csv", name, "--append")
                    landed.append(1)
                except AssertionError as error:
                    self.assertIn("CONFLICT", str(error))

            threads = [threading.Thread(target=append) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(self.same(table), 90 * (1 + len(done)))
            self.assertGreater(len(done), 0)

    def test_a_bucket_that_is_not_there_is_named(self):
        with open(os.path.join(self.folder, "floe.yaml")) as file:
            yaml = file.read().replace("s3://bucket/wh", "s3://nobodys/wh")
        other = tempfile.mkdtemp(prefix="floe-s3-none-")
        self.addCleanup(shutil.rmtree, other)
        with open(os.path.join(other, "floe.yaml"), "w") as file:
            file.write(yaml)
        shutil.copy(os.path.join(self.folder, "rows.csv"), other)
        with self.assertRaisesRegex(AssertionError, "nobodys"):
            floe("table", "import", "rows.csv", "far.a.t", cwd=other)


if __name__ == "__main__":
    unittest.main()
