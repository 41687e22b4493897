"""Incremental syncs over a source whose times are in nanoseconds: files appended to a table of version 3 made by hand, rows that share
a microsecond, ties, and old files with rows that only now are in the past. After every sync the store holds what a training set has
as of then. FLOE_SEED repeats a run. timeout: 600"""
import json
import os
import random
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(__file__))
import foreign  # noqa: E402
from dataset_support import YAML, Project, entity, source, view  # noqa: E402
from test_dataset_nanoseconds import MICRO, bounds, fields, rows_of, up  # noqa: E402

SECOND = 10**9
FAST = {"FLOE_SYNC_WAITS": "0,0"}


class Growing(foreign.Table):
    """A table to which files are appended, a snapshot each."""

    def __init__(self, project, kind="timestamp_ns", name="events"):
        super().__init__(project.path("lakehouse", "t", name), fields(kind), version=3)
        self.lines, self.snapshots, self.rows, self.zone = [], [], 0, "UTC" if "tz" in kind else None
        self.change_document = self.with_snapshots

    def append(self, rows):
        """Rows: (k, ts, known, until, v), times in nanoseconds."""
        number = len(self.snapshots) + 1
        self.entries = []
        self.add(rows_of(rows, self.zone), more=bounds(rows))
        self.entries[0]["snapshot_id"] = number
        path = os.path.join(self.folder, "metadata", f"added-{number}.avro")
        foreign.write_avro(path, foreign.entry_schema([], 3), self.entries)
        self.lines.append({"manifest_path": f"{self.uri}/metadata/added-{number}.avro", "manifest_length": os.path.getsize(path),
                           "partition_spec_id": 0, "content": 0, "sequence_number": number, "min_sequence_number": number,
                           "added_snapshot_id": number, "added_data_files_count": 1, "existing_data_files_count": 0,
                           "deleted_data_files_count": 0, "added_rows_count": len(rows), "existing_rows_count": 0,
                           "deleted_rows_count": 0})
        foreign.write_avro(os.path.join(self.folder, "metadata", f"list-{number}.avro"), foreign.list_schema(3), self.lines)
        parent = {"parent-snapshot-id": number - 1} if number > 1 else {}
        self.snapshots.append({"snapshot-id": number, **parent, "sequence-number": number, "timestamp-ms": 1700000000000 + number,
                               "summary": {"operation": "append"}, "manifest-list": f"{self.uri}/metadata/list-{number}.avro",
                               "schema-id": 0, "first-row-id": self.rows, "added-rows": len(rows)})
        self.rows += len(rows)
        os.replace(self.write(), os.path.join(self.folder, "metadata", f"v{number}.metadata.json"))

    def with_snapshots(self, document):
        document.update({"snapshots": self.snapshots, "current-snapshot-id": len(self.snapshots), "next-row-id": self.rows,
                         "last-sequence-number": len(self.snapshots)})
        document["snapshot-log"] = [{"snapshot-id": s["snapshot-id"], "timestamp-ms": s["timestamp-ms"]} for s in self.snapshots]
        return document


def text_of(us):
    """A time as floe prints it, of microseconds."""
    seconds, rest = divmod(us, 10**6)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:06}Z"


