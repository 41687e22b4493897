# timeout: 600
"""Habits of writers that are within the format, or beside it and harmless: Avro schemas with namespaces, aliases, other widths of numbers, unions
around everything; counts under the names of either version; metadata that leaves out what a reader can do without; paths with slashes twice;
groups of lists and maps without a mark. Each table is made by hand (foreign.py); floe must give the rows that went in, or refuse by name."""
import json
import os

import pyarrow as pa

from foreign_checks import (LIST, MAP, ROWS, Refused, arrow, column, document, edited, expect, new, old, quirk, run, struct_of, without)
from parquet_by_hand import BYTES, INT32, INT64, LIST as LISTED, MAP as MAPPED, OPTIONAL, REPEATED, REQUIRED, UTF8, Group, Leaf

# ---- Avro schemas ----


def mapped(schema, change):
    """The schema with `change` done to every part that is an object, the innermost first."""
    if isinstance(schema, list):
        return [mapped(branch, change) for branch in schema]
    if isinstance(schema, dict):
        return change({key: mapped(value, change) for key, value in schema.items()})
    return schema


def both(change):
    """A quirk of the schemas of manifests and of their list."""
    def apply(table):
        table.change_entry = table.change_list = lambda schema: mapped(schema, change)
    return apply


def with_types(old_type, new_type, *names):
    return both(lambda part: {**part, "type": new_type} if part.get("name") in names and part.get("type") == old_type else part)


def lacking(name):
    def drop(part):
        return {**part, "fields": [field for field in part["fields"] if field["name"] != name]} if part.get("type") == "record" else part
    return both(drop)


def is_plain(part):
    return "field-id" in part and isinstance(part["type"], str)


def avro_schemas():
    quirk("records with a namespace", both(lambda part: {**part, "namespace": "org.example.t"} if part.get("type") == "record" else part))
    quirk("aliases and docs", both(lambda part: {**part, "aliases": ["zz"], "doc": "of it"} if "name" in part else part))
    quirk("maps without their logical type", both(lambda part: {key: value for key, value in part.items() if key != "logicalType"}))
    quirk("ints as longs", with_types("int", "long", "status", "content", "partition_spec_id", "added_data_files_count",
                                      "existing_data_files_count", "deleted_data_files_count", "key"))
    quirk("longs as ints", with_types("long", "int", "record_count", "file_size_in_bytes", "manifest_length", "added_rows_count",
                                      "sequence_number", "min_sequence_number", "existing_rows_count", "added_snapshot_id"))
    quirk("unions of one type", both(lambda part: {**part, "type": [part["type"]]} if is_plain(part) else part))
    quirk("everything may be null", both(lambda part: {**part, "type": ["null", part["type"]], "default": None}
                                         if "field-id" in part and not isinstance(part["type"], list) else part))
    for name in ("column_sizes", "value_counts", "null_value_counts", "nan_value_counts", "lower_bounds", "upper_bounds", "key_metadata",
                 "split_offsets", "equality_ids", "sort_order_id", "partitions", "added_rows_count", "existing_rows_count",
                 "deleted_rows_count", "added_data_files_count", "existing_data_files_count", "deleted_data_files_count",
                 "added_snapshot_id", "file_sequence_number", "content", "snapshot_id"):
        quirk(f"no {name}", lacking(name))
    for name in ("file_size_in_bytes", "record_count", "file_format", "file_path", "status"):
        quirk(f"no {name}, which there must be", lacking(name), want=Refused(f'no field "{name}"'))


def counts_of_either_version():
    names = {f"{kind}_data_files_count": f"{kind}_files_count" for kind in ("added", "existing", "deleted")}

    def renamed(table):
        table.change_list = lambda schema: mapped(schema, lambda part: {**part, "name": names.get(part["name"], part["name"])}
                                                  if "field-id" in part else part)
        table.change_line = lambda line: {names.get(key, key): value for key, value in line.items()}

    def without_ids(table):
        renamed(table)
        first = table.change_list
        table.change_list = lambda schema: mapped(first(schema), lambda part: {key: value for key, value in part.items()
                                                                               if key not in ("field-id", "element-id")})
    quirk("counts by their names of today", renamed)
    quirk("counts by their names of today alone", without_ids)


