"""Training sets end to end, as a user builds them: tables by floe's import, spines of every format and type, what is refused
and how, what is left behind. timeout: 600"""
import os
import resource
import signal
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from dataset_support import Failed, Project, entity, source, view  # noqa: E402

NOT_FOUND, INVALID, CONFLICT, IO, UNSUPPORTED = 4, 3, 5, 10, 12
EVENTS = """SELECT * FROM (VALUES ('a', 1::BIGINT, TIMESTAMP '2020-01-01 00:00:00', 10::BIGINT),
    ('a', 1, TIMESTAMP '2020-01-01 12:00:00', 20), ('b', 2, TIMESTAMP '2020-01-01 06:00:00', 30),
    (NULL, 3, TIMESTAMP '2020-01-01 00:00:00', 40)) t(k, n, ts, v)"""
SPINE = """SELECT * FROM (VALUES ('a', TIMESTAMP '2020-01-01 12:00:00', 1::BIGINT),
    ('b', TIMESTAMP '2020-01-01 05:59:59.999999', 2), ('a', TIMESTAMP '2020-01-01 11:59:59.999999', 3),
    ('b', TIMESTAMP '2020-01-01 06:00:00', 4), ('nobody', TIMESTAMP '2021-01-01 00:00:00', 5)) s(k, t, label)"""
ANSWERS = [(20,), (None,), (10,), (30,), (None,)]
LAST = "{name: last, column: v}"


def simple(features=LAST, aggregates="", keys="{name: k, type: string}", **kwargs):
    """A project with the events and one view over them."""
    project = Project()
    project.table("events", kwargs.pop("events", EVENTS))
    project.define(entity(keys) + source(times=kwargs.pop("times", "")) + "feature_views:\n" +
                   view(features, aggregates, **kwargs))
    return project


class Case(unittest.TestCase):
    def refused(self, code, *parts, project, **build):
        before = project.content()
        with self.assertRaises(Failed) as caught:
            project.build(**build)
        for part in parts:
            self.assertIn(part, str(caught.exception))
        self.assertEqual(caught.exception.code, code, str(caught.exception))
        self.assertEqual(project.content() - {project.path("spine.parquet")}, before - {project.path("spine.parquet")},
                         "a refused build left something")


