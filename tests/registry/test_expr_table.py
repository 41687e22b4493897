"""The tables of cases of the expression language leave nothing out: every function that the language has (registry/expr/functions.c) and
every operator has a row in docs/expressions.md, and in the table of cases some that give a value and one that gives null."""
import os
import re
import unittest

ROOT = os.environ["FLOE_ROOT"]
OPERATORS = {"=": " = ", "<>": " <> ", "!=": " != ", "<": " < ", "<=": " <= ", ">": " > ", ">=": " >= ", "IN": r"(?<!NOT) IN \(",
             "NOT IN": r" NOT IN \(", "BETWEEN": "(?<!NOT) BETWEEN ", "NOT BETWEEN": " NOT BETWEEN ", "LIKE": "(?<!NOT) LIKE ",
             "NOT LIKE": " NOT LIKE ", "IS NULL": " IS NULL", "IS NOT NULL": " IS NOT NULL", "NOT": r"(^|\()NOT ", "AND": r" AND ",
             "OR": " OR ", "CASE WHEN": "CASE WHEN ", "CASE x": "CASE (?!WHEN)", "+": r" \+ ", "-": " - ", "*": r" \* ", "/": " / ",
             "%": " % ", "unary -": r"(^|\()-[a-z(]"}
NEVER_NULL = {"IS NULL", "IS NOT NULL"}


def read(*names):
    with open(os.path.join(ROOT, *names), encoding="utf-8") as file:
        return file.read()


class Table(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cases = re.findall(r"^(?!#)(.*) => \S+ (.*)$", read("tests", "registry", "data", "expr_cases.txt"), re.M)
        cls.docs = re.findall(r"^\| `(.*?)` \|", read("docs", "expressions.md"), re.M)
        cls.functions = re.findall(r'\[FLOE_CALL_\w+\] = \{"(\w+)"', read("registry", "expr", "functions.c"))

    def check(self, name, pattern, never_null=False):
        with self.subTest(name):
            self.assertTrue([text for text in self.docs if re.search(pattern, text)], f"{name} has no row in docs/expressions.md")
            values = [value for text, value in self.cases if re.search(pattern, text)]
            self.assertGreaterEqual(len([value for value in values if value != "null"]), 2, f"{name} has fewer than two cases with a value")
            self.assertTrue(never_null or "null" in values, f"{name} has no case that gives null")

    def test_every_function__has_cases(self):
        known = set("if coalesce ln log10 exp sqrt abs floor ceil round least greatest clip bucketize lower upper length substr concat "
                    "hash year month day hour minute day_of_week".split())
        self.assertLessEqual(known, set(self.functions))
        for name in [*self.functions, "cast"]:
            self.check(name, rf"\b{name}\(")

    def test_every_operator__has_cases(self):
        for name, pattern in OPERATORS.items():
            self.check(name, pattern, name in NEVER_NULL)


if __name__ == "__main__":
    unittest.main(verbosity=2)
