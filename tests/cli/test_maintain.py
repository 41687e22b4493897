#!/usr/bin/env python3
"""floe table changes, compact, expire and the import's ways to write, as a user meets them: what is printed, what --json
gives, what is refused."""
import json
import shutil
import unittest

import pyarrow.parquet as pq

from harness import Checks, Project

TABLE = "lake.ns.t"


class Maintain(Checks, unittest.TestCase):
    def setUp(self):
        self.project = Project()
        for number in range(3):
            self.write(f"{number}.csv", f"n,s\n{number},a\n{number + 10},b\n")
            self.table("import", f"{number}.csv", TABLE, *(["--append"] if number else ["--partition", "s"]))

    def tearDown(self):
        shutil.rmtree(self.project.folder)

    def write(self, name, text):
        self.project.write(name, text)
        return name

    def run_table(self, *arguments):
        return self.project.floe("table", *arguments)

    def table(self, *arguments):
        return self.ok(self.run_table(*arguments))

    def snapshots(self):
        return [s["snapshot"] for s in self.table("snapshots", TABLE, "--json").json]

    def rows(self):
        return sorted((row["n"], row["s"]) for row in self.table("scan", TABLE, "--json").json_lines)

    # ---- changes ----

    def test_changes__without_to__ends_at_the_current_snapshot(self):
        first = str(self.snapshots()[0])
        run = self.table("changes", TABLE, "--from", first)
        self.assertEqual(run.out.split(), "n s 1 a 11 b 2 a 12 b".split())
        lines = self.table("changes", TABLE, "--from", first, "--json").json_lines
        self.assertEqual(lines, [{"n": 1, "s": "a"}, {"n": 11, "s": "b"}, {"n": 2, "s": "a"}, {"n": 12, "s": "b"}])

    def test_changes__into_files__hold_the_same_rows(self):
        first, second, _ = map(str, self.snapshots())
        for ending in ("parquet", "csv", "jsonl"):
            out = f"added.{ending}"
            run = self.table("changes", TABLE, "--from", first, "--to", second, "-o", out)
            self.assertIn("2 rows in " + out, run.err)
        self.assertEqual(pq.read_table(self.project.path("added.parquet")).to_pylist(), [{"n": 1, "s": "a"}, {"n": 11, "s": "b"}])
        with open(self.project.path("added.csv")) as file:
            self.assertEqual(file.read(), "n,s\n1,a\n11,b\n")
        with open(self.project.path("added.jsonl")) as file:
            self.assertEqual([json.loads(line) for line in file], [{"n": 1, "s": "a"}, {"n": 11, "s": "b"}])
        self.assertEqual(self.table("changes", TABLE, "--from", first, "-o", "x.csv", "--json").json, {"out": "x.csv", "rows": 4})

    def test_changes__overwrites__are_named_on_stderr_and_compactions_are_not(self):
        first = str(self.snapshots()[0])
        self.table("compact", TABLE)
        self.assertEqual(self.table("changes", TABLE, "--from", first).err, "4 rows\n")
        self.write("o.csv", "n,s\n99,a\n")
        self.table("import", "o.csv", TABLE, "--overwrite")
        run = self.table("changes", TABLE, "--from", first)
        self.assertIn(f"snapshot {self.snapshots()[-1]} (overwrite): ", run.err)
        self.assertIn("made anew", run.err)
        self.assertEqual(len(run.out.splitlines()), 5)

    def test_changes__ranges_that_cannot_be_told__are_refused(self):
        ids = list(map(str, self.snapshots()))
        self.refused(self.run_table("changes", TABLE), "USAGE", "--from")
        self.refused(self.run_table("changes", TABLE, "--from", "x"), "USAGE", "--from")
        self.refused(self.run_table("changes", TABLE, "--from", ids[2], "--to", ids[0]), "INVALID", ids[2], "no ancestor")
        self.refused(self.run_table("changes", TABLE, "--from", "12345"), "NOT_FOUND", "12345", "has expired")
        self.table("expire", TABLE, "--older-than", "0s")
        self.refused(self.run_table("changes", TABLE, "--from", ids[0]), "NOT_FOUND", ids[0], "has expired")

    # ---- compact ----

    def test_compact__says_what_became_of_what(self):
        before = self.rows()
        run = self.table("compact", TABLE)
        self.assertRegex(run.out, r"^lake.ns.t: 6 files became 2; 0 rows taken by deletes, 0 delete files gone; snapshot \d+\n$")
        self.assertEqual(self.rows(), before)
        self.assertEqual(self.table("compact", TABLE).out, "lake.ns.t: nothing to do\n")
        facts = self.table("compact", TABLE, "--json").json
        self.assertIsNone(facts["snapshot_id"])
        self.assertEqual(facts["files_before"], 0)

    def test_compact__json__counts(self):
        facts = self.table("compact", TABLE, "--where", "s = 'a'", "--json").json
        self.assertEqual((facts["files_before"], facts["files_after"], facts["rows_before"], facts["rows_after"]), (3, 1, 3, 3))
        self.assertEqual(facts["snapshot_id"], self.snapshots()[-1])

    def test_compact__sizes__are_read_in_every_unit(self):
        for size in ("1000", "2KB", "1 KiB", "3mb", "1GiB", "1g", "512MB"):
            self.table("compact", TABLE, "--target-size", size)
        for size in ("", "x", "12 parsecs", "-5", "0", "1.5MB", "99999999999GB"):
            self.refused(self.run_table("compact", TABLE, "--target-size", size), "USAGE", "--target-size")

    def test_compact__what_is_not_there__is_said(self):
        run = self.refused(self.run_table("compact", "lake.ns.nothing"), "NOT_FOUND", "lake.ns.nothing")
        self.assertNotIn("append", run.err)
        self.refused(self.run_table("compact", TABLE, "--where", "q = 1"), "NOT_FOUND", "--where", "no column q")
        self.refused(self.run_table("compact", "./lakehouse/ns/t"), "INVALID", "catalog.namespace.table")

    # ---- expire ----

    def test_expire__dry_run__changes_nothing_and_says_what_would_go(self):
        self.table("compact", TABLE)
        with self.unchanged(self.project.path("lakehouse")):
            run = self.table("expire", TABLE, "--older-than", "0s", "--dry-run")
        self.assertIn("3 snapshots would expire", run.out)
        self.assertIn("6 data files", run.out)
        facts = self.table("expire", TABLE, "--older-than", "0s", "--dry-run", "--json").json
        self.assertEqual(facts["snapshot_ids"], self.snapshots()[:3])
        self.assertTrue(facts["dry_run"])
        run = self.table("expire", TABLE, "--older-than", "0s")
        self.assertIn("3 snapshots expired; 6 data files", run.out)
        self.assertEqual(len(self.snapshots()), 1)

    def test_expire__age_and_count__keep_snapshots(self):
        self.assertIn("0 snapshots expired", self.table("expire", TABLE, "--older-than", "1d").out)
        self.assertIn("1 snapshot expired", self.table("expire", TABLE, "--older-than", "0s", "--keep-last", "2").out)
        self.assertEqual(len(self.snapshots()), 2)

    def test_expire__wrong_values__are_usage_errors(self):
        for option, value in (("--older-than", "yesterday"), ("--older-than", "-1d"), ("--keep-last", "0"), ("--keep-last", "x"),
                              ("--orphans-older-than", "5")):
            more = [] if option == "--older-than" else ["--older-than", "1d"]
            self.refused(self.run_table("expire", TABLE, *more, option, value), "USAGE", option)

    # ---- import ----

    def test_import__ways_to_write__exclude_each_other(self):
        for flags in (("--append", "--overwrite"), ("--replace", "--overwrite"), ("--append", "--replace")):
            self.refused(self.run_table("import", "0.csv", TABLE, *flags), "USAGE", "exclude each other")
        self.refused(self.run_table("import", "0.csv", "lake.ns.u", "--evolve"), "USAGE", "--evolve")
        self.refused(self.run_table("import", "0.csv", TABLE), "CONFLICT", "--overwrite")

    def test_import__overwrite_evolve_and_sort__in_one(self):
        self.write("more.csv", "s,n,x\na,5,true\na,4,false\n")
        self.table("import", "more.csv", TABLE, "--overwrite", "--evolve", "--sort", "n")
        self.assertEqual(self.table("scan", TABLE, "--where", "s = 'a'", "--json").json_lines,
                         [{"n": 4, "s": "a", "x": False}, {"n": 5, "s": "a", "x": True}])
        self.assertEqual(len(self.rows()), 5)


if __name__ == "__main__":
    unittest.main()