class Spines(Case):
    def test_every_format__gives_the_same_rows_and_hash(self):
        with simple() as project:
            hashes = set()
            for ending in ("parquet", "csv", "jsonl"):
                file = project.file(f"s.{ending}", SPINE)
                hashes.add(project.build("--time", "t", spine=file, features="v")["content_hash"])
                self.assertEqual(project.rows("SELECT v__last FROM '$D/out.parquet'"), ANSWERS, ending)
            project.table("labels", SPINE)
            hashes.add(project.build(spine="lake.t.labels", features="v")["content_hash"])
            self.assertEqual(project.rows("SELECT v__last FROM '$D/out.parquet'"), ANSWERS)
            self.assertEqual(len(hashes), 1)

    def test_output_format__does_not_change_the_hash(self):
        with simple() as project:
            project.file("s.parquet", SPINE)
            hashes = {project.build(spine="s.parquet", features="v", out=out)["content_hash"]
                      for out in ("o.parquet", "o.csv", "o.jsonl")}
            self.assertEqual(len(hashes), 1)
            for out in ("o.csv", "o.jsonl"):
                self.assertEqual(project.rows(f"SELECT v__last FROM '$D/{out}'"), ANSWERS, out)

    def test_csv_keys__that_a_cast_would_change__are_refused(self):
        """0.4 is not the key 0, and a time of day no date."""
        kinds = {"int64": ("BIGINT", ["0", "-7", "+3"],
                           ["0.4", "1e0", "0x1", "9223372036854775808", "x", " 0", "0 "]),
                 "date": ("DATE", ["2020-01-31"], ["2020-01-31 23:00:00", "2020-02-30", "2020-1-31", " 2020-01-31"])}
        for declared, (sql, good, bad) in kinds.items():
            events = f"SELECT CAST(trim('{good[0]}') AS {sql}) AS k, TIMESTAMP '2020-01-01' AS ts, 5::BIGINT AS v"
            with self.subTest(declared), simple(keys=f"{{name: k, type: '{declared}'}}", events=events) as project:
                project.write("s.csv", "k,t\n" + "".join(f"{text},2020-01-02 00:00:00\n" for text in good + [""]))
                answers = project.answers(spine="s.csv", features="v", select="v__last")
                self.assertEqual(answers, [(5,)] + [(None,)] * len(good))
                for text in bad:
                    project.write("s.csv", f"k,t\n{text},2020-01-02 00:00:00\n")
                    self.refused(INVALID, "s.csv", text, project=project, spine="s.csv", features="v")

    def test_jsonl_integers_of_both_signs__stay_whole_numbers(self):
        """The engine's reader alone makes them HUGEINT, whose Parquet is double: 2^53 + 1 would come out as 2^53."""
        events = """SELECT * FROM (VALUES (-1::BIGINT, TIMESTAMP '2020-01-01', 5::BIGINT),
            (7, TIMESTAMP '2020-01-01', 6)) t(k, ts, v)"""
        with simple(keys="{name: k, type: int64}", events=events) as project:
            project.write("s.jsonl", "".join(f'{{"k": {k}, "t": "2020-01-02 00:00:00", "x": {x}}}\n'
                                             for k, x in ((-1, 9007199254740993), (7, -1))))
            self.assertEqual(project.answers(spine="s.jsonl", features="v", select="v__last, x, typeof(x)"),
                             [(5, 9007199254740993, "BIGINT"), (6, -1, "BIGINT")])
            project.write("s.jsonl", '{"k": -1, "t": "2020-01-02 00:00:00", "x": 9223372036854775808}\n'
                                     '{"k": 1, "t": "2020-01-02 00:00:00", "x": -1}\n')
            self.assertEqual(project.answers(spine="s.jsonl", features="v", select="x, typeof(x)"),
                             [(9223372036854775808, "DECIMAL(38,0)"), (-1, "DECIMAL(38,0)")])

    def test_csv_keys__are_read_as_declared(self):
        events = "SELECT '007' AS k, TIMESTAMP '2020-01-01' AS ts, 7::BIGINT AS v"
        with simple(events=events) as project:
            project.write("s.csv", "k,t\n007,2020-01-02 00:00:00\n7,2020-01-02 00:00:00\n")
            self.assertEqual(project.answers(spine="s.csv", features="v", select="v__last"), [(7,), (None,)])

    def test_rows__keep_order_and_duplicates_and_nulls_match_nothing(self):
        spine = """SELECT * FROM (VALUES ('a', TIMESTAMP '2020-01-01 12:00:00', 1), (NULL, TIMESTAMP '2020-01-02', 2),
            ('a', TIMESTAMP '2020-01-01 12:00:00', 1), ('a', NULL, 3), ('b', TIMESTAMP '2020-01-02', 4)) s(k, t, x)"""
        with simple(LAST, '{column: "*", functions: [count]}') as project:
            project.file("s.parquet", spine)
            self.assertEqual(project.answers(spine="s.parquet", features="v", select="x, v__last, v__count"),
                             [(1, 20, 2), (2, None, 0), (1, 20, 2), (3, None, 0), (4, 30, 1)])

    def test_finer_times__are_floored_also_before_1970(self):
        # Rows at -1 µs, 0 and 1 µs; labels 1 ns before and after each. A label sees a row when its floored time reaches it.
        events = "SELECT 'a' AS k, make_timestamp(i) AS ts, i::BIGINT AS v FROM (VALUES (-1), (0), (1)) r(i)"
        spine = "SELECT 'a' AS k, make_timestamp_ns(ns) AS t FROM (VALUES (-1001), (-1000), (-1), (0), (999), (1000)) r(ns)"
        with simple(events=events) as project:
            project.file("s.parquet", spine)
            self.assertEqual(project.rows("SELECT typeof(t) FROM '$D/s.parquet' LIMIT 1"), [("TIMESTAMP_NS",)])
            self.assertEqual(project.answers(spine="s.parquet", features="v", select="v__last"),
                             [(None,), (-1,), (-1,), (0,), (0,), (1,)])

    def test_zoned_times__are_utc_wherever_the_machine_stands(self):
        events = EVENTS.replace("t(k, n, ts, v)", "t(k, n, ts0, v)").replace("SELECT *", "SELECT * EXCLUDE (ts0), ts0 AT TIME ZONE 'UTC' AS ts", 1)
        spine = SPINE.replace("SELECT *", "SELECT k, t AT TIME ZONE 'UTC' AS t, label", 1)
        with simple(events=events) as project:
            project.file("s.parquet", spine)
            self.assertEqual(project.rows("SELECT typeof(t) FROM '$D/s.parquet' LIMIT 1"), [("TIMESTAMP WITH TIME ZONE",)])
            for zone in ("UTC", "America/New_York", "Asia/Kolkata"):
                self.assertEqual(project.answers(spine="s.parquet", features="v", select="v__last", env={"TZ": zone}),
                                 ANSWERS, zone)

    def test_dates__are_their_midnight(self):
        events = "SELECT 'a' AS k, DATE '2020-01-02' AS ts, 1::BIGINT AS v"
        spine = """SELECT 'a' AS k, t FROM (VALUES (TIMESTAMP '2020-01-01 23:59:59.999999'), (TIMESTAMP '2020-01-02')) s(t)"""
        with simple(events=events) as project:
            project.file("s.parquet", spine)
            self.assertEqual(project.answers(spine="s.parquet", features="v", select="v__last"), [(None,), (1,)])
            project.file("d.parquet", "SELECT 'a' AS k, d FROM (VALUES (DATE '2020-01-01'), (DATE '2020-01-02')) s(d)")
            self.assertEqual(project.answers("--time", "d", spine="d.parquet", features="v", select="v__last"),
                             [(None,), (1,)])

    def test_narrow_key__widens(self):
        with simple(keys="{name: n, type: int64}") as project:
            project.file("s.parquet", "SELECT 2::INTEGER AS n, TIMESTAMP '2020-01-02' AS t")
            self.assertEqual(project.answers(spine="s.parquet", features="v", select="v__last"), [(30,)])

    def test_keys_option__names_the_spine_column(self):
        with simple() as project:
            project.file("s.parquet", SPINE.replace("s(k, t", "s(who, t"))
            self.assertEqual(project.answers("--keys", "k=who", spine="s.parquet", features="v", select="v__last"),
                             ANSWERS)
            with self.assertRaisesRegex(Failed, 'no entity key "other"'):
                project.build("--keys", "other=who", spine="s.parquet", features="v")

    def test_one_column_for_two_keys__is_read_once(self):
        keys = "{name: k, type: string}, {name: other, type: string}"
        rows = "SELECT * FROM (VALUES ('a', 'a', TIMESTAMP '2020-01-01', 1), ('a', 'b', TIMESTAMP '2020-01-01', 2)) s(k, other, ts, v)"
        spine = "SELECT 'a' AS who, TIMESTAMP '2020-01-02' AS t"
        with Project() as project:
            project.table("events", rows)
            project.define(entity(keys) + source() + "feature_views:\n" + view("{name: last, column: v}"))
            for name in ("s.parquet", "s.csv", "s.jsonl"):
                project.file(name, spine)
                self.assertEqual(project.answers("--keys", "k=who,other=who", "--time", "t", spine=name, features="v",
                                                 select="v__last"), [(1,)], name)

    def test_one_text_column_for_keys_of_two_types__is_refused(self):
        keys = "{name: k, type: string}, {name: n, type: int64}"
        rows = "SELECT 'a' AS k, 7::BIGINT AS n, TIMESTAMP '2020-01-01' AS ts, 1 AS v"
        with Project() as project:
            project.table("events", rows)
            project.define(entity(keys) + source() + "feature_views:\n" + view("{name: last, column: v}"))
            project.file("s.csv", "SELECT '7' AS who, TIMESTAMP '2020-01-02' AS t")
            with self.assertRaisesRegex(Failed, 'column "who" of s.csv is to be k, string, and n, int64'):
                project.build("--keys", "k=who,n=who", "--time", "t", spine="s.csv", features="v")

    def test_a_key_of_another_type__names_the_spines_column(self):
        with simple() as project:
            project.file("s.parquet", "SELECT 7::BIGINT AS who, TIMESTAMP '2020-01-02' AS t")
            with self.assertRaisesRegex(Failed, 's.parquet: the column "who" for the key "k" is int64 and the entity declares string'):
                project.build("--keys", "k=who", spine="s.parquet", features="v")

    def test_a_missing_data_file__names_source_table_and_file_once(self):
        with simple() as project:
            project.file("s.parquet", SPINE)
            for path, _, files in os.walk(project.path("lakehouse/t/events/data")):
                for name in files:
                    os.unlink(os.path.join(path, name))
            with self.assertRaisesRegex(Failed, "source events: table lake.t.events: the data file .* is not there") as caught:
                project.build(spine="s.parquet", features="v")
            self.assertEqual(str(caught.exception).count("lake.t.events"), 1)

    def test_a_spine_of_lines_that_differ__is_refused(self):
        """The reader would leave lines out, or take each for one column: labels would be lost."""
        with simple() as project:
            for text, part in (("k,t\na,2020-01-02 00:00:00\nb\n", "as many fields as the first"),
                               ("labels\nk,t\na,2020-01-02 00:00:00\n", "the first 1 lines"),
                               ("k,t\na,2020-01-02 00:00:00,3,4\nb,2020-01-02 00:00:00,3,4\n", "the first 1 lines")):
                project.write("s.csv", text)
                with self.assertRaisesRegex(Failed, part):
                    project.build(spine="s.csv", features="v")
            project.write("s.csv", "k,t\n#a,2020-01-02 00:00:00\na,2020-01-02 00:00:00\n")
            self.assertEqual(project.answers(spine="s.csv", features="v", select="k, v__last"), [("#a", None), ("a", 20)])

    def test_two_spine_columns_of_one_name__are_refused(self):
        import pyarrow
        import pyarrow.parquet
        with simple() as project:
            project.write("s.csv", "k,t,x,x\na,2020-01-02 00:00:00,1,2\n")
            with self.assertRaisesRegex(Failed, 's.csv: two columns are named "x", the 3. and the 4.; rename one'):
                project.build(spine="s.csv", features="v")
            project.write("s.jsonl", '{"k":"a","t":"2020-01-02 00:00:00","x":1,"X":2}\n')
            with self.assertRaisesRegex(Failed, 's.jsonl: the columns "X" and "x" differ only in case'):
                project.build(spine="s.jsonl", features="v")
            times = pyarrow.array([1577923200000000], pyarrow.timestamp("us"))
            table = pyarrow.Table.from_arrays([pyarrow.array(["a"]), times, times], names=["k", "t", "t"])
            pyarrow.parquet.write_table(table, project.path("s.parquet"))
            with self.assertRaisesRegex(Failed, 's.parquet: two columns are named "t", the 2. and the 3.'):
                project.build(spine="s.parquet", features="v")

    def test_label_columns__pass_untouched(self):
        columns = {"id": "UUID '6f2b1a0c-7b0e-4a56-9d7a-0123456789ab'", "pair": "{'a': 1, 'b': ['x', NULL]}",
                   "many": "[1.5, NULL, 'NaN'::DOUBLE]", "money": "123456789012345678901234567.0123456789::DECIMAL(38,10)",
                   "clock": "TIME '23:59:59.999999'", "raw": "'\\x00\\xFF'::BLOB", "small": "(-5)::TINYINT",
                   "wide": "18446744073709551615::UBIGINT", "day": "DATE '0001-01-01'", "nothing": "NULL::VARCHAR",
                   "map": "MAP {'k': 1}", "one": "1::FLOAT / 3", "text": "'a\"b,\nc'"}
        select = ", ".join(f"{value} AS {name}" for name, value in columns.items())
        with simple() as project:
            project.file("s.parquet", f"SELECT 'a' AS k, TIMESTAMP '2020-01-02' AS t, {select} FROM range(3)")
            project.build(spine="s.parquet", features="v")
            names = ", ".join(["k", "t", *columns])
            for what in ("*", "typeof(COLUMNS(*))"):
                # As text: NaN is not equal to itself.
                self.assertEqual(repr(project.rows(f"SELECT {what} FROM (SELECT {names} FROM '$D/out.parquet')")),
                                 repr(project.rows(f"SELECT {what} FROM '$D/s.parquet'")))

    def test_a_list_of_times_beside_the_time__is_a_label(self):
        with simple() as project:
            project.file("listed.parquet", "SELECT 'a' AS k, TIMESTAMP '2020-01-01 12:00:00' AS t, [t, t] AS list")
            self.assertEqual(project.answers(spine="listed.parquet", features="v", select="v__last, len(list)"), [(ANSWERS[0][0], 2)])

    def test_text_times__are_read_when_they_are_named(self):
        times = ["2020-01-01T12:00:00Z", "2020-01-01 05:59:59.999999", "2020-01-01T16:29:59.999999+05:00",
                 "2020-01-01T06:00:00+00:00", "2021-01-01"]
        keys = ["a", "b", "a", "b", "nobody"]
        with simple() as project:
            project.write("s.jsonl", "".join(f'{{"k": "{k}", "t": "{t}"}}\n' for k, t in zip(keys, times)))
            project.write("s.csv", "k,t\n" + "".join(f"{k},{t}\n" for k, t in zip(keys, times)))
            for file in ("s.jsonl", "s.csv"):
                self.assertEqual(project.answers("--time", "t", spine=file, features="v", select="v__last"), ANSWERS, file)
            project.write("s.jsonl", '{"k": "a", "t": "2020-01-01 00:00:00"}\n{"k": "a", "t": "yesterday"}\n')
            with self.assertRaisesRegex(Failed, '"t".*yesterday'):
                project.build("--time", "t", spine="s.jsonl", features="v")

    def test_empty_spine__gives_an_empty_set_with_its_columns(self):
        with simple() as project:
            project.file("s.parquet", f"SELECT * FROM ({SPINE}) WHERE false")
            self.assertEqual(project.build(spine="s.parquet", features="v")["rows"], 0)
            self.assertEqual(project.rows("SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM '$D/out.parquet')"),
                             [("k", "VARCHAR"), ("t", "TIMESTAMP"), ("label", "BIGINT"), ("v__last", "BIGINT")])


