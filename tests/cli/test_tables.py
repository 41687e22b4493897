#!/usr/bin/env python3
"""floe table as a user meets it: import, ls, show, snapshots, scan and plan on small tables, in every form of path and
output; what it reads is held against pyarrow and DuckDB."""
import csv
import datetime as dt
import decimal
import json
import os
import shutil
import subprocess
import sys
import unittest

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from harness import FLIGHTS, FLIGHTS_HEADER, FLOE, Checks, Project, flights_project, floe

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../offline"))
from merge_on_read import commit_deletes, equality_deletes, position_deletes, with_id

TABLE = "lake.aviation.flights"


def text_of(path):
    with open(path) as file:
        return file.read()


def parquet_rows(path):
    return pq.read_table(path).to_pylist()


class Read(Checks, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.project = flights_project(apply=False)
        cls.folder = cls.project.path("lakehouse/aviation/flights")
        versions = [f for f in os.listdir(cls.folder + "/metadata") if f.endswith(".metadata.json")]
        cls.metadata = os.path.join(cls.folder, "metadata", max(versions))

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.project.folder)

    def scan(self, *arguments, table=TABLE):
        return self.ok(self.project.floe("table", "scan", table, "--json", *arguments)).json_lines

    def test_ls_lists_full_names(self):
        self.assertEqual(self.project.floe_ok("table", "ls").out.split(), ["table", TABLE])
        self.assertEqual(self.project.floe_ok("table", "ls", "--json").json, [{"table": TABLE}])

    def test_show_says_schema_partition_and_counts(self):
        shown = self.project.floe_ok("table", "show", TABLE).out
        self.assertIn("partitioned by month(date)", shown)
        self.assertIn("4 in 2 files", shown)
        described = self.project.floe_ok("table", "show", TABLE, "--json").json
        self.assertEqual([c["name"] for c in described["columns"]], FLIGHTS_HEADER)
        self.assertEqual([c["id"] for c in described["columns"]], [1, 2, 3, 4, 5, 6])
        self.assertEqual([c["type"] for c in described["columns"]],
                         ["timestamp", "string", "string", "long", "long", "timestamp"])
        self.assertEqual((described["rows"], described["files"], described["format_version"]), (4, 2, 2))
        with open(self.metadata) as file:
            metadata = json.load(file)
        self.assertEqual(described["uuid"], metadata["table-uuid"])
        self.assertEqual(described["snapshot_id"], metadata["current-snapshot-id"])

    def test_snapshots_are_those_of_the_metadata(self):
        (snapshot,) = self.project.floe_ok("table", "snapshots", TABLE, "--json").json
        with open(self.metadata) as file:
            (written,) = json.load(file)["snapshots"]
        self.assertEqual(snapshot["snapshot"], written["snapshot-id"])
        self.assertIsNone(snapshot["parent"])
        self.assertEqual((snapshot["operation"], snapshot["added"], snapshot["rows"], snapshot["refs"]),
                         ("append", 4, 4, "main"))
        self.assertEqual(dt.datetime.fromisoformat(snapshot["committed"].replace("Z", "+00:00")).timestamp() * 1000,
                         written["timestamp-ms"])

    def test_scan_gives_every_row_and_column_in_schema_order(self):
        rows = self.scan()
        self.assertEqual(list(rows[0]), FLIGHTS_HEADER)
        want = [[a.replace(" ", "T") + "Z", b, c, int(d) if d else None, int(e), f.replace(" ", "T") + "Z"]
                for a, b, c, d, e, f in FLIGHTS]
        self.assertEqual(sorted(list(row.values()) for row in rows), sorted(want))

    def test_scan_prints_a_table_to_read(self):
        run = self.project.floe_ok("table", "scan", TABLE, "--columns", "origin,delay", "--where", "destination = 'JFK'")
        self.assertEqual(run.out.splitlines()[0].split(), ["origin", "delay"])
        self.assertEqual(sorted(line.split() for line in run.out.splitlines()[1:]), [["SFO", "25"], ["SFO", "5"]])
        self.assertEqual(run.err, "2 rows\n")
        widths = {len(line) for line in run.out.splitlines()}
        self.assertEqual(len(widths), 1, "numbers at the right edge end in one column")

    def test_a_scan_without_rows_prints_its_headings(self):
        run = self.project.floe_ok("table", "scan", TABLE, "--where", "origin = 'XXX'")
        self.assertEqual(run.out.split(), FLIGHTS_HEADER)
        self.assertEqual(run.err, "0 rows\n")
        self.assertEqual(self.scan("--where", "origin = 'XXX'"), [])
        self.assertEqual(self.scan("--limit", "0"), [])

    def test_columns_come_in_the_order_asked_and_metadata_columns_only_then(self):
        rows = self.scan("--columns", "delay,_file,origin,_pos")
        self.assertEqual(list(rows[0]), ["delay", "_file", "origin", "_pos"])
        for row in rows:
            self.assertTrue(row["_file"].startswith(self.folder + "/data/"), row)
            stored = parquet_rows(row["_file"])[row["_pos"]]
            self.assertEqual((stored["delay"], stored["origin"]), (row["delay"], row["origin"]))

    def test_every_form_of_a_table_reads_the_same(self):
        want = self.scan()
        link = self.project.path("link")
        os.symlink(self.folder, link)
        relative = os.path.relpath(self.folder, self.project.folder)
        forms = [self.folder, self.folder + "/", relative, "./" + relative, self.metadata, link,
                 os.path.relpath(self.metadata, self.project.folder), "file://" + self.folder, "file:" + self.metadata]
        for form in forms:
            self.assertEqual(self.scan(table=form), want, form)

    def test_a_path_needs_no_project(self):
        run = self.ok(floe("table", "scan", self.folder, "--json", cwd="/"))
        self.assertEqual(len(run.json_lines), 4)
        for command in ("show", "snapshots", "plan"):
            self.ok(floe("table", command, self.folder, cwd="/"))
        self.refused(floe("table", "scan", TABLE, cwd="/"), "NOT_FOUND", TABLE)
        self.refused(floe("table", "ls", cwd="/"), "NOT_FOUND", "floe.yaml")

    def test_project_overrides_the_nearest_one(self):
        with Project() as other:
            run = other.floe("table", "ls", "--project", self.project.folder, "--json")
            self.assertEqual(self.ok(run).json, [{"table": TABLE}])
            deeper = other.path("features")
            self.assertEqual(self.ok(other.floe("table", "ls", "--json", cwd=deeper)).json, [])
            self.refused(other.floe("table", "ls", "--project", "/nowhere"), "NOT_FOUND", "/nowhere")

    def test_a_moved_table_is_read_where_it_lies(self):
        with flights_project(apply=False) as other:
            was = other.path("lakehouse/aviation/flights")
            want = self.ok(floe("table", "scan", was, "--json", cwd="/")).out
            os.rename(was, other.path("moved"))
            self.refused(floe("table", "scan", other.path("moved"), cwd="/"), "NOT_FOUND", "the manifest list", was,
                         "a table that was moved needs --moved-from and --moved-to")
            moved = ["--moved-from", was, "--moved-to", other.path("moved")]
            for command in ("show", "snapshots", "plan"):
                self.ok(floe("table", command, other.path("moved"), *moved, cwd="/"))
            self.assertEqual(self.ok(floe("table", "scan", other.path("moved"), *moved, "--json", cwd="/")).out, want)
            uri = ["--moved-from", "file://" + was + "/", "--moved-to", other.path("moved") + "/"]
            self.assertEqual(self.ok(floe("table", "scan", other.path("moved"), *uri, "--json", cwd="/")).out, want)
            part = ["--moved-from", was[:-1], "--moved-to", other.path("move")]
            self.refused(floe("table", "scan", other.path("moved"), *part, cwd="/"), "NOT_FOUND", was)

    def test_files_hold_what_the_scan_gives(self):
        for ending, read in ((".parquet", parquet_rows),
                             (".jsonl", lambda p: [json.loads(line) for line in text_of(p).splitlines()]),
                             (".csv", lambda p: list(csv.DictReader(text_of(p).splitlines())))):
            out = self.project.path("out" + ending)
            run = self.project.floe_ok("table", "scan", TABLE, "-o", out)
            self.assertEqual((run.out, run.err), ("", f"4 rows in {out}\n"))
            rows = read(out)
            self.assertEqual(list(rows[0]), FLIGHTS_HEADER)
            self.assertEqual(sorted(str(row["delay"]) for row in rows),
                             sorted({".csv": ""}.get(ending, "None") if d == "" else d for *_, d, _, _ in FLIGHTS))
            told = self.project.floe_ok("table", "scan", TABLE, "--limit", "2", "--json", "-o", out).json
            self.assertEqual(told, {"out": out, "rows": 2})
            self.assertEqual(len(read(out)), 2)
        self.assertEqual([f for f in os.listdir(self.project.folder) if "part" in f], [])
        self.assertEqual(self.project.floe_ok("table", "scan", TABLE, "-o", "-").out,
                         self.project.floe_ok("table", "scan", TABLE).out)

    def test_plan_says_what_is_read_and_what_pruned_the_rest(self):
        plan = self.project.floe_ok("table", "plan", TABLE, "--json").json
        self.assertEqual((plan["files_total"], plan["files_read"], plan["rows"]), (2, 2, 4))
        self.assertEqual(plan["bytes"], sum(os.path.getsize(path) for path in plan["files"]))
        plan = self.project.floe_ok("table", "plan", TABLE, "--json", "--where",
                                    "date < TIMESTAMP '2001-02-01 00:00:00'").json
        self.assertEqual((plan["files_read"], plan["files_pruned_by_partition"]), (1, 1))
        plan = self.project.floe_ok("table", "plan", TABLE, "--json", "--where", "delay > 20").json
        self.assertEqual((plan["files_read"], plan["files_pruned_by_bounds"]), (1, 1))
        plan = self.project.floe_ok("table", "plan", TABLE, "--json", "--where", "regexp_matches(origin, '^S')").json
        self.assertEqual(plan["files_read"], 2)
        self.assertNotEqual(plan["note"], "")
        shown = self.project.floe_ok("table", "plan", TABLE, "--where", "delay > 20").out
        self.assertIn("1 of 2 read", shown)

    def test_an_empty_filter_is_refused_in_words(self):
        for text in ("", " ", "\t\n"):
            for command in ("scan", "plan"):
                run = self.refused(self.project.floe("table", command, TABLE, "--where", text), "INVALID",
                                   "where: the filter is empty; leave it out")
                self.assertNotIn("syntax", run.err)

    def test_a_column_asked_for_twice_is_no_difference_of_case(self):
        for out in ("twice.parquet", "twice.csv"):
            run = self.refused(self.project.floe("table", "scan", TABLE, "--columns", "origin,delay,origin", "-o", out),
                               "INVALID", 'the column "origin" is asked for twice', "name it once")
            self.assertNotIn("case", run.err)
            self.assertFalse(os.path.exists(self.project.path(out)))

    def test_where_takes_what_floe_knows_and_what_only_duckdb_knows(self):
        for where, count in (("delay IS NULL", 1), ("delay BETWEEN 0 AND 10", 1), ("origin LIKE 'S%'", 3),
                             ("regexp_matches(origin, '^J')", 1), ("date_part('month', date) = 2", 2),
                             ("length(origin || destination) = 6 AND delay > 0", 2)):
            self.assertEqual(len(self.scan("--where", where)), count, where)


