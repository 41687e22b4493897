# needs: shared
# timeout: 600
"""Tables that other engines wrote, read by floe and by two other readers: the same rows, or a listed refusal.

Every metadata file and every snapshot of every table in $FLOE_SHARED/fixtures/iceberg is read by `floe table scan`, by
DuckDB's iceberg extension and by PyIceberg. Where floe answers, its rows must be those of every reader that answers;
where neither of them can read, UPSTREAM holds what the tables' own tests expect. Where floe refuses, the reason must be one of
REASONS. The newest state of each table is what docs/iceberg-support.md lists: the test writes that table anew and fails
when the committed one differs.
"""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

FIXTURES = os.path.join(os.environ.get("FLOE_SHARED", ""), "fixtures", "iceberg")
FLOE = os.environ.get("FLOE_BIN", "")
ROOT = os.environ.get("FLOE_ROOT", ".")

# Prefixes that writers used for their tables, and the folder that each is now, relative to the fixtures.
MOVED = [("data/persistent", ""), ("file://data/persistent", ""), ("lineitem_iceberg_gz", "iceberg/lineitem_iceberg_gz_no_hint"),
         ("lineitem_iceberg", "iceberg/lineitem_iceberg")]

# Readers whose rows are not what the table says, and why.
WRONG = {
    # Its one delete file is of part=0 and deletes the key 100 (both stand in its manifest): 100 of part=1 stays, by "Scan Planning" of
    # the table specification. The extension takes it out of both.
    "equality_delete_cross_partition/warehouse/ns/t/metadata/vfinal.metadata.json": ["duckdb"],
}

# What floe may refuse, by a part of its message, and how the page calls it.
REASONS = [
    (r"of which the engine reads only microseconds", "`timestamptz_ns`"),
    (r"cannot read .*\.avro: No such file|the data file .* is not there|the manifest list of snapshot .* is not there|does not know how to read \"s3\" here", "files that the collection lacks"),
    (r"snap-9876543210123456789-.*does not fit its schema", "a manifest list with a number outside int64"),
    (r"bad_iceberg_metadata\.json: JSON|the table metadata: \"format-version\"|format-version", "damaged metadata, on purpose"),
]

# What upstream's own tests expect where neither reader of this test can read: rows as text (duckdb/duckdb-iceberg,
# test/sql/local/iceberg_scans/big_query_read.test and iceberg_v1_deprecated_metadata.test), or what the script that made
# the table put into it (legacy_bare_deletion_vector: the ids 1 to 3 without the row at position 1).
UPSTREAM = {
    "equality_delete_cross_partition/warehouse/ns/t/metadata/vfinal.metadata.json":
        [("0", "999", "p0-k999"), ("1", "100", "p1-k100"), ("1", "888", "p1-k888")],
    "big_query_error/metadata/v1749025517.metadata.json": [("1", "Alice", "2024-01-01 10:00:00"),
                                                           ("2", "Bob", "2024-02-01 11:30:00")],
    "iceberg_v1_deprecated/default/legacy_v1/metadata/v2.metadata.json": [("1", "alpha", "10"), ("2", "beta", "20"),
                                                                          ("3", "alpha", None)],
    "legacy_bare_deletion_vector/warehouse/default/legacy_bare_deletion_vector/metadata/00002-legacy-bare-dv.metadata.json":
        [("1", "legacy"), ("3", "legacy")],
}


# ---- the other readers, each in a process of its own: one of them may end it ----

def oracle_duckdb(path, snapshot, out):
    import duckdb
    import duckdb_extension_avro
    import duckdb_extension_iceberg
    con = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    for module in (duckdb_extension_avro, duckdb_extension_iceberg):
        (extension,) = glob.glob(os.path.join(os.path.dirname(module.__file__), "**", "*.duckdb_extension"), recursive=True)
        con.execute(f"LOAD '{extension}'")
    con.execute("SET TimeZone = 'UTC'")
    option = "" if snapshot is None else f", snapshot_from_id = {snapshot}"
    con.execute(f"COPY (SELECT * FROM iceberg_scan('{path}'{option})) TO '{out}' (FORMAT parquet)")


def oracle_pyiceberg(path, snapshot, out):
    import pyarrow.parquet
    from pyiceberg.table import StaticTable
    scan = StaticTable.from_metadata(path).scan(snapshot_id=snapshot)
    pyarrow.parquet.write_table(scan.to_arrow(), out)


ORACLES = {"duckdb": oracle_duckdb, "pyiceberg": oracle_pyiceberg}


def serve_oracle(name):
    """Answers JSON lines on stdin: [path, snapshot, out] → null or the failure as text."""
    import logging
    import warnings
    logging.disable(logging.CRITICAL)
    warnings.filterwarnings("ignore")
    for line in sys.stdin:
        try:
            ORACLES[name](*json.loads(line))
            answer = None
        except BaseException as failure:  # pylint: disable=broad-except
            answer = f"{type(failure).__name__}: {str(failure).splitlines()[0] if str(failure) else ''}"
        print("answer " + json.dumps(answer), flush=True)