# ---- entries, lines and paths ----

def entry(label, change, **more):
    quirk(label, lambda table: change(table.entries[0], table.entries[0]["data_file"]), **more)


def line(label, **parts):
    quirk(label, lambda table: setattr(table, "change_line", lambda whole: {**whole, **parts}))


def entries_and_lines():
    entry("sequence numbers written out", lambda entry, _: entry.update(sequence_number=1, file_sequence_number=1))
    entry("a snapshot that is inherited", lambda entry, _: entry.update(snapshot_id=None))
    entry("an existing file", lambda entry, _: entry.update(status=0, sequence_number=1, file_sequence_number=1))
    entry("offsets in no order", lambda _, file: file.update(split_offsets=[400, 4, 4]))
    entry("a format with a capital", lambda _, file: file.update(file_format="Parquet"))
    line("a length of 1", manifest_length=1)
    line("a length of 0", manifest_length=0)
    for label, old_part, new_part in (("two slashes", "/data/", "//data//"), ("dots", "/data/", "/./data/../data/")):
        entry(f"a path with {label}", lambda _, file, old_part=old_part, new_part=new_part:
              file.update(file_path=file["file_path"].replace(old_part, new_part)))
    for scheme in ("hdfs://nn:8020", "s3n://b", "wasbs://c@a.blob.core.windows.net", "oss://b"):
        entry(f"a path of {scheme}", lambda _, file, scheme=scheme: file.update(file_path=f"{scheme}/t/data/a.parquet"),
              want=Refused(f"UNSUPPORTED: {scheme}/t/data/a.parquet: floe does not know how to read"))
    entry("a path without a root", lambda _, file: file.update(file_path="data/" + os.path.basename(file["file_path"])),
          want=Refused("NOT_FOUND"))


def documents():
    quirk("no current snapshot", without("current-snapshot-id"), want=[])
    quirk("a null current snapshot", edited(**{"current-snapshot-id": None}), want=[])
    quirk("-1 as the current snapshot", edited(**{"current-snapshot-id": -1}), want=[])
    for version in (1, 2):
        quirk(f"no current schema, version {version}", without("current-schema-id"), version)
        quirk(f"no default spec, version {version}", without("default-spec-id"), version)
    quirk("version 1 with its one spec", without("default-spec-id", "partition-specs"), 1)
    quirk("version 1, schemas without ids", document(lambda whole: (whole["schemas"][0].pop("schema-id"), whole["schema"].pop("schema-id", None))), 1)
    quirk("version 2 without specs", without("partition-specs"), want=Refused("CORRUPT"))
    quirk("a null schema of a snapshot", document(lambda whole: whole["snapshots"][0].update({"schema-id": None})))
    quirk("a location that ends in slashes", document(lambda whole: whole.update(location=whole["location"] + "//")))
    quirk("a branch with null ages", edited(refs={"main": {"snapshot-id": 1, "type": "branch", "max-snapshot-age-ms": None,
                                                           "min-snapshots-to-keep": None}}))
    quirk("another branch alone", document(lambda whole: (whole.update(refs={"audit": {"snapshot-id": 1, "type": "branch"}}),
                                                          whole.pop("current-snapshot-id"))), args=("--ref", "audit"))
    quirk("an identifier that no column is", document(lambda whole: whole["schemas"][0].update({"identifier-field-ids": [99]})))
    quirk("a required column that holds nulls", document(lambda whole: whole["schemas"][0]["fields"][1].update(required=True)))
    for label, parts in (("a version with a point", {"format-version": 2.0}), ("a version in quotes", {"format-version": "2"}),
                         ("a time with a point", {"last-updated-ms": 1.7e12})):
        quirk(label, edited(**parts), want=Refused("must be a whole number"))


# ---- groups without a mark ----

