"""Datasets of request features alone: built, in every format, audited, made again, explained; what the spine lacks is named."""
import datetime
import os
import shutil
import struct
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from dataset_support import Failed, Project, entity, source, view  # noqa: E402

INVALID = 3
REQUESTS = """request_features:
  - {name: far, inputs: [{name: distance, type: double}], expression: "distance > 1500", type: bool}
  - {name: answer, inputs: [], expression: "42", type: int64}
  - {name: above, inputs: [{name: distance, type: double}, {name: last, feature: "v:last"}], expression: "distance > last", type: bool}
feature_services: [{name: alone, features: [far, answer]}]
"""
ROWS = [(True, 42), (False, 42), (None, 42)]


def project():
    made = Project()
    made.table("events", "SELECT 'a' k, TIMESTAMP '2020-01-01' ts, 10::BIGINT v")
    made.define(entity() + source() + "feature_views:\n" + view("{name: last, column: v}") + REQUESTS)
    return made


class Requests(unittest.TestCase):
    def test_alone__from_and_into_every_format(self):
        with project() as made:
            made.file("s.parquet", "SELECT * FROM (VALUES (1501.5), (1500), (NULL)) t(distance)")
            made.file("s.csv", "FROM '" + made.path("s.parquet") + "'")
            made.file("s.jsonl", "FROM '" + made.path("s.parquet") + "'")
            made.table("labels", "FROM '" + made.path("s.parquet") + "'")
            for engine in ("native", "duckdb"):
                for spine in ("s.parquet", "s.csv", "s.jsonl", "lake.t.labels"):
                    made.build("--engine", engine, spine=spine, features="far,answer")
                    self.assertEqual(made.rows("SELECT far, answer FROM '$D/out.parquet'"), ROWS, (engine, spine))
            made.build("--replace", spine="s.parquet", features="far,answer", out="lake.t.train")
            made.floe("dataset", "build", "--service", "alone", "--spine", "s.parquet", "-o", "o.parquet")
            self.assertEqual(made.rows("SELECT far, answer FROM '$D/o.parquet'"), ROWS)

    def test_many_rows__each_has_its_own_answers(self):
        """Rows enough, with inputs that all differ, for the engine to put them in another order where it joins."""
        with Project() as made:
            made.table("events", "SELECT 'k' || (range % 1000) k, TIMESTAMP '2020-01-01' ts, range % 1000 v FROM range(1000)")
            made.define(entity() + source() + "feature_views:\n" + view("{name: last, column: v}") + REQUESTS)
            made.file("s.parquet", "SELECT 'k' || (range % 1000) k, TIMESTAMP '2020-01-02' t, range % 1000 AS number, "
                                   "hash(range) / 1e19 * 3000 distance FROM range(600000)")
            wrong = "SELECT count(*) FILTER (WHERE v__last <> number OR far <> (distance > 1500) OR above <> (distance > number)), " \
                    "count(*) FILTER (WHERE far), count(*) FROM '$D/out.parquet'"
            for more in ((), ("--engine", "duckdb"), ("--memory", "64MB", "--threads", "3")):
                made.build(*more, spine="s.parquet", features="v:last,far,above")
                (bad, far, rows), = made.rows(wrong)
                self.assertEqual((bad, rows), (0, 600000), more)
                self.assertGreater(far, 0)

    def test_alone__audited_made_again_and_explained(self):
        with project() as made:
            made.file("s.parquet", "SELECT * FROM (VALUES (1501.5), (1500), (NULL)) t(distance)")
            built = made.build(spine="s.parquet", features="far,answer", out="o.parquet")["id"]
            self.assertIn("all 6 feature values are the same", made.floe("dataset", "audit", built))
            made.floe("dataset", "rebuild", built, "-o", "again.parquet")
            with open(made.path("o.parquet"), "rb") as one, open(made.path("again.parquet"), "rb") as other:
                self.assertEqual(one.read(), other.read())
            told = made.floe("dataset", "build", "--features", "far", "--spine", "s.parquet", "--explain")
            self.assertIn("request features alone", told)
            self.assertNotIn("events", told)
            made.file("bad.parquet", "SELECT * REPLACE (NOT far AS far) FROM '" + made.path("o.parquet") + "'")
            with self.assertRaises(Failed) as caught:
                made.floe("dataset", "audit", built, "--file", "bad.parquet")
            self.assertIn("row 1, far: false, by the rule true", str(caught.exception))

    def test_over_a_view__its_feature_is_found_but_not_given(self):
        with project() as made:
            made.file("s.parquet", "SELECT 'a' k, TIMESTAMP '2020-01-02' t, 11::DOUBLE distance")
            made.build(spine="s.parquet", features="above")
            self.assertEqual(made.rows("FROM '$D/out.parquet'")[0][2:], (11.0, True))

    def test_what_an_input_cannot_hold__is_refused_and_never_rounded(self):
        """As a lookup refuses it: more digits behind the point by the column's type, too many before it by the value."""
        with Project() as project:
            project.define("request_features:\n"
                           "  - {name: r, inputs: [{name: q, type: 'decimal(10,2)'}], expression: q, type: double}\n"
                           "  - {name: w, inputs: [{name: n, type: int32}], expression: n + 0, type: int64}\n")
            for feature, value, words in (
                    ("r", "1.255::DECIMAL(4,3) AS q", 'the spine\'s column "q" is DECIMAL(4,3), and the request feature r needs it as decimal(10,2)'),
                    ("r", "123456789.1::DECIMAL(10,1) AS q", '"q" has a value that no decimal(10,2) holds, as which the request feature r needs it: 123456789.1'),
                    ("r", "123456789::BIGINT AS q", '"q" has a value that no decimal(10,2) holds, as which the request feature r needs it: 123456789'),
                    ("w", "3000000000::BIGINT AS n", '"n" has a value that no int32 holds, as which the request feature w needs it: 3000000000')):
                project.file("s.parquet", f"SELECT {value}")
                with self.assertRaises(Failed, msg=value) as caught:
                    project.build(spine="s.parquet", features=feature)
                self.assertEqual(caught.exception.code, 3)
                self.assertIn(words, str(caught.exception))
            project.file("s.parquet", "SELECT unnest([12345678.9, NULL, -0.5])::DECIMAL(10,1) AS q, unnest([2147483647, NULL, 7])::BIGINT AS n")
            self.assertEqual(project.answers(spine="s.parquet", features="r,w", select="r, w"), [(12345678.9, 2147483647), (None, None), (-0.5, 7)])

    def test_inputs__are_read_as_a_lookup_reads_them(self):
        """The engine's own casts round a decimal twice on its way to a double, and nanoseconds before 1970 up."""
        values = {"d": ["0.12345678901234567", "-0.12345678901234567", "0.00000000000000001", "123.45678901234567890", None],
                  "t": ["1969-12-31T23:59:59.999999999Z", "1970-01-01T00:00:00.000000001Z", "1969-12-31T23:59:59.999999Z",
                        "1960-02-29T12:00:00.123456789Z", None]}
        with Project() as made:
            made.define("request_features:\n"
                        "  - {name: d, inputs: [{name: x, type: double}], expression: x + 0.0, type: double}\n"
                        "  - {name: f, inputs: [{name: x, type: float}], expression: x, type: float}\n"
                        "  - {name: t, inputs: [{name: y, type: timestamp}], expression: y, type: timestamp}\n")
            rows = ", ".join(f"({'NULL' if d is None else d}::DECIMAL(20,17), {'NULL' if t is None else repr(t[:-1])}::TIMESTAMP_NS)"
                             for d, t in zip(values["d"], values["t"]))
            made.file("s.parquet", f"SELECT * FROM (VALUES {rows}) v(x, y)")
            for engine in ("native", "duckdb"):
                made.build("--engine", engine, spine="s.parquet", features="d,t")
                found = made.rows("SELECT d, epoch_us(t) FROM '$D/out.parquet'")
                self.assertEqual([d for d, _ in found], [None if d is None else float(d) for d in values["d"]])
                made.build("--engine", engine, spine="s.parquet", features="f", out="f.parquet")
                self.assertEqual([f for f, in made.rows("SELECT f FROM '$D/f.parquet'")], [None if d is None else struct.unpack("f", struct.pack("f", float(d)))[0] for d in values["d"]])
                late = int((datetime.datetime(1960, 2, 29, 12) - datetime.datetime(1970, 1, 1)).total_seconds()) * 10**6 + 123456
                self.assertEqual([t for _, t in found], [-1, 0, -1, late, None])

    def test_columns_without_values__are_of_any_type(self):
        with Project() as made:
            made.define("request_features:\n" + "".join(
                f"  - {{name: r{i}, inputs: [{{name: x, type: {kind}}}], expression: x, type: {kind}}}\n"
                for i, kind in enumerate(("double", "string", "timestamp", "bytes", "int64", "bool", "date"))))
            made.write("s.csv", "x,n\n,1\n,2\n")
            made.write("s.jsonl", '{"x":null,"n":1}\n{"x":null,"n":2}\n')
            made.file("s.parquet", "SELECT NULL AS x, unnest([1, 2]) AS n")
            for spine in ("s.csv", "s.jsonl", "s.parquet"):
                for i in range(7):
                    made.build(spine=spine, features=f"r{i}")
                    self.assertEqual(made.rows(f"SELECT count(*), count(r{i}) FROM '$D/out.parquet'"), [(2, 0)], (spine, i))
            made.write("s.csv", "x,n\n,1\nword,2\n")
            with self.assertRaises(Failed) as caught:
                made.build(spine="s.csv", features="r0")
            self.assertIn('column "x" has a value that no double holds, as which the request feature r0 needs it: word', str(caught.exception))

    def test_what_the_spine_lacks__is_named(self):
        with project() as made:
            made.file("s.parquet", "SELECT 'x' AS distance")
            made.file("none.parquet", "SELECT 1 AS other")
            for spine, words in (("s.parquet", "VARCHAR"), ("none.parquet", "no column of that name")):
                with self.assertRaises(Failed) as caught:
                    made.build(spine=spine, features="far")
                self.assertEqual(caught.exception.code, INVALID)
                self.assertIn(words, str(caught.exception))
                self.assertIn("distance", str(caught.exception))
                self.assertIn("request feature far", str(caught.exception))

    def test_what_the_spine_lacks__is_named_before_any_source_is_read(self):
        """The table's data are gone: who looked at them first would say so."""
        with project() as made:
            made.file("none.parquet", "SELECT 'a' k, TIMESTAMP '2020-01-02' t, 1 AS \"an other\"")
            shutil.rmtree(made.path("lakehouse/t/events/data"))
            with self.assertRaises(Failed) as caught:
                made.build(spine="none.parquet", features="v,far")
            self.assertEqual(caught.exception.code, INVALID)
            self.assertIn("the request feature far needs distance (double)", str(caught.exception))
            self.assertIn("its columns are k, t, an other", str(caught.exception))

    def test_a_wide_spine__is_named_by_its_first_columns(self):
        with project() as made:
            made.file("wide.parquet", "SELECT " + ", ".join(f"{i} AS c{i}" for i in range(40)))
            with self.assertRaises(Failed) as caught:
                made.build(spine="wide.parquet", features="far")
            self.assertIn("c0, c1,", str(caught.exception))
            self.assertIn("c29 and 10 more", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
