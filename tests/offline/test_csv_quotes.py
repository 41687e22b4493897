"""Quotes of CSV files, spines and imports alike: what RFC 4180 quotes comes in as it was, wherever in the file it stands, whatever the
rows before it look like; apostrophes and backslashes are text; a quote out of place is refused by its line. Expected: Python's csv.
timeout: 600"""
import csv
import io
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from dataset_support import Failed, Project, entity, source, view  # noqa: E402

INVALID = 3
TIME = "2001-03-01T10:00:00Z"
LATE = 30000  # beyond what the engine's reader looks at to guess


class Quotes(unittest.TestCase):
    def project(self):
        project = Project()
        self.addCleanup(project.__exit__)
        project.write("e.jsonl", "".join(json.dumps({"k": k, "ts": "2001-01-01T00:00:00Z", "v": i}) + "\n"
                                         for i, k in enumerate(["a", 'say "hi"', "x, y", "line\nline", "'q'", 'b\\'])))
        project.floe("table", "import", "e.jsonl", "lake.t.events")
        project.define(entity() + source() + "feature_views:\n" + view("{name: last, column: v}"))
        return project

    def written(self, rows, **how):
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n", **how).writerows([["k", "t", "note"], *rows])
        return text.getvalue()

    def check(self, project, text, rows):
        """As a spine: keys match, columns come out as they came in; and as a table."""
        with open(project.path("s.csv"), "w", newline="") as file:
            file.write(text)
        want = {"a": 0, 'say "hi"': 1, "x, y": 2, "line\nline": 3, "'q'": 4, 'b\\': 5}
        project.build("--time", "t", spine="s.csv", features="v")
        got = project.rows("SELECT k, note, v__last FROM '$D/out.parquet'")
        self.assertEqual(got[-20:], [(k, note, want[k]) for k, _, note in rows][-20:])
        self.assertEqual(got, [(k, note, want[k]) for k, _, note in rows])
        project.floe("table", "import", "s.csv", "lake.t.copy", "--replace")
        project.floe("table", "scan", "lake.t.copy", "-o", "copy.parquet")
        self.assertEqual(project.rows("SELECT k, note FROM '$D/copy.parquet'"), [(k, note) for k, _, note in rows])

    def test_first_quotes__far_below(self):
        rows = [["a", TIME, f"x{i}"] for i in range(LATE)]
        project = self.project()
        for late in (["a", TIME, 'say "hi"'], ["x, y", TIME, "n"], ["line\nline", TIME, "l1\nl2, l3"], ['say "hi"', TIME, '"']):
            self.check(project, self.written(rows + [late]), rows + [late])
        # Quoted without need, as the last row alone.
        self.check(project, self.written(rows) + f'"a","{TIME}","n"\n', rows + [["a", TIME, "n"]])

    def test_every_field__quoted_or_not(self):
        rows = [["a", TIME, "n"], ['say "hi"', TIME, 'a "b", c'], ["x, y", TIME, "o"]] * 3
        project = self.project()
        self.check(project, self.written(rows), rows)
        self.check(project, self.written(rows, quoting=csv.QUOTE_ALL), rows)

    def test_apostrophes_and_backslashes__are_text(self):
        project = self.project()
        for rows in ([["'q'", TIME, "'a1'"]] * 3, [['b\\', TIME, 'c\\']] * 3, [["a", TIME, "it's"], ["'q'", TIME, "'"]]):
            self.check(project, self.written(rows), rows)
            self.check(project, self.written(rows, quoting=csv.QUOTE_ALL), rows)

    def refused(self, project, text, *words):
        with open(project.path("s.csv"), "w", newline="") as file:
            file.write(text)
        for run in (lambda: project.build("--time", "t", spine="s.csv", features="v"),
                    lambda: project.floe("table", "import", "s.csv", "lake.t.copy", "--replace")):
            with self.assertRaises(Failed) as caught:
                run()
            self.assertEqual(caught.exception.code, INVALID, str(caught.exception))
            for word in words:
                self.assertIn(word, str(caught.exception).lower())

    def test_lines_end_as_they_like__if_all_alike(self):
        """CR LF with a newline inside of quotes is what Python's csv writes."""
        project = self.project()
        rows = [["a", TIME, "one\ntwo"], ["line\nline", TIME, "plain"]]
        self.check(project, self.written(rows).replace("\n", "\r\n").replace("one\r\ntwo", "one\ntwo")
                   .replace("line\r\nline", "line\nline"), rows)
        self.check(project, self.written([["a", TIME, "one\r\ntwo"]]), [["a", TIME, "one\r\ntwo"]])
        self.refused(project, f"k,t,note\na,{TIME},x\na,{TIME},y\r\n", "line 3", "cr lf", "line 1", "same ending")

    def test_quote_out_of_place__is_refused_by_its_line(self):
        project = self.project()
        head, good = "k,t,note\n", f'"a",{TIME},"fine"\n'
        self.refused(project, head + good + f'"a",{TIME},"5" pipe"\n', "line 3", "closing quote", "twice")
        self.refused(project, head + f'"a,{TIME},x\n', "line 2", "never ends")
        self.refused(project, head + good + f'"a",{TIME},"a\\" b"\n' + good, "line 3", "closing quote")
        self.refused(project, '"k","t","note"\n' + f'"a","{TIME}","x"y\n', "line 2", "closing quote")
        # Below what the engine looks at first, in its words.
        many = f"a,{TIME},x\n" * LATE
        self.refused(project, head + many + f'a,{TIME},"x"y\n', f"line: {LATE + 2}", "quote")
        self.refused(project, head + many + f'a,{TIME},"x\n', f"line: {LATE + 2}", "quote")


if __name__ == "__main__":
    unittest.main(verbosity=2)
