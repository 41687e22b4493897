# PyIceberg reads what floe wrote: rows, partition values, counts and bounds.
# needs: py
# timeout: 600
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import interop  # noqa: E402

import pyarrow.parquet as pq  # noqa: E402
from pyiceberg.conversions import from_bytes  # noqa: E402
from pyiceberg.expressions import EqualTo, GreaterThanOrEqual, IsNull  # noqa: E402
from pyiceberg.table import StaticTable  # noqa: E402
from pyiceberg.types import PrimitiveType  # noqa: E402

SEED = int(os.environ.get("FLOE_TEST_SEED", "20010115"))


def canonical(value):
    """Values of partitions and transforms: Python's -0.0 equals 0.0, NaN is made equal to itself."""
    return "nan" if isinstance(value, float) and value != value else value


def internal(field_type, value):
    """A value as PyIceberg's transforms want it: dates and times as numbers."""
    if value is None:
        return None
    import pyiceberg.utils.datetime as times
    name = str(field_type)
    if name == "date":
        return times.date_to_days(value)
    if name == "timestamp":
        return times.datetime_to_micros(value)
    if name == "timestamptz":
        return times.datetime_to_micros(value)
    return value


def check_partition(table, file, rows):
    """Every row of a file has the partition that the manifest says, by PyIceberg's own transforms."""
    spec = table.specs()[file.spec_id]
    for position, field in enumerate(spec.fields):
        source = table.schema().find_field(field.source_id)
        transform = field.transform.transform(source.field_type)
        stored = canonical(file.partition[position])
        for value in set(interop.plain(v) if isinstance(v, float) else v for v in rows[source.name].to_pylist()):
            value = float("nan") if value == "nan" else value
            computed = canonical(transform(internal(source.field_type, value)))
            assert stored == computed, (field, stored, value, computed)


def check_metrics(table, file, rows):
    """Counts and bounds against the rows of the file."""
    assert file.record_count == rows.num_rows
    assert file.file_size_in_bytes == os.path.getsize(file.file_path)
    for field in table.schema().fields:
        if not isinstance(field.field_type, PrimitiveType):
            continue
        values = rows[field.name].to_pylist()
        present = [v for v in values if v is not None]
        numbers = [internal(field.field_type, v) for v in present if v == v]
        assert file.value_counts[field.field_id] == len(values), field
        assert file.null_value_counts[field.field_id] == len(values) - len(present), field
        if str(field.field_type) in ("float", "double"):
            assert file.nan_value_counts[field.field_id] == len(present) - len(numbers), field
        assert file.column_sizes[field.field_id] > 0
        lower, upper = file.lower_bounds.get(field.field_id), file.upper_bounds.get(field.field_id)
        if not numbers:
            assert lower is None and upper is None, field
            continue
        low = from_bytes(field.field_type, lower)
        least, greatest = min(numbers), max(numbers)
        if str(field.field_type) in ("string", "binary"):
            key = (lambda v: v.encode()) if isinstance(least, str) else (lambda v: v)
            least, greatest = min(numbers, key=key), max(numbers, key=key)
            assert low == least[:16], (field, low, least)
            if upper is None:
                assert len(greatest) > 16
            else:
                high = from_bytes(field.field_type, upper)
                assert key(high) >= key(greatest) and len(high) <= 16, (field, high, greatest)
                assert len(greatest) > 16 or high == greatest
        else:
            assert low == least and from_bytes(field.field_type, upper) == greatest, (field, low, least)


def check_files(table):
    """All files of the current snapshot, manifests as the list counts them."""
    snapshot = table.current_snapshot()
    count = 0
    for manifest in snapshot.manifests(table.io):
        entries = manifest.fetch_manifest_entry(table.io, discard_deleted=False)
        assert manifest.added_files_count + manifest.existing_files_count + manifest.deleted_files_count == len(entries)
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True):
            rows = pq.ParquetFile(entry.data_file.file_path).read()
            check_partition(table, entry.data_file, rows)
            check_metrics(table, entry.data_file, rows)
            count += 1
    return count


