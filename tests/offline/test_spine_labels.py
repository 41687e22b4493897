"""Label columns of a spine come out as they came in, or are refused by the name of the column: types that the engine's reader, or the
Parquet of the kept copy, would change. timeout: 300"""
import os
import struct
import sys
import unittest

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq

sys.path.insert(0, os.path.dirname(__file__))
from dataset_support import Failed, Project, entity, source, view  # noqa: E402

UNSUPPORTED = 12


class Labels(unittest.TestCase):
    def setUp(self):
        self.project = self.enterContext(Project())
        self.project.table("events", "SELECT 1::BIGINT AS k, TIMESTAMP '2020-01-01' AS ts, 10::BIGINT AS v")
        self.project.define(entity("{name: k, type: int64}") + source() + "feature_views:\n" + view("{name: last, column: v}"))

    def spines(self, label):
        rows = pa.table({"label": label, "k": pa.array([1] * len(label), pa.int64()), "t": pa.array([10**15 * 2] * len(label), pa.timestamp("us"))})
        pq.write_table(rows, self.project.path("s.parquet"))
        pyarrow.feather.write_feather(rows, self.project.path("s.arrow"), compression="uncompressed")
        return "s.parquet", "s.arrow"

    def test_times_of_day_in_nanoseconds__are_refused_by_name(self):
        inner = pa.array([1, None, 86_399_999_999_999], pa.time64("ns"))
        for label in (inner, pa.array([[1], None, []], pa.list_(pa.time64("ns"))), pa.StructArray.from_arrays([inner], ["x"])):
            for spine in self.spines(label):
                with self.subTest(str(label.type), spine=spine), self.assertRaises(Failed) as caught:
                    self.project.build("--time", "t", spine=spine, features="v")
                self.assertEqual(caught.exception.code, UNSUPPORTED)
                self.assertIn('column "label"', str(caught.exception))

    def test_times_of_day_in_microseconds__come_out(self):
        label = pa.array([1, None, 86_399_999_999], pa.time64("us"))
        for spine in self.spines(label):
            self.project.build("--time", "t", spine=spine, features="v")
            self.assertEqual(pq.read_table(self.project.path("out.parquet"))["label"].to_pylist(), label.to_pylist())

    def test_durations__are_int64_in_parquet__and_refused_in_arrow(self):
        parquet, arrow = self.spines(pa.array([1, None, -1], pa.duration("us")))
        self.project.build("--time", "t", spine=parquet, features="v")
        self.assertEqual(self.project.rows("SELECT label FROM '$D/out.parquet'"), [(1,), (None,), (-1,)])
        with self.assertRaises(Failed) as caught:
            self.project.build("--time", "t", spine=arrow, features="v")
        self.assertIn('column "label" is of intervals or durations', str(caught.exception))


