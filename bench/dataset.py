"""What a training set costs: floe against SQL typed by hand into DuckDB, on the demo's tables, in one run.

Three questions. `as_known`: the demo's own (only rows known at the label's time). `plain`: the same without --as-known, which
lets DuckDB use what it has for time: ASOF JOIN and RANGE frames. `ttl`: the newest flight's three columns no older than 30 days,
one ASOF JOIN (the question that is asked of feature stores most). For each question every way of typing it that we know is run
and the fastest counts. Both sides read the same Parquet files of the Iceberg table, use the same number of threads, and
write Parquet; floe also reads metadata, plans, hashes the content and writes its manifest. Answers are compared: a figure
for different answers would mean nothing. A way that takes longer than the limit is stopped and named.

  --only as_known,plain,ttl    which questions
  --repeat N   runs of each, the best counts (3)    --limit S   seconds a way may take (120)    --dir D   works there
  --labels N   evenly drawn from the 100,000: what DuckDB takes grows with them, floe's time hardly does"""
import argparse
import glob
import json
import os
import subprocess
import sys
import tempfile
import threading
import time

import duckdb

FLOE = os.environ["FLOE_BIN"]
ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
FLIGHTS = os.path.join(os.environ["FLOE_VEGA_DIR"], "data", "flights-3m.parquet")
KNOWN = "*, date + INTERVAL 45 MINUTE + to_seconds(distance * 9) AS known_at"
WINDOWS = (1, 7, 30)


LABELS = "labels.parquet"
NEWEST = ("delay", "distance", "destination")
NEWEST_VIEW = """feature_views:
  - name: newest_flight
    entity: airport
    source: flights
    ttl: 30d
    features: [{name: delay, column: delay}, {name: distance, column: distance}, {name: destination, column: destination}]
"""


def floe(folder, *arguments):
    done = subprocess.run([FLOE, *arguments], cwd=folder, capture_output=True)
    if done.returncode != 0:
        sys.exit(f"floe {' '.join(arguments)}: {done.stderr.decode()}")
    return done.stdout.decode()


def prepare(folder):
    if os.path.exists(os.path.join(folder, LABELS)):
        return
    floe(folder, "init", ".", "--example", "flights")
    floe(folder, "table", "import", FLIGHTS, "lake.aviation.flights", "--partition", "month(date)", "--select", KNOWN)
    with open(os.path.join(folder, "features", "newest.yaml"), "w") as file:
        file.write(NEWEST_VIEW)
    floe(folder, "apply")
    floe(folder, "table", "scan", "lake.aviation.flights", "--columns", "date,origin,destination,delay", "--where",
         "delay IS NOT NULL AND hash(date, origin, destination) % 29 = 0", "--limit", "100000", "-o", LABELS)


def draw(folder, labels):
    """The labels' file of the run."""
    duckdb.sql(f"""COPY (SELECT * EXCLUDE (i, n) FROM (SELECT *, row_number() OVER () - 1 AS i, count(*) OVER () AS n
        FROM '{folder}/{LABELS}') WHERE i * {labels} // n <> (i - 1) * {labels} // n ORDER BY i) TO '{folder}/drawn.parquet'""")


# ---- the SQL, as one types it ----

AIRPORT = [(f, d) for d in WINDOWS for f in ("count", "avg", "max", "stddev_samp")]
ROUTE = [(f, d) for d in WINDOWS[1:] for f in ("count", "avg", "max")]


def name(function, days):
    return f"{function}_{days}d"


def by_join(view, keys, aggregates, known):
    """One join of labels and the rows they see, grouped by label; a window is a FILTER."""
    on = " AND ".join(f"f.{k} = l.{k}" for k in keys)
    columns = [f"{f}(f.delay) FILTER (f.date >= l.date - INTERVAL {d} DAY) AS {view}_{name(f, d)}" for f, d in aggregates]
    if view == "airport":
        columns.append("count(DISTINCT f.destination) FILTER (f.date >= l.date - INTERVAL 7 DAY) AS airport_destinations")
    seen = "AND f.known_at <= l.date" if known else ""
    return f"""{view} AS (SELECT l.i, arg_max(f.delay, f.date) AS {view}_last, {', '.join(columns)}
        FROM l JOIN f ON {on} AND f.date < l.date {seen} AND f.date >= l.date - INTERVAL 90 DAY GROUP BY l.i)"""