class Oracle:
    def __init__(self, name, folder):
        self.name, self.folder, self.process = name, folder, None

    def start(self):
        self.process = subprocess.Popen([sys.executable, __file__, "--oracle", self.name], cwd=self.folder, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def ask(self, path, snapshot, out):
        """None when `out` was written, else why not."""
        if self.process is None:
            self.start()
        self.process.stdin.write(json.dumps([path, snapshot, out]) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("answer "):
                return json.loads(line[7:])
        self.process.wait()
        self.process = None
        return "the reader crashed"

    def close(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.stdout.close()
            self.process.wait()


# ---- floe ----

def load_json(path):
    import gzip
    with open(path, "rb") as file:
        data = file.read()
    return json.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)


def prefix_of(metadata):
    """The prefix that this table's paths begin with, and where it is."""
    paths = [snapshot.get("manifest-list", "") for snapshot in metadata.get("snapshots") or []]
    paths.append(metadata.get("location", ""))
    for path in paths:
        for prefix, folder in MOVED:
            if path.startswith(prefix + "/") or path.startswith("./" + prefix):
                return prefix, os.path.join(FIXTURES, folder).rstrip("/")
    return None


def floe_scan(path, metadata, snapshot, out):
    command = [FLOE, "table", "scan", path, "-o", out]
    moved = prefix_of(metadata)
    if moved is not None:
        command += ["--moved-from", moved[0], "--moved-to", moved[1]]
    if snapshot is not None:
        command += ["--snapshot", str(snapshot)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "differ only in case and cannot both be written" in done.stderr:
        return scan_as_json(command[:4] + command[6:], out)
    return None if done.returncode == 0 else done.stderr.strip()


def scan_as_json(command, out):
    """Columns that no file can hold together come out as JSON all the same."""
    import pyarrow
    import pyarrow.parquet
    done = subprocess.run(command + ["--json"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return done.stderr.strip()
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    shown = subprocess.run([FLOE, "table", "show", command[3], "--json"], capture_output=True, text=True, check=True)
    names = [column["name"] for column in json.loads(shown.stdout)["columns"]]
    columns = [pyarrow.array([str(row[name]) for row in rows], pyarrow.string()) for name in names]
    pyarrow.parquet.write_table(pyarrow.table(columns, names=names), out)
    return None


def reason_of(message):
    for pattern, name in REASONS:
        if re.search(pattern, message):
            return name
    return None


# ---- comparing ----

def columns_of(con, path):
    return con.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall()


def row_sql(con, path):
    """The rows as text columns c0, c1 …, so that spellings of one type compare equal."""
    cells = []
    columns = columns_of(con, path)
    for index, column in enumerate(columns):
        name = f"c{index}"
        if column[1] == "UUID":
            cells.append(f"replace({name}::VARCHAR, '-', '')")
        elif column[1] == "BLOB":
            cells.append(f"lower(hex({name}))")
        else:
            cells.append(f"{name}::VARCHAR")
    names = ", ".join(f"c{index}" for index in range(len(columns)))
    return f"SELECT {', '.join(cells)} FROM read_parquet('{path}') AS t({names})"


def names_of(path):
    import pyarrow.parquet
    return pyarrow.parquet.read_schema(path).names


def same_rows(con, ours, theirs):
    """None when both files hold the same columns and rows, else what differs."""
    names, other_names = names_of(ours), names_of(theirs)
    if len({name.lower() for name in names}) < len(names):  # DuckDB cannot hold both and numbers the second
        other_names = [re.sub(r"_1$", "", name) for name in other_names]
    if names != other_names:
        return f"columns {names} and {other_names}"
    a, b = row_sql(con, ours), row_sql(con, theirs)
    for first, second, what in ((a, b, "only in floe"), (b, a, "only in the other")):
        rows = con.execute(f"({first}) EXCEPT ALL ({second}) LIMIT 2").fetchall()
        if rows:
            return f"{what}: {rows}"
    return None


class Checker:
    def __init__(self, folder):
        import duckdb
        self.con = duckdb.connect()
        self.con.execute("SET TimeZone = 'UTC'")
        self.folder = folder
        self.oracles = {name: Oracle(name, folder) for name in ORACLES}
        self.problems, self.compared, self.refused = [], 0, 0

    def check(self, path, snapshot=None):
        """Reads one state of a table; returns ("read", rows) or ("refused", reason)."""
        relative = os.path.relpath(path, FIXTURES)
        label = relative if snapshot is None else f"{relative} snapshot {snapshot}"
        ours = os.path.join(self.folder, "floe.parquet")
        try:
            metadata = load_json(path)
        except ValueError:
            metadata = {}
        failure = floe_scan(path, metadata, snapshot, ours)
        if failure is not None:
            reason = reason_of(failure)
            if reason is None:
                self.problems.append(f"{label}: refused for no listed reason: {failure}")
            self.refused += 1
            return "refused", reason
        self.compare(label, relative, snapshot, ours)
        (rows,) = self.con.execute(f"SELECT count(*) FROM '{ours}'").fetchone()
        return "read", rows

    def compare(self, label, relative, snapshot, ours):
        agreed = []
        for name, oracle in self.oracles.items():
            theirs = os.path.join(self.folder, f"{name}.parquet")
            why = oracle.ask(f"data/persistent/{relative}", snapshot, theirs)
            if why is not None:
                continue
            difference = same_rows(self.con, ours, theirs)
            if difference is None:
                agreed.append(name)
            elif name not in WRONG.get(relative, ()):
                self.problems.append(f"{label}: {name} differs: {difference}")
        if not agreed and relative in UPSTREAM and snapshot is None:
            rows = sorted(self.con.execute(row_sql(self.con, ours)).fetchall(), key=repr)
            if rows != sorted(UPSTREAM[relative], key=repr):
                self.problems.append(f"{label}: not upstream's rows: {rows}")
        elif not agreed:
            self.problems.append(f"{label}: no other reader confirms the rows")
        self.compared += 1

    def close(self):
        for oracle in self.oracles.values():
            oracle.close()


# ---- the page ----

BEGIN = "<!-- tables of other engines: written by tests/offline/test_fixtures.py -->"
END = "<!-- end of the tables of other engines -->"


def newest_of(folder):
    """The metadata file that floe takes for the newest of a table's folder, or None."""
    done = subprocess.run([FLOE, "table", "show", folder, "--json"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return None
    found = re.search(r'"metadata[^"]*"\s*:\s*"([^"]+)"', done.stdout)
    return found.group(1) if found else None


def page_table(rows):
    lines = [BEGIN, "", "| table | newest state | older states read |", "|---|---|---|"]
    for name, state, detail, older, older_read in rows:
        newest = f"read, {detail:,} rows" if state == "read" else f"refused: {detail}"
        lines.append(f"| `{name}` | {newest} | {f'{older_read} of {older}' if older else ''} |")
    return "\n".join(lines + ["", END]) + "\n"


def check_page(text):
    path = os.path.join(ROOT, "docs", "iceberg-support.md")
    page = open(path, encoding="utf-8").read() if os.path.exists(path) else ""
    begin, end = page.find(BEGIN), page.find(END)
    committed = page[begin:end + len(END) + 1] if begin >= 0 and end >= 0 else ""
    if committed == text:
        return []
    proposal = os.path.join(tempfile.gettempdir(), "iceberg-support-table.md")
    with open(proposal, "w", encoding="utf-8") as file:
        file.write(text)
    return [f"docs/iceberg-support.md does not hold the table of this run; it was written to {proposal}"]


# ---- all of it ----

def link_fixtures(folder):
    """The other readers know no moved prefixes: give them the writers' relative paths."""
    os.makedirs(os.path.join(folder, "data"))
    os.symlink(FIXTURES, os.path.join(folder, "data", "persistent"))
    for prefix, target in MOVED[2:]:
        os.symlink(os.path.join(FIXTURES, target), os.path.join(folder, prefix))


def tables():
    """(folder, its metadata files) for each table."""
    found = {}
    for path in sorted(glob.glob(os.path.join(FIXTURES, "**", "*metadata.json*"), recursive=True)):
        if not path.endswith(".crc"):
            folder = os.path.dirname(path)
            folder = os.path.dirname(folder) if os.path.basename(folder) == "metadata" else folder
            found.setdefault(folder, []).append(path)
    return sorted(found.items())


def check_table(checker, folder, paths):
    newest = newest_of(folder) or paths[-1]
    state, detail = checker.check(newest)
    older = [checker.check(path) for path in paths if path != newest]
    if state == "read":
        snapshots = load_json(newest).get("snapshots") or []
        for snapshot in snapshots[:-1]:
            checker.check(newest, snapshot["snapshot-id"])
    return (os.path.relpath(folder, FIXTURES), state, detail, len(older), sum(1 for kind, _ in older if kind == "read"))


def main():
    if sys.argv[1:2] == ["--oracle"]:
        return serve_oracle(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        link_fixtures(folder)
        checker = Checker(folder)
        rows = [check_table(checker, *item) for item in tables()]
        checker.close()
    text = page_table(rows)
    problems = checker.problems + check_page(text)
    print(text)
    print(f"{checker.compared} states compared with other readers, {checker.refused} refused for a listed reason")
    for problem in problems:
        print("FAILED " + problem)
    assert len(rows) >= 30 and checker.compared >= 60, "the collection is not what this test knows"
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
