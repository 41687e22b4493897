"""Shared by the tests that use the program as a user does: runs of floe, projects in temporary folders, a server, a
redis-server, and what they must all look like from outside."""
import contextlib
import csv
import hashlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

FLOE = os.environ["FLOE_BIN"]
ROOT = os.environ["FLOE_ROOT"]

# The table of core/error.c, written from the documentation: a usage error is 2, each class has its own.
EXIT = {name: code for code, name in enumerate(
    "OK - USAGE INVALID NOT_FOUND CONFLICT LIMIT NOMEM TIMEOUT UNAVAILABLE IO CORRUPT UNSUPPORTED DENIED CANCELLED "
    "INTERNAL".split())}
DEADLINE_S = 120


class Run:
    """What came of one run."""

    def __init__(self, arguments, code, out, err):
        self.arguments, self.code, self.out, self.err = arguments, code, out, err

    def __str__(self):
        return f"floe {' '.join(self.arguments)}\nexit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def json_lines(self):
        return [json.loads(line) for line in self.out.splitlines()]


serving = set()  # servers that run: a sync beside one waits for it as for any


def floe(*arguments, cwd=None, env=None, stdin=subprocess.DEVNULL, **kwargs):
    """Runs floe to its end. Its standard input is empty: no command reads one. A sync that nobody serves or writes beside
    does not wait for them."""
    waits = {} if serving else {"FLOE_SYNC_WAITS": "0,0"}
    environment = {**os.environ, **waits, **(env or {})}
    done = subprocess.run([FLOE, *arguments], cwd=cwd, env=environment, stdin=stdin, capture_output=True,
                          timeout=DEADLINE_S, **kwargs)
    return Run(arguments, done.returncode, done.stdout.decode(), done.stderr.decode())


def content(folder):
    """Every file below a folder with a hash of its bytes. An empty folder is nothing: a namespace that was made for a
    table stays when the table did not come to be."""
    found = {}
    for path, _, files in os.walk(folder):
        for name in files:
            full = os.path.join(path, name)
            with open(full, "rb") as file:
                found[os.path.relpath(full, folder)] = hashlib.sha256(file.read()).hexdigest()
    return found


def durable(folder):
    """The content without what a database writes while it is only read (its shared-memory index and locks)."""
    passing = ("-shm", "-wal", "lock.mdb", ".lock")
    return {path: digest for path, digest in content(folder).items() if not path.endswith(passing)}


class Checks:
    """Checks for unittest.TestCase classes."""

    def ok(self, run):
        self.assertEqual(run.code, 0, str(run))
        return run

    def refused(self, run, code, *parts):
        """Ended with this class of error and a message that holds the parts; stdout has nothing half said."""
        self.assertEqual(run.code, EXIT[code], str(run))
        for part in parts:
            self.assertIn(part, run.err, str(run))
        if code == "USAGE":
            self.assertRegex(run.err, r"see floe .*--help\n$", str(run))
        else:
            self.assertIn(code, run.err, str(run))
        self.assertLessEqual(len(run.err.encode()), 1900 + 100, str(run))
        return run

    @contextlib.contextmanager
    def unchanged(self, *folders):
        before = [durable(folder) for folder in folders]
        yield
        for folder, was in zip(folders, before):
            self.assertEqual(durable(folder), was, f"{folder} changed")


