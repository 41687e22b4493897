# needs: shared
# timeout: 900
"""Tables that other engines wrote, taken over by floe: every table of $FLOE_SHARED/fixtures/iceberg is copied, appended to,
compacted and expired. Its rows must stay what they were, doubled by the append of its own rows; a refusal must be one of
REASONS; after expiry nothing but what the one snapshot left needs is there.
"""
import collections
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

FIXTURES = os.path.join(os.environ.get("FLOE_SHARED", ""), "fixtures", "iceberg")
FLOE = os.environ["FLOE_BIN"]

MISSING = "files that the collection lacks"

# What may be refused, by a part of the message.
REASONS = [
    (r"of which the engine reads only microseconds", "timestamptz_ns"),
    (r"snapshot -8570200863586094827 is damaged", "a snapshot id outside int64, in Avro"),
    (r"cannot read .*No such file|is not there|NOT_FOUND|reads local files only", MISSING),
    (r"floe does not know how to read", "a location in another store"),
    (r"format-version|bad_iceberg_metadata|the table metadata", "damaged metadata, on purpose"),
    (r"floe cannot write the type", "a type that floe does not write"),
    (r"has no current snapshot|nothing to append", "an empty table"),
    (r"its metadata says", "a table that lies elsewhere than it says"),
    (r"the input's type is|the table has no column|differ only in case|required", "rows that do not fit as they are read"),
    (r"is partitioned by .*, which floe cannot compute|its source column|partitioning by values of type", "partitions by what floe has no values of"),
]


def why(message):
    return next((name for pattern, name in REASONS if re.search(pattern, message)), None)


class Table:
    """A table of the copy, reached through a link, because some of its folders have names that no namespace has."""

    def __init__(self, root, path, moved):
        self.path, self.folder = path, tempfile.mkdtemp(dir=root + "-projects")
        self.name = "lake.ns.t"
        os.makedirs(os.path.join(self.folder, "warehouse/ns"))
        os.symlink(path, os.path.join(self.folder, "warehouse/ns/t"))
        with open(os.path.join(self.folder, "floe.yaml"), "w", encoding="utf-8") as project:
            json.dump({"project": "fixtures", "catalogs": {"lake": {
                "type": "directory", "warehouse": "./warehouse", "moved": moved}}}, project)

    def run(self, *args):
        return subprocess.run([FLOE, "table", *args], cwd=self.folder, capture_output=True, text=True, check=False)

    def rows(self):
        out = os.path.join(self.folder, "rows.jsonl")
        done = self.run("scan", self.name, "-o", out)
        if done.returncode != 0:
            return None, done.stderr
        with open(out, encoding="utf-8") as lines:
            return collections.Counter(lines), None

    def files(self):
        return {os.path.join(folder, name) for folder, _, names in os.walk(self.path) for name in names}


def location_of(path):
    """The prefix that the writer knew, by the newest metadata file."""
    folder = os.path.join(path, "metadata")
    for name in sorted(os.listdir(folder), reverse=True):
        if name.endswith(".metadata.json"):
            try:
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    return json.load(file).get("location")
            except (ValueError, UnicodeDecodeError):
                continue
    return None


def step(table, counts, *args):
    done = table.run(*args)
    if done.returncode == 0:
        return True
    reason = why(done.stderr)
    assert reason, f"{table.path}: {' '.join(args)}: {done.stderr}"
    counts[f"{args[0]}: {reason}"] += 1
    return False


def check_append(table, counts, rows):
    """The table's own rows once more."""
    out = os.path.join(table.folder, "own.parquet")
    if not step(table, counts, "scan", table.name, "-o", out) or not step(table, counts, "import", out, table.name, "--append"):
        return rows
    counts["appended"] += 1
    doubled = collections.Counter({line: 2 * count for line, count in rows.items()})
    now, failure = table.rows()
    assert now == doubled, f"{table.path} after the append: {failure or (now - doubled, doubled - now)}"
    return doubled


def check_compact(table, counts, rows):
    if not step(table, counts, "compact", table.name):
        return
    counts["compacted"] += 1
    now, failure = table.rows()
    assert now == rows, f"{table.path} after the compaction: {failure or (now - rows, rows - now)}"
    again = table.run("compact", table.name)
    assert "nothing to do" in again.stdout, f"{table.path}: a second compaction found something: {again.stdout}{again.stderr}"


def check_expire(table, counts, rows):
    if not step(table, counts, "expire", table.name, "--older-than", "0s", "--orphans-older-than", "0s"):
        return
    step(table, counts, "expire", table.name, "--older-than", "0s", "--orphans-older-than", "0s")
    counts["expired"] += 1
    now, failure = table.rows()
    assert now == rows, f"{table.path} after the expiry: {failure or (now - rows, rows - now)}"
    before = table.files()
    step(table, counts, "expire", table.name, "--older-than", "0s", "--orphans-older-than", "0s")
    assert table.files() == before, f"{table.path}: {before ^ table.files()}"


def find_moved(root, path):
    """The table under the prefix with which its files are found: its location, or what the collection's writers used."""
    table, rows, failure = None, None, "no location"
    prefixes = [{"from": location_of(path), "to": path}, {"from": "lineitem_iceberg", "to": path},
                {"from": "lineitem_iceberg_gz", "to": path}, {"from": "data/persistent", "to": root},
                {"from": "file://data/persistent", "to": root}]
    for moved in (m for m in prefixes if m["from"]):
        table = Table(root, path, moved)
        rows, failure = table.rows()
        if rows is not None or why(failure) != MISSING:
            break
    return table, rows, failure


def check(root, path, counts):
    table, rows, failure = find_moved(root, path)
    if rows is None:
        assert table is None or why(failure), f"{path}: {failure}"
        counts[f"scan: {why(failure) or failure}"] += 1
        return
    counts["read"] += 1
    rows = check_append(table, counts, rows)
    check_compact(table, counts, rows)
    check_expire(table, counts, rows)


def main():
    counts = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        root = os.path.join(folder, "all")
        shutil.copytree(FIXTURES, root)
        for path, folders, files in os.walk(root):  # the fixtures may be read-only
            for name in [".", *folders, *files]:
                os.chmod(os.path.join(path, name), 0o755)
        os.makedirs(root + "-projects")
        for path in sorted(p for p, folders, _ in os.walk(root) if "metadata" in folders):
            check(root, path, counts)
    for name, count in sorted(counts.items()):
        print(f"{count:4} {name}")
    assert counts["read"] >= 30 and counts["compacted"] >= 0.8 * counts["read"] and counts["expired"] >= 0.8 * counts["read"]
    assert counts["appended"] >= 0.5 * counts["read"]


main()
