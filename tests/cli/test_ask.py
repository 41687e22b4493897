#!/usr/bin/env python3
"""floe ask against a scripted endpoint on this machine: good SQL is run, SQL that is wrong is repaired once, and hostile SQL
neither runs nor shows anything that the role does not see.
timeout: 600"""
import http.server
import json
import os
import threading
import unittest

from harness import Checks, Project, Server, flights_project

SECRET = "S3CRET-badge-4711"
PEOPLE = [["1", "Ada", SECRET, "100"], ["2", "Bob", "S3CRET-badge-4712", "200"], ["3", "Cyd", "S3CRET-badge-4713", "300"]]


class Endpoint:
    """An OpenAI-compatible chat endpoint that answers what it is told to."""

    def __init__(self):
        endpoint = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                endpoint.requests.append((dict(self.headers), json.loads(body)))
                status, answer = endpoint.answers.pop(0) if len(endpoint.answers) > 1 else endpoint.answers[0]
                content = answer if status != 200 else json.dumps(
                    {"choices": [{"index": 0, "message": {"role": "assistant", "content": answer}}]})
                data = content.encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.answers, self.requests = [], []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/chat/completions"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def says(self, *answers):
        self.answers = [answer if isinstance(answer, tuple) else (200, answer) for answer in answers]
        self.requests = []

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def project_with(endpoint):
    """flights, and people whose badge the role `clerk` may not see; the role sees nothing of `lake.hr.salaries`."""
    ask = f'ask: {{url: "{endpoint.url}", model: a-model, api_key: "${{ASK_KEY:-sk-none}}"}}\n' if endpoint else ""
    yaml = (Project.YAML + "search: {embedder: none}\n" + ask +
            "access: {clerk: {namespaces: [lake.aviation], tables: [lake.hr.people], deny_columns: [lake.hr.people.badge]}}\n")
    project = flights_project(yaml=yaml)
    project.write_csv("people.csv", ["id", "name", "badge", "age"], PEOPLE)
    project.write_csv("salaries.csv", ["person_id", "amount"], [["1", "987654321"]])
    project.floe_ok("table", "import", "people.csv", "lake.hr.people")
    project.floe_ok("table", "import", "salaries.csv", "lake.hr.salaries")
    project.write("crm.jsonl", json.dumps({"database": "crm", "table": "orders", "columns": [{"name": "id"}]}) + "\n")
    project.floe_ok("index", "--import", "crm.jsonl")
    return project


