#!/usr/bin/env python3
"""floe index and search: the table, its column and the features that a question means are found, imports of other
databases too; wrong files name their line and leave the index as it was."""
import json
import os
import shutil
import unittest

from harness import Checks, flights_project

CRM = [
    {"database": "crm", "table": "Customer Orders", "description": "What customers bought.",
     "columns": [{"name": "order.id", "type": "int"}, {"name": "amount", "description": "Price paid in euro."}],
     "primary_key": ["order.id"]},
    {"database": "crm", "table": "refunds", "columns": [{"name": "order_id"}],
     "foreign_keys": [{"columns": ["order_id"], "table": "Customer Orders", "references": ["order.id"]}]},
]


class Search(Checks, unittest.TestCase):
    def setUp(self):
        self.project = flights_project()
        self.addCleanup(shutil.rmtree, self.project.folder)

    def write_lines(self, name, objects):
        return self.project.write(name, "".join(json.dumps(o) + "\n" for o in objects))

    def hits(self, *arguments):
        return self.project.floe_ok("search", *arguments, "--json").json["hits"]

    @staticmethod
    def name(hit):
        return hit.get("feature") or ".".join(hit[k] for k in ("database", "table", "column") if hit.get(k))

    def test_a_question_finds_table_column_and_feature(self):
        told = self.project.floe_ok("index", "--json").json
        self.assertEqual((told["tables"], told["columns"]), (1, 6))
        names = [self.name(hit) for hit in self.hits("flight delay")]
        for wanted in ("lake.aviation.flights", "lake.aviation.flights.delay", "airport_delays:last_delay"):
            self.assertIn(wanted, names)
        self.assertEqual(self.hits("flight", "delay"), self.hits("flight delay"), "words are one question")

    def test_every_answer_says_how_it_was_found(self):
        self.project.floe_ok("index")
        answer = self.project.floe_ok("search", "flight delay", "--json").json
        self.assertEqual(answer["mode"], "hybrid")
        for hit in answer["hits"]:
            self.assertTrue(hit["why"], hit)
        run = self.project.floe_ok("search", "flight delay")
        self.assertIn("mode: hybrid", run.err)
        self.assertEqual(run.out.splitlines()[0].split(), ["score", "kind", "name", "why"])

    def test_a_question_that_shares_no_word_finds_what_it_means(self):
        told = self.project.floe_ok("index", "--json").json
        self.assertGreater(told["documents_embedded"], 0)
        again = self.project.floe_ok("index", "--json").json
        self.assertEqual((again["documents_embedded"], again["words_embedded"]), (0, 0))
        names = [self.name(hit) for hit in self.hits("how late do planes arrive")]
        for wanted in ("lake.aviation.flights", "lake.aviation.flights.delay", "airport_delays:last_delay"):
            self.assertIn(wanted, names)

    def test_without_an_embedder_search_is_lexical_and_says_so(self):
        self.project.floe_ok("index")
        with open(self.project.path("floe.yaml"), "a", encoding="utf-8") as file:
            file.write("search: {embedder: none}\n")
        self.assertEqual(self.project.floe_ok("search", "planes", "--json").json["mode"], "lexical")
        self.assertEqual(self.project.floe_ok("index", "--json").json["documents_embedded"], 0)
        self.assertEqual(self.project.floe_ok("search", "delay", "--json").json["mode"], "lexical")

    def test_a_missing_model_is_told_and_nothing_falls_back(self):
        empty = self.project.path("no-model")
        os.mkdir(empty)
        for command in (["index"], ["search", "delay"]):
            os.environ["FLOE_MODEL_DIR"] = empty
            try:
                run = self.project.floe(*command)
            finally:
                del os.environ["FLOE_MODEL_DIR"]
            self.refused(run, "NOT_FOUND", "./dev build")

    def test_kinds_namespaces_and_counts_narrow(self):
        self.project.floe_ok("index")
        for kind in ("table", "column", "feature"):
            found = self.hits("delay", "--kind", kind)
            self.assertEqual({hit["kind"] for hit in found}, {kind})
        self.assertEqual(len(self.hits("delay", "-k", "2")), 2)
        self.refused(self.project.floe("search", "delay", "--in", "lake.other"), "NOT_FOUND", "lake.other")
        self.assertNotEqual(self.hits("delay", "--in", "lake.aviation"), [])

    def test_a_question_that_means_nothing_here_has_no_hits(self):
        self.project.floe_ok("index")
        self.assertEqual(self.hits("zzyzx"), [])
        self.assertEqual(self.project.floe_ok("search", "zzyzx").err, "0 hits; mode: hybrid\n")

    def test_unchanged_tables_are_not_indexed_again(self):
        first = self.project.floe_ok("index", "--json").json
        again = self.project.floe_ok("index", "--json").json
        self.assertEqual(again["documents_changed"], 0)
        self.assertEqual(again["documents_unchanged"], first["documents_changed"] + first["documents_unchanged"])
        self.project.floe_ok("table", "import", "flights.csv", "lake.aviation.arrivals")
        self.assertGreater(self.project.floe_ok("index", "--json").json["documents_changed"], 0)
        self.assertIn("lake.aviation.arrivals", [self.name(hit) for hit in self.hits("arrivals")])

    def test_an_imported_database_is_found_by_its_own_names(self):
        self.write_lines("crm.jsonl", CRM)
        self.project.floe_ok("index", "--import", "crm.jsonl")
        names = [self.name(hit) for hit in self.hits("price paid by customers")]
        self.assertIn("crm.Customer Orders", names)
        self.assertIn("crm.Customer Orders.amount", names)
        self.assertEqual({hit["database"] for hit in self.hits("orders", "--in", "crm")}, {"crm"})
        self.assertNotEqual(self.hits("flight delay"), [], "what was there stays")
        self.write_lines("crm.jsonl", [dict(CRM[1], table="returns")])
        self.project.floe_ok("index", "--import", "crm.jsonl")
        self.assertEqual({hit["table"] for hit in self.hits("order", "--in", "crm")}, {"returns"},
                         "importing a database again replaces its tables")

    def why(self, hit, signal):
        return [reason["words"] for reason in hit["why"] if reason["signal"] == signal]

    def test_values_of_columns_with_few_of_them_are_found(self):
        self.project.floe_ok("index")
        found = {self.name(hit): hit for hit in self.hits("JFK", "--kind", "column")}
        for column in ("origin", "destination"):
            hit = found[f"lake.aviation.flights.{column}"]
            self.assertEqual(self.why(hit, "values"), ["jfk"], hit)
        self.assertIn("lake.aviation.flights", [self.name(hit) for hit in self.hits("SFO", "--kind", "table")])

    def test_values_are_those_of_the_table_as_it_is(self):
        self.project.floe_ok("index")
        self.project.write_csv("more.csv", ["date", "origin", "destination", "delay", "distance", "known_at"],
                               [["2001-03-01 00:10:00", "QQX", "JFK", "1", "10", "2001-03-01 07:00:00"]])
        self.assertNotIn("values", [r["signal"] for hit in self.hits("QQX") for r in hit["why"]])
        self.project.floe_ok("table", "import", "more.csv", "lake.aviation.flights", "--append")
        self.project.floe_ok("index")
        best = self.hits("QQX", "--kind", "column")[0]
        self.assertEqual((self.name(best), self.why(best, "values")), ("lake.aviation.flights.origin", ["qqx"]))

    def test_a_column_of_many_values_has_none(self):
        self.project.write_csv("many.csv", ["code", "kind"], [[f"wxy{i}", "qqzebra"] for i in range(60)])
        self.project.floe_ok("table", "import", "many.csv", "lake.aviation.many")
        self.project.floe_ok("index")
        self.assertIn("lake.aviation.many.kind", [self.name(h) for h in self.hits("qqzebra", "--kind", "column")])
        for hit in self.hits("wxy7", "--kind", "column"):
            self.assertEqual(self.why(hit, "values"), [], hit)

    def test_personal_values_are_not_searched(self):
        rows = [[f"person{i}@mail{i % 5}.example", "qqgold"] for i in range(5)]
        self.project.write_csv("people.csv", ["contact", "tier"], rows)
        self.project.floe_ok("table", "import", "people.csv", "lake.aviation.people")
        self.project.floe_ok("index")
        self.assertIn("lake.aviation.people.tier", [self.name(h) for h in self.hits("qqgold", "--kind", "column")])
        for hit in self.hits("person1@mail1.example", "--kind", "column"):
            self.assertEqual(self.why(hit, "values"), [], hit)

    def test_an_imported_database_can_be_forgotten(self):
        self.write_lines("crm.jsonl", CRM)
        self.project.floe_ok("index", "--import", "crm.jsonl")
        self.refused(self.project.floe("index", "--forget", "crn"), "NOT_FOUND", "did you mean crm?")
        told = self.project.floe_ok("index", "--forget", "crm", "--json").json
        self.assertEqual((told["tables"], told["documents_removed"]), (1, 5))
        self.refused(self.project.floe("search", "orders", "--in", "crm"), "NOT_FOUND", "crm")
        self.assertNotEqual(self.hits("flight delay"), [], "the catalog's tables stay")
        self.refused(self.project.floe("index", "--forget", "crm"), "NOT_FOUND", "crm")

    def test_abbreviations_of_ones_own_are_read(self):
        self.write_lines("clinic.jsonl", [{"database": "clinic", "table": "visits", "columns": [{"name": "mrn"}]}])
        with open(self.project.path("floe.yaml"), "a", encoding="utf-8") as file:
            file.write("search: {embedder: none, abbreviations: short.txt}\n")
        self.refused(self.project.floe("index", "--import", "clinic.jsonl"), "NOT_FOUND", "short.txt")
        self.project.write("short.txt", "# hospital\nm-r-n medical\n")
        self.refused(self.project.floe("index", "--import", "clinic.jsonl"), "INVALID", "short.txt:2")
        self.project.write("short.txt", "mrn medical record number\n")
        self.project.floe_ok("index", "--import", "clinic.jsonl")
        self.assertEqual(self.name(self.hits("medical record", "--kind", "column")[0]), "clinic.visits.mrn")

    def test_misspelt_questions_are_understood_and_say_so(self):
        self.project.floe_ok("index")
        hit = self.hits("destinaton", "--kind", "column")[0]
        self.assertEqual(self.name(hit), "lake.aviation.flights.destination")
        self.assertEqual(self.why(hit, "similar spelling"), ["destinaton ~ destination"])

    def test_a_batch_answers_every_question_in_order(self):
        self.write_lines("crm.jsonl", CRM)
        self.project.floe_ok("index", "--import", "crm.jsonl")
        questions = [{"id": f"q{i}", "question": q} for i, q in enumerate(["flight delay", "zzyzx", "customer refunds"])]
        self.write_lines("q.jsonl", questions)
        answers = self.project.floe_ok("search", "--batch", "q.jsonl", "-k", "3").json_lines
        self.assertEqual([a["id"] for a in answers], ["q0", "q1", "q2"])
        self.assertEqual(answers[1]["hits"], [])
        for answer, question in zip(answers, questions):
            alone = self.hits(question["question"], "-k", "3")
            self.assertEqual([(h["kind"], h.get("database"), h.get("table")) for h in answer["hits"]],
                             [(h["kind"], h.get("database"), h.get("table")) for h in alone])
            self.assertLessEqual(len(answer["hits"]), 3)

    def test_before_any_index_the_answer_says_what_to_do(self):
        for arguments in (["search", "x"], ["search", "--batch", "q.jsonl"]):
            self.write_lines("q.jsonl", [])
            with self.unchanged(self.project.folder):
                self.refused(self.project.floe(*arguments), "NOT_FOUND", "floe index")

    def test_a_wrong_import_names_file_and_line_and_changes_nothing(self):
        self.write_lines("crm.jsonl", CRM)
        self.project.floe_ok("index", "--import", "crm.jsonl")
        want = self.hits("order flight delay", "-k", "50")
        for line, part in (("{", "bad.jsonl:2"), ('{"database": "crm"}', "table"),
                           ('{"database": "crm", "table": "t", "columns": [{}]}', "name"),
                           ('{"database": 1, "table": "t", "columns": [{"name": "c"}]}', "database"),
                           ('{"database": "crm", "table": "t", "columns": [{"name": "c"}], "foreign_keys": [{}]}', "bad.jsonl")):
            self.project.write("bad.jsonl", json.dumps(CRM[1]) + "\n" + line + "\n")
            run = self.project.floe("index", "--import", "bad.jsonl")
            self.refused(run, "INVALID", "bad.jsonl:2", part)
            self.assertEqual(self.hits("order flight delay", "-k", "50"), want, line)
        self.refused(self.project.floe("index", "--import", "nope.jsonl"), "NOT_FOUND", "nope.jsonl")

    def test_a_wrong_batch_names_file_and_line(self):
        self.project.floe_ok("index")
        for line in ("{", "[]", '{"id": "a"}', '{"id": "a", "question": 1}'):
            self.project.write("bad.jsonl", json.dumps({"id": "x", "question": "delay"}) + "\n" + line + "\n")
            run = self.project.floe("search", "--batch", "bad.jsonl")
            self.assertEqual(run.code, 3, str(run))
            self.assertIn("bad.jsonl:2", run.err)
        self.refused(self.project.floe("search", "--batch", "nope.jsonl"), "NOT_FOUND", "nope.jsonl")

    def test_a_damaged_table_is_named_and_the_index_stays(self):
        self.project.floe_ok("index")
        want = self.hits("flight delay")
        self.project.floe_ok("table", "import", "flights.csv", "lake.aviation.flights", "--append")
        folder = self.project.path("lakehouse/aviation/flights/metadata")
        newest = max((f for f in os.listdir(folder) if f.endswith(".metadata.json")), key=lambda f: int(f[1:].split(".")[0]))
        os.truncate(os.path.join(folder, newest), 20)
        run = self.project.floe("index")
        self.refused(run, "CORRUPT", newest)
        self.assertEqual(self.hits("flight delay"), want)


if __name__ == "__main__":
    unittest.main()
