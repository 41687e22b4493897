#!/usr/bin/env python3
"""What the program says of itself: every command's help has examples that the program takes, every option is used, and
what it cannot do yet is nowhere in it."""
import os
import re
import shlex
import unittest

from harness import EXIT, ROOT, Checks, Project, floe

COMMAND = re.compile(r"^  ([a-z]+(?: [a-z]+)?)  +\S")
ELSEWHERE = ["push", "worker",
             "check"]


def commands():
    return [match[1] for match in map(COMMAND.match, floe("--help").out.splitlines()) if match]


def help_of(command):
    return floe(*command.split(), "--help").out


def options_of(command):
    """(name, takes a value) of each option in the help, the common ones left out."""
    found = re.findall(r"^  (--?[a-z][a-z-]*)( \S+)?  +", help_of(command), re.M)
    return [(name, bool(value)) for name, value in found if name not in ("--project", "--json")]


def examples_of(command):
    return [shlex.split(line) for line in help_of(command).split("\nexample:\n")[1].splitlines()]


class Help(Checks, unittest.TestCase):
    def test_the_overview_names_every_command_of_the_first_version(self):
        want = {"init", "plan", "apply", "history", "doctor", "table ls", "table show", "table snapshots", "table scan",
                "table plan", "table changes", "table import", "table compact", "table expire", "dataset build", "dataset ls", "dataset show",
                "dataset rebuild", "dataset audit", "dataset diff", "sync", "ingest", "get",
                "serve", "mcp", "key create", "key ls", "key revoke",
                "index", "search", "context", "ask", "question add", "question ls", "question rm"}
        self.assertEqual(set(commands()), want)

    def test_the_overview_is_an_answer_and_no_command_is_a_usage_error(self):
        self.assertEqual(floe("--help").code, 0)
        self.assertEqual(floe("-h").out, floe("--help").out)
        self.assertEqual(floe("help").out, floe("--help").out)
        self.assertEqual(floe().code, EXIT["USAGE"])

    def test_every_command_has_help_in_every_spelling(self):
        for command in commands():
            words = command.split()
            shown = self.ok(floe(*words, "--help")).out
            self.assertTrue(shown.startswith(f"floe {command}"), shown)
            self.assertEqual(self.ok(floe(*words, "-h")).out, shown)
            self.assertEqual(self.ok(floe("help", *words)).out, shown)

    def test_a_group_lists_its_commands(self):
        for group in ("table", "dataset"):
            shown = self.ok(floe(group, "--help")).out
            listed = [match[1] for match in map(COMMAND.match, shown.splitlines()) if match]
            self.assertEqual(listed, [c for c in commands() if c.startswith(group + " ")])

    def test_every_example_parses(self):
        """Outside any project an example must fail for the want of a project or file, never for its command line. In a
        fresh folder `init` succeeds and `doctor` reports."""
        for command in commands():
            examples = examples_of(command)
            self.assertGreaterEqual(len(examples), 1, command)
            for example in examples:
                self.assertEqual(example[0], "floe", example)
                self.assertEqual(" ".join(example[1:]).startswith(command), True, example)
                with Project() as project:
                    os.unlink(project.path("floe.yaml"))
                    run = project.floe(*example[1:])
                    self.assertNotEqual(run.code, EXIT["USAGE"], str(run))
                    self.assertIn(run.code, (0, EXIT["NOT_FOUND"]), str(run))

    def test_every_option_of_the_table_is_used_by_its_command(self):
        """Each option's name stands in the code that runs commands, as an argument of the functions that read options."""
        used = set()
        for name in os.listdir(os.path.join(ROOT, "cli")):
            if name.startswith("cmd_"):
                with open(os.path.join(ROOT, "cli", name)) as file:
                    used |= set(re.findall(r'cli_(?:flag|value|value_i64|value_time)\(cli, "([^"]+)"', file.read()))
        named = {name for command in commands() for name, _ in options_of(command)}
        self.assertEqual(named, used)

    def test_every_option_with_a_value_refuses_to_stand_without(self):
        for command in commands():
            for name, takes_value in options_of(command):
                if takes_value:
                    self.refused(floe(*command.split(), name), "USAGE", f"{name} needs a value")
                else:
                    self.refused(floe(*command.split(), name + "=x"), "USAGE", f"{name} takes no value")

    def test_every_option_may_be_given_once(self):
        for command in commands():
            for name, takes_value in options_of(command):
                once = [name, "1"] if takes_value else [name]
                self.refused(floe(*command.split(), *once, *once), "USAGE", f"{name} is given twice")

    def test_the_common_options_are_in_every_help(self):
        for command in commands():
            self.assertRegex(help_of(command), r"(?m)^  --project DIR  ")
            self.assertRegex(help_of(command), r"(?m)^  --json  ")

    def test_what_is_not_there_yet_is_in_no_help(self):
        shown = floe("--help").out
        for command in ELSEWHERE:
            self.assertNotRegex(shown, rf"(?m)^  {command}\b")

    def test_what_is_not_there_yet_is_refused_by_its_name(self):
        for command in ELSEWHERE:
            for tail in ([], ["x"], ["--help"]):
                run = self.refused(floe(*command.split(), *tail), "UNSUPPORTED", "this version has no `floe ")
                self.assertIn(command.split()[0], run.err)
                self.assertEqual(run.out, "")

    def test_the_version_is_one_line(self):
        self.assertRegex(self.ok(floe("--version")).out, r"^floe \d+\.\d+\.\d+\n$")


