#!/usr/bin/env python3
"""Several floe processes in one project at the same time: what each is told is what happened, and nothing is lost."""
import json
import os
import shutil
import subprocess
import unittest

from harness import DEADLINE_S, DELAYS, EXIT, FLIGHTS_HEADER, FLOE, Checks, Run, Server, flights_project

TABLE = "lake.aviation.flights"
TYPES = ["--types", "delay=int64,distance=int64,date=timestamp,known_at=timestamp"]


class Together(Checks, unittest.TestCase):
    def setUp(self):
        self.project = flights_project()
        self.addCleanup(shutil.rmtree, self.project.folder)

    def start(self, *arguments):
        return arguments, subprocess.Popen([FLOE, *arguments], cwd=self.project.folder, stdin=subprocess.DEVNULL,
                                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def all(self, commands):
        """Runs them side by side."""
        started = [self.start(*command) for command in commands]
        runs = []
        for arguments, process in started:
            out, err = process.communicate(timeout=DEADLINE_S)
            runs.append(Run(arguments, process.returncode, out.decode(), err.decode()))
        return runs

    def rows(self, columns="origin,delay"):
        return self.project.floe_ok("table", "scan", TABLE, "--columns", columns, "--json").json_lines

    def test_appends_all_land_or_say_that_they_did_not(self):
        for i in range(6):
            self.project.write_csv(f"more{i}.csv", FLIGHTS_HEADER,
                                   [["2001-03-01 00:00:00", f"A{i:02}", "X", str(i), "1", "2001-03-01 01:00:00"]] * 5)
        runs = self.all([["table", "import", f"more{i}.csv", TABLE, "--append", *TYPES] for i in range(6)])
        landed = set()
        for i, run in enumerate(runs):
            self.assertIn(run.code, (0, EXIT["CONFLICT"]), str(run))
            if run.code == 0:
                landed.add(f"A{i:02}")
        self.assertTrue(landed)
        found = [row["origin"] for row in self.rows() if row["origin"].startswith("A")]
        self.assertEqual({origin: found.count(origin) for origin in set(found)}, {origin: 5 for origin in landed})
        self.assertEqual(len(self.rows()), 4 + 5 * len(landed))
        # The snapshots are one line of parents, one for each import that was told it is done.
        snapshots = self.project.floe_ok("table", "snapshots", TABLE, "--json").json
        self.assertEqual(len(snapshots), 1 + len(landed))
        parents = [s["parent"] for s in snapshots]
        self.assertEqual(len(set(parents)), len(parents), "no two have one parent")

    def test_of_several_that_make_a_table_one_does(self):
        runs = self.all([["table", "import", "flights.csv", "lake.new.table"]] * 5)
        codes = sorted(run.code for run in runs)
        self.assertEqual(codes, [0] + [EXIT["CONFLICT"]] * 4, [str(run) for run in runs])
        self.assertEqual(len(self.project.floe_ok("table", "scan", "lake.new.table", "--json").json_lines), 4)

    def test_a_scan_sees_one_snapshot_whole_while_the_table_is_replaced(self):
        """Every replacement has rows of one delay, so that rows of two snapshots would show."""
        for i in range(3):
            self.project.write_csv(f"r{i}.csv", FLIGHTS_HEADER,
                                   [["2001-03-01 00:00:00", "R", "X", str(i), "1", "2001-03-01 01:00:00"]] * (100 + i))
        self.project.floe_ok("table", "import", "r0.csv", TABLE, "--replace", *TYPES)
        for _ in range(5):
            commands = []
            for i in range(3):
                commands.append(["table", "import", f"r{i}.csv", TABLE, "--replace", *TYPES])
                commands.append(["table", "scan", TABLE, "--columns", "delay", "--json"])
            for run in self.all(commands):
                if run.arguments[1] == "import":
                    self.assertIn(run.code, (0, EXIT["CONFLICT"]), str(run))
                    continue
                delays = [row["delay"] for row in self.ok(run).json_lines]
                self.assertEqual(len(set(delays)), 1, "rows of two snapshots")
                self.assertEqual(len(delays), 100 + delays[0])

    def test_applies_make_one_line_of_versions(self):
        texts = [DELAYS.replace("max]", f"max]}}\n      - {{column: distance, functions: [count], windows: [{i}d]") for i in range(1, 6)]
        folders = []
        for i, text in enumerate(texts):
            # One registry, five folders of definitions.
            folder = self.project.path(f"p{i}")
            os.makedirs(os.path.join(folder, "features"))
            with open(os.path.join(folder, "features/d.yaml"), "w") as file:
                file.write(text)
            with open(os.path.join(folder, "floe.yaml"), "w") as file:
                file.write("project: test\nregistry: ../.floe/registry.db\ncatalogs:\n"
                           "  lake: {type: directory, warehouse: ../lakehouse}\n")
            folders.append(folder)
        runs = self.all([["apply", "--project", folder] for folder in folders])
        done = 0
        for run in runs:
            self.assertIn(run.code, (0, EXIT["CONFLICT"]), str(run))
            done += run.code == 0
        versions = sorted(row["version"] for row in self.project.floe_ok("history", "--json").json)
        self.assertEqual(versions, list(range(1, 2 + done)))

    def test_syncs_of_one_view_leave_it_whole(self):
        self.project.floe_ok("sync")
        for arguments in (["sync"], ["sync", "--full"]):
            for run in self.all([arguments] * 3):
                self.assertIn(run.code, (0, EXIT["CONFLICT"]), str(run))
            cells = self.project.floe_ok("get", "delay_model", "origin=SFO", "--json").json
            self.assertEqual([cell["value"] for cell in cells], [25, 2, 15.0, 25])
        self.project.floe_ok("sync")

    def test_lookups_see_whole_values_while_syncs_run(self):
        """last_delay, count, mean and max come from one sync: never from two."""
        self.project.floe_ok("sync")
        before, after = [25, 2, 15.0, 25], [7, 3, 37 / 3, 25]
        self.project.write_csv("more.csv", FLIGHTS_HEADER,
                               [["2001-02-04 00:00:00", "SFO", "LAX", "7", "337", "2001-02-04 02:00:00"]])
        with Server(self.project) as server:
            self.project.floe_ok("table", "import", "more.csv", TABLE, "--append", *TYPES)
            _, sync = self.start("sync", "--full")
            seen = []
            while sync.poll() is None or not seen:
                status, answer = server.request("/v1/lookup", {"service": "delay_model", "entities": {"origin": ["SFO"]}})
                self.assertEqual(status, 200, answer)
                seen.append([column[0] for column in answer["values"]])
            sync.communicate()
            self.assertEqual(sync.returncode, 0)
            for values in seen:
                self.assertIn(values, (before, after))
            self.assertEqual(server.stop(), 0)

    def test_builds_side_by_side_are_the_same_set(self):
        self.project.write_csv("spine.csv", ["origin", "at"], [["SFO", "2001-02-05 00:00:00"], ["JFK", "2001-02-05 00:00:00"]])
        runs = self.all([["dataset", "build", "--service", "delay_model", "--spine", "spine.csv", "-o", f"o{i}.parquet", "--json"]
                         for i in range(4)])
        hashes = {self.ok(run).json["content_hash"] for run in runs}
        self.assertEqual(len(hashes), 1)
        self.assertEqual(len(self.project.floe_ok("dataset", "ls", "--json").json), len({run.json["id"] for run in runs}))

    def test_indexing_while_searching_never_fails_a_search(self):
        self.project.floe_ok("index")
        lines = "".join(json.dumps({"database": "d", "table": f"delay {i}", "columns": [{"name": "c"}]}) + "\n" for i in range(300))
        self.project.write("d.jsonl", lines)
        for run in self.all([["index", "--import", "d.jsonl"]] + [["search", "delay", "--json"]] * 8):
            self.ok(run)

    def test_two_servers_of_one_project_answer_alike(self):
        self.project.floe_ok("sync")
        with Server(self.project) as one, Server(self.project) as two:
            asked = {"service": "delay_model", "entities": {"origin": ["SFO", "JFK"]}}
            self.assertEqual(one.request("/v1/lookup", asked), two.request("/v1/lookup", asked))
            self.assertEqual((one.stop(), two.stop()), (0, 0))


if __name__ == "__main__":
    unittest.main()
