#!/usr/bin/env python3
"""Every key of floe.yaml and of the definitions, wrong in every way: misspelt, given twice, with a value of each other kind,
left empty. What is wrong must be refused, at the file and line where it stands (or where the thing begins that lacks it), and
with the nearest known key; nothing is accepted and ignored.
timeout: 900"""
import concurrent.futures
import copy
import os
import random
import re
import sys
import unittest

from harness import EXIT, Checks, Project, flights_project

PROJECT = {
    "project": "test",
    "registry": ".floe/registry.db",
    "catalogs": {
        "lake": {"type": "directory", "warehouse": "./lakehouse"},
        "old": {"type": "directory", "warehouse": "./copy", "moved": {"from": "s3://bucket/warehouse", "to": "./copy"}},
    },
    "online": {"store": "embedded", "path": ".floe/online"},
    "search": {"embedder": "none"},
    "server": {"listen": "127.0.0.1:6566"},
    "access": {"analyst": {"namespaces": ["lake.aviation"], "tables": ["lake.hr.people"],
                           "deny_columns": ["lake.hr.people.email"], "views": ["airport_delays"]}},
    "ask": {"url": "http://127.0.0.1:9/v1/chat/completions", "model": "m", "api_key": "k"},
}
ABOUT = {"description": "Words about it.", "owner": "somebody", "tags": ["late", "hourly"]}
DEFINITIONS = {
    "entities": [{"name": "airport", "keys": [{"name": "origin", "type": "string"}], **ABOUT}],
    "sources": [{"name": "flights", "table": "lake.aviation.flights", "event_time": "date", "created_time": "known_at",
                 "max_future": "1m"}],
    "feature_views": [{
        "name": "airport_delays", "entity": "airport", "source": "flights", "keys": {"origin": "origin"},
        "where": "delay IS NOT NULL", "ttl": "90d", "at": "before", "online": True,
        "features": [{"name": "last_delay", "column": "delay"}],
        "aggregates": [{"column": "delay", "functions": ["count", "mean", {"percentile": 0.95}, {"top_k": 3}], "windows": ["1d", "7d"]},
                       {"column": "delay", "functions": ["max"], "windows": ["30d"], "name": "worst"}],
        **ABOUT}],
    "streams": [{"name": "departures", "source": "flights",
                 "kafka": {"brokers": "localhost:9092", "topic": "departures", "group": "floe", "format": "json"},
                 "allowed_lateness": "1h", "dead_letter": "departures.dead"}],
    "request_features": [{"name": "is_long_haul",
                          "inputs": [{"name": "distance", "type": "double"}, {"name": "late", "feature": "airport_delays:last_delay"}],
                          "expression": "distance > 1500", "type": "bool", **ABOUT}],
    "feature_services": [{"name": "delay_model", "features": ["airport_delays", "is_long_haul"]}],
}
# A value of each kind, none of which is a good value of any key above but of free text.
KINDS = {"a list": [], "a list of lists": [[]], "a mapping": {"nonsense": "x"}, "a number": 5, "true": True, "nothing": None,
         "empty text": "", "text": "no such thing"}
# Each key is given two of them, by a seed that is printed; FLOE_EVERY=1 gives all.
SEED = int(os.environ.get("FLOE_SEED", random.SystemRandom().randrange(2 ** 32)))
EVERY = os.environ.get("FLOE_EVERY") == "1"
# Keys that hold what somebody likes: any text is one. Of the rest text is refused, too.
FREE = re.compile(r"(^project|description|owner|api_key|model|topic|group|dead_letter|brokers|moved\.(from|to)|warehouse|registry|path)$")
# What a key without a value means: its default. A list without items, where none is needed.
EMPTY = re.compile(r"^(catalogs|online|search|server|access|ask|entities|sources|feature_views|streams|request_features|feature_services)$")
OPTIONAL_LIST = re.compile(r"(tags|inputs|windows|features|aggregates|namespaces|tables|deny_columns|views)$")