def by_frames(view, keys, aggregates):
    """ASOF JOIN for the newest row; rows and labels in one table for RANGE frames."""
    on = " AND ".join(f"f.{k} = l.{k}" for k in keys)
    windows = ", ".join(f"w{d} AS (PARTITION BY {', '.join(keys)} ORDER BY date RANGE BETWEEN INTERVAL {d} DAY PRECEDING "
                        "AND INTERVAL 1 MICROSECOND PRECEDING)" for d in WINDOWS)
    columns = [f"{f}(delay) OVER w{d} AS {view}_{name(f, d)}" for f, d in aggregates]
    if view == "airport":
        columns.append("count(DISTINCT destination) FILTER (i IS NULL) OVER w7 AS airport_destinations")
    return f"""{view}_frames AS (SELECT i, {', '.join(columns)} FROM (SELECT origin, destination, date, delay, NULL AS i FROM f
            UNION ALL SELECT origin, destination, date, NULL, i FROM l) WINDOW {windows} QUALIFY i IS NOT NULL),
        {view}_last AS (SELECT l.i, CASE WHEN f.date >= l.date - INTERVAL 90 DAY THEN f.delay END AS {view}_last
            FROM l ASOF JOIN f ON {on} AND l.date > f.date),
        {view} AS (SELECT * FROM {view}_frames LEFT JOIN {view}_last USING (i))"""


def by_asof(files, labels, out):
    columns = ", ".join(f"CASE WHEN f.date >= l.date - INTERVAL 30 DAY THEN f.{c} END AS newest_flight__{c}" for c in NEWEST)
    return f"""COPY (SELECT l.* EXCLUDE (i), {columns} FROM (SELECT *, row_number() OVER () AS i FROM '{labels}') l
        ASOF LEFT JOIN read_parquet({files}) f ON l.origin = f.origin AND l.date >= f.date ORDER BY l.i)
        TO '{out}' (FORMAT parquet, COMPRESSION zstd)"""


def typed(folder, way, known, out):
    files = sorted(glob.glob(os.path.join(folder, "lakehouse/aviation/flights/data/**/*.parquet"), recursive=True))
    if way == "asof":
        return by_asof(files, f"{folder}/drawn.parquet", out)
    airport, route = ("airport", ["origin"], AIRPORT), ("route", ["origin", "destination"], ROUTE)
    views = [by_join(*airport, known), by_join(*route, known)] if way == "join" else [by_frames(*airport), by_frames(*route)]
    return f"""COPY (WITH
        f AS MATERIALIZED (SELECT date, origin, destination, delay, known_at FROM read_parquet({files}) WHERE delay IS NOT NULL),
        l AS MATERIALIZED (SELECT *, row_number() OVER () AS i FROM '{folder}/drawn.parquet'),
        {', '.join(views)}
        SELECT * EXCLUDE (i) FROM l LEFT JOIN airport USING (i) LEFT JOIN route USING (i) ORDER BY l.i)
        TO '{out}' (FORMAT parquet, COMPRESSION zstd)"""


# ---- measuring ----

def best(repeat, run):
    times = []
    for _ in range(repeat):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return min(times)


def time_floe(folder, question, known, repeat):
    asked = ["--features", "newest_flight"] if question == "ttl" else ["--service", "delay_model"]
    arguments = ["dataset", "build", *asked, "--spine", "drawn.parquet", "--time", "date", "-o",
                 "floe.parquet"] + (["--as-known"] if known else [])
    return best(repeat, lambda: floe(folder, *arguments))


def time_typed(folder, way, known, repeat, limit_s):
    """Seconds, or None when one run reached the limit. A way that needs a tenth of the limit is run once."""
    connection = duckdb.connect()
    connection.execute(f"SET threads = {os.cpu_count()}")
    query = typed(folder, way, known, os.path.join(folder, f"{way}.parquet"))
    times = []
    while len(times) < repeat and (not times or times[0] < limit_s / 10):
        timer = threading.Timer(limit_s, connection.interrupt)
        timer.start()
        try:
            times.append(best(1, lambda: connection.execute(query)))
        except duckdb.InterruptException:
            return None
        finally:
            timer.cancel()
    connection.close()
    return min(times)


