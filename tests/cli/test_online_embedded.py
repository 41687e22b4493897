#!/usr/bin/env python3
"""sync, get and serve on the embedded store: what is served is what the tables say, and every failure leaves what was
served before."""
import os
import socket
import subprocess
import unittest

from harness import EXIT, FLOE
from online import SFO, Base


class Embedded(Base, unittest.TestCase):
    def online(self):
        return ""

    def test_get_before_any_sync_does_not_claim_to_know(self):
        cells = self.project.floe("get", "delay_model", "origin=SFO", "--json")
        if cells.code == 0:
            self.assertEqual({cell["status"] for cell in cells.json}, {"NOT_FOUND"})

    def test_a_port_in_use_is_named(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            run = self.project.floe("serve", "--listen", address)
            self.assertIn(run.code, (EXIT["CONFLICT"], EXIT["UNAVAILABLE"], EXIT["IO"]), str(run))
            self.assertIn(address, run.err)
            self.assertEqual(run.out, "")

    def test_a_listener_for_everybody_needs_access_rules(self):
        run = self.project.floe("serve", "--listen", "0.0.0.0:0")
        self.assertIn(run.code, (EXIT["DENIED"], EXIT["INVALID"], EXIT["UNSUPPORTED"]), str(run))
        self.assertIn("access", run.err)
        self.assertEqual(run.out, "")

    def test_a_damaged_store_is_named(self):
        self.sync()
        path = self.project.path(".floe/online")
        files = [os.path.join(path, name) for name in os.listdir(path) if name.startswith("data")]
        self.assertTrue(files)
        for name in files:
            with open(name, "wb") as file:
                file.write(b"not a database at all" * 1000)
        run = self.project.floe("get", "delay_model", "origin=SFO")
        self.assertIn(run.code, (EXIT["CORRUPT"], EXIT["INVALID"], EXIT["IO"]), str(run))
        self.assertIn(".floe/online", run.err)

    def test_lookups_go_on_while_a_sync_runs(self):
        self.sync()
        process = subprocess.Popen([FLOE, "sync", "--full"], cwd=self.project.folder, stdout=subprocess.DEVNULL)
        while process.poll() is None:
            self.assertEqual(self.values("SFO"), SFO)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(self.values("SFO"), SFO)


if __name__ == "__main__":
    unittest.main()
