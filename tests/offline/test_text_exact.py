"""Text whose guessed types would change values: whole numbers beyond a double, times finer than microseconds, later rows of another
kind than the first. Imports keep the value or refuse it by file, row and column; labels of a spine pass through as they are
written. What is expected is the text itself, or Python's own numbers. timeout: 900"""
import decimal
import json
import os
import random
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from dataset_support import Failed, Project, entity, source, view  # noqa: E402

INVALID = 3
MANY = 30000  # rows: more than the engine's reader looks at before it decides
EVENTS = "SELECT 'a' k, TIMESTAMP '2020-01-01' ts, 10::BIGINT v"


def project():
    made = Project()
    made.table("events", EVENTS)
    made.define(entity("{name: k, type: string}") + source() + "feature_views:\n" + view("{name: last, column: v}"))
    return made


def texts(name, column, values):
    """The values as a file of that ending; in JSON what is a number stands without quotes, and .json is an array over many lines."""
    if name.endswith(".csv"):
        return column + "\n" + "".join(f"{value}\n" for value in values)

    def is_number(value):
        try:
            return json.loads(value) is not None and value not in ("true", "false")
        except ValueError:
            return False
    objects = [f'{{"{column}":{value if is_number(value) else json.dumps(value)}}}' for value in values]
    return "[\n  " + ",\n  ".join(objects) + "\n]\n" if name.endswith(".json") else "".join(text + "\n" for text in objects)


