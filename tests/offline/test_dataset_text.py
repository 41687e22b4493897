"""Text files as spines and as imports: what is an empty text and what is null, keys as a lookup takes them, and times of every
format that could match nothing. timeout: 600"""
import gzip
import json
import os
import random
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from dataset_support import Failed, Project, entity, source, view  # noqa: E402

INVALID = 3
EVENTS = """SELECT * FROM (VALUES ('a', TIMESTAMP '2020-01-01', 10::BIGINT), ('', TIMESTAMP '2020-01-01', 20),
    (NULL, TIMESTAMP '2020-01-01', 30)) t(k, ts, v)"""


def project(keys="{name: k, type: string}", events=EVENTS):
    made = Project()
    made.table("events", events)
    made.define(entity(keys) + source() + "feature_views:\n" + view("{name: last, column: v}"))
    return made


class EmptyTexts(unittest.TestCase):
    def test_a_quoted_nothing_is_an_empty_text__nothing_is_null(self):
        """As PostgreSQL's COPY ... CSV reads it, in columns of text; in others both are null."""
        with project() as made:
            made.write("s.csv", 'k,t,n,f,x\na,2021-01-01 00:00:00,1,1.5,""\n"",2021-01-01 00:00:00,"",,\n'
                                ',2021-01-01 00:00:00,3,"",y\n"","",,,""\n')
            made.build(spine="s.csv", features="v")
            self.assertEqual(made.rows("SELECT k, n, f, x, v__last FROM '$D/out.parquet'"),
                             [("a", 1, 1.5, "", 10), ("", None, None, None, 20), (None, 3, None, "y", None),
                              ("", None, None, "", None)])
            self.assertEqual(made.rows("SELECT DISTINCT typeof(n), typeof(f), typeof(t) FROM '$D/out.parquet'"),
                             [("BIGINT", "DOUBLE", "TIMESTAMP")])

    def test_every_dialect_and_packed_files__tell_them_apart(self):
        dialects = {"comma.csv": ',"', "semicolon.csv": ';"', "tab.tsv": '\t"'}
        for name, (delimiter, quote) in dialects.items():
            lines = [["k", "n"], [quote * 2, "1"], ["", "2"], ["x", quote * 2], [f"{quote}a{delimiter}b{quote}", "4"]]
            text = "".join(delimiter.join(line) + "\n" for line in lines)
            for packed in (False, True) if name.endswith(".csv") else (False,):
                with self.subTest(name, packed=packed), project() as made:
                    path = made.path(name + (".gz" if packed else ""))
                    with gzip.open(path, "wt") if packed else open(path, "w") as file:
                        file.write(text)
                    made.floe("table", "import", path, "lake.t.c")
                    made.floe("table", "scan", "lake.t.c", "-o", "c.parquet")
                    self.assertEqual(made.rows("FROM '$D/c.parquet'"),
                                     [("", 1), (None, 2), ("x", None), (f"a{delimiter}b", 4)])

    def test_several_files__are_one_input_in_their_order(self):
        with project() as made:
            made.write("1.csv", 'k,n\n"",1\n')
            made.write("2.csv", "k,n\n,2\nx,3\n")
            made.floe("table", "import", "1.csv", "2.csv", "lake.t.c", "--types", "n=int64")
            made.floe("table", "scan", "lake.t.c", "-o", "c.parquet")
            self.assertEqual(made.rows("FROM '$D/c.parquet'"), [("", 1), (None, 2), ("x", 3)])

    def test_random_files__against_what_was_written(self):
        seed = int(os.environ.get("FLOE_SEED") or random.randrange(2**32))
        r = random.Random(seed)
        with self.subTest(seed=seed), project() as made:
            for _ in range(8):
                words = [None, "", "x", 'quo"te', "com,ma", "line\nbreak", "''", '""', " "]
                rows = [(r.choice(words), r.choice([None, 1, -5]), r.choice(words), i) for i in range(r.choice([1, 30, 5000]))]
                rows.append(("text", 1, "text", len(rows)))

                def cell(value):
                    if isinstance(value, str):
                        return '"' + value.replace('"', '""') + '"'
                    return "" if value is None else r.choice(['{}', '"{}"']).format(value)

                body = "".join(",".join(cell(value) for value in row) + "\n" for row in rows)
                made.write("c.csv", "a,n,b,i\n" + body)
                made.floe("table", "import", "c.csv", "lake.t.c", "--replace")
                made.floe("table", "scan", "lake.t.c", "-o", "c.parquet")
                self.assertEqual(made.rows("FROM '$D/c.parquet'"), rows)

    def test_what_floe_writes__it_reads_back(self):
        with project() as made:
            made.file("s.parquet", "SELECT * FROM (VALUES ('a', ''), ('', NULL), (NULL, 'y')) t(k, x), "
                                   "(SELECT TIMESTAMP '2021-01-01' t)")
            first = made.build(spine="s.parquet", features="v", out="o.csv")
            made.file("s.csv", f"FROM '{made.path('s.parquet')}'")
            again = made.build(spine="s.csv", features="v", out="again.csv")
            self.assertEqual(first["content_hash"], again["content_hash"])


