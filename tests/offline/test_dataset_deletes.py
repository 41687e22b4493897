"""Training sets and syncs over a table whose rows were deleted by position and by key: a deleted row is in no feature,
and the row before it answers. A sync after a delete sees the rewrite and takes every row anew."""
import datetime
import json

import pyarrow
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField, StringType, TimestampType

from dataset_support import YAML, Project, entity, source, view
from merge_on_read import commit_deletes, equality_deletes, position_deletes, with_id

FEATURES = "v"


def second(number):
    return datetime.datetime(2020, 1, 1) + datetime.timedelta(seconds=number)


def open_table(project):
    catalog = SqlCatalog("c", uri=f"sqlite:///{project.path('catalog.db')}", warehouse=f"file://{project.path('lakehouse')}")
    catalog.create_namespace("t")
    return catalog.create_table("t.events", Schema(NestedField(1, "k", StringType()), NestedField(2, "ts", TimestampType()),
                                                   NestedField(3, "v", LongType())))


def append(table, rows):
    table.append(pyarrow.table({"k": [row[0] for row in rows], "ts": pyarrow.array([second(row[1]) for row in rows], pyarrow.timestamp("us")),
                                "v": pyarrow.array([row[2] for row in rows], pyarrow.int64())}))
    return table.refresh()


def only_path(table):
    (path,) = table.inspect.data_files().column("file_path").to_pylist()
    return path


def answers(project):
    spine = "SELECT unnest(['a', 'b', 'c']) AS k, TIMESTAMP '2020-01-01 00:10:00' AS ts"
    return project.answers(spine=project.file("spine.parquet", spine), features=FEATURES, select="k, v__last_v, v__count")


def online(project, key):
    """What is served of a key: feature → value."""
    return {cell["feature"]: cell["value"] for cell in json.loads(project.floe("get", "v:last_v,v:count", f"k={key}", "--json"))}


def check_training_set(project, table):
    assert answers(project) == [("a", 3, 3), ("b", 11, 2), ("c", 20, 1)], answers(project)
    # The newest row of a is the third of the file, at position 2; its second row goes by key and value.
    table = commit_deletes(table, [position_deletes(table, [(only_path(table), 2)])])
    assert answers(project) == [("a", 2, 2), ("b", 11, 2), ("c", 20, 1)], answers(project)
    table = commit_deletes(table, [equality_deletes(table, [["b"]], [with_id("k", pyarrow.string(), 1)])])
    found = answers(project)
    assert found[0] == ("a", 2, 2) and found[2] == ("c", 20, 1), found
    assert found[1][1] is None and found[1][2] in (0, None), found
    return table


def check_sync(project, table):
    project.floe("sync", "--json")
    assert list(online(project, "a").values())[0] == 2, online(project, "a")
    commit_deletes(table, [position_deletes(table, [(only_path(table), 1)])])
    project.floe("sync", "--json")
    assert list(online(project, "a").values())[0] == 1, online(project, "a")
    assert list(online(project, "c").values())[0] == 20, online(project, "c")


def main():
    with Project() as project:
        project.write("floe.yaml", YAML)
        table = open_table(project)
        table = append(table, [("a", 1, 1), ("a", 2, 2), ("a", 3, 3), ("b", 1, 10), ("b", 2, 11), ("c", 1, 20)])
        project.define(entity() + source() + "feature_views:\n" +
                       view("{name: last_v, column: v}", '{column: "*", functions: [count]}'))
        table = check_training_set(project, table)
        check_sync(project, table)
    print("deleted rows are in no training set and no sync")


if __name__ == "__main__":
    main()
