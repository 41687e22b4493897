"""Makes the tables that bench/scan reads: the same rows without deletes, with 5 % of them under position deletes, with 5 %
under equality deletes, and with a few (200) keys deleted, which is what DuckDB's extension ends in reasonable time. Prints the
tables as bench/scan takes them."""
import argparse
import os
import sys

import pyarrow
import pyarrow.compute
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.schema import Schema
from pyiceberg.types import DoubleType, LongType, NestedField, StringType

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "offline"))
from merge_on_read import commit_deletes, equality_deletes, position_deletes, with_id  # noqa: E402

ROWS_PER_FILE = 2_000_000


def fill(table, rows):
    for start in range(0, rows, ROWS_PER_FILE):
        k = pyarrow.array(range(start, min(start + ROWS_PER_FILE, rows)), pyarrow.int64())
        mixed = pyarrow.compute.bit_wise_and(pyarrow.compute.multiply(k, 2654435761), 0xFFFFFFFF)
        v = pyarrow.compute.divide(pyarrow.compute.cast(mixed, pyarrow.float64()), 3.0)
        s = pyarrow.compute.cast(pyarrow.compute.bit_wise_and(mixed, 1023), pyarrow.string())
        table.append(pyarrow.table({"k": k, "v": v, "s": s}))
    return table.refresh()


def under_positions(table):
    rows = []
    for file in table.inspect.data_files().to_pylist():
        rows += [(file["file_path"], position) for position in range(7, file["record_count"], 20)]
    return commit_deletes(table, [position_deletes(table, rows)])


def under_keys(table, rows, step):
    return commit_deletes(table, [equality_deletes(table, [pyarrow.array(range(7, rows, step), pyarrow.int64())],
                                                   [with_id("k", pyarrow.int64(), 1)])])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--rows", type=int, default=20_000_000)
    options = parser.parse_args()
    catalog = SqlCatalog("bench", uri=f"sqlite:///{options.folder}/catalog.db", warehouse=f"file://{options.folder}")
    catalog.create_namespace("db")
    schema = Schema(NestedField(1, "k", LongType()), NestedField(2, "v", DoubleType()), NestedField(3, "s", StringType()))
    for name, goal in (("plain", "1.15"), ("positions", "1.15"), ("equality", "1.5"), ("equality_few", "1.5")):
        table = fill(catalog.create_table(f"db.{name}", schema), options.rows)
        if name == "positions":
            table = under_positions(table)
        elif name.startswith("equality"):
            table = under_keys(table, options.rows, 20 if name == "equality" else max(1, options.rows // 200))
        print(f"{name}={table.metadata_location.removeprefix('file://')}={goal}")


if __name__ == "__main__":
    main()
