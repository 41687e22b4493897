#!/usr/bin/env python3
"""Roles and API keys as a user meets them: made once, listed without themselves, refused when revoked; what a role does not
see is found by nobody who asks as it."""
import json
import os
import re
import shutil
import sqlite3
import unittest
import urllib.error
import urllib.request

from harness import Checks, Project, Server, flights_project, wait_until

ACCESS = """\
search: {embedder: none}
access:
  analyst: {namespaces: [lake.aviation], deny_columns: [lake.aviation.flights.delay], views: [airport_delays]}
  clerk: {namespaces: [crm]}
  guest: {}
"""
CRM = {"database": "crm", "table": "delayed_orders", "columns": [{"name": "delay"}, {"name": "customer"}]}
LOOKUP = {"features": ["airport_delays:last_delay"], "entities": {"origin": ["SFO"]}}
KEY = r"floe_[A-Za-z0-9_-]{43}"


class Keys(Checks, unittest.TestCase):
    def setUp(self):
        self.project = flights_project(yaml=Project.YAML + ACCESS)
        self.addCleanup(shutil.rmtree, self.project.folder)

    def create(self, role, *arguments):
        return self.project.floe_ok("key", "create", "--role", role, *arguments)

    def ls(self):
        return self.project.floe_ok("key", "ls", "--json").json

    def test_a_key_is_printed_once_and_kept_nowhere(self):
        run = self.create("analyst", "--name", "dashboard")
        self.assertRegex(run.out, "^" + KEY + "\n$")
        key = run.out.strip()
        self.assertIn("only now", run.err)
        self.assertNotIn(key, run.err)
        listed = self.ls()
        self.assertEqual([(k["id"], k["role"], k["name"], k["ends_with"], k["revoked"]) for k in listed],
                         [(1, "analyst", "dashboard", key[-4:], "")])
        for arguments in (["key", "ls"], ["key", "ls", "--json"], ["doctor"], ["history"]):
            run = self.project.floe(*arguments)
            self.assertNotIn(key[5:], run.out + run.err)
        for folder, _, files in os.walk(self.project.folder):
            for name in files:
                with open(os.path.join(folder, name), "rb") as file:
                    self.assertNotIn(key[5:].encode(), file.read(), name)

    def test_json_gives_the_key_and_its_number(self):
        made = self.create("guest", "--json").json
        self.assertEqual((made["id"], made["role"], made["name"]), (1, "guest", ""))
        self.assertTrue(re.fullmatch(KEY, made["key"]))

    def test_keys_differ(self):
        self.assertEqual(len({self.create("guest").out for _ in range(8)}), 8)

    def test_an_unknown_role_is_refused_with_the_nearest(self):
        with self.unchanged(self.project.folder):
            self.refused(self.project.floe("key", "create", "--role", "analist"), "NOT_FOUND", "analist",
                         "did you mean analyst?")
            self.refused(self.project.floe("key", "create"), "USAGE", "--role")
            self.refused(self.project.floe("key", "create", "--role", "analyst", "--name", "x" * 200), "LIMIT")

    def test_a_project_without_roles_says_where_to_write_them(self):
        self.project.write("floe.yaml", Project.YAML)
        self.refused(self.project.floe("key", "create", "--role", "analyst"), "NOT_FOUND", "access:")
        self.project.write("floe.yaml", Project.YAML + "access: open\n")
        self.refused(self.project.floe("key", "create", "--role", "analyst"), "NOT_FOUND", "access:")

    def test_revoking_is_final_and_wrong_numbers_are_named(self):
        self.create("analyst")
        self.create("guest")
        self.project.floe_ok("key", "revoke", "1")
        first = self.ls()
        self.assertTrue(first[0]["revoked"])
        self.assertFalse(first[1]["revoked"])
        self.project.floe_ok("key", "revoke", "1")
        self.assertEqual(self.ls(), first)
        self.refused(self.project.floe("key", "revoke", "3"), "NOT_FOUND", "no key 3", "floe key ls")
        self.refused(self.project.floe("key", "revoke", "first"), "USAGE", "first")
        self.refused(self.project.floe("key", "revoke"), "USAGE", "ID")
        self.assertEqual(self.ls(), first)

    def test_a_registry_from_before_keys_takes_one(self):
        path = self.project.path(".floe/registry.db")
        with sqlite3.connect(path) as registry:
            registry.execute("DROP TABLE access_keys")
            registry.execute("PRAGMA user_version = 1")
        registry.close()
        self.assertEqual(self.ls(), [])
        self.create("analyst")
        self.assertEqual(len(self.ls()), 1)
        self.assertEqual(len(self.project.floe_ok("history", "--json").json), 1)

    def test_the_help_shows_examples(self):
        for command in ("create", "ls", "revoke"):
            self.assertIn(f"floe key {command}", self.project.floe_ok("key", command, "--help").out)


