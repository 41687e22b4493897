#!/usr/bin/env python3
"""What interrupts: Ctrl-C and SIGTERM at each stage of a long command, a disk that fills up, a terminal that nobody reads.
Whatever happens, tables, registry, store and index are as before, and the next run succeeds."""
# timeout: 600
import contextlib
import json
import os
import pty
import re
import resource
import select
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import duckdb
import pyarrow.parquet as pq

from harness import DEADLINE_S, EXIT, FLOE, Checks, Run, durable, flights_project, wait_until

FLIGHTS = "lake.aviation.flights"


def many_flights(path, count):
    """Rows that take a while to sort into months, the same in every run."""
    duckdb.sql(f"""COPY (SELECT TIMESTAMP '2001-01-01' + to_seconds((hash(i) % 31536000)::BIGINT) AS date,
                        ['SFO', 'JFK', 'LAX', 'ORD'][(1 + hash(i, 1) % 4)::BIGINT] AS origin,
                        ['SFO', 'JFK', 'LAX', 'ORD'][(1 + hash(i, 2) % 4)::BIGINT] AS destination,
                        (hash(i, 3) % 360)::BIGINT - 60 AS delay, 100 + (hash(i, 4) % 2900)::BIGINT AS distance,
                        date + INTERVAL 1 HOUR AS known_at FROM range({count}) AS t(i)) TO '{path}'""")


def terminal_pair():
    """The two ends of a terminal; of a pipe where the system gives no terminals, as in a bare chroot."""
    try:
        return pty.openpty()
    except OSError:
        return os.pipe()


class Terminal:
    """floe with stderr on a terminal, so that its progress is drawn; what was drawn is read as it comes."""

    def __init__(self, *arguments, cwd, stdin=subprocess.DEVNULL):
        self.arguments = arguments
        self.master, slave = terminal_pair()
        self.out = tempfile.TemporaryFile()
        told = dict(os.environ)
        if not os.isatty(slave):
            told["FLOE_PROGRESS"] = "always"
        self.process = subprocess.Popen([FLOE, *arguments], cwd=cwd, stdin=stdin, stdout=self.out, stderr=slave, env=told)
        os.close(slave)
        self.drawn = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        self.out.close()

    def read(self, wait_s):
        """Returns False when there is nothing more to come."""
        if not select.select([self.master], [], [], wait_s)[0]:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False  # the other end is closed
        self.drawn += data
        return bool(data)

    def wait_for(self, text):
        """Until this was drawn, or the end. Returns whether it was."""
        end = time.monotonic() + DEADLINE_S
        while text.encode() not in self.drawn and time.monotonic() < end:
            if not self.read(0.1):
                break
        return text.encode() in self.drawn

    def finish(self):
        end = time.monotonic() + DEADLINE_S
        while self.read(0.1) and time.monotonic() < end:
            if self.process.poll() is not None and not select.select([self.master], [], [], 0)[0]:
                break
        code = self.process.wait(timeout=DEADLINE_S)
        self.out.seek(0)
        return Run(self.arguments, code, self.out.read().decode(), self.drawn.decode(errors="replace"))


def shown(drawn):
    """What stands on the terminal in the end: a carriage return goes to the line's start, ESC [ K clears it."""
    lines = []
    for line in drawn.replace("\r\n", "\n").split("\n"):
        lines.append(line.rsplit("\r\x1b[K", 1)[-1])
    return "\n".join(lines)


def catches(pid, number):
    """Whether the process has its handler for the signal."""
    with open(f"/proc/{pid}/status") as file:
        mask = int(re.search(r"^SigCgt:\s*([0-9a-f]+)", file.read(), re.M)[1], 16)
    return bool(mask >> (number - 1) & 1)


