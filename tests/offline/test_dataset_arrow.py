"""Arrow files as spines and as what is built, against pyarrow both ways: every type, both forms, compressed or not, old
framing, dictionaries, several batches; what is damaged or not read is refused by name. timeout: 600"""
import datetime as dt
import decimal
import os
import random
import subprocess
import sys
import unittest
import uuid

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

sys.path.insert(0, os.path.dirname(__file__))
from dataset_support import FLOE, Failed, Project, entity, source, view  # noqa: E402

INVALID, NOT_FOUND, LIMIT, CORRUPT, UNSUPPORTED = 3, 4, 6, 11, 12
EVENTS = """SELECT * FROM (VALUES ('a', 1::BIGINT, TIMESTAMP '2020-01-01 00:00:00', 10::BIGINT),
    ('a', 1, TIMESTAMP '2020-01-01 12:00:00', 20), ('b', 2, TIMESTAMP '2020-01-01 06:00:00', 30),
    (NULL, 3, TIMESTAMP '2020-01-01 00:00:00', 40)) t(k, n, ts, v)"""
D = decimal.Decimal
TIMES = [dt.datetime(2020, 1, 1, 12), dt.datetime(2020, 1, 1, 5, 59, 59, 999999), dt.datetime(2020, 1, 1, 11, 59, 59),
         None, dt.datetime(2021, 1, 1)]
ANSWERS = [20, None, 10, None, None]  # a at noon itself; b just before its event; a a second before noon; null time; null key
UUIDS = [uuid.UUID(int=n) for n in (5, 2**127 + 3, 0, 2**128 - 1)]


def arrow(values, kind):
    return pa.array(values, kind)