class Imports(unittest.TestCase):
    def load(self, made, name, values, *more):
        made.write(name, texts(name, "x", values))
        made.floe("table", "import", name, "lake.t.c", "--replace", *more)
        made.floe("table", "scan", "lake.t.c", "-o", "c.parquet")
        kinds = made.rows("SELECT DISTINCT typeof(x) FROM '$D/c.parquet'")
        return kinds[0][0], [row[0] for row in made.rows("SELECT x::VARCHAR FROM '$D/c.parquet'")]

    def test_whole_numbers__are_kept_whatever_their_size(self):
        cases = {"BIGINT": ["9007199254740993", "-9223372036854775808", "9223372036854775807"],
                 "DECIMAL(38,0)": ["9007199254740993", "9223372036854775808", "-" + "9" * 37, "9" * 38]}
        with project() as made:
            for kind, values in cases.items():
                for name in ("n.csv", "n.jsonl"):
                    with self.subTest(kind, file=name):
                        self.assertEqual(self.load(made, name, values), (kind, values))

    def test_numbers_that_no_type_holds__are_refused_by_row(self):
        cases = [(["1.5", "9007199254740993"], 2), (["1.5", "-90071992547409931"], 2),
                 (["9" * 40, "1"], 1), (["1.5"] * MANY + ["9007199254740993"], MANY + 1)]
        with project() as made:
            for values, row in cases:
                for name in ("n.csv", "n.jsonl", "n.json"):
                    with self.subTest(values=values[-2:], file=name), self.assertRaises(Failed) as caught:
                        self.load(made, name, values)
                    self.assertEqual(caught.exception.code, INVALID)
                    for part in (name, f"row {row}:", '"x"', values[row - 1], "--types"):
                        self.assertIn(part, str(caught.exception))

    def test_numbers_that_a_double_holds__stay_doubles(self):
        values = ["1.5", "9007199254740992", "-9007199254740994", "0.1", "1e300", "1e22", "0.3333333333333333"]
        with project() as made:
            for name in ("n.csv", "n.jsonl", "n.json"):
                kind, got = self.load(made, name, values)
                self.assertEqual((kind, [float(value) for value in got]), ("DOUBLE", [float(value) for value in values]))

    def test_what_types_say__is_taken(self):
        with project() as made:
            values = ["1.5", "9007199254740993"]
            self.assertEqual(self.load(made, "n.csv", values, "--types", "x=string"), ("VARCHAR", values))
            self.assertEqual(self.load(made, "n.csv", values, "--types", "x=double")[1][1], "9007199254740992.0")
            self.assertEqual(self.load(made, "n.csv", values, "--types", "x=decimal(20,1)"),
                             ("DECIMAL(20,1)", ["1.5", "9007199254740993.0"]))

    def test_finer_times__are_refused_by_row(self):
        fine = {"n.csv": ["2024-01-01T00:00:00.9999999", "2024-01-01 00:00:00.0000001", "10:00:00.1234567",
                          "2024-01-01T00:00:00.1234567Z", "1969-12-31 23:59:59.123456789+02:00"],
                "n.jsonl": ["10:00:00.1234567"]}
        with project() as made:
            for name, values in fine.items():
                for value in values:
                    for before in (1, MANY):
                        whole = value.partition(".")[0] + ("+02:00" if "+" in value else "Z" if "Z" in value else "")
                        with self.subTest(value, file=name, before=before), self.assertRaises(Failed) as caught:
                            self.load(made, name, [whole] * before + [value])
                        for part in (name, f"row {before + 1}:", '"x"', value, "--types"):
                            self.assertIn(part, str(caught.exception))

    def test_dates_that_begin_with_a_day_or_a_month__are_taken_where_some_value_tells(self):
        with project() as made:
            for values in (["01/02/2020", "03/04/2020"], ["02-01-2020 10:00:00", "12-12-2020 11:00:00"]):
                with self.subTest(values), self.assertRaises(Failed) as caught:
                    self.load(made, "n.csv", values)
                for part in ("n.csv", "row 1:", '"x"', values[0], "the day or the month", "--types", "strptime"):
                    self.assertIn(part, str(caught.exception))
            self.assertEqual(self.load(made, "n.csv", ["01/02/2020", "01/13/2020"]), ("DATE", ["2020-01-02", "2020-01-13"]))
            self.assertEqual(self.load(made, "n.csv", ["01/02/2020", "13/01/2020"]), ("DATE", ["2020-02-01", "2020-01-13"]))
            self.assertEqual(self.load(made, "n.jsonl", ["01/02/2020"]), ("VARCHAR", ["01/02/2020"]))
            self.assertEqual(self.load(made, "n.csv", ["01/02/2020"], "--types", "x=string"), ("VARCHAR", ["01/02/2020"]))

    def test_zeros_behind_microseconds__change_nothing(self):
        with project() as made:
            self.assertEqual(self.load(made, "n.csv", ["2024-01-01 00:00:00.123456000", "2024-01-01 00:00:00.5"]),
                             ("TIMESTAMP", ["2024-01-01 00:00:00.123456", "2024-01-01 00:00:00.5"]))

    def test_later_rows_of_another_kind__are_not_cut(self):
        cases = [("1", "1.5", "DOUBLE", ["1.0", "1.5"]), ("1", "word", "VARCHAR", ["1", "word"]),
                 ("1", "007", "VARCHAR", ["1", "007"]), ("true", "1", "VARCHAR", ["true", "1"]),
                 ("2024-01-01", "2024-01-01T10:00:00", "TIMESTAMP", ["2024-01-01 00:00:00", "2024-01-01 10:00:00"]),
                 ]
        with project() as made:
            for first, later, kind, expected in cases:
                with self.subTest(later):
                    got = self.load(made, "n.csv", [first] * MANY + [later])
                    self.assertEqual((got[0], [got[1][0], got[1][-1]]), (kind, expected))
            got = self.load(made, "n.jsonl", ["1"] * MANY + ["1.5"])
            self.assertEqual((got[0], got[1][-1]), ("DOUBLE", "1.5"))

    def test_a_kind_that_comes_late__makes_text_of_all(self):
        with project() as made:
            for name, first in (("n.jsonl", "5"), ("n.jsonl", "true"), ("n.jsonl", "2024-01-01"), ("n.csv", "2024-01-01"),
                                ("n.csv", "2024-01-01 10:00:00")):
                with self.subTest(first, file=name):
                    kind, got = self.load(made, name, [first] * MANY + ["x"])
                    self.assertEqual((kind, got[0], got[-1]), ("VARCHAR", first, "x"))

    def test_what_is_spelled_as_no_number_and_no_truth__is_text(self):
        with project() as made:
            for values in (["Yes", "No"], ["y", "n", "y"], ["0x10", "0x11"], ["1_000", "2_000"], ["007", "1"]):
                with self.subTest(values):
                    self.assertEqual(self.load(made, "n.csv", values), ("VARCHAR", values))
            self.assertEqual(self.load(made, "n.csv", ["true", "F", "FALSE"]), ("BOOLEAN", ["true", "false", "false"]))
            self.assertEqual(self.load(made, "n.csv", ["Yes", "No"], "--types", "x=boolean"), ("BOOLEAN", ["true", "false"]))

    def test_values_of_json_that_become_text__are_as_written_without_their_quotes(self):
        with project() as made:
            made.write("m.jsonl", '{"x":1,"l":[1,"x"],"s":{"p":1}}\n{"x":"a \\"b\\"","l":["y",{"z":1}],"s":{"p":"q"}}\n'
                                  '{"x":null,"l":null,"s":{"p":null}}\n{"x":true}\n{"x":[1, "b"]}\n')
            made.floe("table", "import", "m.jsonl", "lake.t.m", "--replace")
            made.floe("table", "scan", "lake.t.m", "-o", "m.parquet")
            self.assertEqual(made.rows("SELECT x, l, s FROM '$D/m.parquet'"), [
                ("1", ["1", "x"], {"p": "1"}), ('a "b"', ["y", '{"z":1}'], {"p": "q"}), (None, None, {"p": None}),
                ("true", None, None), ('[1,"b"]', None, None)])
            self.assertEqual(self.load(made, "n.jsonl", ["1", "2.5", "word"], "--types", "x=string"),
                             ("VARCHAR", ["1", "2.5", "word"]))
            self.assertEqual(self.load(made, "n.jsonl", ["1", "2.5"], "--types", "x=string"), ("VARCHAR", ["1", "2.5"]))

    def test_times_of_json_with_an_offset__have_a_zone(self):
        with project() as made:
            self.assertEqual(self.load(made, "n.jsonl", ["2024-01-02T03:04:05+02:00", "2024-01-02T03:04:05-01:30"]),
                             ("TIMESTAMP WITH TIME ZONE", ["2024-01-02 01:04:05+00", "2024-01-02 04:34:05+00"]))

    def test_a_key_of_json_that_comes_late__is_a_column(self):
        with project() as made:
            for number in ("1", "123456789012345678901"):
                made.write("late.jsonl", f'{{"x":{number}}}\n' * MANY + f'{{"x":{number},"y":"late"}}\n')
                made.floe("table", "import", "late.jsonl", "lake.t.l", "--replace")
                made.floe("table", "scan", "lake.t.l", "-o", "l.parquet")
                self.assertEqual(made.rows("SELECT count(*), count(y), max(y), max(x)::VARCHAR FROM '$D/l.parquet'"),
                                 [(MANY + 1, 1, "late", number)])

    def test_types_that_would_drop_a_zone_or_digits__are_refused(self):
        cases = [("timestamp", "2024-01-02T03:04:05+02:00"), ("timestamp", "2024-01-02 03:04:05.25-01:30"),
                 ("timestamptz", "garbage"), ("timestamptz", "2024-02-30T03:04:05Z"),
                 ("time", "03:04:05+02:00"), ("time", "03:04:05.1234567"), ("float", "1e300"), ("float", "-1e39"),
                 ("double", "1e400")]
        with project() as made:
            for kind, value in cases:
                with self.subTest(kind, value=value), self.assertRaises(Failed) as caught:
                    self.load(made, "n.csv", [value], "--types", f"x={kind}")
                self.assertEqual(caught.exception.code, INVALID)
                for part in ("--types", '"x"', value):
                    self.assertIn(part, str(caught.exception))
            with self.assertRaises(Failed) as caught:
                self.load(made, "n.jsonl", ["0.5", "1e300"], "--types", "x=float")
            self.assertIn('"x" has the value 1e+300', str(caught.exception))
            self.assertEqual(self.load(made, "n.csv", ["2024-01-02T03:04:05+00:00", "2024-01-02 03:04:05Z"], "--types",
                                       "x=timestamp"), ("TIMESTAMP", ["2024-01-02 03:04:05"] * 2))
            self.assertEqual(self.load(made, "n.csv", ["0.1", "inf", "1e38"], "--types", "x=float"), ("FLOAT", ["0.1", "inf", "1e+38"]))

    def test_a_zone_after_many_without__is_refused(self):
        with project() as made, self.assertRaises(Failed) as caught:
            self.load(made, "n.csv", ["2024-01-01 10:00:00"] * MANY + ["2024-01-01 10:00:00+02:00"])
        self.assertIn(f"row {MANY + 1}:", str(caught.exception))

    def test_a_time_with_a_zone_that_no_calendar_has__makes_text_of_all(self):
        with project() as made:
            values = ["2024-01-01T10:00:00Z"] * MANY + ["2024-02-30T10:00:00Z"]
            self.assertEqual(self.load(made, "n.csv", values), ("VARCHAR", values))

    def test_several_files__the_row_is_of_the_file(self):
        with project() as made:
            made.write("1.csv", "x,y\n1.5,a\n2.5,b\n")
            made.write("2.csv", "x,y\n3.5,a\n9007199254740993,b\n")
            with self.assertRaises(Failed) as caught:
                made.floe("table", "import", "1.csv", "2.csv", "lake.t.c")
            self.assertIn('2.csv, row 2: the column "x"', str(caught.exception))

    def test_random_numbers__come_back_or_are_refused(self):
        seed = int(os.environ.get("FLOE_SEED") or random.randrange(2**32))
        r = random.Random(seed)
        with self.subTest(seed=seed), project() as made:
            for _ in range(25):
                digits = r.choice([3, 15, 16, 17, 19, 25, 38])
                values = [f"{r.choice(['', '-'])}{r.randrange(1, 10**digits)}{r.choice(['', '', '.25'] if r.random() < .5 else [''])}"
                          for _ in range(r.choice([1, 3, 50]))]
                exact = all("." not in value for value in values)
                fits = exact or all(int(float(value)) == int(value.partition(".")[0]) for value in values)
                name = "n.jsonl" if exact and r.random() < .5 else "n.csv"
                if not fits:
                    with self.assertRaises(Failed, msg=values):
                        self.load(made, name, values)
                    continue
                got = self.load(made, name, values)[1]
                same = [decimal.Decimal(a) == decimal.Decimal(b) for a, b in zip(got, values)]
                self.assertTrue(all(same) if exact else [float(a) for a in got] == [float(b) for b in values], (name, values))


    def test_types_that_are_asked_for__see_late_values_of_json_as_they_are(self):
        with project() as made:
            self.assertEqual(self.load(made, "n.jsonl", ["1"] * MANY + ["2.5"], "--types", "x=double")[1][-1], "2.5")
            self.assertEqual(self.load(made, "n.jsonl", ["1"] * MANY + ["2.5"], "--types", "x=string")[1][-1], "2.5")
            for kind, value in (("decimal(10,2)", "2.555"), ("long", "2.5")):
                with self.subTest(kind), self.assertRaises(Failed) as caught:
                    self.load(made, "n.jsonl", ["1"] * MANY + [value], "--types", f"x={kind}")
                self.assertEqual(caught.exception.code, INVALID)


    def test_the_last_of_many_files__is_looked_at_too(self):
        """The reader of JSON looks at 32 files before it decides."""
        names = [f"n{i}.jsonl" for i in range(40)]
        with project() as made:
            for i, name in enumerate(names):
                made.write(name, texts(name, "x", ["2.5" if i == 39 else str(i)]))
            made.write("first.csv", "x\n1.5\n")
            made.floe("table", "import", "first.csv", "lake.t.added")
            for table, more in (("made", []), ("typed", ["--types", "x=double"]), ("added", ["--append"])):
                with self.subTest(table):
                    made.floe("table", "import", *names, f"lake.t.{table}", *more)
                    made.floe("table", "scan", f"lake.t.{table}", "-o", "c.parquet")
                    self.assertEqual(made.rows("SELECT max(x) FILTER (WHERE x < 3 AND x > 2), count(*) FROM '$D/c.parquet'"),
                                     [(2.5, 40 + (table == "added"))])


