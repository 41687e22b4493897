# timeout: 600
"""What other engines write into Iceberg tables that ours do not: metadata without what is optional, manifests in other shapes, partition
values in other Avro types, deletes in every order. Each table is made by hand (foreign.py) with pyarrow's Parquet; floe must give the rows
that went in, or refuse by name. test_iceberg_foreign_files.py is about data files."""
import copy
import datetime as dt
import decimal
import json
import os
import struct

import pyarrow as pa
import pyarrow.parquet as pq

from foreign import SYNC, optional, reorder
from foreign_checks import (ROWS, UUID, Refused, arrow, column, document, edited, expect, hold, new, plain_rows, quirk, run, scan, struct_of, under,
                            without)

def metadata_documents():
    for version in (1, 2):
        quirk(f"version {version}", version=version)
        for name in ("snapshot-log", "metadata-log", "sort-orders", "default-sort-order-id", "properties", "last-partition-id",
                     "last-updated-ms", "table-uuid", "last-column-id", "last-sequence-number"):
            quirk(f"version {version} without {name}", without(name), version)
    quirk("version 1 as first written", without("schemas", "current-schema-id", "partition-specs", "default-spec-id", "sort-orders",
                                                "default-sort-order-id", "last-partition-id", "snapshot-log", "table-uuid"), 1)
    quirk("a snapshot without its schema", document(lambda whole: whole["snapshots"][0].pop("schema-id")))
    quirk("a snapshot without a summary", document(lambda whole: whole["snapshots"][0].pop("summary")), 1)
    quirk("a summary without an operation", document(lambda whole: whole["snapshots"][0].update(summary={"engine-name": "x"})))
    quirk("nulls for what is optional", document(lambda whole: whole.update(dict.fromkeys(
        ("refs", "statistics", "partition-statistics", "snapshot-log", "metadata-log", "properties")))))
    statistics = {"snapshot-id": 1, "statistics-path": "s3://no/where.stats", "file-size-in-bytes": 1, "file-footer-size-in-bytes": 1,
                  "blob-metadata": []}
    quirk("statistics files", document(lambda whole: whole.update({"statistics": [statistics], "partition-statistics": [statistics]})))
    main = {"main": {"snapshot-id": 1, "type": "branch"}}
    tagged = {**main, "t": {"snapshot-id": 1, "type": "tag", "max-ref-age-ms": None}}
    quirk("a tag with a null age", document(lambda whole: whole.update(refs=tagged)), args=("--ref", "t"))
    quirk("a current snapshot that only the branch names",
          document(lambda whole: (whole.update(refs=main), whole.pop("current-snapshot-id"))))
    quirk("a branch that contradicts the current snapshot",
          document(lambda whole: whole.update({"refs": main, "current-snapshot-id": -1})), want=Refused("its branch main is at 1"))
    quirk("a location with a slash at its end", document(lambda whole: whole.update(location=whole["location"] + "/")))
    quirk("no location", without("location"), want=Refused("no \"location\""))
    for path in ("s3a://bucket/t", "warehouse/t"):
        quirk(f"the location {path}, where no file lies", edited(location=path))
    quirk("a view", document(lambda whole: (whole.clear(), whole.update({
        "view-uuid": str(UUID), "format-version": 1, "location": "/v", "schemas": [], "current-version-id": 1, "versions": [],
        "version-log": []}))), want=Refused("describes a view"))

    for label, parts in {"a snapshot without a number": {"sequence-number": None}, "a parent of -1": {"parent-snapshot-id": -1},
                         "a null parent": {"parent-snapshot-id": None}, "a schema of -1": {"schema-id": -1},
                         "a null summary": {"summary": None},
                         "numbers and nulls in a summary": {"summary": {"operation": "append", "added-records": 3, "x": None}}}.items():
        quirk(label, document(lambda whole, parts=parts: whole["snapshots"][0].update(parts)))
    quirk("properties that are no texts", edited(properties={"a": 1, "b": None, "c": True}))
    quirk("nulls in a schema", document(lambda whole: (whole["schemas"][0].update({"identifier-field-ids": None}),
                                                       whole["schemas"][0]["fields"][0].update(doc=None, required=False))))
    quirk("a sort order by something unknown", edited(**{"default-sort-order-id": 3, "sort-orders": [
        {"order-id": 3, "fields": [{"transform": "zorder", "source-ids": [1, 2], "direction": "asc", "null-order": "nulls-first"}]}]}))
    log = [{"snapshot-id": 1, "timestamp-ms": 1700000000000}, {"snapshot-id": 99, "timestamp-ms": 1600000000000}]
    late = ("--as-of", "2024-01-01T00:00:00Z")
    quirk("a log out of order, twice, with a snapshot that is gone", edited(**{"snapshot-log": log + log[:1]}), args=late)
    quirk("no refs", edited(refs={}))
    quirk("members that nobody knows", edited(**{"zz": {"a": [1]}, "next-row-id": None, "encryption-keys": []}))
    for transform in ({"source-ids": [1, 2], "transform": "zorder"}, {"source-ids": [1], "transform": "bucket[4]"},
                      {"source-id": 1, "transform": "Bucket[4]"}, {"source-id": 77, "transform": "identity"}):
        later = {"spec-id": 1, "fields": [{"field-id": 1001, "name": "z", **transform}]}
        quirk(f"another spec with {transform}", document(lambda whole, later=later: whole["partition-specs"].append(later)))

    def inline(whole):
        path = whole["snapshots"][0].pop("manifest-list")
        whole["snapshots"][0]["manifests"] = [os.path.join(os.path.dirname(path), "m0.avro")]
    quirk("manifests listed in the snapshot", document(inline), 1)