# Each with a null, and with what lies at the edges of the type. name: (array, the type that comes out)
LABELS = {
    "i8": (arrow([1, None, -128, 4, 127], pa.int8()), pa.int8()),
    "u8": (arrow([1, None, 0, 4, 255], pa.uint8()), pa.uint8()),
    "i16": (arrow([1, None, -2**15, 4, 2**15 - 1], pa.int16()), pa.int16()),
    "u16": (arrow([1, None, 0, 4, 2**16 - 1], pa.uint16()), pa.uint16()),
    "i32": (arrow([1, None, -2**31, 4, 2**31 - 1], pa.int32()), pa.int32()),
    "u32": (arrow([1, None, 0, 4, 2**32 - 1], pa.uint32()), pa.uint32()),
    "i64": (arrow([1, None, -2**63, 4, 2**63 - 1], pa.int64()), pa.int64()),
    "u64": (arrow([1, None, 0, 4, 2**64 - 1], pa.uint64()), pa.uint64()),
    "f": (arrow([1.5, None, float("nan"), float("inf"), -0.0], pa.float32()), pa.float32()),
    "g": (arrow([1e-320, None, float("nan"), float("-inf"), -0.0], pa.float64()), pa.float64()),
    "b": (arrow([True, None, False, True, True], pa.bool_()), pa.bool_()),
    "s": (arrow(["x", "", None, "ü" * 50, "a\0b"], pa.string()), pa.string()),
    "ls": (arrow(["x", "", None, "ü", "z"], pa.large_string()), pa.string()),
    "sv": (arrow(["x", "", None, "long enough to lie elsewhere", "twelve bytes"], pa.string_view()), pa.string()),
    "z": (arrow([b"x", b"", None, b"\0\xff", b"z"], pa.binary()), pa.binary()),
    "lz": (arrow([b"x", b"", None, b"\0\xff", b"z"], pa.large_binary()), pa.binary()),
    "bv": (arrow([b"x", b"", None, b"\0 long enough to lie elsewhere", b"z"], pa.binary_view()), pa.binary()),
    "w": (arrow([b"abc", None, b"\0\0\0", b"xyz", b"\xff\xff\xff"], pa.binary(3)), pa.binary()),
    "d": (arrow([D("1.25"), None, D("-3.00"), D("99999999.99"), D("0.00")], pa.decimal128(10, 2)),
          pa.decimal128(10, 2)),
    "d38": (arrow([D(1), None, D(-3), D("9" * 38), D("-" + "9" * 38)], pa.decimal128(38, 0)), pa.decimal128(38, 0)),
    "d32": (arrow([D("1.25"), None, D("-3.00"), D("999.99"), D("0.00")], pa.decimal32(5, 2)), pa.decimal128(5, 2)),
    "d64": (arrow([D("1.25"), None, D("-3.00"), D("9.99"), D("0.00")], pa.decimal64(15, 2)), pa.decimal128(15, 2)),
    "dd": (arrow([dt.date(2020, 1, 1), None, dt.date(1, 1, 1), dt.date(9999, 12, 31), dt.date(1969, 12, 31)],
                 pa.date32()), pa.date32()),
    "dm": (arrow([dt.date(2020, 1, 1), None, dt.date(1900, 1, 1), dt.date(2999, 12, 31), dt.date(1969, 12, 31)],
                 pa.date64()), pa.date32()),
    "ts": (arrow([1, None, -5, 4, 2**31], pa.timestamp("s")), pa.timestamp("us")),
    "tms": (arrow([1, None, -5, 4, 5], pa.timestamp("ms")), pa.timestamp("us")),
    "tns": (arrow([1000, None, -5000, 4000, 5000], pa.timestamp("ns")), pa.timestamp("ns")),
    "tz": (arrow([1, None, -5, 4, 5], pa.timestamp("us", "UTC")), pa.timestamp("us", "UTC")),
    "t32": (arrow([1, None, 0, 4, 86399], pa.time32("s")), pa.time64("us")),
    "t64": (arrow([1, None, 0, 4, 86400 * 10**6 - 1], pa.time64("us")), pa.time64("us")),
    "u": (arrow([UUIDS[0].bytes, None, *(u.bytes for u in UUIDS[1:])], pa.uuid()), pa.uuid()),
    "l": (arrow([[1, 2], None, [], [None, 4], [5]], pa.list_(pa.int64())), None),
    "ll": (arrow([["a", "b"], None, [], [None, "c"], ["d"]], pa.large_list(pa.string())), None),
    "fl": (arrow([[1, 2], None, [3, 4], [None, 4], [5, 6]], pa.list_(pa.int32(), 2)), None),
    "st": (arrow([{"x": 1, "y": "a"}, None, {"x": None, "y": None}, {"x": 3, "y": "b"}, {"x": 4, "y": ""}],
                 pa.struct([("x", pa.int64()), ("y", pa.string())])), None),
    "lst": (arrow([[{"x": 1}], None, [], [None, {"x": 2}], [{"x": None}]],
                  pa.list_(pa.struct([("x", pa.int64())]))), None),
    "m": (arrow([[("a", 1)], None, [], [("b", None)], [("c", 3), ("d", 4)]], pa.map_(pa.string(), pa.int32())), None),
    "dict": (arrow(["p", "q", None, "p", "q"], pa.string()).dictionary_encode(), pa.string()),
    "dicti": (pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 1, 0], pa.int8()), pa.array([10, None], pa.int64())),
              pa.int64()),
    "dictb": (pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 1, 0], pa.uint16()), pa.array([False, True])),
              pa.bool_()),
    "ldict": (pa.ListArray.from_arrays(pa.array([0, 2, None, 3, 3, 4], pa.int32()),
                                       pa.array(["p", "q", "p", "r"]).dictionary_encode()), None),
}
TABLE = pa.table({"k": pa.array(["a", "b", "a", "b", None]), "t": pa.array(TIMES, pa.timestamp("us")),
                  **{name: array for name, (array, _) in LABELS.items()}})
FORMS = {
    "file.arrow": {}, "stream.arrows": {}, "lz4.feather": {"compression": "lz4"}, "zstd.arrow": {"compression": "zstd"},
    "v4.arrow": {"metadata_version": ipc.MetadataVersion.V4}, "zstd.arrows": {"compression": "zstd"},
    "old.arrows": {"metadata_version": ipc.MetadataVersion.V4, "use_legacy_format": True},
}