class Roles(Checks, unittest.TestCase):
    def setUp(self):
        self.project = flights_project(yaml=Project.YAML + ACCESS)
        self.addCleanup(shutil.rmtree, self.project.folder)
        self.project.write("crm.jsonl", json.dumps(CRM) + "\n")
        self.project.floe_ok("index", "--import", "crm.jsonl")

    def names(self, *arguments):
        hits = self.project.floe_ok("search", *arguments, "--json").json["hits"]
        return [hit.get("feature") or ".".join(hit[k] for k in ("database", "table", "column") if hit.get(k))
                for hit in hits]

    def test_a_search_as_a_role_finds_what_it_sees(self):
        everything = self.names("delay")
        self.assertIn("crm.delayed_orders.delay", everything)
        self.assertIn("lake.aviation.flights.delay", everything)
        analyst = self.names("delay", "--role", "analyst")
        self.assertTrue(analyst)
        seen = ("airport_delays", "delay_model", "lake.aviation.")
        self.assertTrue(all(name.startswith(seen) for name in analyst), analyst)
        self.assertNotIn("lake.aviation.flights.delay", analyst)
        self.assertIn("crm.delayed_orders", self.names("delay", "--role", "clerk"))
        self.assertEqual(self.names("delay", "--role", "guest"), [])

    def test_a_batch_as_a_role_too(self):
        self.project.write("q.jsonl", '{"id":1,"question":"delay"}\n')
        lines = self.project.floe_ok("search", "--batch", "q.jsonl", "--role", "clerk").json_lines
        self.assertEqual({hit["database"] for hit in lines[0]["hits"]}, {"crm"})

    def test_a_hidden_namespace_is_one_that_is_not_there(self):
        hidden = self.project.floe("search", "delay", "--in", "crm", "--role", "analyst")
        missing = self.project.floe("search", "delay", "--in", "crx", "--role", "analyst")
        self.assertEqual(hidden.code, missing.code)
        self.assertEqual(hidden.err.replace("crm", "###"), missing.err.replace("crx", "###"))

    def test_an_unknown_role_is_named_with_the_nearest(self):
        self.refused(self.project.floe("search", "delay", "--role", "clark"), "NOT_FOUND", "did you mean clerk?")

    def test_a_view_that_is_not_defined_stops_a_plan(self):
        self.project.write("floe.yaml", Project.YAML + "access:\n  analyst: {views: [airport_delay]}\n")
        for command in ("plan", "apply"):
            self.refused(self.project.floe(command), "NOT_FOUND", "floe.yaml:5", "airport_delay",
                         "did you mean airport_delays?")
        run = self.project.floe("doctor")
        self.assertIn("airport_delay", run.out)
        self.assertNotEqual(run.code, 0)

    def test_doctor_hints_at_denials_of_nothing(self):
        self.project.write("floe.yaml", Project.YAML + "search: {embedder: none}\naccess:\n  analyst: {namespaces: "
                           "[lake.aviation], deny_columns: [lake.avation.flights.delay]}\n")
        run = self.project.floe("doctor")
        self.assertRegex(run.out, "ok +role analyst +.*lake.avation.flights.delay.*denies nothing")
        self.project.write("floe.yaml", Project.YAML + ACCESS)
        self.assertNotIn("denies nothing", self.project.floe("doctor").out)


class Served(Checks, unittest.TestCase):
    def setUp(self):
        self.project = flights_project(yaml=Project.YAML + ACCESS)
        self.addCleanup(shutil.rmtree, self.project.folder)
        self.project.floe_ok("index")
        self.project.floe_ok("sync")
        self.keys = {role: self.project.floe_ok("key", "create", "--role", role).out.strip()
                     for role in ("analyst", "guest")}

    @staticmethod
    def status(server, path, key=None, body=None):
        headers = {"Content-Type": "application/json"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        data = None if body is None else json.dumps(body).encode()
        try:
            request = urllib.request.Request(server.url + path, data=data, headers=headers)
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def test_a_key_opens_what_its_role_sees_until_it_is_revoked(self):
        with Server(self.project) as server:
            self.assertNotIn("no access rules", server.messages())
            self.assertEqual(self.status(server, "/v1/lookup", None, LOOKUP)[0], 401)
            self.assertEqual(self.status(server, "/v1/lookup", self.keys["analyst"], LOOKUP)[0], 200)
            self.assertEqual(self.status(server, "/v1/lookup", self.keys["guest"], LOOKUP)[0], 404)
            self.assertEqual(self.status(server, "/livez")[0], 200)
            self.project.floe_ok("key", "revoke", "1")
            wait_until(lambda: self.status(server, "/v1/lookup", self.keys["analyst"], LOOKUP)[0] == 401,
                       "the key to be refused")
            self.assertEqual(self.status(server, "/v1/lookup", self.keys["guest"], LOOKUP)[0], 404)
            self.assertNotIn(self.keys["analyst"][5:], server.messages())
            self.assertEqual(server.stop(), 0)

    def test_a_lookup_as_a_role_finds_what_it_sees(self):
        for name in ("airport_delays", "delay_model"):
            self.ok(self.project.floe("get", name, "origin=SFO", "--role", "analyst"))
            hidden = self.refused(self.project.floe("get", name, "origin=SFO", "--role", "guest"), "NOT_FOUND", name)
            missing = self.project.floe("get", name[:-1] + "#", "origin=SFO", "--role", "guest")
            self.assertEqual(hidden.err.replace(name, "?"), missing.err.replace(name[:-1] + "#", "?"))
        self.refused(self.project.floe("get", "delay_model", "origin=SFO", "--role", "guset"), "NOT_FOUND", "guest")

    def test_with_roles_it_listens_for_everybody(self):
        with Server(self.project, listen="0.0.0.0:0") as server:
            server.url = server.url.replace("0.0.0.0", "127.0.0.1")
            self.assertEqual(self.status(server, "/metrics")[0], 401)
            self.assertEqual(self.status(server, "/metrics", self.keys["guest"])[0], 200)
            self.assertEqual(server.stop(), 0)

    def test_without_access_loopback_is_open_and_says_so(self):
        self.project.write("floe.yaml", Project.YAML + "search: {embedder: none}\n")
        with Server(self.project) as server:
            self.assertEqual(self.status(server, "/v1/lookup", None, LOOKUP)[0], 200)
            wait_until(lambda: "no access rules" in server.messages(), "the warning")
            self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    unittest.main()
