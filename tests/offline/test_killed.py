# needs: py
# timeout: 900
"""Imports, compactions and expiries that are killed at random moments: the table is read as it was before or as it is after,
the same command then comes to the end, and expiry finds whatever the killed one left.

What a table may hold is counted with PyIceberg, which knows nothing of floe's writer: no file in the folder that nothing names,
none missing. FLOE_KILLS says how many (16; a long run: 100), FLOE_TEST_SEED with which seed.
"""
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time

import pyarrow
import pyarrow.parquet
from pyiceberg.table import StaticTable

FLOE = os.environ["FLOE_BIN"]
SEED = int(os.environ.get("FLOE_TEST_SEED", random.randrange(2**32)))
KILLS = int(os.environ.get("FLOE_KILLS", "16"))
TABLE = "lake.ns.t"
EXPIRE = ("expire", TABLE, "--older-than", "0s", "--orphans-older-than", "0s")


class World:
    """A project whose table can be set back to how it was prepared."""

    def __init__(self, folder):
        self.folder = folder
        with open(f"{folder}/floe.yaml", "w", encoding="utf-8") as project:
            project.write("project: killed\ncatalogs:\n  lake: {type: directory, warehouse: ./warehouse}\n")
        for number in range(6):
            rows = {"n": list(range(number * 1000, number * 1000 + 200)), "k": [i % 3 for i in range(200)]}
            pyarrow.parquet.write_table(pyarrow.table(rows), f"{folder}/{number}.parquet")
            self.must("import", f"{number}.parquet", TABLE, *(["--append"] if number else ["--partition", "k"]))
        more = {"n": list(range(9000, 9300)), "k": [i % 2 for i in range(300)]}
        pyarrow.parquet.write_table(pyarrow.table(more), f"{folder}/more.parquet")
        shutil.copytree(f"{folder}/warehouse", f"{folder}/prepared")

    def command(self, *args):
        return [FLOE, "table", *args]

    def must(self, *args):
        done = subprocess.run(self.command(*args), cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (args, done.stderr)
        return done.stdout

    def reset(self, compacted):
        shutil.rmtree(f"{self.folder}/warehouse")
        shutil.copytree(f"{self.folder}/prepared", f"{self.folder}/warehouse")
        if compacted:  # so that expiry has data files to remove
            self.must("compact", TABLE)

    def rows(self):
        self.must("scan", TABLE, "-o", "out.parquet")
        table = pyarrow.parquet.read_table(f"{self.folder}/out.parquet")
        return sorted(zip(table["n"].to_pylist(), table["k"].to_pylist()))

    # ---- what is there and what is named ----

    def there(self):
        root = f"{self.folder}/warehouse/ns/t"
        found = {os.path.join(d, f) for d, _, files in os.walk(root) for f in files}
        return {path for path in found if not path.endswith("version-hint.text")}

    def newest(self):
        folder = f"{self.folder}/warehouse/ns/t/metadata"
        names = [f for f in os.listdir(folder) if f.endswith(".metadata.json") and not f.startswith(".")]
        return os.path.join(folder, max(names, key=lambda f: int(f[1:].split(".")[0])))

    def named(self):
        newest = self.newest()
        table = StaticTable.from_metadata(newest)
        paths = {newest} | {entry.metadata_file for entry in table.metadata.metadata_log}
        for snapshot in table.snapshots():
            paths.add(snapshot.manifest_list)
            for manifest in snapshot.manifests(table.io):
                paths.add(manifest.manifest_path)
                paths |= {e.data_file.file_path for e in manifest.fetch_manifest_entry(table.io, discard_deleted=True)}
        return {os.path.realpath(path.removeprefix("file://")) for path in paths}

    def kill_after(self, seconds, *args):
        """Whether the command was killed; False: it had come to its end before."""
        process = subprocess.Popen(self.command(*args), cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        stderr = process.communicate()[1].decode()
        assert process.returncode in (0, -signal.SIGKILL), stderr
        return process.returncode != 0


def operations(before):
    more = [(n, (n - 9000) % 2) for n in range(9000, 9300)]
    overwritten = sorted([row for row in before if row[1] == 2] + more)
    return {
        "append": (("import", "more.parquet", TABLE, "--append"), sorted(before + more), False),
        "overwrite": (("import", "more.parquet", TABLE, "--overwrite"), overwritten, False),
        "compact": (("compact", TABLE), before, False),
        "expire": (EXPIRE, before, True),
    }


def check_end(world, want, name):
    """After the command and an expiry: the rows, and on the disk exactly what the metadata names."""
    assert world.rows() == want, f"{name}: other rows than the command makes"
    world.must(*EXPIRE)
    world.must(*EXPIRE)
    there, named = {os.path.realpath(p) for p in world.there()}, world.named()
    assert not named - there, f"{name}: missing {sorted(named - there)}"
    assert not there - named, f"{name}: nothing names {sorted(there - named)}"
    assert world.rows() == want


def kill_once(world, rng, name, args, before, after, compacted, duration):
    world.reset(compacted)
    snapshots = len(json.load(open(world.newest(), encoding="utf-8"))["snapshots"])
    delay = duration * (rng.uniform(0, 1) if rng.random() < 0.5 else rng.uniform(0.7, 1.2))  # the end is where it counts
    killed = world.kill_after(delay, *args)
    rows = world.rows()
    assert rows in (before, after), f"{name} after {delay:.3f} s: neither the rows before nor those after"
    committed = len(json.load(open(world.newest(), encoding="utf-8"))["snapshots"]) > snapshots
    if not (committed and name in ("append", "overwrite")):  # a commit that was not reported must not be made twice
        world.must(*args)
    check_end(world, after, name)
    return killed, committed


def main():
    print(f"FLOE_TEST_SEED={SEED}", flush=True)
    rng = random.Random(SEED)
    counts = {"killed": 0, "committed": 0}
    with tempfile.TemporaryDirectory() as folder:
        world = World(folder)
        before = world.rows()
        table = operations(before)
        durations = {}
        for name, (args, after, compacted) in table.items():
            world.reset(compacted)
            started = time.monotonic()
            world.must(*args)
            durations[name] = time.monotonic() - started
            check_end(world, after, name)
        for number in range(KILLS):
            name = sorted(table)[number % len(table)]
            args, after, compacted = table[name]
            killed, committed = kill_once(world, rng, name, args, before, after, compacted, durations[name])
            counts["killed"] += killed
            counts["committed"] += committed
    print(f"{KILLS} runs, {counts['killed']} of them killed, {counts['committed']} after their commit")
    assert counts["killed"] > 0


main()
