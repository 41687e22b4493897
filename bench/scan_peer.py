"""DuckDB's own iceberg extension over the tables of bench/scan, beside what floe took for them in the same run: the same sums, two
threads, best of the repeats. A query that is not done within the limit is ended and said to be.

  scan_peer.py FLOE-JSON REPEAT NAME=METADATA=GOAL …   (FLOE-JSON: the last line that bench/scan printed)"""
import json
import os
import sys
import threading
import time

import duckdb
import duckdb_extension_avro
import duckdb_extension_iceberg

LIMIT_S = 120
GOALS = {"equality_few": 5}
SUMS = "SELECT count(*)::BIGINT, sum(k)::DOUBLE, sum(v)::DOUBLE, max(s) FROM iceberg_scan('{}')"


def load(connection):
    for module in (duckdb_extension_avro, duckdb_extension_iceberg):
        folder = os.path.dirname(module.__file__)
        found = [os.path.join(at, name) for at, _, names in os.walk(folder) for name in names if name.endswith(".duckdb_extension")]
        connection.execute(f"LOAD '{found[0]}'")


def timed(connection, metadata):
    """Seconds by the clock and of all threads; None where it did not end in time."""
    watch = threading.Timer(LIMIT_S, connection.interrupt)
    watch.start()
    started, cpu = time.perf_counter(), time.process_time()
    try:
        connection.execute(SUMS.format(metadata)).fetchall()
    except duckdb.InterruptException:
        return None
    finally:
        watch.cancel()
    return time.perf_counter() - started, time.process_time() - cpu


def main():
    floe = json.loads(sys.argv[1])["figures"]
    connection = duckdb.connect(config={"threads": 2, "allow_unsigned_extensions": "true"})
    load(connection)
    figures = {}
    print(f"{'against the extension':24}{'floe':>10}{'extension':>12}{'ratio':>10}{'processor time':>18}")
    for argument in sys.argv[3:]:
        name, metadata, _ = argument.split("=")
        runs = [timed(connection, metadata)]
        if runs[0] is not None and runs[0][0] < LIMIT_S / 10:
            runs += [timed(connection, metadata) for _ in range(int(sys.argv[2]))]
        own, own_cpu = floe[name]["value"], floe[name]["cpu"]
        if None in runs:
            print(f"{name:24}{own:9.3f}s{f'> {LIMIT_S}s':>12}{f'> {LIMIT_S / own:.0f}':>10}")
            continue
        peer, peer_cpu = min(run[0] for run in runs), min(run[1] for run in runs)
        print(f"{name:24}{own:9.3f}s{peer:11.3f}s{peer / own:10.2f}{peer_cpu / own_cpu:18.2f}")
        figures[name] = {"value": own, "unit": "s", "peer": round(peer, 4), "ratio": round(peer / own, 3),
                         "cpu_ratio": round(peer_cpu / own_cpu, 3), "goal": f">= {GOALS.get(name, 1)}"}
    print(json.dumps({"bench": "scan against DuckDB's iceberg extension", "figures": figures}))


main()