class Keys(unittest.TestCase):
    def test_text_of_a_key__is_taken_as_a_lookup_takes_it(self):
        """What `floe get` refuses, a spine may not hold; what it takes, is the same key."""
        kinds = {"int64": ("7::BIGINT", ["7", "+7", "07"], [" 7", "7 ", "7.0", "0x7", "7e0"]),
                 "int32": ("7::INTEGER", ["7", "+7"], [" 7", "7.0"]),
                 "date": ("DATE '2020-01-31'", ["2020-01-31"], [" 2020-01-31", "2020-1-31", "31.01.2020"])}
        for declared, (sql, good, bad) in kinds.items():
            events = f"SELECT {sql} k, TIMESTAMP '2020-01-01' ts, 5::BIGINT v"
            with self.subTest(declared), project(f"{{name: k, type: {declared}}}", events) as made:
                made.floe("sync")
                for text in good:
                    made.write("s.csv", f"k,t\n{text},2021-01-01 00:00:00\n")
                    made.build(spine="s.csv", features="v")
                    self.assertEqual(made.rows("SELECT v__last FROM '$D/out.parquet'"), [(5,)], text)
                    self.assertIn("PRESENT", made.floe("get", "v", f"k={text}"))
                for text in bad:
                    made.write("s.csv", f"k,t\n{text},2021-01-01 00:00:00\n")
                    for run in (lambda: made.build(spine="s.csv", features="v"), lambda: made.floe("get", "v", f"k={text}")):
                        with self.assertRaises(Failed, msg=text) as caught:
                            run()
                        self.assertIn(text.strip(), str(caught.exception))


