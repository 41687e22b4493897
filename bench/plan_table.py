"""Writes the manifests of the plan benchmark: a table as PyIceberg creates it, whose one snapshot lists any number of data files
that are not there. Entries are encoded here, because a million through a general writer take minutes; the Avro header is that of a
manifest that PyIceberg wrote. Files are appended by time: a manifest holds neighbouring days."""
import datetime
import os
import struct
import time
import zlib

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.manifest import (ManifestContent, ManifestFile, ManifestWriterV2, PartitionFieldSummary, write_manifest_list)
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.snapshots import Operation, Snapshot, Summary
from pyiceberg.table.update import AddSnapshotUpdate, SetSnapshotRefUpdate
from pyiceberg.transforms import DayTransform
from pyiceberg.types import LongType, NestedField, StringType, TimestampType

DAY_US = 86_400_000_000
FIRST_DAY = (datetime.date(2020, 1, 1) - datetime.date(1970, 1, 1)).days
DAYS = 1000
BLOCK_BYTES = 64_000  # as Java's writer ends its blocks
SNAPSHOT_ID = 4_000_000_000_000_001
SCHEMA = Schema(NestedField(1, "ts", TimestampType(), required=False), NestedField(2, "k", StringType(), required=False),
                NestedField(3, "v", LongType(), required=False))
SPEC = PartitionSpec(PartitionField(source_id=1, field_id=1000, transform=DayTransform(), name="ts_day"))


def number(value):
    """A long of Avro."""
    value = (value << 1) ^ (value >> 63)
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def text(value):
    return number(len(value)) + value


def counts(values):
    return number(1) + number(len(values)) + b"".join(number(key) + number(count) for key, count in values.items()) + b"\0"


# What is the same in every entry: status added, ids and numbers inherited; and what follows the bounds.
HEAD = number(1) + number(0) + number(0) + number(0) + number(0)
SIZES = (number(1000) + number(65536) + counts({1: 8000, 2: 20000, 3: 8000}) + counts({1: 1000, 2: 1000, 3: 1000})
         + counts({1: 0, 2: 0, 3: 0}) + counts({3: 0}))
TAIL = number(0) + number(1) + number(1) + number(4) + b"\0" + number(0) + number(0)
BOUNDS = number(1) + number(2)


def day_of(file, files):
    return FIRST_DAY + file * DAYS // files


def entry(folder, file, files):
    day = day_of(file, files)
    low = struct.pack("<q", day * DAY_US + file % 1000 * 1_000_000)
    high = struct.pack("<q", day * DAY_US + file % 1000 * 1_000_000 + 999_999)
    key = b"key%08d" % file
    return b"".join((HEAD, text(b"%s/data/ts_day=%d/%08d.parquet" % (folder, day, file)), text(b"PARQUET"), number(1),
                     number(day), SIZES, BOUNDS, number(1), text(low), number(2), text(key), b"\0", BOUNDS, number(1),
                     text(high), number(2), text(key + b"9"), b"\0", TAIL))


def header(table, folder, codec):
    """The bytes before the first block, and the sync marker, as PyIceberg writes them for this table."""
    path = os.path.join(folder, "header.avro")
    writer = ManifestWriterV2(table.spec(), table.schema(), table.io.new_output("file://" + path), SNAPSHOT_ID, codec)
    with writer.new_writer():
        pass
    with open(path, "rb") as file:
        whole = file.read()
    os.remove(path)
    return whole, whole[-16:]


def block(entries, sync, codec):
    payload = b"".join(entries)
    if codec == "deflate":
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        payload = packer.compress(payload) + packer.flush()
    return number(len(entries)) + number(len(payload)) + payload + sync


def write_manifest(path, folder, numbers, files, start, sync, codec):
    parts, entries, size = [start], [], 0
    for file in numbers:
        entries.append(entry(folder, file, files))
        size += len(entries[-1])
        if size > BLOCK_BYTES:
            parts.append(block(entries, sync, codec))
            entries, size = [], 0
    if entries:
        parts.append(block(entries, sync, codec))
    with open(path, "wb") as out:
        out.write(b"".join(parts))


def listed(path, numbers, files):
    low, high = (struct.pack("<i", day_of(file, files)) for file in (numbers[0], numbers[-1]))
    return ManifestFile.from_args(
        manifest_path="file://" + path, manifest_length=os.path.getsize(path), partition_spec_id=0,
        content=ManifestContent.DATA, sequence_number=1, min_sequence_number=1, added_snapshot_id=SNAPSHOT_ID,
        added_files_count=len(numbers), existing_files_count=0, deleted_files_count=0, added_rows_count=1000 * len(numbers),
        existing_rows_count=0, deleted_rows_count=0,
        partitions=[PartitionFieldSummary(False, False, low, high)], key_metadata=None)


def make_table(folder, files, manifests, codec):
    catalog = SqlCatalog("bench", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}")
    catalog.create_namespace("ns")
    table = catalog.create_table("ns.t", SCHEMA, partition_spec=SPEC)
    place = table.location().removeprefix("file://")
    start, sync = header(table, place + "/metadata", codec)
    lines = []
    for index in range(manifests):
        numbers = range(index * files // manifests, (index + 1) * files // manifests)
        path = f"{place}/metadata/m{index:05}.avro"
        write_manifest(path, table.location().encode(), numbers, files, start, sync, codec)
        lines.append(listed(path, numbers, files))
    list_path = f"{table.location()}/metadata/snap-{SNAPSHOT_ID}.avro"
    with write_manifest_list(2, table.io.new_output(list_path), SNAPSHOT_ID, None, 1, codec) as out:
        out.add_manifests(lines)
    snapshot = Snapshot(snapshot_id=SNAPSHOT_ID, parent_snapshot_id=None, sequence_number=1, timestamp_ms=int(time.time() * 1000),
                        manifest_list=list_path, summary=Summary(Operation.APPEND), schema_id=0)
    catalog.commit_table(table, (), (AddSnapshotUpdate(snapshot=snapshot),
                                     SetSnapshotRefUpdate(ref_name="main", type="branch", snapshot_id=SNAPSHOT_ID)))
    return catalog.load_table("ns.t")
