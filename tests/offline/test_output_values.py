"""What files that floe writes hold: the values of its REST answers in JSON Lines, the same as people read them in CSV, and
both read back by floe itself. Expected values follow from the rule (RFC 3339, RFC 4648, JSON), not from a run. timeout: 600"""
import base64
import csv
import datetime
import decimal
import json
import math
import os
import resource
import struct
import sys
import unittest

import pyarrow
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet

sys.path.insert(0, os.path.dirname(__file__))
from dataset_support import Failed, Project, entity, source, view  # noqa: E402

UNSUPPORTED, NOT_FOUND, INVALID, IO = 12, 4, 3, 10
ROWS = r"""SELECT * FROM (VALUES
    (1::BIGINT, 9223372036854775807::BIGINT, 'NaN'::DOUBLE, 'Infinity'::FLOAT, 1.10::DECIMAL(10, 2), '\x00\xFF'::BLOB,
     DATE '2020-02-29', TIMESTAMP '2020-01-01 00:00:00', TIMESTAMPTZ '1969-12-31 23:59:59.5+00', TRUE, 'a,"b"
c', TIME '12:34:56.000001', [1.5::DOUBLE, NULL, 'NaN'::DOUBLE],
     {'n': 12345678901234567.25::DECIMAL(38, 2), 'b': '\xFF'::BLOB, 'i': ['-Infinity'::DOUBLE], 'd': DATE '2020-01-01'},
     MAP {'k': TIMESTAMP '2020-01-01 00:00:00.000001'}, uuid '00112233-4455-6677-8899-aabbccddeeff'),
    (2, -9223372036854775808, '-Infinity', 0.1, -0.05, ''::BLOB, NULL, NULL, NULL, FALSE, '', NULL, [], NULL, NULL, NULL))
    t(k, i, f, g, m, b, d, ts, tz, y, s, tod, l, st, mp, u)"""
JSON_ROWS = [
    {"k": 1, "i": 9223372036854775807, "f": "NaN", "g": "Infinity", "m": "1.10", "b": "AP8=", "d": "2020-02-29",
     "ts": "2020-01-01T00:00:00Z", "tz": "1969-12-31T23:59:59.500Z", "y": True, "s": 'a,"b"\nc',
     "tod": "12:34:56.000001", "l": [1.5, None, "NaN"],
     "st": {"n": "12345678901234567.25", "b": "/w==", "i": ["-Infinity"], "d": "2020-01-01"},
     "mp": {"k": "2020-01-01T00:00:00.000001Z"}, "u": "00112233-4455-6677-8899-aabbccddeeff"},
    {"k": 2, "i": -9223372036854775808, "f": "-Infinity", "g": 0.1, "m": "-0.05", "b": "", "d": None, "ts": None,
     "tz": None, "y": False, "s": "", "tod": None, "l": [], "st": None, "mp": None, "u": None}]


def strict(text):
    """One JSON document; NaN and the infinities, which Python reads too, are none."""
    def refuse(word):
        raise AssertionError(f"{word} is no JSON")
    return json.loads(text, parse_constant=refuse)


def as_csv(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, separators=(",", ":")) if isinstance(value, (list, dict)) else str(value)


