#!/usr/bin/env python3
"""Every command line of a code block in README and docs, run as it stands there, in a project that has what it speaks of.
Only identifiers that a run makes up (snapshots) are put in the place of those that are shown.
timeout: 600"""
import os
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = os.environ["FLOE_ROOT"]
sys.path.insert(0, os.path.join(ROOT, "tests/cli"))
from harness import DEADLINE_S, FLOE, Project, flights_project  # noqa: E402

ORDERS = """\
order_id,customer_id,ordered_at,amount
1,42,2024-03-01 10:00:00,19.90
2,42,2024-03-05 12:30:00,5.10
3,7,2024-03-02 09:00:00,100.00
"""
LABELS = "customer_id,at\n42,2024-03-01 10:00:00\n42,2024-03-06 00:00:00\n9,2024-03-06 00:00:00\n"
# An editor for scripts: takes away the single comment signs, as the file's own words (behind two) say.
EDITOR = "#!/bin/sh\nsed -i -e '/^##/d' -e 's/^# \\{0,1\\}//' \"$1\"\n"


def blocks(page):
    with open(os.path.join(ROOT, page), encoding="utf-8") as file:
        return re.findall(r"^```[^\n]*\n(.*?)^```", file.read(), re.M | re.S)


def pages():
    found = ["README.md", "examples/flights/README.md"]
    return found + ["docs/" + name for name in sorted(os.listdir(os.path.join(ROOT, "docs"))) if name.endswith(".md")]


def lines(page):
    """Command lines of floe in the page's code blocks, in order."""
    return [line for block in blocks(page) for line in block.splitlines() if re.match(r"(\$ )?floe [a-z]", line)]


class Documented(unittest.TestCase):
    def bash(self, script, folder, **environment):
        """The script in a shell that stops at its first failure, with floe on the path."""
        path = os.path.dirname(FLOE) + os.pathsep + os.environ["PATH"]
        done = subprocess.run(["bash", "-e", "-o", "pipefail", "-c", script], cwd=folder, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=DEADLINE_S,
                              env={**os.environ, "PATH": path, "FLOE_SYNC_WAITS": "0,0", **environment})
        self.assertEqual(done.returncode, 0, f"{script}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def test_every_page_with_commands_is_run_here(self):
        run = {"README.md", "docs/access.md", "docs/search.md", "docs/tables.md"}
        self.assertEqual({page for page in pages() if lines(page)}, run)

    def test_readme__the_ten_minutes_run_as_they_stand(self):
        block = next(block for block in blocks("README.md") if "floe init" in block)
        with tempfile.TemporaryDirectory(prefix="floe-docs-") as folder:
            for name, text in (("orders.csv", ORDERS), ("labels.csv", LABELS), ("editor", EDITOR)):
                with open(os.path.join(folder, name), "w") as file:
                    file.write(text)
            os.chmod(os.path.join(folder, "editor"), 0o755)
            script = block.replace("&& cd shop", "&& cd shop && cp ../*.csv . && sed -i s/:6566/:0/ floe.yaml")
            self.assertNotEqual(script, block)
            script = script.replace('export PATH="$PWD/build:$PATH"\n', "")
            script = re.sub(r"^floe serve &.*$", "floe serve > served & server=$!", script, flags=re.M)
            out = self.bash(script + "\nkill $server\nwait $server", folder, EDITOR=os.path.join(folder, "editor"))
            self.assertIn("+ feature_view customer_orders", out)
            self.assertIn("3 rows × 7 features in train.parquet", out)
            self.assertIn("customer_orders:last_amount", out)
            self.assertIn("lake.shop.orders", out)
            shop = os.path.join(folder, "shop")
            rows = self.bash("floe dataset build --features customer_orders --spine labels.csv -o train.csv && cat train.csv", shop)
            # 42 has bought for 19.90 at its first label's time, for 25 a few days later; 9 never.
            last = [line.split(",") for line in rows.splitlines() if line.startswith(("42,", "9,"))]
            self.assertEqual([row[2:4] for row in last], [["19.9", "1"], ["5.1", "2"], ["", "0"]])

    def test_tables__every_command_works(self):
        with flights_project() as project:
            project.floe_ok("table", "scan", "lake.aviation.flights", "-o", "flights.parquet")
            project.floe_ok("table", "scan", "lake.aviation.flights", "--limit", "1", "-o", "more.parquet")
            project.floe_ok("table", "scan", "lake.aviation.flights", "--where", "origin = 'JFK'", "-o", "may.parquet")
            project.floe_ok("table", "scan", "lake.aviation.flights", "-o", "all.parquet")
            self.bash("rm -r lakehouse", project.folder)
            shown = lines("docs/tables.md")
            self.assertGreaterEqual(len(shown), 7)
            for line in shown:
                if "--from" in line:
                    ids = [snapshot["snapshot"] for snapshot in
                           project.floe_ok("table", "snapshots", "lake.aviation.flights", "--json").json]
                    line = re.sub(r"--from \d+ --to \d+", f"--from {ids[-2]} --to {ids[-1]}", line)
                self.bash(line, project.folder)

    def test_access__keys_are_made_listed_and_revoked(self):
        access = next(block for block in blocks("docs/access.md") if block.startswith("access:"))
        with flights_project(yaml=Project.YAML + access) as project:
            for _ in range(2):
                project.floe_ok("key", "create", "--role", "analyst")
            self.bash("\n".join(lines("docs/access.md")), project.folder)
            keys = project.floe_ok("key", "ls", "--json").json
            self.assertEqual([key["id"] for key in keys if not key["revoked"]], [1, 2])

    def test_search__questions_are_added_listed_and_removed(self):
        with flights_project(yaml=Project.YAML + "search: {embedder: none}\n") as project:
            project.write("questions.jsonl", '{"question": "how late are flights", "sql": "SELECT avg(delay) FROM lake.aviation.flights"}\n'
                                             '{"question": "from where", "sql": "SELECT DISTINCT origin FROM lake.aviation.flights"}\n')
            project.floe_ok("index")
            out = self.bash("\n".join(lines("docs/search.md")), project.folder)
            self.assertIn("how late are flights", out)
            self.assertNotIn("from where", project.floe_ok("question", "ls").out)


if __name__ == "__main__":
    unittest.main()
