"""The content hash of a training set, computed a second time from the rule that offline/dataset/content/hash.c writes down, with
hashes of our own: SHA-256 by hashlib, XXH64 from its specification. So the hash is a format, not what this version happens
to give: it must be the same on every version, or no dataset can be proved to be built again."""
import datetime
import hashlib
import math
import os
import struct
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from dataset_support import Project, entity, source, view  # noqa: E402

MASK = (1 << 64) - 1
P1, P2, P3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
P4, P5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
EPOCH = datetime.datetime(1970, 1, 1)


def turn(value, bits):
    return ((value << bits) | (value >> (64 - bits))) & MASK


def lane(state, word):
    return turn((state + word * P2) & MASK, 31) * P1 & MASK


def xxh64(data, seed=0):
    """doc/xxhash_spec.md of Cyan4973/xxHash."""
    at, size = 0, len(data)
    if size >= 32:
        lanes = [(seed + P1 + P2) & MASK, (seed + P2) & MASK, seed, (seed - P1) & MASK]
        while at + 32 <= size:
            lanes = [lane(state, word) for state, word in zip(lanes, struct.unpack_from("<4Q", data, at))]
            at += 32
        result = sum(turn(state, bits) for state, bits in zip(lanes, (1, 7, 12, 18))) & MASK
        for state in lanes:
            result = ((result ^ lane(0, state)) * P1 + P4) & MASK
    else:
        result = (seed + P5) & MASK
    result = (result + size) & MASK
    for width, code in ((8, "<Q"), (4, "<I")):
        while at + width <= size and (width == 8 or at + 8 > size):
            word, = struct.unpack_from(code, data, at)
            if width == 8:
                result = (turn(result ^ lane(0, word), 27) * P1 + P4) & MASK
            else:
                result = (turn(result ^ (word * P1 & MASK), 23) * P2 + P3) & MASK
            at += width
    for byte in data[at:]:
        result = turn(result ^ (byte * P5 & MASK), 11) * P1 & MASK
    for bits, factor in ((33, P2), (29, P3), (32, None)):
        result ^= result >> bits
        result = result if factor is None else result * factor & MASK
    return result


def cell(kind, value):
    if value is None:
        return b"\x00"
    if kind == "string":
        text = value.encode()
        return b"\x01" + struct.pack("<I", len(text)) + text
    if kind == "double":
        return b"\x01" + (struct.pack("<Q", 0x7FF8000000000000) if math.isnan(value) else struct.pack("<d", value or 0.0))
    if kind == "timestamp":
        value = (value - EPOCH) // datetime.timedelta(microseconds=1)
    if kind == "date":
        value = (value - EPOCH.date()).days
    if kind.startswith("decimal"):
        return b"\x01" + int(value.scaleb(int(kind[:-1].split(",")[1]))).to_bytes(16, "little", signed=True)
    return b"\x01" + struct.pack("<q", int(value))


def content_hash(columns, rows):
    sha = hashlib.sha256()
    for name, kind in columns:
        sha.update(name.encode() + b"\x00" + kind.encode() + b"\x00")
    for first in range(0, len(rows), 1024):
        for c, (_, kind) in enumerate(columns):
            cells = b"".join(cell(kind, row[c]) for row in rows[first:first + 1024])
            for seed in (0, 1):
                sha.update(struct.pack("<Q", xxh64(cells, seed)))
    sha.update(struct.pack("<Q", len(rows)))
    return sha.hexdigest()


class Hashes(unittest.TestCase):
    def test_xxh64__gives_the_published_values(self):
        """tests/sanity_test_vectors.h of Cyan4973/xxHash, and the specification's own examples."""
        self.assertEqual(xxh64(b""), 0xEF46DB3751D8E999)
        self.assertEqual(xxh64(b"a"), 0xD24EC4F1A98C6E5B)
        self.assertEqual(xxh64(b"abc"), 0x44BC2CF5AD770999)
        self.assertEqual(xxh64(b"Nobody inspects the spammish repetition"), 0xFBCEA83C8A378BF1)

    def test_hash__is_the_rule_of_the_format(self):
        spine = """SELECT CASE WHEN i % 5 > 0 THEN 'k' || (i % 4) END AS k, TIMESTAMP '2020-01-01' + to_minutes(i) AS t,
            CASE WHEN i % 7 > 0 THEN i::INTEGER END AS whole, i % 3 = 0 AS truth,
            CASE i % 4 WHEN 0 THEN 'NaN'::DOUBLE WHEN 1 THEN -0.0::DOUBLE WHEN 2 THEN i / 3 END AS real,
            DATE '1969-12-30' + (i % 5)::INTEGER AS day, ((i - 1000) / 100)::DECIMAL(20,2) AS money
            FROM range(COUNT) r(i)"""
        events = "SELECT 'k' || (i % 4) AS k, TIMESTAMP '2020-01-01' + to_minutes(i * 3) AS ts, i::BIGINT AS v FROM range(500) r(i)"
        columns = [("k", "string"), ("t", "timestamp"), ("whole", "int32"), ("truth", "bool"), ("real", "double"),
                   ("day", "date"), ("money", "decimal(20,2)"), ("v__last", "int64"), ("v__v_mean_1h", "double")]
        with Project() as project:
            project.table("events", events)
            project.define(entity() + source() + "feature_views:\n" +
                           view("{name: last, column: v}", "{column: v, functions: [mean], windows: [1h]}"))
            for count in (0, 1, 1023, 1024, 1025, 3000):  # A stretch is 1,024 rows.
                project.file("s.parquet", spine.replace("COUNT", str(count)))
                facts = project.build(spine="s.parquet", features="v")
                rows = project.rows("SELECT * FROM '$D/out.parquet'")
                self.assertEqual(facts["content_hash"], content_hash(columns, rows), f"{count} rows")
                manifest = project.manifest(facts["id"])
                self.assertEqual(manifest["spine"]["content_hash"], content_hash(columns[:7], [row[:7] for row in rows]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