def manifests():
    def entries_and_list(change):
        def apply(table):
            table.change_entry = table.change_list = change
        return apply

    def unknown_fields(schema):
        schema = copy.deepcopy(schema)
        more = {"type": "record", "name": "rr", "fields": [{"name": "x", "type": "long", "default": 5, "field-id": 9997}]}
        schema["fields"].insert(0, {"name": "zz", "type": ["null", {"type": "map", "values": "string"}], "default": None,
                                    "field-id": 9999})
        schema["fields"].append({"name": "e", "type": more, "default": {}, "field-id": 9998})
        return schema

    def mapped(schema, change):
        if isinstance(schema, list):
            return [mapped(branch, change) for branch in (reversed(schema) if change == "unions" and "null" in schema else schema)]
        if isinstance(schema, dict):
            return {key: mapped(value, change) for key, value in schema.items()
                    if change != "ids" or key not in ("field-id", "element-id")}
        return schema

    quirk("records turned around", entries_and_list(reorder))
    quirk("fields that nobody knows", entries_and_list(unknown_fields))
    quirk("unions with null at their end", entries_and_list(lambda schema: mapped(schema, "unions")))
    quirk("no field ids", entries_and_list(lambda schema: mapped(schema, "ids")))
    for codec in ("null", "deflate", None, "DEFLATE", "Null"):
        quirk(f"codec {codec}", lambda table, codec=codec: setattr(table, "codec", codec))

    def empty_blocks(table):
        table.empty_blocks = True
    quirk("blocks without records", empty_blocks)
    quirk("packed blocks without records", lambda table: (empty_blocks(table), setattr(table, "codec", "deflate")))
    quirk("more files than there are, in a list", lambda table: setattr(
        table, "change_line", lambda line: {**line, "added_data_files_count": 5, "existing_data_files_count": 2}))

    def cut(table):
        """The manifest loses its second block, and stays a whole Avro file."""
        def shorten(line):
            path = os.path.join(table.folder, "metadata", "m0.avro")
            with open(path, "rb") as file:
                whole = file.read()
            header = whole.index(SYNC) + len(SYNC)
            with open(path, "wb") as file:
                file.write(whole[:whole.index(SYNC, header) + len(SYNC)])
            return line
        table.add(plain_rows())
        table.per_block, table.change_line = 1, shorten
    quirk("a manifest that lost a block", cut, want=Refused("the manifest is cut off: it lists 1 files, its manifest list says 2"))
    for label, more in {"a length of 0": {"file_size_in_bytes": 0}, "a length too large": {"file_size_in_bytes": 10**9},
                        "fewer rows than there are": {"record_count": 2}, "more rows": {"record_count": 5}, "no rows": {"record_count": 0},
                        "a sort order": {"sort_order_id": 7}, "no keys": {"equality_ids": []}}.items():
        quirk(f"an entry with {label}", lambda table, more=more: table.entries[0]["data_file"].update(more))
    quirk("a format in lower case", lambda table: table.entries[0]["data_file"].update(file_format="parquet"))
    for name, uri in (("file:/", "file:"), ("no scheme", ""), ("a host", "file://localhost")):
        quirk(f"paths with {name}", uri=lambda folder, uri=uri: uri + folder)
    quirk("a path that a URI would escape", name="p=a%2Fb ü/x y+z.parquet")
    quirk("a path like a pattern", name="p=[a-b]*?/{x}.parquet")