class Syncs(unittest.TestCase):
    kind = "timestamp_ns"

    def open(self, project, times=", created_time: known", more=""):
        project.write("floe.yaml", YAML + "online: {store: embedded, path: ./online}\n")
        table = Growing(project, self.kind)
        self.define = lambda: project.define(entity() + source(times=times) + "feature_views:\n" +
                                             view("{name: last, column: v}", "{column: v, functions: [count, sum]}", more=more))
        return table

    def sync(self, project, full=False):
        (result,) = [json.loads(line) for line in project.floe("sync", "--json", env=FAST).splitlines()]
        self.assertEqual(bool(result["full"]), full, result)
        return result

    def get(self, project, key):
        last, count, total = json.loads(project.floe("get", "v:last,v:v_count,v:v_sum", f"k={key}", "--json"))
        return last["value"], last.get("event_time"), count["value"], total["value"]

    def test_appended__within_a_microsecond_the_later_file_wins(self):
        with Project() as project:
            table = self.open(project, times="")
            table.append([("a", 1, None, None, 1), ("b", 1000, None, None, 1), ("c", 1001, None, None, 1), ("d", -1, None, None, 1)])
            self.define()
            self.sync(project, full=True)
            self.assertEqual(self.get(project, "a")[:2], (1, "1970-01-01T00:00:00.000001Z"))
            # 999 ns and 1 ns are one time; so are 1000 ns; 0 ns is before; 1001 ns is of the next microsecond and stays.
            table.append([("a", 999, None, None, 2), ("b", 1, None, None, 2), ("c", 1000, None, None, 2), ("d", 0, None, None, 2)])
            self.sync(project)
            self.assertEqual([self.get(project, k)[0] for k in "abcd"], [2, 2, 1, 2])
            self.assertEqual([self.get(project, k)[2:] for k in "abcd"], [(2, 3)] * 4)
            # The first file has its say no more, though it is never older than the second.
            table.append([("a", 0, None, None, 9)])
            self.sync(project)
            self.assertEqual([self.get(project, k)[0] for k in "abcd"], [2, 2, 1, 2])
            self.assertEqual(self.get(project, "a")[2:], (3, 12))

    def test_appended__created_decides_within_a_microsecond(self):
        with Project() as project:
            table = self.open(project)
            table.append([("a", 1, 5000, None, 1), ("b", 1, 5001, None, 1), ("c", 1, 5000, None, 1)])
            self.define()
            self.sync(project, full=True)
            # Created at 5 µs and in the microsecond after; 4,001 ns are 5 µs too: a tie, which the later file decides.
            table.append([("a", 999, 5001, None, 2), ("b", 999, 5000, None, 2), ("c", 999, 4001, None, 2)])
            self.sync(project)
            self.assertEqual([self.get(project, k)[0] for k in "abc"], [2, 1, 2])

    def old_file(self, lead_s):
        """False: the machine was too slow for rows so little ahead."""
        with Project() as project:
            soon = (time.time_ns() // MICRO + lead_s * 1_000_000) * MICRO
            table = self.open(project, times="")
            table.append([("a", 1, None, None, 1), ("b", 5, None, None, 1), ("b", soon + 1, None, None, 7)])
            self.define()
            self.sync(project, full=True)
            table.append([("a", 999, None, None, 2), ("c", soon, None, None, 3), ("c", soon - 999, None, None, 4)])
            self.sync(project)
            early = [self.get(project, k)[0] for k in "abc"]
            if time.time_ns() >= soon:
                return False
            self.assertEqual(early, [2, 1, None])
            time.sleep((soon - time.time_ns()) / SECOND + 0.01)
            self.sync(project)
            # b's row came from the first file, whose row of a had lost its tie: it must not win now.
            self.assertEqual(self.get(project, "a")[0], 2)
            self.assertEqual(self.get(project, "b")[:2], (7, text_of(up(soon + 1))))
            self.assertEqual(self.get(project, "c"), (4, text_of(soon // MICRO), 2, 7))  # soon - 999 ns is rounded up to soon
            self.sync(project)
            self.assertEqual([self.get(project, k)[0] for k in "abc"], [2, 7, 4])
            return True

    def test_old_file__gives_what_only_now_is_in_the_past(self):
        self.assertTrue(any(self.old_file(lead_s) for lead_s in (4, 20, 60)), "too slow a machine for this test's clock")

    def test_random__every_sync_holds_what_a_training_set_has(self):
        seed = int(os.environ.get("FLOE_SEED") or random.randrange(1 << 31))
        print(f"FLOE_SEED={seed}", file=sys.stderr)
        r = random.Random(seed)
        with Project() as project:
            start = time.time_ns() // MICRO * MICRO
            table = self.open(project, more=r.choice(["", ", at: before"]))

            def rows(count):
                """Around now and up to three seconds later, many in one microsecond."""
                out = []
                for _ in range(count):
                    at = start + r.choice([-1, 0, 1, 2, 3]) * SECOND + r.randrange(2) * MICRO + r.choice([0, 1, 500, 999])
                    out.append((r.choice("abcdef"), at, r.choice([None, at, at + 1, at + MICRO]), None, r.randrange(100)))
                return out
            table.append(rows(20))
            self.define()
            self.sync(project, full=True)
            for _ in range(4):
                table.append(rows(r.randrange(1, 12)))
                time.sleep(r.random())
                self.sync(project)
            while time.time_ns() < start + 4 * SECOND:
                time.sleep(0.1)
            self.sync(project)
            project.file("s.parquet", "SELECT k, TIMESTAMP '2100-01-01' AS t FROM (VALUES ('a'), ('b'), ('c'), ('d'), ('e'), ('f')) v(k)")
            offline = project.answers(spine="s.parquet", features="v", select="k, v__last, v__v_count, v__v_sum")
            online = [(k, *(value for at, value in enumerate(self.get(project, k)) if at != 1)) for k in "abcdef"]
            self.assertEqual(online, offline, f"seed {seed}")


class ZonedSyncs(Syncs):
    kind = "timestamptz_ns"


if __name__ == "__main__":
    unittest.main(verbosity=2)