class Sources(Case):
    def test_empty_table__answers_null_and_zero(self):
        with simple(LAST, "{column: v, functions: [count, sum], windows: [1d]}", events=EVENTS + " WHERE false") as project:
            project.file("s.parquet", SPINE)
            self.assertEqual(project.answers(spine="s.parquet", features="v", select="v__last, v__v_count_1d, v__v_sum_1d"),
                             [(None, 0, None)] * 5)

    def test_column_changed_since_apply__says_apply_again(self):
        for column, change in (("v", "v::VARCHAR AS v"), ("k", "0::BIGINT AS k")):
            with simple() as project:
                project.file("s.parquet", SPINE)
                project.table("events", f"SELECT * REPLACE ({change}) FROM ({EVENTS})", "--replace")
                self.refused(CONFLICT, f'"{column}"', "floe apply again", project=project, spine="s.parquet", features="v")

    def test_column_gone_since_apply__is_named(self):
        with simple() as project:
            project.file("s.parquet", SPINE)
            project.table("events", f"SELECT * EXCLUDE (v) FROM ({EVENTS})", "--replace")
            with self.assertRaisesRegex(Failed, 'has no column "v" now'):
                project.build(spine="s.parquet", features="v")

    def test_ties__are_counted_and_the_later_row_wins(self):
        events = """SELECT * FROM (VALUES ('a', TIMESTAMP '2020-01-01', 1::BIGINT), ('a', TIMESTAMP '2020-01-01', 2),
            ('b', TIMESTAMP '2020-01-01', 3)) t(k, ts, v)"""
        with simple(events=events) as project:
            project.file("s.parquet", "SELECT k, TIMESTAMP '2020-01-01' AS t FROM (VALUES ('a'), ('b'), ('a')) s(k)")
            facts = project.build(spine="s.parquet", features="v")
            self.assertEqual(facts["ties"], 2)
            self.assertEqual(project.manifest(facts["id"])["ties_decided_by_file_order"], 2)
            self.assertEqual(project.rows("SELECT v__last FROM '$D/out.parquet'"), [(2,), (3,), (2,)])
            self.assertIn("2 values of labels were decided by file order alone",
                          project.floe("dataset", "build", "--features", "v", "--spine", "s.parquet", "-o", "out.parquet"))

    def test_ties_at_the_ends_of_windows__are_counted_alike_by_both_engines(self):
        events = "SELECT 'k' || i % 5 AS k, TIMESTAMP '2020-01-01' + INTERVAL (i // 40) HOUR AS ts, i AS v FROM range(4000) r(i)"
        functions = "[first, last, {first_k: 3}, {last_k: 3}]"
        with simple(LAST, f"{{column: v, functions: {functions}, windows: [3h]}}", events=events) as project:
            project.file("s.parquet", "SELECT 'k' || i % 6 AS k, TIMESTAMP '2020-01-01' + INTERVAL (i) HOUR AS t FROM range(60) r(i)")
            # 8 rows per key and hour: every value of the 50 labels that have a key is one of several.
            for more in ((), ("--engine", "duckdb"), ("--threads", "1"), ("--memory", "64MB", "--threads", "3")):
                self.assertEqual(project.build(*more, spine="s.parquet", features="v")["ties"], 5 * 50)

    def test_views_over_one_source__are_one_scan(self):
        views = (view(LAST, name="v", more=", where: 'v > 10'") + view(LAST, name="w", more=", where: 'v < 30'") +
                 view(aggregates='{column: "*", functions: [count]}', name="x"))
        with Project() as project:
            project.table("events", EVENTS)
            project.define(entity() + source() + "feature_views:\n" + views)
            project.file("s.parquet", SPINE)
            facts = project.build(spine="s.parquet", features="v,w,x")
            self.assertEqual(facts["source_rows"], 4)
            self.assertEqual(len(project.manifest(facts["id"])["sources"]), 1)
            self.assertEqual(project.rows("SELECT v__last, w__last, x__count FROM '$D/out.parquet'"),
                             [(20, 20, 2), (None, None, 0), (None, 10, 1), (30, None, 1), (None, None, 0)])

    def test_shared_filter__is_pushed_into_the_scan(self):
        with simple(more=", where: 'v > 10'") as project:
            project.file("s.parquet", SPINE)
            facts = project.build(spine="s.parquet", features="v")
            self.assertEqual(facts["source_rows"], 3)  # 20, 30 and 40
            self.assertEqual(project.rows("SELECT v__last FROM '$D/out.parquet'"),
                             [(20,), (None,), (None,), (30,), (None,)])

    def test_engines__agree(self):
        with simple(LAST, "{column: v, functions: [count, sum, mean, min, max, stddev, count_distinct], windows: [6h, 1d]}",
                    times=", created_time: ts", more=", ttl: 12h") as project:
            project.file("s.parquet", SPINE)
            hashes = {project.build("--engine", engine, "--as-known", spine="s.parquet", features="v")["content_hash"]
                      for engine in ("native", "duckdb")}
            self.assertEqual(len(hashes), 1)


