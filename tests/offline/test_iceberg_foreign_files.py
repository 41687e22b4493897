# timeout: 600
"""Data files as other tools write them: Parquet types and encodings of migrated tables, lists and maps under any name and without a mark,
files without field ids. Each table is made by hand (foreign.py) with pyarrow's Parquet, or with parquet_by_hand.py where pyarrow does not
write such any more; floe must give the rows that went in, or refuse by name."""
import datetime as dt
import decimal
import os

import pyarrow as pa

from foreign_checks import (LIST, MAP, UUID, Refused, arrow, column, expect, nested, new, old, run, struct_of, typed, under,
                            zoned)
from parquet_by_hand import (BYTES, DECIMAL, ENUM, FIXED, INT32, INT64, LIST as LISTED, MAP as MAPPED, MAP_KEY_VALUE, OPTIONAL, REPEATED,
                             REQUIRED, UTF8, Group, Leaf, write)

NEW_MEMBER = {"type": "struct", "fields": [column("n", "long", 50)]}


def parquet_types():
    micros = [dt.datetime(2020, 1, 1, 1, 2, 3, 4), None, dt.datetime(1960, 1, 1, 1, 2, 3, 999999)]
    millis = [dt.datetime(2020, 1, 1, 1, 2, 3, 4000), None]
    typed("INT96 as timestamp", "timestamp", pa.array(micros, pa.timestamp("us")), use_deprecated_int96_timestamps=True)
    typed("INT96 as timestamptz", "timestamptz", pa.array(micros, pa.timestamp("us")), zoned(micros),
          use_deprecated_int96_timestamps=True)
    typed("nanoseconds for timestamp", "timestamp", pa.array(micros, pa.timestamp("ns")), micros)
    typed("nanoseconds for timestamptz", "timestamptz", pa.array(micros, pa.timestamp("ns", tz="UTC")),
          Refused("TIMESTAMP_NS WITH TIME ZONE")) # the engine cuts them down, and nothing tells which it cut
    for stray in (1, 999, 1001, -1):
        typed(f"{stray} ns past a microsecond for timestamp", "timestamp", pa.array([1000, None, stray], pa.timestamp("ns")),
              Refused("nanoseconds that are no whole microseconds"))
    typed("milliseconds for timestamp", "timestamp", pa.array(millis, pa.timestamp("ms")))
    typed("milliseconds for timestamptz", "timestamptz", pa.array(millis, pa.timestamp("ms", tz="UTC")), zoned(millis))
    typed("time in milliseconds", "time", pa.array([dt.time(1, 2, 3, 4000), None], pa.time32("ms")))
    typed("time in nanoseconds", "time", pa.array([dt.time(1, 2, 3, 4), None], pa.time64("ns")))
    typed("date of 64 bits", "date", pa.array([dt.date(1920, 1, 1), None], pa.date64()))
    for kind, stored, top in (("int", pa.int8(), 127), ("int", pa.uint8(), 255), ("int", pa.uint16(), 65535),
                              ("int", pa.uint32(), 2**31 - 1), ("long", pa.uint32(), 2**32 - 1), ("long", pa.uint64(), 2**63 - 1),
                              ("long", pa.int16(), -32768), ("float", pa.float16(), 1.5), ("double", pa.float32(), 1.5)):
        typed(f"{stored} for {kind}", kind, pa.array([1, None, top], stored))
    typed("uint32 past int", "int", pa.array([2**31], pa.uint32()), Refused("out of range"))
    typed("uint64 past long", "long", pa.array([2**63], pa.uint64()), Refused("out of range"))
    typed("uint64 for decimal(20,0)", "decimal(20,0)", pa.array([1, None, 2**64 - 1], pa.uint64()),
          [decimal.Decimal(1), None, decimal.Decimal(2**64 - 1)])
    cells = [decimal.Decimal("1.25"), None, decimal.Decimal("-99.99")]
    for digits, wide in ((9, 9), (18, 18), (9, 38), (4, 4)):
        for as_integer in (True, False):
            typed(f"decimal({digits},2) for decimal({wide},2), as integer {as_integer}", f"decimal({wide},2)",
                  pa.array(cells, pa.decimal128(digits, 2)), store_decimal_as_integer=as_integer)
    text = ["abc", "ü€😀", "", None]
    raw = [cell and cell.encode() if cell is not None else None for cell in text]
    raw[2] = b""
    typed("bytes for string", "string", pa.array(raw, pa.binary()), text)
    typed("bytes that are no text for string", "string", pa.array([b"\xff"], pa.binary()), Refused("invalid UTF8"))
    typed("text for binary", "binary", pa.array(text, pa.string()), raw)
    typed("uuid without annotation", "uuid", pa.array([UUID.bytes, None], pa.binary(16)), [UUID, None])
    typed("fixed", "fixed[3]", pa.array([b"abc", None], pa.binary(3)))
    typed("fixed of any length", "fixed[3]", pa.array([b"abc", None], pa.binary()))
    typed("binary of fixed length", "binary", pa.array([b"abc", None], pa.binary(3)))
    typed("a column without a value", "string", pa.array([None, None], pa.null()))
    typed("double for float", "float", pa.array([1.5], pa.float64()), Refused("the file holds DOUBLE"))


