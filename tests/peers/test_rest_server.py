#!/usr/bin/env python3
"""Iceberg's own REST catalog: floe makes, grows, evolves, compacts and expires tables in it, nested namespaces too, and PyIceberg
reads exactly floe's rows through the same server, and floe PyIceberg's."""
# needs: engines
# timeout: 600
import os
import shutil
import tempfile
import threading
import unittest

import pyarrow as pa
from pyiceberg.catalog.rest import RestCatalog

from engines import RestServer, floe, floe_rows


class Server(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="floe-rest-server-")
        cls.server = RestServer(cls.folder)
        cls.catalog = RestCatalog("prod", uri=cls.server.uri)
        with open(os.path.join(cls.folder, "floe.yaml"), "w") as file:
            file.write("project: t\ncatalogs:\n  prod: {type: rest, uri: \"%s\"}\n" % cls.server.uri)
        with open(os.path.join(cls.folder, "rows.csv"), "w") as file:
            file.write("id,s,t\n" + "".join(f"{i},s{i % 3},2024-0{1 + i % 9}-01 00:00:00\n" for i in range(90)))

    @classmethod
    def tearDownClass(cls):
        cls.server.close()
        shutil.rmtree(cls.folder)

    def floe(self, *arguments):
        return floe(*arguments, cwd=self.folder)

    def same(self, table):
        name = tuple(table.split(".")[1:])
        theirs = self.catalog.load_table(name).scan().to_arrow()
        ours = floe_rows(table, cwd=self.folder)
        self.assertEqual(sorted(theirs["id"].to_pylist()), sorted(row["id"] for row in ours))
        self.assertEqual(theirs.num_rows, len(ours))
        return len(ours)

    def test_a_table_lives_there(self):
        self.floe("table", "import", "rows.csv", "prod.a.t", "--partition", "month(t)")
        self.assertEqual(self.same("prod.a.t"), 90)
        self.floe("table", "import", "rows.csv", "prod.a.t", "--append")
        self.assertEqual(self.same("prod.a.t"), 180)
        self.floe("table", "compact", "prod.a.t")
        self.assertEqual(self.same("prod.a.t"), 180)
        self.floe("table", "import", "rows.csv", "prod.a.t", "--overwrite")
        self.assertEqual(self.same("prod.a.t"), 90)
        self.floe("table", "import", "rows.csv", "prod.a.t", "--replace", "--partition", "bucket(4, id)", "--sort", "id")
        self.assertEqual(self.same("prod.a.t"), 90)
        with open(os.path.join(self.folder, "more.csv"), "w") as file:
            file.write("id,s,t,extra\n900,x,2024-01-01 00:00:00,5\n")
        self.floe("table", "import", "more.csv", "prod.a.t", "--append", "--evolve")
        self.assertEqual(self.same("prod.a.t"), 91)
        self.assertEqual(self.catalog.load_table(("a", "t")).schema().fields[-1].name, "extra")

    def test_namespaces_nest(self):
        self.floe("table", "import", "rows.csv", "prod.x.y.t")
        self.assertIn("prod.x.y.t", self.floe("table", "ls"))
        self.assertEqual(self.same("prod.x.y.t"), 90)

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
        self.floe("table", "import", "rows.csv", "prod.w.t")
        done = []

        def append():
            try:
                self.floe("table", "import", "rows.csv", "prod.w.t", "--append")
                done.append(1)
            except AssertionError as error:
                self.assertIn("CONFLICT", str(error))

        threads = [threading.Thread(target=append) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.same("prod.w.t"), 90 * (1 + len(done)))
        self.assertGreater(len(done), 0)


if __name__ == "__main__":
    unittest.main()