class Texts(unittest.TestCase):
    """Files of text as other programs write them."""
    def setUp(self):
        self.project = self.enterContext(Project())
        self.project.table("events", "SELECT 1::BIGINT AS k, TIMESTAMP '2020-01-01' AS ts, 10::BIGINT AS v")
        self.project.define(entity("{name: k, type: int64}") + source() + "feature_views:\n" + view("{name: last, column: v}"))

    def write(self, name, text):
        with open(self.project.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return name

    def refused(self, spine):
        with self.assertRaises(Failed) as caught:
            self.project.build(spine=spine, features="v")
        return str(caught.exception)

    def test_numbers_beyond_int64__come_out_of_json_as_of_csv(self):
        numbers = [*range(25_000), 2**63 + 1, -(2**63)]  # beyond the rows that types are guessed by
        for few in (numbers, numbers[::-1], numbers[-2:]):
            lines = "".join(f'{{"k":1,"t":"2020-01-05T00:00:00Z","label":{n}}}\n' for n in few)
            rows = "".join(f"1,2020-01-05 00:00:00,{n}\n" for n in few)
            for spine in (self.write("s.jsonl", lines), self.write("s.csv", "k,t,label\n" + rows)):
                with self.subTest(spine, first=few[0]):
                    self.project.build(spine=spine, features="v")
                    found = self.project.rows("SELECT label, typeof(label) FROM '$D/out.parquet'")
                    self.assertEqual([int(label) for label, _ in found], few)
                    self.assertEqual(found[0][1], "DECIMAL(38,0)")

    def test_endings_in_capitals__are_the_same_formats(self):
        text = self.write("S.CSV", "k,t\n1,2020-01-05 00:00:00\n")
        lines = self.write("S.JsonL", '{"k":1,"t":"2020-01-05T00:00:00"}\n')
        rows = pa.table({"k": pa.array([1], pa.int64()), "t": pa.array([10**15 * 2], pa.timestamp("us"))})
        pq.write_table(rows, self.project.path("S.PARQUET"))
        pyarrow.feather.write_feather(rows, self.project.path("S.Arrow"), compression="uncompressed")
        for spine in (text, lines, "S.PARQUET", "S.Arrow"):
            for out in ("O.CSV", "O.JSONL", "O.Parquet", "O.ARROW"):
                with self.subTest(spine, out=out):
                    facts = self.project.build(spine=spine, features="v", out=out)
                    self.project.floe("dataset", "audit", facts["id"])
                    self.assertGreater(os.path.getsize(self.project.path(out)), 0)

    def test_what_other_programs_put_round_json_lines__is_told(self):
        line = '{"k":1,"t":"2020-01-05T00:00:00Z"}'
        self.assertIn("byte order mark", self.refused(self.write("s.jsonl", "\ufeff" + line + "\n")))
        for text in (f"[{line}]", f"\n [\n{line},\n{line}]\n"):
            self.assertIn("one JSON list: write an object a line", self.refused(self.write("s.jsonl", text)))


class Instants(unittest.TestCase):
    """Times in nanoseconds and UTC: the engine's reader would cut them to microseconds, before 1970 up."""
    FINE = [-1, -999, -1000, -10**9 - 1, 0, 1, 999, 1000, None, 1_577_836_800_123_456_789, -2**62]
    WHOLE = [-1000, -10**9, 0, None, 1000, 1_577_836_800_123_456_000, -2**62 // 1000 * 1000] + [5000] * 4
    ZONED = pa.timestamp("ns", "UTC")

    def setUp(self):
        self.project = self.enterContext(Project())
        self.project.table("events", "SELECT 1::BIGINT AS k, make_timestamp(unnest([-1, 0, 1])) AS ts, unnest([7, 8, 9])::BIGINT AS v")
        self.project.define(entity("{name: k, type: int64}") + source() + "feature_views:\n" + view("{name: last, column: v}"))

    def build(self, columns, *options, time="t", name="s.parquet", **more):
        length = len(next(iter(columns.values())))
        pq.write_table(pa.table({"k": pa.array([1] * length, pa.int64()), **columns}), self.project.path(name))
        os.makedirs(self.project.path("temp"), exist_ok=True)
        facts = self.project.build("--time", time, *options, spine=name, features="v", env={"TMPDIR": self.project.path("temp")}, **more)
        self.assertEqual(os.listdir(self.project.path("temp")), [])  # copies are gone
        return facts

    def seen(self, nanos):
        """By the rule: the label's time is rounded down."""
        return None if nanos is None or nanos // 1000 < -1 else 9 if nanos // 1000 > 0 else 8 + nanos // 1000

    def test_label_times__are_rounded_down_and_come_out_whole(self):
        for values in (self.FINE, self.WHOLE):
            for way in ([], ["--memory", "1B", "--threads", "2"], ["--engine", "duckdb"]):
                facts = self.build({"t": pa.array(values, self.ZONED)}, *way)
                rows = self.project.rows("SELECT epoch_ns(t), v__last FROM '$D/out.parquet'")
                self.assertEqual(rows, [(t, self.seen(t)) for t in values], way)
            self.project.floe("dataset", "audit", facts["id"])
            self.project.floe("dataset", "rebuild", facts["id"], "-o", "again.parquet")

    def test_label_columns__come_out_as_they_are_and_keep_their_zone_where_they_can(self):
        whole, fine = pa.array(self.WHOLE, self.ZONED), pa.array(self.FINE, self.ZONED)
        columns = {"fine": fine, "whole": whole, "t": whole}
        for name, inner in (("fine", self.FINE), ("whole", self.WHOLE)):
            flat = pa.array([n for n in inner for _ in range(2)], self.ZONED)
            columns[f"list of {name}"] = pa.ListArray.from_arrays(pa.array(range(0, 23, 2), pa.int32()), flat)
            named = pa.StructArray.from_arrays([pa.array(inner, self.ZONED), pa.array(["TIMESTAMP_NS, '\"["] * 11)], ["TIMESTAMP_NS", 'a "b" TIMESTAMP_NS,'])
            columns[f"struct of {name}"] = named
        facts = self.build(columns, out="out.arrow")
        with pa.OSFile(self.project.path("out.arrow")) as file:
            found = pa.ipc.open_file(file).read_all()
        local, micros = pa.timestamp("ns"), pa.timestamp("us", "UTC")
        kinds = {"fine": local, "whole": micros, "list of fine": local, "list of whole": micros, "struct of fine": local, "struct of whole": micros}
        for name, column in columns.items():
            type_ = found.schema.field(name).type
            inner = type_.value_type if pa.types.is_list(type_) else type_.field(0).type if pa.types.is_struct(type_) else type_
            self.assertEqual(str(inner).split(",")[0], str(kinds.get(name, micros)).split(",")[0], name)
            self.assertEqual(str(inner).endswith("]") and "tz=" in str(inner), kinds.get(name, micros) == micros, name)
            got = found[name].combine_chunks()
            for part in (lambda a: a.flatten() if pa.types.is_list(a.type) else a.field(0) if pa.types.is_struct(a.type) else a,):
                self.assertEqual(part(got).cast(local).cast(pa.int64()).to_pylist(), part(column).cast(pa.int64()).to_pylist(), name)
        self.project.floe("dataset", "rebuild", facts["id"], "-o", "again.arrow")

    def old(self, values, unit="ns", name="x", **columns):
        """A spine whose column is INT96, as Spark and Impala wrote times."""
        rows = pa.table({"k": pa.array([1] * len(values), pa.int64()), name: pa.array(values, pa.timestamp(unit)), **columns})
        pq.write_table(rows, self.project.path("s.parquet"), use_deprecated_int96_timestamps=True, store_schema=False, compression="none")

    def build_old(self, *options, time="t"):
        os.makedirs(self.project.path("temp"), exist_ok=True)
        facts = self.project.build("--time", time, *options, spine="s.parquet", features="v", env={"TMPDIR": self.project.path("temp")})
        self.assertEqual(os.listdir(self.project.path("temp")), [])
        return facts

    def test_int96_label_times__are_rounded_down_and_come_out_whole(self):
        day = 86_400 * 10**9
        ends = [106_750 * day + day - 1, -106_750 * day, 106_750 * day]
        for values in (self.FINE + ends, self.WHOLE):
            for way in ([], ["--engine", "duckdb"]):
                self.old(values, name="t")
                facts = self.build_old(*way)
                rows = self.project.rows("SELECT epoch_ns(t), v__last FROM '$D/out.parquet'")
                self.assertEqual(rows, [(t, self.seen(t)) for t in values], way)
            self.project.floe("dataset", "audit", facts["id"])
            self.project.floe("dataset", "rebuild", facts["id"], "-o", "again.parquet")

    def test_int96_label_columns__come_out_as_they_are(self):
        fine, micros = self.FINE, [None if n is None else n // 1000 for n in self.FINE]
        self.old(fine, **{'a "b", TIMESTAMP_NS': pa.array(self.WHOLE, pa.timestamp("ns")), "l": pa.array([[n] for n in fine], pa.list_(pa.timestamp("ns"))),
                          "t": pa.array([0] * len(fine), pa.timestamp("us"))})
        self.build_old()
        self.assertEqual(self.project.rows("SELECT epoch_ns(x), epoch_ns(\"a \"\"b\"\", TIMESTAMP_NS\"), epoch_us(l[1]), typeof(x) FROM '$D/out.parquet'"),
                         [(x, w, m, "TIMESTAMP_NS") for x, w, m in zip(fine, self.WHOLE, micros)])
        self.assertEqual(self.project.rows("SELECT DISTINCT typeof(\"a \"\"b\"\", TIMESTAMP_NS\") FROM '$D/out.parquet'"), [("TIMESTAMP",)])

    def test_int96_far_from_1970__come_out_in_microseconds_or_are_refused_beside_finer(self):
        far = [253_402_300_799_999_999, -62_135_596_800_000_000, None, 7]
        t = {"t": pa.array([0] * 4, pa.timestamp("us"))}
        self.old(far, "us", **t)
        self.build_old()
        self.assertEqual(self.project.rows("SELECT epoch_us(x) FROM '$D/out.parquet'"), [(n,) for n in far])
        # 9999-12-31 beside 1 ns: pyarrow cannot hold both in one array, so one value's bytes are written over.
        self.old([86_400_000_000_001, 1001], **{"t": pa.array([0] * 2, pa.timestamp("us"))})
        with open(self.project.path("s.parquet"), "rb") as file:
            found = file.read()
        one = struct.pack("<qi", 1, 2440589)
        self.assertEqual(found.count(one), 1)
        with open(self.project.path("s.parquet"), "wb") as file:
            file.write(found.replace(one, struct.pack("<qi", 1, 5373484)))
        with self.assertRaises(Failed) as caught:
            self.build_old()
        self.assertEqual(caught.exception.code, UNSUPPORTED)
        for part in 's.parquet', '"x"', "INT96", "write it in microseconds":
            self.assertIn(part, str(caught.exception))

    def test_damaged_pages__are_named_by_the_file_that_was_given(self):
        times = pa.array(range(10**6), self.ZONED)
        pq.write_table(pa.table({"t": times, "k": pa.array([1] * 10**6)}), self.project.path("s.parquet"), use_dictionary=False, compression="zstd")
        with open(self.project.path("s.parquet"), "r+b") as file:
            file.seek(4)
            file.write(b"\xff" * 100)
        with self.assertRaises(Failed) as caught:
            self.project.build("--time", "t", spine="s.parquet", features="v")
        self.assertIn("s.parquet", str(caught.exception))
        self.assertNotIn("/spine-", str(caught.exception))

    def test_a_table__does_not_take_what_it_cannot_hold(self):
        self.build({"t": pa.array(self.WHOLE, self.ZONED)}, out="lake.t.made")
        with self.assertRaises(Failed) as caught:
            self.build({"t": pa.array(self.FINE, self.ZONED)}, out="lake.t.finer")
        self.assertEqual(caught.exception.code, UNSUPPORTED)
        self.assertIn('"t"', str(caught.exception))


class Keys(unittest.TestCase):
    """Columns for keys whose type is another and whose every value is one of the declared type, or none."""

    def answers(self, type_, values, arrow, spine="s.parquet"):
        """Of an event for each value."""
        with Project() as project:
            sql = {"int64": "BIGINT", "string": "VARCHAR", "date": "DATE", "decimal(9,2)": "DECIMAL(9,2)"}[type_]
            project.table("events", f"SELECT unnest([{', '.join(values)}])::{sql} AS k, TIMESTAMP '2020-01-01' AS ts, 10::BIGINT AS v")
            project.define(entity(f"{{name: k, type: '{type_}'}}") + source() + "feature_views:\n" + view("{name: last, column: v}", '{column: "*", functions: [count]}'))
            pq.write_table(pa.table({"k": arrow, "t": pa.array([10**15 * 2] * len(arrow), pa.timestamp("us"))}), project.path("s.parquet"))
            pyarrow.feather.write_feather(pq.read_table(project.path("s.parquet")), project.path("s.arrow"), compression="uncompressed")
            for way in ([], ["--engine", "duckdb"]):
                facts = project.build("--time", "t", *way, spine=spine, features="v")
                found = project.rows("SELECT v__last, v__count FROM '$D/out.parquet'")
            project.floe("dataset", "audit", facts["id"])
            return found

    def test_unsigned_numbers_beyond_int64__equal_no_key(self):
        keys = pa.array([1, 2**63 - 1, 2**63, 2**64 - 1, None], pa.uint64())
        for spine in ("s.parquet", "s.arrow"):
            self.assertEqual(self.answers("int64", ["1", "9223372036854775807"], keys, spine), [(10, 1)] * 2 + [(None, 0)] * 3)

    def test_a_column_of_nulls__is_of_any_type(self):
        for type_, value in (("string", "'a'"), ("int64", "1"), ("date", "'2020-01-01'"), ("decimal(9,2)", "1.5")):
            self.assertEqual(self.answers(type_, [value], pa.nulls(2)), [(None, 0)] * 2)

    def test_a_column_of_another_type__is_refused_all_the_same(self):
        for arrow in (pa.array([None, 7], pa.int32()), pa.array([None, 7.0]), pa.array([None], pa.float64())):
            with self.assertRaises(Failed) as caught:
                self.answers("string", ["'a'"], arrow)
            self.assertIn("and the entity declares string", str(caught.exception))


if __name__ == "__main__":
    unittest.main(verbosity=2)
