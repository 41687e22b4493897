"""Delete files for tables of PyIceberg, which writes none itself: position and equality delete files are written by pyarrow,
their manifests by PyIceberg's writers, and the snapshot is committed through its catalog."""
import os
import time
import uuid

import pyarrow
import pyarrow.parquet
from pyiceberg.manifest import (DataFile, DataFileContent, FileFormat, ManifestContent, ManifestEntry,
                                ManifestEntryStatus, ManifestWriterV2, write_manifest_list)
from pyiceberg.table.snapshots import Operation, Snapshot, Summary
from pyiceberg.table.update import AddSnapshotUpdate, SetSnapshotRefUpdate
from pyiceberg.typedef import Record

PATH_ID, POSITION_ID = 2147483546, 2147483545


class DeleteManifestWriter(ManifestWriterV2):
    def content(self):
        return ManifestContent.DELETES

    @property
    def _meta(self):
        return {**super()._meta, "content": "deletes"}


def with_id(name, kind, field_id, nullable=True):
    return pyarrow.field(name, kind, nullable=nullable, metadata={b"PARQUET:field_id": str(field_id).encode()})


def write_parquet(table, columns, fields):
    """Columns (lists of values) under fields with ids, as a file of the table; returns its path."""
    path = os.path.join(table.location().removeprefix("file://"), "data", f"{uuid.uuid4()}.parquet")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    schema = pyarrow.schema(fields)
    arrays = [values if isinstance(values, pyarrow.Array) else pyarrow.array(values, field.type)
              for values, field in zip(columns, fields)]
    pyarrow.parquet.write_table(pyarrow.Table.from_arrays(arrays, schema=schema), path)
    return path


def delete_file(table, path, content, rows, partition=(), equality_ids=None):
    return DataFile.from_args(content=content, file_path=f"file://{path}", file_format=FileFormat.PARQUET,
                              partition=Record(*partition), record_count=rows, file_size_in_bytes=os.path.getsize(path),
                              column_sizes={}, value_counts={}, null_value_counts={}, nan_value_counts={},
                              lower_bounds={}, upper_bounds={}, key_metadata=None, split_offsets=None,
                              equality_ids=equality_ids, sort_order_id=None, spec_id=table.spec().spec_id)


def position_deletes(table, rows, partition=()):
    """rows: (data file path, position), sorted as the spec wants it."""
    rows = sorted(rows)
    path = write_parquet(table, [[row[0] for row in rows], [row[1] for row in rows]],
                         [with_id("file_path", pyarrow.string(), PATH_ID, False),
                          with_id("pos", pyarrow.int64(), POSITION_ID, False)])
    return delete_file(table, path, DataFileContent.POSITION_DELETES, len(rows), partition)


def equality_deletes(table, columns, fields, partition=()):
    path = write_parquet(table, columns, fields)
    ids = [int(field.metadata[b"PARQUET:field_id"]) for field in fields]
    return delete_file(table, path, DataFileContent.EQUALITY_DELETES, len(columns[0]), partition, ids)


def commit_deletes(table, files):
    """A snapshot that adds the delete files; returns the table as it is then."""
    metadata = table.metadata
    snapshot_id = uuid.uuid4().int & (2**62 - 1)
    sequence = metadata.last_sequence_number + 1
    folder = f"{table.location()}/metadata"
    parent = table.current_snapshot()
    with DeleteManifestWriter(table.spec(), table.schema(), table.io.new_output(f"{folder}/{uuid.uuid4()}-d0.avro"),
                              snapshot_id, "null") as writer:
        for file in files:
            writer.add_entry(ManifestEntry.from_args(status=ManifestEntryStatus.ADDED, snapshot_id=snapshot_id,
                                                     sequence_number=None, file_sequence_number=None, data_file=file))
    list_path = f"{folder}/snap-{snapshot_id}.avro"
    with write_manifest_list(2, table.io.new_output(list_path), snapshot_id, parent.snapshot_id, sequence,
                             "null") as manifests:
        manifests.add_manifests(list(parent.manifests(table.io)) + [writer.to_manifest_file()])
    snapshot = Snapshot(snapshot_id=snapshot_id, parent_snapshot_id=parent.snapshot_id, sequence_number=sequence,
                        timestamp_ms=max(int(time.time() * 1000), metadata.last_updated_ms + 1), manifest_list=list_path,
                        summary=Summary(Operation.DELETE), schema_id=table.schema().schema_id)
    table.catalog.commit_table(table, (), (AddSnapshotUpdate(snapshot=snapshot),
                                           SetSnapshotRefUpdate(ref_name="main", type="branch", snapshot_id=snapshot_id)))
    return table.catalog.load_table(table.name())