def bounds():
    def of(lower, upper, **more):
        return lambda table: table.entries[0]["data_file"].update(
            lower_bounds=[{"key": key, "value": value} for key, value in lower.items()],
            upper_bounds=[{"key": key, "value": value} for key, value in upper.items()], **more)
    where = ("--where", "k <= 3")
    quirk("bounds of the narrower type", of({1: struct.pack("<i", 1)}, {1: struct.pack("<i", 3)}), args=where)
    quirk("bounds of no type", of({1: b"\1\0\0", 99: b""}, {1: b"\3" + b"\0" * 8}), args=where)
    quirk("empty bounds", of({1: b"", 2: b""}, {1: b"", 2: b""}), args=where)
    quirk("a lower bound alone", of({1: struct.pack("<q", 1)}, {}), args=where)
    quirk("text cut short", of({2: b"a"}, {2: b"d"}), args=("--where", "s = 'c' or s = 'a' or s is null"))
    unknown = [{"key": 1, "value": -1}]
    quirk("counts of -1", of({}, {}, null_value_counts=unknown, value_counts=unknown), args=where)
    quirk("nulls counted as none where there are", of({}, {}, null_value_counts=[{"key": 1, "value": 0}]), args=where)
    quirk("bounds that rule the file out", of({1: struct.pack("<q", 10)}, {1: struct.pack("<q", 30)}), args=where, want=[])


PATH, POSITION, ROW = 2147483546, 2147483545, 2147483544
LEFT = [ROWS[0], ROWS[2]]  # the second row is deleted


NAMED = [{"field-id": 1, "names": ["k"]}, {"field-id": 2, "names": ["s"]}]


def deleted(label, change, want=None, mapping=None):
    """The plain rows, and deletes that `change` makes, of the table and the path of its data file."""
    table = new([column("k", "long", 1), column("s", "string", 2)])
    if mapping is not None:
        table.properties["schema.name-mapping.default"] = json.dumps(mapping)
    table.add(plain_rows())
    change(table, table.entries[0]["data_file"]["file_path"])
    expect(label, table.write(), LEFT if want is None else want)


def at(paths, positions=(1,), kind=None, **more):
    """Rows of a position delete file."""
    return arrow(file_path=(PATH, pa.array(paths)), pos=(POSITION, pa.array(positions, kind or pa.int64())), **more)


