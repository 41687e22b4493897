#!/usr/bin/env python3
"""Makes vector/embed/unicode_class.c, unicode_nfd.c and unicode_lower.c: what BERT's tokenizer knows about characters.

Usage: tools/unicode_tables.py OUT_FOLDER    needs the PyPI package tokenizers (made with 0.23.3) and Python >= 3.11

The reference implementation mixes Unicode versions: its categories are those of Unicode 8, its decompositions those of 12, its
lower case that of 16. A model's vocabulary is reached only by the very same reading, so the tables are taken from the reference
itself, one code point at a time. Only the canonical combining classes come from Python's unicodedata, and each of them is
checked against the order in which the reference puts two marks.
"""
import os
import sys
import unicodedata

import tokenizers
from tokenizers.normalizers import NFD, BertNormalizer, Lowercase
from tokenizers.pre_tokenizers import BertPreTokenizer

OFF = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
clean = BertNormalizer(**{**OFF, "clean_text": True}).normalize_str
chinese = BertNormalizer(**{**OFF, "handle_chinese_chars": True}).normalize_str
strip = BertNormalizer(**{**OFF, "strip_accents": True}).normalize_str
nfd = NFD().normalize_str
lower = Lowercase().normalize_str
split = BertPreTokenizer().pre_tokenize_str

HEAD = """/*
 * %s
 * Made by tools/unicode_tables.py from the reference tokenizer (PyPI tokenizers %s); do not edit.
 */
#include "vector/embed/unicode_int.h"

"""


def points():
    for code in range(0x110000):
        if not 0xD800 <= code <= 0xDFFF:
            yield code, chr(code)


def ranges(codes):
    out = []
    for code in codes:
        if out and out[-1][1] == code - 1:
            out[-1][1] = code
        else:
            out.append([code, code])
    return out


def marks():
    """Code points that are stripped, and the combining classes of all that have one here, as the reference sees them."""
    stripped, classes = [], {}
    for code, char in points():
        if nfd(char) == char:
            if strip(char) == "":
                stripped.append(code)
            if unicodedata.combining(char):
                classes[code] = unicodedata.combining(char)
    # A mark that never moves before one of a lower class, nor lets one of a higher class move, has no class in the reference.
    by_class = {}
    for code, value in classes.items():
        by_class.setdefault(value, code)
    low, high = by_class[1], by_class[240]
    known = {}
    for code, value in classes.items():
        if value > 1:
            moves = nfd(chr(code) + chr(low)) == chr(low) + chr(code)
        else:
            moves = nfd(chr(high) + chr(code)) == chr(code) + chr(high)
        if moves:
            known[code] = value
    for code, value in known.items():
        for other_value, other in by_class.items():
            if other not in known:
                continue
            pair = chr(code) + chr(other)
            expected = pair if value <= other_value else pair[::-1]
            assert nfd(pair) == expected, (hex(code), hex(other))
    return stripped, known


def print_ranges(file, name, items):
    file.write("static const floe_unicode_range %s[] = {\n    " % name)
    file.write(", ".join("{0x%X, 0x%X}" % (a, b) for a, b in items) + "};\n\n")


def print_classes(folder):
    sets = {name: [] for name in ("removed", "space", "punctuation", "chinese")}
    for code, char in points():
        result = clean("a" + char + "b")
        assert result in ("ab", "a b", "a" + char + "b"), hex(code)
        if result == "ab":
            sets["removed"].append(code)
        elif result == "a b":
            sets["space"].append(code)
        words = [word for word, _ in split("a" + char + "b")]
        if words == ["a", char, "b"]:
            sets["punctuation"].append(code)
        if chinese(char) == " " + char + " ":
            sets["chinese"].append(code)
    stripped, classes = marks()
    sets["stripped"] = stripped
    # A mark of class 0 that is stripped still keeps the marks around it apart.
    barrier = [code for code in stripped if code not in classes]
    sets["barrier"] = barrier
    ordered = {code: value for code, value in classes.items() if code not in set(stripped)}
    with open(os.path.join(folder, "unicode_class.c"), "w", encoding="utf-8") as file:
        file.write(HEAD % ("Which characters are removed, are white space, punctuation, Chinese, or marks.", tokenizers.__version__))
        for name, codes in sets.items():
            print_ranges(file, name, ranges(codes))
        file.write("static const floe_unicode_pair ordered[] = {\n    ")
        file.write(", ".join("{0x%X, %d}" % item for item in sorted(ordered.items())) + "};\n\n")
        file.write("#define SET(name) {name, sizeof(name) / sizeof(name[0])}\n\n")
        for name in sets:
            file.write("const floe_unicode_set floe_unicode_%s = SET(%s);\n" % (name, name))
        file.write("const floe_unicode_pairs floe_unicode_ordered = SET(ordered);\n")


def shifts(lowered):
    """Runs (first, last, step, distance) of characters whose lower case is equally far, every one or every second of them."""
    runs = []
    for code, parts in sorted(lowered.items()):
        distance = parts[0] - code
        if runs:
            first, last, step, old = runs[-1]
            gap = code - last
            if old == distance and gap in (1, 2) and (first == last or gap == step):
                runs[-1] = (first, code, gap, old)
                continue
        runs.append((code, code, 1, distance))
    return runs


def print_maps(folder):
    decomposed, lowered = {}, {}
    for code, char in points():
        if nfd(char) != char and not 0xAC00 <= code <= 0xD7A3:
            decomposed[code] = [ord(c) for c in nfd(char)]
        if lower(char) != char:
            lowered[code] = [ord(c) for c in lower(char)]
    assert max(len(v) for v in decomposed.values()) <= 4
    # One lower case of two characters is the only one there is: I with a dot above.
    assert {k: v for k, v in lowered.items() if len(v) > 1} == {0x130: [0x69, 0x307]}
    lowered.pop(0x130)
    with open(os.path.join(folder, "unicode_nfd.c"), "w", encoding="utf-8") as file:
        file.write(HEAD % ("Full canonical decompositions, by character; those of Hangul are computed.", tokenizers.__version__))
        pool, index = [], []
        for code, parts in decomposed.items():
            index.append("{0x%X, %d}" % (code, len(pool) << 3 | len(parts)))
            pool += parts
        file.write("static const floe_unicode_pair decomposed[] = {\n    " + ", ".join(index) + "};\n\n")
        file.write("const uint32_t floe_unicode_parts[] = {\n    " + ", ".join("0x%X" % c for c in pool) + "};\n\n")
        file.write("const floe_unicode_pairs floe_unicode_decomposed = {decomposed, sizeof(decomposed) / sizeof(decomposed[0])};\n")
    with open(os.path.join(folder, "unicode_lower.c"), "w", encoding="utf-8") as file:
        file.write(HEAD % ("Lower case of single characters, as runs of equal distance.", tokenizers.__version__))
        file.write("static const floe_unicode_shift lowered[] = {\n    ")
        file.write(", ".join("{0x%X, 0x%X, %d, %d}" % run for run in shifts(lowered)) + "};\n\n")
        file.write("const floe_unicode_shifts floe_unicode_lowered = {lowered, sizeof(lowered) / sizeof(lowered[0])};\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: tools/unicode_tables.py OUT_FOLDER")
    print_classes(sys.argv[1])
    print_maps(sys.argv[1])
