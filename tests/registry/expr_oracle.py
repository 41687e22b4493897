#!/usr/bin/env python3
"""Random expressions with what they must give, as lines `expression => type value` over the one row of the case table.

Usage: expr_oracle.py SEED COUNT

An evaluator that shares nothing with floe's: whole numbers and decimals are Python's integers without a limit, doubles are
compared and rounded by exact fractions, text is Python's, LIKE is a regular expression, times are its calendar. The rules are
those of docs/expressions.md. An expression is made together with its value, from the leaves up.
"""
import datetime
import fractions
import math
import random
import re
import sys
import unicodedata

DIGITS = 10 ** 38
EPOCH = datetime.datetime(1970, 1, 1)
DAY_US = 86400 * 10 ** 6
INT32_T, INT64_T, DOUBLE, STRING, BOOL, DATE, TIMESTAMP = "int32 int64 double string bool date timestamp".split()


class Node:
    """An expression: its text, its type (a name, or the pair of a decimal) and its value. None is null; a decimal is its
    unscaled integer, a date its days, a timestamp its microseconds."""

    def __init__(self, text, kind, value):
        self.text, self.kind, self.value = text, kind, value

    @property
    def decimal(self):
        return isinstance(self.kind, tuple)

    @property
    def scale(self):
        return self.kind[1] if self.decimal else 0

    @property
    def whole_digits(self):
        return self.kind[0] - self.kind[1] if self.decimal else 10 if self.kind == INT32_T else 19

    @property
    def exact(self):
        return fractions.Fraction(self.value, 10 ** self.scale)

    @property
    def real(self):
        return self.value if self.kind == DOUBLE else float(self.exact)


def decimal_kind(whole, scale):
    return (max(1, min(38, whole + scale)), scale)


def micros(text):
    return (datetime.datetime.fromisoformat(text) - EPOCH) // datetime.timedelta(microseconds=1)