def position_deletes():
    def of(label, rows, **how):
        deleted(f"positions: {label}", lambda table, path: table.delete(rows(path)), **how)

    of("as the specification has them", lambda path: at([path]))
    of("without ids", lambda path: pa.table({"file_path": [path], "pos": [1]}))
    of("under other names", lambda path: arrow(f=(PATH, pa.array([path])), p=(POSITION, pa.array([1]))))
    of("the other way around", lambda path: arrow(pos=(POSITION, pa.array([1])), file_path=(PATH, pa.array([path]))))
    for kind in (pa.int32(), pa.uint32(), pa.uint64()):
        of(f"as {kind}", lambda path, kind=kind: at([path], kind=kind))
    of("paths as bytes", lambda path: at([path.encode()]))
    of("paths as bytes, without ids", lambda path: pa.table({"file_path": [path.encode()], "pos": [1]}))
    of("paths as a dictionary", lambda path: arrow(file_path=(PATH, pa.array([path]).dictionary_encode()), pos=(POSITION, pa.array([1]))))
    of("with the rows", lambda path: at([path], row=(ROW, pa.array([{"k": 2}], pa.struct([pa.field("k", pa.int64(), metadata=under(1))])))))
    of("file:/x for file:///x", lambda path: at([path.replace("file:///", "file:/")]))
    of("no scheme", lambda path: at([path.removeprefix("file://")]))
    of("in no order, twice, elsewhere, of nothing", lambda path: at([path, "/no/where", path, None, path], [1, 0, 1, 0, 77]))
    of("none", lambda path: at(pa.array([], pa.string()), []), want=ROWS)
    deleted("positions: bytes beside texts", lambda table, path: (table.delete(at([path.encode()])), table.delete(at([path], [0])),
                                                                 table.delete(pa.table({"file_path": [path], "pos": [2]}))), [])
    for where in ("entries", "deletes"):
        deleted(f"positions: no keys among {where}", lambda table, path, where=where: (
            table.delete(at([path])), getattr(table, where)[0]["data_file"].update(equality_ids=[])))
    for uri in ("file:", "file://localhost"):
        def elsewhere(table, path, uri=uri):
            table.delete(at([path]))
            table.entries[0]["data_file"]["file_path"] = path.replace("file://", uri)
        deleted(f"positions: of a data file with {uri}", elsewhere)


def equality_deletes():
    def of(label, rows, keys, want=None, **how):
        deleted(f"keys: {label}", lambda table, path: table.delete(rows, keys), want, **how)

    of("one", arrow(k=(1, pa.array([2]))), [1])
    of("under another name", arrow(old=(1, pa.array([2]))), [1])
    of("one id twice", arrow(k=(1, pa.array([2]))), [1, 1])
    of("of a narrower type", arrow(k=(1, pa.array([2], pa.int32()))), [1])
    of("two, one of them null", arrow(s=(2, pa.array([None], pa.string())), k=(1, pa.array([2]))), [1, 2])
    of("the whole row, by one", arrow(k=(1, pa.array([2])), s=(2, pa.array(["other"]))), [1])
    of("null", arrow(s=(2, pa.array([None], pa.string()))), [2])
    of("bytes for text", arrow(s=(2, pa.array([b"c"]))), [2], ROWS[:2])
    of("none", arrow(k=(1, pa.array([], pa.int64()))), [1], ROWS)
    of("without ids", pa.table({"k": [2]}), [1], Refused("no name mapping"))
    of("without ids, by the mapping", pa.table({"k": [2]}), [1], mapping=NAMED)
    deleted("keys and positions of one commit", lambda table, path: (
        table.delete(arrow(s=(2, pa.array(["c"]))), [2]), table.delete(at([path]))), ROWS[:1])
    time = dt.datetime(2020, 1, 1, 1, 2, 3, 4000)
    for kind, stored, key, cell in (
            ("timestamp", pa.timestamp("us"), pa.timestamp("ms"), time), ("timestamp", pa.timestamp("us"), pa.timestamp("ns"), time),
            ("timestamptz", pa.timestamp("us", "UTC"), pa.timestamp("us", "UTC"), time), ("uuid", pa.binary(16), pa.binary(16), UUID.bytes),
            ("fixed[3]", pa.binary(3), pa.binary(), b"abc"), ("binary", pa.binary(), pa.binary(), b"\0\xff"),
            ("time", pa.time64("us"), pa.time32("ms"), time.time()), ("date", pa.date32(), pa.date32(), time.date()),
            ("decimal(20,2)", pa.decimal128(20, 2), pa.decimal128(9, 2), decimal.Decimal("1.25")), ("boolean", pa.bool_(), pa.bool_(), True),
            ("long", pa.int64(), pa.uint32(), 5), ("double", pa.float64(), pa.float32(), 1.5)):
        for options in ({}, {"use_deprecated_int96_timestamps": True}) if kind.startswith("timestamp") else ({},):
            table = new([column("a", kind, 1)])
            table.add(arrow(a=(1, pa.array([cell, None], stored))))
            table.delete(arrow(a=(1, pa.array([cell], key))), [1], **options)
            expect(f"keys: {key} for {kind} {options}", table.write(), [{"a": None}])


