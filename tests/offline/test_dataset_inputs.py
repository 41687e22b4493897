"""Inputs of request features from spines of text have the type that the feature declares, whatever the other values of the column look
like; what is none is refused by the value, with what to do. The same again from the kept spine. timeout: 900"""
import datetime
import decimal
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from dataset_support import Failed, Project, entity, source, view  # noqa: E402

KINDS = ("string", "int64", "int32", "double", "float", "bool", "date", "timestamp", "'decimal(10,3)'", "bytes")
UTC = datetime.timezone.utc


def project(view_too=False):
    made = Project()
    text = ""
    if view_too:
        made.table("events", "SELECT 'a' k, TIMESTAMP '2020-01-01' ts, 10::BIGINT v")
        text = entity() + source() + "feature_views:\n" + view("{name: last, column: v}")
    made.define(text + "request_features:\n" + "".join(
        f"  - {{name: {kind.strip(chr(39)).split('(')[0]}_, inputs: [{{name: x, type: {kind}}}], expression: x, type: {kind}}}\n" for kind in KINDS))
    return made


class Inputs(unittest.TestCase):
    def answers(self, made, spine, feature, engine="native"):
        built = made.build("--engine", engine, spine=spine, features=feature)
        self.assertIn("are the same", made.floe("dataset", "audit", built["id"]))
        made.floe("dataset", "rebuild", built["id"], "-o", "again.parquet")
        found = made.rows(f"SELECT x, {feature} FROM '$D/out.parquet'")
        self.assertEqual(made.rows(f"SELECT x, {feature} FROM '$D/again.parquet'"), found)
        return found

    def test_text_of_csv__is_a_string_as_it_is_written(self):
        """Whatever it looks like: numbers, days, truths, times and UUIDs; a quoted nothing is an empty text."""
        with project() as made:
            for values in (["1", "2"], ["007", "1.50", "-0"], ["2020-01-01", "2020-02-29"], ["true", "False"], ["1.50", "2e3"],
                           ["2020-01-01 00:00:00", "2020-01-01 00:00:01.10"], ["2020-01-01T00:00:00Z", "2020-01-01T00:00:00+02:00"],
                           ["0F5A1B1C-0000-4000-8000-000000000000"], ["12:00:00.50"], ["9223372036854775808"], ["0000-01-01", "2020-01-01"]):
                made.write("s.csv", "x,n\n" + "".join(f"{value},{i}\n" for i, value in enumerate(values)) + ",9\n\"\",10\n")
                self.assertEqual(self.answers(made, "s.csv", "string_"), [(value, value) for value in values] + [(None, None), ("", "")])

    def test_values_of_csv__are_read_as_declared(self):
        """Spelled in whatever ways a lookup takes; the column itself comes out as it is written."""
        for feature, texts, wanted in (
                ("decimal_", ["1.5", "2", "-0.125", ""], [decimal.Decimal("1.5"), 2, decimal.Decimal("-.125"), None]),
                ("int64_", ["007", "+5", "-3"], [7, 5, -3]),
                ("int32_", ["007", "2147483647"], [7, 2147483647]),
                ("double_", ["0.12345678901234567", "007", "1e3"], [0.12345678901234567, 7.0, 1000.0]),
                ("float_", ["16777217", "00.5"], [16777216.0, 0.5]),
                ("timestamp_", ["2020-01-01", "2020-01-01T10:00:00Z", "2020-01-01 10:00:00+02:00"],
                 [datetime.datetime(2020, 1, 1), datetime.datetime(2020, 1, 1, 10), datetime.datetime(2020, 1, 1, 8)]),
                ("bytes_", ["AAE=", "eHl6", ""], [b"\0\1", b"xyz", None]),
                ("bool_", ["true", "False"], [True, False]),
                ("date_", ["2020-02-29", "1969-12-31"], [datetime.date(2020, 2, 29), datetime.date(1969, 12, 31)])):
            with self.subTest(feature=feature), project() as made:
                made.write("s.csv", "x,n\n" + "".join(f"{text},{i}\n" for i, text in enumerate(texts)))
                for engine in ("native", "duckdb"):
                    self.assertEqual([value for _, value in self.answers(made, "s.csv", feature, engine)], wanted)

    def test_text_of_json__is_what_stands_in_quotes(self):
        with project() as made:
            for value in ("2020-01-01", "0F5A1B1C-0000-4000-8000-000000000000", "2020-01-01T00:00:00+02:00", "12:00:00"):
                made.write("s.jsonl", f'{{"x":"{value}"}}\n{{"x":null}}\n')
                self.assertEqual([found for _, found in self.answers(made, "s.jsonl", "string_")], [value, None])
            made.write("s.jsonl", '{"x":"2020-01-01"}\n{"x":"2020-01-01T10:00:00Z"}\n')
            self.assertEqual([found for _, found in self.answers(made, "s.jsonl", "timestamp_")],
                             [datetime.datetime(2020, 1, 1), datetime.datetime(2020, 1, 1, 10)])
            made.write("s.jsonl", '{"x":"1.250"}\n')
            self.assertEqual([found for _, found in self.answers(made, "s.jsonl", "decimal_")], [decimal.Decimal("1.25")])

    def test_what_is_none__is_refused_with_what_to_do(self):
        with project() as made:
            for name, text, feature, words in (
                    ("s.csv", "x,n\n1,1\nword,2\n", "double_", '"x" has a value that no double holds, as which the request feature double_ needs it: word'),
                    ("s.csv", "x,n\n1.5,1\n2.0005,2\n", "decimal_", "needs it: 2.0005"),
                    ("s.csv", "x,n\n1,1\n1.5,2\n", "int64_", "needs it: 1.5"),
                    ("s.csv", "x,n\n1,1\n0,2\n", "bool_", "needs it: 1"),
                    ("s.csv", "x,n\n2020-02-30,1\n2020-02-01,2\n", "date_", "needs it: 2020-02-30"),
                    ("s.csv", "x,n\nAAE,1\n", "bytes_", "needs it: AAE"),
                    ("s.jsonl", '{"x":1}\n', "string_", "needs it as string: write its values in quotes, or declare the input otherwise"),
                    ("s.jsonl", '{"x":1.5}\n', "decimal_", "needs it as decimal(10,3): write its values in quotes")):
                made.write(name, text)
                with self.assertRaises(Failed, msg=text) as caught:
                    made.build(spine=name, features=feature)
                self.assertEqual(caught.exception.code, 3)
                self.assertIn(words, str(caught.exception))
            made.file("s.parquet", "SELECT '1.5' AS x")
            with self.assertRaises(Failed) as caught:
                made.build(spine="s.parquet", features="double_")
            self.assertIn('"x" is VARCHAR, and the request feature double_ needs it as double: write it as that', str(caught.exception))

    def test_a_column_that_no_input_takes__stays_as_it_was(self):
        with project(view_too=True) as made:
            made.write("s.csv", "k,t,x,n\na,2020-01-02 00:00:00,1,1.5\n")
            hashes = set()
            for features in ("v:last", "v:last,string_", "v:last,int64_", "v:last,double_"):
                made.build(spine="s.csv", features=features)
                kinds = {name: kind for name, kind, *_ in made.rows("DESCRIBE FROM '$D/out.parquet'")}
                self.assertEqual((kinds["n"], kinds["t"]), ("DOUBLE", "TIMESTAMP"))
                hashes.add((features, kinds["x"]))
            self.assertEqual(hashes, {("v:last", "BIGINT"), ("v:last,string_", "VARCHAR"), ("v:last,int64_", "BIGINT"), ("v:last,double_", "BIGINT")})


if __name__ == "__main__":
    unittest.main()