class Values(unittest.TestCase):
    def setUp(self):
        self.project = Project()
        self.addCleanup(self.project.__exit__)

    def scan(self, out):
        facts = json.loads(self.project.floe("table", "scan", "lake.t.x", "-o", out, "--json"))
        with open(self.project.path(out), newline="") as file:
            return facts, file.read()

    def test_jsonl__holds_the_values_of_the_rest_answers(self):
        self.project.table("x", ROWS)
        facts, text = self.scan("o.jsonl")
        self.assertEqual(facts["rows"], 2)
        self.assertEqual([strict(line) for line in text.splitlines()], JSON_ROWS)

    def test_csv__holds_the_same_values_as_text(self):
        self.project.table("x", ROWS)
        _, text = self.scan("o.csv")
        rows = list(csv.DictReader(text.splitlines(keepends=True)))
        self.assertEqual(rows, [{name: as_csv(value) for name, value in row.items()} for row in JSON_ROWS])
        self.assertIn(',"",', text)  # an empty text is not a null

    def test_many_rows__come_whole_and_in_order(self):
        self.project.table("x", "SELECT i::BIGINT AS i, repeat('x', 40) AS s FROM range(100000) r(i)")
        _, text = self.scan("o.jsonl")
        self.assertEqual([strict(line)["i"] for line in text.splitlines()], list(range(100000)))
        _, text = self.scan("o.csv")
        self.assertEqual([int(row["i"]) for row in csv.DictReader(text.splitlines())], list(range(100000)))

    def test_no_rows__are_a_header_or_nothing(self):
        self.project.table("x", "SELECT 1::BIGINT AS i, 'a' AS \"s,\"")
        for out, want in (("o.csv", 'i,"s,"\n'), ("o.jsonl", "")):
            self.project.floe("table", "scan", "lake.t.x", "--where", "i > 1", "-o", out)
            with open(self.project.path(out)) as file:
                self.assertEqual(file.read(), want)

    def test_import__reads_back_what_was_written(self):
        """Of the types that a reader of text can tell; decimals of JSON are text by the rule."""
        self.project.table("x", """SELECT * FROM (VALUES (1::BIGINT, 0.1::DOUBLE, 'a,b', DATE '2020-02-29',
            TIMESTAMPTZ '2020-01-01 00:00:00+00', TRUE), (2, 1e300, 'x', NULL, TIMESTAMPTZ '2020-01-01 00:00:00.5+00', FALSE))
            t(i, f, s, d, t, y)""")
        self.scan("o.csv")
        self.scan("o.jsonl")
        self.project.floe("table", "scan", "lake.t.x", "-o", "o.parquet")
        want = self.project.rows("SELECT i, f, s, d, epoch_us(t), y FROM '$D/o.parquet' ORDER BY i")
        for name in ("o.csv", "o.jsonl"):
            table = f"lake.t.back_{name[2:]}"
            self.project.floe("table", "import", name, table, "--types", "t=timestamptz,d=date")
            self.project.floe("table", "scan", table, "-o", "back.parquet")
            got = self.project.rows("SELECT i, f, s, d, epoch_us(t), y FROM '$D/back.parquet' ORDER BY i")
            self.assertEqual(got, want, name)

    def test_parquet__is_zstd(self):
        self.project.table("x", "SELECT 1::BIGINT AS i")
        self.project.floe("table", "scan", "lake.t.x", "-o", "o.parquet")
        self.assertEqual(self.project.rows("SELECT DISTINCT compression FROM parquet_metadata('$D/o.parquet')"), [("ZSTD",)])

    def test_endings_and_folders__are_refused_before_anything_is_read(self):
        self.project.table("x", "SELECT 1::BIGINT AS i")
        for out, code, part in (("o.xlsx", UNSUPPORTED, ".parquet, .arrow, .feather, .arrows, .csv or .jsonl"), ("no/o.csv", NOT_FOUND, "no")):
            with self.assertRaises(Failed) as caught:
                self.project.floe("table", "scan", "lake.t.x", "-o", out)
            self.assertEqual(caught.exception.code, code)
            self.assertIn(part, str(caught.exception))

    def test_failed_write__leaves_the_earlier_file_and_nothing_else(self):
        """A limit on file length makes write fail as a full disk does."""
        self.project.table("x", "SELECT i::BIGINT AS i, repeat('x', 100) AS s FROM range(20000) r(i)")
        limit = 1 << 20
        for out in ("o.csv", "o.jsonl"):
            self.project.write(out, "before")
            before = self.project.content()
            with self.assertRaises(Failed) as caught:
                self.project.floe("table", "scan", "lake.t.x", "-o", out, preexec_fn=lambda: resource.setrlimit(
                    resource.RLIMIT_FSIZE, (limit, limit)))
            self.assertEqual(caught.exception.code, IO, str(caught.exception))
            self.assertIn(out, str(caught.exception))
            self.assertEqual(self.project.content(), before)
            with open(self.project.path(out)) as file:
                self.assertEqual(file.read(), "before")

    def test_dataset__is_the_same_to_every_reader_of_every_format(self):
        """pyarrow and DuckDB over Parquet, Arrow and CSV. pandas and Polars stand on these readers; their own size keeps them out."""
        events = """SELECT 'a' AS k, make_timestamp(i) AS ts, i AS v,
            CASE i WHEN 1 THEN 'nan'::DOUBLE WHEN 2 THEN 'inf'::DOUBLE WHEN 3 THEN -0.0::DOUBLE ELSE i / 3 END AS d,
            CAST(i AS DECIMAL(18, 3)) AS m, 'té,"x" ' || i AS s, encode('b' || i) AS y, DATE '1969-12-31' + i::INTEGER AS dt,
            i % 2 = 0 AS b, make_timestamp(i * 1000000 - 3000001) AS tm, i::FLOAT / 3 AS f, i::INTEGER AS i4, [i, NULL] AS l FROM range(1, 9) r(i)"""
        columns = ["v", "d", "m", "s", "y", "dt", "b", "tm", "f", "i4", "l"]
        self.project.table("events", events)
        self.project.define(entity() + source() + "feature_views:\n" +
                            view(", ".join(f"{{name: {c}, column: {c}}}" for c in columns), "{column: v, functions: [count, sum, mean]}"))
        self.project.file("s.parquet", "SELECT CASE WHEN i <> 5 THEN 'a' END AS k, make_timestamp(i) AS t FROM range(0, 9) r(i)")
        hashes = {self.project.build(spine="s.parquet", features="v", out=out)["content_hash"]
                  for out in ("o.parquet", "o.arrow", "o.arrows", "o.csv")}
        self.assertEqual(len(hashes), 1)
        # By hand from the events: at time i the newest row is i, of nothing before 1; the label without a key has none.
        seen = [None, 1, 2, 3, 4, None, 6, 7, 8]
        real = {1: math.nan, 2: math.inf, 3: -0.0}
        day, epoch = datetime.date(1969, 12, 31), datetime.datetime(1970, 1, 1)
        rows = [None if i is None else
                (i, real.get(i, i / 3), decimal.Decimal(f"{i}.000"), f'té,"x" {i}', f"b{i}".encode(), day + datetime.timedelta(i), i % 2 == 0,
                 epoch + datetime.timedelta(microseconds=i * 1000000 - 3000001), struct.unpack("f", struct.pack("f", i / 3))[0], i, [i, None])
                for i in seen]
        rows = [(*(row or (None,) * 11), i if row else 0, sum(range(1, i + 1)) if row else None, (i + 1) / 2 if row else None)
                for i, row in zip(seen, rows)]

        def check(got, reader):
            self.assertEqual([[repr(cell) for cell in row] for row in got], [[repr(cell) for cell in row] for row in rows], reader)
        path = self.project.path
        for name, table in (("pyarrow, Parquet", pyarrow.parquet.read_table(path("o.parquet"))),
                            ("pyarrow, Arrow", pyarrow.ipc.open_file(path("o.arrow")).read_all()),
                            ("pyarrow, Arrow's stream", pyarrow.ipc.open_stream(path("o.arrows")).read_all())):
            rows_ = table  # noqa: F841  DuckDB finds it by its name
            table.validate(full=True)
            check(list(zip(*(table.column(i).to_pylist() for i in range(2, table.num_columns)))), name)
            check(self.project.db.sql("SELECT COLUMNS('v__.*') FROM rows_").fetchall(), f"DuckDB over {name}")
        check(self.project.rows("SELECT COLUMNS('v__.*') FROM '$D/o.parquet'"), "DuckDB, Parquet")
        types = {f"v__{n}": t for n, t in zip(columns + ["v_count", "v_sum", "v_mean"],
                                              "BIGINT DOUBLE DECIMAL(18,3) VARCHAR VARCHAR DATE BOOLEAN TIMESTAMP FLOAT INTEGER BIGINT[] "
                                              "BIGINT BIGINT DOUBLE".split())}
        check([(*row[:4], row[4] and base64.b64decode(row[4]), *row[5:]) for row in
               self.project.rows(f"SELECT COLUMNS('v__.*') FROM read_csv('$D/o.csv', types = {types})")], "DuckDB, CSV")
        kinds = [pyarrow.int64(), pyarrow.float64(), pyarrow.decimal128(18, 3), pyarrow.string(), pyarrow.string(), pyarrow.date32(),
                 pyarrow.bool_(), pyarrow.timestamp("us", "UTC"), pyarrow.float32(), pyarrow.int32(), pyarrow.string(), pyarrow.int64(),
                 pyarrow.int64(), pyarrow.float64()]
        options = pyarrow.csv.ConvertOptions(column_types=dict(zip(types, kinds)), null_values=[""], strings_can_be_null=True,
                                             quoted_strings_can_be_null=False)
        table = pyarrow.csv.read_csv(path("o.csv"), convert_options=options)
        got = list(zip(*(table.column(name).to_pylist() for name in types)))
        check([(*row[:4], row[4] and base64.b64decode(row[4]), *row[5:7], row[7] and row[7].replace(tzinfo=None), *row[8:10],
                row[10] and json.loads(row[10]), *row[11:]) for row in got], "pyarrow, CSV")


