#!/usr/bin/env python3
"""floe mcp and POST /mcp as the official client of the Model Context Protocol uses them: by the newest rules, by the handshake
before them, and by whichever the client finds out for itself. What the tools give is held to their own schemas and to the
commands and routes that give the same. Then the pipe by hand: nothing but messages on stdout, whatever comes in."""
import asyncio
import json
import os
import shutil
import signal
import subprocess
import unittest

import httpx2
import jsonschema
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from harness import DEADLINE_S, FLOE, Checks, Project, Server, flights_project, read_line

YAML = Project.YAML + "search: {embedder: none}\n" + """\
access:
  outsider: {namespaces: [lake.elsewhere]}
"""
TOOLS = ["search_tables", "describe_table", "get_context", "search_features", "get_online_features"]
# How the client connects → the version both then speak.
MODES = {"auto": "2026-07-28", "2026-07-28": "2026-07-28", "legacy": "2025-11-25"}
LOOKUP = {"service": "delay_model", "entities": {"origin": ["SFO", "JFK", "nowhere"]},
          "include": ["statuses", "event_times"]}


class Official(Checks, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.project = flights_project(yaml=YAML)
        cls.addClassCleanup(shutil.rmtree, cls.project.folder)
        cls.project.floe_ok("index")
        cls.project.floe_ok("sync")
        # A listener on loopback; the roles are for the pipe.
        cls.project.write("floe.yaml", YAML.split("access:")[0])
        cls.server = Server(cls.project)
        cls.addClassCleanup(cls.server.kill)
        cls.project.write("floe.yaml", YAML)

    def transports(self):
        yield "http", self.server.url + "/mcp"
        yield "stdio", StdioServerParameters(command=FLOE, args=["mcp", "--project", self.project.folder],
                                             env=dict(os.environ))

    def each(self, check):
        """Runs check(client, mode, transport) over every transport and mode."""
        async def run(where, mode, name):
            async with Client(where, mode=mode, read_timeout_seconds=DEADLINE_S) as client:
                await check(client, mode, name)

        for name, where in self.transports():
            for mode in MODES:
                with self.subTest(transport=name, mode=mode):
                    asyncio.run(run(where, mode, name))

    def test_the_client_and_the_server_find_a_version(self):
        async def check(client, mode, _):
            self.assertEqual(client.protocol_version, MODES[mode])
            if mode != "2026-07-28":  # adopted without asking: the client knows no name then
                self.assertEqual(client.server_info.name, "floe")
                self.assertIsNotNone(client.server_capabilities.tools)
                self.assertIn("get_context", client.instructions)
            if mode == "legacy":
                await client.send_ping()
        self.each(check)

    def test_the_tools_are_listed_with_schemas_that_are_schemas(self):
        async def check(client, _mode, _):
            tools = (await client.list_tools()).tools
            self.assertEqual([tool.name for tool in tools], TOOLS)
            for tool in tools:
                jsonschema.Draft202012Validator.check_schema(tool.input_schema)
                jsonschema.Draft202012Validator.check_schema(tool.output_schema)
                self.assertTrue(tool.annotations.read_only_hint)
                self.assertFalse(tool.annotations.destructive_hint)
                self.assertTrue(tool.description)
        self.each(check)

    def test_every_tool_gives_what_its_schema_says(self):
        calls = {"search_tables": {"query": "flight delay"}, "describe_table": {"table": "flights"},
                 "get_context": {"question": "how late do flights arrive", "tokens": 500},
                 "search_features": {"query": "delay", "k": 3}, "get_online_features": LOOKUP}

        async def check(client, _mode, _):
            schemas = {tool.name: tool.output_schema for tool in (await client.list_tools()).tools}
            for name, arguments in calls.items():
                result = await client.call_tool(name, arguments)
                self.assertFalse(result.is_error, f"{name}: {result.content}")
                jsonschema.validate(result.structured_content, schemas[name])
                self.assertTrue(result.content[0].text)
                if name != "get_context":
                    self.assertEqual(json.loads(result.content[0].text), result.structured_content)
        self.each(check)

    def test_search_says_what_the_command_says(self):
        async def check(client, _mode, _):
            for tool, kind in (("search_tables", "table"), ("search_features", "feature")):
                said = (await client.call_tool(tool, {"query": "flight delay", "k": 5})).structured_content
                shown = self.project.floe_ok("search", "flight delay", "-k", "5", "--kind", kind, "--json").json
                self.assertEqual(said, shown)
        self.each(check)

    def test_a_context_is_its_text_and_keeps_to_its_tokens(self):
        async def check(client, _mode, _):
            result = await client.call_tool("get_context", {"question": "delay by airport", "tokens": 300})
            said = result.structured_content
            self.assertEqual(result.content[0].text, said["context"])
            self.assertLessEqual(said["tokens"], 300)
            self.assertIn("flights", said["context"])
        self.each(check)

    def test_a_table_is_described_with_its_columns(self):
        async def check(client, _mode, _):
            said = (await client.call_tool("describe_table", {"table": "lake.aviation.flights"})).structured_content
            self.assertEqual([column["name"] for column in said["columns"]],
                             ["date", "origin", "destination", "delay", "distance", "known_at"])
        self.each(check)

    def test_online_features_are_those_of_the_route(self):
        status, routed = self.server.request("/v1/lookup", LOOKUP)
        self.assertEqual(status, 200)
        # By hand: SFO's newest delay is that of 3 February, JFK's the one of 1 February; of nowhere there is nothing.
        self.assertEqual(routed["values"][0], [25, -3, None])

        async def check(client, _mode, _):
            said = (await client.call_tool("get_online_features", LOOKUP)).structured_content
            self.assertEqual(said, routed)
        self.each(check)

    def test_wrong_arguments_are_results_that_say_so(self):
        cases = [("search_tables", {}, "needs the argument query"), ("search_tables", {"query": "x", "k": 0}, "k is 0"),
                 ("describe_table", {"table": "nowhere"}, "NOT_FOUND"),
                 ("get_context", {"question": "x", "tokens": 1}, "tokens is 1"),
                 ("get_online_features", {"service": "delay_modl", "entities": {}}, "did you mean delay_model?")]

        async def check(client, _mode, _):
            for name, arguments, part in cases:
                result = await client.call_tool(name, arguments)
                self.assertTrue(result.is_error, name)
                self.assertIn(part, result.content[0].text)
        self.each(check)

    def test_an_unknown_tool_is_an_error_of_the_protocol(self):
        async def check(client, _mode, _):
            with self.assertRaises(MCPError) as caught:
                await client.call_tool("drop_table", {})
            self.assertIn("drop_table", str(caught.exception))
        self.each(check)

    def test_a_role_sees_nothing_of_the_rest(self):
        async def run():
            where = StdioServerParameters(command=FLOE, env=dict(os.environ),
                                          args=["mcp", "--project", self.project.folder, "--role", "outsider"])
            async with Client(where, read_timeout_seconds=DEADLINE_S) as client:
                said = await client.call_tool("search_tables", {"query": "flight delay"})
                self.assertEqual(said.structured_content["hits"], [])
                for name, arguments in (("describe_table", {"table": "lake.aviation.flights"}),
                                        ("get_online_features", LOOKUP)):
                    said = await client.call_tool(name, arguments)
                    self.assertTrue(said.is_error)
                    self.assertIn("NOT_FOUND", said.content[0].text)
                    self.assertNotIn("airport_delays", said.content[0].text)
                said = await client.call_tool("get_context", {"question": "flight delay"})
                self.assertNotIn("origin", said.content[0].text)
        asyncio.run(run())

    def test_what_ends_before_the_first_message_says_why(self):
        """Whatever its stack held before: the allocator of a run fills what it hands out and takes back."""
        for fill in ("0", "85", "170", "255"):
            env = {"MALLOC_PERTURB_": fill}
            self.refused(self.project.floe("mcp", "--role", "outsidr", env=env), "NOT_FOUND", "outsider")
            self.refused(self.project.floe("mcp", "--project", "/nowhere", env=env), "NOT_FOUND", "/nowhere")


class Keys(Checks, unittest.TestCase):
    """Over HTTP a tool sees what the role of the API key sees."""

    ACCESS = """\
access:
  pilot: {namespaces: [lake.aviation], deny_columns: [lake.aviation.flights.distance], views: [airport_delays]}
  outsider: {namespaces: [lake.elsewhere]}
"""

    @classmethod
    def setUpClass(cls):
        cls.project = flights_project(yaml=YAML.split("access:")[0] + cls.ACCESS)
        cls.addClassCleanup(shutil.rmtree, cls.project.folder)
        cls.project.floe_ok("index")
        cls.project.floe_ok("sync")
        cls.keys = {role: cls.project.floe_ok("key", "create", "--role", role).out.strip()
                    for role in ("pilot", "outsider")}
        cls.server = Server(cls.project)
        cls.addClassCleanup(cls.server.kill)

    def run_as(self, role, check):
        async def run():
            headers = {"Authorization": f"Bearer {self.keys[role]}"}
            async with httpx2.AsyncClient(headers=headers, timeout=DEADLINE_S) as http:
                where = streamable_http_client(self.server.url + "/mcp", http_client=http)
                async with Client(where, read_timeout_seconds=DEADLINE_S) as client:
                    await check(client)
        asyncio.run(run())

    def test_without_a_key_nobody_gets_in(self):
        async def run():
            async with Client(self.server.url + "/mcp", read_timeout_seconds=DEADLINE_S) as client:
                await client.list_tools()
        with self.assertRaises(Exception):
            asyncio.run(run())
        self.assertEqual(self.server.request("/mcp", {"jsonrpc": "2.0", "id": 1, "method": "ping"})[0], 401)

    def test_a_role_gets_what_it_may_see(self):
        async def check(client):
            said = await client.call_tool("search_tables", {"query": "flight delay"})
            self.assertEqual([hit["table"] for hit in said.structured_content["hits"]], ["flights"])
            said = await client.call_tool("describe_table", {"table": "flights"})
            names = [column["name"] for column in said.structured_content["columns"]]
            self.assertIn("delay", names)
            self.assertNotIn("distance", names)
            said = await client.call_tool("get_online_features", LOOKUP)
            self.assertEqual(said.structured_content["values"][0], [25, -3, None])
        self.run_as("pilot", check)

    def test_another_role_gets_nothing_of_it(self):
        async def check(client):
            self.assertEqual(len((await client.list_tools()).tools), len(TOOLS))
            said = await client.call_tool("search_tables", {"query": "flight delay"})
            self.assertEqual(said.structured_content["hits"], [])
            said = await client.call_tool("search_features", {"query": "delay"})
            self.assertEqual(said.structured_content["hits"], [])
            for name, arguments in (("describe_table", {"table": "lake.aviation.flights"}),
                                    ("get_online_features", LOOKUP),
                                    ("get_online_features", {**LOOKUP, "service": "delay_modle"})):
                said = await client.call_tool(name, arguments)
                self.assertTrue(said.is_error)
                self.assertIn("NOT_FOUND", said.content[0].text)
                self.assertNotIn("did you mean", said.content[0].text)
        self.run_as("outsider", check)


class Pipe(Checks, unittest.TestCase):
    """The pipe by hand."""

    def setUp(self):
        self.project = Project("project: test\nsearch: {embedder: none}\n")
        self.addCleanup(shutil.rmtree, self.project.folder)

    def talk(self, text):
        """Everything that comes out for this text and the end of input: a message a line. stderr is kept."""
        done = subprocess.run([FLOE, "mcp"], cwd=self.project.folder, input=text, capture_output=True, timeout=DEADLINE_S)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout == b"" or done.stdout.endswith(b"\n"))
        return [json.loads(line) for line in done.stdout.splitlines()]

    @staticmethod
    def ping(number):
        return b'{"jsonrpc":"2.0","id":%d,"method":"ping"}\n' % number

    def test_each_request_has_one_line_and_a_notification_none(self):
        text = (self.ping(1) + b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n' + self.ping(2) + b"\n \r\n"
                + self.ping(3).replace(b"\n", b"\r\n"))
        self.assertEqual(self.talk(text), [{"jsonrpc": "2.0", "id": n, "result": {}} for n in (1, 2, 3)])

    def test_a_last_line_without_its_newline_is_a_message(self):
        self.assertEqual(len(self.talk(self.ping(1) + self.ping(2)[:-1])), 2)
        self.assertEqual(self.talk(b""), [])

    def test_garbage_is_answered_and_the_next_message_is_read(self):
        for garbage in (b"nonsense", b"{", b"[1]", b"\xff\xfe", b"\x00", b"null", b'{"jsonrpc":"2.0","id":1}'):
            answers = self.talk(garbage + b"\n" + self.ping(7))
            self.assertEqual(len(answers), 2, garbage)
            self.assertIn("error", answers[0], garbage)
            self.assertEqual(answers[1]["id"], 7, garbage)

    def test_a_line_past_the_limit_is_refused_and_skipped(self):
        fits = b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"' + b"a" * (4 << 20)
        fits = fits[:(4 << 20) - 3] + b'"}}'
        answers = self.talk(fits + b"\n" + b"a" * (9 << 20) + b"\n" + self.ping(2))
        self.assertEqual([("result" in a, a["id"]) for a in answers], [(True, 1), (False, None), (True, 2)])
        self.assertIn("4 MiB", answers[1]["error"]["message"])

    def test_answers_come_while_the_pipe_is_open(self):
        with subprocess.Popen([FLOE, "mcp"], cwd=self.project.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL) as process:
            for number in range(1, 20):
                process.stdin.write(self.ping(number))
                process.stdin.flush()
                self.assertEqual(json.loads(read_line(process.stdout, process))["id"], number)
            process.stdin.close()
            self.assertEqual(process.wait(timeout=DEADLINE_S), 0)

    def test_a_message_in_pieces_is_one(self):
        with subprocess.Popen([FLOE, "mcp"], cwd=self.project.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL) as process:
            for byte in self.ping(5):
                process.stdin.write(bytes([byte]))
                process.stdin.flush()
            self.assertEqual(json.loads(read_line(process.stdout, process))["id"], 5)
            process.stdin.close()
            process.wait(timeout=DEADLINE_S)

    def test_a_signal_ends_it(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with subprocess.Popen([FLOE, "mcp"], cwd=self.project.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL) as process:
                process.stdin.write(self.ping(1))
                process.stdin.flush()
                read_line(process.stdout, process)
                process.send_signal(number)
                self.assertEqual(process.wait(timeout=DEADLINE_S), 0)
                process.stdin.close()

    def test_a_reader_that_has_gone_ends_it(self):
        with subprocess.Popen([FLOE, "mcp"], cwd=self.project.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL) as process:
            process.stdout.close()
            try:
                process.stdin.write(self.ping(1))
                process.stdin.close()
            except BrokenPipeError:
                pass
            self.assertNotEqual(process.wait(timeout=DEADLINE_S), 0)

    def test_what_is_missing_is_said_by_its_tool_alone(self):
        calls = {"search_tables": {"query": "x"}, "describe_table": {"table": "x"}, "get_context": {"question": "x"},
                 "get_online_features": {"service": "x", "entities": {}}}
        text = b"".join(json.dumps({"jsonrpc": "2.0", "id": n, "method": "tools/call",
                                    "params": {"name": name, "arguments": arguments}}).encode() + b"\n"
                        for n, (name, arguments) in enumerate(calls.items())) + self.ping(9)
        answers = self.talk(text)
        self.assertEqual(answers.pop()["result"], {})
        for answer, what in zip(answers, ["floe index"] * 3 + ["floe apply"]):
            self.assertTrue(answer["result"]["isError"])
            self.assertIn(what, answer["result"]["content"][0]["text"])

    def test_outside_a_project_it_does_not_start(self):
        self.refused(self.project.floe("mcp", cwd="/"), "NOT_FOUND", "floe.yaml")
        self.refused(self.project.floe("mcp", "x"), "USAGE")


if __name__ == "__main__":
    unittest.main()
