# timeout: 300
"""Partitions by the values of columns that floe has no values of itself: times of day and UUIDs, also inside a spec of several fields and
by bucket. What floe imports, appends, overwrites and compacts is read by PyIceberg with the same rows, and PyIceberg finds in every
file's partition the values that its rows have."""
import datetime as dt
import os
import subprocess
import uuid

import duckdb
import pyarrow.parquet as pq
from pyiceberg.table import StaticTable
from pyiceberg.transforms import parse_transform
from pyiceberg.types import TimeType, UUIDType

from interop import FLOE, Project, plain

SPECS = ["t", "u", "u,t", "bucket(4,t)", "bucket(4,u)", "t,bucket(3,u)", "void(u)", "void(t),u"]
ROWS = """SELECT range AS k, CASE range % 4 WHEN 0 THEN NULL WHEN 1 THEN TIME '00:00:00' WHEN 2 THEN TIME '23:59:59.999999' ELSE
          TIME '01:02:03.000004' END AS t, CASE range % 3 WHEN 0 THEN NULL WHEN 1 THEN '00000000-0000-0000-0000-000000000000' ELSE
          'ffeeddcc-bbaa-9988-7766-554433221100' END::UUID AS u FROM range({}, {})"""


def floe(project, *args):
    subprocess.run([FLOE, *args], cwd=project.folder, check=True, stdout=subprocess.DEVNULL)


def key(row):
    return tuple(str(plain(row[name])) for name in ("k", "t", "u"))


def rows_of(table):
    return sorted(key(row) for row in table.scan().to_arrow().to_pylist())


def own(project, name):
    out = os.path.join(project.folder, "out.parquet")
    floe(project, "table", "scan", f"lake.ns.{name}", "-o", out)
    return sorted(key(row) for row in pq.read_table(out).to_pylist())


def stored(kind, value):
    """A value as PyIceberg's transforms take it."""
    if value is None:
        return None
    if isinstance(kind, TimeType):
        return ((value.hour * 60 + value.minute) * 60 + value.second) * 1000000 + value.microsecond
    return value


def check_partitions(table):
    """Every file's partition is what PyIceberg makes of the file's own rows."""
    spec, schema = table.spec(), table.schema()
    for task in table.scan().plan_files():
        path = task.file.file_path.removeprefix("file://")
        rows = duckdb.sql(f"SELECT k, t, u FROM read_parquet('{path}', hive_partitioning = false)").fetchall()
        for row in (dict(zip(("k", "t", "u"), cells)) for cells in rows):
            for index, field in enumerate(spec.fields):
                source = schema.find_field(field.source_id)
                want = parse_transform(str(field.transform)).transform(source.field_type)(
                    stored(source.field_type, row[source.name]))
                found = task.file.partition[index]
                if isinstance(source.field_type, UUIDType) and isinstance(found, bytes):
                    found = uuid.UUID(bytes=found)
                if isinstance(found, dt.time):
                    found = stored(TimeType(), found)
                assert found == want, (str(spec), row, found, want)


def check(project, name, want):
    table = StaticTable.from_metadata(project.metadata(name))
    assert rows_of(table) == want, (name, rows_of(table), want)
    assert own(project, name) == want, name
    check_partitions(table)


def write_input(project, name, low, high):
    path = os.path.join(project.folder, name)
    duckdb.sql(f"COPY ({ROWS.format(low, high)}) TO '{path}' (FORMAT parquet)")
    return path, [key(dict(zip(("k", "t", "u"), row))) for row in duckdb.sql(f"SELECT * FROM '{path}'").fetchall()]


def main():
    with Project() as project:
        first, first_rows = write_input(project, "first.parquet", 0, 24)
        second, second_rows = write_input(project, "second.parquet", 24, 48)
        for number, spec in enumerate(SPECS):
            name = f"t{number}"
            floe(project, "table", "import", first, f"lake.ns.{name}", "--partition", spec)
            check(project, name, sorted(first_rows))
            floe(project, "table", "import", second, f"lake.ns.{name}", "--append")
            check(project, name, sorted(first_rows + second_rows))
            floe(project, "table", "compact", f"lake.ns.{name}")
            check(project, name, sorted(first_rows + second_rows))
            floe(project, "table", "import", second, f"lake.ns.{name}", "--overwrite")  # which has rows of every partition
            check(project, name, sorted(second_rows))
    print(f"{len(SPECS)} specs written, compacted and overwritten")


main()