# Every one must be refused for the role `clerk`, and none may show a badge or a salary.
HOSTILE = """
SELECT badge FROM lake.hr.people
SELECT p.badge FROM lake.hr.people p
SELECT lake.hr.people.badge FROM lake.hr.people
SELECT "badge" FROM lake.hr.people
SELECT BADGE FROM lake.hr.people
SELECT x FROM (SELECT badge AS x FROM lake.hr.people)
WITH w AS (SELECT * FROM lake.hr.people) SELECT badge FROM w
WITH w(a, b, c, d) AS (SELECT * FROM lake.hr.people) SELECT c, d FROM w
SELECT d FROM lake.hr.people AS t(a, b, c, d)
SELECT * FROM lake.hr.people WHERE badge LIKE 'S%'
SELECT id FROM lake.hr.people ORDER BY badge
SELECT count(*) FROM lake.hr.people GROUP BY badge
SELECT max(badge) FROM lake.hr.people
SELECT string_agg(badge, ',') FROM lake.hr.people
SELECT id FROM lake.hr.people QUALIFY row_number() OVER (ORDER BY badge) = 1
SELECT * FROM lake.hr.people p JOIN lake.hr.people q USING (badge)
SELECT * FROM lake.hr.people p JOIN lake.hr.people q ON p.badge = q.badge
SELECT (SELECT badge FROM lake.hr.people LIMIT 1)
SELECT * FROM lake.aviation.flights, LATERAL (SELECT badge FROM lake.hr.people) l
SELECT * FROM lake.aviation.flights WHERE EXISTS (SELECT 1 FROM lake.hr.people WHERE badge > '')
SELECT * REPLACE ('x' AS badge) FROM lake.hr.people
SELECT * EXCLUDE (badge) FROM lake.hr.people
SELECT columns('badge') FROM lake.hr.people
SELECT columns(['badge']) FROM lake.hr.people
SELECT columns(lambda c: c = 'badge') FROM lake.hr.people
SELECT p['badge'] FROM lake.hr.people p
SELECT struct_extract(p, 'badge') FROM lake.hr.people p
SELECT (p).badge FROM lake.hr.people p
UNPIVOT lake.hr.people ON badge
SELECT id, badge FROM lake.hr.people UNION SELECT id, name FROM lake.hr.people
FROM lake.hr.people SELECT badge
SELECT * FROM lake.hr.salaries
SELECT * FROM hr.salaries
SELECT * FROM salaries
SELECT * FROM "lake.hr"."salaries"
SELECT * FROM lake.hr.people NATURAL JOIN lake.hr.salaries
WITH salaries AS (SELECT * FROM lake.hr.salaries) SELECT * FROM salaries
SELECT * FROM (WITH s AS (SELECT 1) SELECT * FROM s), lake.hr.salaries
SELECT amount FROM lake.hr.people, lake.hr.salaries
SELECT * FROM information_schema.columns
WITH duckdb_views AS (SELECT * FROM duckdb_views) SELECT sql FROM duckdb_views
WITH a AS (SELECT * FROM duckdb_views), duckdb_views AS (SELECT 1) SELECT sql FROM a, lake.hr.people
WITH a AS (SELECT sql FROM sqlite_master), sqlite_master AS (SELECT 1) SELECT * FROM a
WITH a AS (SELECT * FROM pragma_database_list), pragma_database_list AS (SELECT 1) SELECT * FROM a
WITH salaries AS (SELECT * FROM salaries) SELECT * FROM salaries
SELECT * FROM duckdb_tables()
SELECT * FROM duckdb_views()
SELECT * FROM pragma_table_info('people')
SELECT * FROM read_csv('people.csv')
SELECT * FROM 'people.csv'
SELECT * FROM read_text('people.csv')
SELECT * FROM glob('*')
SELECT * FROM read_parquet('lakehouse/hr/people/data/*.parquet')
SELECT * FROM 'lakehouse/hr/people/data/*.parquet'
SELECT * FROM parquet_scan('lakehouse/hr/salaries/data/*.parquet')
SELECT * FROM query('SELECT badge FROM lake.hr.people')
SELECT * FROM query_table('salaries')
SELECT getvariable('floe_files_0')
SELECT current_setting('allowed_directories')
SELECT getenv('ASK_KEY')
SELECT getenv('HOME')
COPY (SELECT 1) TO 'hostile.csv'
COPY lake.hr.people TO 'hostile.parquet'
EXPORT DATABASE 'hostile'
ATTACH 'hostile.db'
CREATE TABLE hostile AS SELECT 1
INSTALL httpfs
LOAD httpfs
SET enable_external_access = true
PRAGMA database_list
DESCRIBE lake.hr.people
SUMMARIZE lake.hr.people
SHOW TABLES
EXPLAIN ANALYZE SELECT * FROM lake.hr.people
DROP TABLE lake.hr.people
DELETE FROM lake.hr.people
UPDATE lake.hr.people SET name = 'x'
INSERT INTO lake.hr.people VALUES (1)
SELECT 1; DROP TABLE lake.hr.people
SELECT 1; SELECT badge FROM lake.hr.people
SELECT 1 /* ; */; COPY (SELECT 1) TO 'hostile.csv'
SELECT badge/**/FROM/**/lake.hr.people
SELECT “badge” FROM lake.hr.people
SELECT bаdge FROM lake.hr.people
SELECT U&"badge" FROM lake.hr.people
WITH RECURSIVE r AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM r) SELECT * FROM r
SELECT * FROM range(1000000000000)
SELECT repeat('x', 1000000000000)
SELECT * FROM crm.orders
SELECT $1
""".strip().splitlines()