class WrongRead(Checks, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.project = flights_project(apply=False)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.project.folder)

    def scan(self, *arguments):
        with self.unchanged(self.project.folder):
            run = self.project.floe("table", "scan", *arguments)
        self.assertEqual(run.out, "", str(run))
        return run

    def test_a_missing_table_names_the_nearest(self):
        for command in ("show", "scan", "snapshots", "plan"):
            run = self.project.floe("table", command, "lake.aviation.flight")
            self.refused(run, "NOT_FOUND", "lake.aviation.flight", "did you mean lake.aviation.flights?")
            self.assertEqual(run.err.count("\n"), 1, "one error is one line")
        self.refused(self.scan("nope.aviation.flights"), "NOT_FOUND", '"nope"', "the first is lake")

    def test_a_missing_path_is_named(self):
        self.refused(self.scan("/nowhere/at/all"), "NOT_FOUND", "/nowhere/at/all")
        self.refused(self.scan("./nowhere"), "NOT_FOUND", "nowhere")
        self.refused(self.scan(self.project.folder), "NOT_FOUND", self.project.folder)
        self.refused(self.scan(self.project.path("nowhere.metadata.json")), "NOT_FOUND", "nowhere.metadata.json")

    def test_a_missing_column_names_the_nearest(self):
        self.refused(self.scan(TABLE, "--columns", "origin,delai"), "NOT_FOUND", '"delai"', 'did you mean delay?')

    def test_a_filter_over_a_missing_column_names_it(self):
        self.refused(self.scan(TABLE, "--where", "delai > 3"), "INVALID", "delai")
        self.refused(self.project.floe("table", "plan", TABLE, "--where", "delai >"), "INVALID")
        self.refused(self.scan(TABLE, "--where", "delay"), "INVALID", "int64")
        self.refused(self.scan(TABLE, "--where", "strlen(origin)"), "INVALID", "BIGINT")

    def test_a_filter_that_is_no_expression_is_refused(self):
        for where in ("delay >", "", "1; DROP TABLE x", ") OR (1=1", "delay > 'x'"):
            self.refused(self.scan(TABLE, "--where=" + where), "INVALID")

    def test_text_is_not_compared_with_a_number(self):
        """The engine would cast one of them: the text "10" is more than 9, and less than "9"."""
        for where in ("delay > 'x'", "delay > '1'", "'1' < delay", "delay IN (1, '2')", "delay BETWEEN '1' AND '9'", "origin = 5",
                      "NOT (origin < 3)", "delay = 1 OR (delay = 2 AND origin >= 3)"):
            self.refused(self.scan(TABLE, "--where", where), "INVALID", "where:", "cannot compare")
            self.refused(self.project.floe("table", "plan", TABLE, "--where", where), "INVALID", "where:", "cannot compare")
        for where in ("CAST(delay AS VARCHAR) > '1'", "origin = 'SFO' AND delay > 1"):
            self.project.floe_ok("table", "scan", TABLE, "--where", where)

    def test_what_the_engine_cannot_compute_is_the_filters_fault(self):
        for out in ([], ["-o", "out.csv"]):
            self.refused(self.scan(TABLE, "--where", "try_strptime(origin, '%Y') IS NULL AND error('no such row')", *out), "INVALID", "where:")

    def test_unknown_snapshots_are_named(self):
        self.refused(self.scan(TABLE, "--snapshot", "12"), "NOT_FOUND", "12", "floe table snapshots")
        self.refused(self.scan(TABLE, "--ref", "nope"), "NOT_FOUND", "nope")
        self.refused(self.scan(TABLE, "--as-of", "1990-01-01"), "NOT_FOUND", "1990-01-01")

    def test_outputs_that_cannot_be_written_are_named(self):
        self.refused(self.scan(TABLE, "-o", "x.txt"), "UNSUPPORTED", "x.txt", ".parquet, .arrow, .feather, .arrows, .csv or .jsonl")
        run = self.scan(TABLE, "-o", "/nowhere/x.csv")
        self.assertIn(run.code, (4, 10), str(run))
        self.assertIn("/nowhere/x.csv", run.err)
        self.refused(self.scan(TABLE, "-o", self.project.path("features.csv").replace("features.csv", "features")), "INVALID")

    def test_metadata_columns_of_later_formats_are_refused_by_name(self):
        for column in ("_spec_id", "_partition", "_deleted"):
            self.refused(self.scan(TABLE, "--columns", column), "UNSUPPORTED", column)


