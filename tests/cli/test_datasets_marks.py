#!/usr/bin/env python3
"""What stands between a dataset and the list of them: builds into a table that are killed around their commit, and features whose
texts hold any character. timeout: 600"""
import fcntl
import glob
import json
import os
import random
import signal
import shutil
import sqlite3
import subprocess
import time
import unittest

import pyarrow as pa
import pyarrow.parquet as pq

from harness import FLOE, Checks, Project, flights_project

SPINE_HEADER = ["origin", "at", "label"]
TABLE = "lake.ml.train"


class Tables(Checks, unittest.TestCase):
    def setUp(self):
        self.project = flights_project()
        self.addCleanup(shutil.rmtree, self.project.folder)
        self.project.write_csv("spine.csv", SPINE_HEADER, [["SFO", "2001-02-03 06:00:00", "1"]])

    def command(self, out):
        return ["dataset", "build", "--features", "airport_delays", "--spine", "spine.csv", "--time", "at", "-o", out, "--json"]

    def listed(self):
        return {row["id"] for row in self.project.floe_ok("dataset", "ls", "--json").json}

    def folder(self, *names):
        return self.project.path(".floe", "datasets", *names)

    def snapshots(self, table):
        """By the table's own metadata; none where there is no table."""
        files = glob.glob(self.project.path("lakehouse", *table.split(".")[1:], "metadata", "*.metadata.json"))
        if not files:
            return set()
        with open(max(files)) as file:
            return {snapshot["snapshot_id" if "snapshot_id" in snapshot else "snapshot-id"]
                    for snapshot in json.load(file).get("snapshots", [])}

    def forget(self, built):
        """As a build leaves it that is killed after the commit: the marker still lies there and the registry knows nothing."""
        marker = self.folder(built["id"], "committing")
        with open(marker, "w"):
            pass
        with open(self.folder(built["id"], "unlisted"), "w") as note:
            note.write(marker)
        with sqlite3.connect(self.project.path(".floe/registry.db")) as registry:
            registry.execute("DELETE FROM datasets WHERE id = ?", (built["id"],))
        registry.close()

    def test_killed_after_the_commit__the_table_tells(self):
        built = self.project.floe_ok(*self.command(TABLE)).json
        self.forget(built)
        self.assertEqual(self.listed(), {built["id"]})
        self.assertEqual(sorted(os.listdir(self.folder(built["id"]))), ["manifest.json", "spine.parquet"])
        self.ok(self.project.floe("dataset", "audit", built["id"]))

    def test_killed_before_the_commit__it_is_no_dataset(self):
        built = self.project.floe_ok(*self.command(TABLE)).json
        self.forget(built)
        path = self.folder(built["id"], "manifest.json")
        with open(path) as file:
            manifest = json.load(file)
        manifest["output"]["snapshot_id"] += 1
        with open(path, "w") as file:
            json.dump(manifest, file)
        self.assertEqual(self.listed(), set())
        shutil.rmtree(self.project.path("lakehouse", "ml", "train"))  # nor where the table never came to be
        self.assertEqual(self.listed(), set())
        self.assertTrue(os.path.exists(self.folder(built["id"], "committing")))

    def uncommitted(self, seconds_ago):
        """As a build of so long ago leaves it that was killed before its commit."""
        built = self.project.floe_ok(*self.command(TABLE)).json
        self.forget(built)
        shutil.rmtree(self.project.path("lakehouse", "ml", "train"))
        when = time.time() - seconds_ago
        os.utime(self.folder(built["id"], "unlisted"), (when, when))
        return built["id"]

    def test_killed_before_the_commit__it_is_swept_after_an_hour(self):
        fresh, old = self.uncommitted(3500), self.uncommitted(3700)
        self.assertEqual(self.listed(), set())
        self.assertEqual(os.listdir(self.folder()), [fresh])
        kept = self.project.floe_ok(*self.command("lake.ml.other")).json["id"]
        self.assertEqual(self.listed(), {kept})
        self.assertEqual(sorted(os.listdir(self.folder())), sorted([fresh, kept]))
        self.assertNotEqual(fresh, old)

    def test_a_build_that_runs__is_not_swept(self):
        old = self.uncommitted(10**6)
        with open(self.folder(old, "unlisted")) as note:
            fcntl.flock(note, fcntl.LOCK_EX)  # as the build holds it
            self.assertEqual(self.listed(), set())
            self.assertEqual(os.listdir(self.folder()), [old])
        self.assertEqual(self.listed(), set())
        self.assertEqual(os.listdir(self.folder()), [])

    def test_a_catalog_that_cannot_be_asked__keeps_what_is_not_known(self):
        old = self.uncommitted(10**6)
        os.makedirs(self.project.path("lakehouse", "ml", "train", "metadata"))
        self.project.write("lakehouse/ml/train/metadata/00001-x.metadata.json", "{")
        self.assertIn(old, self.ok(self.project.floe("dataset", "ls")).err)
        self.assertEqual(os.listdir(self.folder()), [old])

    def test_a_file_that_never_came__is_swept_with_its_part(self):
        """Files need no hour: whether one is in place is known at once."""
        for manifest in (True, False):
            built = self.project.floe_ok(*self.command("out.parquet")).json
            part = self.project.path("out.parquet.1.part")
            os.rename(self.project.path("out.parquet"), part)
            with open(self.folder(built["id"], "unlisted"), "w") as note:
                note.write(part)
            with sqlite3.connect(self.project.path(".floe/registry.db")) as registry:
                registry.execute("DELETE FROM datasets")
            registry.close()
            if not manifest:
                os.remove(self.folder(built["id"], "manifest.json"))
            with open(self.folder(built["id"], "unlisted")) as note:
                fcntl.flock(note, fcntl.LOCK_EX)
                self.assertEqual(self.listed(), set())
                self.assertTrue(os.path.exists(part))
            self.assertEqual(self.listed(), set())
            self.assertFalse(os.path.exists(part))
            self.assertEqual(os.listdir(self.folder()), [])

    def test_a_note_that_names_another_file__removes_none_but_a_part(self):
        built = self.project.floe_ok(*self.command("out.parquet")).json
        os.remove(self.folder(built["id"], "manifest.json"))
        with open(self.folder(built["id"], "unlisted"), "w") as note:
            note.write(self.project.path("spine.csv"))
        self.project.floe_ok("dataset", "ls")
        self.assertTrue(os.path.exists(self.project.path("spine.csv")))

    def test_files_killed_at_any_moment__leave_no_folder_that_is_not_listed(self):
        begin = time.monotonic()
        self.ok(self.project.floe(*self.command("first.parquet")))
        whole = time.monotonic() - begin
        seed = random.randrange(2**32)
        moments = random.Random(seed)
        for i in range(12):
            process = subprocess.Popen([FLOE, *self.command(f"o{i}.parquet")], cwd=self.project.folder, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                process.wait(timeout=whole * moments.uniform(0.3, 1.1))
            except subprocess.TimeoutExpired:
                process.kill()
            process.wait()
            listed = self.listed()
            self.assertEqual(set(os.listdir(self.folder())), listed, f"seed {seed}, run {i}")
            self.assertEqual(glob.glob(self.project.path("*.part")), [], f"seed {seed}, run {i}")
            there = {row["id"] for row in self.project.floe_ok("dataset", "ls", "--json").json
                     if os.path.exists(self.project.path(f"o{i}.parquet"))}
            self.assertTrue(there <= listed)
            for name in listed:
                self.ok(self.project.floe("dataset", "show", name))

    def test_files_killed_while_they_are_written__leave_no_part(self):
        with open(self.project.path("spine.csv")) as spine:
            header, *rows = spine.read().splitlines()
        self.project.write("spine.csv", "\n".join([header, *rows * (200_000 // len(rows))]) + "\n")
        process = subprocess.Popen([FLOE, *self.command("o.csv")], cwd=self.project.folder, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and not glob.glob(self.project.path("o.csv.*.part")):
            time.sleep(0.002)
        process.kill()
        self.assertEqual(process.wait(), -signal.SIGKILL, "it was over before it was killed")
        self.assertEqual(self.listed(), set())
        self.assertEqual(glob.glob(self.project.path("o.csv*")), [])
        self.assertEqual(os.listdir(self.folder()), [])

    def test_a_catalog_that_cannot_be_asked__is_asked_again(self):
        built = self.project.floe_ok(*self.command(TABLE)).json
        self.forget(built)
        (metadata,) = glob.glob(self.project.path("lakehouse", "ml", "train", "metadata", "*.metadata.json"))
        os.rename(metadata, metadata + ".away")
        with open(metadata, "w") as file:
            file.write("{")
        run = self.ok(self.project.floe("dataset", "ls", "--json"))
        self.assertEqual(run.json, [])
        self.assertIn(built["id"], run.err)
        self.assertIn(os.path.basename(metadata), run.err)
        os.rename(metadata + ".away", metadata)
        self.assertEqual(self.listed(), {built["id"]})

    def test_killed_at_any_moment__no_snapshot_is_without_its_entry(self):
        begin = time.monotonic()
        self.ok(self.project.floe(*self.command("lake.ml.first")))
        whole = time.monotonic() - begin
        seed = random.randrange(2**32)
        moments = random.Random(seed)
        before = self.listed()
        for i in range(12):
            table = f"lake.ml.t{i}"
            process = subprocess.Popen([FLOE, *self.command(table)], cwd=self.project.folder, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                process.wait(timeout=whole * moments.uniform(0.3, 1.1))
            except subprocess.TimeoutExpired:
                process.kill()
            process.wait()
            new = self.listed() - before
            there = self.snapshots(table)
            found = {self.project.floe_ok("dataset", "show", name, "--json").json["output"]["snapshot_id"] for name in new}
            self.assertEqual(found, there, f"seed {seed}, run {i}")
            before |= new


class Kept(Checks, unittest.TestCase):
    """What lies beside the spine, and where."""

    def setUp(self):
        self.project = flights_project()
        self.addCleanup(lambda: shutil.rmtree(self.project.folder))
        self.project.write_csv("spine.csv", SPINE_HEADER, [["SFO", "2001-02-03 06:00:00", "1"]])
        self.built = self.project.floe_ok("dataset", "build", "--features", "airport_delays", "--spine", "spine.csv", "--time", "at",
                                          "-o", "out.parquet", "--json").json

    def test_a_manifest_that_was_changed_or_is_gone__is_found(self):
        path = self.project.path(".floe", "datasets", self.built["id"], "manifest.json")
        with open(path) as file:
            manifest = file.read()
        changes = {'"rows":1': '"rows":2', '"as_known":false': '"as_known":true', self.built["content_hash"]: "0" * 64,
                   '"snapshot_id":': '"snapshot_id":1', manifest: ""}
        for before, after in changes.items():
            with self.subTest(before[:20]):
                self.assertIn(before, manifest)
                self.project.write(path, manifest.replace(before, after, 1))
                self.refused(self.project.floe("dataset", "audit", self.built["id"]), "CORRUPT", path, "was changed",
                             f"floe dataset show {self.built['id']} --json")
        os.remove(path)
        self.refused(self.project.floe("dataset", "audit", self.built["id"]), "CORRUPT", path, "is gone")
        self.project.write(path, self.project.floe_ok("dataset", "show", self.built["id"], "--json").out)
        self.ok(self.project.floe("dataset", "audit", self.built["id"]))

    def test_another_expression_or_parameter_under_one_name__is_a_difference(self):
        built = []
        for expression, quantile in (("label * 2", "0.5"), ("label * 3", "0.75")):
            self.project.write("features/more.yaml", f"""request_features:
  - {{name: r, inputs: [{{name: label, type: int64}}], expression: "{expression}", type: int64}}
feature_views:
  - name: more
    entity: airport
    source: flights
    aggregates: [{{column: delay, functions: [{{percentile: {quantile}}}], name: p}}]
""")
            self.project.floe_ok("apply")
            built.append(self.project.floe_ok("dataset", "build", "--features", "r,more:p", "--spine", "spine.csv", "--time", "at", "-o",
                                              f"o{len(built)}.parquet", "--json").json["id"])
        rows = {row["what"]: (row["before"], row["after"])
                for row in self.project.floe_ok("dataset", "diff", *built, "--json").json}
        self.assertEqual(rows["r expression"], ("label * 2", "label * 3"))
        self.assertEqual(rows["more:p quantile"], ("0.5", "0.75"))

    def test_a_project_that_was_moved__has_its_datasets_with_it(self):
        old, new = self.project.folder, self.project.folder + "-moved"
        os.rename(old, new)
        self.project.folder = new
        self.refused(self.project.floe("dataset", "audit", self.built["id"], "--file", "out.parquet"), "NOT_FOUND",
                     "or moved: {from, to} of its catalog in floe.yaml")
        self.project.write("floe.yaml", f"""project: test
catalogs:
  lake: {{type: directory, warehouse: ./lakehouse, moved: {{from: {old}, to: {new}}}}}
""")
        self.ok(self.project.floe("dataset", "audit", self.built["id"], "--file", "out.parquet"))
        self.ok(self.project.floe("dataset", "rebuild", self.built["id"], "-o", "again.parquet"))
        with open(self.project.path("out.parquet"), "rb") as one, open(self.project.path("again.parquet"), "rb") as two:
            self.assertEqual(one.read(), two.read())


TEXTS = ["a\0b", "a\0c", "\0", "\x01\x1f\x7f", "\u2028", '"\\', "a\tb\nc", "\U0001f600", None]
VIEW = """\
entities: [{name: e, keys: [{name: k, type: int64}]}]
sources: [{name: s, table: lake.t.texts, event_time: ts}]
feature_views:
  - name: v
    entity: e
    source: s
    features: [{name: last, column: x}]
    aggregates: [{column: x, functions: [min, max, {top_k: 2}, count]}]
"""


class Texts(Checks, unittest.TestCase):
    """Every character that a text may hold, a NUL too, is a feature's value as any other."""

    def setUp(self):
        self.project = Project()
        self.addCleanup(shutil.rmtree, self.project.folder)
        self.write("texts.parquet", TEXTS)
        self.project.floe_ok("table", "import", "texts.parquet", "lake.t.texts")
        self.project.write("features/v.yaml", VIEW)
        self.project.floe_ok("apply")

    def write(self, name, texts):
        times = pa.array([0] * len(texts), pa.int64()).cast(pa.timestamp("us"))
        pq.write_table(pa.table({"k": pa.array(range(len(texts)), pa.int64()), "ts": times, "x": pa.array(texts, pa.string())}),
                       self.project.path(name))

    def spine(self, count):
        times = pa.array([1] * count, pa.int64()).cast(pa.timestamp("us"))
        pq.write_table(pa.table({"k": pa.array(range(count), pa.int64()), "t": times}), self.project.path("spine.parquet"))

    def build(self, out):
        return self.project.floe_ok("dataset", "build", "--features", "v", "--spine", "spine.parquet", "-o", out, "--json").json

    def test_a_dataset_of_any_text__is_built_listed_shown_audited_and_made_again(self):
        self.spine(len(TEXTS))
        for out in ("out.parquet", "out.csv", "out.jsonl", "out.arrow"):
            built = self.build(out)
            self.assertIn(built["id"], [row["id"] for row in self.project.floe_ok("dataset", "ls", "--json").json])
            manifest = self.project.floe_ok("dataset", "show", built["id"], "--json").json
            (last,) = [f for f in manifest["features"] if f["feature"] == "v:last"]
            self.assertEqual((last["distinct"], last["nulls"]), (len(TEXTS) - 1, 1))
            self.assertEqual([top["value"] for top in last["top"]], sorted(text for text in TEXTS if text is not None)[:5])
            self.ok(self.project.floe("dataset", "show", built["id"]))
            self.ok(self.project.floe("dataset", "rebuild", built["id"]))
            if out.split(".")[-1] in ("parquet", "arrow"):
                self.ok(self.project.floe("dataset", "audit", built["id"]))
        self.assertEqual(pq.read_table(self.project.path("out.parquet")).column("v__last").to_pylist(), TEXTS)
        self.ok(self.project.floe("table", "expire", "lake.t.texts", "--older-than", "1d"))

    def test_texts_that_differ_behind_a_nul__are_a_difference(self):
        self.spine(1)
        before = self.build("one.parquet")
        self.write("texts.parquet", ["a\0c"])
        self.project.floe_ok("table", "import", "texts.parquet", "lake.t.texts", "--replace")
        after = self.build("two.parquet")
        rows = self.project.floe_ok("dataset", "diff", before["id"], after["id"], "--json").json
        self.assertIn(("v__last: 1 row, the first is row 1", r'"a\u0000b"', r'"a\u0000c"'),
                      [(row["what"], row["before"], row["after"]) for row in rows])
        table = pq.read_table(self.project.path("two.parquet"))
        column = pa.array(["a\0d"])
        pq.write_table(table.set_column(table.column_names.index("v__last"), "v__last", column), self.project.path("two.parquet"))
        self.refused(self.project.floe("dataset", "audit", after["id"]), "CORRUPT", r'"a\u0000d", by the rule "a\u0000c"')


if __name__ == "__main__":
    unittest.main()
