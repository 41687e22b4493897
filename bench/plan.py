"""How long a plan takes when a table has 100,000 files: `floe table plan` as a process of its own, reading everything anew,
beside PyIceberg's plan_files in a process that is warm. The table is written by PyIceberg (10 appends, 1,000 days of 100
files, bounds on two columns); no data file exists, a plan opens none. Both must find the same number of files.

  --files N (100000)    --repeat N (3)    --dir D   works there"""
import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile
import time

from pyiceberg.catalog.memory import InMemoryCatalog
from pyiceberg.conversions import to_bytes
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import DayTransform
from pyiceberg.typedef import Record
from pyiceberg.types import LongType, NestedField, StringType, TimestampType

FLOE = os.environ["FLOE_BIN"]
DAY_US = 86_400_000_000
FIRST_DAY = (datetime.date(2020, 1, 1) - datetime.date(1970, 1, 1)).days
DAYS = 1000
SCHEMA = Schema(NestedField(1, "ts", TimestampType(), required=False), NestedField(2, "k", StringType(), required=False),
                NestedField(3, "v", LongType(), required=False))
SPEC = PartitionSpec(PartitionField(source_id=1, field_id=1000, transform=DayTransform(), name="ts_day"))
QUESTIONS = {"everything": None, "one day": "ts >= '2020-06-01T00:00:00' AND ts < '2020-06-02T00:00:00'",
             "a key": "k = 'key00000700'", "a hundred days": "ts >= '2021-01-01T00:00:00' AND ts < '2021-04-11T00:00:00'"}


def data_file(folder, number):
    day = FIRST_DAY + number % DAYS
    low = day * DAY_US + (number // DAYS) * 1_000_000
    key = f"key{number:08}"
    lower = {1: to_bytes(TimestampType(), low), 2: to_bytes(StringType(), key)}
    upper = {1: to_bytes(TimestampType(), low + 999_999), 2: to_bytes(StringType(), key + "9")}
    return DataFile.from_args(
        content=DataFileContent.DATA, file_path=f"{folder}/data/ts_day={day}/{number:08}.parquet", file_format=FileFormat.PARQUET,
        partition=Record(day), record_count=1000, file_size_in_bytes=65536, column_sizes={1: 8000, 2: 20000, 3: 8000},
        value_counts={1: 1000, 2: 1000, 3: 1000}, null_value_counts={1: 0, 2: 0, 3: 0}, nan_value_counts={},
        lower_bounds=lower, upper_bounds=upper, split_offsets=[4], sort_order_id=None, spec_id=0, equality_ids=None,
        key_metadata=None)


def make_table(folder, files):
    catalog = InMemoryCatalog("bench", warehouse=folder)
    catalog.create_namespace("ns")
    table = catalog.create_table("ns.t", SCHEMA, partition_spec=SPEC)
    step = max(1, files // 10)
    for first in range(0, files, step):
        with table.transaction() as transaction:
            with transaction.update_snapshot().fast_append() as append:
                for number in range(first, min(first + step, files)):
                    append.append_data_file(data_file(folder, number))
    return table


def best(repeat, run):
    times, result = [], None
    for _ in range(repeat):
        began = time.perf_counter()
        result = run()
        times.append(time.perf_counter() - began)
    return min(times), result


def floe_plan(metadata, where):
    """Files to read, by a run of floe."""
    where = [] if where is None else ["--where", where.replace("'20", "TIMESTAMP '20")]
    done = subprocess.run([FLOE, "table", "plan", metadata, "--json", *where], capture_output=True)
    if done.returncode != 0:
        sys.exit(done.stderr.decode())
    return json.loads(done.stdout)["files_read"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--dir")
    options = parser.parse_args()
    folder = options.dir or tempfile.mkdtemp(prefix="floe-bench-")
    table = make_table(folder, options.files)
    metadata = table.metadata_location.removeprefix("file://")
    print(f"{options.files} files, best of {options.repeat}")
    print(f"{'question':<16}{'files':>8}{'floe':>10}{'pyiceberg':>12}{'ratio':>8}")
    figures = {}
    for question, where in QUESTIONS.items():
        own, count = best(options.repeat, lambda: floe_plan(metadata, where))
        scan = table.scan() if where is None else table.scan(row_filter=where)
        peer, planned = best(1 if options.repeat < 3 else 2, lambda: len(list(scan.plan_files())))
        if count != planned:
            sys.exit(f"{question}: floe reads {count} files, PyIceberg {planned}: nothing was measured")
        print(f"{question:<16}{count:>8}{own:>8.2f} s{peer:>10.2f} s{own / peer:>8.2f}")
        figures[question] = {"value": round(own, 3), "unit": "s", "peer": round(peer, 3), "ratio": round(own / peer, 3),
                             "goal": "report"}
    print(json.dumps({"bench": "plan", "figures": figures}))


if __name__ == "__main__":
    main()