def deletes_of_partitions():
    """A delete file reaches the files whose stored partition values are its own, whatever made them: null is null, NaN is NaN whatever its
    bits, and the two zeros differ, as in Java."""
    other_nan = struct.unpack("<d", struct.pack("<Q", 0xFFF8000000000001))[0]
    for label, avro, kind, transform, own, others in (
            ("NaN", "double", "double", "identity", float("nan"), (1.0, None)), ("another NaN", "double", "double", "identity", other_nan, (1.0,)),
            ("zero", "double", "double", "identity", 0.0, (-0.0,)), ("minus zero", "float", "float", "identity", -0.0, (0.0, None)),
            ("null", "string", "string", "identity", None, ("", "a")), ("nothing known", "int", "string", "zorder[16]", 3, (4, None)),
            ("bytes", "bytes", "binary", "identity", b"\0", (b"", b"\0\0"))):
        for keys in (None, [2]):
            table = new([column("p", kind, 1), column("k", "long", 2)],
                        spec=[{"name": "p", "transform": transform, "source-id": 1, "field-id": 1000}])
            table.partition = [optional("p", avro, 1000)]
            for number, value in enumerate((own, *others)):
                table.add(arrow(k=(2, pa.array([7, number]))), partition={"p": value})
            stored = float("nan") if label == "another NaN" else own
            path = table.entries[0]["data_file"]["file_path"]
            table.delete(at([path], [0]) if keys is None else arrow(k=(2, pa.array([7]))), keys, partition={"p": stored})
            got = scan(table.write(), "--columns", "k")
            want = [row for number in range(len(others) + 1) for row in (7, number) if not (row == 7 and number == 0)]
            hold(f"deletes of the partition {label}, keys {keys}",
                 got if isinstance(got, Refused) else sorted(row["k"] for row in got), sorted(want))