def parquet_encodings():
    numbers, texts = pa.array(list(range(1000)), pa.int64()), pa.array(["abc", "abd", None] * 100)
    typed("a dictionary", "string", texts.dictionary_encode(), texts.to_pylist())
    typed("DELTA_BINARY_PACKED", "long", numbers, use_dictionary=False, column_encoding={"a": "DELTA_BINARY_PACKED"})
    typed("BYTE_STREAM_SPLIT", "double", pa.array([1.5, None] * 90), use_dictionary=False, column_encoding={"a": "BYTE_STREAM_SPLIT"})
    typed("DELTA_BYTE_ARRAY", "string", texts, use_dictionary=False, column_encoding={"a": "DELTA_BYTE_ARRAY"})
    typed("DELTA_LENGTH_BYTE_ARRAY", "string", texts, use_dictionary=False, column_encoding={"a": "DELTA_LENGTH_BYTE_ARRAY"})
    typed("RLE booleans", "boolean", pa.array([True, None, False] * 100), data_page_version="2.0", use_dictionary=False,
          column_encoding={"a": "RLE"})
    typed("pages of version 2", "string", texts, data_page_version="2.0")
    for codec in ("none", "snappy", "gzip", "brotli", "zstd", "lz4"):
        typed(f"packed by {codec}", "long", numbers, compression=codec)


def nested_columns():
    for name in ("element", "item", "array", "bag", "col_tuple"):
        kind = pa.list_(pa.field(name, pa.int64(), metadata=under(2)))
        for compliant in (True, False):
            nested(f"a list of \"{name}\", compliant {compliant}", [column("a", LIST, 1)],
                   arrow(a=(1, pa.array([[1, None], None, []], kind))), use_compliant_nested_type=compliant)
    member = pa.struct([pa.field("x", pa.int64(), metadata=under(5)), pa.field("y", pa.string(), metadata=under(6))])
    cells = [{"x": 1, "y": "q"}, None, {"x": None, "y": None}]
    structs = arrow(s=(8, pa.array(cells, member)))
    nested("a struct with nothing but new members", [column("s", NEW_MEMBER, 8)], structs,
           [{"s": {"n": None}}, {"s": None}, {"s": {"n": None}}])
    nested("a struct that lost a member", [column("s", struct_of(column("y", "string", 6)), 8)], structs,
           [{"s": {"y": "q"}}, {"s": None}, {"s": {"y": None}}])
    lists = arrow(l=(8, pa.array([[cells[0], None], None], pa.list_(pa.field("element", member, metadata=under(9))))))
    turned = {"type": "list", "element-id": 9, "element": struct_of(column("y", "string", 6), column("x", "long", 5)),
              "element-required": False}
    nested("a list of structs turned around", [column("l", turned, 8)], lists, [{"l": [{"y": "q", "x": 1}, None]}, {"l": None}])
    nested("a list of structs with nothing but new members", [column("l", {**turned, "element": NEW_MEMBER}, 8)], lists,
           Refused("has none of the members"))
    map_type = pa.map_(pa.field("key", pa.string(), False, metadata=under(3)), pa.field("value", member, metadata=under(4)))
    maps = arrow(m=(8, pa.array([[("k", cells[0]), ("j", None)], None], map_type), map_type))
    renamed = {**MAP, "value": struct_of(column("y2", "string", 6), column("x", "long", 5), column("n", "int", 51))}
    nested("a map of structs, renamed and with more", [column("m", renamed, 8)], maps,
           [{"m": [("k", {"y2": "q", "x": 1, "n": None}), ("j", None)]}, {"m": None}])
    raw = pa.struct([pa.field("x", pa.binary(), metadata=under(5))])
    nested("bytes for a string inside a struct", [column("s", struct_of(column("x", "string", 5)), 8)],
           arrow(s=(8, pa.array([{"x": b"\xc3\xbc"}], raw))), Refused("the file holds BLOB"))
    nested("names in another case", [column("A", "long", 1), column("b", "long", 2)],
           arrow(a=(1, pa.array([1])), B=(2, pa.array([2]))), [{"A": 1, "b": 2}])


