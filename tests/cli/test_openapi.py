#!/usr/bin/env python3
"""/openapi.json is a valid OpenAPI 3.1 document, and true: every operation in it answers, with a status and a body that it
describes, and so do the wrong requests."""
import json
import os
import re
import shutil
import unittest
import urllib.error
import urllib.request

import jsonschema
import openapi_spec_validator

from harness import DEADLINE_S, ROOT, Checks, Project, Server, flights_project, floe

YAML = Project.YAML + "search: {embedder: none}\n"


class Document(Checks, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.project = flights_project(yaml=YAML)
        cls.addClassCleanup(shutil.rmtree, cls.project.folder)
        cls.project.floe_ok("index")
        cls.project.floe_ok("sync")
        cls.server = Server(cls.project)
        cls.addClassCleanup(cls.server.kill)
        cls.document = cls.server.request("/openapi.json")[1]

    def send(self, method, path, body=None, headers=None):
        """(status, content type, body as text)"""
        request = urllib.request.Request(self.server.url + path, data=body, method=method,
                                         headers={"Content-Type": "application/json", **(headers or {})})
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
                return answer.status, answer.headers.get("Content-Type"), answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers.get("Content-Type"), error.read().decode()

    def operations(self):
        for path, item in self.document["paths"].items():
            for method, operation in item.items():
                yield path, method, operation

    def resolve(self, thing):
        """What a reference stands for."""
        if "$ref" not in thing:
            return thing
        self.assertTrue(thing["$ref"].startswith("#/"), thing)
        found = self.document
        for name in thing["$ref"][2:].split("/"):
            found = found[name]
        return found

    def check(self, operation, answer):
        """The answer has a status that the operation describes, of a type it names and a body of that schema."""
        status, kind, text = answer
        described = operation["responses"].get(str(status), operation["responses"]["default"])
        content = self.resolve(described).get("content")
        if content is None:
            self.assertEqual(text, "")
            return status
        essence = (kind or "").split(";")[0]
        self.assertIn(essence, content, f"{status} {text}")
        if essence.endswith("json"):
            schema = {**content[essence]["schema"], "components": self.document["components"]}
            jsonschema.validate(json.loads(text), schema)
        return status

    def example(self, operation):
        content = operation.get("requestBody", {}).get("content", {})
        return json.dumps(content["application/json"]["example"]).encode() if content else None

    def target(self, path, operation):
        asked = [p for p in operation.get("parameters", ()) if p["in"] == "query" and "example" in p]
        pairs = "&".join(f"{p['name']}={urllib.request.quote(p['example'])}" for p in asked)
        return path + ("?" + pairs if pairs else "")

    def test_the_document_is_valid_and_is_the_file_of_the_tree(self):
        openapi_spec_validator.validate(self.document)
        self.assertTrue(self.document["openapi"].startswith("3.1."))
        with open(os.path.join(ROOT, "api", "openapi.json")) as file:
            self.assertEqual(json.load(file), self.document)

    def test_its_version_is_that_of_the_program(self):
        self.assertEqual(floe("--version").out, f"floe {self.document['info']['version']}\n")

    def test_every_schema_is_a_schema(self):
        for name, schema in self.document["components"]["schemas"].items():
            with self.subTest(schema=name):
                jsonschema.Draft202012Validator.check_schema(schema)

    def test_every_reference_leads_somewhere_and_every_component_is_used(self):
        text = json.dumps(self.document)
        referred = set(re.findall(r'"\$ref": "(#/components/[^"]+)"', text))
        for reference in referred:
            self.resolve({"$ref": reference})
        for kind in ("schemas", "responses"):
            for name in self.document["components"][kind]:
                self.assertIn(f"#/components/{kind}/{name}", referred)

    def test_every_operation_answers_its_own_example(self):
        for path, method, operation in self.operations():
            with self.subTest(path=path, method=method):
                answer = self.send(method.upper(), self.target(path, operation), self.example(operation))
                self.assertEqual(self.check(operation, answer), 200, answer[2])

    def test_the_examples_fit_their_schemas(self):
        for path, method, operation in self.operations():
            bodies = [operation.get("requestBody", {})] + [self.resolve(r) for r in operation["responses"].values()]
            for body in bodies:
                for content in body.get("content", {}).values():
                    if "example" in content:
                        with self.subTest(path=path, method=method):
                            jsonschema.validate(content["example"],
                                                {**content["schema"], "components": self.document["components"]})

    def test_wrong_bodies_are_refused_as_described(self):
        for path, method, operation in self.operations():
            if method != "post":
                continue
            for body in (b"", b"{", b"[]", b'"x"', b'{"nonsense": 1}', b"{" * 1000):
                with self.subTest(path=path, body=body[:20]):
                    status = self.check(operation, self.send("POST", path, body))
                    self.assertTrue(400 <= status < 500, status)

    def test_wrong_headers_are_refused_as_described(self):
        cases = {"Content-Encoding": "gzip", "Accept": "text/html", "Content-Type": "text/xml"}
        for path, method, operation in self.operations():
            if method != "post":
                continue
            for name, value in cases.items():
                with self.subTest(path=path, header=name):
                    answer = self.send("POST", path, self.example(operation), {name: value})
                    status = self.check(operation, answer)
                    self.assertEqual(status, 406 if name == "Accept" else 415)
                    self.assertEqual(answer[1], "application/problem+json")

    def test_other_methods_are_told_which_there_are(self):
        for path, item in self.document["paths"].items():
            with self.subTest(path=path):
                status, kind, text = self.send("PUT", path, b"{}")
                self.assertEqual((status, kind), (405, "application/problem+json"))
                jsonschema.validate(json.loads(text), self.document["components"]["schemas"]["Problem"])
                self.assertEqual(self.send("OPTIONS", path)[0], 200)
                self.assertEqual(self.send("HEAD", path)[0] == 405, "get" not in item)


if __name__ == "__main__":
    unittest.main()