class RoundTrips(unittest.TestCase):
    def test_bytes_keys__are_base64_and_nothing_else(self):
        with Project() as project:
            project.table("events", r"SELECT '\x00\xFF'::BLOB AS k, TIMESTAMP '2020-01-01' AS ts, 5::BIGINT AS v")
            project.define(entity("{name: k, type: bytes}") + source() + "feature_views:\n" + view("{name: last, column: v}"))
            for name, form in (("s.csv", "k,t\n{},2020-01-02 00:00:00\n"),
                               ("s.jsonl", '{{"k": "{}", "t": "2020-01-02 00:00:00"}}\n')):
                project.write(name, form.format("AP8="))
                self.assertEqual(project.answers(spine=name, features="v", select="v__last"), [(5,)], name)
                for wrong in ("AP8", "A===", "a b=", "2020-01-01"):
                    project.write(name, form.format(wrong))
                    with self.assertRaises(Failed) as caught:
                        project.build(spine=name, features="v")
                    self.assertEqual(caught.exception.code, INVALID)
                    for part in (name, "base64", '"k"', wrong):
                        self.assertIn(part, str(caught.exception))

    def test_dataset__is_a_spine_again(self):
        """Keys of every declared type, times with and without a fraction: a second build on the first one's file finds the
        same answers and the same times."""
        keys = {"int64": "7::BIGINT", "string": "'2020-01-01'", "bytes": r"'\x00\xFF'::BLOB", "date": "DATE '2020-01-01'",
                "bool": "TRUE", "timestamp": "TIMESTAMP '2020-01-01 00:00:00.5'",
                "decimal(38,10)": "-1234567890123456789012345678.0123456789::DECIMAL(38,10)"}
        for declared, sql in keys.items():
            with self.subTest(declared), Project() as project:
                project.table("events", f"SELECT {sql} AS k, TIMESTAMP '2020-01-01' AS ts, 5::BIGINT AS v")
                project.define(entity(f"{{name: k, type: '{declared}'}}") + source() + "feature_views:\n" +
                               view("{name: last, column: v}") + view("{name: last, column: v}", name="w"))
                project.file("s.parquet", f"""SELECT {sql} AS k, t FROM (VALUES (TIMESTAMP '2020-01-02 00:00:00'),
                    (TIMESTAMP '2020-01-02 00:00:00.5'), (TIMESTAMP '2019-01-02 00:00:00.000001')) r(t)""")
                project.build("--time", "t", spine="s.parquet", features="v", out="o.parquet")
                want = project.rows("SELECT v__last, epoch_us(t) FROM '$D/o.parquet'")
                self.assertEqual([row[0] for row in want], [5, 5, None])
                for out in ("o.csv", "o.jsonl"):
                    project.build("--time", "t", spine="s.parquet", features="v", out=out)
                    project.build("--time", "t", spine=out, features="w", out="again.parquet")
                    got = project.rows("SELECT w__last, epoch_us(t) FROM '$D/again.parquet'")
                    self.assertEqual(got, want, (declared, out))


if __name__ == "__main__":
    unittest.main()
