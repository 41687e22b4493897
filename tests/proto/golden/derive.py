"""Derives the golden bytes of proto/FORMATS.md from its text alone, without floe: python3 derive.py [folder] writes
key-1.hex, row-1.hex, state-1.hex and state-2.hex there. Each line is a name and bytes in hex."""
import os
import struct
import sys

MASK = (1 << 64) - 1
P1, P2, P3, P4, P5 = (11400714785074694791, 14029467366897019727, 1609587929392839161, 9650029242287828579,
                      2870177450012600261)


def rotl(value, bits):
    return ((value << bits) | (value >> (64 - bits))) & MASK


def xxh64(data, seed=0):
    """XXH64 as github.com/Cyan4973/xxHash, doc/xxhash_spec.md, describes it."""
    def lane(acc, word):
        return rotl((acc + word * P2) & MASK, 31) * P1 & MASK
    at = 0
    if len(data) >= 32:
        accs = [(seed + P1 + P2) & MASK, (seed + P2) & MASK, seed, (seed - P1) & MASK]
        while len(data) - at >= 32:
            for i, word in enumerate(struct.unpack_from("<4Q", data, at)):
                accs[i] = lane(accs[i], word)
            at += 32
        acc = sum(rotl(a, n) for a, n in zip(accs, (1, 7, 12, 18))) & MASK
        for a in accs:
            acc = ((acc ^ lane(0, a)) * P1 + P4) & MASK
    else:
        acc = (seed + P5) & MASK
    acc = (acc + len(data)) & MASK
    while len(data) - at >= 8:
        acc = (rotl(acc ^ lane(0, struct.unpack_from("<Q", data, at)[0]), 27) * P1 + P4) & MASK
        at += 8
    if len(data) - at >= 4:
        acc = (rotl(acc ^ (struct.unpack_from("<I", data, at)[0] * P1 & MASK), 23) * P2 + P3) & MASK
        at += 4
    for byte in data[at:]:
        acc = rotl(acc ^ (byte * P5 & MASK), 11) * P1 & MASK
    acc = (acc ^ (acc >> 33)) * P2 & MASK
    acc = (acc ^ (acc >> 29)) * P3 & MASK
    return acc ^ (acc >> 32)


def varint(number):
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def text(value):
    return varint(len(value)) + value


BOOL, INT32, INT64, FLOAT, DOUBLE, STRING, BYTES, DATE, TIMESTAMP, DECIMAL, LIST = range(1, 12)
PACK = {BOOL: "<?", INT32: "<i", INT64: "<q", FLOAT: "<f", DOUBLE: "<d", DATE: "<i", TIMESTAMP: "<q"}


def fixed(kind, value):
    if kind == DECIMAL:
        return value.to_bytes(16, "little", signed=True)
    return struct.pack(PACK[kind], value)


def width(kind):
    return 0 if kind in (STRING, BYTES, LIST) else 16 if kind == DECIMAL else struct.calcsize(PACK[kind])


def type_bytes(kind, element=0, precision=0, scale=0):
    return bytes([kind, element, precision, scale])


def key(*parts):
    out = bytes([1]) + varint(len(parts))
    for kind, value, *decimal in parts:
        body = value if kind in (STRING, BYTES) else bytes(decimal) + fixed(kind, value)
        out += bytes([kind]) + varint(len(body)) + body
    return out


def ordered(micros):
    return (micros + (1 << 63)).to_bytes(8, "big")


