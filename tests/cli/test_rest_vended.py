#!/usr/bin/env python3
"""Keys that an Iceberg REST catalog gives for a table's objects: others for every table and at every load, for that table's prefix
alone, over after a while. Commits are judged by PyIceberg, which also says what is in the table then; the store checks each signature."""
# timeout: 600
import shutil
import tempfile
import unittest

import pyarrow as pa
from object_store import ObjectStore, make_certificate
from vended import VendedCase

class Vended(VendedCase):
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
