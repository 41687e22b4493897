"""Parquet columns that the engine's reader would change without a word, as input of an import: times in nanoseconds (with a zone as
pandas writes them, without one, of day), which it cuts to microseconds, and decimals of more than 38 digits, which become doubles.
What is expected are the nanoseconds that pyarrow wrote, divided by 1000. timeout: 900"""
import decimal
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, os.path.dirname(__file__))
from dataset_support import FLOE, Failed, Project, entity, source, view  # noqa: E402

INVALID, UNSUPPORTED = 3, 12
FIRST, LAST = -(2**63), 2**63 - 1
ZONED, LOCAL, OF_DAY = pa.timestamp("ns", "UTC"), pa.timestamp("ns"), pa.time64("ns")
KINDS = {ZONED: "TIMESTAMP WITH TIME ZONE", LOCAL: "TIMESTAMP", OF_DAY: "TIME"}
DAY = 86_400_000_000_000
#  Whole microseconds: about 1970, at the ends of int64, null.
WHOLE = [0, 1000, -1000, None, 1_577_934_245_123_456_000, -62_135_596_800_000_000 * 100 // 1000 * 1000, FIRST // 1000 * 1000 + 1000,
         LAST // 1000 * 1000]
WHOLE_DAY = [0, 1000, DAY - 1000, None, 45_296_123_456_000]


class Input(Project):
    """A project whose folder of temporary files is its own."""

    def __init__(self):
        super().__init__()
        self.temp = tempfile.mkdtemp(prefix="floe-nanoseconds-")

    def __exit__(self, *more):
        super().__exit__(*more)
        shutil.rmtree(self.temp)

    def floe(self, *arguments, env=None, **more):
        try:
            return super().floe(*arguments, env={"TMPDIR": self.temp, **(env or {})}, **more)
        finally:
            assert os.listdir(self.temp) == [], os.listdir(self.temp)

    def parquet(self, name, columns, **options):
        """`columns`: name → (type, numbers)."""
        table = pa.table({column: pa.array(values, kind) for column, (kind, values) in columns.items()})
        pq.write_table(table, self.path(name), **{"version": "2.6", "store_schema": False, **options})
        return name

    def load(self, *arguments, table="lake.t.c", columns="*"):
        self.floe("table", "import", *arguments, table, *(() if "--append" in arguments else ("--replace",)))
        self.floe("table", "scan", table, "-o", "c.parquet")
        return self.rows(f"SELECT {columns} FROM '$D/c.parquet'")

    def types(self):
        return [row[1] for row in self.rows("DESCRIBE FROM '$D/c.parquet'")]


class Whole(unittest.TestCase):
    def test_whole_microseconds__become_what_the_column_says(self):
        with Input() as made:
            made.parquet("a.parquet", {"z": (ZONED, WHOLE), "l": (LOCAL, WHOLE), "t": (OF_DAY, (WHOLE_DAY * 2)[:len(WHOLE)]),
                                       "v": (pa.int64(), list(range(len(WHOLE))))})
            rows = made.load("a.parquet", columns="epoch_us(z), epoch_us(l), epoch_us(t), v")
            self.assertEqual(made.types(), [*KINDS.values(), "BIGINT"])
            micros = [None if n is None else n // 1000 for n in WHOLE]
            days = [None if n is None else n // 1000 for n in (WHOLE_DAY * 2)[:len(WHOLE)]]
            self.assertEqual(rows, [(m, m, d, i) for i, (m, d) in enumerate(zip(micros, days))])

    def test_every_encoding_and_codec__in_two_row_groups(self):
        """The bytes of the pages are those of the copy: whatever holds the numbers, a finer one in the last row is found."""
        plain = {"use_dictionary": False}
        layouts = [{}, plain, {**plain, "column_encoding": "DELTA_BINARY_PACKED"},
                   {"data_page_version": "2.0"}, {"write_page_index": True, "data_page_size": 64}, {"write_statistics": False},
                   {"store_schema": True}, {"store_decimal_as_integer": True}]
        layouts += [{"compression": codec} for codec in ("none", "snappy", "gzip", "brotli", "zstd", "lz4")]
        numbers = [1000 * i for i in range(-500, 500)]
        with Input() as made:
            for options in layouts:
                for kind, values in ((ZONED, numbers), (LOCAL, numbers), (OF_DAY, [1000 * i for i in range(1000)])):
                    with self.subTest(options=options, kind=kind):
                        made.parquet("a.parquet", {"x": (kind, values)}, row_group_size=500, **options)
                        self.assertEqual(made.load("a.parquet", columns="epoch_us(x)"), [(n // 1000,) for n in values])
                        self.assertEqual(made.types(), [KINDS[kind]])
                        made.parquet("b.parquet", {"x": (kind, values + [1001])}, row_group_size=500, **options)
                        with self.assertRaisesRegex(Failed, r"b\.parquet, row 1001: .*00:00:00\.000001001"):
                            made.load("b.parquet")

    def test_an_encoding_that_the_engine_cannot_read__is_refused(self):
        with Input() as made:
            made.parquet("a.parquet", {"x": (ZONED, [1000])}, use_dictionary=False, column_encoding="BYTE_STREAM_SPLIT")
            with self.assertRaisesRegex(Failed, "BYTE_STREAM_SPLIT"):
                made.load("a.parquet")

    def test_a_file_without_rows__is_a_table_without_rows(self):
        with Input() as made:
            made.parquet("a.parquet", {"z": (ZONED, []), "l": (LOCAL, []), "t": (OF_DAY, [])})
            self.assertEqual(made.load("a.parquet"), [])
            self.assertEqual(made.types(), list(KINDS.values()))

    def test_names__of_every_kind_are_columns_like_others(self):
        for name in ('say "x"', "a, b", "Zeit", "file_row_number", "é" * 40, "x'y"):
            with self.subTest(name), Input() as made:
                made.parquet("it's.parquet", {name: (ZONED, [1000]), "other": (LOCAL, [2000])})
                self.assertEqual(made.load("it's.parquet", columns="COLUMNS(*)::TIMESTAMP::VARCHAR"),
                                 [("1970-01-01 00:00:00.000001", "1970-01-01 00:00:00.000002")])
                made.parquet("a.parquet", {name: (ZONED, [1000, 7])})
                with self.assertRaises(Failed) as caught:
                    made.load("a.parquet")
                self.assertIn(f'row 2: the column "{name}" has the value 1970-01-01 00:00:00.000000007+00', str(caught.exception))

    def test_append__to_a_table_with_such_columns(self):
        with Input() as made:
            made.parquet("us.parquet", {"z": (pa.timestamp("us", "UTC"), [5]), "l": (pa.timestamp("us"), [5]), "t": (pa.time64("us"), [5])})
            made.parquet("ns.parquet", {"z": (ZONED, [-7000]), "l": (LOCAL, [-7000]), "t": (OF_DAY, [7000])})
            made.load("us.parquet", columns="1")
            rows = made.load("ns.parquet", "--append", columns="epoch_us(z), epoch_us(l), epoch_us(t)")
            self.assertEqual(sorted(rows), [(-7, -7, 7), (5, 5, 5)])

    def test_several_files__of_which_one_has_nanoseconds_in_either_order(self):
        with Input() as made:
            made.parquet("us.parquet", {"v": (pa.int64(), [1]), "z": (pa.timestamp("us", "UTC"), [5]), "l": (pa.timestamp("us"), [5])})
            made.parquet("ns.parquet", {"l": (LOCAL, [-7000]), "z": (ZONED, [-7000]), "v": (pa.int64(), [2])})
            made.parquet("fine.parquet", {"l": (LOCAL, [-7000]), "z": (ZONED, [-7001]), "v": (pa.int64(), [3])})
            for names in (("us.parquet", "ns.parquet"), ("ns.parquet", "us.parquet"), ("ns.parquet", "us.parquet", "ns.parquet")):
                with self.subTest(names):
                    expected = [(1, 5, 5) if name == "us.parquet" else (2, -7, -7) for name in names]
                    self.assertEqual(made.load(*names, columns="v, epoch_us(z), epoch_us(l)"), expected)
                    with self.assertRaisesRegex(Failed, r'INVALID: fine\.parquet, row 1: the column "z" has the value '
                                                        r"1969-12-31 23:59:59\.999992999\+00"):
                        made.load(*names, "fine.parquet")

    def test_a_partitioned_table__and_a_filter_see_the_times(self):
        with Input() as made:
            days = [i * DAY for i in range(-3, 4)]
            made.parquet("a.parquet", {"z": (ZONED, days), "v": (pa.int64(), list(range(7)))}, row_group_size=2)
            made.load("a.parquet", "--partition", "day(z)", columns="1")
            made.floe("table", "scan", "lake.t.c", "--where", "z >= timestamp '1970-01-02T00:00:00Z'", "-o", "d.parquet")
            self.assertEqual(sorted(made.rows("SELECT v FROM '$D/d.parquet'")), [(4,), (5,), (6,)])


class Finer(unittest.TestCase):
    def test_a_finer_value__is_refused_by_file_row_column_and_value(self):
        cases = [(ZONED, [1000, None, 1001], 3, "1970-01-01 00:00:00.000001001+00"), (ZONED, [-1], 1, "1969-12-31 23:59:59.999999999+00"),
                 (LOCAL, [0, -1_000_000_001], 2, "1969-12-31 23:59:58.999999999"),
                 (ZONED, [FIRST], 1, "1677-09-21 00:12:43.145224192+00"), (LOCAL, [FIRST + 1], 1, "1677-09-21 00:12:43.145224193"),
                 (ZONED, [0] * 5000 + [LAST], 5001, "2262-04-11 23:47:16.854775807+00"), (LOCAL, [LAST], 1, "2262-04-11 23:47:16.854775807"),
                 (OF_DAY, [DAY - 1], 1, "23:59:59.999999999"), (OF_DAY, [None, 1], 2, "00:00:00.000000001")]
        with Input() as made:
            for kind, values, row, text in cases:
                with self.subTest(kind=kind, value=text):
                    made.parquet("a.parquet", {"v": (pa.int64(), [1] * len(values)), "x": (kind, values)}, row_group_size=700)
                    with self.assertRaises(Failed) as caught:
                        made.load("a.parquet")
                    self.assertEqual(caught.exception.code, INVALID)
                    self.assertIn(f'a.parquet, row {row}: the column "x" has the value {text}, ', str(caught.exception))
                    self.assertIn("--select", str(caught.exception))
                    self.assertNotIn(made.temp, str(caught.exception))
                    with self.assertRaisesRegex(Failed, "no table"):
                        made.floe("table", "show", "lake.t.c")

    def test_select__cuts_or_rounds_what_is_finer(self):
        values = [1999, -1, None, 1_577_934_245_123_456_789]
        with Input() as made:
            made.parquet("a.parquet", {"z": (ZONED, values), "l": (LOCAL, values), "t": (OF_DAY, [1999, 0, None, DAY - 1]),
                                       "w": (ZONED, [1000] * 4)})
            rows = made.load("a.parquet", "--select", "CAST(z AS TIMESTAMPTZ) AS z, CAST(l AS TIMESTAMP) AS l, CAST(t AS TIME) AS t, w",
                             columns="epoch_us(z), epoch_us(l), epoch_us(t), epoch_us(w)")
            micros = [1, 0, None, 1_577_934_245_123_456]  # the engine's cast cuts
            self.assertEqual(rows, [(m, m, t, 1) for m, t in zip(micros, [1, 0, None, DAY // 1000 - 1])])
            self.assertEqual(made.types(), [*KINDS.values(), KINDS[ZONED]])
            floors = made.load("a.parquet", "--select", "make_timestamp((epoch_ns(z) - ((epoch_ns(z) % 1000) + 1000) % 1000) // 1000) AS z",
                               columns="epoch_us(z)")
            self.assertEqual(floors, [(None if n is None else n // 1000,) for n in values])
            self.assertEqual(made.load("a.parquet", "--select", "epoch_ns(z) AS n, epoch_ns(l) AS m"), [(n, n) for n in values])

    def test_select__that_leaves_it_finer_is_refused(self):
        with Input() as made:
            for kind in KINDS:
                made.parquet("a.parquet", {"x": (kind, [1]), "v": (pa.int64(), [5])})
                with self.assertRaisesRegex(Failed, "\"x\".*TIMESTAMP_NS"):
                    made.load("a.parquet", "--select", "*")
                self.assertEqual(made.load("a.parquet", "--select", "v"), [(5,)])

    def test_select__over_whole_values_has_the_column_as_it_says(self):
        with Input() as made:
            made.parquet("a.parquet", {"z": (ZONED, [1000]), "l": (LOCAL, [2000]), "t": (OF_DAY, [3000])})
            self.assertEqual(made.load("a.parquet", "--select", "typeof(z) AS a, typeof(l) AS b, typeof(t) AS c"), [tuple(KINDS.values())])

    def test_select__over_files_of_two_units_is_refused_where_one_is_finer(self):
        with Input() as made:
            made.parquet("us.parquet", {"x": (pa.timestamp("us"), [5])})
            made.parquet("ns.parquet", {"x": (LOCAL, [5])})
            for names in (("us.parquet", "ns.parquet"), ("ns.parquet", "us.parquet")):
                with self.assertRaisesRegex(Failed, 'us.parquet: the column "x" is in microseconds'):
                    made.load(*names, "--select", "CAST(x AS TIMESTAMP) AS x")
            made.parquet("whole.parquet", {"x": (LOCAL, [9000])})
            self.assertEqual(made.load("whole.parquet", "ns.parquet", "--select", "epoch_ns(x) AS x"), [(9000,), (5,)])

    def test_types__are_taken_for_whole_values_and_refused_for_finer(self):
        with Input() as made:
            for kind, name in ((ZONED, "timestamp"), (ZONED, "timestamptz"), (LOCAL, "timestamp"), (OF_DAY, "time")):
                with self.subTest(kind=kind, name=name):
                    made.parquet("a.parquet", {"x": (kind, [5000, None])})
                    self.assertEqual(made.load("a.parquet", "--types", f"x={name}", columns="epoch_us(x)"), [(5,), (None,)])
                    made.parquet("a.parquet", {"x": (kind, [5000, 5001])})
                    with self.assertRaisesRegex(Failed, '"x" has the value .*00:00:00.000005001'):
                        made.load("a.parquet", "--types", f"x={name}")
            made.parquet("a.parquet", {"x": (LOCAL, [5001])})
            self.assertEqual(made.load("a.parquet", "--types", "x=string"), [("1970-01-01 00:00:00.000005001",)])

    def test_random_columns__against_the_numbers(self):
        seed = int(os.environ.get("FLOE_SEED") or random.randrange(2**32))
        r = random.Random(seed)
        with self.subTest(seed=seed), Input() as made:
            for _ in range(25):
                kind = r.choice(list(KINDS))
                ends = (0, DAY - 1) if kind == OF_DAY else r.choice([(FIRST + 1000, LAST - 1000), (-5000, 5000)])
                values = [r.choice([None, r.randint(*ends) // 1000 * 1000]) for _ in range(r.choice([1, 50, 3000]))]
                finer = r.random() < 0.5
                if finer:
                    values[r.randrange(len(values))] = r.randint(*ends) // 1000 * 1000 + r.randint(1, 999)
                made.parquet("a.parquet", {"v": (pa.int64(), [0] * len(values)), "x": (kind, values)},
                             row_group_size=r.choice([7, 1000, 10**6]), use_dictionary=r.random() < 0.5)
                if finer:
                    row = 1 + next(i for i, n in enumerate(values) if n is not None and n % 1000)
                    with self.assertRaisesRegex(Failed, f"a.parquet, row {row}: "):
                        made.load("a.parquet")
                else:
                    low = [None if n is None else max(n, FIRST // 1000 * 1000 + 1000) // 1000 for n in values]
                    self.assertEqual([row[0] for row in made.load("a.parquet", columns="epoch_us(x)")], low)


class Refused(unittest.TestCase):
    def refuses(self, made, code, *words, arguments=("a.parquet",)):
        with self.assertRaises(Failed) as caught:
            made.load(*arguments)
        self.assertEqual(caught.exception.code, code, str(caught.exception))
        for word in words:
            self.assertIn(word, str(caught.exception))
        self.assertNotIn(made.temp, str(caught.exception))

    def test_nested_nanoseconds_with_a_zone__are_refused_by_name_or_left_out(self):
        kinds = [pa.list_(ZONED), pa.struct([("a", pa.int64()), ("b", OF_DAY)]), pa.map_(pa.string(), pa.list_(ZONED))]
        values = [[0], {"a": 1, "b": 1}, [("a", [0])]]
        with Input() as made:
            for kind, value in zip(kinds, values):
                with self.subTest(kind=kind):
                    made.parquet("a.parquet", {"n": (kind, [value, None]), "v": (pa.int64(), [1, 2])})
                    self.refuses(made, UNSUPPORTED, "a.parquet", 'inside of the column "n"', "nanoseconds")
                    self.refuses(made, INVALID, "a.parquet", 'inside of the column "n"', arguments=("a.parquet", "--select", "*"))
                    self.assertEqual(made.load("a.parquet", "--select", "v"), [(1,), (2,)])

    def test_decimals_of_more_than_38_digits__are_refused_by_name_or_left_out(self):
        with Input() as made:
            for digits in (39, 40, 76):
                for nested in (False, True):
                    kind = pa.decimal256(digits, 2)
                    value = decimal.Decimal("1.5")
                    made.parquet("a.parquet", {"d": (pa.list_(kind), [[value]]) if nested else (kind, [value]), "v": (pa.int64(), [1])})
                    self.refuses(made, UNSUPPORTED, "a.parquet", '"d"', f"{digits} digits")
                    self.refuses(made, INVALID, f"{digits} digits", arguments=("a.parquet", "--select", "d"))
                    self.assertEqual(made.load("a.parquet", "--select", "v"), [(1,)])
            made.parquet("a.parquet", {"d": (pa.decimal128(38, 2), [decimal.Decimal("1.5")])})
            self.assertEqual(made.load("a.parquet"), [(decimal.Decimal("1.50"),)])

    def test_spine__with_such_decimals_is_refused(self):
        with Input() as made:
            made.table("events", "SELECT 'a' k, TIMESTAMP '2020-01-01' ts, 10::BIGINT v")
            made.define(entity("{name: k, type: string}") + source() + "feature_views:\n" + view("{name: last, column: v}"))
            columns = {"k": (pa.string(), ["a"]), "t": (pa.timestamp("us"), [0]), "d": (pa.decimal256(40, 2), [decimal.Decimal("1.5")])}
            made.parquet("s.parquet", columns)
            with self.assertRaises(Failed) as caught:
                made.build(spine="s.parquet", features="v")
            self.assertEqual(caught.exception.code, UNSUPPORTED)
            for word in ("s.parquet", '"d"', "40 digits"):
                self.assertIn(word, str(caught.exception))
            made.parquet("s.parquet", {**columns, "d": (pa.decimal128(38, 2), [decimal.Decimal("1.5")])})
            made.build(spine="s.parquet", features="v")

    def test_damaged_pages__are_named_by_the_file_that_was_given(self):
        with Input() as made:
            made.parquet("a.parquet", {"x": (ZONED, list(range(0, 10**7, 1000)))}, use_dictionary=False, compression="zstd")
            with open(made.path("a.parquet"), "r+b") as file:
                file.seek(4)
                file.write(b"\xff" * 100)
            with self.assertRaises(Failed) as caught:
                made.load("a.parquet")
            self.assertNotIn(made.temp, str(caught.exception))
            with self.assertRaises(Failed) as caught:
                made.load("a.parquet", "--select", "epoch_ns(x) AS x")
            self.assertNotIn(made.temp, str(caught.exception))

    def test_no_room_for_the_copy__is_said(self):
        def small():
            import resource
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        with Input() as made:
            made.parquet("a.parquet", {"x": (ZONED, [1000 * i * i for i in range(20000)])}, use_dictionary=False)
            with self.assertRaises(Failed) as caught:
                made.floe("table", "import", "a.parquet", "lake.t.c", preexec_fn=small)
            self.assertIn("floe-temp-", str(caught.exception))

    def test_an_interrupt__leaves_no_copy(self):
        with Input() as made:
            made.parquet("a.parquet", {"x": (ZONED, [1000 * i + 1 for i in range(3_000_000)])}, use_dictionary=False, compression="none")
            run = subprocess.Popen([FLOE, "table", "import", "a.parquet", "lake.t.c", "--select",
                                    "CAST(x AS TIMESTAMP) AS x, md5(md5(md5(x::VARCHAR))) AS y ORDER BY y"], cwd=made.folder,
                                   env={**os.environ, "TMPDIR": made.temp}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

            def copies():
                return [name for _, _, names in os.walk(made.temp) for name in names if name.endswith(".parquet")]
            while not copies() and run.poll() is None:
                time.sleep(0.001)
            self.assertIsNone(run.poll(), "it ended before anybody interrupted it")
            run.send_signal(signal.SIGINT)
            _, said = run.communicate(timeout=120)
            self.assertNotEqual(run.returncode, 0, said)
            self.assertEqual(os.listdir(made.temp), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