def check_newest(folder):
    """The same spine, and floe's flight is one of those that left last before the label: each side takes one of several."""
    same = " AND ".join(f"f.{c} IS NOT DISTINCT FROM a.newest_flight__{c}" for c in NEWEST)
    files = sorted(glob.glob(os.path.join(folder, "lakehouse/aviation/flights/data/**/*.parquet"), recursive=True))
    count = duckdb.sql(f"""WITH f AS MATERIALIZED (SELECT * FROM read_parquet({files})),
        a AS MATERIALIZED (SELECT a.*, b.origin AS theirs, b.date AS their_date, row_number() OVER () AS i
            FROM '{folder}/floe.parquet' a POSITIONAL JOIN '{folder}/asof.parquet' b),
        w AS (SELECT a.*, f.date AS won FROM a ASOF LEFT JOIN (SELECT DISTINCT origin, date FROM f) f
            ON a.origin = f.origin AND a.date >= f.date),
        held AS (SELECT DISTINCT a.i FROM w a JOIN f ON f.origin = a.origin AND f.date = a.won AND {same}
            WHERE a.won >= a.date - INTERVAL 30 DAY)
        SELECT count(*) FILTER (origin <> theirs OR date <> their_date
            OR (i NOT IN (FROM held) AND newest_flight__destination IS NOT NULL)
            OR (i NOT IN (FROM held) AND coalesce(won >= date - INTERVAL 30 DAY, false))), count(*) FROM w""").fetchall()[0]
    if count[0] or count[1] == 0:
        sys.exit(f"asof: {count[0]} of {count[1]} rows differ: nothing was measured")


def check(folder, way):
    """The same counts, means and extremes; as-of values may differ where only file order decides."""
    if way == "asof":
        return check_newest(folder)
    pairs = {f"airport_delays__delay_{f}_{d}d": f"airport_{name(g, d)}" for d in WINDOWS
             for f, g in (("count", "count"), ("mean", "avg"), ("max", "max"), ("stddev", "stddev_samp"))}
    pairs |= {f"route_delays__delay_{f}_{d}d": f"route_{name(g, d)}" for d in WINDOWS[1:]
              for f, g in (("count", "count"), ("mean", "avg"), ("max", "max"))}
    pairs["airport_delays__destination_count_distinct_7d"] = "airport_destinations"
    differs = " OR ".join(f"NOT (coalesce(abs(a.{a} - b.{b}) <= 1e-6 * (1 + abs(b.{b})), a.{a} IS NULL AND coalesce(b.{b}, 0) = 0, false)"
                          f" OR (coalesce(a.{a}, 0) = 0 AND b.{b} IS NULL))" for a, b in pairs.items())
    count = duckdb.sql(f"""SELECT count(*) FILTER ({differs}), count(*) FROM '{folder}/floe.parquet' a
                           POSITIONAL JOIN '{folder}/{way}.parquet' b""").fetchall()[0]
    if count[0]:
        sys.exit(f"{way}: {count[0]} of {count[1]} rows differ: nothing was measured")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--limit", type=float, default=120)
    parser.add_argument("--labels", type=int, default=100_000)
    parser.add_argument("--dir")
    parser.add_argument("--only", default="as_known,plain,ttl")
    options = parser.parse_args()
    folder = options.dir or tempfile.mkdtemp(prefix="floe-bench-")
    os.makedirs(folder, exist_ok=True)
    prepare(folder)
    draw(folder, options.labels)
    figures = {}
    print(f"{options.labels} labels, DuckDB {duckdb.__version__}, {os.cpu_count()} threads, best of {options.repeat}, answers compared")
    print(f"{'question':<12}{'way':<26}{'seconds':>10}{'floe is':>12}")
    for question, known, ways, goal in (("as_known", True, ["join"], 1.2), ("plain", False, ["join", "frames"], 1.2),
                                        ("ttl", False, ["asof"], 1.0)):
        if question not in options.only.split(","):
            continue
        own = time_floe(folder, question, known, options.repeat)
        print(f"{question:<12}{'floe dataset build':<26}{own:>10.2f}")
        peers = {}
        for way in ways:
            took = time_typed(folder, way, known, options.repeat, options.limit)
            shown = f"{took:>10.2f}{took / own:>10.1f} ×" if took else f"{'> %g' % options.limit:>10}{'> %.0f ×' % (options.limit / own):>12}"
            print(f"{'':<12}{'typed by hand: ' + way:<26}{shown}")
            if took:
                check(folder, way)
            peers[way] = took or options.limit  # A limit reached is a bound: the ratio is at most what is printed.
        peer = min(peers.values())
        figures[question] = {"value": round(own, 3), "unit": "s", "peer": round(peer, 3), "ratio": round(own / peer, 3),
                             "goal": f"<= {goal}"}
    print(json.dumps({"bench": "dataset", "figures": figures}))


if __name__ == "__main__":
    main()