class WrongWords(Checks, unittest.TestCase):
    def test_an_unknown_command_names_the_nearest(self):
        for typed, near in (("tabel ls", "table ls"), ("table sca", "table scan"), ("serch", "search"),
                            ("dataset biuld", "dataset build"), ("sycn", "sync"), ("aply", "apply")):
            run = self.refused(floe(*typed.split()), "USAGE", f'did you mean {near}?')
            self.assertEqual(run.out, "")

    def test_an_unknown_command_that_is_near_nothing_names_nothing(self):
        run = self.refused(floe("xyzzyxyzzy"), "USAGE", 'there is no command "xyzzyxyzzy"')
        self.assertNotIn("did you mean", run.err)

    def test_an_unknown_command_stays_unknown_when_help_is_asked_for(self):
        self.refused(floe("nonsense", "--help"), "USAGE", "nonsense")
        self.refused(floe("help", "nonsense"), "USAGE", "nonsense")

    def test_half_a_command_says_what_is_missing(self):
        self.refused(floe("table"), "USAGE", "`floe table` needs a second word")
        self.refused(floe("dataset"), "USAGE", "`floe dataset` needs a second word")

    def test_a_very_long_word_is_cut_in_the_message(self):
        run = self.refused(floe("x" * 100000), "USAGE")
        self.assertLess(len(run.err), 1000)
        run = self.refused(floe("plan", "--" + "y" * 100000), "USAGE")
        self.assertLess(len(run.err), 1000)

    def test_an_unknown_option_names_the_nearest(self):
        for arguments, near in ((["table", "scan", "t", "--wher", "x"], "--where"), (["plan", "--jsn"], "--json"),
                                (["table", "ls", "--projct", "x"], "--project"), (["sync", "--ful"], "--full")):
            self.refused(floe(*arguments), "USAGE", f"did you mean {near}?")

    def test_an_option_of_another_command_is_unknown(self):
        self.refused(floe("plan", "--where", "x"), "USAGE", "unknown option --where")
        self.refused(floe("table", "show", "t", "--snapshot", "1"), "USAGE", "unknown option --snapshot")

    def test_a_value_that_reads_like_an_option_needs_the_equals_sign(self):
        self.refused(floe("table", "scan", "t", "--where", "--limit", "5"), "USAGE", "--where needs a value")
        run = floe("table", "scan", "/nowhere", "--where=--limit", "--limit", "5")
        self.assertEqual(run.code, EXIT["NOT_FOUND"], str(run))

    def test_missing_and_superfluous_operands_are_usage_errors(self):
        self.refused(floe("table", "show"), "USAGE", "expected TABLE")
        self.refused(floe("table", "show", "a", "b"), "USAGE", 'unexpected "b"')
        self.refused(floe("table", "import", "a"), "USAGE", "expected FILE… TABLE")
        self.refused(floe("init"), "USAGE", "expected DIR")
        self.refused(floe("history", "x"), "USAGE", 'unexpected "x"')
        self.refused(floe("search"), "USAGE", "give either words to search for or --batch FILE")
        self.refused(floe("search", "x", "--batch", "q"), "USAGE", "give either words to search for or --batch FILE")

    def test_after_two_dashes_everything_is_an_operand(self):
        run = floe("table", "show", "--", "--help")
        self.assertNotEqual(run.code, EXIT["USAGE"], str(run))
        self.assertIn("--help", run.err)

    def test_common_options_may_stand_before_the_command(self):
        with Project() as project:
            run = self.ok(floe("--project", project.folder, "--json", "table", "ls", cwd="/"))
            self.assertEqual(run.json, [])
            self.assertEqual(self.ok(floe(f"--project={project.folder}", "table", "ls", cwd="/")).out, "table\n")
            self.refused(floe("--json", "table", "ls", "--json", cwd=project.folder), "USAGE", "--json is given twice")


