#!/usr/bin/env python3
"""Tables of an Iceberg REST catalog, as a user sees them. Commits are judged and applied by PyIceberg, which also reads what
floe wrote and writes what floe reads."""
# timeout: 600
import shutil
import tempfile
import threading
import time
import unittest

import pyarrow as pa

from harness import Checks, Project, wait_until
from rest_catalog import RestCatalog

ROWS = [(1, "a", "2024-01-01 00:00:00"), (2, "b", "2024-02-01 00:00:00"), (3, "c", "2024-02-02 00:00:00")]


class Rest(Checks, unittest.TestCase):
    def make(self, yaml="", **service):
        folder = tempfile.mkdtemp(prefix="floe-rest-")
        self.addCleanup(shutil.rmtree, folder)
        self.service = RestCatalog(folder, **service)
        self.addCleanup(self.service.close)
        project = Project(f"project: t\ncatalogs:\n  prod: {{type: rest, uri: \"{self.service.uri}/\"{yaml}}}\n")
        self.addCleanup(shutil.rmtree, project.folder)
        project.write_csv("rows.csv", ["id", "name", "t"], ROWS)
        return project

    def ids(self, project, *arguments, table="prod.a.t"):
        return sorted(row["id"] for row in project.floe_ok("table", "scan", table, "--json", *arguments).json_lines)

    def theirs(self, name=("a", "t")):
        return sorted(self.service.catalog.load_table(name).scan().to_arrow()["id"].to_pylist())

    def test_floe_writes_what_pyiceberg_reads(self):
        project = self.make()
        project.floe_ok("table", "import", "rows.csv", "prod.a.t", "--partition", "month(t)")
        self.assertEqual(self.theirs(), [1, 2, 3])
        table = self.service.catalog.load_table(("a", "t"))
        self.assertEqual([field.name for field in table.schema().fields], ["id", "name", "t"])
        self.assertEqual(str(table.spec().fields[0].transform), "month")
        project.floe_ok("table", "import", "rows.csv", "prod.a.t", "--append")
        self.assertEqual(self.theirs(), [1, 1, 2, 2, 3, 3])
        project.floe_ok("table", "import", "rows.csv", "prod.a.t", "--replace", "--partition", "bucket(4, id)")
        self.assertEqual(self.theirs(), [1, 2, 3])
        self.assertEqual(self.ids(project), [1, 2, 3])
        project.floe_ok("table", "compact", "prod.a.t")
        self.assertEqual(self.theirs(), [1, 2, 3])
        self.assertEqual(len(self.service.catalog.load_table(("a", "t")).metadata.snapshots), len(self.service.commits))

    def test_pyiceberg_writes_what_floe_reads_and_adds_to(self):
        project = self.make()
        self.service.catalog.create_namespace("a")
        data = pa.table({"id": pa.array([7, 8], pa.int64()), "name": ["x", "y"],
                         "t": pa.array([0, 1], pa.timestamp("us"))})
        table = self.service.catalog.create_table(("a", "t"), data.schema)
        table.append(data)
        self.assertEqual(self.ids(project), [7, 8])
        project.floe_ok("table", "import", "rows.csv", "prod.a.t", "--append")
        self.assertEqual(self.theirs(), [1, 2, 3, 7, 8])
        with self.service.catalog.load_table(("a", "t")).update_schema() as update:
            update.rename_column("name", "called")
        self.assertEqual([row["called"] for row in project.floe_ok("table", "scan", "prod.a.t", "--where", "id = 7", "--json").json_lines],
                         ["x"])

    def test_evolution_and_expiry_reach_the_catalog(self):
        project = self.make()
        project.floe_ok("table", "import", "rows.csv", "prod.a.t")
        project.write_csv("more.csv", ["id", "name", "t", "extra"], [(9, "z", "2024-05-01 00:00:00", 4)])
        project.floe_ok("table", "import", "more.csv", "prod.a.t", "--append", "--evolve")
        self.assertIn("add-schema", self.service.commits[-1])
        self.assertEqual(self.service.catalog.load_table(("a", "t")).schema().fields[-1].name, "extra")
        self.assertEqual(self.theirs(), [1, 2, 3, 9])
        newest = self.service.catalog.load_table(("a", "t")).current_snapshot().timestamp_ms
        wait_until(lambda: time.time() * 1000 > newest + 1500, "the snapshots' age")
        project.floe_ok("table", "expire", "prod.a.t", "--older-than", "1s", "--keep-last", "1")
        self.assertEqual(len(self.service.catalog.load_table(("a", "t")).metadata.snapshots), 1)
        self.assertEqual(self.theirs(), [1, 2, 3, 9])

    def test_namespaces_and_tables_come_in_pages(self):
        project = self.make(page_size=1)
        for table in ("prod.a.t", "prod.a.u", "prod.a.v", "prod.c.w"):
            project.floe_ok("table", "import", "rows.csv", table)
        self.assertEqual([row["table"] for row in project.floe_ok("table", "ls", "--json").json],
                         ["prod.a.t", "prod.a.u", "prod.a.v", "prod.c.w"])
        self.assertEqual(self.ids(project, table="prod.c.w"), [1, 2, 3])

    def test_a_prefix_and_a_warehouse_are_the_servers(self):
        project = self.make(yaml=", warehouse: \"my wh\"", prefix="main")
        project.floe_ok("table", "import", "rows.csv", "prod.a.t")
        self.assertEqual(self.ids(project), [1, 2, 3])
        self.assertEqual(set(self.service.warehouses), {"my wh"})

    def test_a_credential_gets_a_token_and_a_dead_one_is_had_anew(self):
        project = self.make(yaml=", credential: \"me:s3cret\"", credential="me:s3cret")
        project.floe_ok("table", "import", "rows.csv", "prod.a.t")
        self.assertGreaterEqual(self.service.tokens, 1)
        self.assertEqual(self.ids(project), [1, 2, 3])

    def test_a_wrong_credential_is_denied_and_never_shown(self):
        project = self.make(yaml=", credential: \"me:wr0ngwr0ng\"", credential="me:s3cret")
        run = self.refused(project.floe("table", "ls"), "DENIED", "who are you?")
        self.assertNotIn("wr0ngwr0ng", run.err + run.out)

    def test_a_given_token_is_a_bearer(self):
        project = self.make(yaml=", token: \"abc\"", credential="me:s3cret")
        self.service.token = "abc"
        project.floe_ok("table", "import", "rows.csv", "prod.a.t")
        self.service.token = "other"
        self.refused(project.floe("table", "ls"), "DENIED", "no token, or an old one")

    def test_a_busy_catalog_is_asked_again(self):
        project = self.make()
        project.floe_ok("table", "import", "rows.csv", "prod.a.t")
        self.service.failures = [503, 500]
        self.assertEqual(self.ids(project), [1, 2, 3])

    def test_a_missing_table_names_the_nearest(self):
        project = self.make()
        project.floe_ok("table", "import", "rows.csv", "prod.a.flights")
        self.refused(project.floe("table", "scan", "prod.a.flihgts"), "NOT_FOUND", "did you mean prod.a.flights?")

    def test_a_catalog_that_is_not_there_is_unavailable(self):
        project = self.make()
        self.service.close()
        self.refused(project.floe("table", "ls"), "UNAVAILABLE", "127.0.0.1")

    def test_a_server_that_is_no_catalog_is_named(self):
        project = self.make()
        self.service.prefix = "x"
        self.service.failures = [404]
        self.refused(project.floe("table", "ls"), "NOT_FOUND", "told to fail with 404")

    def test_a_server_that_sends_on_to_no_address_is_named(self):
        project = self.make()
        self.service.overrides = {"uri": "null"}
        self.refused(project.floe("table", "ls"), "CORRUPT", "null")

    def test_listings_that_are_none_are_refused(self):
        project = self.make()
        project.floe_ok("table", "import", "rows.csv", "prod.a.t")
        for listing in ({"namespaces": {"a": 1}}, {"namespaces": "a"}, {"namespaces": ["a"]}, {"namespaces": [[]]}, {"namespaces": [[1]]},
                        {"namespaces": [[""]]}, {"identifiers": "t"}, {"next-page-token": "0"}):
            self.service.listing = listing
            self.refused(project.floe("table", "ls"), "CORRUPT")

    def test_names_with_dots_of_their_own_are_not_listed(self):
        """No reference could name them: it is cut at its dots."""
        project = self.make()
        project.floe_ok("table", "import", "rows.csv", "prod.a.t")
        theirs = self.service.catalog.load_table(("a", "t"))
        self.service.catalog.create_table(("a", "t.v2"), schema=theirs.schema())
        self.assertEqual([row["table"] for row in project.floe_ok("table", "ls", "--json").json], ["prod.a.t"])
        self.service.listing = {"namespaces": [["b.c"]]}
        self.assertEqual(project.floe_ok("table", "ls", "--json").json, [])

    def test_a_lost_answer_of_a_commit_that_landed_is_success_once(self):
        project = self.make()
        project.floe_ok("table", "import", "rows.csv", "prod.a.t")
        self.service.lost_answers = 1
        project.floe_ok("table", "import", "rows.csv", "prod.a.t", "--append")
        self.assertEqual(self.theirs(), [1, 1, 2, 2, 3, 3])
        self.assertEqual(self.ids(project), [1, 1, 2, 2, 3, 3])

    def test_a_commit_whose_end_is_unknown_keeps_its_files(self):
        project = self.make()
        project.floe_ok("table", "import", "rows.csv", "prod.a.t")
        original = self.service.catalog.commit_table

        def commit_and_die(*arguments):
            answer = original(*arguments)
            self.service.failures = [503] * 100
            self.service.lost_answers = 1
            return answer

        self.service.catalog.commit_table = commit_and_die
        self.refused(project.floe("table", "import", "rows.csv", "prod.a.t", "--append"), "UNAVAILABLE", "is not known")
        self.service.failures = []
        self.assertEqual(self.theirs(), [1, 1, 2, 2, 3, 3], "it had landed, and its files are there")

    def test_a_commit_that_landed_is_a_success_whatever_is_answered(self):
        """A request may arrive twice on its way: the second is refused for what the first has done."""
        project = self.make()
        project.floe_ok("table", "import", "rows.csv", "prod.a.t")
        for number, status in enumerate((400, 403, 409, 413, 419, 429, 500, 502, 503, 504)):
            self.service.refuse_landed = [status]
            project.floe_ok("table", "import", "rows.csv", "prod.a.t", "--append")
            self.assertEqual(self.service.refuse_landed, [])
            self.assertEqual(self.theirs(), sorted([1, 2, 3] * (number + 2)))
        self.assertEqual(self.ids(project), self.theirs())

    def test_a_commit_that_did_not_land_leaves_the_table_as_it_was(self):
        project = self.make()
        project.floe_ok("table", "import", "rows.csv", "prod.a.t")
        for status, code in ((400, 3), (413, 10), (429, 9), (500, 9), (502, 9), (503, 9), (504, 8)):
            self.service.refuse_commits = [status]
            refused = project.floe("table", "import", "rows.csv", "prod.a.t", "--append")
            self.assertNotEqual(refused.code, 0, status)
            self.assertIn(f"answered {status}: told to fail", refused.err)
            self.assertEqual(self.theirs(), [1, 2, 3])
        self.service.refuse_commits = [409]  # and that is tried again
        project.floe_ok("table", "import", "rows.csv", "prod.a.t", "--append")
        self.assertEqual(self.theirs(), [1, 1, 2, 2, 3, 3])

    def test_answers_may_be_packed_or_come_in_pieces(self):
        for form in ("gzip", "chunked"):
            project = self.make()
            self.service.form = form
            project.floe_ok("table", "import", "rows.csv", "prod.a.t", "--partition", "month(t)")
            self.assertEqual(self.ids(project), [1, 2, 3])
            self.assertEqual(self.theirs(), [1, 2, 3])

    def test_a_token_does_not_follow_to_another_host(self):
        project = self.make(", token: bearer-of-the-test")
        other = RestCatalog(tempfile.mkdtemp(prefix="floe-other-"))
        self.addCleanup(other.close)
        self.service.sends_on = other.uri
        refused = project.floe("table", "scan", "prod.a.t")
        self.assertNotEqual(refused.code, 0)
        self.assertIn("answered 307", refused.err)
        self.assertEqual(other.requests, [])

    def test_a_listing_without_end_is_refused(self):
        project = self.make()
        self.service.endless = True
        self.refused(project.floe("table", "ls"), "LIMIT", "has no end")
        self.assertLess(len(self.service.requests), 1100)

    def test_a_token_may_say_in_text_how_long_it_holds(self):
        project = self.make(', credential: "me:word"', credential="me:word")
        project.floe_ok("table", "import", "rows.csv", "prod.a.t")
        for said, tokens in ((3600, 1), ("3600", 1), (None, 1), ("soon", 1), (2.5, 1), (-1, 1), ("30", 2)):
            self.service.expires_in, self.service.tokens = said, 0
            self.assertEqual(self.ids(project), [1, 2, 3])
            self.assertTrue(self.service.tokens == 1 if tokens == 1 else self.service.tokens > 1, said)

    def test_names_may_hold_what_paths_do(self):
        project = self.make()
        for name in ("a b", "ü", "x/y", "q%2F", "a+b"):
            project.floe_ok("table", "import", "rows.csv", f"prod.{name}.t")
            self.assertEqual(self.ids(project, table=f"prod.{name}.t"), [1, 2, 3])
        project.floe_ok("table", "import", "rows.csv", "prod.a.my table/ü")
        self.assertEqual(self.ids(project, table="prod.a.my table/ü"), [1, 2, 3])
        listed = [row["table"] for row in project.floe_ok("table", "ls", "--json").json]
        self.assertEqual(listed, sorted(["prod.a b.t", "prod.ü.t", "prod.x/y.t", "prod.q%2F.t", "prod.a+b.t", "prod.a.my table/ü"]))

    def test_of_writers_at_once_every_row_lands_or_is_refused(self):
        project = self.make()
        project.floe_ok("table", "import", "rows.csv", "prod.a.t")
        codes = []
        threads = [threading.Thread(target=lambda: codes.append(project.floe("table", "import", "rows.csv", "prod.a.t", "--append").code))
                   for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(self.theirs()), 3 * (1 + codes.count(0)))
        self.assertGreater(codes.count(0), 0)

    def test_a_table_that_exists_is_a_conflict(self):
        project = self.make()
        project.floe_ok("table", "import", "rows.csv", "prod.a.t")
        self.refused(project.floe("table", "import", "rows.csv", "prod.a.t"), "CONFLICT", "prod.a.t exists")
        self.assertEqual(self.theirs(), [1, 2, 3])

    def test_definitions_are_told_what_they_lack(self):
        for yaml, parts in (("type: rest", ["uri is missing"]), ("type: rest, uri: \"ftp://localhost\"", ["uri is an address"]),
                            ("type: directory, warehouse: w, uri: \"http://localhost\"", ["uri belongs to catalogs of type rest"]),
                            ("type: rset, uri: \"http://localhost\"", ["unknown type `rset`", "rest"]),
                            ("type: rest, uri: \"http://localhost\", storage: {access_key: a}", ["belong together"]),
                            ("type: rest, uri: \"http://localhost\", storage: {acces_key: a}", ["access_key"])):
            with Project("project: t\ncatalogs:\n  c: {%s}\n" % yaml) as project:
                self.refused(project.floe("table", "ls"), "INVALID", "floe.yaml:3", *parts)


if __name__ == "__main__":
    unittest.main()