class Interrupted(Checks, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.data = tempfile.mkdtemp(prefix="floe-many-")
        many_flights(os.path.join(cls.data, "many.parquet"), 1500000)
        cls.many = os.path.join(cls.data, "many.parquet")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.data)

    def setUp(self):
        self.project = flights_project()
        self.addCleanup(shutil.rmtree, self.project.folder)

    def stop_at(self, step, arguments, number=signal.SIGINT):
        """Interrupts when the step's name is drawn."""
        with Terminal(*arguments, cwd=self.project.folder) as terminal:
            self.assertTrue(terminal.wait_for(step), f"{step} in {terminal.drawn!r}")
            terminal.process.send_signal(number)
            run = terminal.finish()
        self.assertEqual(run.code, EXIT["CANCELLED"], str(run))
        self.assertIn("CANCELLED", run.err)
        self.assertEqual(shown(run.err).count("\n"), 1, f"the progress line is taken away: {run.err!r}")
        self.assertEqual(run.out, "")

    def test_an_import_leaves_nothing(self):
        arguments = ["table", "import", self.many, "lake.new.many", "--partition", "month(date)"]
        for step, number in (("reading and sorting", signal.SIGINT), ("writing", signal.SIGINT), ("writing", signal.SIGTERM)):
            with self.unchanged(self.project.folder):
                self.stop_at(step, arguments, number)
            self.assertEqual(self.project.floe_ok("table", "ls", "--json").json, [{"table": FLIGHTS}])
        self.project.floe_ok(*arguments)
        told = self.project.floe_ok("table", "plan", "lake.new.many", "--json").json
        self.assertEqual(told["rows"], 1500000)

    def test_an_append_and_a_replace_leave_the_table_as_it_was(self):
        for mode in ("--append", "--replace"):
            with self.unchanged(self.project.folder):
                self.stop_at("writing", ["table", "import", self.many, FLIGHTS, mode])
            self.assertEqual(len(self.project.floe_ok("table", "scan", FLIGHTS, "--json").json_lines), 4)

    def test_a_dataset_build_leaves_the_output_and_the_list_as_they_were(self):
        self.project.floe_ok("table", "import", self.many, FLIGHTS, "--replace")
        spine = pq.read_table(self.many, columns=["origin", "date"]).slice(0, 200000)
        pq.write_table(spine, self.project.path("spine.parquet"))
        self.project.write("out.parquet", "what was there before")
        arguments = ["dataset", "build", "--service", "delay_model", "--spine", "spine.parquet", "-o", "out.parquet"]
        for step in ("reading", "joining"):
            with self.unchanged(self.project.folder):
                self.stop_at(step, arguments)
            self.assertEqual(self.project.floe_ok("dataset", "ls", "--json").json, [])
        self.project.floe_ok(*arguments)
        self.assertEqual(pq.read_metadata(self.project.path("out.parquet")).num_rows, 200000)

    def test_a_sync_leaves_what_was_served(self):
        self.project.floe_ok("sync")
        want = self.project.floe_ok("get", "delay_model", "origin=SFO", "--json").out
        # A full sync first waits until writers know of the new generation: that is where it is stopped.
        self.stop_at("airport_delays", ["sync", "--full"])
        self.assertEqual(self.project.floe_ok("get", "delay_model", "origin=SFO", "--json").out, want)
        told = self.project.floe_ok("sync", "--full", "--json").json_lines
        self.assertEqual([t["rows"] for t in told], [2])
        self.assertEqual(self.project.floe_ok("get", "delay_model", "origin=SFO", "--json").out, want)

    def test_a_first_sync_that_is_stopped_serves_nothing(self):
        self.stop_at("airport_delays", ["sync"])
        run = self.project.floe("get", "airport_delays:last_delay", "origin=SFO", "--json")
        self.assertEqual([cell["value"] for cell in self.ok(run).json], [None])
        self.project.floe_ok("sync")
        self.assertEqual(self.project.floe_ok("get", "airport_delays:last_delay", "origin=SFO", "--json").json[0]["value"], 25)

    def test_an_ingest_that_is_told_to_stop_is_done(self):
        """No broker answers: it would try for a minute."""
        self.project.write("features/streams.yaml", "streams:\n  - {name: departures, source: flights, kafka: {brokers: "
                           "'127.0.0.1:1', topic: t, group: g, format: json}}\n")
        self.project.floe_ok("apply")
        for number in (signal.SIGINT, signal.SIGTERM):
            process = subprocess.Popen([FLOE, "ingest", "--json"], cwd=self.project.folder, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.addCleanup(process.kill)
            wait_until(lambda: catches(process.pid, number), "the signal handler")
            process.send_signal(number)
            out, errors = process.communicate(timeout=DEADLINE_S)
            self.assertEqual(process.returncode, 0, errors)
            self.assertEqual(json.loads(out), {"events": 0, "written": 0, "older": 0, "filtered": 0, "refused": 0})

    def test_a_killed_import_leaves_the_table_readable_and_can_be_done_again(self):
        arguments = ["table", "import", self.many, FLIGHTS, "--append"]
        with Terminal(*arguments, cwd=self.project.folder) as terminal:
            self.assertTrue(terminal.wait_for("writing"))
            terminal.process.kill()
            terminal.process.wait()
        self.assertEqual(len(self.project.floe_ok("table", "scan", FLIGHTS, "--json").json_lines), 4)
        self.project.floe_ok(*arguments)
        self.assertEqual(self.project.floe_ok("table", "plan", FLIGHTS, "--json").json["rows"], 1500004)

    def test_progress_is_for_terminals_only(self):
        arguments = ["table", "import", self.many, "lake.new.many", "--replace"]
        with Terminal(*arguments, cwd=self.project.folder) as terminal:
            run = self.ok(terminal.finish())
        self.assertIn("\x1b[K", run.err)
        self.assertEqual(shown(run.err), "", "the line is gone in the end")
        self.assertNotIn("\x1b", run.out)
        run = self.project.floe_ok(*arguments)
        self.assertEqual(run.err, "")

    def test_no_command_reads_the_terminal(self):
        """Standard input is a terminal where nobody types: a prompt would wait for ever."""
        commands = [["plan"], ["apply"], ["history"], ["doctor"], ["table", "ls"], ["table", "show", FLIGHTS],
                    ["table", "import", "flights.csv", FLIGHTS], ["table", "import", "flights.csv", FLIGHTS, "--replace"],
                    ["dataset", "ls"], ["sync", "--full"], ["get", "delay_model", "origin=SFO"], ["index"],
                    ["search", "delay"], ["init", "."], ["init", "new"], ["get", "delay_model"], ["search"], []]
        for arguments in commands:
            near, far = terminal_pair()
            # Of a terminal either end may be read; of a pipe only the near one, which nobody writes to.
            stdin = far if os.isatty(far) else near
            try:
                done = subprocess.run([FLOE, *arguments], cwd=self.project.folder, stdin=stdin, capture_output=True,
                                      timeout=DEADLINE_S)
                self.assertGreaterEqual(done.returncode, 0)
            finally:
                os.close(near)
                os.close(far)


class FullDisk(Checks, unittest.TestCase):
    """A limit on the size of every file that floe writes, which anybody can set; and a real full disk where the test may
    mount one."""

    @classmethod
    def setUpClass(cls):
        cls.data = tempfile.mkdtemp(prefix="floe-many-")
        cls.many = os.path.join(cls.data, "many.parquet")
        many_flights(cls.many, 200000)
        cls.spine = os.path.join(cls.data, "spine.parquet")
        pq.write_table(pq.read_table(cls.many, columns=["origin", "date"]), cls.spine)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.data)

    def commands(self):
        return [["table", "import", self.many, "lake.new.many"], ["table", "import", self.many, FLIGHTS, "--append"],
                ["table", "scan", "lake.big.flights", "-o", "out.parquet"],
                ["table", "scan", "lake.big.flights", "-o", "out.csv"],
                ["dataset", "build", "--service", "delay_model", "--spine", self.spine, "-o", "out.parquet"]]

    def make_project(self, where=None):
        project = flights_project(where=where)
        project.floe_ok("table", "import", self.many, "lake.big.flights")
        project.floe_ok("sync")
        project.floe_ok("index")
        for name in ("out.parquet", "out.csv"):
            project.write(name, "what was there before")
        return project

    def check_whole(self, project):
        self.assertEqual(len(project.floe_ok("table", "scan", FLIGHTS, "--json").json_lines), 4)
        self.assertEqual(project.floe_ok("get", "airport_delays:last_delay", "origin=SFO", "--json").json[0]["value"], 25)
        self.assertEqual(len(project.floe_ok("history", "--json").json), 1)
        self.assertNotEqual(project.floe_ok("search", "delay", "--json").json["hits"], [])

    def test_a_write_that_does_not_fit_is_named_and_leaves_nothing(self):
        project = self.make_project()
        self.addCleanup(shutil.rmtree, project.folder)

        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))

        for arguments in self.commands():
            before = durable(project.folder)
            run = project.floe(*arguments, preexec_fn=limit)
            self.refused(run, "IO")
            self.assertEqual(durable(project.folder), before, str(run))
        self.check_whole(project)

    def test_a_store_or_index_that_cannot_grow_serves_what_it_has(self):
        project = self.make_project()
        self.addCleanup(shutil.rmtree, project.folder)
        with open(project.path("floe.yaml"), "a", encoding="utf-8") as file:
            file.write("search: {embedder: none}\n") # five thousand tables are not worth a model's time here
        project.floe_ok("index")
        want = project.floe_ok("search", "delay", "--json").json["hits"]
        rows = "".join(f"{i},2001-01-01 00:00:00,{i}\n" for i in range(30000))
        project.write("keys.csv", "origin,date,delay\n" + rows)
        project.floe_ok("table", "import", "keys.csv", FLIGHTS, "--replace", "--types", "origin=string",
                        "--select", "*, date AS known_at, origin AS destination, delay AS distance")
        project.write("big.jsonl", "".join(
            f'{{"database":"d","table":"t{i}","columns":[{{"name":"c","description":"{"w%d " % i * 20}"}}]}}\n' for i in range(5000)))

        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (300000, 300000))

        for arguments in (["sync"], ["sync", "--full"], ["index", "--import", "big.jsonl"]):
            run = project.floe(*arguments, preexec_fn=limit)
            self.refused(run, "IO")
            cell, = project.floe_ok("get", "airport_delays:last_delay", "origin=SFO", "--json").json
            self.assertEqual(cell["value"], 25)
            self.assertEqual(project.floe_ok("search", "delay", "--json").json["hits"], want)
        project.floe_ok("sync")
        project.floe_ok("index", "--import", "big.jsonl")
        cell, = project.floe_ok("get", "airport_delays:last_delay", "origin=29999", "--json").json
        self.assertEqual(cell["value"], 29999)

    def test_a_registry_that_cannot_grow_keeps_its_version(self):
        project = self.make_project()
        self.addCleanup(shutil.rmtree, project.folder)
        project.write("features/more.yaml", "entities:\n" + "".join(
            f"  - {{name: e{i}, description: {'d' * 500}, keys: [{{name: k, type: string}}]}}\n" for i in range(300)))

        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))

        run = project.floe("apply", preexec_fn=limit)
        self.refused(run, "IO")
        self.check_whole(project)
        project.floe_ok("apply")
        self.assertEqual(len(project.floe_ok("history", "--json").json), 2)

    def small_disk(self, megabytes):
        """A file system of its own; None where nothing can be mounted, and the limits above stand for it."""
        folder = tempfile.mkdtemp(prefix="floe-disk-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        mounted = os.geteuid() == 0 and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "floe-test", folder], capture_output=True).returncode == 0
        if mounted:
            self.addCleanup(subprocess.run, ["umount", folder], check=True)
        return folder if mounted else None

    @staticmethod
    def fill(folder, left):
        """Fills the file system but for `left` bytes."""
        filler = os.path.join(folder, "filler")
        with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"x" * 65536)
        os.truncate(filler, os.path.getsize(filler) - left)
        return filler

    def test_a_real_full_disk_is_named_and_leaves_nothing(self):
        folder = self.small_disk(48)
        if folder is None:
            return
        project = self.make_project(folder)
        filler = self.fill(folder, 200000)
        for arguments in self.commands():
            before = durable(project.folder)
            run = project.floe(*arguments)
            self.refused(run, "IO")
            self.assertRegex(run.err, "(?i)no space|disk is full")
            self.assertEqual(durable(project.folder), before, str(run))
        os.unlink(filler)
        self.check_whole(project)
        self.ok(project.floe("sync"))

    def test_a_store_and_a_registry_on_a_real_full_disk_say_so(self):
        """A store's write that is cut short is an I/O error to LMDB, and SQLite cannot even read without room for what it
        keeps beside the registry: both say that the disk is full and what to do, and neither shows SQL."""
        folder = self.small_disk(48)
        if folder is None:
            return
        project = flights_project(where=folder)
        project.floe_ok("sync")
        project.write("keys.csv", "origin,date,delay\n" + "".join(f"{i},2001-01-01 00:00:00,{i}\n" for i in range(30000)))
        project.floe_ok("table", "import", "keys.csv", FLIGHTS, "--replace", "--types", "origin=string",
                        "--select", "*, date AS known_at, origin AS destination, delay AS distance")
        for left, commands in ((200000, (["sync"], ["sync", "--full"])), (0, (["history"], ["plan"], ["sync"]))):
            filler = self.fill(folder, left)
            for arguments in commands:
                run = self.refused(project.floe(*arguments), "IO", "the disk is full", "make room")
                self.assertIn(project.folder, run.err)
                self.assertNotRegex(run.err, "Input/output|PRAGMA|SELECT")
            os.unlink(filler)
        cell, = project.floe_ok("get", "airport_delays:last_delay", "origin=SFO", "--json").json
        self.assertEqual(cell["value"], 25)
        project.floe_ok("sync")
        cell, = project.floe_ok("get", "airport_delays:last_delay", "origin=29999", "--json").json
        self.assertEqual(cell["value"], 29999)


if __name__ == "__main__":
    unittest.main()
