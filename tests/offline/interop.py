"""Shared by the interop tests: a project in a temporary folder, input made by pyarrow, imports by the floe binary."""
import datetime as dt
import decimal
import os
import random
import shutil
import subprocess
import tempfile
import uuid

import pyarrow as pa
import pyarrow.parquet as pq

FLOE = os.environ["FLOE_BIN"]


class Project:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="floe-interop-")
        with open(os.path.join(self.folder, "floe.yaml"), "w") as f:
            f.write("project: interop\ncatalogs:\n  lake: {type: directory, warehouse: ./warehouse}\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    def load(self, name, rows, *flags):
        """Imports an Arrow table into lake.ns.NAME."""
        path = os.path.join(self.folder, name + ".parquet")
        pq.write_table(rows, path, row_group_size=1000)
        subprocess.run([FLOE, "table", "import", path, "lake.ns." + name, *flags], cwd=self.folder, check=True,
                       stdout=subprocess.DEVNULL)

    def metadata(self, name):
        """The newest metadata file."""
        folder = os.path.join(self.folder, "warehouse/ns", name, "metadata")
        versions = [f for f in os.listdir(folder) if f.endswith(".metadata.json")]
        return os.path.join(folder, max(versions, key=lambda f: int(f[1:].split(".")[0])))


def sample(count, seed):
    """Rows of every type that floe has, with nulls, NaN, both zeros, text over sixteen characters, times before 1970."""
    r = random.Random(seed)

    def column(type_, make, nulls=True):
        return pa.array([None if nulls and r.random() < 0.1 else make() for _ in range(count)], type=type_)

    texts = ["", "a", "é€😀", "a much longer text than a bound holds", "a much longer texu", "\uffff" * 20, "zz/?*=%"]
    doubles = [0.0, -0.0, float("nan"), float("inf"), -1.5, 2.5, 1e300]
    return pa.table({
        "id": column(pa.int64(), lambda: r.randrange(-2**63, 2**63), nulls=False),
        "n": column(pa.int32(), lambda: r.randrange(-50, 50)),
        "flag": column(pa.bool_(), lambda: r.random() < 0.5),
        "f": column(pa.float32(), lambda: r.choice([0.0, -0.0, 1.5, float("nan")])),
        "g": column(pa.float64(), lambda: r.choice(doubles)),
        "s": column(pa.string(), lambda: r.choice(texts)),
        "b": column(pa.binary(), lambda: r.choice([b"", b"\x00\xff", b"\xff" * 20, b"abc"])),
        "d": column(pa.date32(), lambda: dt.date(1969, 11, 1) + dt.timedelta(days=r.randrange(150))),
        "t": column(pa.timestamp("us"), lambda: dt.datetime(1969, 12, 31, 20) + dt.timedelta(seconds=r.randrange(30000),
                                                                                             microseconds=r.randrange(9))),
        "tz": column(pa.timestamp("us", tz="UTC"),
                     lambda: dt.datetime(2001, 1, 1, tzinfo=dt.timezone.utc) + dt.timedelta(hours=r.randrange(2000))),
        "price": column(pa.decimal128(9, 2), lambda: decimal.Decimal(r.randrange(-5000, 5000)).scaleb(-2)),
        "wide": column(pa.decimal128(38, 10), lambda: decimal.Decimal(r.randrange(-10**37, 10**37)).scaleb(-10)),
        "tags": column(pa.list_(pa.string()), lambda: [r.choice(["x", None, "y"]) for _ in range(r.randrange(3))]),
        "point": column(pa.struct([("x", pa.float64()), ("label", pa.string())]),
                        lambda: {"x": r.random(), "label": r.choice(["p", None])}),
        "attributes": column(pa.map_(pa.string(), pa.int64()), lambda: [("k%d" % i, i) for i in range(r.randrange(3))]),
    })


def plain(value):
    """A cell as something that compares: NaN equals NaN, maps as lists of pairs, times without their library."""
    if isinstance(value, float):
        return "nan" if value != value else value
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, dict):
        return tuple((k, plain(v)) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return tuple(plain(v) for v in value)
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.timezone.utc).isoformat() if value.tzinfo else value.isoformat()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    return value


def rows_of(table, names=None):
    """Rows as sortable tuples."""
    names = names or table.column_names
    columns = [[plain(v) for v in table[n].to_pylist()] for n in names]
    return sorted(zip(*columns), key=repr)


def same(expected, got, what):
    if expected != got:
        wrong = next((i for i, (a, b) in enumerate(zip(expected, got)) if a != b), min(len(expected), len(got)))
        raise AssertionError(f"{what}: {len(expected)} rows expected, {len(got)} read; first difference at {wrong}:\n"
                             f"{expected[wrong:wrong + 1]}\n{got[wrong:wrong + 1]}")


LAYOUTS = [
    [],
    ["--partition", "month(d)"],
    ["--partition", "day(t), truncate(4, s)"],
    ["--partition", "hour(tz)"],
    ["--partition", "year(d), bucket(7, id), flag"],
    ["--partition", "bucket(5, s), bucket(3, price)"],
    ["--partition", "truncate(10, n), identity(price)"],
    ["--partition", "truncate(50, price), void(g)"],
    ["--partition", "s"],
    ["--partition", "bucket(4, d), bucket(4, t), bucket(4, b)"],
    ["--partition", "f"],
]
