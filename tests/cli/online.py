"""What sync, get and serve must do on every store; test_online_embedded.py and test_online_redis.py say on which."""
import decimal
import json
import os
import shutil
import signal
import threading

import pyarrow
import pyarrow.parquet

from harness import DEADLINE_S, DELAYS, FLIGHTS, FLIGHTS_HEADER, Checks, Project, Server, flights_project, wait_until

FEATURES = ["airport_delays:" + name for name in ("last_delay", "delay_count", "delay_mean", "delay_max")]
# By hand from FLIGHTS: SFO has delays 5 and 25 (one flight has none), JFK -3, XXX nothing.
SFO, JFK, NOBODY = [25, 2, 15.0, 25], [-3, 1, -3.0, -3], [None, 0, None, None]
NEW_FLIGHT = ["2001-02-04 00:00:00", "SFO", "LAX", "7", "337", "2001-02-04 02:00:00"]
SFO_LATER = [7, 3, 37 / 3, 25]


class Base(Checks):
    """The same on every store; a subclass says which."""

    def setUp(self):
        self.project = flights_project(yaml=Project.YAML + self.online())
        self.addCleanup(shutil.rmtree, self.project.folder)

    def get(self, origin, *arguments):
        return self.ok(self.project.floe("get", "delay_model", f"origin={origin}", "--json", *arguments)).json

    def values(self, origin):
        return [cell["value"] for cell in self.get(origin)]

    def append(self, *rows):
        self.project.write_csv("more.csv", FLIGHTS_HEADER, rows)
        self.project.floe_ok("table", "import", "more.csv", "lake.aviation.flights", "--append", "--types",
                             "delay=int64,distance=int64,date=timestamp,known_at=timestamp")

    def sync(self, *arguments):
        return self.project.floe_ok("sync", "--json", *arguments).json_lines

    def test_what_was_synced_is_what_the_tables_say(self):
        (told,) = self.sync()
        self.assertEqual((told["view"], told["full"], told["why"], told["rows"]), ("airport_delays", True, "first sync", 2))
        self.assertEqual([self.values(o) for o in ("SFO", "JFK", "XXX")], [SFO, JFK, NOBODY])
        cells = self.get("SFO")
        self.assertEqual([cell["feature"] for cell in cells], FEATURES)
        self.assertEqual([cell["status"] for cell in cells], ["PRESENT"] * 4)
        self.assertEqual([cell["event_time"] for cell in cells], ["2001-02-03T00:10:00Z", None, None, None])
        self.assertEqual([cell["status"] for cell in self.get("XXX")], ["NOT_FOUND", "PRESENT", "NOT_FOUND", "NOT_FOUND"])

    def test_get_prints_value_status_and_age(self):
        self.sync()
        shown = self.ok(self.project.floe("get", "airport_delays:last_delay,airport_delays:delay_count", "origin=SFO")).out
        lines = [line.split() for line in shown.splitlines()]
        self.assertEqual(lines[0], ["feature", "value", "status", "event_time", "age"])
        self.assertEqual(lines[1][:4], [FEATURES[0], "25", "PRESENT", "2001-02-03T00:10:00Z"])
        self.assertRegex(lines[1][4], r"^\d+d$")
        self.assertEqual(lines[2], [FEATURES[1], "2", "PRESENT"])

    def test_get_as_of_a_time_judges_from_then(self):
        self.sync()
        (cell,) = self.ok(self.project.floe("get", FEATURES[0], "origin=SFO", "--as-of", "2001-02-03T12:10:00Z",
                                            "--json")).json
        self.assertEqual((cell["value"], cell["age"]), (25, "12h"))
        self.refused(self.project.floe("get", FEATURES[0], "origin=SFO", "--as-of", "2001-02-01"), "INVALID", "airport_delays",
                     "2001-02-01")
        self.refused(self.project.floe("get", FEATURES[1], "origin=SFO", "--as-of", "2001-02-04"), "UNSUPPORTED",
                     FEATURES[1])

    def test_a_second_sync_is_incremental_and_brings_what_is_new(self):
        self.sync()
        (told,) = self.sync()
        self.assertEqual(told["full"], False)
        self.assertEqual(self.values("SFO"), SFO)
        self.append(NEW_FLIGHT)
        (told,) = self.sync()
        self.assertEqual(told["full"], False)
        self.assertEqual([self.values(o) for o in ("SFO", "JFK")], [SFO_LATER, JFK])
        (told,) = self.sync("--full", "airport_delays")
        self.assertEqual((told["full"], told["why"]), (True, "asked for"))
        self.assertEqual([self.values(o) for o in ("SFO", "JFK")], [SFO_LATER, JFK])

    def test_an_older_row_that_arrives_late_does_not_win(self):
        self.sync()
        self.append(["2001-01-15 00:00:00", "SFO", "LAX", "99", "337", "2001-01-15 02:00:00"])
        self.sync()
        self.assertEqual(self.values("SFO")[0], 25)

    def test_rewritten_rows_and_changed_definitions_are_synced_in_full(self):
        self.sync()
        self.project.write_csv("flights.csv", FLIGHTS_HEADER, FLIGHTS[:1])
        self.project.floe_ok("table", "import", "flights.csv", "lake.aviation.flights", "--replace")
        (told,) = self.sync()
        self.assertEqual((told["full"], told["why"]), (True, "rows were rewritten"))
        self.assertEqual([self.values(o) for o in ("SFO", "JFK")], [[5, 1, 5.0, 5], NOBODY])
        self.project.write("features/delays.yaml", DELAYS.replace("[count, mean, max]", "[count]"))
        self.project.floe_ok("apply")
        (told,) = self.sync()
        self.assertEqual((told["full"], told["why"]), (True, "definition changed"))
        self.assertEqual(self.values("SFO"), [5, 1])

    def redefine(self, *changes):
        """The definitions with texts replaced, applied; what plan said of it."""
        text = DELAYS
        for old, new in changes:
            self.assertIn(old, text)
            text = text.replace(old, new)
        self.project.write("features/delays.yaml", text)
        told = self.project.floe_ok("plan").out
        self.project.floe_ok("apply")
        return told

    def test_a_change_that_leaves_values_what_they_mean_goes_on_being_served(self):
        self.sync()
        for change in ((("How late flights", "How very late flights"),), (("    at: before", "    owner: me\n    tags: [t]\n    at: before"),),
                       (("    at: before", "    ttl: 100000d\n    at: before"),), (("created_time: known_at", "created_time: known_at, max_future: 5m"),),
                       (("delay IS NOT NULL", " delay IS NOT NULL "),)):
            self.assertNotIn("NOT_FOUND", self.redefine(*change))
            self.assertEqual([self.values(o) for o in ("SFO", "JFK", "XXX")], [SFO, JFK, NOBODY], change)
        told = self.redefine(("column: delay}", "column: delay}\n      - {name: far, column: distance}"))
        self.assertIn("until then what changed is NOT_FOUND", told)
        cells = self.get("SFO")
        self.assertEqual([c["value"] for c in cells], [25, None, 2, 15.0, 25])
        self.assertEqual([c["status"] for c in cells], ["PRESENT", "NOT_FOUND", "PRESENT", "PRESENT", "PRESENT"])
        doctor = self.project.floe("doctor")
        self.assertIn("1 of 5 features are NOT_FOUND", doctor.out + doctor.err)
        self.sync()
        self.assertEqual(self.values("SFO"), [25, 2586, 2, 15.0, 25])

    def test_values_of_rows_that_the_definition_no_longer_means_are_not_served(self):
        """The keys, the filter, the times, the boundary or the table is another: nothing that is stored is an answer, not
        even a count. After the sync it is; by hand from FLIGHTS."""
        self.project.write_csv("other.csv", FLIGHTS_HEADER, [["2001-01-01 00:10:00", "SFO", "JFK", "9", "1", "2001-01-01 07:00:00"]])
        self.project.floe_ok("table", "import", "other.csv", "lake.aviation.other")
        self.sync()
        for change, sfo, jfk in (
                (("    at: before", "    keys: {origin: destination}\n    at: before"), [-3, 1, -3.0, -3], [25, 2, 15.0, 25]),
                (("delay IS NOT NULL", "delay < 10"), [5, 1, 5.0, 5], [-3, 1, -3.0, -3]),
                (("event_time: date", "event_time: known_at"), SFO, JFK),
                (("created_time: known_at", "created_time: date"), SFO, JFK),
                (("    at: before\n", ""), SFO, JFK),
                (("lake.aviation.flights", "lake.aviation.other"), [9, 1, 9.0, 9], NOBODY)):
            self.assertIn("until then what changed is NOT_FOUND", self.redefine(change))
            for origin in ("SFO", "JFK", "XXX"):
                cells = self.get(origin)
                self.assertEqual([(c["value"], c["status"]) for c in cells], [(None, "NOT_FOUND")] * 4, (change, origin))
            doctor = self.project.floe("doctor")
            self.assertIn("4 of 4 features are NOT_FOUND", doctor.out + doctor.err, change)
            (told,) = self.sync()
            self.assertEqual((told["full"], told["why"]), (True, "definition changed"))
            self.assertEqual([self.values(o) for o in ("SFO", "JFK")], [sfo, jfk], change)
            self.redefine()
            self.sync()
            self.assertEqual([self.values(o) for o in ("SFO", "JFK", "XXX")], [SFO, JFK, NOBODY])

    def test_a_feature_of_another_column_is_not_served_and_the_others_are(self):
        self.sync()
        self.redefine(("{name: last_delay, column: delay}", "{name: last_delay, column: distance}"))
        cells = self.get("SFO")
        self.assertEqual([c["value"] for c in cells], [None, *SFO[1:]])
        self.assertEqual([c["status"] for c in cells], ["NOT_FOUND", "PRESENT", "PRESENT", "PRESENT"])
        self.redefine()  # back to what was synced: there is nothing to wait for
        self.assertEqual(self.values("SFO"), SFO)
        self.redefine(("{column: delay, functions: [count, mean, max]}",
                       "{column: delay, functions: [count, mean]}\n      - {column: distance, functions: [max], name: delay_max}"))
        self.assertEqual(self.values("SFO"), [*SFO[:3], None])
        self.sync()
        self.assertEqual(self.values("SFO"), [*SFO[:3], 2586])

    def test_the_server_does_not_answer_with_values_of_another_definition(self):
        self.sync()
        with Server(self.project) as server:
            self.assertEqual(self.lookup(server, ["SFO", "JFK"])[1]["values"], [list(c) for c in zip(SFO, JFK)])
            self.redefine(("    at: before", "    keys: {origin: destination}\n    at: before"))
            wait_until(lambda: server.request("/readyz")[1]["version"] == 2, "the new version")
            for _ in range(5):
                status, answer = self.lookup(server, ["SFO", "JFK", "XXX"], include=["statuses"])
                self.assertEqual(status, 200, answer)
                self.assertEqual(answer["values"], [[None] * 3] * 4)
                self.assertEqual(answer["statuses"], [["NOT_FOUND"] * 3] * 4)
            wait_until(lambda: server.request("/readyz")[1].get("waiting_for_sync") == 1, "the view that waits for a sync")
            self.sync()
            right = [list(c) for c in zip([-3, 1, -3.0, -3], [25, 2, 15.0, 25])]
            wait_until(lambda: self.lookup(server, ["SFO", "JFK"])[1]["values"] == right, "the new values")
            wait_until(lambda: "waiting_for_sync" not in server.request("/readyz")[1], "no view that waits for a sync")

    def test_waits_of_a_sync_that_are_no_times_are_refused(self):
        for waits in ("", "0,0", "1,2"):
            self.ok(self.project.floe("sync", "--full", env={"FLOE_SYNC_WAITS": waits}) if waits else
                    self.project.floe("sync", env={"FLOE_SYNC_WAITS": waits}))
        before = self.project.floe_ok("get", "delay_model", "origin=SFO", "--json").json
        for waits in ("x", "1", "1,", "-1,0", "0,-1", "1,2,3", "1s,2s", "0,99999999999"):
            run = self.project.floe("sync", "--full", env={"FLOE_SYNC_WAITS": waits})
            self.refused(run, "INVALID", f"FLOE_SYNC_WAITS={waits}", "2000,10000")
        after = self.project.floe_ok("get", "delay_model", "origin=SFO", "--json").json
        self.assertEqual([row["value"] for row in after], [row["value"] for row in before])

    def test_wrong_names_and_keys_are_named_and_change_nothing(self):
        self.sync()
        for code, arguments, parts in (
                ("NOT_FOUND", ["get", "delay_modl", "origin=SFO"], ["delay_modl", "did you mean delay_model?"]),
                ("NOT_FOUND", ["get", "airport_delay", "origin=SFO"], ["did you mean airport_delays?"]),
                ("NOT_FOUND", ["get", "airport_delays:last", "origin=SFO"], ["airport_delays", "last"]),
                ("NOT_FOUND", ["get", "zzzzzz", "origin=SFO"], ["zzzzzz", "delay_model"]),
                ("INVALID", ["get", "delay_model"], ["origin", "origin=VALUE"]),
                ("INVALID", ["get", "delay_model", "origin=SFO", "orign=SFO"], ["orign", "origin"]),
                ("USAGE", ["get", "delay_model", "SFO"], ["KEY=VALUE"]),
                ("USAGE", ["get", "delay_model", "origin=SFO", "origin=JFK"], ["origin", "twice"]),
                ("USAGE", ["get", "delay_model", "origin=SFO", "--as-of", "noon"], ["--as-of", "noon"]),
                ("NOT_FOUND", ["sync", "airport_delay"], ["airport_delay", "did you mean airport_delays?"]),
                ("NOT_FOUND", ["ingest", "departures"], ["departures"]),
                ("NOT_FOUND", ["ingest"], ["streams:"])):
            self.assertEqual(self.refused(self.project.floe(*arguments), code, *parts).out, "")
        self.assertEqual(self.values("SFO"), SFO)

    def test_a_name_is_said_even_where_nothing_is_applied(self):
        with Project(Project.YAML + self.online()) as fresh:
            for arguments, name in ((["get", "delay_model", "origin=SFO"], "delay_model"), (["sync", "airport_delays"], "airport_delays")):
                with self.unchanged(fresh.folder):
                    self.refused(fresh.floe(*arguments), "NOT_FOUND", f'"{name}" is not applied', "floe apply")
            self.refused(fresh.floe("sync"), "NOT_FOUND", "floe apply")
            self.refused(fresh.floe("serve"), "NOT_FOUND", "floe apply")

    def test_a_body_past_the_limit_is_refused_and_the_server_goes_on(self):
        self.sync()
        with Server(self.project) as server:
            status, problem = self.lookup(server, ["S" * 1000] * 10000)
            self.assertEqual((status, problem["code"]), (413, "LIMIT"))
            self.assertEqual(self.lookup(server, ["SFO"])[1]["values"], [[v] for v in SFO])
            self.assertEqual(server.stop(), 0, server.messages())

    def test_a_key_of_the_wrong_type_is_named(self):
        text = DELAYS.replace("origin, type: string", "distance, type: int64")
        self.project.write("features/delays.yaml", text)
        self.project.floe_ok("apply")
        self.sync()
        self.assertEqual(self.project.floe_ok("get", FEATURES[1], "distance=2586", "--json").json[0]["value"], 3)
        for value in ("far", "1.5", "", "99999999999999999999"):
            self.refused(self.project.floe("get", FEATURES[1], "distance=" + value), "INVALID", "distance")

    def test_a_view_that_is_not_online_is_not_synced(self):
        self.project.write("features/delays.yaml", DELAYS.replace("    at: before", "    online: false\n    at: before"))
        self.project.floe_ok("apply")
        self.refused(self.project.floe("sync", "airport_delays"), "INVALID", "airport_delays", "online: false")
        self.assertEqual(self.project.floe_ok("sync").out, "")

    def test_a_failing_sync_leaves_what_was_served(self):
        self.sync()
        self.append(NEW_FLIGHT)
        metadata = self.project.path("lakehouse/aviation/flights/metadata")
        lists = sorted((name for name in os.listdir(metadata) if name.startswith("snap-")),
                       key=lambda name: os.path.getmtime(os.path.join(metadata, name)))
        newest = os.path.join(metadata, lists[-1])
        with open(newest, "rb") as file:
            whole = file.read()
        with open(newest, "wb") as file:
            file.write(whole[: len(whole) // 2])
        for arguments in ([], ["--full"]):
            self.refused(self.project.floe("sync", *arguments), "CORRUPT", "airport_delays", lists[-1])
            self.assertEqual([self.values(o) for o in ("SFO", "JFK", "XXX")], [SFO, JFK, NOBODY])
        with open(newest, "wb") as file:
            file.write(whole)
        self.sync()
        self.assertEqual(self.values("SFO"), SFO_LATER)

    def test_a_key_that_is_too_long_is_the_same_limit_everywhere_and_is_named(self):
        """An entity's keys take at most 4096 bytes; version, count, kind and a length of two bytes are 5 of them."""
        fits, over = "S" * 4091, "S" * 4092
        self.append(["2001-02-05 00:00:00", fits, "LAX", "8", "337", "2001-02-05 02:00:00"])
        self.sync()
        self.assertEqual(self.values(fits), [8, 1, 8.0, 8])
        said = ["LIMIT", "origin is 4092 bytes long", 'begins with "' + "S" * 40 + '"', "at most 4096", "where:"]
        self.refused(self.project.floe("get", "delay_model", "origin=" + over), *said)
        for name, length in (("a.csv", 4092), ("b.csv", 8187), ("c.csv", 8192), ("d.csv", 20000)):
            self.project.write_csv(name, ["origin", "at"], [["SFO", "2001-03-01 00:00:00"], ["T" * length, "2001-03-01 00:00:00"]])
            with self.unchanged(self.project.path("lakehouse")):
                self.refused(self.project.floe("dataset", "build", "--service", "delay_model", "--spine", name, "--time", "at", "-o",
                                               "out.parquet"), "LIMIT", name, "row 2", f"origin is {length} bytes long", "TTTT", "at most 4096")
        self.project.write_csv("e.csv", ["origin", "at"], [[fits, "2001-03-01 00:00:00"], ["", "2001-03-01 00:00:00"]])
        self.project.floe_ok("dataset", "build", "--service", "delay_model", "--spine", "e.csv", "--time", "at", "-o", "out.csv")
        self.assertIn(fits + ",2001-03-01", self.project.read("out.csv"))
        self.append(["2001-02-06 00:00:00", over, "LAX", "9", "337", "2001-02-06 02:00:00"])
        self.refused(self.project.floe("sync"), *said, "airport_delays")
        self.refused(self.project.floe("sync", "--full"), *said, "airport_delays")
        self.assertEqual(self.values(fits), [8, 1, 8.0, 8])
        self.redefine(("delay IS NOT NULL", "delay IS NOT NULL AND length(origin) < 4092"))
        self.sync()
        self.assertEqual(self.values(fits), [8, 1, 8.0, 8])
        with Server(self.project) as server:
            status, problem = self.lookup(server, ["SFO", over])
            self.assertEqual((status, problem["code"]), (413, "LIMIT"))
            self.assertIn("entity [1]: the key origin is 4092 bytes long", problem["detail"])

    def test_a_decimal_key_is_one_number_everywhere(self):
        """Synced from decimal(18,6) for a key of decimal(38,10): get and the server find it in every spelling that is exact."""
        top = decimal.Decimal(10**18 - 1).scaleb(-6)
        prices = [top, -top, decimal.Decimal("1.5"), decimal.Decimal("-0.000001"), decimal.Decimal(0)]
        table = pyarrow.table({"price": pyarrow.array([p.quantize(decimal.Decimal("0.000001")) for p in prices], pyarrow.decimal128(18, 6)),
                               "at": pyarrow.array([1] * 5, pyarrow.timestamp("us")), "v": list(range(5))})
        pyarrow.parquet.write_table(table, self.project.path("p.parquet"))
        self.project.floe_ok("table", "import", "p.parquet", "lake.aviation.prices")
        self.project.write("features/prices.yaml", "entities: [{name: offer, keys: [{name: price, type: 'decimal(38,10)'}]}]\n"
                           "sources: [{name: prices, table: lake.aviation.prices, event_time: at}]\n"
                           "feature_views: [{name: offers, entity: offer, source: prices, features: [{name: v, column: v}]}]\n")
        self.project.floe_ok("apply")
        self.sync("offers")
        for i, price in enumerate(prices):
            (cell,) = self.ok(self.project.floe("get", "offers:v", f"price={price:f}", "--json")).json
            self.assertEqual((cell["value"], cell["status"]), (i, "PRESENT"))
        with Server(self.project) as server:
            def ask(keys):
                return server.request("/v1/lookup", {"features": ["offers:v"], "entities": {"price": keys}, "include": ["statuses"]})
            status, answer = ask([f"{p:f}" for p in prices] + ["1.50", "+01.5000000000", 0, "1.51", -7])
            self.assertEqual((status, answer["values"]), (200, [[0, 1, 2, 3, 4, 2, 2, 4, None, None]]), answer)
            for wrong, said in ((1.5, "as text"), ("1.50000000001", "11 digits"), ("1e1", "no"), (True, "bool"), ("1" + "0" * 28, "digits")):
                status, problem = ask([wrong])
                self.assertEqual((status, problem["code"]), (400, "INVALID"), problem)
                self.assertIn("decimal(38,10)", problem["detail"], wrong)

    # ---- serve ----

    def lookup(self, server, origins, **more):
        return server.request("/v1/lookup", {"service": "delay_model", "entities": {"origin": origins}, **more})

    def test_the_server_answers_what_get_prints(self):
        self.sync()
        self.project.floe_ok("index")
        with Server(self.project) as server:
            status, answer = self.lookup(server, ["SFO", "JFK", "XXX"], include=["statuses"])
            self.assertEqual(status, 200, answer)
            self.assertEqual(answer["features"], FEATURES)
            self.assertEqual(answer["values"], [list(column) for column in zip(SFO, JFK, NOBODY)])
            self.assertEqual([c[2] for c in answer["statuses"]], ["NOT_FOUND", "PRESENT", "NOT_FOUND", "NOT_FOUND"])
            status, answer = server.request("/v1/search?q=delay")
            self.assertEqual(status, 200, answer)
            self.assertEqual(server.request("/livez")[0], 200)
            self.assertEqual(server.request("/readyz")[0], 200)
            status, problem = server.request("/v1/lookup", {"service": "delay_modl", "entities": {"origin": ["SFO"]}})
            self.assertEqual((status, problem["code"]), (404, "NOT_FOUND"))
            self.assertEqual(server.stop(), 0, server.messages())

    def test_the_server_follows_syncs(self):
        self.sync()
        with Server(self.project) as server:
            self.assertEqual(self.lookup(server, ["SFO"])[1]["values"], [[v] for v in SFO])
            self.append(NEW_FLIGHT)
            self.sync()
            wait_until(lambda: self.lookup(server, ["SFO"])[1]["values"] == [[v] for v in SFO_LATER], "the new flight")
            self.sync("--full")
            for _ in range(20):
                self.assertEqual(self.lookup(server, ["SFO"])[1]["values"], [[v] for v in SFO_LATER])

    def test_a_server_that_is_told_to_stop_answers_what_it_has_begun(self):
        self.sync()
        with Server(self.project) as server:
            statuses, stop = [], threading.Event()

            def ask():
                while not stop.is_set():
                    try:
                        statuses.append(self.lookup(server, ["SFO"])[0])
                    except (ConnectionError, OSError):
                        return  # refused: the listener is closed

            askers = [threading.Thread(target=ask) for _ in range(4)]
            for asker in askers:
                asker.start()
            wait_until(lambda: len(statuses) > 50, "lookups")
            self.assertEqual(server.stop(), 0, server.messages())
            stop.set()
            for asker in askers:
                asker.join(DEADLINE_S)
            self.assertLessEqual(set(statuses), {200, 503}, "503: it said that it is stopping")

    def test_sigint_stops_the_server_too(self):
        self.sync()
        with Server(self.project) as server:
            self.assertEqual(server.stop(signal.SIGINT), 0, server.messages())

    def test_the_server_says_where_it_listens_and_what_is_not_there(self):
        self.sync()
        with Server(self.project, "--json", "--log", "json", "--threads", "1") as server:
            server.url = json.loads(server.first_line)["url"]
            self.assertEqual(self.lookup(server, ["SFO"])[0], 200)
            status, problem = server.request("/v1/search?q=x")
            self.assertEqual((status, problem["code"]), (503, "UNAVAILABLE"))
            self.assertIn("floe index", problem["detail"])
            wait_until(lambda: "searches will not be answered" in server.messages(), "the warning")
            for line in server.messages().splitlines():
                json.loads(line)
            self.assertEqual(server.stop(), 0)
