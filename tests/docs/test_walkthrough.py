#!/usr/bin/env python3
"""The documentation against the tree: every file and folder that it names is there, every symbol stands in the file it is
said to stand in, every link leads somewhere, and every command that README and tour show is one that floe has."""
import os
import re
import shlex
import subprocess
import unittest

ROOT = os.environ["FLOE_ROOT"]
FLOE = os.environ["FLOE_BIN"]
# What stands in backticks and looks like a file of the tree: a folder of it first, then an ending.
FILE = re.compile(r"[a-z_]+(/[A-Za-z0-9_.-]+)*/[A-Za-z0-9_-]+\.(c|h|md|py|sh|yaml|txt|cmake)")
SYMBOL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
OURS = re.compile(r"(floe|cli|FLOE)_[A-Za-z0-9_]+")
SOURCE_FOLDERS = ("core", "proto", "registry", "offline", "online", "vector", "api", "cli")


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def documents():
    found = ["README.md"] + ["docs/" + name for name in sorted(os.listdir(os.path.join(ROOT, "docs"))) if name.endswith(".md")]
    found += ["docs/decisions/" + name for name in sorted(os.listdir(os.path.join(ROOT, "docs/decisions")))]
    return found + ["examples/flights/README.md"]


def without_blocks(text):
    """The prose: fenced blocks are looked at apart."""
    return re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)


def ticked(text):
    """(text, end, start) of everything in backticks, in order."""
    return [(match[1], match.start(), match.end()) for match in re.finditer(r"`([^`\n]+)`", without_blocks(text))]


def pairs(text):
    """Symbols that are directly followed by the file they stand in: `symbol` (`path`), or (`symbol`, `path`)."""
    prose, marks = without_blocks(text), ticked(text)
    for (symbol, _, end), (path, start, _) in zip(marks, marks[1:]):
        between = re.sub(r"\s+", " ", prose[end:start]).strip()
        if SYMBOL.fullmatch(symbol) and FILE.fullmatch(path) and between in ("(", ",", "in", ":"):
            yield symbol, path


def defines(path, symbol):
    """Whether the file holds the symbol's definition: at the start of a line there is a type, then the name, then what
    is no semicolon; in a header a type or a macro counts too."""
    text = re.sub(r"/\*.*?\*/", "", read(path), flags=re.S)
    function = re.search(rf"^[A-Za-z_][^;=(){{}}\n]*\b{symbol}\([^;{{]*\)\s*{{", text, re.M)
    variable = re.search(rf"^[A-Za-z_][^;(){{}}\n]*\b{symbol}(\[\])?\s*=", text, re.M)
    kind = re.search(rf"(^}} {symbol};|^#define {symbol}\b|^struct {symbol} {{|^typedef struct {symbol} {symbol};)", text, re.M)
    return bool(function or variable or kind)


