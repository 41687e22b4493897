"""What tests of keys that an Iceberg REST catalog gives for a table's objects share: a catalog that hands out keys of the store for the
table's prefix alone. Commits are judged by PyIceberg, which also says what is in the table then; the store checks each signature."""
import os
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "offline"))

import store_io  # noqa: E402
from harness import Checks, Project  # noqa: E402
from object_store import Key, ObjectStore  # noqa: E402
from rest_catalog import RestCatalog  # noqa: E402

ROWS = [(1, "a"), (2, "b"), (3, "c")]


class VendedCase(Checks, unittest.TestCase):
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
        self.addCleanup(os.environ.pop, "FLOE_OBJECT_CACHE", None)
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
