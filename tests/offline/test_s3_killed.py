# needs: py
# timeout: 900
"""Imports, compactions and expiries of tables in an object store, in a directory catalog and over REST, that are killed at random
requests: the table is read as it was before or as it is after, the same command then comes to the end, and expiry finds
whatever the killed one left.

The servers kill: before they do what the n-th request asks for, or after it and before they answer. What a table may hold is
counted with PyIceberg. FLOE_KILLS says how many for each catalog (6; a long run: 100), FLOE_TEST_SEED with which seed.
"""
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

import pyarrow
import pyarrow.parquet

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.join(os.environ["FLOE_ROOT"], "tests", "cli")]
from object_store import ObjectStore  # noqa: E402
from rest_catalog import RestCatalog  # noqa: E402
from store_io import named, newest, stores  # noqa: E402

FLOE = os.environ["FLOE_BIN"]
SEED = int(os.environ.get("FLOE_TEST_SEED", random.randrange(2**32)))
KILLS = int(os.environ.get("FLOE_KILLS", "6"))


class World:
    """A project whose table can be set back to how it was prepared."""

    def __init__(self, folder):
        self.folder, self.cache = folder, f"{folder}/objects"
        self.store = stores["bucket"] = ObjectStore()
        self.counter, self.victim, self.lock = 0, None, threading.Lock()
        self.store.hook = self.count
        self.store.server.handle_error = lambda *_: None  # connections of the dead
        self.open()
        self.expire = ("expire", self.table, "--older-than", "0s", "--orphans-older-than", "0s")
        for number in range(4):
            rows = {"n": list(range(number * 1000, number * 1000 + 200)), "k": [i % 3 for i in range(200)]}
            pyarrow.parquet.write_table(pyarrow.table(rows), f"{folder}/{number}.parquet")
            self.must("import", f"{number}.parquet", self.table, *(["--append"] if number else ["--partition", "k"]))
        more = {"n": list(range(9000, 9300)), "k": [i % 2 for i in range(300)]}
        pyarrow.parquet.write_table(pyarrow.table(more), f"{folder}/more.parquet")
        self.prepared = dict(self.store.objects)
        self.must("compact", self.table)
        self.compacted = dict(self.store.objects)

    def project(self, catalog):
        with open(f"{self.folder}/floe.yaml", "w", encoding="utf-8") as project:
            project.write(f"project: killed\ncatalogs:\n  far: {catalog}\n")

    # ---- requests ----

    def count(self, moment):
        """Each request has two moments; at the chosen one the process ends."""
        with self.lock:
            self.counter += 1
            if self.victim and self.counter == self.victim[1]:
                self.victim[0].send_signal(signal.SIGKILL)

    def begin(self, process, at):
        with self.lock:
            self.counter, self.victim = 0, process and (process, at)

    # ---- floe ----

    def command(self, *args):
        return [FLOE, "table", *args]

    def environment(self):
        return {**os.environ, "FLOE_OBJECT_CACHE": self.cache}

    def must(self, *args):
        done = subprocess.run(self.command(*args), cwd=self.folder, env=self.environment(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, (args, done.stderr)
        return done.stdout

    def measure(self, *args):
        """How many moments the command has."""
        self.begin(None, 0)
        self.must(*args)
        return self.counter

    def kill_at(self, at, *args):
        """Whether the command was killed; False: it had come to its end before."""
        with self.lock:
            process = subprocess.Popen(self.command(*args), cwd=self.folder, env=self.environment(), stdout=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE)
            self.counter, self.victim = 0, (process, at)
        stderr = process.communicate(timeout=300)[1].decode()
        self.begin(None, 0)
        assert process.returncode in (0, -signal.SIGKILL), stderr
        return process.returncode != 0

    def rows(self, forget):
        if forget:
            shutil.rmtree(self.cache, ignore_errors=True)
        self.must("scan", self.table, "-o", "out.parquet")
        table = pyarrow.parquet.read_table(f"{self.folder}/out.parquet")
        return sorted(zip(table["n"].to_pylist(), table["k"].to_pylist()))

    def there(self):
        return {key for key in self.store.objects if key.startswith(self.key + "/") and not key.endswith("version-hint.text")}

    def check_objects(self, name):
        names = named(self.store, self.newest())
        there = self.there()
        assert not names - there, f"{name}: missing {sorted(names - there)}"
        left = {key for key in there - names if self.owns(key)}
        assert not left, f"{name}: nothing names {sorted(left)}"

    def snapshots(self):
        return len(self.must("snapshots", self.table, "--json").split('"snapshot":')) - 1

    def reset(self, compacted):
        with self.store.lock:
            self.store.objects.clear()
            self.store.objects.update(self.compacted if compacted else self.prepared)
        self.point_back()


class Directory(World):
    table, key = "far.ns.t", "wh/ns/t"

    def open(self):
        self.project("{type: directory, warehouse: \"s3://bucket/wh\", storage: %s}" % self.store.storage())

    def newest(self):
        return newest(self.store, self.key)

    def owns(self, key):
        return True

    def point_back(self):
        pass  # the objects are all there is


class Rest(World):
    table = "far.ns.t"

    def open(self):
        store = self.store
        config = {"s3.endpoint": store.endpoint, "s3.access-key-id": store.access_key, "s3.secret-access-key": store.secret_key,
                  "s3.region": store.region, "s3.path-style-access": "true"}
        self.service = RestCatalog(self.folder, warehouse="s3://bucket/wh", properties={"py-io-impl": "store_io.StoreIO"}, config=config)
        self.service.hook = self.count
        self.service.server.handle_error = lambda *_: None
        self.project('{type: rest, uri: "%s"}' % self.service.uri)

    @property
    def key(self):
        return self.newest().rsplit("/metadata/", 1)[0]

    def newest(self):
        return self.service.catalog.load_table(("ns", "t")).metadata_location.removeprefix("s3://bucket/")

    def owns(self, key):
        return not key.endswith(".metadata.json")  # they are the service's

    def point_back(self):
        """The newest of the metadata files that are there now."""
        names = [key for key in self.store.objects if key.endswith(".metadata.json")]
        place = max(names, key=lambda key: int(key.rsplit("/", 1)[1].split("-")[0]))
        with self.service.lock:
            self.service.catalog.drop_table(("ns", "t"))
            self.service.catalog.register_table(("ns", "t"), f"s3://bucket/{place}")


def operations(world, before):
    more = [(n, (n - 9000) % 2) for n in range(9000, 9300)]
    overwritten = sorted([row for row in before if row[1] == 2] + more)
    return {
        "append": (("import", "more.parquet", world.table, "--append"), sorted(before + more), False),
        "overwrite": (("import", "more.parquet", world.table, "--overwrite"), overwritten, False),
        "compact": (("compact", world.table), before, False),
        "expire": (world.expire, before, True),
    }


def check_end(world, want, name):
    """After the command and an expiry: the rows, and in the store exactly what the metadata names."""
    assert world.rows(True) == want, f"{name}: other rows than the command makes"
    world.must(*world.expire)
    world.must(*world.expire)
    world.check_objects(name)
    assert world.rows(False) == want


def kill_once(world, rng, name, operation, before, moments):
    args, after, compacted = operation
    world.reset(compacted)
    snapshots = world.snapshots()
    at = rng.randrange(1, moments + 1)
    killed = world.kill_at(at, *args)
    rows = world.rows(rng.random() < 0.5)
    assert rows in (before, after), f"{name} at {at} of {moments}: neither the rows before nor those after"
    committed = world.snapshots() > snapshots
    if not (committed and name in ("append", "overwrite")):  # a commit that was not reported must not be made twice
        world.must(*args)
    check_end(world, after, f"{name} at {at} of {moments}")
    return killed, committed


def run(kind, rng):
    counts = {"killed": 0, "committed": 0}
    with tempfile.TemporaryDirectory() as folder:
        world = kind(folder)
        before = world.rows(True)
        table = operations(world, before)
        moments = {}
        for name, (args, after, compacted) in table.items():
            world.reset(compacted)
            moments[name] = world.measure(*args)
            check_end(world, after, name)
        for number in range(KILLS):
            name = sorted(table)[number % len(table)]
            killed, committed = kill_once(world, rng, name, table[name], before, moments[name])
            counts["killed"] += killed
            counts["committed"] += committed
        world.store.close()
    print(f"{kind.__name__}: {KILLS} runs, {counts['killed']} of them killed, {counts['committed']} after their commit; moments: {moments}",
          flush=True)
    assert counts["killed"] > KILLS // 2


def main():
    print(f"FLOE_TEST_SEED={SEED}", flush=True)
    rng = random.Random(SEED)
    for kind in (Directory, Rest):
        run(kind, rng)


main()