class Times(unittest.TestCase):
    def test_times_that_match_nothing__are_refused_by_row_and_column(self):
        bad = {"TIMESTAMP 'infinity'": "infinity", "TIMESTAMP '-infinity'": "-infinity",
               "TIMESTAMP '10000-01-01 00:00:00'": "10000-01-01", "TIMESTAMPTZ 'infinity'": "infinity",
               "DATE 'infinity'": "infinity", "DATE '10000-01-01'": "10000-01-01",
               "make_timestamp(-62135596800000001)": "0001"}
        with project() as made:
            for sql, words in bad.items():
                for column, time in (("t", "t"), ("seen", "t")):
                    values = {"t": "TIMESTAMP '2021-01-01'", "seen": "TIMESTAMP '2021-01-01'", column: sql}
                    made.file("s.parquet", f"""SELECT 'a' k, NULL::{'DATE' if 'DATE' in sql and column == 't' else 'TIMESTAMP'} t,
                        NULL::TIMESTAMP seen WHERE true UNION ALL BY NAME SELECT 'a' k, {values['t']} t, {values['seen']} seen"""
                              if "TZ" not in sql and "DATE" not in sql else
                              f"SELECT 'a' k, {values['t']} t, {values['seen']} seen FROM range(2)")
                    row = 2 if "TZ" not in sql and "DATE" not in sql else 1
                    with self.assertRaises(Failed, msg=(sql, column)) as caught:
                        made.build("--time", time, spine="s.parquet", features="v", out="o.csv")
                    self.assertEqual(caught.exception.code, INVALID)
                    for part in ("s.parquet", f"row {row}", f'"{column}"', words, "1 to 9999"):
                        self.assertIn(part, str(caught.exception))
                    self.assertFalse(os.path.exists(made.path("o.csv")))

    def test_the_first_and_last_times_there_are__are_taken(self):
        with project() as made:
            made.file("s.parquet", """SELECT * FROM (VALUES ('a', TIMESTAMP '0001-01-01'),
                ('a', TIMESTAMP '9999-12-31 23:59:59.999999'), ('a', NULL)) t(k, t)""")
            made.build(spine="s.parquet", features="v", out="o.csv")
            with open(made.path("o.csv")) as file:
                self.assertEqual(file.read(), "k,t,v__last\na,0001-01-01T00:00:00Z,\na,9999-12-31T23:59:59.999999Z,10\na,,\n")

    def test_text_of_an_infinite_time__is_refused_too(self):
        with project() as made:
            made.write("s.csv", "k,t\na,2021-01-01\na,infinity\n")
            with self.assertRaises(Failed) as caught:
                made.build("--time", "t", spine="s.csv", features="v", out="o.csv")
            self.assertIn('s.csv, row 2: the column "t" is infinity', str(caught.exception))

    def refused(self, made, name, text, *options):
        made.write(name, text)
        with self.assertRaises(Failed, msg=(name, text, options)) as caught:
            made.build(*options, spine=name, features="v", out="o.csv")
        self.assertEqual(caught.exception.code, INVALID)
        self.assertFalse(os.path.exists(made.path("o.csv")))
        return str(caught.exception)

    def test_text_that_is_no_time__is_refused_by_row_and_column(self):
        with project() as made:
            for bad in "soon", "2021-02-29 00:00:00", "2021-01-01 25:00:00", "12":
                for name, text in (("s.csv", f"k,t\na,2021-01-01 00:00:00\na,\na,{bad}\na,later\n"),
                                   ("s.jsonl", '{"k":"a","t":"2021-01-01T00:00:00Z"}\n{"k":"a","t":null}\n'
                                               f'{{"k":"a","t":"{bad}"}}\n{{"k":"a","t":"later"}}\n'),
                                   ("n.jsonl", f'{{"k":"a","t":"2021-01-01T00:00:00Z"}}\n{{"k":"a"}}\n{{"k":"a","t":{{"x":"{bad}"}}}}\n')):
                    said = self.refused(made, name, text, "--time", "t")
                    for part in name, "row 3", 'column "t"', bad, "no time":
                        self.assertIn(part, said)
                    said = self.refused(made, name, text)  # the time is not named: it would have been this one
                    for part in name, "row 3", '"t"', bad, "--time COLUMN":
                        self.assertIn(part, said)

    def test_text_that_the_engine_alone_takes_for_a_time__is_refused_by_row_and_column(self):
        with project() as made:
            for bad in "infinity", "-infinity", "epoch":
                for name, text in (("s.csv", f"k,t,n\na,2021-01-01 00:00:00,1\na,,2\na,{bad},3\n"),
                                   ("s.jsonl", '{"k":"a","t":"2021-01-01T00:00:00Z"}\n{"k":"a"}\n' f'{{"k":"a","t":"{bad}"}}\n')):
                    said = self.refused(made, name, text)
                    for part in name, "row 3", '"t"', bad, "--time COLUMN":
                        self.assertIn(part, said)

    def test_columns_of_other_text__are_not_taken_for_times(self):
        with project() as made:
            said = self.refused(made, "s.csv", "k,t\na,soon\na,later\n")
            self.assertIn("0 timestamp columns; name", said)
            self.assertNotIn("row", said)

    def test_labels_without_a_time__are_told_by_row_and_column(self):
        with project() as made:
            for name, text in (("s.csv", "k,t\na,2021-01-01 00:00:00\na,\na,\n"),
                               ("s.jsonl", '{"k":"a","t":"2021-01-01T00:00:00Z"}\n{"k":"a","t":null}\n{"k":"a"}\n')):
                made.write(name, text)
                said = made.floe("dataset", "build", "--features", "v", "--spine", name, "-o", "o.parquet")
                self.assertIn('2 rows of the spine have no time in "t", the first of them row 2', said)
                self.assertEqual(made.build(spine=name, features="v")["null_times"], 2)
                self.assertEqual(made.rows("SELECT v__last FROM '$D/o.parquet'"), [(10,), (None,), (None,)])
            made.write("s.csv", "k,t\na,2021-01-01 00:00:00\n")
            said = made.floe("dataset", "build", "--features", "v", "--spine", "s.csv", "-o", "o.parquet")
            self.assertNotIn("no time", said)