def odd_files():
    """Files and row groups without rows, positions across them, names that come again at other places, and members at depth that moved."""
    table = new([column("k", "long", 1), column("s", "string", 2)])
    table.add(plain_rows().slice(0, 0))
    for name, parts in (("groups", ((0, 0), (0, 2), (0, 0), (2, 1))), ("nothing", ())):
        path = os.path.join(table.folder, "data", f"{name}.parquet")
        with pq.ParquetWriter(path, plain_rows().schema) as writer:
            for start, count in parts:
                writer.write_table(plain_rows().slice(start, count))
        table.add_path(path, sum(count for _, count in parts))
    expect("row groups and files without rows", table.write(), ROWS)
    path = table.entries[1]["data_file"]["file_path"]
    expect("positions across row groups", table.write(), [{"k": row["k"], "_pos": at} for at, row in enumerate(ROWS)], "--columns", "k,_pos")
    table.delete(at([path], [2]))
    expect("a delete behind an empty row group", table.write(), ROWS[:2])

    def member(x, y):
        return pa.struct([pa.field("x", pa.int64(), metadata=under(x)), pa.field("y", pa.int64(), metadata=under(y))])
    table = new([column("x", "long", 7), column("a", struct_of(column("x", "long", 5), column("y", "long", 6)), 1),
                 column("b", struct_of(column("y", "long", 4), column("x", "long", 3)), 2)])
    table.add(arrow(zz=(90, pa.array([9, 9])), b=(2, pa.array([{"x": 1, "y": 2}, None], member(3, 4))),
                    a=(1, pa.array([{"x": 5, "y": 6}, {"x": 7, "y": None}], member(5, 6))), x=(7, pa.array([8, None]))))
    expect("one name at three places, a column too many, another order", table.write(),
           [{"x": 8, "a": {"x": 5, "y": 6}, "b": {"y": 2, "x": 1}}, {"x": None, "a": {"x": 7, "y": None}, "b": None}])

    value = pa.struct([pa.field("p", pa.int32(), metadata=under(14)), pa.field("q", pa.string(), metadata=under(15))])
    inside = pa.map_(pa.field("key", pa.string(), False, metadata=under(12)), pa.field("value", value, metadata=under(13)))
    element = pa.struct([pa.field("m", inside, metadata=under(11)), pa.field("old", pa.float32(), metadata=under(16))])
    kind = pa.list_(pa.field("element", element, metadata=under(10)))
    moved = {"type": "map", "key-id": 12, "key": "string", "value-id": 13, "value-required": False,
             "value": struct_of(column("q", "int", 21), column("p", "long", 14), column("qq", "string", 15))}
    table = new([column("l", {"type": "list", "element-id": 10, "element-required": False, "element": struct_of(
        column("neu", "date", 20), column("old", "double", 16), column("mm", moved, 11))}, 9)])
    cells = [[{"m": [("k", {"p": 1, "q": "z"}), ("l", None)], "old": 1.5}, None, {"m": None, "old": None}], None, []]
    table.add(arrow(l=(9, pa.array(cells, kind), kind)))
    expect("a map of structs in a struct in a list, all of it moved", table.write(),
           [{"l": [{"neu": None, "old": 1.5, "mm": [("k", {"q": None, "p": 1, "qq": "z"}), ("l", None)]}, None,
                   {"neu": None, "old": None, "mm": None}]}, {"l": None}, {"l": []}])


def odd_keys():
    """Equality deletes by values that compare in ways of their own: the zeros differ, NaN is NaN, null is null, bytes may be zero."""
    nan, narrow = float("nan"), struct.unpack("<f", struct.pack("<f", 0.1))[0]
    exact = decimal.Decimal("1.0000000001")
    for kind, stored, cells, keys, left, key_type in (
            ("float", pa.float32(), [0.0, -0.0, nan, None, 1.5], [0.0], [1, 2, 3, 4], None),
            ("float", pa.float32(), [0.0, -0.0, nan, None, 1.5], [-0.0, nan], [0, 3, 4], None),
            ("double", pa.float64(), [0.0, narrow, nan, None, 0.1], [0.1], [0, 1, 2, 3], None),
            ("double", pa.float64(), [0.0, narrow, nan, None, 0.1], [0.1], [0, 2, 3, 4], pa.float32()),
            ("decimal(38,10)", pa.decimal128(38, 10), [exact, decimal.Decimal(1), None], [exact], [1, 2], None),
            ("uuid", pa.binary(16), [UUID.bytes, bytes(16), None], [UUID.bytes], [1, 2], None),
            ("uuid", pa.binary(16), [UUID.bytes, bytes(16), None], [None], [0, 1], None),
            ("string", pa.string(), ["", "a\0b", "a", None], ["a\0b", ""], [2, 3], None),
            ("binary", pa.binary(), [b"", b"\0", None], [b""], [1, 2], None),
            ("boolean", pa.bool_(), [True, False, None], [None, False], [0], None)):
        table = new([column("a", kind, 1), column("n", "long", 2)])
        table.add(arrow(a=(1, pa.array(cells, stored)), n=(2, pa.array(range(len(cells))))))
        table.delete(arrow(a=(1, pa.array(keys, key_type or stored))), [1])
        expect(f"keys {keys} of {kind}", table.write(), [{"n": number} for number in left], "--columns", "n")


