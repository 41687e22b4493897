# needs: py
# timeout: 300
"""A table's life by floe's commands alone: created, appended to, evolved, compacted, overwritten, expired, replaced. After each step floe and
PyIceberg read the rows of a list kept beside, and what `changes` gives between any two states is what was appended there: compaction adds
nothing, an overwrite is said, a start that has expired is refused by name."""
import glob
import json
import os
import subprocess
import tempfile

import pyarrow.parquet as pq
from pyiceberg.table import StaticTable

FLOE = os.environ["FLOE_BIN"]
TABLE = "lake.a.t"


def floe(*args, code=0):
    ran = subprocess.run([FLOE, "table", *args], capture_output=True, text=True, check=False)
    assert (ran.returncode == 0) == (code == 0), (args, ran.stderr)
    return ran.stdout if code == 0 else ran.stderr


def metadata():
    names = glob.glob("warehouse/a/t/metadata/v*.metadata.json")
    return os.path.abspath(max(names, key=lambda path: int(os.path.basename(path)[1:].split(".")[0])))


def state():
    with open(metadata(), encoding="utf-8") as file:
        return json.load(file)["current-snapshot-id"]


def in_order(rows):
    return sorted(rows, key=lambda row: row["id"])


def check(rows):
    floe("scan", TABLE, "-o", "out.parquet")
    assert in_order(pq.read_table("out.parquet").to_pylist()) == in_order(rows)
    assert in_order(StaticTable.from_metadata("file://" + metadata()).scan().to_arrow().to_pylist()) == in_order(rows)
    return state()


def write(name, rows):
    with open(name, "w", encoding="utf-8") as file:
        file.write(",".join(rows[0]) + "\n")
        file.writelines(",".join("" if cell is None else str(cell) for cell in row.values()) + "\n" for row in rows)


def put(rows, *args):
    write("rows.csv", rows)
    floe("import", "rows.csv", TABLE, *args)


def added(start, end):
    floe("changes", TABLE, "--from", str(start), "--to", str(end), "-o", "added.parquet")
    return sorted(row["id"] for row in pq.read_table("added.parquet").to_pylist())


def main():
    rows = [{"id": i, "p": "xyz"[i % 3], "v": i + 0.5} for i in range(30)]
    put(rows, "--partition", "p")
    created = check(rows)
    for k in range(4):
        more = [{"id": 100 + 10 * k + i, "p": "xyz"[i % 3], "v": i + 0.25} for i in range(6)]
        put(more, "--append")
        rows += more
    appended = check(rows)
    new_ids = sorted(row["id"] for row in rows[30:])
    assert added(created, appended) == new_ids
    assert added(appended, appended) == []
    assert "is no ancestor" in floe("changes", TABLE, "--from", str(appended), "--to", str(created), code=1)

    more = [{"id": 500, "p": "x", "v": 1.5, "w": "a"}, {"id": 501, "p": "q", "v": 2.5, "w": "b"}]
    put(more, "--append", "--evolve")
    rows = [{**row, "w": None} for row in rows] + more
    evolved = check(rows)
    assert added(appended, evolved) == [500, 501]

    compacted_files = json.loads(floe("compact", TABLE, "--json"))
    assert (compacted_files["files_before"], compacted_files["files_after"]) == (16, 3)  # q has one file, which stays
    compacted = check(rows)
    assert json.loads(floe("compact", TABLE, "--json"))["snapshot_id"] is None  # nothing is left to do
    assert added(evolved, compacted) == []
    assert added(created, compacted) == new_ids + [500, 501]

    put([{"id": 900, "p": "q", "v": 1.5, "w": "c"}], "--overwrite")
    rows = [row for row in rows if row["p"] != "q"] + [{"id": 900, "p": "q", "v": 1.5, "w": "c"}]
    overwritten = check(rows)
    said = subprocess.run([FLOE, "table", "changes", TABLE, "--from", str(created)], capture_output=True, text=True, check=True)
    assert f"snapshot {overwritten} (overwrite)" in said.stdout + said.stderr
    floe("scan", TABLE, "--snapshot", str(created), "-o", "out.parquet")
    assert sorted(row["id"] for row in pq.read_table("out.parquet").to_pylist()) == list(range(30))

    before = sum(len(files) for _, _, files in os.walk("warehouse"))
    floe("expire", TABLE, "--older-than", "0s", "--keep-last", "2", "--dry-run")
    assert sum(len(files) for _, _, files in os.walk("warehouse")) == before
    floe("expire", TABLE, "--older-than", "0s", "--keep-last", "2")
    assert sum(len(files) for _, _, files in os.walk("warehouse")) < before
    assert check(rows) == overwritten
    assert f"the snapshot {created}, where the range starts, has expired" in floe("changes", TABLE, "--from", str(created), code=1)
    assert f"no snapshot {created}" in floe("scan", TABLE, "--snapshot", str(created), "-o", "out.parquet", code=1)
    assert added(compacted, compacted) == []  # one of the two that are left

    rows = [{"id": i, "p": "x", "v": 0.5, "w": "z"} for i in (3, 1, 2)]
    put(rows, "--replace", "--sort", "id desc")
    check(rows)
    floe("scan", TABLE, "-o", "out.parquet")
    assert [row["id"] for row in pq.read_table("out.parquet").to_pylist()] == [3, 2, 1]


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    with open("floe.yaml", "w", encoding="utf-8") as project:
        project.write("project: steps\ncatalogs:\n  lake: {type: directory, warehouse: ./warehouse}\n")
    main()
    os.chdir("/")
print("every step is read alike")
