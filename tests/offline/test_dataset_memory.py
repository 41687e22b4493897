#!/usr/bin/env python3
"""Training sets in little memory: for as-of features the source is scanned once per stretch of the labels where few stretches are enough;
rows are written down where they are not, by the kernel where nothing is text. Either way the answer is that of everything at once, bit for bit, and the engine's ASOF. timeout: 900"""
import json
import os
import unittest

from dataset_support import Project

VIEWS = """entities:
  - {name: one, keys: [{name: k, type: int64}]}
  - {name: two, keys: [{name: k, type: int64}, {name: s, type: string}]}
sources: [{name: events, table: lake.t.events, event_time: ts}]
feature_views:
  - name: v
    entity: one
    source: events
    features: [{name: a, column: a}, {name: b, column: b}, {name: n, column: n}]
  - name: w
    entity: two
    source: events
    features: [{name: a, column: a}]
  - name: sums
    entity: one
    source: events
    aggregates: [{column: a, functions: [sum, count], windows: [1d]}]
request_features:
  - {name: above, inputs: [{name: label, type: int64}, {name: newest, feature: "v:n"}], expression: "label > newest", type: bool}
"""
# A quarter of all rows and labels is of key 0; times are distinct per row, so the engine's ASOF has one answer.
KEY = "CASE WHEN i % 4 = 0 THEN 0 WHEN i % 31 = 0 THEN NULL ELSE (i * 7919) % 211 END AS k, 's' || (i % 3) AS s"
EVENTS = f"""SELECT {KEY}, TIMESTAMP '2025-01-01' + to_microseconds(i * 997 * 1000000 % 86400000000 + i) AS ts,
    CASE WHEN i % 11 = 0 THEN NULL ELSE i * 0.25 END AS a, 't' || (i % 1009) AS b, i AS n FROM range(60000) r(i)"""
LABELS = f"""SELECT {KEY}, TIMESTAMP '2025-01-01' + to_microseconds(i * 7877 * 1000000 % 90000000000) AS t, i AS label
    FROM range(6000) r(i)"""