# Levels of repetition and definition of [1], null, [], [2, null] or, where nothing inside is null, [2, 3].
KEYS, VALUES = [(0, 2, "k"), (0, 0), (0, 1), (0, 2, "l"), (1, 2, "m")], [(0, 3, 1), (0, 0), (0, 1), (0, 3, 2), (1, 2)]
TWO = [(0, 2, 1), (0, 0), (0, 1), (0, 2, 2), (1, 2, 3)]
TEXTS = [(0, 3, "p"), (0, 0), (0, 1), (0, 2), (1, 3, "q")]
PAIRS = [{"m": [("k", 1)]}, {"m": None}, {"m": []}, {"m": [("l", 2), ("m", None)]}]


def entries_of(kind=INT64, ids=(3, 4), required=REQUIRED):
    return Group("key_value", REPEATED, Leaf("key", required, BYTES, KEYS if required == REQUIRED else
                                              [(0, 3, "k"), (0, 0), (0, 1), (0, 3, "l"), (1, 3, "m")], field_id=ids[0], converted=UTF8),
                 Leaf("value", OPTIONAL, kind, VALUES, field_id=ids[1]))


def unmarked_groups():
    column_m, column_a = [column("m", MAP, 1)], [column("a", LIST, 1)]
    names = [{"field-id": 1, "names": ["m"], "fields": [{"field-id": 3, "names": ["key"]}, {"field-id": 4, "names": ["value"]}]}]
    old("a map without a mark", column_m, PAIRS, Group("m", OPTIONAL, entries_of(), field_id=1))
    old("a map without a mark, widened", column_m, PAIRS, Group("m", OPTIONAL, entries_of(INT32), field_id=1))
    old("a map without a mark, by names", column_m, PAIRS, Group("m", OPTIONAL, entries_of(ids=(None, None))), mapping=names)
    old("a map without a mark, filtered", column_m, PAIRS[3:], Group("m", OPTIONAL, entries_of(), field_id=1),
        args=("--where", "cardinality(m) > 1"))
    old("a map whose keys may be null", column_m, PAIRS, Group("m", OPTIONAL, entries_of(required=OPTIONAL), field_id=1, converted=MAPPED))
    numbers = [{"a": [1]}, {"a": None}, {"a": []}, {"a": [2, None]}]
    for name in ("list", "bag", "array"):
        three = Group(name, REPEATED, Leaf("element", OPTIONAL, INT64, VALUES, field_id=2))
        old(f"a list without a mark, three levels by {name}", column_a, numbers, Group("a", OPTIONAL, three, field_id=1))
        two = Leaf(name, REPEATED, INT64, TWO, field_id=2)
        old(f"a list without a mark, two levels by {name}", column_a, [*numbers[:3], {"a": [2, 3]}], Group("a", OPTIONAL, two, field_id=1))
    structs = {"type": "list", "element-id": 2, "element": struct_of(column("y2", "string", 6), column("x", "long", 5), column("n", "int", 7)),
               "element-required": False}
    both_members = Group("bag", REPEATED, Leaf("x", OPTIONAL, INT64, VALUES, field_id=5),
                         Leaf("y", OPTIONAL, BYTES, TEXTS, field_id=6, converted=UTF8), field_id=2)
    want = [{"a": [{"y2": "p", "x": 1, "n": None}]}, {"a": None}, {"a": []},
            {"a": [{"y2": None, "x": 2, "n": None}, {"y2": "q", "x": None, "n": None}]}]
    old("a list of structs without a mark, evolved", [column("a", structs, 1)], want, Group("a", OPTIONAL, both_members, field_id=1))
    inside = Group("s", REQUIRED, Group("a", OPTIONAL, Leaf("array", REPEATED, INT64, TWO, field_id=2), field_id=9), field_id=1)
    old("a list without a mark inside a struct", [column("s", struct_of(column("a", LIST, 9)), 1)],
        Refused('holds the group "a", which the file does not mark'), inside)
    old("beside it another column", [column("s", struct_of(column("a", LIST, 9)), 1), column("z", "long", 8)], [{"z": 5}] * 4, inside,
        Leaf("z", REQUIRED, INT64, [(0, 0, 5)] * 4, field_id=8), args=("--columns", "z"))
    keys_alone = Group("key_value", REPEATED, Leaf("key", REQUIRED, BYTES, KEYS, field_id=3, converted=UTF8))
    old("a map of keys alone", column_m, Refused("UNSUPPORTED"), Group("m", OPTIONAL, keys_alone, field_id=1, converted=MAPPED))
    turned = Group("key_value", REPEATED, Leaf("value", OPTIONAL, INT64, VALUES, field_id=4),
                   Leaf("key", REQUIRED, BYTES, KEYS, field_id=3, converted=UTF8))
    old("a map with its values first", column_m, Refused("has no key with the id 3"), Group("m", OPTIONAL, turned, field_id=1, converted=MAPPED))
    old("a list with a mark, for comparison", column_a, numbers, Group("a", OPTIONAL, Group(
        "list", REPEATED, Leaf("element", OPTIONAL, INT64, VALUES, field_id=2)), field_id=1, converted=LISTED))