def partitioned(label, avro, kind, stored, want, transform="identity", args=()):
    """The column is in no file: identity takes it from the partition, what else there is gives null."""
    table = new([column("p", kind, 1), column("k", "long", 2)],
                spec=[{"name": "p", "transform": transform, "source-id": 1, "field-id": 1000}])
    table.partition = [optional("p", avro, 1000)]
    table.add(arrow(k=(2, pa.array([7]))), partition={"p": stored})
    expect(label, table.write(), want if isinstance(want, Refused) else [{"p": want, "k": 7}], *args)


def partition_values():
    def logical(kind, name, **more):
        return {"type": kind, "logicalType": name, **more}

    def fixed(size, name, **more):
        return {"type": "fixed", "name": f"f{size}_{name}", "size": size, "logicalType": name, **more}

    digits = {"precision": 9, "scale": 2}
    minus = (-125).to_bytes(4, "big", signed=True)
    date, time = dt.date(2020, 1, 1), dt.datetime(2020, 1, 1, 1, 2, 3, 4)
    partitioned("int stored as long", "long", "int", 5, 5)
    partitioned("long stored as int", "int", "long", 5, 5, args=("--where", "p = 5"))
    partitioned("date stored as int", "int", "date", 18262, date, args=("--where", "p = DATE '2020-01-01'"))
    partitioned("date", logical("int", "date"), "date", 18262, date)
    partitioned("timestamp", logical("long", "timestamp-micros", **{"adjust-to-utc": False}), "timestamp", 1577840523000004, time)
    partitioned("local timestamp", logical("long", "local-timestamp-micros"), "timestamp", 1577840523000004, time)
    partitioned("timestamp as long", "long", "timestamp", 1577840523000004, time)
    partitioned("timestamp in milliseconds", logical("long", "timestamp-millis"), "timestamp", 1577840523000, Refused("timestamp-millis"))
    partitioned("date for a timestamp", logical("int", "date"), "timestamp", 18262, Refused("partition value is stored as date"))
    partitioned("time", logical("long", "time-micros"), "time", 3723000004, dt.time(1, 2, 3, 4))
    partitioned("uuid as text", "string", "uuid", str(UUID), UUID)
    partitioned("uuid", fixed(16, "uuid"), "uuid", UUID.bytes, UUID)
    partitioned("fixed", {"type": "fixed", "name": "f3", "size": 3}, "fixed[3]", b"abc", b"abc")
    partitioned("fixed as bytes", "bytes", "fixed[3]", b"abc", b"abc")
    partitioned("decimal in a fixed", fixed(4, "decimal", **digits), "decimal(9,2)", minus, decimal.Decimal("-1.25"))
    partitioned("decimal in bytes", logical("bytes", "decimal", **digits), "decimal(9,2)", minus, decimal.Decimal("-1.25"))
    partitioned("string", "string", "string", "it's ü/%2F", "it's ü/%2F")
    partitioned("binary", "bytes", "binary", b"\0'x", b"\0'x")
    partitioned("boolean", "boolean", "boolean", True, True)
    partitioned("double stored as float", "float", "double", 1.5, 1.5)
    partitioned("null", "string", "string", None, None, args=("--where", "p is null"))
    partitioned("void", "string", "string", None, None, transform="void")
    partitioned("bucket", "int", "string", 3, None, transform="bucket[16]")
    partitioned("a transform that nobody knows", "int", "string", 3, None, transform="zorder[16]")
    partitioned("truncate", "string", "string", "ab", None, transform="truncate[2]")


if __name__ == "__main__":
    run(metadata_documents, manifests, bounds, position_deletes, equality_deletes, deletes_of_partitions, odd_files, odd_keys, partition_values)
