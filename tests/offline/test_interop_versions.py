# needs: py
# timeout: 600
"""Tables of every format version that PyIceberg makes and floe appends to, overwrites, evolves, sorts and compacts: PyIceberg
and DuckDB's iceberg extension read the rows that a list kept beside says, and the metadata is what the version asks for."""
import json
import os
import random
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import interop  # noqa: E402

import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
from pyiceberg.catalog.sql import SqlCatalog  # noqa: E402
from pyiceberg.partitioning import PartitionField, PartitionSpec  # noqa: E402
from pyiceberg.schema import Schema  # noqa: E402
from pyiceberg.table import StaticTable  # noqa: E402
from pyiceberg.transforms import BucketTransform, IdentityTransform  # noqa: E402
from pyiceberg.types import DoubleType, IntegerType, LongType, NestedField, StringType  # noqa: E402

import test_merge_on_read as readers  # noqa: E402

SEED = int(os.environ.get("FLOE_TEST_SEED", "20010116"))
SCHEMA = Schema(NestedField(1, "id", LongType()), NestedField(2, "k", IntegerType()), NestedField(3, "s", StringType()))
SPECS = {"none": PartitionSpec(), "identity": PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "k")),
         "bucket": PartitionSpec(PartitionField(1, 1000, BucketTransform(4), "id_bucket"))}


def rows(rng, count):
    return [{"id": rng.randrange(10**6), "k": rng.choice([None, 0, 1, 2]), "s": rng.choice([None, "", "é", "long " * 9])}
            for _ in range(count)]


def arrow(data, extra=None):
    fields = [("id", pa.int64()), ("k", pa.int32()), ("s", pa.string())] + (extra or [])
    return pa.Table.from_pylist(data, schema=pa.schema(fields))


class Case:
    def __init__(self, project, catalog, con, version, layout, rng):
        self.project, self.con, self.rng, self.version = project, con, rng, version
        self.name = f"v{version}_{layout}"
        self.table = catalog.create_table(f"db.{self.name}", SCHEMA, partition_spec=SPECS[layout],
                                          location=f"file://{project.folder}/warehouse/ns/{self.name}",
                                          properties={"format-version": str(min(version, 2))})
        if version == 3:
            self.upgrade()
        self.held, self.layout = [], layout

    def upgrade(self):
        """PyIceberg reads version 3 and does not write it: the empty table's metadata is lifted by hand, as an engine does."""
        path = self.newest()
        with open(path, encoding="utf-8") as file:
            metadata = json.load(file)
        with open(path, "w", encoding="utf-8") as file:
            json.dump({**metadata, "format-version": 3, "next-row-id": 0}, file)

    def check_row_ids(self, path):
        """Every row has an id of its own, below the table's next; floe's own reading of them, which its other tests hold."""
        done = subprocess.run([interop.FLOE, "table", "scan", path, "--columns", "_row_id", "--json"], capture_output=True, text=True,
                              check=True)
        ids = [json.loads(line)["_row_id"] for line in done.stdout.splitlines()]
        assert len(set(ids)) == len(self.held) and None not in ids
        with open(path, encoding="utf-8") as file:
            assert max(ids) < json.load(file)["next-row-id"]
        return sorted(ids)

    def newest(self):
        folder = os.path.join(self.project.folder, "warehouse/ns", self.name, "metadata")
        names = [f for f in os.listdir(folder) if f.endswith(".metadata.json")]
        names = [f for f in names if f[0] == "v"] or names
        return os.path.join(folder, max(names, key=lambda f: int(f.lstrip("v").split("-")[0].split(".")[0])))

    def check(self, what):
        """The rows as two other readers have them; a column that came later is null in older rows."""
        path = self.newest()
        names = self.columns
        want = sorted((tuple(interop.plain(row.get(n)) for n in names) for row in self.held), key=repr)
        table = StaticTable.from_metadata(path)
        assert table.metadata.format_version == self.version, what
        interop.same(want, interop.rows_of(table.scan().to_arrow(), names), f"PyIceberg, {self.name}, {what}")
        duck = self.con.execute(f"SELECT * FROM iceberg_scan('{path}')").to_arrow_table()
        interop.same(want, interop.rows_of(duck, names), f"DuckDB, {self.name}, {what}")
        return table

    def load(self, data, *flags, extra=None):
        self.project.load(self.name, arrow(data, extra), *flags)

    def partition(self, row):
        if self.layout == "identity":
            return row["k"]
        return BucketTransform(4).transform(LongType())(row["id"]) if self.layout == "bucket" else None

    def run(self):
        self.columns = ["id", "k", "s"]
        for _ in range(2):
            more = rows(self.rng, self.rng.randrange(1, 40))
            if self.layout == "bucket" or self.version == 3:  # what PyIceberg does not write, or not without more libraries
                self.load(more, "--append")
            else:
                self.table.append(arrow(more))
            self.held += more
        self.check("at first")
        more = rows(self.rng, 30)
        self.load(more, "--append", "--sort", "s desc nulls first, id")
        self.held += more
        table = self.check("appended")
        orders = table.metadata.sort_orders
        assert [str(f.direction) for f in orders[-1].fields] == ["SortDirection.DESC", "SortDirection.ASC"] or \
            [f.direction.value for f in orders[-1].fields] == ["desc", "asc"]
        more = [row for row in rows(self.rng, 20) if row["k"] != 1]
        self.load(more, "--overwrite")
        gone = {self.partition(row) for row in more}
        self.held = [row for row in self.held if self.partition(row) not in gone] + more
        self.check("overwritten")
        more = [{**row, "x": self.rng.random()} for row in rows(self.rng, 10)]
        self.load(more, "--append", "--evolve", extra=[("x", pa.float64())])
        self.held += more
        self.columns.append("x")
        table = self.check("evolved")
        assert isinstance(table.schema().find_field("x").field_type, DoubleType)
        ids = self.check_row_ids(self.newest()) if self.version == 3 else None
        self.project.table("compact", self.name)
        table = self.check("compacted")
        assert ids is None or ids == self.check_row_ids(self.newest()), "a compaction changed row ids"
        files = len({self.partition(row) for row in self.held})
        assert len(table.inspect.data_files()) == files, f"{self.name}: {len(table.inspect.data_files())} files, {files} partitions"
        self.project.table("expire", self.name, "--older-than", "0s", "--orphans-older-than", "0s")
        table = self.check("expired")
        assert len(table.snapshots()) == 1


class Project(interop.Project):
    def table(self, command, name, *flags):
        subprocess.run([interop.FLOE, "table", command, "lake.ns." + name, *flags], cwd=self.folder, check=True,
                       stdout=subprocess.DEVNULL)


def main():
    print(f"FLOE_TEST_SEED={SEED}")
    con, done = readers.connect(), 0
    con.execute("SET TimeZone = 'UTC'")
    with Project() as project:
        catalog = SqlCatalog("t", uri=f"sqlite:///{project.folder}/catalog.db", warehouse=f"file://{project.folder}/pyiceberg")
        catalog.create_namespace("db")
        for version in (1, 2, 3):
            for layout in SPECS:
                Case(project, catalog, con, version, layout, random.Random(SEED + done)).run()
                done += 1
        shutil.rmtree(os.path.join(project.folder, "warehouse"))
    print(f"{done} tables of format versions 1 to 3 are read as they were written")


main()