def name_mapping():
    plain = pa.table({"a": pa.array([[1, None], None, []], pa.list_(pa.int64())),
                      "m": pa.array([[("p", 1), ("q", None)], None, []], pa.map_(pa.string(), pa.int64())),
                      "s": pa.array([{"x": 1, "y": "q"}, None, {"x": None, "y": None}], pa.struct([("x", pa.int64()), ("y", pa.string())]))})
    mapping = [{"field-id": 1, "names": ["a"], "fields": [{"field-id": 2, "names": ["element"]}]},
               {"field-id": 7, "names": ["m"], "fields": [{"field-id": 3, "names": ["key"]}, {"field-id": 4, "names": ["value"]}]},
               {"field-id": 8, "names": ["s"], "fields": [{"field-id": 5, "names": ["x", "xx"]}, {"field-id": 6, "names": ["y"]}]}]
    struct_field = struct_of(column("x", "long", 5), column("y", "string", 6))
    fields = [column("a", LIST, 1), column("m", MAP, 7), column("s", struct_field, 8)]
    nested("names for ids at every depth", fields, plain, mapping=mapping)
    turned = struct_of(column("y2", "string", 6), column("x2", "long", 5))
    nested("names for ids, renamed since", [column("aa", LIST, 1), column("mm", MAP, 7), column("ss", turned, 8)], plain,
           [{"aa": row["a"], "mm": row["m"], "ss": row["s"] and {"y2": row["s"]["y"], "x2": row["s"]["x"]}}
            for row in plain.to_pylist()], mapping)
    nested("a column that the file lacks", [column("a", LIST, 1), column("z", "string", 99)], plain.select(["a"]),
           [{"a": row["a"], "z": None} for row in plain.to_pylist()], mapping)
    nested("no names and no ids", fields, plain, Refused("no name mapping"))


# Lists in levels of repetition and definition: [1], null, [], [2, 3] or, of what may be null inside, [2, null].
NUMBERS = [(0, 2, 1), (0, 0), (0, 1), (0, 2, 2), (1, 2, 3)]
MEMBER_X = [(0, 3, 1), (0, 0), (0, 1), (0, 3, 2), (1, 2)]
MEMBER_Y = [(0, 3, "p"), (0, 0), (0, 1), (0, 2), (1, 3, "q")]


