"""Entity keys that are decimals: 128 bits, every precision and scale, against equality by Python's decimal. Spines of every form, keys
widened where they have fewer digits than declared and refused where they have more, both engines, parts that are spilled, audit,
rebuild, and the same key in the online store. timeout: 600"""
import decimal
import json
import os
import random
import sys
import unittest
from decimal import Decimal

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

sys.path.insert(0, os.path.dirname(__file__))
from dataset_support import Failed, Project, entity, source, view  # noqa: E402

decimal.getcontext().prec = 60
INVALID, UNSUPPORTED = 3, 12
LAST = "{name: last, column: v}"
SUM = "{column: v, functions: [count, sum]}"


def largest(precision, scale):
    return Decimal(10**precision - 1).scaleb(-scale)


def values(precision, scale):
    """The ends of the type, and what stands next to 0."""
    step = Decimal(1).scaleb(-scale)
    top = largest(precision, scale)
    return [top, -top, step, -step, Decimal(0).scaleb(-scale), top - step]


def import_events(project, precision, scale, rows, name="events", more=()):
    """lake.t.<name>: rows (key, time in µs, v)."""
    table = pa.table({"k": pa.array([k for k, *_ in rows], pa.decimal128(precision, scale)),
                      "ts": pa.array([t for _, t, *_ in rows], pa.timestamp("us")),
                      "v": pa.array([v for _, _, v, *_ in rows], pa.int64()),
                      **{name_: pa.array([row[3] for row in rows], type_) for name_, type_ in more}})
    pa.parquet.write_table(table, project.path("e.parquet"))
    project.floe("table", "import", "e.parquet", f"lake.t.{name}")


def define(project, declared, features=LAST, aggregates=SUM, key="k", more=""):
    project.define(entity(f"{{name: {key}, type: '{declared}'}}{more}") + source() + "feature_views:\n" + view(features, aggregates))


def labels(rows, type_):
    return pa.table({"k": pa.array([k for k, _ in rows], type_), "t": pa.array([t for _, t in rows], pa.timestamp("us"))})


def want(events, spine):
    """(last, count, sum) by equality of numbers."""
    out = []
    for key, t in spine:
        seen = [(ts, at, v) for at, (k, ts, v) in enumerate(events) if key is not None and k == key and ts <= t]
        out.append((max(seen)[2] if seen else None, len(seen), sum(v for *_, v in seen) if seen else None))
    return out