class WrongValues(Checks, unittest.TestCase):
    """Options whose values are wrong as written: a usage error, before anything is looked at."""

    def test_numbers(self):
        for value in ("x", "", "1.5", "-1", "99999999999999999999"):
            self.refused(floe("table", "scan", "/nowhere", "--limit=" + value), "USAGE", "--limit")
        self.refused(floe("table", "scan", "/nowhere", "--snapshot", "x"), "USAGE", "--snapshot")
        for value in ("0", "-3", "x", "1001"):
            self.refused(floe("search", "w", "-k", value), "USAGE", "-k")

    def test_times(self):
        for value in ("yesterday", "2001-13-01", "2001-02-30", ""):
            self.refused(floe("table", "scan", "/nowhere", "--as-of=" + value), "USAGE", "--as-of")

    def test_lists(self):
        self.refused(floe("table", "scan", "/nowhere", "--columns", "a,,b"), "USAGE", "empty item")
        self.refused(floe("table", "scan", "/nowhere", "--columns="), "USAGE", "list is empty")

    def test_choices(self):
        with Project() as project:
            self.refused(project.floe("search", "w", "--kind", "tabel"), "USAGE", "--kind", "table, column and feature")
            self.refused(project.floe("serve", "--log", "xml"), "USAGE", "--log is text or json")
            self.refused(project.floe("serve", "--threads", "1000"), "USAGE", "--threads")
            self.refused(project.floe("serve", "--threads", "0"), "USAGE", "--threads", "1 to 256")
            for listen in ("x", ":80", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:65536", "127.0.0.1:-1"):
                self.refused(project.floe("serve", "--listen", listen), "USAGE", "--listen")
            build = ["dataset", "build", "--features", "v", "--spine", "s", "-o", "o.csv"]
            self.refused(project.floe(*build, "--engine", "spark"), "USAGE", "--engine is native or duckdb")

    def test_options_that_exclude_or_need_each_other(self):
        self.refused(floe("table", "scan", "/nowhere", "--snapshot", "1", "--ref", "main"), "USAGE", "exclude each other")
        self.refused(floe("table", "plan", "/nowhere", "--ref", "main", "--as-of", "2001-01-01"), "USAGE", "exclude")
        self.refused(floe("table", "show", "/nowhere", "--moved-from", "/a"), "USAGE", "go together")
        self.refused(floe("table", "import", "f.csv", "lake.a.b", "--append", "--replace"), "USAGE", "exclude each other")
        self.refused(floe("dataset", "build", "--spine", "s", "-o", "o.csv"), "USAGE", "--service or --features")
        self.refused(floe("dataset", "build", "--service", "s", "--features", "f", "--spine", "s", "-o", "o.csv"), "USAGE",
                     "--service or --features")
        self.refused(floe("dataset", "build", "--service", "s", "-o", "o.csv"), "USAGE", "--spine")
        self.refused(floe("dataset", "build", "--service", "s", "--spine", "x.csv"), "USAGE", "-o FILE")
        self.refused(floe("init", "x", "--project", "y"), "USAGE", "floe init DIR")


if __name__ == "__main__":
    unittest.main()