class Added(unittest.TestCase):
    """Rows that are added to a table take its types where a guess over few rows would be another."""
    FIRST = [("double", "1.5"), ("float", "0.5"), ("string", "abc"), ("decimal(10,2)", "1.25"), ("long", "1"), ("int", "1")]

    def add(self, made, kind, first, name, values, *more):
        made.write("first.csv", texts("first.csv", "x", [first]))
        made.floe("table", "import", "first.csv", "lake.t.c", "--replace", "--types", f"x={kind}")
        made.write(name, texts(name, "x", values).replace('"null"', "null"))
        made.floe("table", "import", name, "lake.t.c", *(more or ("--append",)))
        made.floe("table", "scan", "lake.t.c", "-o", "c.parquet")
        return [row[0] for row in made.rows("SELECT x::VARCHAR FROM '$D/c.parquet'")]

    def test_text_that_looks_like_another_type__is_read_as_the_tables(self):
        cases = [("double", "1.5", ["4", "-7"], ["1.5", "4.0", "-7.0"]), ("float", "0.5", ["16777216"], ["0.5", "16777216.0"]),
                 ("decimal(10,2)", "1.25", ["3", "0.5"], ["1.25", "3.00", "0.50"]), ("long", "1", ["2.0"], None)]
        with project() as made:
            for kind, first, values, expected in cases:
                for name in ("n.csv", "n.jsonl", "n.json"):
                    for more in (("--append",), ("--append", "--evolve")):
                        with self.subTest(kind, file=name, more=more):
                            if expected is None and name == "n.csv":
                                with self.assertRaises(Failed):
                                    self.add(made, kind, first, name, values, *more)
                            else:
                                self.assertEqual(self.add(made, kind, first, name, values, *more), expected or ["1", "2"])

    def test_digits_in_a_column_of_text__stay_as_they_are_written(self):
        with project() as made:
            self.assertEqual(self.add(made, "string", "abc", "n.csv", ["007", "1.50", "2020-01-01", "true"]),
                             ["abc", "007", "1.50", "2020-01-01", "true"])
            self.assertEqual(self.add(made, "string", "abc", "n.csv", ["007"], "--overwrite"), ["007"])

    def test_a_column_that_is_empty_today__is_null(self):
        with project() as made:
            for kind, first in self.FIRST + [("timestamp", "2020-01-01 00:00:00"), ("date", "2020-01-01"), ("boolean", "true")]:
                with self.subTest(kind):
                    made.write("first.csv", f"k,x\na,{first}\n")
                    made.floe("table", "import", "first.csv", "lake.t.c", "--replace", "--types", f"x={kind}")
                    made.write("n.csv", "k,x\nb,\n")
                    made.floe("table", "import", "n.csv", "lake.t.c", "--append")
                    made.floe("table", "scan", "lake.t.c", "-o", "c.parquet")
                    self.assertEqual(made.rows("SELECT k, x IS NULL FROM '$D/c.parquet'"), [("a", False), ("b", True)])

    def test_a_fraction_behind_many_whole_numbers_or_nulls__is_no_whole_number(self):
        """The reader of JSON casts what comes late to what it guessed of the first rows, before the table's type is asked for."""
        early = {"whole": ["1"] * MANY, "null": ["null"] * MANY}
        held = [("double", "1.5"), ("float", "0.5"), ("decimal(10,2)", "1.25")]
        with project() as made:
            for rows in early.values():
                for kind, first in held:
                    for name in ("n.csv", "n.jsonl"):
                        with self.subTest(kind, first=rows[0], file=name):
                            values = [*([""] * MANY if rows[0] == "null" and name == "n.csv" else rows), "2.5"]
                            self.assertEqual(float(self.add(made, kind, first, name, values)[-1]), 2.5)
            for kind, first, value in (("decimal(10,2)", "1.25", "2.555"), ("long", "1", "2.5"),
                                       ("timestamp", "2020-01-01 00:00:00", "2024-01-01 00:00:00.1234567")):
                for rows in early.values():
                    with self.subTest(kind, first=rows[0]), self.assertRaises(Failed) as caught:
                        self.add(made, kind, first, "n.jsonl", [*(rows if kind != "timestamp" else early["null"]), value])
                    self.assertEqual(caught.exception.code, INVALID)

    def test_a_value_that_the_tables_type_does_not_hold__is_refused(self):
        cases = [("double", "1.5", "9007199254740993"), ("float", "0.5", "16777217"), ("decimal(10,2)", "1.25", "3.555"),
                 ("long", "1", "2.5"), ("int", "1", "2147483648"), ("long", "1", "abc"), ("double", "1.5", "1,5"), ("float", "0.5", "1e300")]
        with project() as made:
            for kind, first, value in cases:
                for name in ("n.csv", "n.jsonl"):
                    with self.subTest(kind, value=value, file=name), self.assertRaises(Failed) as caught:
                        self.add(made, kind, first, name, [f'"{value}"' if "," in value and name == "n.csv" else value])
                    self.assertEqual(caught.exception.code, INVALID)
                    self.assertRegex(str(caught.exception), 'column "?x"?')