class Decimals(unittest.TestCase):
    def all_ways(self, project, expected, spine="s.parquet", memory="1B"):
        facts = []
        for way in ([], ["--memory", memory, "--threads", "3"], ["--engine", "duckdb"]):
            facts.append(project.build(*way, spine=spine, features="v"))
            self.assertEqual(project.rows("SELECT v__last, v__v_count, v__v_sum FROM '$D/out.parquet'"), expected, (way, spine))
        self.assertEqual(len({(f["content_hash"], f["ties"]) for f in facts}), 1)
        return facts[0]

    def refused(self, project, *words, spine="s.parquet", code=INVALID):
        with self.assertRaises(Failed) as caught:
            project.build(spine=spine, features="v")
        self.assertEqual(caught.exception.code, code, str(caught.exception))
        for word in words:
            self.assertIn(word, str(caught.exception))

    def test_ends_of_every_width__are_keys(self):
        # One type per storage of the engine and of Parquet: 2, 4, 8 and 16 bytes.
        for precision, scale in ((1, 0), (4, 4), (9, 2), (18, 0), (18, 18), (19, 3), (38, 0), (38, 10), (38, 38)):
            with self.subTest(precision=precision, scale=scale), Project() as project:
                keys = values(precision, scale)
                events = [(k, 10 * i, i) for i, k in enumerate(keys)] + [(keys[0], 5, 100), (None, 1, 7)]
                spine = [(k, t) for k in keys + [None] for t in (4, 5, 100)]
                import_events(project, precision, scale, events)
                define(project, f"decimal({precision},{scale})")
                pa.parquet.write_table(labels(spine, pa.decimal128(precision, scale)), project.path("s.parquet"))
                facts = self.all_ways(project, want(events, spine))
                project.floe("dataset", "audit", facts["id"])

    def test_fewer_digits__are_widened_on_both_sides(self):
        """Equal numbers meet, whatever the digits that their columns have: in the spine and in the table."""
        with Project() as project:
            numbers = [Decimal("1.5"), Decimal("-2.0"), Decimal("99.9"), Decimal("0.0")]
            events = [(k, i, i + 1) for i, k in enumerate(numbers)]
            import_events(project, 3, 1, events)
            define(project, "decimal(12,4)")
            for precision, scale in ((3, 1), (12, 4), (10, 2), (8, 0), (5, 3)):
                spine = [(k.quantize(Decimal(1).scaleb(-scale)), 9) for k in numbers if k == k.quantize(Decimal(1).scaleb(-scale))]
                pa.parquet.write_table(labels(spine, pa.decimal128(precision, scale)), project.path("s.parquet"))
                self.all_ways(project, want(events, spine))

    def test_more_digits__are_refused(self):
        with Project() as project:
            import_events(project, 9, 2, [(Decimal("1.50"), 1, 1)])
            define(project, "decimal(9,2)")
            for type_, name in ((pa.decimal128(9, 3), "decimal(9,3)"), (pa.decimal128(10, 2), "decimal(10,2)"),
                                (pa.decimal128(8, 0), "decimal(8,0)"), (pa.decimal128(38, 2), "decimal(38,2)")):
                pa.parquet.write_table(labels([(Decimal(1), 9)], type_), project.path("s.parquet"))
                self.refused(project, name, "decimal(9,2)", '"k"')
            for array in (pa.array([1.5]), pa.array([1]), pa.array(["1.50"])):
                pa.parquet.write_table(pa.table({"k": array, "t": pa.array([9], pa.timestamp("us"))}), project.path("s.parquet"))
                self.refused(project, "decimal(9,2)", '"k"')

    def test_plan__refuses_a_column_of_more_digits(self):
        with Project() as project:
            import_events(project, 9, 3, [(Decimal("1.500"), 1, 1)])
            for declared in ("decimal(9,2)", "decimal(8,3)", "decimal(38,2)", "int64", "string"):
                with self.assertRaises(Failed) as caught:
                    define(project, declared)
                self.assertEqual(caught.exception.code, INVALID)
                self.assertIn("decimal(9,3)", str(caught.exception))
            define(project, "decimal(10,3)")

    def test_other_keys_than_these__are_still_refused(self):
        with Project() as project:
            import_events(project, 9, 3, [(Decimal("1.500"), 1, 1)])
            for declared in ("double", "float", "list<decimal(9,3)>"):
                with self.assertRaises(Failed) as caught:
                    define(project, declared)
                self.assertIn("decimal(p,s)", str(caught.exception))

    def test_text__is_read_as_a_lookup_reads_it(self):
        events = [(Decimal("1.50"), 1, 1), (Decimal("-7.00"), 2, 2), (Decimal("0.05"), 3, 3), (Decimal("9999999.99"), 4, 4)]
        texts = ["1.5", "1.50", "+1.50", "001.5", "-7", "-7.", ".05", "0.05", "9999999.99", "-0", "2", ""]
        spine = [(Decimal(t) if t else None, 9) for t in texts]
        with Project() as project:
            import_events(project, 9, 2, events)
            define(project, "decimal(9,2)")
            project.write("s.csv", "k,t\n" + "".join(f"{t},1970-01-01 00:00:00.000009\n" for t in texts))
            self.all_ways(project, want(events, spine), "s.csv")
            for wrong in ("1.505", "1e2", "10000000", "abc", "1,5", " 1.5", "1.5 ", "NaN", "0x1", "--1", ".", "99999999999999999999999"):
                project.write("s.csv", f'k,t\n"{wrong}",1970-01-01\n')
                self.refused(project, "decimal(9,2)", wrong.strip(), spine="s.csv")

    def test_json__takes_text_and_whole_numbers(self):
        events = [(Decimal("1.50"), 1, 1), (Decimal("-7.00"), 2, 2), (Decimal("12345678901234567890123456789012345.99"), 3, 3)]
        cells = ['"1.5"', '"1.50"', "-7", '"-7.00"', '"12345678901234567890123456789012345.99"', "null", "0"]
        spine = [(None if c == "null" else Decimal(c.strip('"')), 9) for c in cells]
        with Project() as project:
            import_events(project, 38, 2, events)
            define(project, "decimal(38,2)")

            def write(one):
                project.write("s.jsonl", "".join(f'{{"k": {c}, "t": "1970-01-01T00:00:00.000009Z"}}\n' for c in one))
            write(cells)
            self.all_ways(project, want(events, spine), "s.jsonl", "256MB")
            write(["1", "-7"])
            self.all_ways(project, want(events, [(Decimal(1), 9), (Decimal(-7), 9)]), "s.jsonl", "256MB")
            for wrong in ("1.5", "1e2", '"1.505"', '"x"', "true", '["1.5"]', '""', '" 1.5"'):
                write(["1", wrong])
                self.refused(project, "decimal(38,2)", "as text", spine="s.jsonl")

    def test_arrow_and_table_spines__are_like_parquet(self):
        events = [(k, i, i) for i, k in enumerate(values(20, 5))]
        spine = [(k, 9) for k in values(20, 5)] + [(None, 9), (Decimal("0.12345"), 9)]
        with Project() as project:
            import_events(project, 20, 5, events)
            define(project, "decimal(20,5)")
            table = labels(spine, pa.decimal128(20, 5))
            with pa.ipc.new_file(project.path("s.arrow"), table.schema) as out:
                out.write_table(table, max_chunksize=3)
            with pa.ipc.new_stream(project.path("s.arrows"), table.schema) as out:
                out.write_table(table, max_chunksize=3)
            coded = pa.table({"k": table["k"].dictionary_encode(), "t": table["t"]})
            with pa.ipc.new_file(project.path("coded.arrow"), coded.schema) as out:
                out.write_table(coded)
            pa.parquet.write_table(table, project.path("s.parquet"))
            project.floe("table", "import", "s.parquet", "lake.t.spine")
            hashes = {self.all_ways(project, want(events, spine), s)["content_hash"]
                      for s in ("s.parquet", "s.arrow", "s.arrows", "coded.arrow")}
            self.assertEqual(len(hashes), 1)
            self.all_ways(project, want(events, spine), "lake.t.spine")

    def test_outputs__hold_the_key_as_the_spine_has_it(self):
        with Project() as project:
            import_events(project, 9, 2, [(Decimal("1.50"), 1, 1)])
            define(project, "decimal(9,2)")
            pa.parquet.write_table(labels([(Decimal("1.5"), 9)], pa.decimal128(4, 1)), project.path("s.parquet"))
            project.build(spine="s.parquet", features="v")
            out = pa.parquet.read_table(project.path("out.parquet"))
            self.assertEqual((out.column("k").type, out.column("k").to_pylist()), (pa.decimal128(4, 1), [Decimal("1.5")]))
            project.build(spine="s.parquet", features="v", out="out.csv")
            with open(project.path("out.csv")) as file:
                self.assertTrue(file.read().splitlines()[1].startswith("1.5,"))

    def test_key_is_a_feature_too__with_the_columns_own_type(self):
        with Project() as project:
            events = [(Decimal("1.50"), 1, 1), (Decimal("-0.50"), 1, 2)]
            import_events(project, 9, 2, events)
            define(project, "decimal(30,10)", "{name: last, column: v}, {name: key, column: k}", SUM + ", {column: k, functions: [sum]}")
            spine = [(Decimal("1.50"), 9), (Decimal("-0.50"), 9)]
            pa.parquet.write_table(labels(spine, pa.decimal128(9, 2)), project.path("s.parquet"))
            self.all_ways(project, want(events, spine))
            self.assertEqual(project.rows("SELECT v__key, v__k_sum FROM '$D/out.parquet'"), [(k, k) for k, _ in spine])

    def test_composite__of_decimals_and_others(self):
        first = int(os.environ.get("FLOE_SEED") or random.randrange(1 << 31))
        print(f"FLOE_SEED={first}", file=sys.stderr)
        for seed in range(first, first + int(os.environ.get("FLOE_WORLDS", "6"))):
            r = random.Random(seed)
            precision = r.choice([2, 7, 12, 25, 38])
            scale = r.randrange(precision + 1)
            pool = values(precision, scale)[:4] + [None]
            events = [(r.choice(pool), r.randrange(20), r.randrange(9), r.choice(["a", "b", None])) for _ in range(40)]
            spine = [(r.choice(pool), r.randrange(20), r.choice(["a", "b", None])) for _ in range(30)]
            with Project() as project:
                import_events(project, precision, scale, events, more=[("n", pa.string())])
                wide = r.randrange(precision, 39)
                define(project, f"decimal({wide},{scale})", more=", {name: n, type: string}")
                table = labels([(k, t) for k, t, _ in spine], pa.decimal128(precision, scale))
                pa.parquet.write_table(table.append_column("n", pa.array([n for *_, n in spine], pa.string())), project.path("s.parquet"))
                expected = []
                for key, t, n in spine:
                    seen = [(ts, at, v) for at, (k, ts, v, m) in enumerate(events)
                            if None not in (key, n) and (k, m) == (key, n) and ts <= t]
                    expected.append((max(seen)[2] if seen else None, len(seen), sum(v for *_, v in seen) if seen else None))
                facts = self.all_ways(project, expected)
                project.floe("dataset", "rebuild", facts["id"], "-o", "again.parquet", "--memory", "64MB")
                project.floe("dataset", "audit", facts["id"])

    def test_audit__finds_another_key(self):
        with Project() as project:
            import_events(project, 9, 2, [(Decimal("1.50"), 1, 1), (Decimal("1.51"), 1, 2)])
            define(project, "decimal(9,2)")
            pa.parquet.write_table(labels([(Decimal("1.50"), 9)], pa.decimal128(9, 2)), project.path("s.parquet"))
            facts = project.build(spine="s.parquet", features="v")
            out = pa.parquet.read_table(project.path("out.parquet"))
            at = out.schema.get_field_index("k")
            forged = out.set_column(at, "k", pa.array([Decimal("1.51")], pa.decimal128(9, 2)))
            pa.parquet.write_table(forged, project.path("out.parquet"))
            with self.assertRaises(Failed):
                project.floe("dataset", "audit", facts["id"])

    def test_online__finds_the_same_key(self):
        """Synced from a column of fewer digits, asked for in any spelling of the number."""
        keys = values(18, 6)
        with Project() as project:
            project.write("floe.yaml", "project: test\ncatalogs:\n  lake: {type: directory, warehouse: ./lakehouse}\n"
                                       "online: {store: embedded, path: ./online}\n")
            import_events(project, 18, 6, [(k, 1, i) for i, k in enumerate(keys)] + [(Decimal("1.5"), 2, 77)])
            define(project, "decimal(38,10)")
            project.floe("sync")
            for i, key in enumerate(keys):
                (cell,) = json.loads(project.floe("get", "v:last", f"k={key:f}", "--json"))
                self.assertEqual(cell["value"], i)
            for text in ("1.5", "1.50", "+1.5000000000", "01.5"):
                (cell,) = json.loads(project.floe("get", "v:last", f"k={text}", "--json"))
                self.assertEqual(cell["value"], 77)
            (cell,) = json.loads(project.floe("get", "v:last", "k=1.51", "--json"))
            self.assertIsNone(cell["value"])
            for text in ("1.50000000001", "1e1", "x", "1" + "0" * 28):
                with self.assertRaises(Failed) as caught:
                    project.floe("get", "v:last", f"k={text}")
                self.assertEqual(caught.exception.code, INVALID)
                self.assertIn("decimal(38,10)", str(caught.exception))


if __name__ == "__main__":
    unittest.main(verbosity=2)
