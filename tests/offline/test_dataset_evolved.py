#!/usr/bin/env python3
"""A table whose schema went on after its definitions were applied: columns that were widened, renamed, dropped, dropped and made again under
their name, retyped and nested. The kernel, parts that are spilled, SQL and the online store either give the same answer, which is the one that
the definitions had, or refuse it with the same code and what to do. timeout: 900"""
import glob
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from dataset_support import Failed, Project, entity, source, view  # noqa: E402

CONFLICT = 5
ONLINE = "project: test\ncatalogs:\n  lake: {type: directory, warehouse: ./lakehouse}\nonline: {store: embedded, path: ./online}\n"
ROW = """SELECT {k} AS k, TIMESTAMP '2024-01-0{day}' AS ts, TIMESTAMP '2024-01-0{day}' AS known, {i} AS i, {f} AS f, {d} AS d, '{s}' AS s"""
FEATURES = "{name: i, column: i}, {name: f, column: f}, {name: d, column: d}, {name: s, column: s}"
AGGREGATES = "{column: i, functions: [sum, max]}, {column: f, functions: [sum]}, {column: d, functions: [sum]}"
REFS = ["v:i", "v:f", "v:d", "v:i_sum", "v:i_max", "v:f_sum", "v:d_sum"]


def row(day, k="1::INTEGER", i="5::INTEGER", f="1.5::FLOAT", d="1.25::DECIMAL(9,2)", s="x"):
    return ROW.format(day=day, k=k, i=i, f=f, d=d, s=s)


OLD = row(1) + " UNION ALL " + row(2, k="2", i="7", f="2.5", d="2.25", s="y")


def evolve(project, change):
    """The next metadata file of lake.t.events, with a schema more; `change` gets the fields and the document."""
    folder = project.path("lakehouse", "t", "events", "metadata")
    last = max(glob.glob(folder + "/v*.metadata.json"), key=lambda path: int(os.path.basename(path)[1:].split(".")[0]))
    with open(last) as file:
        document = json.load(file)
    fields = next(s["fields"] for s in document["schemas"] if s["schema-id"] == document["current-schema-id"])
    fields = change(json.loads(json.dumps(fields)), document)
    document["current-schema-id"] = max(s["schema-id"] for s in document["schemas"]) + 1
    document["schemas"].append({"type": "struct", "schema-id": document["current-schema-id"], "fields": fields})
    document["last-updated-ms"] += 1
    number = int(os.path.basename(last)[1:].split(".")[0]) + 1
    with open(os.path.join(folder, f"v{number}.metadata.json"), "w") as file:
        json.dump(document, file)
    with open(os.path.join(folder, "version-hint.text"), "w") as file:
        file.write(str(number))


def put(column, **facts):
    return lambda fields, _: [{**field, **facts} if field["name"] == column else field for field in fields]


def drop(column):
    return lambda fields, _: [field for field in fields if field["name"] != column]


def again(column, kind):
    """The column is dropped, and another one made under its name."""
    def change(fields, document):
        document["last-column-id"] += 2
        nested = {"type": "struct", "fields": [{"id": document["last-column-id"], "name": "x", "required": False, "type": "long"}]}
        return drop(column)(fields, document) + [{"id": document["last-column-id"] - 1, "name": column, "required": False,
                                                  "type": nested if kind == "struct" else kind}]
    return change