def null_bits(values):
    bits = bytearray((len(values) + 7) // 8)
    for i, value in enumerate(values):
        if value is None:
            bits[i // 8] |= 1 << i % 8
    return bytes(bits)


def list_bytes(element, items):
    out = varint(len(items)) + null_bits(items)
    for item in items:
        if width(element):
            out += bytes(width(element)) if item is None else fixed(element, item)
        else:
            out += text(item or b"")
    return out


def body(columns):
    types = b"".join(type_bytes(*kind) for kind, _ in columns)
    slots, variable = b"", b""
    for (kind, *more), value in columns:
        if width(kind):
            slots += bytes(width(kind)) if value is None else fixed(kind, value)
            continue
        if value is not None:
            variable += list_bytes(more[0], value) if kind == LIST else value
        slots += struct.pack("<I", len(variable))
    check = xxh64(types) & 0xFFFFFFFF
    return struct.pack("<IH", check, len(columns)) + null_bits([v for _, v in columns]) + slots + variable


def row(flags, event, created, end, content):
    return bytes([1, flags]) + ordered(event) + ordered(created) + ordered(end) + content


def zstd_stored(content):
    """A zstd frame of one raw block: single segment, content size in 2 bytes (RFC 8878, 3.1.1)."""
    assert 256 <= len(content) < 65536 + 256
    return (b"\x28\xb5\x2f\xfd\x60" + struct.pack("<H", len(content) - 256)
            + (len(content) << 3 | 1).to_bytes(3, "little") + content)


def generation(ident, aggregates, fingerprint, as_of, entity, before, keys, outputs):
    out = struct.pack("<QQQq", ident, aggregates, fingerprint, as_of) + text(entity) + bytes([before])
    out += varint(len(keys)) + b"".join(text(n) + type_bytes(*t) for n, t in keys)
    return out + varint(len(outputs)) + b"".join(text(n) + bytes([a]) + type_bytes(*t) for n, a, t in outputs)


def meant(old, rows, *outputs):
    """A generation of format 2: one of format 1, and what its rows and each of its outputs mean."""
    return old + struct.pack("<Q", rows) + b"".join(struct.pack("<Q", each) for each in outputs)


NULL_CREATED, NEVER = -(1 << 63), (1 << 63) - 1

KEYS = {
    "a_bc": key((STRING, b"a"), (STRING, b"bc")),
    "ab_c": key((STRING, b"ab"), (STRING, b"c")),
    "empty_text": key((STRING, b"")),
    "long_text": key((STRING, b"x" * 200)),
    "every_type": key((BOOL, True), (INT32, -2), (INT64, 1 << 40), (STRING, "ü".encode()), (BYTES, b"\x00\xff"),
                      (DATE, -1), (TIMESTAMP, 1), (DECIMAL, -150, 10, 2)),
}

EVERY_TYPE = [((BOOL,), True), ((INT32,), -2), ((INT64,), -(1 << 63)), ((FLOAT,), 0.5), ((DOUBLE,), -1.25),
              ((STRING,), "naïve".encode()), ((BYTES,), b"\x00\xff"), ((DATE,), -719162),
              ((TIMESTAMP,), 253402300799999999), ((DECIMAL, 0, 38, 2), -(10 ** 37)),
              ((LIST, STRING), [b"p", None, b""]), ((LIST, INT32), [1, None, -1])]

ROWS = {
    "one_int64": row(0, 1000, NULL_CREATED, NEVER, body([((INT64,), 7)])),
    "no_columns": row(0, 0, 0, 0, body([])),
    "arrived": row(2, -1, 5, 2000, body([((INT64,), -7)])),
    "every_type": row(0, 1, 2, 3, body(EVERY_TYPE)),
    "every_null": row(0, 1, 2, 3, body([(kind, None) for kind, _ in EVERY_TYPE])),
}
LONG = body([((STRING,), b"z" * 2000)])
STORED = row(1, 1, 2, 3, struct.pack("<I", len(LONG)) + zstd_stored(LONG))

LIVE = generation(0x0102030405060708, 9, 0xFFEEDDCCBBAA9988, 1700000000000000, b"route", 1,
                  [(b"origin", (STRING,)), (b"id", (INT64,))],
                  [(b"last_delay", 0, (DOUBLE,)), (b"count_7d", 1, (INT64,)), (b"amount", 0, (DECIMAL, 0, 10, 2))])
FILLING = generation(2, 0, 3, 0, b"e", 0, [(b"k", (DATE,))], [(b"x", 0, (LIST, STRING))])

RETIRED = (varint(2) + b"a" + struct.pack("<Q", 77) + text(b"old") + struct.pack("<q", 1600000000000000)
           + b"g" + struct.pack("<Q", 78) + text(b"") + struct.pack("<q", -1))


def states(form, live, filling):
    return {"nothing": bytes([form]) + bytes(8) + bytes(8) + varint(0),
            "live": bytes([form]) + live + bytes(8) + varint(0),
            "all": bytes([form]) + live + filling + RETIRED}


STATES_1 = states(1, LIVE, FILLING)
STATES_2 = states(2, meant(LIVE, 0x8877665544332211, 11, 12, (1 << 64) - 1), meant(FILLING, 4, 0))


def main(folder):
    for name, entries in (("key-1", KEYS), ("row-1", {**ROWS, "stored_zstd": STORED}), ("state-1", STATES_1),
                          ("state-2", STATES_2)):
        with open(os.path.join(folder, name + ".hex"), "w", encoding="ascii") as out:
            for label, content in entries.items():
                out.write(f"{label} {content.hex()}\n")


if __name__ == "__main__":
    # The published test vectors of the XXH64 specification's sanity checks: empty input and "abc".
    assert xxh64(b"") == 0xEF46DB3751D8E999 and xxh64(b"abc") == 0x44BC2CF5AD770999
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__)))
