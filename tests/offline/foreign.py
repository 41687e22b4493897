"""Iceberg tables as engines other than ours write them, made by hand: an Avro writer that follows any schema, manifests with fields
in any order, and metadata with what is optional left out. Nothing here is floe's or PyIceberg's."""
import json
import os
import struct
import uuid
import zlib

import pyarrow.parquet

SYNC = bytes(range(16))


def number(value):
    value = (value << 1) ^ (value >> 63)
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def encode(schema, value):
    """One value by an Avro schema; unions are of null and one other type, in either order."""
    if isinstance(schema, list):
        branch = schema.index("null") if value is None else next(i for i, s in enumerate(schema) if s != "null")
        return number(branch) + (b"" if value is None else encode(schema[branch], value))
    kind = schema["type"] if isinstance(schema, dict) else schema
    if isinstance(kind, (dict, list)):
        return encode(kind, value)
    if kind == "record":
        return b"".join(encode(field["type"], value.get(field["name"], field.get("default"))) for field in schema["fields"])
    if kind == "array":
        if not value:
            return number(0)
        return number(len(value)) + b"".join(encode(schema["items"], item) for item in value) + number(0)
    if kind == "map":
        return number(0) if not value else number(len(value)) + b"".join(
            encode("string", key) + encode(schema["values"], item) for key, item in value.items()) + number(0)
    if kind == "fixed":
        return value
    if kind in ("int", "long"):
        return number(value)
    if kind == "boolean":
        return b"\1" if value else b"\0"
    if kind == "float":
        return struct.pack("<f", value)
    if kind == "double":
        return struct.pack("<d", value)
    raw = value.encode() if isinstance(value, str) else value
    return number(len(raw)) + raw


def write_avro(path, schema, records, metadata=(), codec="null", per_block=None, empty_blocks=False):
    """codec None: the header does not name one. empty_blocks: blocks without records around the others."""
    entries = {"avro.schema": json.dumps(schema), **dict(metadata)}
    if codec is not None:
        entries["avro.codec"] = codec
    out = [b"Obj\1", encode({"type": "map", "values": "bytes"}, entries), SYNC]
    per_block = per_block or max(1, len(records))
    deflate = codec is not None and codec.lower() == "deflate"
    nothing = b"\3\0" if deflate else b""
    blocks = [records[at:at + per_block] for at in range(0, len(records), per_block)]
    for block in [b for pair in ([[], block] for block in blocks) for b in pair] + [[]] if empty_blocks else blocks:
        payload = b"".join(encode(schema, record) for record in block)
        if deflate:
            pack = zlib.compressobj(6, zlib.DEFLATED, -15)
            payload = pack.compress(payload) + pack.flush() if block else nothing
        out += [number(len(block)), number(len(payload)), payload, SYNC]
    with open(path, "wb") as file:
        file.write(b"".join(out))


def field(name, kind, field_id, **more):
    return {"name": name, "type": kind, "field-id": field_id, **more}


def optional(name, kind, field_id):
    return field(name, ["null", kind], field_id, default=None)


def id_map(name, field_id, value, key_id, value_id):
    item = {"type": "record", "name": f"k{key_id}_v{value_id}",
            "fields": [field("key", "int", key_id), field("value", value, value_id)]}
    return optional(name, {"type": "array", "logicalType": "map", "items": item}, field_id)


def data_file_fields(partition, version):
    fields = [field("content", "int", 134)] if version > 1 else []
    fields += [field("file_path", "string", 100), field("file_format", "string", 101),
               field("partition", {"type": "record", "name": "r102", "fields": partition}, 102),
               field("record_count", "long", 103), field("file_size_in_bytes", "long", 104)]
    fields += [field("block_size_in_bytes", "long", 105)] if version == 1 else []
    return fields + [
        id_map("column_sizes", 108, "long", 117, 118), id_map("value_counts", 109, "long", 119, 120),
        id_map("null_value_counts", 110, "long", 121, 122), id_map("nan_value_counts", 137, "long", 138, 139),
        id_map("lower_bounds", 125, "bytes", 126, 127), id_map("upper_bounds", 128, "bytes", 129, 130),
        optional("key_metadata", "bytes", 131), optional("split_offsets", {"type": "array", "items": "long", "element-id": 133}, 132),
        *([optional("equality_ids", {"type": "array", "items": "int", "element-id": 136}, 135)] if version > 1 else []),
        optional("sort_order_id", "int", 140)]


def entry_schema(partition, version):
    fields = [field("status", "int", 0)]
    fields += [optional("snapshot_id", "long", 1)] if version > 1 else [field("snapshot_id", "long", 1)]
    fields += [optional("sequence_number", "long", 3), optional("file_sequence_number", "long", 4)] if version > 1 else []
    fields.append(field("data_file", {"type": "record", "name": "r2", "fields": data_file_fields(partition, version)}, 2))
    return {"type": "record", "name": "manifest_entry", "fields": fields}