class Refusals(Case):
    def setUp(self):
        self.project = simple()
        self.project.file("spine.parquet", SPINE)

    def tearDown(self):
        self.project.__exit__()

    def spine(self, query):
        self.project.file("spine.parquet", query)

    def build_refused(self, code, *parts, **build):
        self.refused(code, *parts, project=self.project, **{"spine": "spine.parquet", "features": "v", **build})

    def test_wrong_key_type(self):
        self.spine(SPINE.replace("SELECT *", "SELECT * REPLACE (7::BIGINT AS k)", 1))
        self.build_refused(INVALID, '"k"', "int64", "string")

    def test_missing_key_column(self):
        self.spine(SPINE.replace("s(k, t", "s(kk, t"))
        self.build_refused(NOT_FOUND, '"k"', "--keys k=COLUMN")

    def test_two_timestamps(self):
        self.spine(SPINE.replace("SELECT *", "SELECT *, t AS t2", 1))
        self.build_refused(INVALID, "2 timestamp columns", "--time")

    def test_a_list_of_times_is_no_time(self):
        self.spine(SPINE.replace("SELECT *", "SELECT * REPLACE ([t] AS t)", 1))
        self.build_refused(INVALID, "0 timestamp columns", "--time")

    def test_no_timestamp(self):
        self.spine("SELECT 'a' AS k, 5 AS t")
        self.build_refused(INVALID, "0 timestamp columns", "--time")

    def test_time_of_another_type(self):
        with self.assertRaisesRegex(Failed, '"label" is BIGINT'):
            self.project.build("--time", "label", spine="spine.parquet", features="v")
        with self.assertRaisesRegex(Failed, 'no column "gone"'):
            self.project.build("--time", "gone", spine="spine.parquet", features="v")

    def test_name_that_the_answer_takes(self):
        for name in ("v__last", '"V__Last"'):
            self.spine(SPINE.replace("SELECT *", f"SELECT *, 1 AS {name}", 1))
            self.build_refused(INVALID, "v__last", "rename or drop")

    def test_feature_twice(self):
        self.build_refused(INVALID, "v:last", "twice", features="v,v:last")

    def test_unknown_feature(self):
        self.build_refused(NOT_FOUND, "lost", features="v:lost")

    def test_spine_that_is_not_there(self):
        self.build_refused(NOT_FOUND, "gone.parquet", spine="gone.parquet")
        self.build_refused(NOT_FOUND, "lake.t.evens", spine="lake.t.evens")

    def test_spine_that_is_no_parquet(self):
        self.project.write("lies.parquet", "k,t\n")
        with self.assertRaisesRegex(Failed, "lies.parquet"):
            self.project.build(spine="lies.parquet", features="v")

    def test_ending_that_names_no_format(self):
        self.build_refused(UNSUPPORTED, "out.xlsx", out="out.xlsx")

    def test_folder_that_is_not_there(self):
        self.build_refused(NOT_FOUND, "nowhere", out="nowhere/out.parquet")

    def test_as_known_without_created_time(self):
        with self.assertRaisesRegex(Failed, "source of v"):
            self.project.build("--as-known", spine="spine.parquet", features="v")

    def test_full_disk__leaves_nothing(self):
        """A limit on the size of files is the nearest that any user can have to a full disk."""
        self.spine("SELECT 'a' AS k, TIMESTAMP '2020-01-02' AS t, md5(i::VARCHAR) || md5((-i)::VARCHAR) AS noise FROM range(60000) r(i)")

        def small_files():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

        for out in ("out.parquet", "out.csv", "out.jsonl"):
            self.project.write(out, "what was there before")
            before = self.project.content()
            with self.assertRaises(Failed) as caught:
                self.project.build(spine="spine.parquet", features="v", out=out, preexec_fn=small_files)
            self.assertIn(out, str(caught.exception))
            self.assertEqual(caught.exception.code, IO, str(caught.exception))
            self.assertEqual(self.project.content(), before)
            with open(self.project.path(out)) as file:
                self.assertEqual(file.read(), "what was there before")


    def test_manifest_that_cannot_be_written__leaves_the_output_as_it_was(self):
        self.project.write("out.parquet", "what was there before")
        self.project.write(".floe/datasets", "a file where a folder should be")
        before = self.project.content()
        with self.assertRaisesRegex(Failed, "datasets"):
            self.project.build(spine="spine.parquet", features="v")
        self.assertEqual(self.project.content(), before)
        with open(self.project.path("out.parquet")) as file:
            self.assertEqual(file.read(), "what was there before")


