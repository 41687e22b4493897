"""Text spines that cannot be read: the line to blame is the one that an editor shows, blank ones counted, with the cause and what to do; and
years that no column of times has pass through as text. timeout: 900"""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from dataset_support import Failed, Project  # noqa: E402

MANY = 60000


class Lines(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.made = Project()
        cls.made.define("request_features:\n  - {name: r, inputs: [{name: x, type: double}], expression: x, type: double}\n")

    @classmethod
    def tearDownClass(cls):
        cls.made.__exit__()

    def refused(self, name, text):
        with open(self.made.path(name), "w", newline="") as file:
            file.write(text)
        with self.assertRaises(Failed, msg=text[:80]) as caught:
            self.made.build(spine=name, features="r")
        self.assertEqual(caught.exception.code, 3)
        told = str(caught.exception)
        for advice in ("Try ", "auto", "ignore_errors", "sniffing"):
            self.assertNotIn(advice, told)
        return told

    def test_json__the_line_is_named(self):
        lines = [f'{{"x":{i}}}' for i in range(MANY)]
        for text, words in (
                ('{"x":1}\n{"x":2}\n{"x":3\n{"x":4}\n', 'line 3, is no JSON: "{"x":3"'),
                ('{"x":1\n{"x":2}\n', "line 1, is no JSON"),
                ('\n\n{"x":1}\n\n{"x":4 5}\n', "line 5, is no JSON"),
                ("\n".join(lines[:39999] + ["oops"] + lines[40000:]) + "\n", "line 40000, is no JSON"),
                ('{"x":1}\r\n\r\noops\r\n', "line 3, is no JSON"),
                ('{"x":1}\n\n{"x":3}\n{"x":4}\n{"x":4,"x":5}\n', "line 5, has one name twice"),
                ('{"x":1}\n[1,2]\n', "line 2, is no JSON object"),
                ('{"x":1}\n\n7\n', "line 3, is no JSON object")):
            told = self.refused("s.jsonl", text)
            self.assertIn("s.jsonl, " + words, told)
            self.assertIn("write one object a line", told)

    def test_csv__mixed_ends_of_lines_are_named(self):
        rows = [f"{i},{i},ab" for i in range(MANY)]
        late = rows[:50000] + ["1,1,a\rb"] + rows[50001:]
        for text, words in (
                ("id,x\r1,1\r2,2\n3,3\n", "line 1 ends with CR alone and line 3 with LF"),
                ("id,x\n1,1\n2,a\rb\n3,3\n", "line 3 ends with CR alone and line 1 with LF"),
                ("id,x\r\n1,1\r\n2,a\rb\r\n", "line 3 ends with CR alone and line 1 with CR LF"),
                ("id,x,s\n" + "\n".join(late) + "\n", "line 50002 ends with CR alone and line 1 with LF")):
            told = self.refused("s.csv", text)
            self.assertIn(words, told)
            self.assertIn("give every line the same ending", told)

    def test_csv__one_ending_or_a_quoted_one_is_read(self):
        for text in ("id,x\r1,1\r2,2\r", 'id,x\n1,1\n"a\rb",2\n', 'id,x\r\n1,1\r\n"a\rb",2\r\n'):
            with open(self.made.path("s.csv"), "w", newline="") as file:
                file.write(text)
            self.made.build(spine="s.csv", features="r")
            self.assertEqual(self.made.rows("SELECT r FROM '$D/out.parquet'"), [(1.0,), (2.0,)])

    def test_years_that_no_time_has__are_text(self):
        """Wherever among days and times, first or behind all that the reader samples."""
        for odd in ("0000-01-01", "10000-01-01", "0000-01-01 10:00:00"):
            for before in (0, 25000):
                plain = "2020-01-01" + odd[-9:] * (":" in odd)
                for name in ("s.csv", "s.jsonl"):
                    days = [plain] * before + [odd, plain]
                    with open(self.made.path(name), "w") as file:
                        file.write("x,y\n" + "".join(f"1,{day}\n" for day in days) if name == "s.csv" else
                                   "".join(f'{{"x":1,"y":"{day}"}}\n' for day in days))
                    self.made.build(spine=name, features="r")
                    self.assertEqual(self.made.rows("SELECT DISTINCT y FROM '$D/out.parquet' ORDER BY y"), sorted([(odd,), (plain,)]), (name, before))


if __name__ == "__main__":
    unittest.main()
