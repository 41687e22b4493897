"""Shared by the tests of training sets: a project in a folder of its own, tables made by floe's own import, builds, and
what came out as Python rows."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

import duckdb

FLOE = os.environ["FLOE_BIN"]
os.environ["FLOE_MEMORY_LEAST"] = "1"  # Small questions in so little that they are divided.
DEADLINE_S = 280

SOURCE = "  - {{name: {name}, table: lake.t.{table}, event_time: ts{times}}}\n"
YAML = "project: test\ncatalogs:\n  lake: {type: directory, warehouse: ./lakehouse}\n"


class Failed(Exception):
    """A run of floe that did not end with 0: its exit code and what it said."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Project:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="floe-dataset-")
        os.mkdir(self.path("features"))
        self.write("floe.yaml", YAML)
        self.db = duckdb.connect()
        self.db.sql("SET TimeZone = 'UTC'")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.db.close()
        shutil.rmtree(self.folder)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)

    def floe(self, *arguments, env=None, preexec_fn=None):
        """What it printed; Failed with its message otherwise."""
        done = subprocess.run([FLOE, *arguments], cwd=self.folder, env={**os.environ, **(env or {})}, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=DEADLINE_S, preexec_fn=preexec_fn)
        if done.returncode != 0:
            raise Failed(done.returncode, done.stderr.decode())
        return done.stdout.decode()

    def peak(self, *arguments):
        """What it printed, and the most memory that its process held, in bytes. Linux counts what a process held before it became another
        program, so it is started by one that is small."""
        code = ("import os, sys\npid = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)\n_, status, usage = os.wait4(pid, 0)\n"
                "open(sys.argv[1], 'w').write(str(usage.ru_maxrss))\nsys.exit(os.waitstatus_to_exitcode(status))")
        done = subprocess.run([sys.executable, "-c", code, self.path("peak"), FLOE, *arguments], cwd=self.folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        told = done.stdout.decode()
        if done.returncode != 0:
            raise Failed(done.returncode, told)
        with open(self.path("peak")) as file:
            return told, int(file.read()) * 1024

    def file(self, name, query):
        """The rows of a query as a file of the format that its ending names."""
        options = {"parquet": "FORMAT parquet", "csv": "FORMAT csv, HEADER", "jsonl": "FORMAT json"}[name.split(".")[-1]]
        self.db.execute(f"COPY ({query}) TO '{self.path(name)}' ({options})")
        return name

    def table(self, name, query, *options):
        """Imports the rows of a query as lake.t.<name>."""
        self.floe("table", "import", self.file(f"{name}.import.parquet", query), f"lake.t.{name}", *options)

    def define(self, text):
        self.write("features/f.yaml", text)
        self.floe("apply")

    def build(self, *options, spine, features, out="out.parquet", **kwargs):
        """Builds and returns the facts that --json prints."""
        return json.loads(self.floe("dataset", "build", "--features", features, "--spine", spine, "-o", out, "--json",
                                    *options, **kwargs))

    def rows(self, query):
        return self.db.sql(query.replace("$D", self.folder)).fetchall()

    def answers(self, *options, select="*", **kwargs):
        """Builds and returns the rows of the training set, in their order."""
        self.build(*options, **kwargs)
        return self.rows(f"SELECT {select} FROM '$D/{kwargs.get('out', 'out.parquet')}'")

    def manifest(self, dataset_id):
        with open(self.path(".floe", "datasets", dataset_id, "manifest.json")) as file:
            return json.load(file)

    def content(self):
        """Every file that a build may have left, for comparing."""
        found = set()
        for path, _, files in os.walk(self.folder):
            found.update(os.path.join(path, name) for name in files if not name.endswith(("-shm", "-wal")))
        return found


def entity(keys="{name: k, type: string}"):
    return f"entities: [{{name: e, keys: [{keys}]}}]\n"


def source(name="events", times="", table=None):
    return "sources:\n" + SOURCE.format(name=name, table=table or name, times=times)


def view(features="", aggregates="", name="v", source_name="events", more=""):
    text = f"  - {{name: {name}, entity: e, source: {source_name}{more}"
    text += f", features: [{features}]" if features else ""
    text += f", aggregates: [{aggregates}]" if aggregates else ""
    return text + "}\n"