def write(path, table, rows=2, **options):
    opens = ipc.new_stream if path.endswith(".arrows") else ipc.new_file
    with opens(path, table.schema, options=ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, max_chunksize=rows)


def read(path):
    opened = ipc.open_stream(path) if path.endswith(".arrows") else ipc.open_file(path)
    table = opened.read_all()
    table.validate(full=True)
    return table


def python(column):
    """Cells as Python has them; nanoseconds, which it has not, as numbers."""
    kind = column.type
    return (column.cast(pa.int64()) if pa.types.is_timestamp(kind) and kind.unit == "ns" else column).to_pylist()


def project(keys="{name: k, type: string}", events=EVENTS):
    made = Project()
    made.table("events", events)
    made.define(entity(keys) + source() + "feature_views:\n" + view("{name: last, column: v}"))
    return made


class Arrow(unittest.TestCase):
    def refused(self, made, code, *parts, spine, out="o.parquet"):
        with self.assertRaises(Failed) as caught:
            made.build("--time", "t", spine=spine, features="v", out=out)
        self.assertEqual(caught.exception.code, code, str(caught.exception))
        for part in parts:
            self.assertIn(part, str(caught.exception))
        self.assertFalse(os.path.exists(made.path(out)))

    def test_every_form_and_type__comes_through_untouched(self):
        with project() as made:
            hashes = set()
            for name, options in FORMS.items():
                write(made.path(name), TABLE, **options)
                for out in ("o.arrow", "o.arrows"):
                    hashes.add(made.build("--time", "t", spine=name, features="v", out=out)["content_hash"])
                    got = read(made.path(out))
                    self.assertEqual(got.column_names, [*TABLE.column_names, "v__last"], name)
                    for column, (array, kind) in LABELS.items():
                        self.assertEqual(str(python(got[column])), str(python(array)), (name, out, column))
                        self.assertIn(kind, (None, got[column].type), column)
                    self.assertEqual(got["v__last"].to_pylist(), ANSWERS)
            self.assertEqual(len(hashes), 1)

    def test_parquet_of_the_same_rows__gives_the_same_hash(self):
        plain = TABLE.select(["k", "t", "i64", "g", "b", "s", "z", "d", "dd", "tz", "l", "st"])
        with project() as made:
            pq.write_table(plain, made.path("s.parquet"))
            write(made.path("s.arrow"), plain)
            hashes = {made.build("--time", "t", spine=spine, features="v", out=out)["content_hash"]
                      for spine in ("s.parquet", "s.arrow") for out in ("o.parquet", "o.arrow", "o.csv")}
            self.assertEqual(len(hashes), 1)

    def test_a_dataset_in_arrow__is_made_again_to_the_byte_and_audited(self):
        for out in ("o.arrow", "o.feather", "o.arrows"):
            with self.subTest(out), project() as made:
                write(made.path("s.arrow"), TABLE)
                built = made.build("--time", "t", spine="s.arrow", features="v", out=out)["id"]
                for threads in ("1", "3"):
                    made.floe("dataset", "rebuild", built, "-o", "again." + out, "--threads", threads)
                    with open(made.path(out), "rb") as one, open(made.path("again." + out), "rb") as other:
                        self.assertEqual(one.read(), other.read())
                self.assertIn("all 5 feature values are the same", made.floe("dataset", "audit", built))
                cells = read(made.path(out)).to_pydict()
                cells["v__last"][0] = 21
                write(made.path(out), pa.table(cells, schema=read(made.path(out)).schema))
                with self.assertRaises(Failed) as caught:
                    made.floe("dataset", "audit", built)
                self.assertIn("row 1, v__last: 21, by the rule 20", str(caught.exception))

    def test_two_arrow_datasets__are_compared_cell_by_cell(self):
        with project() as made:
            write(made.path("s.arrow"), TABLE.select(["k", "t"]))
            before = made.build("--time", "t", spine="s.arrow", features="v", out="a.arrow")["id"]
            made.file("more.parquet", "SELECT 'a' k, 1::BIGINT n, TIMESTAMP '2020-01-01 11:00' ts, 15::BIGINT v")
            made.floe("table", "import", "more.parquet", "lake.t.events", "--append")
            for out in ("b.arrows", "b.parquet"):
                after = made.build("--time", "t", spine="s.arrow", features="v", out=out)["id"]
                told = made.floe("dataset", "diff", before, after)
                self.assertRegex(told, r"cells +v__last: 1 row, the first is row 3 +10 +15")

    def test_keys_of_every_type__match_as_from_parquet(self):
        """A dictionary's keys, views and large text are the key's type too; int32 widens to int64."""
        keys = {"string": ("'a'", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())],
                           "a"),
                "int64": ("7::BIGINT", [pa.int64(), pa.int32(), pa.dictionary(pa.int16(), pa.int64())], 7),
                "int32": ("7::INTEGER", [pa.int32()], 7),
                "bytes": ("'\\x00\\xff'::BLOB", [pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(2)],
                          b"\0\xff"),
                "date": ("DATE '1969-12-31'", [pa.date32(), pa.date64()], dt.date(1969, 12, 31)),
                "timestamp": ("TIMESTAMP '1969-12-31 23:59:59'", [pa.timestamp(u) for u in ("us", "s", "ms")],
                              dt.datetime(1969, 12, 31, 23, 59, 59)),
                "bool": ("true", [pa.bool_(), pa.dictionary(pa.int8(), pa.bool_())], True)}
        for declared, (sql, kinds, value) in keys.items():
            events = f"SELECT {sql} k, TIMESTAMP '2020-01-01' ts, 1::BIGINT v"
            with self.subTest(declared), project(f"{{name: k, type: {declared!r}}}", events) as made:
                for kind in kinds:
                    spine = pa.table({"k": pa.array([value, None], kind), "t": pa.array([TIMES[4]] * 2)})
                    write(made.path("s.arrow"), spine)
                    made.build("--time", "t", spine="s.arrow", features="v")
                    self.assertEqual(made.rows("SELECT v__last FROM '$D/out.parquet'"), [(1,), (None,)], kind)

    def test_dictionaries__that_are_replaced_or_grow_in_a_stream(self):
        kind = pa.schema([("k", pa.dictionary(pa.int8(), pa.string())), ("t", pa.timestamp("us"))])

        def batch(values, indices):
            coded = pa.DictionaryArray.from_arrays(pa.array(indices, pa.int8()), values)
            return pa.record_batch([coded, pa.array([TIMES[4]] * len(indices))], schema=kind)

        cases = {False: [(["a", "b"], [0, 1, None]), (["x", "b", "a"], [2, 0, 1])],
                 True: [(["a", "b"], [0, 1, None]), (["a", "b", "x"], [0, 2, 1])]}
        for deltas, batches in cases.items():
            with self.subTest(deltas), project() as made:
                options = ipc.IpcWriteOptions(emit_dictionary_deltas=deltas)
                with ipc.new_stream(made.path("s.arrows"), kind, options=options) as writer:
                    for values, indices in batches:
                        writer.write_batch(batch(values, indices))
                made.build("--time", "t", spine="s.arrows", features="v")
                self.assertEqual(made.rows("SELECT k, v__last FROM '$D/out.parquet'"),
                                 [("a", 20), ("b", 30), (None, None), ("a", 20), ("x", None), ("b", 30)])

    def test_many_batches__keep_the_order_and_are_written_as_large_ones(self):
        seed = int(os.environ.get("FLOE_SEED") or random.randrange(2**32))
        r = random.Random(seed)
        count = 150_001
        with self.subTest(seed=seed), project() as made:
            spine = pa.table({"k": [r.choice(["a", "b", "x", None]) for _ in range(count)],
                              "t": pa.array([TIMES[4]] * count), "at": range(count),
                              "words": [["w"] * r.randrange(3) for _ in range(count)],
                              "odd": [n % 3 == 0 if n % 7 else None for n in range(count)]})
            write(made.path("s.arrow"), spine, rows=r.choice([999, 2048, 70_000]), compression="lz4")
            made.build("--time", "t", spine="s.arrow", features="v", out="o.arrow")
            got = read(made.path("o.arrow"))
            for column in spine.column_names:
                self.assertEqual(got[column].to_pylist(), spine[column].to_pylist(), column)
            last = {"a": 20, "b": 30}
            self.assertEqual(got["v__last"].to_pylist(), [last.get(k) for k in spine["k"].to_pylist()])
            self.assertEqual([b.num_rows for b in got.to_batches()], [65536, 65536, count - 2 * 65536])

    def test_no_rows__are_a_file_of_none(self):
        with project() as made:
            for out in ("o.arrow", "o.arrows"):
                write(made.path("s.arrow"), TABLE.slice(0, 0))
                made.build("--time", "t", spine="s.arrow", features="v", out=out)
                self.assertEqual(read(made.path(out)).num_rows, 0)
                self.assertEqual(read(made.path(out)).column_names[-1], "v__last")

    def test_a_pandas_like_feather_file__is_read(self):
        with project() as made:
            feather.write_feather(TABLE.select(["k", "t", "i64"]), made.path("s.feather"))  # LZ4, one large batch
            made.build(spine="s.feather", features="v")
            self.assertEqual([row[0] for row in made.rows("SELECT v__last FROM '$D/out.parquet'")], ANSWERS)

    def test_a_table_scan__goes_into_an_arrow_file(self):
        with project() as made:
            made.floe("table", "scan", "lake.t.events", "-o", "e.arrow")
            self.assertEqual(read(made.path("e.arrow")).to_pydict()["v"], [10, 20, 30, 40])

    def test_what_is_not_read__is_refused_by_column_and_name(self):
        base = {"k": TABLE["k"], "t": TABLE["t"]}
        kinds = {"a union": pa.UnionArray.from_sparse(pa.array([0, 1, 0, 1, 0], pa.int8()),
                                                      [pa.array([1] * 5), pa.array(["a"] * 5)]),
                 "encoded by run ends": pa.RunEndEncodedArray.from_arrays([5], [1]),
                 "a list view": pa.array([[1]] * 5, pa.list_view(pa.int64())),
                 "a half float": pa.array([1.5] * 5, pa.float16()),
                 "a 256-bit decimal": pa.array([D(1)] * 5, pa.decimal256(50, 0)),
                 "a dictionary of nested values": pa.DictionaryArray.from_arrays(pa.array([0] * 5), pa.array([[1]])),
                 "of intervals or durations": pa.array([1] * 5, pa.duration("us"))}
        with project() as made:
            for words, column in kinds.items():
                write(made.path("s.arrow"), pa.table({**base, "odd": column}))
                self.refused(made, UNSUPPORTED, words, '"odd"', "s.arrow", spine="s.arrow")
            write(made.path("s.arrow"), pa.table([base["k"], base["t"], base["k"]], names=["k", "t", "K"]))
            self.refused(made, INVALID, "two columns", spine="s.arrow")
            with open(made.path("old.feather"), "wb") as file:
                file.write(b"FEA1" + bytes(60))
            self.refused(made, UNSUPPORTED, "first version", spine="old.feather")
            self.refused(made, NOT_FOUND, "missing.arrow", spine="missing.arrow")

    def test_what_is_cut_or_damaged__is_refused_and_never_half_read(self):
        with project() as made:
            write(made.path("s.arrow"), TABLE)
            write(made.path("s.arrows"), TABLE)
            with open(made.path("s.arrow"), "rb") as file:
                whole = file.read()
            for keep in (0, 6, 8, 100, len(whole) // 2, len(whole) - 1):
                with open(made.path("cut.arrow"), "wb") as file:
                    file.write(whole[:keep])
                self.refused(made, CORRUPT, "cut.arrow", spine="cut.arrow")
            with open(made.path("s.arrows"), "rb") as file:
                stream = file.read()
            with open(made.path("cut.arrows"), "wb") as file:
                file.write(stream[:len(stream) - 200])
            self.refused(made, CORRUPT, "cut.arrows", "cut, or is still being written", spine="cut.arrows")
            bad = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")])
            write(made.path("bad.arrow"), pa.table({"k": bad, "t": pa.array([TIMES[4]])}))
            self.refused(made, CORRUPT, '"k"', "UTF-8", spine="bad.arrow")

    def test_values_that_their_type_cannot_have__are_refused(self):
        """As a writer may leave them that fills buffers by hand; pyarrow's own full validation refuses them too."""
        def column(kind, values, width):
            body = b"".join(value.to_bytes(width, "little", signed=True) for value in values)
            nulls = pa.py_buffer(bytes([0b01111]))  # the last is null, and may be anything
            return pa.Array.from_buffers(kind, 5, [nulls, pa.py_buffer(body)])
        day_s, day_ms = 86400, 86400000
        cases = [(pa.decimal128(5, 2), 16, 99999, 100000), (pa.decimal128(5, 2), 16, -99999, -100000),
                 (pa.decimal128(38, 0), 16, 10**38 - 1, 10**38), (pa.decimal128(1, 0), 16, 9, -2**126),
                 (pa.decimal64(18, 3), 8, 10**18 - 1, 10**18), (pa.decimal32(9, 0), 4, -10**9 + 1, 10**9),
                 (pa.time32("s"), 4, day_s - 1, day_s), (pa.time32("ms"), 4, 0, -1), (pa.time64("us"), 8, day_s * 10**6 - 1, day_s * 10**6),
                 (pa.date64(), 8, -day_ms, 1 - day_ms)]
        with project() as made:
            for kind, width, good, bad in cases:
                for nested in (False, True):
                    with self.subTest(str(kind), bad=bad, nested=nested):
                        for value, path in ((good, "good.arrow"), (bad, "bad.arrow")):
                            odd = column(kind, [0, 0, value, 0, bad], width)
                            if nested:
                                odd = pa.StructArray.from_arrays([odd], ["odd"])
                            write(made.path(path), pa.table({"k": TABLE["k"], "t": TABLE["t"], "odd": odd}))
                        made.build("--time", "t", spine="good.arrow", features="v", out="good.parquet")
                        with self.assertRaises(pa.ArrowInvalid):
                            read(made.path("bad.arrow")).validate(full=True)
                        self.refused(made, CORRUPT, '"odd"', "bad.arrow", spine="bad.arrow")

    def test_anything_may_lie_below_a_null(self):
        """Members of a null struct or list are nothing, whatever their bytes; the same bytes below a value are refused."""
        def fixed(kind, width, bad):
            return pa.Array.from_buffers(kind, 3, [None, pa.py_buffer(bytes(width) + bad + bytes(width))])

        def text(kind, width):
            ends = b"".join(n.to_bytes(width, "little") for n in (0, 1, 3, 4))
            return pa.Array.from_buffers(kind, 3, [None, pa.py_buffer(ends), pa.py_buffer(b"a\xff\xfeb")])
        view_ = (1).to_bytes(4, "little") + b"a" + bytes(11)
        lost = (99).to_bytes(4, "little") + b"abcd" + (7).to_bytes(4, "little") + (-5).to_bytes(4, "little", signed=True)
        members = {"decimal": fixed(pa.decimal128(3, 0), 16, (10**30).to_bytes(16, "little")),
                   "time": fixed(pa.time32("s"), 4, (86400).to_bytes(4, "little")),
                   "date": fixed(pa.date64(), 8, (1).to_bytes(8, "little")),
                   "string": text(pa.string(), 4), "large": text(pa.large_string(), 8),
                   "view": pa.Array.from_buffers(pa.string_view(), 3, [None, pa.py_buffer(view_ + lost + view_)]),
                   "code": pa.DictionaryArray.from_arrays(pa.Array.from_buffers(pa.int8(), 3, [None, pa.py_buffer(b"\0\x63\0")]),
                                                          pa.array(["a"]), safe=False)}

        def struct(member, valid):
            return pa.Array.from_buffers(pa.struct([("m", member.type)]), 3, [valid], children=[member])

        def fixed_list(member, valid):
            return pa.Array.from_buffers(pa.list_(member.type, 1), 3, [valid], children=[member])

        def list_of(member, valid):
            ends = pa.py_buffer(b"".join(n.to_bytes(4, "little") for n in range(4)))
            return pa.Array.from_buffers(pa.list_(member.type), 3, [valid, ends], children=[member])

        def deep(member, valid):
            return struct(list_of(struct(member, None), None), valid)
        gone = pa.py_buffer(b"\5")  # the row in the middle is null
        labels = {"k": pa.array(["a", "b", "a"]), "t": pa.array([0, 1, 2], pa.timestamp("us"))}
        with project() as made:
            for name, member in members.items():
                for nest in (struct, fixed_list, list_of, deep):
                    with self.subTest(member=name, nest=nest.__name__):
                        odd = pa.table({**labels, "odd": nest(member, gone)})
                        write(made.path("odd.arrow"), odd)
                        odd_hash = made.build("--time", "t", spine="odd.arrow", features="v", out="o.arrow")["content_hash"]
                        clean = nest(pa.concat_arrays([member[:1], pa.nulls(1, member.type), member[2:]]) if name != "code" else
                                     pa.array(["a", None, "a"]).dictionary_encode(), gone)
                        write(made.path("clean.arrow"), pa.table({**labels, "odd": clean}))
                        hash_ = made.build("--time", "t", spine="clean.arrow", features="v", out="c.arrow")["content_hash"]
                        self.assertEqual(odd_hash, hash_)
                        self.assertEqual(read(made.path("o.arrow")).column("odd").to_pylist()[1], None)
                        self.assertEqual(read(made.path("o.arrow")).column("odd").to_pylist(),
                                         read(made.path("c.arrow")).column("odd").to_pylist())
                        os.remove(made.path("o.arrow"))
                        write(made.path("bad.arrow"), pa.table({**labels, "odd": nest(member, None)}))
                        self.refused(made, CORRUPT, "bad.arrow", spine="bad.arrow", out="o.arrow")

    def test_a_column_of_nothing__may_not_claim_rows_without_end(self):
        """It takes no bytes of the file, so a file of a few hundred bytes could fill the memory."""
        with project() as made:
            count = 2**24 + 1
            write(made.path("many.arrow"), pa.table({"k": pa.nulls(count), "t": pa.nulls(count)}), rows=count)
            self.assertLess(os.path.getsize(made.path("many.arrow")), 2000)
            self.refused(made, LIMIT, '"k"', "the most is 16777216", spine="many.arrow")
            with open(made.path("many.arrow"), "rb") as file:
                self.assertEqual(ipc.open_file(file).get_batch(0).num_rows, count, "the others take it at its word")
            write(made.path("few.arrow"), pa.table({"k": TABLE["k"], "t": TABLE["t"], "nothing": pa.nulls(5)}))
            made.build("--time", "t", spine="few.arrow", features="v", out="o.arrow")
            self.assertEqual(read(made.path("o.arrow"))["nothing"].null_count, 5)

    def test_random_damage__never_kills_the_program(self):
        seed = int(os.environ.get("FLOE_SEED") or random.randrange(2**32))
        r = random.Random(seed)
        with self.subTest(seed=seed), project() as made:
            write(made.path("s.arrow"), TABLE)
            with open(made.path("s.arrow"), "rb") as file:
                whole = bytearray(file.read())
            for _ in range(40):
                damaged = bytearray(whole)
                for _ in range(r.choice([1, 2, 8])):
                    damaged[r.randrange(len(damaged))] = r.randrange(256)
                with open(made.path("d.arrow"), "wb") as file:
                    file.write(damaged)
                done = subprocess.run([FLOE, "dataset", "build", "--features", "v", "--spine", "d.arrow", "--time", "t", "-o",
                                       "d.parquet"], cwd=made.folder, capture_output=True, timeout=100)
                self.assertIn(done.returncode, range(0, 13), done.stderr)


if __name__ == "__main__":
    unittest.main()
