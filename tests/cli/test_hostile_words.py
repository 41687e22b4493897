#!/usr/bin/env python3
"""Every command with hostile words: operands and option values that are empty, huge, no UTF-8, other languages, numbers at
the ends of their range, paths that are folders, devices or far too long. Whatever they are, floe ends by itself with one of
its documented codes, says what is wrong in lines of text without control characters, never that it failed itself (INTERNAL),
and leaves the project's tables and registry as they were. The seed is printed; FLOE_RUNS says how many command lines.
timeout: 600"""
import os
import random
import re
import sys
import unittest

from harness import EXIT, FLOE, Checks, content, flights_project, floe

SEED = int(os.environ.get("FLOE_SEED", random.SystemRandom().randrange(2 ** 32)))
RUNS = int(os.environ.get("FLOE_RUNS", "120"))
# Of these none may write to tables or to the registry, whatever it is given: what they make is a file, an index or a row online.
COMMANDS = ["plan", "history", "doctor", "table ls", "table show", "table snapshots", "table scan", "table plan", "table changes",
            "dataset build", "dataset ls", "dataset show", "dataset rebuild", "dataset audit", "dataset diff", "get", "search",
            "context", "ask", "question ls", "question rm", "key ls", "key revoke", "key create"]
WORDS = ["", " ", "-", ".", "..", "/", "/dev/null", "/dev/full", "/proc/self/mem", "nowhere", "a" * 300, "x" * 70000, "\u00e9\u4e16\u754c", "\u202eabc", "a\nb",
         "a\tb\x1b[31m", b"\xff\xfe", "'", '"', "\\", "%s%n%d", "${HOME}", "$(id)", ";", "*", "lake", "lake.", ".lake", "lake..flights",
         "lake.aviation.flights", "lake.aviation.flights.delay", "lakehouse/aviation/flights", "airport_delays",
         "airport_delays:last_delay", "airport_delays:", ":", "delay_model", "origin=SFO", "origin=", "=SFO", "origin=SFO=JFK", "=",
         "origin", "date", "delay", "flights.csv", "features", "floe.yaml", "0", "-0", "1", "-1", "+1", "01", "1e3", "0x10", "1.5", "NaN",
         "9223372036854775807", "9223372036854775808", "-9223372036854775808", "18446744073709551616", "9" * 400,
         "2001-01-01", "2001-02-30", "0000-00-00", "9999-12-31T23:59:59.999999Z", "2001-01-01T00:00:00+24:00", "30d", "0d", "1y",
         "1KB", "0", "1EiB", "delay > 1", "delay >", "1; DROP TABLE x", "true", "NULL", "delay = 'x'", "((((", "-- x", "/* x",
         "native", "duckdb", "out.parquet", "out.csv", "no/such/out.parquet", "out.xlsx", ".parquet", "analyst", "table", "main"]


def options_of(command):
    """(name, takes a value) of each option in the help."""
    shown = floe(*command.split(), "--help").out
    found = re.findall(r"^  (--?[a-z][a-z-]*)( \S+)?  +", shown, re.M)
    return [(name, bool(value)) for name, value in found if name not in ("--project",)]


class Hostile(Checks, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print(f"FLOE_SEED={SEED}", file=sys.stderr)
        cls.project = flights_project()
        cls.project.write("floe.yaml", cls.project.read("floe.yaml") + "search: {embedder: none}\naccess: {analyst: {namespaces: [lake]}}\n")
        cls.project.floe_ok("sync")
        cls.project.floe_ok("index")
        cls.options = {command: options_of(command) for command in COMMANDS}

    @classmethod
    def tearDownClass(cls):
        cls.project.__exit__()

    def command_line(self, rng):
        command = rng.choice(COMMANDS)
        words = [rng.choice(WORDS) for _ in range(rng.choice([0, 1, 1, 1, 2, 3]))]
        for name, takes_value in rng.sample(self.options[command], min(len(self.options[command]), rng.randint(0, 3))):
            value = rng.choice(WORDS)
            value = value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
            words += [name + "=" + value] if takes_value and rng.random() < 0.6 else [name, value] if takes_value else [name]
        words = [word.decode("utf-8", "surrogateescape") if isinstance(word, bytes) else word for word in words]
        return command.split() + words

    def judge(self, run):
        self.assertIn(run.code, EXIT.values(), str(run)[:2000])
        self.assertNotEqual(run.code, EXIT["INTERNAL"], str(run)[:2000])
        self.assertLessEqual(len(run.err.encode()), 4000, str(run)[:5000])
        if run.code == 0:
            return
        self.assertNotEqual(run.err, "", str(run)[:2000])
        self.assertNotRegex(run.err, r"[\x00-\x08\x0b-\x1f\x7f]", f"a control character: {run.err!r}")
        self.assertNotIn("\u202e", run.err, "a mark of direction")

    def test_any_words__end_with_a_documented_code_and_change_nothing(self):
        rng = random.Random(SEED)
        before = content(self.project.path("lakehouse"))
        for _ in range(RUNS):
            line = self.command_line(rng)
            try:
                run = self.project.floe(*line)
            except UnicodeDecodeError as error:
                self.fail(f"{line!r} prints what is no UTF-8: {error}")
            self.judge(run)
        self.assertEqual(content(self.project.path("lakehouse")), before)


if __name__ == "__main__":
    unittest.main()