class Emitter:
    """YAML in block style, a key or an item a line, with the line of every path: "feature_views.0.ttl"."""

    def __init__(self):
        self.lines, self.places = [], {}

    @staticmethod
    def scalar(value):
        if value is None:
            return ""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, str):
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return str(value)

    def put(self, prefix, value, path, indent):
        self.places[path] = len(self.lines) + 1
        if isinstance(value, (dict, list)) and value:
            self.lines.append(prefix.rstrip())
            self.children(value, path, indent)
        else:
            self.lines.append(f"{prefix}{'[]' if value == [] else '{}' if value == {} else self.scalar(value)}".rstrip())

    def children(self, value, path, indent):
        space = "  " * indent
        if isinstance(value, list):
            for number, item in enumerate(value):
                self.put(f"{space}- ", item, f"{path}.{number}".lstrip("."), indent + 1)
        else:
            for key, item in value.items():
                self.put(f"{space}{key}: ", item, f"{path}.{key}".lstrip("."), indent + 1)


def emitted(tree):
    emitter = Emitter()
    emitter.children(tree, "", 0)
    return "\n".join(emitter.lines) + "\n", emitter.places


def keys_of(tree, path=""):
    """Every key's path, and whether its name is ours (a catalog's name, a role's and the keys of `keys` are the user's)."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            here = f"{path}.{key}".lstrip(".")
            ours = path not in ("catalogs", "access") and not path.endswith(".keys")
            yield here, ours
            yield from keys_of(value, here)
    elif isinstance(tree, list):
        for number, value in enumerate(tree):
            yield from keys_of(value, f"{path}.{number}".lstrip("."))


def parent_of(tree, path):
    *steps, last = path.split(".")
    for step in steps:
        tree = tree[int(step) if isinstance(tree, list) else step]
    return tree, last


def changed(tree, path, change):
    """A copy in which the parent of the path was changed."""
    made = copy.deepcopy(tree)
    parent, last = parent_of(made, path)
    change(parent, last)
    return made


def renamed(name):
    """The same mapping with one key misspelt, in its place."""
    def change(parent, last):
        items = [(name if key == last else key, value) for key, value in parent.items()]
        parent.clear()
        parent.update(items)
    return change


def misspelt(key):
    """Two letters in the middle exchanged, or one too many."""
    middle = len(key) // 2
    if len(key) > 3 and key[middle] != key[middle - 1]:
        return key[:middle - 1] + key[middle] + key[middle - 1] + key[middle + 1:]
    return key + "x"


class WrongKeys(Checks, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print(f"FLOE_SEED={SEED}", file=sys.stderr)
        cls.project = flights_project(apply=False)
        cls.project.floe_ok("table", "import", "flights.csv", "lake.hr.people", "--select", "delay, origin AS email")
        os.mkdir(cls.project.path("copy"))
        os.unlink(cls.project.path("features/delays.yaml"))

    @classmethod
    def tearDownClass(cls):
        cls.project.__exit__()

    def plan(self, project_yaml, definitions_yaml):
        """`floe plan` in a folder of its own that shares the tables."""
        with Project(project_yaml.replace("./lakehouse", self.project.path("lakehouse"))) as own:
            own.write("features/a.yaml", definitions_yaml)
            return own.floe("plan")

    def plans(self, cases):
        """(what, expected, run) of each case, two at a time."""
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            runs = [(what, expected, pool.submit(self.plan, project, definitions)) for what, expected, project, definitions in cases]
            return [(what, expected, run.result()) for what, expected, run in runs]

    def cases(self, change_of):
        """One case for each key for which `change_of(path, ours)` gives a list of (what, expected, change)."""
        good = emitted(PROJECT)[0], emitted(DEFINITIONS)[0]
        for number, (tree, file) in enumerate(((PROJECT, "floe.yaml"), (DEFINITIONS, "features/a.yaml"))):
            for path, ours in keys_of(tree):
                for what, expected, change in change_of(path, ours):
                    text, places = emitted(changed(tree, path, change))
                    both = list(good)
                    both[number] = text
                    yield f"{file} {path}: {what}", (file, path, places, expected), *both

    @staticmethod
    def place(run, file):
        """The lines of the file that the message names."""
        return [int(number) for number in re.findall(re.escape(file) + r":(\d+)", run.err)]

    @staticmethod
    def near(places, path, named):
        """Whether a line is named at which the key stands, its value begins, or the thing begins that it belongs to. What
        is left empty may be missed elsewhere: there, too, a line is named."""
        above = [".".join(path.split(".")[:count]) for count in range(1, path.count(".") + 2)]
        fitting = {places[place] + more for place in above if place in places for more in (0, 1)}
        return bool(fitting & set(named))

    def test_all_as_it_should_be__plans(self):
        run = self.ok(self.plan(emitted(PROJECT)[0], emitted(DEFINITIONS)[0]))
        self.assertIn("+ feature_service delay_model", run.out)

    def test_misspelt_keys__are_named_with_their_line_and_the_nearest(self):
        def misspellings(path, ours):
            key = path.split(".")[-1]
            if ours and not key.isdigit():
                yield misspelt(key), key, renamed(misspelt(key))
        wrong = []
        for what, (file, path, places, key), run in self.plans(self.cases(misspellings)):
            line = places[".".join(path.split(".")[:-1] + [misspelt(key)])]
            if run.code != EXIT["INVALID"] or f"{file}:{line}: " not in run.err or misspelt(key) not in run.err \
                    or f"did you mean {key}?" not in run.err:
                wrong.append(f"{what}: {run.code} {run.err.strip()[:300]} (line {line})")
        self.assertEqual(wrong, [])

    def test_keys_given_twice__are_refused_at_the_second(self):
        wrong = []
        for tree, file in ((PROJECT, "floe.yaml"), (DEFINITIONS, "features/a.yaml")):
            text, places = emitted(tree)
            lines = text.splitlines()
            for path, _ in keys_of(tree):
                if isinstance(parent_of(tree, path)[0][path.split(".")[-1]], (dict, list)):
                    continue
                line = places[path]
                twice = "\n".join(lines[:line] + [lines[line - 1].replace("- ", "  ")] + lines[line:]) + "\n"
                both = [twice if tree is PROJECT else emitted(PROJECT)[0], twice if tree is DEFINITIONS else emitted(DEFINITIONS)[0]]
                run = self.plan(*both)
                if run.code != EXIT["INVALID"] or f"{file}:{line + 1}" not in run.err:
                    wrong.append(f"{path}: {run.code} {run.err.strip()[:300]} (line {line + 1})")
        self.assertEqual(wrong, [])

    def test_values_of_another_kind__are_refused_where_they_stand(self):
        rng = random.Random(SEED)

        def values(path, _):
            for kind, value in rng.sample(sorted(KINDS.items(), key=lambda item: item[0]), len(KINDS) if EVERY else 2):
                yield kind, kind, lambda parent, last, value=value: parent.__setitem__(last, value)
        wrong = []
        for what, (file, path, places, kind), run in self.plans(self.cases(values)):
            key = re.sub(r"\.\d+$", "", path)
            allowed = (kind in ("text", "empty text") and FREE.search(key)) or kind == "nothing" \
                or (kind == "a list" and (EMPTY.search(key) or OPTIONAL_LIST.search(key))) \
                or (kind == "true" and key.endswith("online")) or (kind == "a number" and key.endswith("top_k"))
            if run.code < 0 or run.code == EXIT["INTERNAL"] or (run.code == 0 and not allowed):
                wrong.append(f"{what}: exit {run.code} {run.err.strip()[:200]}")
                continue
            missed = allowed and run.code == EXIT["NOT_FOUND"] and re.search(r"features/a\.yaml:\d+: ", run.err)
            if run.code != 0 and not missed and not self.near(places, path, self.place(run, file)):
                wrong.append(f"{what}: not at line {places[path]}: {run.code} {run.err.strip()[:200]}")
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    unittest.main()