COLUMNS = [
    Node("i", INT32_T, 7), Node("l", INT64_T, -3), Node("n", INT64_T, None), Node("big", INT64_T, 2 ** 63 - 1),
    Node('"two words"', INT64_T, 2),
    Node("d", (10, 2), 1234), Node("e", (10, 2), -5), Node("w", (38, 0), DIGITS - 1),
    Node("f", DOUBLE, 2.5), Node("nan", DOUBLE, math.nan), Node("inf", DOUBLE, math.inf), Node("zero", DOUBLE, 0.0),
    Node("-r", DOUBLE, -0.5),
    Node("s", STRING, "Abc"), Node("u", STRING, "Äé ж_ß"), Node("x", STRING, None), Node("blank", STRING, ""),
    Node("b", BOOL, True),
    Node("day", DATE, micros("2001-09-09") // DAY_US),
    Node("t", TIMESTAMP, micros("2001-09-09T01:46:40.500000")), Node("old", TIMESTAMP, micros("1969-12-31T23:59:59")),
]


def round_half_away(number):
    """A fraction to the whole number that is nearest, of two the one away from zero."""
    up = math.floor(abs(number) + fractions.Fraction(1, 2))
    return up if number >= 0 else -up


def other_case(c, upper):
    """A letter of the four scripts below U+2000 whose only counterpart has it as its own, in as many bytes; else itself."""
    other = c.upper() if upper else c.lower()
    back = other.lower() if upper else other.upper()
    script = unicodedata.name(c, "").split(" ")[0]
    fits = len(other) == 1 and back == c and len(other.encode()) == len(c.encode()) and ord(c) < 0x2000
    return other if fits and script in ("LATIN", "GREEK", "CYRILLIC", "ARMENIAN") else c


def fit_digits(unscaled):
    return unscaled if unscaled is not None and -DIGITS < unscaled < DIGITS else None


def fit_int64(whole):
    return whole if whole is not None and -(2 ** 63) <= whole < 2 ** 63 else None


def compare(a, b):
    """-1, 0, 1 of two values that are not null. Numbers with a double among them are compared as doubles."""
    x, y = a.value, b.value
    if DOUBLE in (a.kind, b.kind):
        x, y = a.real, b.real
        if math.isnan(x) or math.isnan(y):
            return math.isnan(x) - math.isnan(y)
    elif a.decimal or b.decimal:
        x, y = a.exact, b.exact
    elif a.kind == STRING:
        x, y = x.encode(), y.encode()
    elif a.kind != b.kind and DATE in (a.kind, b.kind):
        x, y = (v * DAY_US if k == DATE else v for v, k in ((x, a.kind), (y, b.kind)))
    return (x > y) - (x < y)


def common(nodes):
    """The type that all of them are brought to, and how."""
    kinds = {node.kind for node in nodes}
    if len(kinds) == 1:
        return nodes[0].kind, lambda node: node.value
    if DOUBLE in kinds:
        return DOUBLE, lambda node: None if node.value is None else node.real
    if TIMESTAMP in kinds:
        return TIMESTAMP, lambda node: node.value if node.kind == TIMESTAMP or node.value is None else node.value * DAY_US
    if not any(node.decimal for node in nodes):
        return INT64_T, lambda node: node.value
    kind = nodes[0].kind
    for node in nodes[1:]:
        left = Node("", kind, 0)
        if kind == node.kind:
            continue
        kind = decimal_kind(max(left.whole_digits, node.whole_digits), max(left.scale, node.scale)) \
            if left.decimal or node.decimal else INT64_T
    return kind, lambda node: None if node.value is None else fit_digits(node.value * 10 ** (kind[1] - node.scale))


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)

    # ---- leaves ----

    def column(self, *kinds):
        return self.random.choice([c for c in COLUMNS if c.kind in kinds or ("decimal" in kinds and c.decimal)])

    def whole_literal(self):
        value = self.random.choice([0, 1, 2, 3, 5, 7, 10, 60, 999, 2 ** 31, 2 ** 53 + 1, 2 ** 63 - 1, self.random.randrange(100)])
        return Node(str(value), INT64_T, value)

    def decimal_literal(self):
        scale = self.random.randint(1, 6)
        unscaled = self.random.choice([0, 1, 5, 15, 25, 49, 50, 51, 995, 12345, 10 ** 12 - 1])
        text = str(unscaled).rjust(scale + 1, "0")
        return Node(f"{text[:-scale]}.{text[-scale:]}", (max(len(str(unscaled)), scale), scale), unscaled)

    def double_literal(self):
        value = self.random.choice([0.0, 0.5, 1.5, 2.0, 0.1, 1e15, 1e300, 2.5e-5, 4.0])
        return Node(f"{value:e}" if value in (0.0, 0.5, 1.5, 2.0, 4.0) else repr(value) + ("" if "e" in repr(value) else "e0"), DOUBLE, value)

    def text_literal(self):
        value = self.random.choice(["", "a", "Abc", "abc", "it's", "x_y", "ЖΩé", "100%", "  b ", self.letters_of_all_scripts()])
        return Node("'" + value.replace("'", "''") + "'", STRING, value)

    def letters_of_all_scripts(self):
        points = [self.random.randrange(*self.random.choice([(0xC0, 0x1000), (0xC0, 0x590), (0x1E00, 0x2000), (0x2C00, 0xA800)]))
                  for _ in range(self.random.randint(1, 8))]
        return "".join(c for c in map(chr, points) if unicodedata.category(c)[0] == "L")

    def time_leaf(self):
        if self.random.random() < 0.6:
            return self.column(DATE, TIMESTAMP)
        day = datetime.date(1600, 1, 1) + datetime.timedelta(self.random.randrange(200000))
        days = (day - EPOCH.date()).days
        if self.random.random() < 0.5:
            return Node(f"DATE '{day}'", DATE, days)
        seconds = self.random.randrange(86400)
        clock = datetime.time(seconds // 3600, seconds // 60 % 60, seconds % 60)
        return Node(f"TIMESTAMP '{day} {clock}'", TIMESTAMP, days * DAY_US + seconds * 10 ** 6)

    # ---- numbers ----

    def number(self, depth):
        if depth == 0 or self.random.random() < 0.15:
            return self.random.choice([lambda: self.column(INT32_T, INT64_T), lambda: self.column("decimal"),
                                       lambda: self.column(DOUBLE), self.whole_literal, self.decimal_literal, self.double_literal])()
        return self.random.choice([self.arithmetic] * 4 + [self.negative, self.rounded, self.of_real, self.cast_number,
                                                           self.choice_of_numbers, self.clip, self.bucketize, self.length,
                                                           self.part_of_time])(depth - 1)

    def negative(self, depth):
        a = self.number(depth)
        kind = INT64_T if a.kind == INT32_T else a.kind
        value = None if a.value is None else -a.value
        return Node(f"-({a.text})", kind, fit_int64(value) if kind == INT64_T else value)

    def arithmetic(self, depth):
        op, a, b = self.random.choice("+-*/%"), self.number(depth), self.number(depth)
        text = f"({a.text} {op} {b.text})"
        null = a.value is None or b.value is None
        if op == "/" or DOUBLE in (a.kind, b.kind):
            return Node(text, DOUBLE, None if null else self.real_operation(op, a.real, b.real))
        if not a.decimal and not b.decimal:
            value = None if null else self.whole_operation(op, a.value, b.value)
            return Node(text, INT64_T, fit_int64(value))
        if op == "*":
            if a.scale + b.scale > 38:
                return a
            kind = decimal_kind(a.whole_digits + b.whole_digits, a.scale + b.scale)
            return Node(text, kind, None if null else fit_digits(a.value * b.value))
        scale = max(a.scale, b.scale)
        kind = decimal_kind(max(a.whole_digits, b.whole_digits) + 1, scale)
        if null:
            return Node(text, kind, None)
        x, y = (fit_digits(n.value * 10 ** (scale - n.scale)) for n in (a, b))
        return Node(text, kind, None if None in (x, y) else fit_digits(self.whole_operation(op, x, y)))

    @staticmethod
    def whole_operation(op, x, y):
        if op == "%":
            return None if y == 0 else int(math.copysign(1, x)) * (abs(x) % abs(y))
        return {"+": x + y, "-": x - y, "*": x * y}[op]

    @staticmethod
    def real_operation(op, x, y):
        finite = math.isfinite(x) and math.isfinite(y)
        if op in "/%" and y == 0:
            return None
        if op == "%":
            value = math.nan if math.isnan(x) or math.isnan(y) or math.isinf(x) else math.fmod(x, y)
        elif op == "/":
            value = x / y
        else:
            value = {"+": x + y, "-": x - y, "*": x * y}[op]
        return None if finite and not math.isfinite(value) else value

    def rounded(self, depth):
        a, name = self.number(depth), self.random.choice(["abs", "floor", "ceil", "round"])
        digits = self.random.choice([0, 0, 1, 2, 5]) if name == "round" and a.kind != DOUBLE else 0
        text = f"{name}({a.text}" + (f", {digits})" if digits else ")")
        if a.kind == DOUBLE:
            return Node(text, DOUBLE, None if a.value is None else self.round_real(name, a.value))
        if not a.decimal:
            value = abs(a.value) if a.value is not None and name == "abs" else a.value
            return Node(text, INT64_T, fit_int64(value))
        if name == "abs" or digits >= a.scale:
            value = abs(a.value) if a.value is not None and name == "abs" else a.value
            return Node(text, a.kind, value)
        kind = decimal_kind(a.whole_digits + 1, digits)
        if a.value is None:
            return Node(text, kind, None)
        how = {"floor": math.floor, "ceil": math.ceil, "round": round_half_away}[name]
        return Node(text, kind, how(a.exact * 10 ** digits))

    @staticmethod
    def round_real(name, x):
        if name == "abs":
            return abs(x)
        if not math.isfinite(x):
            return x
        how = {"floor": math.floor, "ceil": math.ceil, "round": round_half_away}[name]
        return math.copysign(float(how(fractions.Fraction(x))), x)

    def of_real(self, depth):
        a, name = self.number(depth), self.random.choice(["sqrt", "exp", "ln", "log10"])
        text = f"{name}({a.text})"
        if a.value is None or (name in ("ln", "log10") and a.real <= 0) or (name == "sqrt" and a.real < 0):
            return Node(text, DOUBLE, None)
        try:
            value = {"sqrt": math.sqrt, "exp": math.exp, "ln": math.log, "log10": math.log10}[name](a.real)
        except OverflowError:
            value = None
        return Node(text, DOUBLE, value)

    def cast_number(self, depth):
        a = self.number(depth) if self.random.random() < 0.8 else self.condition(depth)
        kind = self.random.choice([INT32_T, INT64_T, DOUBLE, "decimal"])
        if kind == "decimal":
            precision = self.random.choice([1, 5, 10, 18, 38])
            kind = (precision, self.random.randint(0, precision))
        name = kind if isinstance(kind, str) else f"decimal({kind[0]},{kind[1]})"
        text = f"cast({a.text} AS {name})"
        if a.kind == BOOL:
            a = Node("", INT64_T, None if a.value is None else int(a.value))
        if a.value is None:
            return Node(text, kind, None)
        if kind == DOUBLE:
            return Node(text, kind, a.real)
        if a.kind == DOUBLE and not math.isfinite(a.value):
            return Node(text, kind, None)
        exact = fractions.Fraction(a.value) if a.kind == DOUBLE else a.exact
        if isinstance(kind, tuple):
            value = round_half_away(exact * 10 ** kind[1])
            return Node(text, kind, value if abs(value) < 10 ** kind[0] else None)
        value = round_half_away(exact)
        bound = 2 ** 31 if kind == INT32_T else 2 ** 63
        return Node(text, kind, value if -bound <= value < bound else None)

    # ---- choices ----

    def chosen(self, nodes, text, pick):
        """A choice among nodes: what `pick` takes of their values in the common type."""
        kind, bring = common(nodes)
        return Node(text, kind, pick([Node("", kind, bring(node)) for node in nodes]))

    @staticmethod
    def extreme(sign):
        def pick(nodes):
            best = None
            for node in nodes:
                if node.value is not None and (best is None or compare(node, best) * sign > 0):
                    best = node
            return best.value if best else None
        return pick

    def choice(self, make, depth):
        nodes = [make(depth) for _ in range(self.random.randint(2, 3))]
        kind = self.random.choice(["coalesce", "least", "greatest", "if", "case", "switch"])
        listed = ", ".join(node.text for node in nodes)
        if kind == "coalesce":
            return self.chosen(nodes, f"coalesce({listed})", lambda v: next((n.value for n in v if n.value is not None), None))
        if kind in ("least", "greatest"):
            return self.chosen(nodes, f"{kind}({listed})", self.extreme(-1 if kind == "least" else 1))
        a, b = nodes[:2]
        if kind == "switch":
            looked, when = self.number(0), self.number(0)
            hit = looked.value is not None and when.value is not None and compare(looked, when) == 0
            return self.chosen([a, b], f"CASE {looked.text} WHEN {when.text} THEN {a.text} ELSE {b.text} END",
                               lambda v: v[0 if hit else 1].value)
        condition = self.condition(depth)
        text = f"if({condition.text}, {a.text}, {b.text})" if kind == "if" else \
            f"CASE WHEN {condition.text} THEN {a.text} ELSE {b.text} END"
        return self.chosen([a, b], text, lambda v: v[0 if condition.value else 1].value)

    def choice_of_numbers(self, depth):
        return self.choice(self.number, depth)

    def clip(self, depth):
        nodes = [self.number(depth) for _ in range(3)]

        def pick(values):
            x, low, high = values
            if None in (x.value, low.value, high.value) or compare(low, high) > 0:
                return None
            return low.value if compare(x, low) < 0 else high.value if compare(x, high) > 0 else x.value
        return self.chosen(nodes, f"clip({', '.join(n.text for n in nodes)})", pick)

    def bucketize(self, depth):
        a = self.number(depth)
        bounds = sorted((self.whole_literal() for _ in range(self.random.randint(1, 4))), key=lambda b: b.value)
        value = None if a.value is None else sum(compare(bound, a) <= 0 for bound in bounds)
        return Node(f"bucketize({a.text}, [{', '.join(b.text for b in bounds)}])", INT64_T, value)

    # ---- text and time ----

    def length(self, depth):
        a = self.words(depth)
        return Node(f"length({a.text})", INT64_T, None if a.value is None else len(a.value))

    def words(self, depth):
        if depth == 0 or self.random.random() < 0.2:
            return self.random.choice([lambda: self.column(STRING), self.text_literal])()
        return self.random.choice([self.letters, self.concat, self.substr, self.printed,
                                   lambda d: self.choice(self.words, d)])(depth - 1)

    def letters(self, depth):
        a, upper = self.words(depth), self.random.random() < 0.5
        value = None if a.value is None else "".join(other_case(c, upper) for c in a.value)
        return Node(f"{'upper' if upper else 'lower'}({a.text})", STRING, value)

    def concat(self, depth):
        nodes = [self.words(depth) for _ in range(self.random.randint(1, 3))]
        value = None if any(n.value is None for n in nodes) else "".join(n.value for n in nodes)
        return Node(f"concat({', '.join(n.text for n in nodes)})", STRING, value)

    def substr(self, depth):
        a, first, count = self.words(depth), self.random.randint(-1, 6), self.random.choice([None, -1, 0, 1, 2, 99])
        text = f"substr({a.text}, {first}" + ("" if count is None else f", {count}") + ")"
        if a.value is None or first < 1 or (count is not None and count < 0):
            return Node(text, STRING, None)
        return Node(text, STRING, a.value[first - 1:][:len(a.value) if count is None else count])

    def printed(self, depth):
        a = self.number(depth)
        if a.kind == DOUBLE:
            a = self.column(INT64_T, "decimal")
        value = None
        if a.value is not None:
            digits = str(abs(a.value)).rjust(a.scale + 1, "0")
            digits = digits[:len(digits) - a.scale] + ("." + digits[-a.scale:] if a.scale else "")
            value = ("-" if a.value < 0 else "") + digits
        return Node(f"cast({a.text} AS string)", STRING, value)

    def moment(self, depth):
        if depth == 0 or self.random.random() < 0.5:
            return self.time_leaf()
        if self.random.random() < 0.5:
            return self.choice(self.moment, depth - 1)
        a, kind = self.moment(depth - 1), self.random.choice([DATE, TIMESTAMP])
        value = a.value
        if value is not None and a.kind != kind:
            value = value // DAY_US if kind == DATE else value * DAY_US
        return Node(f"cast({a.text} AS {kind})", kind, value)

    def part_of_time(self, depth):
        a, part = self.moment(depth), self.random.choice("year month day hour minute day_of_week".split())
        value = None
        if a.value is not None:
            at = EPOCH + datetime.timedelta(microseconds=a.value * (DAY_US if a.kind == DATE else 1))
            value = at.isoweekday() if part == "day_of_week" else getattr(at, part)
        return Node(f"{part}({a.text})", INT64_T, value)

    # ---- conditions ----

    def condition(self, depth):
        if depth == 0:
            return self.random.choice([self.column(BOOL), Node("TRUE", BOOL, True), Node("false", BOOL, False)])
        return self.random.choice([self.comparison, self.comparison, self.listed, self.between, self.like, self.is_null,
                                   self.logic, self.logic, self.negation])(depth - 1)

    def pair(self, depth, count=2):
        make = self.random.choice([self.number, self.number, self.words, self.moment])
        return [make(depth) for _ in range(count)]

    def comparison(self, depth):
        a, b = self.pair(depth)
        op = self.random.choice(["=", "<>", "<", "<=", ">", ">="])
        value = None
        if a.value is not None and b.value is not None:
            order = compare(a, b)
            value = {"=": order == 0, "<>": order != 0, "<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[op]
        return Node(f"({a.text} {op} {b.text})", BOOL, value)

    def listed(self, depth):
        a, *items = self.pair(depth, self.random.randint(2, 4))
        value = None
        if a.value is not None:
            value = True if any(i.value is not None and compare(a, i) == 0 for i in items) else \
                None if any(i.value is None for i in items) else False
        negated = self.random.random() < 0.4
        text = f"({a.text} {'NOT ' if negated else ''}IN ({', '.join(i.text for i in items)}))"
        return Node(text, BOOL, value if value is None or not negated else not value)

    @staticmethod
    def both(x, y):
        return False if x is False or y is False else None if x is None or y is None else True

    def between(self, depth):
        a, low, high = self.pair(depth, 3)
        at_least = None if a.value is None or low.value is None else compare(a, low) >= 0
        at_most = None if a.value is None or high.value is None else compare(a, high) <= 0
        return Node(f"({a.text} BETWEEN {low.text} AND {high.text})", BOOL, self.both(at_least, at_most))

    def like(self, depth):
        a = self.words(depth)
        pattern = "".join(self.random.choice(["%", "_", "A", "b", "c", "é", " ", "ж"]) for _ in range(self.random.randint(0, 5)))
        value = None
        if a.value is not None:
            regular = "".join(".*" if c == "%" else "." if c == "_" else re.escape(c) for c in pattern)
            value = re.fullmatch(regular, a.value, re.S) is not None
        return Node(f"({a.text} LIKE '{pattern}')", BOOL, value)

    def is_null(self, depth):
        a, = self.pair(depth, 1)
        negated = self.random.random() < 0.5
        return Node(f"({a.text} IS {'NOT ' if negated else ''}NULL)", BOOL, (a.value is None) != negated)

    def logic(self, depth):
        a, b = self.condition(depth), self.condition(depth)
        if self.random.random() < 0.5:
            return Node(f"({a.text} AND {b.text})", BOOL, self.both(a.value, b.value))
        value = True if a.value or b.value else None if a.value is None or b.value is None else False
        return Node(f"({a.text} OR {b.text})", BOOL, value)

    def negation(self, depth):
        a = self.condition(depth)
        return Node(f"NOT ({a.text})", BOOL, None if a.value is None else not a.value)


def shown(node):
    """As floe prints it; a double in any spelling that reads back to its bits."""
    kind = f"decimal({node.kind[0]},{node.kind[1]})" if node.decimal else node.kind
    value = node.value
    if value is None:
        return f"{kind} null"
    if node.decimal:
        digits = str(abs(value)).rjust(node.scale + 1, "0")
        value = ("-" if value < 0 else "") + digits[:len(digits) - node.scale] + ("." + digits[-node.scale:] if node.scale else "")
    elif kind == BOOL:
        value = "true" if value else "false"
    elif kind == DOUBLE:
        value = float.hex(value) if math.isfinite(value) else str(value)
    elif kind == DATE:
        value = EPOCH.date() + datetime.timedelta(value)
    elif kind == TIMESTAMP:
        at = EPOCH + datetime.timedelta(microseconds=value)
        parts = f".{at.microsecond:06}" if at.microsecond % 1000 else f".{at.microsecond // 1000:03}" if at.microsecond else ""
        value = at.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0") + parts + "Z"
    return f"{kind} {value}"


def main():
    maker = Maker(int(sys.argv[1]))
    made = 0
    while made < int(sys.argv[2]):
        make = maker.random.choice([maker.number, maker.number, maker.words, maker.moment, maker.condition, maker.condition])
        node = make(maker.random.randint(1, 4))
        line = f"{node.text} => {shown(node)}"
        if len(line.encode()) < 900:
            print(line)
            made += 1


if __name__ == "__main__":
    main()
