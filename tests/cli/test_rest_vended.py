#!/usr/bin/env python3
"""Keys that an Iceberg REST catalog gives for a table's objects: others for every table and at every load, for that table's prefix
alone, over after a while. Commits are judged by PyIceberg, which also says what is in the table then; the store checks each signature."""
# timeout: 600
import os
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "offline"))

import pyarrow as pa  # noqa: E402
import store_io  # noqa: E402
from harness import Checks, Project  # noqa: E402
from object_store import Key, ObjectStore, make_certificate  # noqa: E402
from rest_catalog import RestCatalog  # noqa: E402

ROWS = [(1, "a"), (2, "b"), (3, "c")]


class Vended(Checks, unittest.TestCase):
    def make(self, vend, yaml="", store=None, **service):
        folder = tempfile.mkdtemp(prefix="floe-vended-")
        self.addCleanup(shutil.rmtree, folder)
        self.store = store or ObjectStore()
        self.addCleanup(self.store.close)
        self.store.keys.clear()
        store_io.stores[self.store.bucket] = self.store
        self.service = RestCatalog(folder, warehouse=f"s3://{self.store.bucket}/house",
                                   properties={"py-io-impl": "store_io.StoreIO"}, **service)
        self.addCleanup(self.service.close)
        self.service.vend = vend
        project = Project(f'project: t\ncatalogs:\n  prod: {{type: rest, uri: "{self.service.uri}"{yaml}}}\n')
        self.addCleanup(shutil.rmtree, project.folder)
        self.cache = os.path.join(folder, "copies")
        os.environ["FLOE_OBJECT_CACHE"] = self.cache
        self.addCleanup(os.environ.pop, "FLOE_OBJECT_CACHE")
        project.write_csv("rows.csv", ["id", "name"], ROWS)
        return project

    def place(self):
        return {"s3.endpoint": self.store.endpoint, "client.region": self.store.region, "s3.path-style-access": "true"}

    def new_key(self, location, token="tok/en=="):
        """A key of its own for what lies under a table's location, as the members of a configuration."""
        name = f"AKIDVENDED{len(self.store.keys)}"
        self.store.keys[name] = Key(f"secret{len(self.store.keys)}", token, location.removeprefix(f"s3://{self.store.bucket}/") + "/")
        said = {"s3.access-key-id": name, "s3.secret-access-key": self.store.keys[name].secret}
        return said | ({"s3.session-token": token} if token else {})

    def always_new(self, location):
        return {"config": self.place() | self.new_key(location)}

    def ids(self, project, table="prod.a.t", *arguments):
        return sorted(row["id"] for row in project.floe_ok("table", "scan", table, "--json", *arguments).json_lines)

    def theirs(self, name=("a", "t")):
        return sorted(self.service.catalog.load_table(name).scan().to_arrow()["id"].to_pylist())

    def work(self, project):
        """Everything that commits; then both count the same rows."""
        project.floe_ok("table", "import", "rows.csv", "prod.a.t")
        project.floe_ok("table", "import", "rows.csv", "prod.a.t", "--append")
        self.assertEqual(self.theirs(), [1, 1, 2, 2, 3, 3])
        self.assertEqual(self.ids(project), [1, 1, 2, 2, 3, 3])
        project.floe_ok("table", "compact", "prod.a.t")
        project.floe_ok("table", "import", "rows.csv", "prod.a.t", "--replace")
        project.floe_ok("table", "expire", "prod.a.t", "--older-than", "0s", "--orphans-older-than", "0s")
        self.assertEqual(self.theirs(), [1, 2, 3])
        self.assertEqual(self.ids(project), [1, 2, 3])

    def test_every_load_gives_another_key(self):
        self.work(self.make(self.always_new))
        self.assertGreater(len(self.store.keys), 8)

    def test_a_new_key_finds_the_copies_of_the_last_one(self):
        project = self.make(self.always_new)
        project.floe_ok("table", "import", "rows.csv", "prod.a.t")
        self.ids(project)
        before = len(self.store.requests)
        self.ids(project)
        fetched = [key for method, key, _ in self.store.requests[before:] if method == "GET"]
        self.assertTrue(all(key.endswith(".metadata.json") for key in fetched), fetched)

    def test_credentials_stand_beside_the_configuration(self):
        def vend(location):
            near = self.new_key(location)
            wrong = {"s3.access-key-id": "AKIDOTHER", "s3.secret-access-key": "no"}
            return {"config": self.place() | wrong, "storage-credentials": [
                {"prefix": "s3://bucket/", "config": wrong}, {"prefix": location, "config": near},
                {"prefix": location + "/deeper", "config": wrong}, {"prefix": "gs://bucket", "config": {"gcs.oauth2.token": "x"}}]}
        self.work(self.make(vend))

    def test_credentials_of_a_scheme_alone_hold_for_all_of_it(self):
        self.work(self.make(lambda location: {"config": self.place(), "storage-credentials": [
            {"prefix": "s3", "config": self.new_key(location)}]}))

    def test_a_key_without_a_token_does_not_take_the_projects(self):
        project = self.make(lambda location: {"config": self.place() | self.new_key(location, token="")},
                            ', storage: {access_key: own, secret_key: own, session_token: own}')
        project.floe_ok("table", "import", "rows.csv", "prod.a.t")
        self.assertEqual(self.ids(project), [1, 2, 3])

    def test_a_token_of_the_past_is_no_key(self):
        project = self.make(self.always_new)
        project.floe_ok("table", "import", "rows.csv", "prod.a.t")
        shutil.rmtree(self.cache)

        def over(location):
            said = self.always_new(location)
            for key in self.store.keys.values():
                key.over = True
            return said
        self.service.vend = over
        refused = project.floe("table", "scan", "prod.a.t")
        self.assertNotEqual(refused.code, 0)
        self.assertIn("ExpiredToken", refused.err)
        self.assertIn("the keys for the store have run out: run the command again", refused.err)
        self.assertNotIn("secret", refused.err)
        self.service.vend = self.always_new
        self.assertEqual(self.ids(project), [1, 2, 3])

    def test_signing_by_the_catalog_is_refused_by_name(self):
        project = self.make(self.always_new)
        project.floe_ok("table", "import", "rows.csv", "prod.a.t")
        self.service.vend = lambda location: {"config": self.place() | {
            "s3.remote-signing-enabled": "true", "s3.signer.uri": self.service.uri}}
        refused = project.floe("table", "scan", "prod.a.t")
        self.refused(refused, "UNSUPPORTED", "s3.remote-signing-enabled")
        self.service.vend = lambda location: {"config": self.place() | self.new_key(location) | {"s3.remote-signing-enabled": "true"}}
        self.assertEqual(self.ids(project), [1, 2, 3])  # keys are better

    def test_damaged_credentials_are_refused(self):
        project = self.make(self.always_new)
        project.floe_ok("table", "import", "rows.csv", "prod.a.t")
        for wrong in ({}, "x", [1], [{"config": {}}], [{"prefix": 7, "config": {}}], [{"prefix": "s3", "config": []}], [{"prefix": "s3"}]):
            self.service.vend = lambda location, wrong=wrong: self.always_new(location) | {"storage-credentials": wrong}
            self.refused(project.floe("table", "scan", "prod.a.t"), "CORRUPT", "storage-credentials")

    def test_certificates_that_the_catalog_trusts_are_those_of_its_stores(self):
        folder = tempfile.mkdtemp(prefix="floe-ca-")
        self.addCleanup(shutil.rmtree, folder)
        make_certificate(folder)
        project = self.make(self.always_new, f', ca: "{folder}/ca.pem"', ObjectStore(certificate=f"{folder}/both.pem"))
        project.floe_ok("table", "import", "rows.csv", "prod.a.t")
        shutil.rmtree(self.cache)
        self.assertEqual(self.ids(project), [1, 2, 3])

    def test_an_old_token_of_the_catalog_is_had_anew_after_419(self):
        project = self.make(self.always_new, ', credential: "me:word"', credential="me:word")
        project.floe_ok("table", "import", "rows.csv", "prod.a.t")
        tokens = self.service.tokens
        self.service.failures = [419]
        self.assertEqual(self.ids(project), [1, 2, 3])
        self.assertEqual(self.service.tokens, tokens + 2)  # one of the run, one after 419

    def test_namespaces_are_joined_as_the_catalog_says(self):
        project = self.make(self.always_new)
        data = pa.table({"id": pa.array([1, 2, 3], pa.int64())})
        for space in (("a",), ("a", "b")):
            self.service.catalog.create_namespace(space)
        self.service.catalog.create_table(("a", "b", "t"), data.schema, location="s3://bucket/house/t").append(data)
        for said, joint in (("%2E", "."), (".", "."), ("%1F", "\x1f")):
            self.service.overrides = {"namespace-separator": said}
            self.service.separator = joint
            self.assertEqual(self.ids(project, "prod.a.b.t"), [1, 2, 3])
            self.assertEqual([row["table"] for row in project.floe_ok("table", "ls", "--json").json], ["prod.a.b.t"])


if __name__ == "__main__":
    unittest.main()