def check_ids(table):
    """The field ids in the Parquet files are those of the schema, at every depth."""
    wanted = {f.name: f.field_id for f in table.schema().fields}
    for task in table.scan().plan_files():
        schema = pq.ParquetFile(task.file.file_path).schema_arrow
        found = {f.name: int(f.metadata[b"PARQUET:field_id"]) for f in schema}
        assert found == wanted, (found, wanted)


def check_filters(table, rows):
    """Pruning by what floe wrote must lose no row."""
    for name, value in [("n", 3), ("s", "a"), ("s", "a much longer text than a bound holds"), ("g", 2.5), ("flag", True)]:
        expected = sum(1 for v in rows[name].to_pylist() if v == value)
        assert table.scan(row_filter=EqualTo(name, value)).to_arrow().num_rows == expected, (name, value)
    days = [v for v in rows["d"].to_pylist() if v is not None and v.isoformat() >= "1970-01-10"]
    assert table.scan(row_filter=GreaterThanOrEqual("d", "1970-01-10")).to_arrow().num_rows == len(days)
    assert table.scan(row_filter=IsNull("s")).to_arrow().num_rows == rows["s"].null_count


def check_layout(project, layout, number):
    name = "t%d" % number
    first, second = interop.sample(700, SEED + number), interop.sample(300, SEED + 100 + number)
    project.load(name, first, *layout)
    table = StaticTable.from_metadata(project.metadata(name))
    interop.same(interop.rows_of(first), interop.rows_of(table.scan().to_arrow()), str(layout))
    check_files(table)
    check_ids(table)
    check_filters(table, first)

    project.load(name, second, "--append")
    table = StaticTable.from_metadata(project.metadata(name))
    both = interop.pa.concat_tables([first, second])
    interop.same(interop.rows_of(both), interop.rows_of(table.scan().to_arrow()), f"{layout} appended")
    check_files(table)
    summary = table.current_snapshot().summary
    assert summary["total-records"] == "1000" and summary["added-records"] == "300"

    before = table.current_snapshot()
    project.load(name, second, "--replace")
    table = StaticTable.from_metadata(project.metadata(name))
    interop.same(interop.rows_of(second), interop.rows_of(table.scan().to_arrow()), f"{layout} replaced")
    check_files(table)
    assert table.current_snapshot().parent_snapshot_id == before.snapshot_id
    history = table.scan(snapshot_id=before.snapshot_id).to_arrow()
    interop.same(interop.rows_of(both), interop.rows_of(history), f"{layout} before")


def check_evolution(project):
    """A replacement with other columns: old snapshots keep theirs."""
    pa = interop.pa
    project.load("e", pa.table({"a": pa.array([1], pa.int32()), "b": ["x"]}))
    first = StaticTable.from_metadata(project.metadata("e")).current_snapshot().snapshot_id
    project.load("e", pa.table({"c": [2.5], "a": pa.array([7], pa.int64())}), "--replace")
    table = StaticTable.from_metadata(project.metadata("e"))
    assert table.scan().to_arrow().to_pylist() == [{"c": 2.5, "a": 7}]
    assert table.scan(snapshot_id=first).to_arrow().to_pylist() == [{"a": 1, "b": "x"}]
    assert {f.name: f.field_id for f in table.schema().fields} == {"c": 3, "a": 1}


def check_names(project):
    """Column names that no Avro name holds, partitioned by them."""
    pa = interop.pa
    rows = pa.table({"2 odd-né": ["a", "b", None], "group": [1, 1, 2]})
    project.load("names", rows, "--partition", "2 odd-né, bucket(2, group)")
    table = StaticTable.from_metadata(project.metadata("names"))
    interop.same(interop.rows_of(rows), interop.rows_of(table.scan().to_arrow()), "names")
    assert sorted(str(f.partition[0]) for f in (t.file for t in table.scan().plan_files())) == ["None", "a", "b"]


def main():
    print("FLOE_TEST_SEED=%d" % SEED)
    with interop.Project() as project:
        for number, layout in enumerate(interop.LAYOUTS):
            check_layout(project, layout, number)
        check_evolution(project)
        check_names(project)
    print("%d layouts read by PyIceberg as they were written" % len(interop.LAYOUTS))


main()