class Manifests(Case):
    def test_manifest__says_what_the_set_was_made_from(self):
        with simple(LAST, "{column: v, functions: [mean], windows: [1d]}") as project:
            project.file("s.parquet", SPINE)
            facts = project.build("--name", "first", spine="s.parquet", features="v")
            manifest = project.manifest(facts["id"])
            self.assertEqual(manifest["id"], facts["id"])
            self.assertEqual(manifest["name"], "first")
            self.assertEqual(manifest["definitions_version"], 1)
            self.assertEqual(manifest["rows"], 5)
            self.assertEqual(manifest["content_hash"], facts["content_hash"])
            self.assertFalse(manifest["as_known"])
            self.assertEqual(manifest["spine"]["time"], "t")
            self.assertEqual([(f["feature"], f["type"], f["nulls"]) for f in manifest["features"]],
                             [("v:last", "int64", 2), ("v:v_mean_1d", "double", 2)])
            read, = manifest["sources"]
            self.assertEqual((read["source"], read["table"]), ("events", "lake.t.events"))
            self.assertIn(str(read["snapshot_id"]), project.floe("table", "snapshots", "lake.t.events"))
            kept = project.path(".floe", "datasets", facts["id"], "spine.parquet")
            self.assertEqual(project.rows(f"SELECT * FROM '{kept}'"), project.rows("SELECT * FROM '$D/s.parquet'"))

    def test_table_spine__is_pinned(self):
        with simple() as project:
            project.table("labels", SPINE)
            spine = project.manifest(project.build(spine="lake.t.labels", features="v")["id"])["spine"]
            self.assertEqual(spine["from"], "lake.t.labels")
            self.assertIn(str(spine["snapshot_id"]), project.floe("table", "snapshots", "lake.t.labels"))

    def test_hash__follows_values_order_and_names_alone(self):
        with simple() as project:
            def hash_of(query):
                project.file("s.parquet", query)
                return project.build(spine="s.parquet", features="v")["content_hash"]
            first = hash_of(SPINE)
            self.assertEqual(hash_of(SPINE), first)
            self.assertNotEqual(hash_of(f"SELECT * FROM ({SPINE}) ORDER BY label DESC"), first)
            self.assertNotEqual(hash_of(SPINE.replace("label", "labels")), first)
            self.assertNotEqual(hash_of(SPINE.replace(", 5)", ", 6)")), first)
            self.assertNotEqual(hash_of(SPINE.replace("1::BIGINT", "1::INTEGER")), first)

    def test_two_builds__have_two_names(self):
        with simple() as project:
            project.file("s.parquet", SPINE)
            ids = {project.build(spine="s.parquet", features="v")["id"] for _ in range(2)}
            self.assertEqual(len(ids), 2)
            listed = project.floe("dataset", "ls")
            for dataset_id in ids:
                self.assertIn(dataset_id, listed)


if __name__ == "__main__":
    unittest.main(verbosity=2)