def old_lists():
    structs = {"type": "list", "element-id": 2, "element": struct_of(column("x", "long", 5), column("y", "string", 6)),
               "element-required": False}
    turned = {**structs, "element": struct_of(column("y2", "string", 6), column("x", "long", 5))}
    single = {**structs, "element": struct_of(column("x", "long", 5))}
    numbers = [{"a": [1]}, {"a": None}, {"a": []}, {"a": [2, 3]}]
    for name in ("array", "element", "a_tuple", "bag"):
        leaf = Leaf(name, REPEATED, INT64, NUMBERS, field_id=2)
        old(f"two levels, \"{name}\"", [column("a", LIST, 1)], numbers, Group("a", OPTIONAL, leaf, field_id=1, converted=LISTED))
        old(f"two levels, renamed, \"{name}\"", [column("b", LIST, 1)], [{"b": row["a"]} for row in numbers],
            Group("a", OPTIONAL, leaf, field_id=1, converted=LISTED))
        x, y = Leaf("x", OPTIONAL, INT64, MEMBER_X, field_id=5), Leaf("y", OPTIONAL, BYTES, MEMBER_Y, field_id=6, converted=UTF8)
        both = Group("a", OPTIONAL, Group(name, REPEATED, x, y, field_id=2), field_id=1, converted=LISTED)
        old(f"two levels of structs, \"{name}\"", [column("a", structs, 1)],
            [{"a": [{"x": 1, "y": "p"}]}, {"a": None}, {"a": []}, {"a": [{"x": 2, "y": None}, {"x": None, "y": "q"}]}], both)
        old(f"two levels of structs, turned around, \"{name}\"", [column("a", turned, 1)],
            [{"a": [{"y2": "p", "x": 1}]}, {"a": None}, {"a": []}, {"a": [{"y2": None, "x": 2}, {"y2": "q", "x": None}]}], both)
        old(f"two levels of structs of one member, \"{name}\"", [column("a", single, 1)], Refused("structs of one member"),
            Group("a", OPTIONAL, Group(name, REPEATED, x, field_id=2), field_id=1, converted=LISTED))
        three = Leaf("x", OPTIONAL, INT64, MEMBER_X, field_id=2)
        for group_id in (None, 77):
            old(f"three levels, \"{name}\", {group_id}", [column("a", LIST, 1)], [{"a": [1]}, {"a": None}, {"a": []}, {"a": [2, None]}],
                Group("a", OPTIONAL, Group(name, REPEATED, three, field_id=group_id), field_id=1, converted=LISTED))
    beside = Leaf("A_", REQUIRED, INT64, [(0, 0, 9)] * 4, field_id=3)
    old("two levels beside another column", [column("a", LIST, 1), column("z", "long", 3)], [{**row, "z": 9} for row in numbers],
        Group("a", OPTIONAL, Leaf("array", REPEATED, INT64, NUMBERS, field_id=2), field_id=1, converted=LISTED), beside)
    mapping = [{"field-id": 1, "names": ["a"], "fields": [{"field-id": 2, "names": ["array", "element"]}]}]
    old("two levels by names", [column("a", LIST, 1)], numbers,
        Group("a", OPTIONAL, Leaf("array", REPEATED, INT64, NUMBERS), converted=LISTED), mapping=mapping)
    old("two levels without an id inside", [column("a", LIST, 1)], Refused("no element with the id 2"),
        Group("a", OPTIONAL, Leaf("array", REPEATED, INT64, NUMBERS), field_id=1, converted=LISTED))
    old("no list around what is repeated", [column("a", LIST, 1)], Refused("no element with the id 2"),
        Leaf("a", REPEATED, INT64, [(0, 1, 1), (0, 0), (0, 0), (1, 1, 3)], field_id=1))


def old_maps():
    keys, values = [(0, 2, "k"), (0, 0), (0, 1), (0, 2, "l"), (1, 2, "m")], [(0, 3, 1), (0, 0), (0, 1), (0, 3, 2), (1, 2)]
    want = [{"m": [("k", 1)]}, {"m": None}, {"m": []}, {"m": [("l", 2), ("m", None)]}]
    for inner, key, value, group_id, converted in (("map", "key", "value", None, MAP_KEY_VALUE), ("key_value", "key", "value", None, None),
                                                   ("entries", "k", "v", None, None), ("map", "key", "value", 78, MAP_KEY_VALUE)):
        pair = Group(inner, REPEATED, Leaf(key, REQUIRED, BYTES, keys, field_id=3, converted=UTF8),
                     Leaf(value, OPTIONAL, INT64, values, field_id=4), field_id=group_id, converted=converted)
        old(f"a map by {inner} of {key}, {group_id}", [column("m", MAP, 1)], want, Group("m", OPTIONAL, pair, field_id=1, converted=MAPPED))


    # The mark of the entries around the whole map, as parquet-mr once had it: the engine gives up on the file, whatever is asked for.
    pair = Group("map", REPEATED, Leaf("key", REQUIRED, BYTES, keys, field_id=3, converted=UTF8), Leaf("value", OPTIONAL, INT64, values, field_id=4))
    table = new([column("m", MAP, 1)])
    for mark in (MAPPED, MAP_KEY_VALUE):
        path = os.path.join(table.folder, "data", f"{mark}.parquet")
        write(path, 4, Group("m", OPTIONAL, pair, field_id=1, converted=mark))
        table.add_path(path, 4)
    expect("a map marked as its entries", table.write(), Refused(f"UNSUPPORTED: {path}: the file marks a map"))