class AsOfInLittleMemory(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.project = Project()
        cls.project.table("events", EVENTS)
        cls.project.file("labels.parquet", LABELS)
        cls.project.define(VIEWS)

    @classmethod
    def tearDownClass(cls):
        cls.project.__exit__()

    def how(self, features, memory):
        return self.project.floe("dataset", "build", "--features", features, "--spine", "labels.parquet", "--explain",
                                 "--memory", memory)

    def same(self, features, memories):
        whole = self.project.build(spine="labels.parquet", features=features, out="whole.parquet")
        with open(self.project.path("whole.parquet"), "rb") as file:
            expected = file.read()
        for memory in memories:
            for threads in "1", "3":
                parts = self.project.build("--memory", memory, "--threads", threads, spine="labels.parquet",
                                           features=features, out="parts.parquet")
                for fact in "content_hash", "ties", "rows":
                    self.assertEqual(parts[fact], whole[fact], (features, memory, threads, fact))
                with open(self.project.path("parts.parquet"), "rb") as file:
                    self.assertEqual(file.read(), expected, (features, memory, threads))
        return whole

    def test_few_parts__are_scanned_again(self):
        for memory in "800kB", "1500kB":
            self.assertIn("each with a scan of its own", self.how("v", memory))
        self.same("v", ("800kB", "1500kB"))
        wrong = self.project.rows("""SELECT f.label FROM '$D/parts.parquet' f JOIN (SELECT l.label, e.a, e.b, e.n
            FROM '$D/labels.parquet' l ASOF LEFT JOIN '$D/events.import.parquet' e ON l.k = e.k AND l.t >= e.ts) p USING (label)
            WHERE (f.v__a, f.v__b, f.v__n) IS DISTINCT FROM (p.a, p.b, p.n)""")
        self.assertEqual(wrong, [])
        self.assertEqual(self.project.rows("SELECT count(*), count(v__n) > 4000 FROM '$D/parts.parquet'"), [(6000, True)])

    def test_a_scan_per_part__counts_every_source_row_once(self):
        whole = self.project.build(spine="labels.parquet", features="v")
        parts = self.project.build("--memory", "800kB", spine="labels.parquet", features="v")
        self.assertEqual(parts["source_rows"], whole["source_rows"])

    def test_many_parts__are_spilled(self):
        self.assertIn("spilled", self.how("v", "20kB"))
        self.same("v", ("20kB",))

    def test_several_keys_of_one_source__each_with_scans_of_its_own(self):
        self.assertIn("each with a scan of its own", self.how("v,w", "1MB"))
        self.same("v,w", ("1MB",))

    def test_windows_beside_as_of__are_spilled(self):
        self.assertIn("spilled", self.how("v,sums", "1MB"))
        self.same("v,sums", ("1MB",))

    def test_request_features__over_answers_that_lie_column_by_column(self):
        self.same("v,sums,above", ("20kB", "1MB"))
        wrong = self.project.rows("SELECT label FROM '$D/parts.parquet' WHERE above IS DISTINCT FROM (label > v__n)")
        self.assertEqual(wrong, [])

    def test_windows_of_numbers__are_spilled_by_the_kernel(self):
        for features in "sums", "sums,w":
            self.assertIn("in one scan whose rows are spilled", self.how(features, "1MB"))
            self.same(features, ("1MB", "2MB"))
        wrong = self.project.rows("""SELECT f.label FROM '$D/parts.parquet' f JOIN (SELECT l.label, count(e.a) c, sum(e.a) s
            FROM '$D/labels.parquet' l LEFT JOIN '$D/events.import.parquet' e
            ON l.k = e.k AND e.ts <= l.t AND e.ts > l.t - INTERVAL 1 DAY GROUP BY ALL) p USING (label)
            WHERE (f.sums__a_count_1d, round(f.sums__a_sum_1d, 4)) IS DISTINCT FROM (p.c, round(p.s, 4))""")
        self.assertEqual(wrong, [])

    def test_request_features__over_what_the_kernel_spilled(self):
        self.assertIn("in one scan whose rows are spilled", self.how("sums,above", "1MB"))
        self.same("sums,above", ("1MB",))

    def test_labels_alone_that_are_too_much__are_parts_of_the_engine(self):
        self.assertIn("parts that are spilled", self.how("sums", "100kB"))
        self.same("sums", ("100kB",))

    def test_enough__is_everything_at_once(self):
        self.assertIn("everything at once", self.how("v", "1GB"))


class Stretches(unittest.TestCase):
    """Of the labels, in the spine's order: whatever their keys and times, with ties, ends, filters, ttl and as known."""
    VIEWS = """entities: [{name: one, keys: [{name: k, type: int64}]}]
sources: [{name: prices, table: lake.t.prices, event_time: ts, created_time: made, end_time: until}]
feature_views:
  - {name: plain, entity: one, source: prices, features: [{name: a, column: a}, {name: d, column: d}, {name: yes, column: yes}]}
  - {name: recent, entity: one, source: prices, ttl: 2h, where: "a > 20", features: [{name: a, column: a}, {name: s, column: s}]}
"""
    PRICES = """SELECT CASE WHEN i % 3 = 0 THEN 7 ELSE i % 50 END AS k, TIMESTAMP '2025-01-01' + to_seconds(i // 3 * 5) AS ts,
        TIMESTAMP '2025-01-01' + to_seconds(i // 3 * 5 + i // 3 * 7919 % 9000) AS made,
        CASE WHEN i % 5 = 0 THEN TIMESTAMP '2025-01-01' + to_seconds(i // 3 * 5 + 4000) END AS until,
        CASE WHEN i % 9 = 0 THEN NULL ELSE i % 97 END AS a, (i % 89)::DECIMAL(20, 3) / 8 AS d, i % 2 = 0 AS yes, 't' || (i % 89) AS s
        FROM range(30000) r(i)"""
    SPINES = {  # of one key alone; in order of time, last first; in no order, with labels that have no key
        "hot": "SELECT 7 AS k, TIMESTAMP '2025-01-01' + to_seconds(i * 7877 % 53000) AS t, i FROM range(6000) r(i)",
        "sorted": "SELECT i % 53 AS k, TIMESTAMP '2025-01-01 14:00' - to_seconds(i * 8) AS t, i FROM range(6000) r(i)",
        "mixed": "SELECT CASE WHEN i % 17 > 0 THEN i * 31 % 53 END AS k, TIMESTAMP '2025-01-01' + to_seconds(i * 7877 % 53000) AS t, i FROM range(6000) r(i)",
    }

    def test_they_are_answered_as_at_once(self):
        with Project() as project:
            project.table("prices", self.PRICES)
            project.define(self.VIEWS)
            for name, rows in self.SPINES.items():
                spine = f"{name}.parquet"
                project.file(spine, rows)
                for more in (), ("--as-known",):
                    explained = project.floe("dataset", "build", "--features", "plain,recent", "--spine", spine, "--explain", "--memory", "1MB", *more)
                    self.assertIn("stretches of the labels, each with a scan of its own", explained)
                    whole = project.build(*more, spine=spine, features="plain,recent", out="whole.parquet")
                    parts = project.build("--memory", "1MB", *more, spine=spine, features="plain,recent", out="parts.parquet")
                    for fact in "content_hash", "ties", "rows":
                        self.assertEqual(parts[fact], whole[fact], (name, more, fact))
                    self.assertGreater(whole["ties"] if not more else 1, 0)
                    with open(project.path("parts.parquet"), "rb") as a, open(project.path("whole.parquet"), "rb") as b:
                        self.assertTrue(a.read() == b.read(), (name, more))
                wrong = project.rows("""SELECT f.i FROM '$D/parts.parquet' f JOIN (SELECT l.i, l.t, arg_max({'a': p.a, 'd': p.d, 'until': p.until},
                    (p.ts, p.made, p.n)) w FROM '$D/%s' l LEFT JOIN (SELECT *, row_number() OVER () n FROM '$D/prices.import.parquet') p
                    ON p.k = l.k AND p.ts <= l.t AND p.made <= l.t GROUP BY ALL) q USING (i)
                    WHERE (f.plain__a, f.plain__d) IS DISTINCT FROM
                        (CASE WHEN w.until <= q.t THEN NULL ELSE w.a END, CASE WHEN w.until <= q.t THEN NULL ELSE w.d END)""" % spine)
                self.assertEqual(wrong, [])


class ManyKeys(unittest.TestCase):
    """Every label has a key of its own, and a key takes more memory than a row: how many there are shows as labels come."""

    def test_stretches_are_made_shorter(self):
        with Project() as project:
            project.table("events", """SELECT i * 7919 % 700001 AS k, TIMESTAMP '2025-01-01' + to_seconds(i) AS ts, i * 0.5 AS a, i AS n,
                i % 100 AS b FROM range(1500000) r(i)""")
            project.file("labels.parquet", "SELECT i AS k, TIMESTAMP '2025-01-01' + to_seconds(i * 2) AS t FROM range(700000) r(i)")
            project.define("""entities: [{name: one, keys: [{name: k, type: int64}]}]
sources: [{name: events, table: lake.t.events, event_time: ts}]
feature_views: [{name: v, entity: one, source: events, features: [{name: a, column: a}, {name: n, column: n}, {name: b, column: b}]}]
""")
            whole = project.build(spine="labels.parquet", features="v")
            parts = project.build("--memory", "96MB", spine="labels.parquet", features="v")
            self.assertEqual(parts["content_hash"], whole["content_hash"])
            if not os.environ.get("FLOE_SANITIZE"):  # 96 and what a process takes anyway
                self.assertLess(project.manifest(parts["id"])["peak_memory_bytes"], 170_000_000)

    def test_a_spine_with_a_column_named_as_the_engines_row_numbers(self):
        with Project() as project:
            project.table("events", "SELECT i % 50 AS k, TIMESTAMP '2025-01-01' + to_seconds(i) AS ts, i AS n FROM range(9000) r(i)")
            project.file("labels.parquet", "SELECT i % 51 AS k, TIMESTAMP '2025-01-01' + to_seconds(i * 3) AS t, 7 AS rowid FROM range(3000) r(i)")
            project.define("""entities: [{name: one, keys: [{name: k, type: int64}]}]
sources: [{name: events, table: lake.t.events, event_time: ts}]
feature_views: [{name: v, entity: one, source: events, features: [{name: n, column: n}]}]
""")
            whole = project.build(spine="labels.parquet", features="v")
            self.assertIn("stretches of the labels", project.floe("dataset", "build", "--features", "v", "--spine", "labels.parquet",
                                                                  "--explain", "--memory", "200kB"))
            parts = project.build("--memory", "200kB", spine="labels.parquet", features="v")
            self.assertEqual(parts["content_hash"], whole["content_hash"])


FEW = """entities: [{name: one, keys: [{name: k, type: int64}]}]
sources: [{name: events, table: lake.t.events, event_time: ts}]
feature_views:
  - name: sums
    entity: one
    source: events
    aggregates: [{column: a, functions: [sum, count], windows: [1h, 1d]}, {column: n, functions: [mean], windows: [1h]}]
"""


class FewKeys(unittest.TestCase):
    """Each with many rows: they must not all be read back at once."""

    def build(self, project, memory):
        """The content's hash and the peak of the process's memory in bytes."""
        built = project.build("--memory", memory, spine="labels.parquet", features="sums")
        return built["content_hash"], project.manifest(built["id"])["peak_memory_bytes"]

    def test_they_are_read_back__some_at_a_time(self):
        with Project() as project:
            project.table("events", """SELECT i * 7919 % 40 AS k, TIMESTAMP '2025-01-01' + to_seconds(i) AS ts, i * 0.5 AS a,
                i AS n FROM range(3000000) r(i)""")
            project.file("labels.parquet", """SELECT i % 41 AS k, TIMESTAMP '2025-01-01' + to_seconds(i * 7877 % 3000000) AS t
                FROM range(4000) r(i)""")
            project.define(FEW)
            whole, most = self.build(project, "4GB")
            parts, peak = self.build(project, "64MB")
            self.assertEqual(parts, whole)
            if not os.environ.get("FLOE_SANITIZE"):  # which keeps what was freed
                self.assertLess(peak, most * 3 // 5)

    def test_many_threads_and_filters__fill_smaller_chunks(self):
        with Project() as project:
            project.table("events", """SELECT i * 7919 % 9001 AS k, TIMESTAMP '2025-01-01' + to_seconds(i) AS ts, i * 0.5 AS a
                FROM range(3000000) r(i)""")
            project.file("labels.parquet", """SELECT i AS k, TIMESTAMP '2025-01-01' + to_seconds(i * 333) AS t FROM range(9001) r(i)""")
            views = "".join(f"  - {{name: v{n}, entity: one, source: events, where: a > {n}, aggregates: [{{column: a, functions: [sum], "
                            "windows: [1d]}]}\n" for n in range(12))
            project.define(FEW[:FEW.index("  - ")] + views)
            built = project.build("--memory", "512MB", "--threads", "16", spine="labels.parquet",
                                  features=",".join(f"v{n}" for n in range(12)))
            if not os.environ.get("FLOE_SANITIZE"):
                self.assertLess(project.manifest(built["id"])["peak_memory_bytes"], 512_000_000)


class ManyFeatures(unittest.TestCase):
    """What the engine holds of the columns that it writes grows with their number, not with its square."""
    windows = ", ".join(f"{n}h" for n in range(1, 31))

    def test_about_a_thousand_windows__are_written_within_the_memory(self):
        with Project() as project:
            columns = ", ".join(f"hash(i * 32 + {c}) % 1000 / 7 AS c{c}" for c in range(8))
            project.table("wide", f"SELECT i * 7919 % 997 AS k, TIMESTAMP '2025-01-01' + to_seconds(i * 20) AS ts, {columns} FROM range(60000) r(i)")
            project.file("labels.parquet", "SELECT i % 997 AS k, TIMESTAMP '2025-01-02' + to_seconds(i * 53) AS t FROM range(20000) r(i)")
            project.define("entities: [{name: one, keys: [{name: k, type: int64}]}]\n"
                           "sources: [{name: wide, table: lake.t.wide, event_time: ts}]\nfeature_views:\n" + "".join(
                               f"  - name: v{n}\n    entity: one\n    source: wide\n    aggregates: [{{column: c{n}, functions: "
                               f"[sum, mean, min, max], windows: [{self.windows}]}}]\n" for n in range(8)))
            features = ",".join(f"v{n}" for n in range(8))
            whole = project.build(spine="labels.parquet", features=features)
            parts = project.build("--memory", "256MB", spine="labels.parquet", features=features)
            self.assertEqual(parts["content_hash"], whole["content_hash"])
            if not os.environ.get("FLOE_SANITIZE"):
                self.assertLess(project.manifest(parts["id"])["peak_memory_bytes"], 225_000_000)

    def test_as_of_features_whose_table_the_engine_cannot_hold__are_the_kernels(self):
        with Project() as project:
            columns = ", ".join(f"hash(i * 32 + {c}) % 1000 / 7 AS c{c}, 'text ' || (hash(i + {c}) % 97) AS t{c}" for c in range(20))
            project.table("wide", f"SELECT i * 7919 % 997 AS k, TIMESTAMP '2025-01-01' + to_seconds(i * 20) AS ts, {columns} FROM range(30000) r(i)")
            project.file("labels.parquet", "SELECT i % 997 AS k, TIMESTAMP '2025-01-02' + to_seconds(i * 53) AS t FROM range(30000) r(i)")
            names = [f"c{n}" for n in range(20)] + ["t1", "t2"]
            project.define("entities: [{name: one, keys: [{name: k, type: int64}]}]\n"
                           "sources: [{name: wide, table: lake.t.wide, event_time: ts}]\nfeature_views:\n" + "".join(
                               f"  - name: v{n}\n    entity: one\n    source: wide\n    features: ["
                               + ", ".join(f"{{name: {c}, column: {c}}}" for c in names) + "]\n" for n in range(20)))
            features = ",".join(f"v{n}" for n in range(20))
            self.assertIn("in one scan whose rows are spilled", project.floe(
                "dataset", "build", "--features", features, "--spine", "labels.parquet", "--explain", "--memory", "30MB"))
            whole = project.build(spine="labels.parquet", features=features)
            for memory in "30MB", "256MB":
                parts = project.build("--memory", memory, spine="labels.parquet", features=features)
                self.assertEqual((parts["content_hash"], parts["ties"]), (whole["content_hash"], whole["ties"]))
            if not os.environ.get("FLOE_SANITIZE"):
                self.assertLess(project.manifest(parts["id"])["peak_memory_bytes"], 256_000_000)


class ManyLists(unittest.TestCase):
    """Lists stay with the engine, which holds several blocks of each column of a table while rows are added to it."""

    def test_features_of_texts_and_lists__are_answered_some_at_a_time(self):
        lists = "{last_k: 3}, {first_k: 2}, {top_k: 2}, min, max, first, last, count_distinct"
        numbers = lists + ", count, sum, mean, stddev, {percentile: 0.9}"
        with Project() as project:
            project.table("wide", """SELECT i * 7919 % 9973 AS k, TIMESTAMP '2025-01-01' + to_seconds(i * 20) AS ts,
                hash(i) % 1000 AS a, hash(i + 1) % 1000 / 7 AS f, 'a text of some length ' || (hash(i) % 997) AS s,
                DATE '2025-01-01' + (i % 90)::INTEGER AS d FROM range(150000) r(i)""")
            project.file("labels.parquet", "SELECT i % 9973 AS k, TIMESTAMP '2025-01-02' + to_seconds(i * 28) AS t, i FROM range(100000) r(i)")
            project.define("entities: [{name: one, keys: [{name: k, type: int64}]}]\n"
                           "sources: [{name: wide, table: lake.t.wide, event_time: ts}]\nfeature_views:\n"
                           "  - name: v\n    entity: one\n    source: wide\n    features: [{name: now, column: a}]\n    aggregates:\n" +
                           "".join(f"      - {{column: {c}, functions: [{numbers if c in 'a' else lists}], windows: [1d, 9d]}}\n"
                                   for c in "afsd"))
            whole = project.build(spine="labels.parquet", features="v", out="whole.parquet")
            parts = project.build("--memory", "256MB", spine="labels.parquet", features="v", out="parts.parquet")
            for fact in "content_hash", "ties", "rows":
                self.assertEqual(parts[fact], whole[fact], fact)
            with open(project.path("parts.parquet"), "rb") as a, open(project.path("whole.parquet"), "rb") as b:
                self.assertTrue(a.read() == b.read())
            if not os.environ.get("FLOE_SANITIZE"):
                self.assertLess(project.manifest(parts["id"])["peak_memory_bytes"], 290_000_000)


class TextInLittleMemory(unittest.TestCase):
    """The engine reads text by buffers of its own: of spines it must do with what a question is given."""

    def test_text_spines__need_no_more_than_others(self):
        with Project() as project:
            project.table("events", EVENTS)
            project.define(VIEWS)
            rows = [(i % 211, f"2025-01-0{1 + i % 2}T00:00:0{i % 10}Z", f"text {i}" if i % 3 else "") for i in range(30000)]
            project.write("s.csv", "k,t,note\n" + "".join(f'{k},{t},"{note}"\n' for k, t, note in rows))
            project.write("s.jsonl", "".join(json.dumps({"k": k, "t": t, "note": note}) + "\n" for k, t, note in rows))
            whole = project.build(spine="s.csv", features="v")
            for spine in ("s.csv", "s.jsonl"):
                for memory, threads in (("64MB", "1"), ("64MB", "8"), ("128MB", "2"), ("256MB", "16")):
                    with self.subTest(spine, memory=memory, threads=threads):
                        built = project.build("--memory", memory, "--threads", threads, spine=spine, features="v")
                        self.assertEqual(built["content_hash"], whole["content_hash"])

    def test_a_line_of_some_megabytes__is_a_line(self):
        with Project() as project:
            project.table("events", EVENTS)
            project.define(VIEWS)
            project.write("s.csv", f"k,t,note\n1,2025-01-01T00:00:00Z,{'x' * 5_000_000}\n")
            project.build(spine="s.csv", features="v")
            self.assertEqual(project.rows("SELECT length(note) FROM '$D/out.parquet'"), [(5_000_000,)])


if __name__ == "__main__":
    unittest.main(verbosity=2)