class Labels(unittest.TestCase):
    """Label columns pass through untouched: what the reader would write otherwise stays text."""

    def test_texts_that_look_like_something_else__come_out_as_they_are(self):
        columns = {"time": ["10:00", "11:00"], "truth": ["t", "f"], "date": ["epoch", "epoch"], "zero": ["-0", "5"],
                   "small": ["1e-400", "1.5"], "padded": ["007", "8"], "infinite": ["inf", "inf"], "plus": ["+5", "6"]}
        with project() as made:
            made.write("s.csv", ",".join(["k", "t", *columns]) + "\n" + "".join(
                ",".join(["a", "2021-01-01T00:00:00Z", *(values[row] for values in columns.values())]) + "\n" for row in range(2)))
            made.build("--time", "t", spine="s.csv", features="v")
            self.assertEqual(made.rows(f"SELECT {', '.join(columns)} FROM '$D/out.parquet'"), list(zip(*columns.values())))

    def test_packed_spines__are_refused_as_such(self):
        """Not as the table that they would be otherwise."""
        with project() as made:
            for name in "s.csv.gz", "s.jsonl.gz":
                with gzip.open(made.path(name), "wt") as file:
                    file.write("k,t\na,2021-01-01T00:00:00Z\n")
                with self.assertRaisesRegex(Failed, f"{name} is packed: unpack it"):
                    made.build("--time", "t", spine=name, features="v")

    def test_values_that_say_the_same__keep_their_types(self):
        with project() as made:
            made.write("s.csv", "k,t,n,x,b,h,d\na,2021-01-01T00:00:00Z,-5,1.50,TRUE,10:00:00,2020-01-02\n")
            made.build("--time", "t", spine="s.csv", features="v")
            self.assertEqual(made.rows("SELECT typeof(n), typeof(x), typeof(b), typeof(h), typeof(d) FROM '$D/out.parquet'"),
                             [("BIGINT", "DOUBLE", "BOOLEAN", "TIME", "DATE")])

    def test_texts_of_json__are_the_texts(self):
        rows = [{"a": "10:00", "b": "6BA7B810-9DAD-11D1-80B4-00C04FD430C8", "c": "5", "d": "epoch", "e": 1},
                {"a": "11:30", "b": "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "c": "abc", "d": "x", "e": "abc"}]
        with project() as made:
            made.write("s.jsonl", "".join(json.dumps({"k": "a", "t": "2021-01-01T00:00:00Z", **row}) + "\n" for row in rows))
            made.build("--time", "t", spine="s.jsonl", features="v", out="out.jsonl")
            with open(made.path("out.jsonl")) as out:
                found = [json.loads(line) for line in out]
            self.assertEqual([{name: row[name] for name in "abcd"} for row in found],
                             [{name: row[name] for name in "abcd"} for row in rows])
            self.assertEqual([row["e"] for row in found], ["1", "abc"])


class MixedJson(unittest.TestCase):
    """Columns of JSON Lines whose values are of several kinds, or times that are spelled in several ways."""
    T = "2021-01-01T00:00:00Z"

    def lines(self, made, values, name="x"):
        made.write("s.jsonl", "".join(json.dumps({"k": "a", "t": self.T, name: value}) + "\n" for value in values))

    def test_objects_and_lists_in_one_column__come_out_as_json(self):
        values = [{"p": 1}, [1, 2], None, "[text", "3", 3, 1.5, True, [], {}, {"deep": [{"q": None}, "\u00e4"]}]
        with project() as made:
            self.lines(made, values)
            facts = made.build(spine="s.jsonl", features="v", out="o.jsonl")
            with open(made.path("o.jsonl")) as file:  # which hold JSON as its text
                texts = [json.loads(line)["x"] for line in file]
            self.assertEqual([None if text is None else json.loads(text) for text in texts], values)
            made.build(spine="s.jsonl", features="v")
            rows = made.rows("SELECT typeof(x), x FROM '$D/out.parquet'")
            self.assertEqual({type_ for type_, _ in rows}, {"JSON"})
            self.assertEqual([None if x is None else json.loads(x) for _, x in rows], values)
            made.floe("dataset", "rebuild", facts["id"], "-o", "again.jsonl")
            made.floe("dataset", "audit", facts["id"])

    def test_scalars_of_several_kinds__are_text_as_before(self):
        with project() as made:
            self.lines(made, [1, "b", None, "{text", True])
            made.build(spine="s.jsonl", features="v")
            self.assertEqual(made.rows("SELECT x FROM '$D/out.parquet'"), [("1",), ("b",), (None,), ("{text",), ("true",)])

    def test_numbers_inside__that_no_double_holds__are_told_by_row(self):
        with project() as made:
            made.write("s.jsonl", f'{{"k":"a","t":"{self.T}","x":[1]}}\n{{"k":"a","t":"{self.T}","x":{{"p":12345678901234567.5}}}}\n')
            with self.assertRaises(Failed) as caught:
                made.build(spine="s.jsonl", features="v")
            self.assertIn("row 2: no double holds the number 12345678901234567.5", str(caught.exception))

    def test_label_times_of_several_spellings__need_no_name(self):
        spelled = ["2020-01-01T00:00:00Z", "2019-12-31 23:59:59.999999", "2020-01-01", "2020-01-01T02:00:00+02:00", None, "2020-01-01T01:59:59+0200"]
        with project() as made:
            for name, text in (("s.jsonl", "".join(json.dumps({"k": "a", "t": t, "x": "2020-01-01"}) + "\n" for t in spelled)),
                               ("s.csv", "k,t,x\n" + "".join(f"a,{t or ''},2020-01-01\n" for t in spelled))):
                for options in ([], ["--time", "t"], ["--engine", "duckdb"]):
                    made.write(name, text)
                    facts = made.build(*options, spine=name, features="v")
                    self.assertEqual(made.rows("SELECT v__last FROM '$D/out.parquet'"), [(10,), (None,), (10,), (10,), (None,), (None,)])
                    self.assertEqual(made.rows("SELECT DISTINCT typeof(t) LIKE 'TIMESTAMP%' FROM '$D/out.parquet'"), [(True,)])
                    self.assertEqual(made.manifest(facts["id"])["spine"]["time"], "t")

    def test_two_such_columns_or_a_key__are_not_chosen_from(self):
        mixed = ["2020-01-01T00:00:00Z", "2020-01-01 00:00:00"]
        with project() as made:
            made.write("s.jsonl", "".join(json.dumps({"k": "a", "t": t, "u": t}) + "\n" for t in mixed))
            with self.assertRaises(Failed) as caught:
                made.build(spine="s.jsonl", features="v")
            self.assertIn("0 timestamp columns; name", str(caught.exception))
            made.write("s.jsonl", "".join(json.dumps({"k": t, "n": 1}) + "\n" for t in mixed))
            with self.assertRaises(Failed) as caught:
                made.build(spine="s.jsonl", features="v")
            self.assertIn("0 timestamp columns", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