class Labels(unittest.TestCase):
    def build(self, made, name, label, *more, first=()):
        rows = [*first, label]
        if name.endswith(".csv"):
            made.write(name, "k,t,x\n" + "".join(f"a,2021-01-01 00:00:00,{value}\n" for value in rows))
        else:
            made.write(name, "".join(f'{{"k":"a","t":"2021-01-01 00:00:00","x":{value}}}\n' for value in rows))
        made.build("--time", "t", *more, spine=name, features="v")
        return made.rows("SELECT typeof(x), x::VARCHAR, v__last FROM '$D/out.parquet'")[-1]

    def test_labels__come_out_as_they_were_written(self):
        cases = [("9007199254740993", [], "BIGINT"), ("9223372036854775808", [], "DECIMAL(38,0)"),
                 ("9007199254740993", ["1.5"], "VARCHAR"), ("0.12345678901234567891", [], "VARCHAR"),
                 ("9" * 45, [], "VARCHAR"), ("0.1", [], "DOUBLE"), ("1.5", ["1"] * MANY, "DOUBLE")]
        with project() as made:
            for label, first, kind in cases:
                for name in ("s.csv", "s.jsonl"):
                    if name == "s.jsonl" and label in ("9223372036854775808", "0.12345678901234567891"):
                        continue  # refused as beyond int64, and the nearest double: JSON's own numbers
                    with self.subTest(label, file=name, first=first[:1]):
                        self.assertEqual(self.build(made, name, label, first=first), (kind, label, 10))

    def test_times_of_labels__keep_their_digits(self):
        cases = [("2024-01-01 00:00:00.123456789", [], "TIMESTAMP_NS"), ("10:00:00.1234567", [], "VARCHAR"),
                 ("2024-01-01T00:00:00.1234567+02:00", [], "VARCHAR"), ("2024-01-01 00:00:00.1234567891", [], "VARCHAR"),
                 ("2024-01-01 10:00:00+02:00", ["2024-01-01 10:00:00"] * MANY, "VARCHAR")]
        with project() as made:
            for label, first, kind in cases:
                with self.subTest(label):
                    self.assertEqual(self.build(made, "s.csv", label, first=first), (kind, label, 10))

    def test_a_label_that_is_no_such_value_and_comes_late__makes_text_of_all(self):
        """The engine's reader makes a null of a time with a zone that no calendar has."""
        cases = [("2020-01-01T00:00:00Z", "2020-02-30T00:00:00Z"), ("2020-01-01T00:00:00+01:00", "2020-01-01T25:00:00+01:00"),
                 ("2020-01-01T00:00:00Z", "garbage"), ("2020-01-01", "2020-02-30"), ("2020-01-01 00:00:00", "2020-02-30 00:00:00"),
                 ("10:00:00", "25:00:00"), ("1.5", "1.5.5")]
        with project() as made:
            for first, label in cases:
                with self.subTest(label):
                    self.assertEqual(self.build(made, "s.csv", label, first=[first] * MANY), ("VARCHAR", label, 10))
            self.assertEqual(self.build(made, "s.csv", "99999999999999999999", first=["1"] * MANY), ("DECIMAL(38,0)", "9" * 20, 10))

    def test_a_label_time_that_no_calendar_has__is_refused_however_late(self):
        with project() as made:
            for first, when in (("2020-01-01T00:00:00Z", "2020-02-30T00:00:00Z"), ("2020-01-01 00:00:00", "2020-02-30 00:00:00")):
                made.write("s.csv", "k,t\n" + f"a,{first}\n" * MANY + f"a,{when}\n")
                with self.subTest(when), self.assertRaises(Failed) as caught:
                    made.build("--time", "t", spine="s.csv", features="v", out="o.csv")
                self.assertIn(f'row {MANY + 1}: the time column "t" is "{when}"', str(caught.exception))

    def test_dates_of_labels__are_not_turned_around(self):
        cases = [(["01/02/2020"], "VARCHAR"), (["13/01/2020", "01/02/2020"], "VARCHAR"), (["1.2.2020"], "VARCHAR"),
                 (["01-02-2020 10:00:00"], "VARCHAR"), (["2020-02-01"], "DATE")]
        with project() as made:
            for labels, kind in cases:
                for name in ("s.csv", "s.jsonl"):
                    with self.subTest(labels, file=name):
                        rows = [f'"{label}"' if name == "s.jsonl" else label for label in labels]
                        self.assertEqual(self.build(made, name, rows[-1], first=rows[:-1]), (kind, labels[-1], 10))

    def test_a_label_time_that_does_not_begin_with_its_year__is_refused(self):
        with project() as made:
            for when in ("01/02/2021", "13/02/2021", "31.12.2021 10:00:00"):
                made.write("s.csv", f"k,t\na,{when}\n")
                for options, part in ((["--time", "t"], when), ([], "--time")):
                    with self.subTest(when), self.assertRaises(Failed) as caught:
                        made.build(*options, spine="s.csv", features="v", out="o.csv")
                    self.assertIn(part, str(caught.exception))

    def test_numbers_of_json_that_no_double_holds__are_refused_by_row(self):
        """Whole digits beyond 2^53 beside a fraction; texts may hold what they like."""
        with project() as made:
            for first, text in (("1.5", "{}"), ("[1.5]", "[1, {}]"), ('{"y": 1.5}', '{"y": {}}')):
                for number in ("9007199254740993.5", "-90071992547409931.25"):
                    with self.subTest(text), self.assertRaises(Failed) as caught:
                        self.build(made, "s.jsonl", text.replace("{}", number), first=[first])
                    for part in ("s.jsonl", "row 2:", number, "as a text"):
                        self.assertIn(part, str(caught.exception))
            self.assertEqual(self.build(made, "s.jsonl", "9007199254740992.0", first=["1.5"])[1:], ("9007199254740992.0", 10))
            text = r'"a \"9007199254740993.5"'
            self.assertEqual(self.build(made, "s.jsonl", text)[1:], (json.loads(text), 10))

    def test_the_label_time_itself__is_rounded_down_or_refused(self):
        with project() as made:
            made.write("s.csv", "k,t\na,2019-12-31 23:59:59.999999999\na,2020-01-01 00:00:00.000000001\n")
            made.build("--time", "t", spine="s.csv", features="v")
            self.assertEqual(made.rows("SELECT t::VARCHAR, v__last FROM '$D/out.parquet'"),
                             [("2019-12-31 23:59:59.999999999", None), ("2020-01-01 00:00:00.000000001", 10)])
            made.write("s.csv", "k,t\na,2021-01-01T00:00:00Z\na,2021-01-01T00:00:00.0000001Z\n")
            with self.assertRaises(Failed) as caught:
                made.build("--time", "t", spine="s.csv", features="v", out="o.csv")
            self.assertIn("s.csv, row 2", str(caught.exception))
            self.assertIn("finer than microseconds", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
