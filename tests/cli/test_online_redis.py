#!/usr/bin/env python3
"""sync, get and serve on a real redis-server: what is served is what the tables say, and a server that is away is named."""
import unittest

from harness import Project, Redis, Server, wait_until
from online import SFO, Base


class OnRedis(Base, unittest.TestCase):
    def online(self):
        self.redis = Redis()
        self.addCleanup(self.redis.__exit__)
        return f'online: {{store: redis, url: "{self.redis.url}"}}\n'

    def test_a_redis_that_is_not_there_is_named_and_nothing_changes(self):
        self.sync()
        self.redis.stop()
        for arguments in (["sync"], ["get", "delay_model", "origin=SFO"]):
            with self.unchanged(self.project.folder):
                run = self.refused(self.project.floe(*arguments), "UNAVAILABLE", self.redis.url, "floe.yaml")
            self.assertEqual(run.err.count("\n"), 1)

    def test_an_emptied_redis_is_filled_in_full(self):
        self.sync()
        self.redis.answers("FLUSHALL")
        (told,) = self.sync()
        self.assertEqual(told["full"], True)
        self.assertEqual(self.values("SFO"), SFO)

    def test_a_wrong_url_is_refused(self):
        self.project.write("floe.yaml", Project.YAML + 'online: {store: redis, url: "http://127.0.0.1:1"}\n')
        self.refused(self.project.floe("sync"), "INVALID", "floe.yaml:4", "redis://")

    def test_the_server_outlives_a_redis_that_goes_away(self):
        self.sync()
        with Server(self.project) as server:
            self.assertEqual(self.lookup(server, ["SFO"])[0], 200)
            self.redis.stop()
            wait_until(lambda: self.lookup(server, ["SFO"])[0] == 503, "an answer that Redis is away")
            status, problem = self.lookup(server, ["SFO"])
            self.assertEqual((status, problem["code"]), (503, "UNAVAILABLE"))
            self.assertEqual(server.request("/livez")[0], 200)
            self.assertEqual(server.request("/readyz")[0], 503)
            self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    unittest.main()
