#!/usr/bin/env python3
"""floe context and floe question, as a user types them: schemas within a number of tokens, questions that are kept."""
import json
import unittest

from harness import Checks, Project, flights_project

LEXICAL = Project.YAML + "search: {embedder: none}\n"
CRM = [
    {"database": "crm", "table": "orders", "description": "What customers ordered.",
     "columns": [{"name": "id", "type": "int"}, {"name": "customer_id", "type": "int"},
                 {"name": "placed at", "type": "timestamp"}, {"name": "status", "samples": ["open", "it's"]}],
     "primary_key": ["id"], "foreign_keys": [{"columns": ["customer_id"], "table": "customers", "references": ["id"]}]},
    {"database": "crm", "table": "customers", "columns": [{"name": "id", "type": "int"}, {"name": "city", "type": "text"},
                                                          {"name": "segment", "type": "text"}], "primary_key": ["id"]},
]


class Context(Checks, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.project = flights_project(yaml=LEXICAL)
        cls.project.write("crm.jsonl", "".join(json.dumps(table) + "\n" for table in CRM))
        cls.project.floe_ok("index", "--import", "crm.jsonl")

    @classmethod
    def tearDownClass(cls):
        cls.project.__exit__()

    def context(self, *arguments):
        return self.ok(self.project.floe("context", *arguments))

    def test_a_question__has_its_tables_as_text_and_its_size_on_stderr(self):
        run = self.context("orders", "of", "a", "customer")
        self.assertIn('-- What customers ordered.\nCREATE TABLE "crm"."orders" (\n  "id" int,\n', run.out)
        self.assertIn('  "status", -- such as \'open\', \'it\'\'s\'\n', run.out)
        self.assertIn('FOREIGN KEY ("customer_id") REFERENCES "crm"."customers" ("id")\n);\n', run.out)
        self.assertIn('-- "crm"."orders"."customer_id" = "crm"."customers"."id"\n', run.out)
        self.assertRegex(run.err, r"^\d+ tokens of at most 4,000; mode: lexical\n$")

    def test_features_of_the_registry__are_in_it(self):
        run = self.context("mean delay of an airport")
        self.assertIn('CREATE TABLE "lake.aviation"."flights"', run.out)
        self.assertIn("-- airport_delays:delay_mean", run.out)

    def test_json__agrees_with_the_text(self):
        text = self.context("orders of a customer", "--tokens", "300").out
        data = self.context("orders of a customer", "--tokens", "300", "--json").json
        self.assertEqual(data["context"], text)
        self.assertLessEqual(data["tokens"], 300)
        self.assertEqual(data["token_max"], 300)
        for table in data["tables"]:
            self.assertIn(f"CREATE TABLE {table['sql_name']} (", text)
        self.assertEqual(len(data["tables"]), text.count("CREATE TABLE "))

    def test_budgets__hold(self):
        for tokens in (100, 130, 170, 220, 300):
            data = self.context("orders of a customer", "--tokens", str(tokens), "--json").json
            self.assertLessEqual(data["tokens"], tokens)
            left = data["left_out"]
            self.assertEqual("Left out" in data["context"],
                             bool(left["tables"] or left["joins"] or left["features"] or left["questions"]))

    def test_in__limits_to_a_namespace(self):
        self.assertNotIn("crm", self.context("orders of flights", "--in", "lake").out)
        self.refused(self.project.floe("context", "x", "--in", "lak"), "NOT_FOUND", "lak")

    def test_wrong_command_lines__are_usage_errors(self):
        self.refused(self.project.floe("context"), "USAGE", "QUESTION")
        for tokens in ("99", "200001", "x", "-1"):
            self.refused(self.project.floe("context", "a", "--tokens", tokens), "USAGE", "--tokens")
        self.refused(self.project.floe("context", " "), "INVALID", "empty")

    def test_without_an_index__says_what_to_run(self):
        with Project(LEXICAL) as project:
            self.refused(project.floe("context", "orders"), "NOT_FOUND", "floe index")

    def test_roles__hide_tables_and_columns(self):
        with Project(LEXICAL + "access: {seller: {namespaces: [crm], deny_columns: [crm.customers.segment]}}\n") as project:
            project.write("crm.jsonl", "".join(json.dumps(table) + "\n" for table in CRM))
            project.floe_ok("index", "--import", "crm.jsonl")
            self.assertIn("segment", project.floe_ok("context", "segment of customers").out)
            run = project.floe_ok("context", "segment of customers", "--role", "seller")
            self.assertIn('CREATE TABLE "crm"."customers"', run.out)
            self.assertNotIn("segment", run.out)
            self.refused(project.floe("context", "a", "--role", "sellr"), "NOT_FOUND", "seller")


class Questions(Checks, unittest.TestCase):
    def setUp(self):
        self.project = flights_project(yaml=LEXICAL)
        self.project.write("crm.jsonl", "".join(json.dumps(table) + "\n" for table in CRM))
        self.project.floe_ok("index", "--import", "crm.jsonl")

    def tearDown(self):
        self.project.__exit__()

    def add(self, *arguments):
        return self.project.floe("question", "add", *arguments)

    def listed(self):
        return [(row["question"], row["tables"]) for row in self.ok(self.project.floe("question", "ls", "--json")).json]

    def test_added__is_listed_found_and_removed(self):
        run = self.ok(self.add("how", "many flights?", "--sql", "SELECT count(*) FROM lake.aviation.flights", "--json"))
        self.assertEqual(run.json, {"id": 1})
        self.assertEqual(self.listed(), [("how many flights?", "lake.aviation.flights")])
        context = self.ok(self.project.floe("context", "how many flights")).out
        self.assertIn("-- how many flights?\nSELECT count(*) FROM lake.aviation.flights;\n", context)
        self.ok(self.project.floe("question", "rm", "1"))
        self.assertEqual(self.listed(), [])
        self.refused(self.project.floe("question", "rm", "1"), "NOT_FOUND", "floe question ls")
        self.assertNotIn("Verified", self.ok(self.project.floe("context", "how many flights")).out)

    def test_searches__find_its_tables_and_say_why(self):
        def tables():
            hits = self.ok(self.project.floe("search", "best selling articles", "--kind", "table", "--json")).json["hits"]
            return [(hit["table"], [why["words"] for why in hit["why"] if why["signal"] == "verified question"])
                    for hit in hits]
        self.assertEqual(tables(), [])
        self.ok(self.add("which articles sell best", "--sql", "SELECT 1 FROM crm.orders"))
        # customers follows, because a key links it.
        self.assertEqual(tables(), [("orders", ["which articles sell best"]), ("customers", [])])

    def test_it_survives_an_index_that_is_built_anew(self):
        self.ok(self.add("how many flights", "--sql", "SELECT 1 FROM flights"))
        import shutil
        shutil.rmtree(self.project.path(".floe", "search"))
        self.project.floe_ok("index", "--import", "crm.jsonl")
        self.assertIn("SELECT 1 FROM flights", self.ok(self.project.floe("context", "how many flights")).out)

    def test_sql_of_a_file__is_read_and_tables_are_found_in_it(self):
        self.project.write("q.sql", "-- the busiest\nWITH w AS (SELECT origin FROM flights)\n"
                                    "SELECT * FROM w JOIN crm.customers c ON c.city = w.origin")
        self.ok(self.add("where are customers", "--sql", "q.sql"))
        self.assertEqual(self.listed(), [("where are customers", "lake.aviation.flights, crm.customers")])

    def test_sql_that_is_none_of_ours__is_refused_and_nothing_is_kept(self):
        for sql, code, part in (("SELECT * FROM flihgts", "NOT_FOUND", "did you mean lake.aviation.flights?"),
                                ("DROP TABLE flights", "DENIED", "SELECT"),
                                ("SELECT * FROM read_csv('/etc/passwd')", "DENIED", "read_csv"),
                                ("SELECT 1", "INVALID", "reads no table"),
                                ("SELEC 1", "INVALID", "syntax error"),
                                ("SELECT 1 FROM flights; SELECT 2", "INVALID", "2 statements")):
            self.refused(self.add("q", "--sql", sql), code, part)
        run = self.project.floe("question", "ls", "--json")
        self.assertEqual(run.json if run.code == 0 else [], [])

    def test_another_dialect__is_taken_when_its_tables_are_named(self):
        sql = "SELECT `placed at` FROM `orders` LIMIT 5, 10"
        self.refused(self.add("q", "--sql", sql), "INVALID", "syntax error")
        self.ok(self.add("q", "--sql", sql, "--tables", "crm.orders,customers"))
        self.assertEqual(self.listed(), [("q", "crm.orders, crm.customers")])

    def test_import__takes_lines_and_arrays_and_all_or_nothing(self):
        self.project.write("a.jsonl", '{"question": "one", "sql": "SELECT 1 FROM orders"}\n'
                                      '{"question": "two", "sql": "SELECT 2 FROM x", "tables": ["customers"]}\n')
        self.assertEqual(self.ok(self.add("--import", "a.jsonl", "--json")).json, {"questions": 2})
        self.project.write("bird.json", json.dumps([{"question_id": 0, "db_id": "crm", "question": "three", "evidence": "",
                                                     "SQL": "SELECT 3 FROM orders", "difficulty": "simple"}]))
        self.ok(self.add("--import", "bird.json"))
        self.assertEqual(self.listed(), [("one", "crm.orders"), ("two", "crm.customers"), ("three", "crm.orders")])
        self.project.write("bad.jsonl", '{"question": "four", "sql": "SELECT 4 FROM orders"}\n'
                                        '{"question": "five", "sql": "SELECT 5 FROM nowhere"}\n')
        self.refused(self.add("--import", "bad.jsonl"), "NOT_FOUND", "five", "nowhere")
        self.project.write("worse.jsonl", '{"question": "four"}\n{"sql": "x"}\n')
        self.refused(self.add("--import", "worse.jsonl"), "INVALID", "worse.jsonl:1: ", "worse.jsonl:2: ")
        self.assertEqual(len(self.listed()), 3)

    def test_wrong_command_lines__are_usage_errors(self):
        for arguments in ([], ["q"], ["--sql", "x"], ["q", "--sql", "x", "--import", "f"], ["q", "--import", "f"],
                          ["--import", "f", "--tables", "t"]):
            self.refused(self.add(*arguments), "USAGE")
        self.refused(self.project.floe("question", "rm", "x"), "USAGE", "number")
        self.refused(self.project.floe("question"), "USAGE", "second word")

    def test_the_list__is_a_table_to_read(self):
        self.ok(self.add("how many flights", "--sql", "SELECT 1 FROM flights"))
        run = self.ok(self.project.floe("question", "ls"))
        self.assertRegex(run.out, r"^id +question +tables +added\n")
        self.assertIn("how many flights", run.out)


if __name__ == "__main__":
    unittest.main()