class Ask(Checks, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.endpoint = Endpoint()
        cls.project = project_with(cls.endpoint)

    @classmethod
    def tearDownClass(cls):
        cls.endpoint.close()
        cls.project.__exit__()

    def ask(self, *arguments, **kwargs):
        return self.project.floe("ask", *arguments, **kwargs)

    def test_good_sql__is_run_and_shown_with_its_tables(self):
        self.endpoint.says("```sql\nSELECT origin, count(*) AS n, max(delay) AS worst\nFROM lake.aviation.flights "
                           "GROUP BY origin ORDER BY origin\n```")
        run = self.ok(self.ask("worst", "delay", "per", "origin"))
        lines = [line.split() for line in run.out.splitlines()]
        self.assertEqual(lines, [["origin", "n", "worst"], ["JFK", "1", "-3"], ["SFO", "3", "25"]])
        self.assertIn("SELECT origin, count(*) AS n", run.err)
        self.assertIn("tables: lake.aviation.flights\n", run.err)
        headers, body = self.endpoint.requests[0]
        self.assertEqual(headers["Authorization"], "Bearer sk-none")
        self.assertEqual(body["model"], "a-model")
        self.assertIn('CREATE TABLE "lake.aviation"."flights"', body["messages"][1]["content"])
        self.assertIn("worst delay per origin", body["messages"][1]["content"])

    def test_names__may_be_written_in_every_way(self):
        for name in ("lake.aviation.flights", "aviation.flights", "flights", "FLIGHTS", '"lake.aviation"."flights"',
                     '"lake"."aviation"."flights"', '"flights"'):
            self.endpoint.says(f"SELECT count(*) AS n FROM {name} f JOIN {name} g USING (date)")
            self.assertEqual(self.ok(self.ask("how many flights")).out.split(), ["n", "4"], name)

    def test_a_with_query__may_have_the_name_of_the_table_it_reads(self):
        for sql in ("WITH flights AS (SELECT * FROM flights WHERE delay > 0) SELECT count(*) AS n FROM flights",
                    "WITH late AS (FROM flights WHERE delay > 0), flights AS (SELECT 1) SELECT count(*) AS n FROM late"):
            self.endpoint.says(sql)
            self.assertEqual(self.ok(self.ask("late flights")).out.split(), ["n", "2"], sql)

    def test_values_of_all_kinds__are_printed(self):
        self.endpoint.says("SELECT sum(distance) AS total, avg(delay) AS mean, min(date) AS first, "
                           "list(origin ORDER BY date)[1:2] AS l, count(*) > 1 AS b, 1.50::DECIMAL(5, 2) AS d, "
                           "NULL AS nothing, interval 3 day AS i, {'a': 1} AS s, hash(1) % 7 AS h, 3::TINYINT AS t, "
                           "TIME '10:11:12' AS o, MAP {'k': 2} AS m, [{'x': 5}] AS n FROM flights; -- the end")
        run = self.ok(self.ask("everything"))
        for part in ("8095", "9.0", "2001-01-01", "1.50", "3 days", '{"a":1}', "10:11:12", '{"k":2}', '[{"x":5}]'):
            self.assertIn(part, run.out)

    def test_json__is_the_answer_and_then_a_line_per_row(self):
        self.endpoint.says("SELECT origin, distance FROM flights ORDER BY date LIMIT 2")
        lines = self.ok(self.ask("flights", "--json")).json_lines
        self.assertTrue(lines[0]["asked"] and lines[0]["ok"])
        self.assertEqual(lines[0]["rounds"], 1)
        self.assertEqual(lines[0]["tables"], [{"database": "lake.aviation", "table": "flights"}])
        self.assertEqual(lines[1:], [{"origin": "SFO", "distance": 2586}, {"origin": "SFO", "distance": 337}])

    def test_limits__cut_and_say_so(self):
        self.endpoint.says("SELECT origin FROM flights")
        run = self.ok(self.ask("flights", "--limit", "2"))
        self.assertEqual(len(run.out.splitlines()), 3)
        self.assertIn("only the first 2 rows are shown", run.err)

    def test_wrong_sql__is_repaired_once_with_the_reason(self):
        self.endpoint.says("SELECT orgin FROM flights", "SELECT origin FROM flights LIMIT 1")
        run = self.ok(self.ask("flights"))
        self.assertEqual(len(self.endpoint.requests), 2)
        again = self.endpoint.requests[1][1]["messages"]
        self.assertEqual([message["role"] for message in again], ["system", "user", "assistant", "user"])
        self.assertIn("orgin", again[3]["content"])
        self.assertIn("SFO", run.out)

    def test_sql_that_costs_too_much__is_repaired_too(self):
        cross = ", ".join(f"flights f{i}" for i in range(25))
        self.endpoint.says(f"SELECT f1.origin FROM {cross}", "SELECT 1 AS one")
        self.assertEqual(self.ok(self.ask("flights")).out.split(), ["one", "1"])
        self.assertIn("join condition", self.endpoint.requests[1][1]["messages"][3]["content"])

    def test_imported_schemas__have_no_rows_to_run_on(self):
        self.endpoint.says("SELECT * FROM crm.orders")
        self.refused(self.ask("orders"), "DENIED", "imported schema")

    def test_time__ends_a_query(self):
        # 4^15 rows: the engine expects fewer than the bound, and would still take its time over them.
        cross = ", ".join(f"flights f{i}" for i in range(15))
        total = " + ".join(f"f{i}.distance * {i + 1}" for i in range(15))
        self.endpoint.says(f"SELECT count(DISTINCT hash({total})) FROM {cross}")
        self.refused(self.ask("flights", "--timeout", "1"), "TIMEOUT", "longer than 1 s")

    def test_a_failing_endpoint__is_told_without_the_key(self):
        self.endpoint.says((401, json.dumps({"error": {"message": "Incorrect API key: sk-top-secret"}})))
        run = self.refused(self.ask("flights", env={"ASK_KEY": "sk-top-secret"}), "DENIED", "401")
        self.assertNotIn("secret", run.err)
        self.endpoint.says((200, "x"), (404, "no such model"))
        self.endpoint.answers = self.endpoint.answers[1:]
        self.refused(self.ask("flights"), "NOT_FOUND", "no such model")

    def test_doctor__asks_the_endpoint(self):
        def finding():
            run = self.project.floe("doctor", "--json")
            return next(row for row in json.loads(run.out) if row["what"] == "ask")
        self.endpoint.says("ok")
        self.assertEqual((finding()["ok"], finding()["finding"]), (True, "answers; model: a-model"))
        self.endpoint.says((401, "no"))
        self.assertFalse(finding()["ok"])

    def test_wrong_command_lines__are_usage_errors(self):
        self.refused(self.ask(), "USAGE", "QUESTION")
        for option, value in (("--limit", "0"), ("--limit", "100001"), ("--timeout", "0"), ("--tokens", "5")):
            self.refused(self.ask("q", option, value), "USAGE", option)

    def test_no_endpoint__prints_the_context_and_says_so(self):
        with project_with(None) as project:
            run = self.ok(project.floe("ask", "flights from an origin"))
            self.assertIn('CREATE TABLE "lake.aviation"."flights"', run.out)
            self.assertIn("ask: {url:", run.err)
            data = self.ok(project.floe("ask", "flights from an origin", "--json")).json
            self.assertFalse(data["asked"])

    def test_ask_of_floe_yaml__is_checked(self):
        for line, part in (("ask: {url: ftp://localhost/x, model: m}", "ask: url"), ("ask: {url: \"http://localhost/x\"}", "model"),
                           ("ask: {model: m}", "url"), ("ask: {url: \"http://localhost/x\", modle: m}", "model"), ("ask: yes", "ask")):
            with Project(Project.YAML + line + "\n") as project:
                self.refused(project.floe("plan"), "INVALID", "floe.yaml:4", part)


class Hostile(Checks, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.endpoint = Endpoint()
        cls.project = project_with(cls.endpoint)

    @classmethod
    def tearDownClass(cls):
        cls.endpoint.close()
        cls.project.__exit__()

    def shows_nothing(self, run):
        for secret in ("S3CRET", "987654321"):
            self.assertNotIn(secret, run.out + run.err, str(run))

    def test_hostile_sql__is_refused_and_shows_nothing(self):
        self.assertGreaterEqual(len(HOSTILE), 60)
        before = sorted(os.listdir(self.project.folder))
        for sql in HOSTILE:
            self.endpoint.says(f"```sql\n{sql}\n```")
            run = self.project.floe("ask", "name of people by badge", "--role", "clerk", "--json",
                                    env={"ASK_KEY": "sk-hidden-key"})
            self.shows_nothing(run)
            self.assertNotIn("sk-hidden-key", run.out + run.err)
            self.assertIn("DENIED", run.err, f"{sql}\n{run}")
            self.assertEqual(len(run.json_lines), 1, sql)
            for _, body in self.endpoint.requests:
                sent = json.dumps(body["messages"][:2])
                for hidden in ("salaries", "amount", "S3CRET", '\\"badge\\"'):
                    self.assertNotIn(hidden, sent)
        self.assertEqual(sorted(os.listdir(self.project.folder)), before)
        self.assertEqual(self.project.floe_ok("table", "scan", "lake.hr.people").out.count("S3CRET"), 3)

    def test_a_star_and_whole_rows__hold_what_the_role_sees(self):
        for sql in ("SELECT * FROM lake.hr.people", "SELECT p FROM lake.hr.people p", "SELECT columns('.*') FROM people",
                    "SELECT to_json(p) FROM people p", "TABLE people", "FROM people",
                    "SELECT * FROM people a NATURAL JOIN people b", "SELECT struct_pack(*columns(*)) FROM people",
                    "SELECT list(p) FROM people p", "SELECT hash(p), p::VARCHAR FROM people p"):
            self.endpoint.says(sql)
            run = self.project.floe("ask", "people", "--role", "clerk")
            self.shows_nothing(run)
        self.endpoint.says("SELECT * FROM lake.hr.people ORDER BY id")
        run = self.ok(self.project.floe("ask", "people", "--role", "clerk"))
        self.assertEqual(run.out.split()[:3], ["id", "name", "age"])

    def test_without_a_role__everything_is_seen(self):
        self.endpoint.says("SELECT badge FROM lake.hr.people ORDER BY id LIMIT 1")
        self.assertIn(SECRET, self.ok(self.project.floe("ask", "badges")).out)

    def test_the_server__checks_and_never_runs(self):
        key = self.project.floe_ok("key", "create", "--role", "clerk", "--json")
        with Server(self.project) as server:
            import urllib.request

            def ask(sql):
                self.endpoint.says(f"```sql\n{sql}\n```")
                request = urllib.request.Request(server.url + "/v1/ask", data=json.dumps({"question": "badges"}).encode(),
                                                 headers={"Content-Type": "application/json",
                                                          "Authorization": "Bearer " + key.json["key"]})
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return json.loads(answer.read())
            answer = ask("SELECT name FROM lake.hr.people")
            self.assertTrue(answer["ok"])
            self.assertNotIn("Ada", json.dumps(answer))
            for sql in HOSTILE[:40]:
                answer = ask(sql)
                self.assertFalse(answer["ok"], sql)
                self.assertNotIn("salaries", json.dumps(answer["context"]))


if __name__ == "__main__":
    unittest.main()
