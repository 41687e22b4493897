"""Keys of JSON Lines spines are read as the entity declares them, whatever the reader makes of the rows: numbers have no width there, and
times no type. What is none of the type is refused with its text. Expected: the value itself, by Python. timeout: 600"""
import datetime
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from dataset_support import Failed, Project, entity, source, view  # noqa: E402

INVALID = 3
AT = datetime.datetime
GOOD = {"int32": {"1": 1, "-2147483648": -2**31, "2147483647": 2**31 - 1, "0": 0},
        "int64": {"1": 1, "9223372036854775807": 2**63 - 1, "-9223372036854775808": -2**63},
        "string": {'"a"': "a", '"5"': "5", '"true"': "true", '"[1]"': "[1]", '"q\\"\\\\"': 'q"\\', '""': "", '"2020-01-02"': "2020-01-02",
                   '"\\u00e9"': "é"},
        "bool": {"true": True, "false": False},
        "date": {'"2020-01-02"': datetime.date(2020, 1, 2), '"0001-01-01"': datetime.date(1, 1, 1), '"9999-12-31"': datetime.date(9999, 12, 31)},
        "timestamp": {'"2020-01-02T03:04:05.000001Z"': AT(2020, 1, 2, 3, 4, 5, 1), '"2020-01-02T04:04:05.000001+01:00"': AT(2020, 1, 2, 3, 4, 5, 1),
                      '"2020-01-01T22:04:05-05:00"': AT(2020, 1, 2, 3, 4, 5), '"2020-01-02 03:04:05"': AT(2020, 1, 2, 3, 4, 5),
                      '"0001-01-01T00:00:00Z"': AT(1, 1, 1), '"9999-12-31T23:59:59.999999Z"': AT(9999, 12, 31, 23, 59, 59, 999999),
                      '"2020-01-02"': AT(2020, 1, 2)}}
BAD = {"int32": ["2147483648", "1.5", '"1"', "true", "1e3"], "int64": ["9223372036854775808", "1.5", '"1"', '"x"'], "bool": ["1", '"true"'],
       "string": ["5", "1.5", "true", "[1]", '{"b":1}'],
       "date": ['"2020-01-32"', '"2020-01-02T00:00:00Z"', "20200102", '"01/02/2020"'],
       "timestamp": ['"2020-01-02T24:00:00Z"', '" 2020-01-02T03:04:05Z"', '"2020-01-02T03:04:05 UTC"', '"2020-01-02T03:04:05.0000001Z"', '"2020-02-30T00:00:00Z"', "1577934245", '"x"', '"infinity"', '"epoch"']}


class Keys(unittest.TestCase):
    def project(self, type_):
        """An event for each good value, at any time."""
        project = Project()
        self.addCleanup(project.__exit__)
        sql = {"string": "VARCHAR", "int32": "INTEGER", "int64": "BIGINT", "bool": "BOOLEAN", "date": "DATE", "timestamp": "TIMESTAMP"}[type_]
        project.db.execute(f"CREATE TABLE e (k {sql}, v BIGINT)")
        values = list(dict.fromkeys(GOOD[type_].values()))
        for i, value in enumerate(values):
            project.db.execute("INSERT INTO e VALUES (?, ?)", [value, i])
        project.table("events", "SELECT k, TIMESTAMP '2000-01-01' AS ts, v FROM e")
        project.define(entity(f"{{name: k, type: {type_}}}") + source() + "feature_views:\n" + view("{name: last, column: v}"))
        return project, values

    def spine(self, project, texts):
        project.write("s.jsonl", "".join(f'{{"k":{text},"x":"2021-01-01T00:00:00Z","n":{i}}}\n' for i, text in enumerate(texts)))

    def test_good_values__alone_and_together(self):
        for type_, good in GOOD.items():
            project, values = self.project(type_)
            for texts in [[text] for text in good] + [list(good) + ["null"]] + [["null", "null"]]:
                with self.subTest(type_, texts=texts):
                    self.spine(project, texts)
                    want = [(good.get(text), values.index(good[text]) if text in good else None, i) for i, text in enumerate(texts)]
                    for way in ([], ["--engine", "duckdb"]):
                        project.build("--time", "x", *way, spine="s.jsonl", features="v")
                        self.assertEqual(project.rows("SELECT k, v__last, n FROM '$D/out.parquet'"), want)

    def test_other_values__are_refused_with_their_text(self):
        for type_, bad in BAD.items():
            project, _ = self.project(type_)
            for text in bad:
                with self.subTest(type_, text=text):
                    self.spine(project, [next(iter(GOOD[type_])), text])
                    with self.assertRaises(Failed) as caught:
                        project.build("--time", "x", spine="s.jsonl", features="v")
                    self.assertEqual(caught.exception.code, INVALID)
                    self.assertIn(f'the key column "k" has a value that is no {type_}: ', str(caught.exception))

    def test_times_in_csv__are_spelled_alike(self):
        project, values = self.project("timestamp")
        good = [text.strip('"') for text in GOOD["timestamp"]]
        project.write("s.csv", "k,x\n" + "".join(f"{text},2021-01-01\n" for text in [*good, ""]))
        for way in ([], ["--engine", "duckdb"]):
            project.build("--time", "x", *way, spine="s.csv", features="v")
            self.assertEqual(project.rows("SELECT k, v__last FROM '$D/out.parquet'"),
                             [(value, values.index(value)) for value in GOOD["timestamp"].values()] + [(None, None)])
        for text in BAD["timestamp"]:
            with self.subTest(text):
                project.write("s.csv", f"k,x\n{good[0]},2021-01-01\n{text},2021-01-01\n")
                with self.assertRaises(Failed) as caught:
                    project.build("--time", "x", spine="s.csv", features="v")
                self.assertEqual(caught.exception.code, INVALID)
                self.assertIn('the key column "k" has a value that is no timestamp: ', str(caught.exception))

    def test_truths_in_csv__are_true_and_false(self):
        project, values = self.project("bool")
        project.write("s.csv", "k,x\n" + "".join(f"{text},2021-01-01\n" for text in ("true", "false", "True", "False", "")))
        project.build("--time", "x", spine="s.csv", features="v")
        self.assertEqual(project.rows("SELECT k, v__last FROM '$D/out.parquet'"),
                         [(value, values.index(value)) for value in (True, False, True, False)] + [(None, None)])
        for text in ("yes", "1", "t", "x"):
            with self.subTest(text):
                project.write("s.csv", f"k,x\ntrue,2021-01-01\n{text},2021-01-01\n")
                with self.assertRaises(Failed) as caught:
                    project.build("--time", "x", spine="s.csv", features="v")
                self.assertIn('the key column "k" has a value that is no bool: ', str(caught.exception))


if __name__ == "__main__":
    unittest.main(verbosity=2)
