"""Parquet files whose schema is written as old tools wrote it, which pyarrow does not: lists of two levels, maps under any name, decimals
in byte arrays, repeated fields without a list around them. One row group, one plain page for each column, nothing compressed; by the
format's own description (parquet.thrift, in Thrift's compact protocol)."""
import struct

BOOLEAN, INT32, INT64, INT96, FLOAT, DOUBLE, BYTES, FIXED = range(8)
REQUIRED, OPTIONAL, REPEATED = range(3)
UTF8, MAP, MAP_KEY_VALUE, LIST, ENUM, DECIMAL, DATE = range(7)
I32, I64, BINARY, LIST_OF, STRUCT = 5, 6, 8, 9, 12


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def zigzag(value):
    return varint((value << 1) ^ (value >> 63))


def thrift(kind, value):
    """One value; a struct is a dict of field number to (kind, value), a list a pair of its items' kind and the items."""
    if kind in (I32, I64):
        return zigzag(value)
    if kind == BINARY:
        raw = value.encode() if isinstance(value, str) else value
        return varint(len(raw)) + raw
    if kind == LIST_OF:
        of, items = value
        head = bytes([len(items) << 4 | of]) if len(items) < 15 else bytes([0xF0 | of]) + varint(len(items))
        return head + b"".join(thrift(of, item) for item in items)
    out, last = b"", 0
    for number, (of, item) in sorted(value.items()):
        assert 0 < number - last < 16
        out += bytes([(number - last) << 4 | of]) + thrift(of, item)
        last = number
    return out + b"\0"


class Group:
    """A node of the schema with others in it; `converted` is LIST, MAP …"""

    def __init__(self, name, repetition, *children, field_id=None, converted=None):
        self.name, self.repetition, self.children = name, repetition, children
        self.field_id, self.converted = field_id, converted


class Leaf:
    """A column. `cells` are (repetition level, definition level, value), value left out below the largest definition level.
    `ends` are the bytes of the smallest and the largest value, as files gave them before orders of columns had names."""

    def __init__(self, name, repetition, kind, cells, field_id=None, converted=None, scale=None, precision=None, length=None, ends=None):
        self.ends = ends
        self.name, self.repetition, self.kind, self.cells = name, repetition, kind, cells
        self.field_id, self.converted, self.scale, self.precision, self.length = field_id, converted, scale, precision, length


def element(node):
    fields = {3: (I32, node.repetition), 4: (BINARY, node.name)}
    if isinstance(node, Group):
        fields[5] = (I32, len(node.children))
    else:
        fields[1] = (I32, node.kind)
        for number, value in ((2, node.length), (7, node.scale), (8, node.precision)):
            fields.update({number: (I32, value)} if value is not None else {})
    for number, value in ((6, node.converted), (9, node.field_id)):
        fields.update({number: (I32, value)} if value is not None else {})
    return fields


def elements(node):
    return [element(node)] + [below for child in getattr(node, "children", ()) for below in elements(child)]


def plain(kind, value):
    if kind == BYTES:
        raw = value.encode() if isinstance(value, str) else value
        return struct.pack("<I", len(raw)) + raw
    return value if kind in (FIXED, INT96) else struct.pack({INT32: "<i", INT64: "<q", FLOAT: "<f", DOUBLE: "<d"}[kind], value)


def levels(values, most):
    """Runs of one each; nothing where the level cannot be but 0."""
    if most == 0:
        return b""
    body = b"".join(varint(1 << 1) + bytes([value]) for value in values)
    return struct.pack("<I", len(body)) + body


def leaves(node, path=(), repeated=0, defined=0):
    """(leaf, path, largest repetition level, largest definition level) of each column."""
    repeated += node.repetition == REPEATED
    defined += node.repetition != REQUIRED
    path += (node.name,)
    if isinstance(node, Leaf):
        return [(node, path, repeated, defined)]
    return [found for child in node.children for found in leaves(child, path, repeated, defined)]


def write(file_name, rows, *nodes):
    """`rows` rows whose columns are in `nodes`."""
    out, chunks = b"PAR1", []
    for leaf, path, repeated, defined in [found for node in nodes for found in leaves(node)]:
        page = levels([cell[0] for cell in leaf.cells], repeated) + levels([cell[1] for cell in leaf.cells], defined)
        page += b"".join(plain(leaf.kind, cell[2]) for cell in leaf.cells if cell[1] == defined)
        about = {1: (I32, len(leaf.cells)), 2: (I32, 0), 3: (I32, 3), 4: (I32, 3)}
        header = thrift(STRUCT, {1: (I32, 0), 2: (I32, len(page)), 3: (I32, len(page)), 5: (STRUCT, about)})
        size = len(header) + len(page)
        chunk = {1: (I32, leaf.kind), 2: (LIST_OF, (I32, [0, 3])), 3: (LIST_OF, (BINARY, path)), 4: (I32, 0), 5: (I64, len(leaf.cells)),
                 6: (I64, size), 7: (I64, size), 9: (I64, len(out))}
        if leaf.ends is not None:
            chunk[12] = (STRUCT, {1: (BINARY, leaf.ends[1]), 2: (BINARY, leaf.ends[0])})
        chunks.append({2: (I64, len(out)), 3: (STRUCT, chunk)})
        out += header + page
    root = {3: (I32, REQUIRED), 4: (BINARY, "schema"), 5: (I32, len(nodes))}
    schema = [root] + [below for node in nodes for below in elements(node)]
    group = {1: (LIST_OF, (STRUCT, chunks)), 2: (I64, len(out)), 3: (I64, rows)}
    footer = thrift(STRUCT, {1: (I32, 1), 2: (LIST_OF, (STRUCT, schema)), 3: (I64, rows), 4: (LIST_OF, (STRUCT, [group])),
                             6: (BINARY, "parquet-mr version 1.6.0")})
    with open(file_name, "wb") as file:
        file.write(out + footer + struct.pack("<I", len(footer)) + b"PAR1")
