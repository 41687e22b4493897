"""What the tests of other engines' tables share: tables of one kind or another, made by hand (foreign.py), and what floe must say of each: the
rows that went in, or a refusal by name."""
import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
import uuid

import pyarrow as pa
import pyarrow.parquet as pq

from foreign import Table
from parquet_by_hand import Group, write

FLOE = os.environ["FLOE_BIN"]
UTC = dt.timezone.utc
UUID = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")
FOLDER = tempfile.TemporaryDirectory(prefix="floe-foreign-")
BASE = FOLDER.name
failures, done = [], 0


class Refused(str):
    """What floe must say instead of rows."""


def new(fields, **options):
    return Table(tempfile.mkdtemp(dir=BASE), fields, **options)


def column(name, kind, field_id):
    return {"id": field_id, "name": name, "type": kind, "required": False}


def under(field_id):
    return {b"PARQUET:field_id": str(field_id).encode()}


def arrow(**columns):
    """Columns as name=(id, array), with field ids; a type may follow, where that of the array forgets the ids inside it."""
    fields = [pa.field(name, cell[-1].type if len(cell) == 2 else cell[2], metadata=under(cell[0])) for name, cell in columns.items()]
    return pa.Table.from_arrays([cell[1] for cell in columns.values()], schema=pa.schema(fields))


def scan(path, *args):
    out = os.path.join(BASE, "out.parquet")
    ran = subprocess.run([FLOE, "table", "scan", path, "-o", out, *args], capture_output=True, text=True, check=False)
    return pq.read_table(out).to_pylist() if ran.returncode == 0 else Refused(ran.stderr.strip())


def hold(label, got, want):
    global done
    done += 1
    same = want in got if isinstance(want, Refused) and isinstance(got, Refused) else got == want
    if not same:
        failures.append(f"{label}\n  got  {got}\n  want {want}")


def expect(label, path, want, *args):
    hold(label, scan(path, *args), want)


def typed(label, kind, array, want=None, **options):
    table = new([column("a", kind, 1)])
    table.add(arrow(a=(1, array)), **options)
    rows = want if isinstance(want, Refused) else [{"a": cell} for cell in (array.to_pylist() if want is None else want)]
    expect(label, table.write(), rows)


def zoned(times):
    return [time and time.replace(tzinfo=UTC) for time in times]


LIST = {"type": "list", "element-id": 2, "element": "long", "element-required": False}


MAP = {"type": "map", "key-id": 3, "key": "string", "value-id": 4, "value": "long", "value-required": False}


def struct_of(*members):
    return {"type": "struct", "fields": list(members)}


def nested(label, fields, rows, want=None, mapping=None, **options):
    table = new(fields)
    if mapping is not None:
        table.properties["schema.name-mapping.default"] = json.dumps(mapping)
    table.add(rows, **options)
    expect(label, table.write(), rows.to_pylist() if want is None else want)


def old(label, fields, want, *nodes, mapping=None, args=()):
    table = new(fields)
    if mapping is not None:
        table.properties["schema.name-mapping.default"] = json.dumps(mapping)
    path = os.path.join(table.folder, "data", f"{uuid.uuid4()}.parquet")
    first = nodes[0]
    while isinstance(first, Group):
        first = first.children[0]
    rows = sum(cell[0] == 0 for cell in first.cells)
    write(path, rows, *nodes)
    table.add_path(path, rows)
    expect(label, table.write(), want, *args)


ROWS = [{"k": 1, "s": "a"}, {"k": 2, "s": None}, {"k": 3, "s": "c"}]


def plain_rows():
    return arrow(k=(1, pa.array([1, 2, 3])), s=(2, pa.array(["a", None, "c"])))


def quirk(label, change=None, version=2, want=None, args=(), uri=None, **options):
    """The plain table with something changed: `change` gets the table before it is written."""
    table = new([column("k", "long", 1), column("s", "string", 2)], version=version)
    table.uri = table.uri if uri is None else uri(table.folder)
    table.add(plain_rows(), **options)
    if change is not None:
        change(table)
    expect(label, table.write(), ROWS if want is None else want, *args)


def document(change):
    """A quirk of the metadata file alone."""
    def apply(table):
        def changed(whole):
            change(whole)
            return whole
        table.change_document = changed
    return apply


def edited(**parts):
    return document(lambda whole: whole.update(parts))


def without(*names):
    return document(lambda whole: [whole.pop(name, None) for name in names])


def run(*parts):
    for part in parts:
        part()
    print(f"{done} tables, {len(failures)} read wrong")
    if failures:
        sys.exit("\n".join(failures))
