# timeout: 900
"""Filters over partitions of every transform and type: a table made by hand, a file per value, the partition values computed by PyIceberg's
transforms and written into entries and summaries alike. Whatever a filter prunes, its rows are those that Python picks."""
import datetime as dt
import decimal
import os
import random
import subprocess
import sys
import tempfile
import uuid

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg import transforms as t
from pyiceberg import types as kinds
from pyiceberg.conversions import to_bytes
from pyiceberg.utils import datetime as clock

from foreign import Table, optional

FLOE = os.environ["FLOE_BIN"]
SEED = int(os.environ.get("FLOE_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
D, UTC, INF, NAN = decimal.Decimal, dt.timezone.utc, float("inf"), float("nan")
RNG = random.Random(SEED)
failures, done = [], 0

MOMENTS = [dt.datetime(1969, 12, 31, 23, 59, 59, 999999), dt.datetime(1970, 1, 1), dt.datetime(1969, 12, 31, 23), dt.datetime(1969, 1, 1),
           dt.datetime(1968, 12, 31, 23, 59, 59, 999999), dt.datetime(1900, 2, 28, 23, 59, 59, 1), dt.datetime(2024, 2, 29, 1, 1, 1, 1),
           dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 999999), None]
DAYS = [dt.date(1970, 1, 1), dt.date(1969, 12, 31), dt.date(1969, 1, 1), dt.date(1968, 12, 31), dt.date(1, 1, 1), dt.date(9999, 12, 31),
        dt.date(2024, 2, 29), None]
# Type, what it is called, Arrow's, Avro's of the stored source, values.
COLUMNS = [
    (kinds.IntegerType(), "int", pa.int32(), "int", [0, 1, -1, -10, -11, 9, 10, 2**31 - 1, -2**31, None]),
    (kinds.LongType(), "long", pa.int64(), "long", [0, 1, -1, -10, -11, 9, 10, 2**63 - 1, -2**63, None]),
    (kinds.DecimalType(9, 2), "decimal(9,2)", pa.decimal128(9, 2), {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2},
     [D("0.00"), D("14.20"), D("-14.20"), D("0.01"), D("-0.01"), D("9999999.99"), D("-9999999.99"), None]),
    (kinds.StringType(), "string", pa.string(), "string", ["", "a", "ab", "abc", "abcd", "ü", "üü", "üüx", "\U0001F600", "\U0001F600z", "~", None]),
    (kinds.BinaryType(), "binary", pa.binary(), "bytes", [b"", b"\0", b"\xff", b"\xff\xff", b"\xff\xff\xff", b"abc", b"abcd", None]),
    (kinds.UUIDType(), "uuid", pa.binary(16), {"type": "fixed", "name": "u", "size": 16, "logicalType": "uuid"},
     [uuid.UUID(int=0), uuid.UUID(int=2**128 - 1), uuid.UUID("f79c3e09-677c-4bbd-a479-3f349cb785e7"), None]),
    (kinds.TimeType(), "time", pa.time64("us"), "long", [dt.time(0), dt.time(23, 59, 59, 999999), dt.time(22, 31, 8), None]),
    (kinds.DateType(), "date", pa.date32(), {"type": "int", "logicalType": "date"}, DAYS),
    (kinds.TimestampType(), "timestamp", pa.timestamp("us"), "long", MOMENTS),
    (kinds.TimestamptzType(), "timestamptz", pa.timestamp("us", "UTC"), "long", [x and x.replace(tzinfo=UTC) for x in MOMENTS]),
    (kinds.FloatType(), "float", pa.float32(), "float", [0.0, -0.0, 1.5, -1.5, NAN, INF, -INF, None]),
    (kinds.DoubleType(), "double", pa.float64(), "double", [0.0, -0.0, 1.5, -1.5, NAN, INF, -INF, None]),
    (kinds.BooleanType(), "boolean", pa.bool_(), "boolean", [True, False, None]),
]
TRANSFORMS = [t.IdentityTransform(), t.BucketTransform(1), t.BucketTransform(4), t.BucketTransform(2**31 - 1), t.TruncateTransform(1),
              t.TruncateTransform(3), t.TruncateTransform(10), t.YearTransform(), t.MonthTransform(), t.DayTransform(), t.HourTransform(),
              t.VoidTransform()]


def stored(value):
    """A value as Iceberg counts it, which transforms take."""
    if isinstance(value, dt.datetime):
        return clock.datetime_to_micros(value)
    if isinstance(value, dt.date):
        return clock.date_to_days(value)
    return clock.time_to_micros(value) if isinstance(value, dt.time) else value


def literal(name, value):
    if name in ("float", "double"):
        return f"CAST('{value}' AS DOUBLE)" if value != value or abs(value) == INF else repr(value)
    if name in ("binary",):
        return "'" + "".join(f"\\x{byte:02X}" for byte in value) + "'::BLOB"
    form = {"date": "DATE '{}'", "timestamp": "TIMESTAMP '{}'", "timestamptz": "TIMESTAMPTZ '{}'", "time": "TIME '{}'", "uuid": "'{}'::UUID",
            "string": "'{}'"}.get(name, "{}")
    return form.format(value.isoformat() if hasattr(value, "isoformat") else value)


def order(value):
    """NaN is the largest number, and the zeros are one, as filters have it."""
    return ((1, 0.0) if value != value else (0, value)) if isinstance(value, float) else value


OPERATORS = {"=": lambda a, b: a == b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
             "<>": lambda a, b: a != b}


def single(kind, value):
    """A value as the bytes of a bound. A truncated decimal may have a digit more than its column."""
    if isinstance(value, decimal.Decimal):
        cents = int(value.scaleb(2))
        return cents.to_bytes((cents if cents >= 0 else ~cents).bit_length() // 8 + 1, "big", signed=True)
    return to_bytes(kind, value)


def avro_value(kind, value):
    return single(kind, value) if isinstance(value, (decimal.Decimal, uuid.UUID)) else value


def summary(result, values):
    some = [value for value in values if value is not None and value == value]
    ends = {"lower_bound": single(result, min(some)), "upper_bound": single(result, max(some))} if some else {}
    return {"contains_null": None in values, "contains_nan": any(value != value for value in values if value is not None),
            "lower_bound": None, "upper_bound": None, **ends}


def wrapped(kind, value):
    """Java subtracts in the type of the column, which the smallest numbers leave."""
    bits = {kinds.IntegerType(): 32, kinds.LongType(): 64}.get(kind)
    return value if value is None or bits is None else (value + 2**(bits - 1)) % 2**bits - 2**(bits - 1)


def make(kind, name, arrow, avro, values, transform):
    result = transform.result_type(kind)
    table = Table(tempfile.mkdtemp(dir=BASE), [{"id": 1, "name": "c", "type": name, "required": False},
                                               {"id": 2, "name": "n", "type": "long", "required": False}],
                  spec=[{"name": "p", "transform": str(transform), "source-id": 1, "field-id": 1000}])
    whole = isinstance(result, (kinds.IntegerType, kinds.DateType)) and not isinstance(kind, kinds.IntegerType)
    table.partition = [optional("p", "int" if whole and not isinstance(kind, kinds.DateType) else avro if result == kind else "int", 1000)]
    apply, shares = transform.transform(kind), []
    for number, value in enumerate(values):
        cell = value.bytes if isinstance(value, uuid.UUID) else value
        share = wrapped(result, apply(stored(value)))
        shares.append(share)
        columns = [pa.array([cell], arrow), pa.array([number])]
        fields = [pa.field(label, column.type, metadata={b"PARQUET:field_id": str(place).encode()})
                  for place, (label, column) in enumerate(zip(("c", "n"), columns), 1)]
        table.add(pa.Table.from_arrays(columns, schema=pa.schema(fields)), partition={"p": avro_value(result, share)})
    if not isinstance(transform, t.VoidTransform):
        table.change_line = lambda line: {**line, "partitions": [summary(result, shares)]}
    return table.write()


def scan(path, where):
    out = os.path.join(BASE, "out.parquet")
    ran = subprocess.run([FLOE, "table", "scan", path, "-o", out, "--columns", "n", "--where", where], capture_output=True, text=True, check=False)
    return sorted(pq.read_table(out)["n"].to_pylist()) if ran.returncode == 0 else ran.stderr.strip()


def expect(path, values, where, picks, label):
    global done
    done += 1
    got = scan(path, where)
    want = [number for number, value in enumerate(values) if picks(value)]
    if got != want:
        failures.append(f"{label}: {where}\n  got  {got}\n  want {want} of {values}")


def check(kind, name, arrow, avro, values, transform):
    path = make(kind, name, arrow, avro, values, transform)
    label = f"{transform} of {name}"
    expect(path, values, "c IS NULL", lambda value: value is None, label)
    for value in RNG.sample([value for value in values if value is not None], 2):
        for operator in RNG.sample(sorted(OPERATORS), 2) + ["="]:
            expect(path, values, f"c {operator} {literal(name, value)}",
                   lambda cell, value=value, holds=OPERATORS[operator]: cell is not None and holds(order(cell), order(value)), label)


if __name__ == "__main__":
    print(f"seed {SEED} (FLOE_TEST_SEED repeats it)")
    with tempfile.TemporaryDirectory(prefix="floe-transforms-") as BASE:
        for column in COLUMNS:
            for each in TRANSFORMS:
                if each.can_transform(column[0]):
                    check(*column, each)
    print(f"{done} filters, {len(failures)} answered wrong")
    if failures:
        sys.exit("\n".join(failures))