# ---- ids and names of columns ----

def one(name, cell, field_id=None, kind=INT64, **more):
    return Leaf(name, REQUIRED, kind, [(0, 0, cell)], field_id=field_id, **more)


def ids_and_names():
    def ab(*names):
        return [column(name, "long", number + 1) for number, name in enumerate(names)]

    def by_name(*names):
        return [{"field-id": number + 1, "names": list(group)} for number, group in enumerate(names)]

    old("an id that two columns have", ab("a"), [{"a": 1}], one("a", 1, 1), one("b", 2, 1))
    old("an id below zero is none", ab("a"), [{"a": 1}], one("a", 1, -1), mapping=by_name("a"))
    old("an id of zero", [column("a", "long", 0)], [{"a": 1}], one("a", 1, 0))
    for mapping in (None, by_name("a", "b")):
        old("a column without an id among others", ab("a", "b"), [{"a": 1, "b": None}], one("a", 1, 1), one("b", 2), mapping=mapping)
    old("a name in both cases", ab("A"), [{"A": 1}], one("a", 1), mapping=by_name(("a", "A")))
    old("a name in another case", ab("A"), [{"A": None}], one("a", 1), mapping=by_name(("A",)))
    old("columns of the file that differ in case", ab("a"), [{"a": 1}], one("a", 1, 1), one("A", 2, 2))
    old("columns of the file of one name", ab("a", "b"), [{"a": 1, "b": 2}], one("a", 1, 1), one("a", 2, 2))
    old("columns that differ in case", ab("a", "A"), Refused('the columns "a" and "A" differ only in case'), one("a", 1, 1), one("A", 2, 2))
    odd = "a\"b'c\\ü.x"
    old("a name with all that is quoted", ab(odd), [{odd: 1}], one(odd, 1, 1))
    old("a name of nothing", ab(""), Refused("UNSUPPORTED: the column with the id 1 has no name"), one("", 1, 1))
    own = ("file_row_number", "file_index", "filename")
    old("names that the engine has for itself", ab(*own), [dict(zip(own, (1, 2, 3)))],
        *(one(name, number + 1, number + 1) for number, name in enumerate(own)))

    table = new([column("a", "long", 1), column("b", "string", 2)])
    table.properties["schema.name-mapping.default"] = json.dumps(by_name(("x",), ("b",)))
    table.add(arrow(a=(1, pa.array([1])), b=(2, pa.array(["q"]))), name="1.parquet")
    table.add(pa.table({"x": [2], "b": ["r"]}), name="2.parquet")
    table.add(pa.table({"a": [3], "b": ["s"]}), name="3.parquet")
    expect("files with ids, and files with names of either kind", table.write(),
           [{"a": 1, "b": "q"}, {"a": 2, "b": "r"}, {"a": None, "b": "s"}], "--where", "b >= 'q'")
    table = new([column("a", "long", 1), column("b", "string", 2)])
    table.add(arrow(a=(1, pa.array([1])), b=(2, pa.array(["q"]))))
    table.add(pa.table({"a": [3], "b": ["s"]}))
    expect("files with ids, and one with names that nobody maps", table.write(), Refused("no name mapping"))


if __name__ == "__main__":
    assert len(ROWS) == 3
    run(avro_schemas, counts_of_either_version, entries_and_lines, documents, unmarked_groups, ids_and_names)