class Damaged(Checks, unittest.TestCase):
    """Each file of a table cut off or overwritten: one message that names the file; never a row, never a crash."""

    def setUp(self):
        self.project = flights_project(apply=False)
        self.folder = self.project.path("lakehouse/aviation/flights")
        self.addCleanup(shutil.rmtree, self.project.folder)

    def files(self, ending):
        return [os.path.join(path, name) for path, _, names in os.walk(self.folder) for name in names
                if name.endswith(ending)]

    def scan(self):
        run = self.project.floe("table", "scan", TABLE, "--json")
        self.assertLess(len(run.out.splitlines()), 4, "a damaged table cannot give every row")
        return run

    def test_a_truncated_manifest_or_list_is_corrupt_and_named(self):
        avro = self.files(".avro")
        self.assertEqual(len(avro), 2)
        for path in avro:
            with open(path, "rb") as file:
                whole = file.read()
            for keep in (0, 3, len(whole) // 2, len(whole) - 1):
                with open(path, "wb") as file:
                    file.write(whole[:keep])
                run = self.scan()
                self.refused(run, "CORRUPT", os.path.basename(path), "restore it, or read an earlier snapshot")
                self.assertEqual(run.out, "")
                self.refused(self.project.floe("table", "plan", TABLE), "CORRUPT", os.path.basename(path))
            with open(path, "wb") as file:
                file.write(whole)
        self.assertEqual(len(self.ok(self.project.floe("table", "scan", TABLE, "--json")).json_lines), 4)

    def test_truncated_metadata_is_refused_and_named(self):
        (path,) = self.files(".metadata.json")
        with open(path) as file:
            whole = file.read()
        for text in ("", whole[: len(whole) // 2], "{}", "[]"):
            with open(path, "w") as file:
                file.write(text)
            run = self.scan()
            self.refused(run, "CORRUPT", "metadata.json")

    def test_a_truncated_data_file_is_corrupt_and_named(self):
        path = self.files(".parquet")[0]
        os.truncate(path, os.path.getsize(path) // 2)
        self.refused(self.scan(), "CORRUPT", os.path.basename(path), "no Parquet file, or one that was cut off")

    def test_a_missing_file_is_named(self):
        for ending, count in ((".parquet", 2), (".avro", 2)):
            paths = self.files(ending)
            self.assertEqual(len(paths), count)
            for path in paths:
                os.rename(path, path + ".away")
                run = self.scan()
                self.assertIn(run.code, (4, 11), str(run))
                self.assertIn(os.path.basename(path), run.err)
                os.rename(path + ".away", path)

    def test_a_damaged_table_does_not_stop_the_others(self):
        self.project.floe_ok("table", "import", "flights.csv", "lake.aviation.other")
        (path,) = [p for p in self.files(".metadata.json")]
        with open(path, "w") as file:
            file.write("{")
        self.assertEqual(len(self.project.floe_ok("table", "scan", "lake.aviation.other", "--json").json_lines), 4)
        listed = self.project.floe_ok("table", "ls", "--json").json
        self.assertEqual([row["table"] for row in listed], [TABLE, "lake.aviation.other"])


class Import(Checks, unittest.TestCase):
    def setUp(self):
        self.project = Project()
        self.addCleanup(shutil.rmtree, self.project.folder)
        self.project.write_csv("flights.csv", FLIGHTS_HEADER, FLIGHTS)

    def rows(self, table=TABLE, *options):
        return self.ok(self.project.floe("table", "scan", table, "--json", *options)).json_lines

    def test_the_result_says_rows_files_bytes_and_snapshot(self):
        run = self.project.floe_ok("table", "import", "flights.csv", TABLE, "--json").json
        self.assertEqual((run["table"], run["rows"], run["files"]), (TABLE, 4, 1))
        (snapshot,) = self.project.floe_ok("table", "snapshots", TABLE, "--json").json
        self.assertEqual(run["snapshot_id"], snapshot["snapshot"])
        data = self.project.path("lakehouse/aviation/flights/data")
        sizes = [os.path.getsize(os.path.join(data, name)) for name in os.listdir(data)]
        self.assertEqual(run["bytes"], sum(sizes))

    def test_an_existing_table_is_a_conflict_without_append_or_replace(self):
        self.project.floe_ok("table", "import", "flights.csv", TABLE)
        with self.unchanged(self.project.folder):
            self.refused(self.project.floe("table", "import", "flights.csv", TABLE), "CONFLICT", TABLE, "--append",
                         "--replace")
        self.project.floe_ok("table", "import", "flights.csv", TABLE, "--append")
        self.assertEqual(len(self.rows()), 8)
        self.project.floe_ok("table", "import", "flights.csv", TABLE, "--replace")
        self.assertEqual(len(self.rows()), 4)
        snapshots = self.project.floe_ok("table", "snapshots", TABLE, "--json").json
        self.assertEqual(sorted(s["rows"] for s in snapshots), [4, 4, 8])

    def test_earlier_snapshots_stay_readable(self):
        self.project.floe_ok("table", "import", "flights.csv", TABLE)
        self.project.floe_ok("table", "import", "flights.csv", TABLE, "--append")
        snapshots = self.project.floe_ok("table", "snapshots", TABLE, "--json").json
        by_rows = {s["rows"]: s for s in snapshots}
        self.assertEqual(len(self.rows(TABLE, "--snapshot", str(by_rows[4]["snapshot"]))), 4)
        self.assertEqual(len(self.rows(TABLE, "--as-of", by_rows[4]["committed"])), 4)
        self.assertEqual(len(self.rows(TABLE, "--ref", "main")), 8)
        plan = self.project.floe_ok("table", "plan", TABLE, "--snapshot", str(by_rows[4]["snapshot"]), "--json").json
        self.assertEqual((plan["snapshot_id"], plan["rows"]), (by_rows[4]["snapshot"], 4))

    def test_select_types_and_describe_shape_the_table(self):
        self.project.write("datapackage.json", json.dumps({"resources": [
            {"name": "flights.csv", "path": "flights.csv", "description": "Flights of a few days.",
             "schema": {"fields": [{"name": "delay", "description": "Minutes late."}]}}]}))
        self.project.floe_ok("table", "import", "flights.csv", TABLE, "--types", "delay=int32,distance=double",
                             "--select", "origin, delay, distance, delay * 2 AS twice", "--describe", "datapackage.json")
        shown = self.project.floe_ok("table", "show", TABLE, "--json").json
        self.assertEqual([(c["name"], c["type"]) for c in shown["columns"]][:3],
                         [("origin", "string"), ("delay", "int"), ("distance", "double")])
        self.assertEqual(shown["comment"], "Flights of a few days.")
        self.assertEqual(shown["columns"][1]["doc"], "Minutes late.")
        self.assertEqual(sorted(r["twice"] for r in self.rows() if r["twice"] is not None), [-6, 10, 50])

    def test_several_files_are_one_input_and_formats_agree(self):
        duckdb.sql(f"COPY (FROM '{self.project.path('flights.csv')}') TO '{self.project.path('flights.parquet')}'")
        duckdb.sql(f"COPY (FROM '{self.project.path('flights.csv')}') TO '{self.project.path('flights.json')}'")
        self.project.floe_ok("table", "import", "flights.csv", "lake.a.csv")
        self.project.floe_ok("table", "import", "flights.parquet", "lake.a.parquet")
        self.project.floe_ok("table", "import", "flights.parquet", "flights.parquet", "lake.a.twice")
        want = self.rows("lake.a.csv")
        self.assertEqual(self.rows("lake.a.parquet"), want)
        self.assertEqual(self.rows("lake.a.twice"), want + want)
        self.project.floe_ok("table", "import", "flights.json", "lake.a.json")
        self.assertEqual(len(self.rows("lake.a.json")), 4)

    def test_every_wrong_import_leaves_the_warehouse_as_it_was(self):
        self.project.floe_ok("table", "import", "flights.csv", TABLE)
        self.project.write("broken.json", "{")
        self.project.write("notes.txt", "x")
        pq.write_table(pa.table({"x": [1]}), self.project.path("cut.parquet"))
        os.truncate(self.project.path("cut.parquet"), 40)
        for code, parts, arguments in (
                ("NOT_FOUND", ["nope.csv"], ["nope.csv", "lake.a.b"]),
                ("INVALID", ["lake.flights", "catalog.namespace.table"], ["flights.csv", "lake.flights"]),
                ("NOT_FOUND", ['"prod"'], ["flights.csv", "prod.a.b"]),
                ("NOT_FOUND", ['"dat"', "did you mean date?"], ["flights.csv", "lake.a.b", "--partition", "month(dat)"]),
                ("INVALID", ["--partition"], ["flights.csv", "lake.a.b", "--partition", "fortnight(date)"]),
                ("NOT_FOUND", ['"dela"'], ["flights.csv", "lake.a.b", "--types", "dela=int32"]),
                ("INVALID", ["int23"], ["flights.csv", "lake.a.b", "--types", "delay=int23"]),
                ("INVALID", ["nope"], ["flights.csv", "lake.a.b", "--select", "nope"]),
                ("INVALID", ["flights.csv: CSV Error on Line: 2", "origin", "SFO"],
                 ["flights.csv", "lake.a.b", "--types", "origin=int32"]),
                ("NOT_FOUND", ["nope.json"], ["flights.csv", "lake.a.b", "--describe", "nope.json"]),
                ("INVALID", ["broken.json"], ["flights.csv", "lake.a.b", "--describe", "broken.json"]),
                ("CORRUPT", ["cut.parquet"], ["cut.parquet", "lake.a.b"]),
                ("NOT_FOUND", ["nope.csv"], ["flights.csv", "nope.csv", TABLE, "--append"]),
        ):
            with self.unchanged(self.project.folder):
                self.refused(self.project.floe("table", "import", *arguments), code, *parts)
        run = self.project.floe("table", "import", "notes.txt", "lake.a.b")
        self.assertNotEqual(run.code, 0, str(run))
        self.assertIn("notes.txt", run.err)

    def test_the_first_line_of_a_csv_is_its_header_whatever_it_looks_like(self):
        with Project() as project:
            for name, text, rows in (("a", "k,t\n", []), ("b", "1,2\n3,4\n", [{"1": 3, "2": 4}]), ("c", "k\nk\n", [{"k": "k"}]),
                                     ("d", "true,2020-01-01\n", []), ("e", "k,t\nt,f\n", [{"k": True, "t": False}])):
                project.write("x.csv", text)
                project.floe_ok("table", "import", "x.csv", f"lake.n.{name}")
                self.assertEqual(project.floe_ok("table", "scan", f"lake.n.{name}", "--json").json_lines, rows, name)

    def test_a_copied_table_is_not_written_to_in_the_others_place(self):
        """Its metadata still names the folder that it was copied from."""
        with Project() as one:
            one.write_csv("o.csv", ["k"], [("a",)])
            one.floe_ok("table", "import", "o.csv", "lake.n.t")
            two = Project()
            self.addCleanup(shutil.rmtree, two.folder)
            shutil.copytree(one.path("lakehouse"), two.path("lakehouse"))
            two.write_csv("o.csv", ["k"], [("b",)])
            commands = [["table", "import", "o.csv", "lake.n.t", "--append"], ["table", "import", "o.csv", "lake.n.t", "--replace"],
                        ["table", "compact", "lake.n.t"], ["table", "expire", "lake.n.t", "--older-than", "1s"]]
            with self.unchanged(one.folder, two.folder):
                for command in commands:
                    self.refused(two.floe(*command), "CONFLICT", one.path("lakehouse", "n", "t"),
                                 two.path("lakehouse", "n", "t"), "moved: {from, to}")
            two.write("floe.yaml", "project: t\ncatalogs:\n  lake: {type: directory, warehouse: ./lakehouse, moved: {from: %s, to: %s}}\n"
                      % (one.path("lakehouse"), two.path("lakehouse")))
            with self.unchanged(one.folder):
                two.floe_ok(*commands[0])
            self.assertEqual([row["k"] for row in two.floe_ok("table", "scan", "lake.n.t", "--json").json_lines], ["a", "b"])

    def test_append_of_another_schema_is_refused_and_named(self):
        self.project.floe_ok("table", "import", "flights.csv", TABLE)
        self.project.write_csv("other.csv", ["date", "origin"], [["x", "y"]])
        with self.unchanged(self.project.folder):
            run = self.project.floe("table", "import", "other.csv", TABLE, "--append")
            self.assertIn(run.code, (3, 5), str(run))

    def test_bad_values_under_a_given_type_name_file_and_column(self):
        self.project.write_csv("bad.csv", ["n"], [["1"], ["two"]])
        with self.unchanged(self.project.folder):
            run = self.project.floe("table", "import", "bad.csv", "lake.a.b", "--types", "n=int64")
            self.refused(run, "INVALID", "n", "two")


class EveryType(Checks, unittest.TestCase):
    """Types that floe has a value for and types it has none for: a scan prints them all."""

    ROWS = pa.table({
        "b": pa.array([True, None]),
        "i": pa.array([-2**31, None], pa.int32()),
        "l": pa.array([2**63 - 1, None], pa.int64()),
        "d": pa.array([0.1, None], pa.float64()),
        "dec": pa.array([decimal.Decimal("-12.340"), None], pa.decimal128(9, 3)),
        "s": pa.array(["tab\tand\nline", None]),
        "wide": pa.array(["éÅ漢", "plain"]),
        "bin": pa.array([b"\x00\xff", None], pa.binary()),
        "day": pa.array([dt.date(1969, 12, 31), None]),
        "ts": pa.array([dt.datetime(2001, 1, 1, 0, 0, 0, 1), None], pa.timestamp("us")),
        "tz": pa.array([dt.datetime(2001, 1, 1), None], pa.timestamp("us", tz="UTC")),
    })

    def test_a_scan_prints_each_type_by_its_rule(self):
        with Project() as project:
            pq.write_table(self.ROWS, project.path("rows.parquet"))
            project.floe_ok("table", "import", "rows.parquet", "lake.a.types")
            first, second = project.floe_ok("table", "scan", "lake.a.types", "--json").json_lines
            # FACE, HTTP: int64 exact, decimals as text, bytes base64, times RFC 3339.
            self.assertEqual(first, {"b": True, "i": -2147483648, "l": 9223372036854775807, "d": 0.1, "dec": "-12.340",
                                     "s": "tab\tand\nline", "wide": "éÅ漢", "bin": "AP8=", "day": "1969-12-31",
                                     "ts": "2001-01-01T00:00:00.000001Z", "tz": "2001-01-01T00:00:00Z"})
            self.assertEqual({k: v for k, v in second.items() if v is not None}, {"wide": "plain"})
            lines = project.floe_ok("table", "scan", "lake.a.types", "--columns", "s,l").out.splitlines()
            self.assertEqual(len(lines), 3, "a line break inside a value does not break the table")
            self.assertIn("tab and line", lines[1])
            lines = project.floe_ok("table", "scan", "lake.a.types", "--columns", "wide,l").out.splitlines()
            self.assertEqual(len({len(line) for line in lines[:2]}), 1, "characters are counted, not bytes")

    def test_nested_columns_and_others_without_a_value_are_printed_as_text(self):
        from pyiceberg.catalog.sql import SqlCatalog
        rows = pa.table({
            "id": pa.array([1, 2], pa.int64()),
            "place": pa.array([{"x": 1, "name": 'a "b"'}, None], pa.struct([("x", pa.int32()), ("name", pa.string())])),
            "tags": pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int64())),
            "list": pa.array([["a", None], []], pa.list_(pa.string())),
            "clock": pa.array([dt.time(1, 2, 3), None], pa.time64("us")),
        })
        with Project() as project:
            catalog = SqlCatalog("c", uri=f"sqlite:///{project.path('c.db')}", warehouse="file://" + project.path("w"))
            catalog.create_namespace("n")
            catalog.create_table("n.t", schema=rows.schema).append(rows)
            folder = project.path("w/n/t") if os.path.isdir(project.path("w/n/t")) else project.path("w/n.db/t")
            first, second = self.ok(floe("table", "scan", folder, "--json")).json_lines
            self.assertEqual(first, {"id": 1, "place": {"x": 1, "name": 'a "b"'}, "tags": {"k": 1}, "list": ["a", None],
                                     "clock": "01:02:03"})
            self.assertEqual(second, {"id": 2, "place": None, "tags": {}, "list": [], "clock": None})
            shown = self.ok(floe("table", "scan", folder)).out
            self.assertIn('{"x":1,"name":"a \\"b\\""}', shown)
            out = project.path("o.parquet")
            self.ok(floe("table", "scan", folder, "-o", out))
            self.assertEqual(pq.read_table(out).column("place").to_pylist(), rows.column("place").to_pylist())


    def test_values_inside_others_are_printed_as_they_are_alone(self):
        """FACE, HTTP: int64 exact, decimals as text, bytes base64, times RFC 3339, NaN as text; at every depth, on the
        screen as in a file."""
        import uuid
        from pyiceberg.catalog.sql import SqlCatalog
        inner = pa.struct([("l", pa.int64()), ("dec", pa.decimal128(20, 3)), ("f", pa.float64()), ("bin", pa.binary()),
                           ("ts", pa.timestamp("us")), ("tz", pa.timestamp("us", "UTC")), ("day", pa.date32()),
                           ("clock", pa.time64("us")), ("b", pa.bool_())])
        value = {"l": 9007199254740993, "dec": decimal.Decimal("12345678901234567.890"), "f": float("nan"),
                 "bin": b"\x00\xff", "ts": dt.datetime(1969, 12, 31, 23, 59, 59, 1),
                 "tz": dt.datetime(2001, 2, 3, 4, 5, 6, tzinfo=dt.timezone.utc), "day": dt.date(2001, 2, 3),
                 "clock": dt.time(1, 2, 3), "b": True}
        want = {"l": 9007199254740993, "dec": "12345678901234567.890", "f": "NaN", "bin": "AP8=",
                "ts": "1969-12-31T23:59:59.000001Z", "tz": "2001-02-03T04:05:06Z", "day": "2001-02-03",
                "clock": "01:02:03", "b": True}
        rows = pa.table({"one": pa.array([value], inner), "many": pa.array([[value, None]], pa.list_(inner)),
                         "map": pa.array([[("k", value)]], pa.map_(pa.string(), inner)),
                         "deep": pa.array([[[{"x": [value]}]]], pa.list_(pa.list_(pa.struct([("x", pa.list_(inner))])))),
                         "inf": pa.array([[float("inf"), -float("inf")]], pa.list_(pa.float32())),
                         "id": pa.array([uuid.UUID(int=1).bytes], pa.uuid()),
                         "ids": pa.ListArray.from_arrays([0, 1], pa.array([uuid.UUID(int=2).bytes], pa.uuid()))})
        with Project() as project:
            catalog = SqlCatalog("c", uri=f"sqlite:///{project.path('c.db')}", warehouse="file://" + project.path("w"))
            catalog.create_namespace("n")
            catalog.create_table("n.t", schema=rows.schema).append(rows)
            folder = project.path("w/n/t") if os.path.isdir(project.path("w/n/t")) else project.path("w/n.db/t")
            (printed,) = self.ok(floe("table", "scan", folder, "--json")).json_lines
            self.assertEqual(printed, {"one": want, "many": [want, None], "map": {"k": want},
                                       "deep": [[{"x": [want]}]], "inf": ["Infinity", "-Infinity"],
                                       "id": str(uuid.UUID(int=1)), "ids": [str(uuid.UUID(int=2))]})
            self.ok(floe("table", "scan", folder, "-o", project.path("o.jsonl")))
            self.assertEqual(json.loads(text_of(project.path("o.jsonl"))), printed)
            shown = self.ok(floe("table", "scan", folder, "--columns", "inf,id")).out.splitlines()
            self.assertEqual(shown[1].split(), ['["Infinity","-Infinity"]', str(uuid.UUID(int=1))])


class Deletes(Checks, unittest.TestCase):
    def test_a_plan_counts_the_delete_files_that_apply_and_their_rows(self):
        from pyiceberg.catalog.sql import SqlCatalog
        with Project() as project:
            catalog = SqlCatalog("c", uri=f"sqlite:///{project.path('c.db')}", warehouse="file://" + project.path("w"))
            catalog.create_namespace("n")
            rows = pa.table({"k": pa.array([1, 2, 3, 4], pa.int64())})
            table = catalog.create_table("n.t", schema=rows.schema)
            table.append(rows)
            table = table.refresh()
            folder = table.location().removeprefix("file://")
            plan = self.ok(floe("table", "plan", folder, "--json")).json
            self.assertEqual((plan["delete_files"], plan["delete_rows"]), (0, 0))
            self.assertNotIn("deletes", self.ok(floe("table", "plan", folder)).out)
            (path,) = table.inspect.data_files().column("file_path").to_pylist()
            table = commit_deletes(table, [position_deletes(table, [(path, 0), (path, 2)])])
            commit_deletes(table, [equality_deletes(table, [[4]], [with_id("k", pa.int64(), 1)])])
            plan = self.ok(floe("table", "plan", folder, "--json")).json
            self.assertEqual((plan["delete_files"], plan["delete_rows"], plan["rows"]), (2, 3, 4))
            self.assertIn("deletes    2 delete files, 3 rows in all\n", self.ok(floe("table", "plan", folder)).out)
            self.assertEqual(self.ok(floe("table", "scan", folder, "--json")).json_lines, [{"k": 2}])


class Pipes(Checks, unittest.TestCase):
    def test_a_reader_that_has_enough_is_no_news(self):
        """Far more rows than a pipe holds, and a reader that goes after the first line."""
        with Project() as project:
            project.write("many.csv", "n\n" + "\n".join(map(str, range(200000))) + "\n")
            project.floe_ok("table", "import", "many.csv", "lake.a.many")
            for options in ([], ["--json"]):
                process = subprocess.Popen([FLOE, "table", "scan", "lake.a.many", *options], cwd=project.folder,
                                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                self.assertTrue(process.stdout.readline())
                process.stdout.close()
                errors = process.stderr.read()
                process.stderr.close()
                self.assertEqual(process.wait(timeout=60), 10, errors)
                self.assertEqual(errors, b"")

    def test_output_that_cannot_be_written_is_an_error(self):
        with flights_project(apply=False) as project:
            for arguments in (["table", "scan", TABLE], ["table", "ls"], ["plan"], ["table", "show", TABLE, "--json"]):
                with open("/dev/full", "w") as full:
                    done = subprocess.run([FLOE, *arguments], cwd=project.folder, stdout=full, stderr=subprocess.PIPE)
                self.assertEqual(done.returncode, 10, done.stderr)
                self.assertIn(b"No space left", done.stderr)
                closed = subprocess.run(["sh", "-c", '"$@" >&-', "sh", FLOE, *arguments], cwd=project.folder,
                                        stderr=subprocess.PIPE)
                self.assertEqual(closed.returncode, 10, closed.stderr)

    def test_what_is_printed_never_lands_in_a_file_that_floe_opens(self):
        """With the standard descriptors closed, the first file opened would take their numbers."""
        with flights_project() as project:
            before = project.floe_ok("history", "--json").json
            for closing in (">&-", "<&-", "2>&-", "<&- >&- 2>&-"):
                subprocess.run(["sh", "-c", f'"$@" {closing}', "sh", FLOE, "sync"], cwd=project.folder,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                subprocess.run(["sh", "-c", f'"$@" {closing}', "sh", FLOE, "nonsense"], cwd=project.folder,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.assertEqual(project.floe_ok("history", "--json").json, before)
            self.ok(project.floe("get", "airport_delays:last_delay", "origin=SFO"))


if __name__ == "__main__":
    unittest.main()