def old_columns():
    def of(label, kind, stored, cells, want, **more):
        cells = [(0, 0) if cell is None else (0, 1, cell) for cell in cells]
        old(label, [column("a", kind, 1)], want if isinstance(want, Refused) else [{"a": cell} for cell in want],
            Leaf("a", OPTIONAL, stored, cells, field_id=1, **more))

    def big(number, size):
        return number.to_bytes(size, "big", signed=True)

    cents = [decimal.Decimal("-1.25"), None, decimal.Decimal("0.07")]
    for size, digits in ((1, 2), (2, 4), (4, 9), (5, 11), (8, 18), (16, 38)):
        cells = [big(-125, size), None, big(7, size)]
        of(f"decimal in {size} bytes of any length", "decimal(38,2)", BYTES, cells, cents, converted=DECIMAL, scale=2, precision=38)
        of(f"decimal in {size} bytes", "decimal(38,2)", FIXED, cells, cents, converted=DECIMAL, scale=2, precision=digits, length=size)
    of("decimal in 32 bits", "decimal(9,2)", INT32, [-125, None, 7], cents, converted=DECIMAL, scale=2, precision=9)
    of("decimal in 64 bits", "decimal(18,2)", INT64, [-125, None, 7], cents, converted=DECIMAL, scale=2, precision=18)
    of("an enum", "string", BYTES, ["x", None], ["x", None], converted=ENUM)
    of("uuid without annotation, of any length", "uuid", BYTES, [UUID.bytes, None], [UUID, None])
    of("a day without annotation", "date", INT32, [18262, None, 0, 0], Refused("the file holds INTEGER"))
    of("a time without annotation", "timestamp", INT64, [1, None, 0, 0], Refused("the file holds BIGINT"))


def old_statistics():
    """Writers once compared the bytes of texts as signed ones: what begins beyond ASCII was their smallest. Files of that time have no
    ids, and a filter on what they say of themselves would lose rows."""
    accent = "é".encode()
    names = [{"field-id": 1, "names": ["a"], "fields": [{"field-id": 2, "names": ["x"]}]}]
    for question, found in (("{} = 'é'", "é"), ("{} = 'a'", "a"), ("{} > 'b'", "é"), ("{} < 'b'", "a"), ("{} LIKE 'é%'", "é")):
        for converted in (None, UTF8):
            old(f"signed bytes, {question}, {converted}", [column("a", "string", 1)], [{"a": found}],
                Leaf("a", OPTIONAL, BYTES, [(0, 1, b"a"), (0, 1, accent)], converted=converted, ends=(accent, b"a")),
                mapping=names, args=("--where", question.format("a")))
        inside = Leaf("x", OPTIONAL, BYTES, [(0, 2, b"a"), (0, 2, accent)], converted=UTF8, ends=(accent, b"a"))
        old(f"signed bytes in a struct, {question}", [column("a", struct_of(column("x", "string", 2)), 1)], [{"a": {"x": found}}],
            Group("a", OPTIONAL, inside), mapping=names, args=("--where", question.format("a.x")))
    cents = [(-125).to_bytes(4, "big", signed=True), (7).to_bytes(4, "big", signed=True)]
    for question, found in (("a < 0", "-1.25"), ("a > 0", "0.07")):
        old(f"decimals by unsigned bytes, {question}", [column("a", "decimal(9,2)", 1)], [{"a": decimal.Decimal(found)}],
            Leaf("a", OPTIONAL, FIXED, [(0, 1, cell) for cell in cents], converted=DECIMAL, scale=2, precision=9, length=4,
                 ends=(cents[1], cents[0])), mapping=names, args=("--where", question))



if __name__ == "__main__":
    run(parquet_types, parquet_encodings, nested_columns, name_mapping, old_lists, old_maps, old_columns, old_statistics)