class Walkthrough(unittest.TestCase):
    def test_both_pages_name_symbols_with_their_files(self):
        """The page would be empty words, or this test blind, without them."""
        self.assertGreater(len(list(pairs(read("docs/WALKTHROUGH.md")))), 120)
        self.assertGreaterEqual(len(list(pairs(read("docs/ARCHITECTURE.md")))), 1)

    def test_each_walk_is_numbered_and_names_a_symbol_in_every_step(self):
        walks = re.split(r"^## ", read("docs/WALKTHROUGH.md"), flags=re.M)[1:]
        self.assertGreaterEqual(len(walks), 4)
        for walk in walks:
            title, steps = walk.split("\n", 1)[0], re.split(r"^(\d+)\. ", walk, flags=re.M)[1:]
            self.assertEqual([int(number) for number in steps[::2]], list(range(1, len(steps) // 2 + 1)), title)
            self.assertIn(len(steps) // 2, range(7, 13), title)
            for number, step in zip(steps[::2], steps[1::2]):
                self.assertTrue(any(OURS.fullmatch(text) for text, _, _ in ticked(step)), f"{title}: step {number}")

    def test_every_symbol_is_defined_in_the_file_it_is_said_to_stand_in(self):
        wrong = [f"{page}: {symbol} is not defined in {path}" for page in documents() for symbol, path in pairs(read(page))
                 if os.path.exists(os.path.join(ROOT, path)) and not defines(path, symbol)]
        self.assertEqual(wrong, [])

    def test_every_file_that_is_named_is_there(self):
        wrong = [f"{page}: {text}" for page in documents() for text, _, _ in ticked(read(page))
                 if FILE.fullmatch(text) and not os.path.exists(os.path.join(ROOT, text))
                 and text.split("/")[0] in os.listdir(ROOT)]
        self.assertEqual(wrong, [])

    def test_every_symbol_of_floe_that_is_named_is_somewhere(self):
        sources = ""
        for folder in SOURCE_FOLDERS:
            for path, _, names in os.walk(os.path.join(ROOT, folder)):
                for name in names:
                    if name.endswith((".c", ".h")):
                        with open(os.path.join(path, name), encoding="utf-8") as file:
                            sources += file.read()
        known = {match[0] for match in OURS.finditer(sources)}
        # Environment variables of the scripts are named like macros.
        scripts = "".join(read(os.path.join("tools", name)) for name in os.listdir(os.path.join(ROOT, "tools"))
                          if os.path.isfile(os.path.join(ROOT, "tools", name))) + read("dev")
        known |= {match[0] for match in OURS.finditer(scripts)}
        wrong = [f"{page}: {text}" for page in documents() for text, _, _ in ticked(read(page))
                 if OURS.fullmatch(text) and text not in known]
        self.assertEqual(wrong, [])

    def test_the_check_of_definitions_can_fail(self):
        self.assertTrue(defines("cli/main.c", "main"))
        self.assertTrue(defines("cli/commands.c", "cli_commands"))
        self.assertFalse(defines("cli/main.c", "cli_parse"), "a call is no definition")
        self.assertFalse(defines("cli/cli.h", "cli_parse"), "a declaration is no definition")


class Architecture(unittest.TestCase):
    def test_the_table_of_rooms_is_the_folders_of_the_tree(self):
        named = set()
        for row in re.findall(r"^\| `([^|]+)` \|", read("docs/ARCHITECTURE.md"), re.M):
            named |= {name.strip("/") for name in row.split()}
        self.assertEqual({name for name in named if not os.path.isdir(os.path.join(ROOT, name))}, set())
        rooms = {name for name in os.listdir(ROOT) if os.path.exists(os.path.join(ROOT, name, "CMakeLists.txt"))}
        self.assertEqual({room for room in rooms if not room.startswith("build")} - named, set())

    def test_the_folders_inside_a_room_that_its_row_names_are_there(self):
        for room, holds in re.findall(r"^\| `([a-z]+)/` \| ([^|]+) \|", read("docs/ARCHITECTURE.md"), re.M):
            for folder in re.findall(r"`([a-z]+)/`", holds):
                self.assertTrue(os.path.isdir(os.path.join(ROOT, room, folder)), f"{room}/{folder}")

    def test_every_link_leads_to_a_file(self):
        wrong = []
        for page in documents():
            for target in re.findall(r"\]\(([^)#]+)[^)]*\)", without_blocks(read(page))):
                if "://" not in target and not os.path.exists(os.path.join(ROOT, os.path.dirname(page), target)):
                    wrong.append(f"{page}: {target}")
        self.assertEqual(wrong, [])


class PointInTime(unittest.TestCase):
    """docs/point-in-time.md draws each boundary and names a test for each side of it."""
    NAME = re.compile(r"`((?:test_)?[a-z0-9_]+__[a-z0-9_]+)`")

    def boundaries(self):
        part = re.split(r"^## ", read("docs/point-in-time.md").split("\n## The boundaries\n", 1)[1], flags=re.M)[0]
        return [(text.split("\n", 1)[0], text) for text in re.split(r"^### ", part, flags=re.M)[1:]]

    def test_every_boundary_has_a_drawing_and_tests(self):
        self.assertGreaterEqual(len(self.boundaries()), 7)
        for title, text in self.boundaries():
            self.assertRegex(text, r"(?ms)^```\n.+?^```$", title)
            self.assertRegex(text, self.NAME, title)

    def test_every_test_that_is_named_is_one(self):
        tests = ""
        for path, _, names in os.walk(os.path.join(ROOT, "tests")):
            for name in names:
                if name.startswith("test_") and name.endswith((".c", ".py")):
                    with open(os.path.join(path, name), encoding="utf-8") as file:
                        tests += file.read()
        known = set(re.findall(r"^static void (\w+)\(void \*\*state\)|^    def (test_\w+)\(", tests, re.M))
        known = {name for names in known for name in names if name}
        named = self.NAME.findall(read("docs/point-in-time.md"))
        self.assertGreater(len(named), 25)
        self.assertEqual([name for name in named if name not in known], [])


class Threads(unittest.TestCase):
    """docs/THREADS.md has the one numbered list of locks."""

    def test_every_lock_of_the_tree_stands_in_the_list(self):
        listed = read("docs/THREADS.md").split("## Locks", 1)[1]
        missing = []
        for folder in SOURCE_FOLDERS:
            for path, _, names in os.walk(os.path.join(ROOT, folder)):
                for name in names:
                    file = os.path.relpath(os.path.join(path, name), ROOT)
                    if not name.endswith((".c", ".h")):
                        continue
                    for found in re.findall(r"^ *(?:static )?pthread_(?:mutex|rwlock)_t ([a-z_, ]+)(?: = [A-Z_]+)?;", read(file), re.M):
                        place = os.path.dirname(file) if name.endswith("_int.h") else file
                        for lock in re.split(", *", found):
                            if place not in listed or f"`{lock}`" not in listed.replace("live.lock", "lock"):
                                missing.append(f"{file}: {lock}")
        self.assertEqual(missing, [])


class Commands(unittest.TestCase):
    def setUp(self):
        shown = subprocess.run([FLOE, "--help"], capture_output=True, text=True, check=True).stdout
        self.commands = re.findall(r"^  ([a-z]+(?: [a-z]+)?)  +\S", shown, re.M)

    def shown_commands(self):
        """Lines of code blocks and texts in backticks that begin with floe or a path to it."""
        for page in documents():
            blocks = "\n".join(re.findall(r"^```[^\n]*\n(.*?)^```", read(page), re.M | re.S))
            for line in blocks.splitlines() + [text for text, _, _ in ticked(read(page))]:
                for part in re.split(r"&&|\||\s#\s", line.lstrip(" $")):
                    words = part.split()
                    ours = words and words[0] in ("floe", "build/floe", "../build/floe", "./floe") and len(words) > 1
                    if ours and words[-1] != "…":  # `floe table …` is a family, not a command
                        yield page, words[1:]

    def find(self, words):
        for count in (2, 1):
            if " ".join(words[:count]) in self.commands:
                return " ".join(words[:count])
        return None

    def test_readme_shows_commands(self):
        self.assertGreater(len([1 for page, _ in self.shown_commands() if page == "README.md"]), 8)

    def test_every_command_that_is_shown_exists(self):
        wrong = [f"{page}: floe {' '.join(words)}" for page, words in self.shown_commands()
                 if not words[0].startswith("-") and not words[0].isupper() and self.find(words) is None]
        self.assertEqual(wrong, [])

    def test_every_option_that_is_shown_is_one_of_its_command(self):
        wrong = []
        for page, words in self.shown_commands():
            command = self.find(words)
            if command is None:
                continue
            shown = subprocess.run([FLOE, *command.split(), "--help"], capture_output=True, text=True, check=True).stdout
            known = set(re.findall(r"^  (--?[a-z][a-z-]*)", shown, re.M)) | {"--help"}
            options = {re.split("=", word)[0] for word in words if re.match(r"--?[a-z]", word)}
            wrong += [f"{page}: floe {command} {option}" for option in options - known]
        self.assertEqual(wrong, [])

    def test_the_tour_makes_its_labels_as_the_demo_does(self):
        """Every file that a command of the tour reads is made by one before it."""
        tour, demo = read("examples/flights/README.md"), read("tools/demo.sh")
        made = re.search(r"`floe (table scan [^`]+ -o labels\.parquet)`", tour)
        self.assertLess(made.start(), tour.index("--spine labels.parquet"))
        demos = re.search(r"run (table scan lake\.aviation\.flights .*? -o labels\.parquet)", demo, re.S)
        self.assertEqual(shlex.split(made[1]), shlex.split(demos[1].replace("\\\n", " ")))

    def test_every_task_of_dev_that_is_shown_exists(self):
        shown = subprocess.run([os.path.join(ROOT, "dev"), "help"], capture_output=True, text=True, check=True).stdout
        for page in documents():
            for task in re.findall(r"\./dev ([a-z]+)", read(page)):
                self.assertIn(task, shown + " help", f"{page}: ./dev {task}")


if __name__ == "__main__":
    unittest.main()