class Evolved(unittest.TestCase):
    def project(self, key="int64", features=FEATURES, aggregates=AGGREGATES, where="", times=", created_time: known"):
        project = Project()
        self.addCleanup(project.__exit__)
        project.write("floe.yaml", ONLINE)
        project.table("events", OLD)
        labels = "SELECT k::{} AS k, TIMESTAMP '2024-02-01' AS t FROM range(1, 4) v(k)"
        project.file("s.parquet", labels.format("BIGINT" if key == "int64" else "INTEGER"))
        project.define(entity(f"{{name: k, type: {key}}}") + source(times=times) + "feature_views:\n"
                       + view(features, aggregates, more=where))
        project.build(spine="s.parquet", features="v")
        project.floe("sync")
        return project

    def append(self, project, query):
        project.floe("table", "import", project.file("more.parquet", query), "lake.t.events", "--append")

    def answer(self, project, expected, columns="v__i, v__f, v__d, v__i_sum, v__i_max, v__f_sum, v__d_sum", refs=REFS):
        """Of keys 1 to 3, by every way; online too."""
        facts = set()
        for way in [], ["--memory", "1B"], ["--engine", "duckdb"]:
            built = project.build(*way, spine="s.parquet", features="v")
            facts.add(built["content_hash"])
            rows = project.rows(f"SELECT {columns} FROM '$D/out.parquet' ORDER BY k")
            self.assertEqual([tuple(float(c) if c is not None else None for c in r) for r in rows], expected, way)
        self.assertEqual(len(facts), 1)
        project.floe("dataset", "audit", built["id"])
        project.floe("sync")
        for key, want in enumerate(expected, 1):
            cells = {c["feature"]: c["value"] for c in json.loads(project.floe("get", "v", f"k={key}", "--json"))}
            self.assertEqual(tuple(float(cells[ref]) if cells[ref] is not None else None for ref in refs), want, key)

    def refused(self, project, *words):
        runs = [["dataset", "build", *way, "--features", "v", "--spine", "s.parquet", "-o", "no.parquet"]
                for way in ([], ["--memory", "1B"], ["--engine", "duckdb"])] + [["sync"]]
        for run in runs:
            with self.assertRaises(Failed) as caught:
                project.floe(*run)
            self.assertEqual(caught.exception.code, CONFLICT, (run, str(caught.exception)))
            for word in ("floe apply", "when the definitions were applied", "lake.t.events", *words):
                self.assertIn(word, str(caught.exception), run)

    ONE, TWO, NONE = (5.0, 1.5, 1.25, 5.0, 5.0, 1.5, 1.25), (7.0, 2.5, 2.25, 7.0, 7.0, 2.5, 2.25), (None,) * 7

    def test_key_widened__is_the_same_number(self):
        for declared in "int64", "int32":
            project = self.project(declared)
            evolve(project, put("k", type="long"))
            self.answer(project, [self.ONE, self.TWO, self.NONE])
            # 2^32 + 1 is no int32, and not key 1.
            self.append(project, row(3, k="3::BIGINT", i="9") + " UNION ALL " + row(4, k="4294967297", i="8"))
            self.answer(project, [self.ONE, self.TWO, (9.0, 1.5, 1.25, 9.0, 9.0, 1.5, 1.25)])

    def test_feature_widened__is_answered_while_its_values_are_of_the_type_that_was_applied(self):
        for column, kind, fits, beyond in (("i", "long", "6::BIGINT", "5000000000"), ("f", "double", "0.75::DOUBLE", "0.1::DOUBLE"),
                                           ("d", "decimal(12,2)", "3.5::DECIMAL(12,2)", "1234567890.25::DECIMAL(12,2)")):
            project = self.project()
            evolve(project, put(column, type=kind))
            self.answer(project, [self.ONE, self.TWO, self.NONE])
            self.append(project, row(3, k="3", **{column: fits}))
            value = float(fits.split(":")[0])
            i, f, d = (value if column == name else old for name, old in (("i", 5.0), ("f", 1.5), ("d", 1.25)))
            self.answer(project, [self.ONE, self.TWO, (i, f, d, i, i, f, d)])
            self.append(project, row(4, k="3", **{column: beyond}))
            self.refused(project, f'"{column}"', beyond.split(":")[0])

    def test_filter_over_a_widened_column__sees_what_was_applied(self):
        project = self.project(features="{name: s, column: s}", aggregates='{column: "*", functions: [count]}', where=', where: "i + i > 12"')
        evolve(project, put("i", type="long"))
        self.answer(project, [(0.0,), (1.0,), (0.0,)], "v__count", ["v:count"])
        self.append(project, row(3, k="3", i="9::BIGINT"))
        self.answer(project, [(0.0,), (1.0,), (1.0,)], "v__count", ["v:count"])

    def test_dropped_or_renamed__is_refused_by_name(self):
        for column in "i", "k", "ts", "known":
            for change in drop(column), put(column, name="other"):
                project = self.project()
                evolve(project, change)
                self.refused(project, f'"{column}"', "no column")

    def test_another_type__is_refused_by_name(self):
        for column, kind, now in (("i", "string", "string"), ("i", "struct", "features cannot have"), ("k", "string", "string"),
                                  ("k", "struct", "features cannot have"), ("ts", "string", "string"), ("ts", "long", "int64"),
                                  ("ts", "struct", "features cannot have"), ("known", "string", "string"), ("f", "decimal(9,2)", "decimal")):
            project = self.project()
            evolve(project, again(column, kind))
            self.refused(project, f'"{column}"', now)

    def test_type_of_a_filtered_column__is_refused_by_name(self):
        for kind in "string", "struct":
            project = self.project(features="{name: s, column: s}", aggregates="", where=', where: "i > 0"')
            evolve(project, again("i", kind))
            self.refused(project, '"i"')

    def test_made_again_under_its_name__is_another_column_online_too(self):
        project = self.project()
        evolve(project, again("i", "int"))
        gone = [(None, 1.5, 1.25, None, None, 1.5, 1.25), (None, 2.5, 2.25, None, None, 2.5, 2.25), self.NONE]
        self.answer(project, gone)
        self.append(project, row(3, k="3", i="9::INTEGER"))
        self.answer(project, gone[:2] + [(9.0, 1.5, 1.25, 9.0, 9.0, 1.5, 1.25)])

    def test_key_or_time_made_again__has_no_old_rows(self):
        for column, kind in (("k", "int"), ("ts", "timestamp"), ("ts", "timestamptz")):
            project = self.project()
            evolve(project, again(column, kind))
            self.answer(project, [self.NONE] * 3)

    def test_dataset_of_before__is_made_again(self):
        project = self.project()
        first = project.build(spine="s.parquet", features="v")
        evolve(project, put("i", type="long"))
        self.append(project, row(3, k="3", i="5000000000"))
        project.floe("dataset", "rebuild", first["id"], "-o", "again.parquet")
        evolve(project, drop("i"))
        project.floe("dataset", "rebuild", first["id"], "-o", "again.parquet")

    def test_applied_again__answers_with_the_new_type(self):
        project = self.project()
        evolve(project, put("i", type="long"))
        self.append(project, row(3, k="3", i="5000000000"))
        self.refused(project, "5000000000")
        project.floe("apply")
        self.answer(project, [self.ONE, self.TWO, (5e9, 1.5, 1.25, 5e9, 5e9, 1.5, 1.25)])


if __name__ == "__main__":
    unittest.main(verbosity=2)