def list_schema(version):
    fields = [field("manifest_path", "string", 500), field("manifest_length", "long", 501), field("partition_spec_id", "int", 502)]
    if version > 1:
        fields += [field("content", "int", 517), field("sequence_number", "long", 515), field("min_sequence_number", "long", 516)]
    summary = {"type": "record", "name": "r508", "fields": [field("contains_null", "boolean", 509),
                                                              optional("contains_nan", "boolean", 518),
                                                              optional("lower_bound", "bytes", 510), optional("upper_bound", "bytes", 511)]}
    counts = [("added_data_files_count", "int", 504), ("existing_data_files_count", "int", 505), ("deleted_data_files_count", "int", 506),
              ("added_rows_count", "long", 512), ("existing_rows_count", "long", 513), ("deleted_rows_count", "long", 514)]
    fields.append(field("added_snapshot_id", "long", 503))
    fields += [field(*count) if version > 1 else optional(*count) for count in counts]
    fields.append(optional("partitions", {"type": "array", "items": summary, "element-id": 508}, 507))
    return {"type": "record", "name": "manifest_file", "fields": fields}


def reorder(schema):
    """The same records with every record's fields turned around."""
    if isinstance(schema, list):
        return [reorder(branch) for branch in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: reorder(value) if key in ("type", "items", "values") else value for key, value in schema.items()}
    if "fields" in schema:
        out["fields"] = [reorder(part) for part in reversed(schema["fields"])]
    return out


class Table:
    """A table of one snapshot. Everything may be changed before `write`: the schemas, the entries, the metadata's document."""

    def __init__(self, folder, fields, spec=(), version=2):
        self.folder, self.fields, self.spec, self.version = folder, fields, list(spec), version
        self.partition, self.entries, self.deletes, self.properties = [], [], [], {}
        self.uri = "file://" + folder
        self.codec, self.per_block, self.empty_blocks = "null", None, False
        self.header = {}
        self.change_entry = self.change_list = self.change_line = self.change_document = lambda value: value
        os.makedirs(os.path.join(folder, "metadata"), exist_ok=True)
        os.makedirs(os.path.join(folder, "data"), exist_ok=True)

    def add(self, rows, partition=None, name=None, uri=None, more=None, **options):
        """Writes an Arrow table as a data file; options go to pyarrow."""
        path = os.path.join(self.folder, "data", name or f"{uuid.uuid4()}.parquet")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        pyarrow.parquet.write_table(rows, path, **options)
        return self.add_path(path, rows.num_rows, partition, uri, more)

    def add_path(self, path, rows, partition=None, uri=None, more=None):
        self.entries.append({"status": 1, "snapshot_id": 1, "data_file": {
            "content": 0, "file_path": uri or self.uri + path[len(self.folder):], "file_format": "PARQUET",
            "partition": partition or {}, "record_count": rows, "file_size_in_bytes": os.path.getsize(path),
            "block_size_in_bytes": 67108864, **(more or {})}})

    def delete(self, rows, keys=None, partition=None, **options):
        """Writes an Arrow table as a delete file of a later commit: of positions, or of the fields whose ids are `keys`."""
        more = {"content": 1 if keys is None else 2, "equality_ids": keys}
        self.add(rows, partition, more=more, **options)
        self.deletes.append(self.entries.pop())

    def write_manifest(self, number, entries):
        """The manifest and its line of the list: 0 holds data files, 1 delete files that were committed after them."""
        path = os.path.join(self.folder, "metadata", f"m{number}.avro")
        write_avro(path, self.change_entry(entry_schema(self.partition, self.version)), entries, self.header, self.codec,
                   self.per_block, self.empty_blocks)
        return {"manifest_path": f"{self.uri}/metadata/m{number}.avro", "manifest_length": os.path.getsize(path),
                "partition_spec_id": 0, "content": number, "sequence_number": number + 1, "min_sequence_number": number + 1,
                "added_snapshot_id": 1, "added_data_files_count": len(entries), "existing_data_files_count": 0,
                "deleted_data_files_count": 0, "added_rows_count": sum(e["data_file"]["record_count"] for e in entries),
                "existing_rows_count": 0, "deleted_rows_count": 0}

    def write(self):
        """Writes manifests, list and metadata; returns the metadata file."""
        folder = os.path.join(self.folder, "metadata")
        listing = os.path.join(folder, "snap-1.avro")
        lines = [self.write_manifest(0, self.entries)] + ([self.write_manifest(1, self.deletes)] if self.deletes else [])
        write_avro(listing, self.change_list(list_schema(self.version)), [self.change_line(line) for line in lines], {}, self.codec)
        schema = {"type": "struct", "schema-id": 0, "fields": self.fields}
        document = {
            "format-version": self.version, "table-uuid": str(uuid.uuid4()), "location": self.uri, "last-updated-ms": 1700000000000,
            "last-column-id": 100, "current-schema-id": 0, "schemas": [schema], "default-spec-id": 0,
            "partition-specs": [{"spec-id": 0, "fields": self.spec}], "last-partition-id": 1000, "default-sort-order-id": 0,
            "sort-orders": [{"order-id": 0, "fields": []}], "properties": self.properties, "current-snapshot-id": 1,
            "snapshots": [{"snapshot-id": 1, "timestamp-ms": 1700000000000, "summary": {"operation": "append"},
                           "manifest-list": self.uri + "/metadata/snap-1.avro", "schema-id": 0}],
            "snapshot-log": [{"snapshot-id": 1, "timestamp-ms": 1700000000000}], "metadata-log": []}
        if self.version > 1:
            document["last-sequence-number"] = document["snapshots"][0]["sequence-number"] = 2 if self.deletes else 1
        else:
            document["schema"], document["partition-spec"] = schema, self.spec
        path = os.path.join(folder, "v1.metadata.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(self.change_document(document), file)
        return path
