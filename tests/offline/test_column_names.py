"""Names of columns that are alike but for their case, and such as floe's own: of sources, of spines, and of what comes out. Everything
that has one name too many is refused by its names before a table is read; all else is right, by both engines and the audit.
timeout: 300"""
import os
import sys
import unittest

import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, os.path.dirname(__file__))
import foreign  # noqa: E402
from dataset_support import Failed, Project, entity, source, view  # noqa: E402

INVALID, UNSUPPORTED = 3, 12
OWN = ["__seq", "__pos", "__event", "__created", "__end", "__where_0", "__time", "__row", "__slice", "__rid", "__file", "__first", "__from", "rowid"]
DAY = 86_400_000_000


class Columns(unittest.TestCase):
    def setUp(self):
        self.project = self.enterContext(Project())

    def table(self, columns, name="events"):
        """lake.t.<name>: key k, time ts of days 1 and 2, and the columns of int64."""
        fields = [("k", "long", pa.int64(), [1, 1]), ("ts", "timestamp", pa.timestamp("us"), [DAY, 2 * DAY])]
        fields += [(column, "long", pa.int64(), values) for column, values in columns.items()]
        made = foreign.Table(self.project.path("lakehouse", "t", name), [{"id": i + 1, "name": n, "type": t, "required": False}
                                                                         for i, (n, t, _, _) in enumerate(fields)])
        schema = pa.schema([pa.field(n, t, metadata={"PARQUET:field_id": str(i + 1)}) for i, (n, _, t, _) in enumerate(fields)])
        made.add(pa.table([pa.array(v, t) for _, _, t, v in fields], schema))
        made.write()

    def spine(self, **columns):
        pq.write_table(pa.table({"k": pa.array([1, 2], pa.int64()), "t": pa.array([3 * DAY] * 2, pa.timestamp("us")), **columns}),
                       self.project.path("s.parquet"))
        return "s.parquet"

    def all_ways(self, features, want, select, **columns):
        spine = self.spine(**columns)
        for way in ([], ["--engine", "duckdb"]):
            facts = self.project.build("--time", "t", *way, spine=spine, features=features)
            self.assertEqual(self.project.rows(f"SELECT {select} FROM '$D/out.parquet'"), want, way)
            self.project.floe("dataset", "audit", facts["id"])

    def refused(self, code, *words, **build):
        before = self.project.content()
        with self.assertRaises(Failed) as caught:
            self.project.build("--time", "t", **build)
        self.assertEqual(caught.exception.code, code, str(caught.exception))
        for word in words:
            self.assertIn(word, str(caught.exception))
        self.assertEqual(self.project.content(), before)

    def test_source_columns__named_as_anything_but_floes_own(self):
        self.table({name: [10 * i, 10 * i + 1] for i, name in enumerate(OWN)})
        features = ", ".join(f"{{name: f{i}, column: {name}}}" for i, name in enumerate(OWN))
        sums = ", ".join(f"{{column: {name}, functions: [sum], windows: [9d], name: s{i}}}" for i, name in enumerate(OWN))
        self.project.define(entity("{name: k, type: int64}") + source() + "feature_views:\n" + view(features, sums, more=', where: "__pos < 99"'))
        want = [10 * i + 1 for i in range(len(OWN))] + [20 * i + 1 for i in range(len(OWN))]
        self.all_ways("v", [tuple(want), (None,) * len(want)],
                      ", ".join([f"v__f{i}" for i in range(len(OWN))] + [f"v__s{i}" for i in range(len(OWN))]))

    def test_keys_and_times__named_so_too(self):
        self.table({"__row": [1, 1], "__time": [4, 5]})
        self.project.define(entity("{name: __time, type: int64}") + source() +
                            "feature_views:\n" + view("{name: f, column: __time}", more=", keys: {__time: __row}"))
        self.all_ways("v", [(1, 5), (2, None)], "__time, v__f", __time=pa.array([1, 2], pa.int64()))

    def test_source_columns__that_are_floes_own_are_refused_at_plan(self):
        self.table({"__FLOE_pos": [1, 2], "v": [3, 4]})
        text = entity("{name: k, type: int64}") + source() + "feature_views:\n"
        with self.assertRaises(Failed) as caught:
            self.project.define(text + view("{name: f, column: __FLOE_pos}"))
        self.assertEqual(caught.exception.code, UNSUPPORTED)
        self.assertIn("column __FLOE_pos of table lake.t.events", str(caught.exception))
        self.project.define(text + view("{name: f, column: v}"))
        self.all_ways("v", [(4,), (None,)], "v__f")

    def test_source_columns__that_differ_in_case(self):
        self.table({"V": [7, 8], "v": [1, 2], "K": [5, 6]})
        text = entity("{name: k, type: int64}") + source() + "feature_views:\n"
        with self.assertRaises(Failed) as caught:
            self.project.define(text + view("{name: a, column: V}, {name: b, column: v}"))
        self.assertEqual(caught.exception.code, UNSUPPORTED)
        self.assertIn("V and v of table lake.t.events differ only in case", str(caught.exception))
        for name, value in (("V", 8), ("v", 2)):
            self.project.define(text + view(f"{{name: a, column: {name}}}"))
            self.all_ways("v", [(value,), (None,)], "v__a")

    def test_outputs_of_one_name__are_refused(self):
        self.table({"x": [7, 8]})
        self.project.define(entity("{name: k, type: int64}") + source() + "feature_views:\n" + view("{name: b, column: x}, {name: c, column: x}", name="a") +
                            view("{name: b, column: k}", name="A") + "request_features:\n"
                            "  - {name: a__B, inputs: [{name: n, type: int64}], expression: n + 1, type: int64}\n"
                            '  - {name: r, inputs: [{name: n, feature: "A:b"}], expression: n + 1, type: int64}\n')
        spine = self.spine(n=pa.array([1, 2], pa.int64()))
        os.rename(self.project.path("lakehouse"), self.project.path("away"))  # nothing is read
        self.refused(INVALID, "a:b and A:b would be one column, A__b", spine=spine, features="a,A")
        self.refused(INVALID, "a:b and a__B would be one column, a__B", spine=spine, features="a,a__B")
        self.refused(INVALID, "a:b and A:b would be one column", spine=spine, features="a,r")
        self.refused(INVALID, "a:b is asked for twice", spine=spine, features="a:b,a")
        os.rename(self.project.path("away"), self.project.path("lakehouse"))
        self.all_ways("a:c,A:b,r", [(8, 1, 2), (None, None, None)], "a__c, A__b, r")
        self.assertEqual(pq.read_schema(self.project.path("out.parquet")).names, ["k", "t", "a__c", "A__b", "r"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