class Project:
    """A project in a folder of its own, removed at the end."""

    YAML = "project: test\ncatalogs:\n  lake: {type: directory, warehouse: ./lakehouse}\n"

    def __init__(self, yaml=YAML, where=None):
        self.folder = tempfile.mkdtemp(prefix="floe-cli-", dir=where)
        os.mkdir(self.path("features"))
        self.write("floe.yaml", yaml)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return self.path(name)

    def read(self, name):
        with open(self.path(name)) as file:
            return file.read()

    def write_csv(self, name, header, rows):
        with open(self.path(name), "w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows)
        return self.path(name)

    def floe(self, *arguments, **kwargs):
        return floe(*arguments, cwd=kwargs.pop("cwd", self.folder), **kwargs)

    def floe_ok(self, *arguments, **kwargs):
        run = self.floe(*arguments, **kwargs)
        assert run.code == 0, str(run)
        return run


FLIGHTS_HEADER = ["date", "origin", "destination", "delay", "distance", "known_at"]
# Small enough to follow by hand: SFO three times (one without a delay), JFK once; each known a while after it left.
FLIGHTS = [
    ["2001-01-01 00:10:00", "SFO", "JFK", "5", "2586", "2001-01-01 07:00:00"],
    ["2001-01-02 00:10:00", "SFO", "LAX", "", "337", "2001-01-02 02:00:00"],
    ["2001-02-01 00:10:00", "JFK", "SFO", "-3", "2586", "2001-02-01 07:00:00"],
    ["2001-02-03 00:10:00", "SFO", "JFK", "25", "2586", "2001-02-03 07:00:00"],
]
DELAYS = """\
entities:
  - {name: airport, keys: [{name: origin, type: string}]}
sources:
  - {name: flights, table: lake.aviation.flights, event_time: date, created_time: known_at}
feature_views:
  - name: airport_delays
    description: How late flights from an airport arrive.
    entity: airport
    source: flights
    where: "delay IS NOT NULL"
    at: before
    features:
      - {name: last_delay, column: delay}
    aggregates:
      - {column: delay, functions: [count, mean, max]}
feature_services:
  - {name: delay_model, features: [airport_delays]}
"""


def flights_project(apply=True, yaml=Project.YAML, where=None):
    """The flights imported and, unless told otherwise, the definitions applied."""
    project = Project(yaml, where)
    project.write_csv("flights.csv", FLIGHTS_HEADER, FLIGHTS)
    project.floe_ok("table", "import", "flights.csv", "lake.aviation.flights", "--partition", "month(date)")
    project.write("features/delays.yaml", DELAYS)
    if apply:
        project.floe_ok("apply")
    return project


# ---- processes ----

def wait_until(condition, what, deadline_s=DEADLINE_S):
    """Polls for an event that nothing announces."""
    end = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline_s} s in vain for {what}")
        time.sleep(0.01)


def read_line(stream, process, deadline_s=DEADLINE_S):
    """One line of a pipe that is open for as long as the process lives."""
    end = time.monotonic() + deadline_s
    line = b""
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([stream], [], [], max(0, end - time.monotonic()))
        if not ready:
            raise AssertionError(f"no line in {deadline_s} s, only {line!r}")
        byte = os.read(stream.fileno(), 1)
        if not byte:
            raise AssertionError(f"the process ended ({process.wait()}) after {line!r}")
        line += byte
    return line.decode()


class Server:
    """`floe serve` on a free port."""

    def __init__(self, project, *arguments, listen="127.0.0.1:0"):
        self.log = open(project.path("serve.log"), "w+b")
        self.process = subprocess.Popen([FLOE, "serve", "--listen", listen, *arguments], cwd=project.folder,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log)
        serving.add(self)
        try:
            self.first_line = read_line(self.process.stdout, self.process)
        except AssertionError as error:
            self.kill()
            raise AssertionError(f"{error}: {self.messages()}") from None
        self.url = self.first_line.strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def kill(self):
        serving.discard(self)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()

    def messages(self):
        with open(self.log.name) as file:
            return file.read()

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(timeout=DEADLINE_S)

    def request(self, path, body=None):
        """(status, parsed body)"""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Redis:
    """A redis-server of the test's own."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="floe-redis-")
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process = subprocess.Popen(["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
                                         "--appendonly", "no", "--dir", self.folder],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        wait_until(lambda: self.answers("PING") == b"+PONG\r\n", "redis-server")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder)

    def answers(self, command):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
                connection.sendall(command.encode() + b"\r\n")
                return connection.recv(65536)
        except OSError:
            return None

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
