"""Point in time at size: floe against DuckDB, on generated events and labels, in one run on one machine.

Events: key (Zipf or uniform over K keys), time (uniform over a year), five columns. Labels: key as the events', time in the
last half of it. Both sides read the same Parquet files of the Iceberg table and write Parquet; floe also reads metadata,
plans, hashes the content, makes statistics and a manifest. Every figure is the best of --repeat runs, as seconds and, for
memory, the process's own peak. Answers are compared before they are timed.

  --rows N --labels N --keys N    30,000,000 × 2,000,000 × 100,000 unless told otherwise
  --spread zipf|uniform           how keys are drawn (both, one after the other, by default)
  --only asof,windows,memory,wide,growth      which questions
  --repeat N, --limit S           runs of each; seconds that a peer may take
  --cpu                           processor seconds instead of the clock's, for a machine that is shared
  --dir D                         works there and leaves the data for the next run"""
import argparse
import glob
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time

import duckdb

FLOE = os.environ["FLOE_BIN"]
WINDOWS = ("1h", "6h", "12h", "1d", "2d", "4d", "7d", "14d", "30d", "60d")
SECONDS = {"h": 3600, "d": 86400}
FUNCTIONS = ("count", "sum", "mean", "min", "max")
DUCKDB_FUNCTIONS = {"mean": "avg"}
COLUMNS = ("a", "b", "c", "d", "e")
CPU = False  # processor seconds instead of the clock's
FEATURES = "\n".join(f"      - {{name: {c}, column: {c}}}" for c in COLUMNS)


def definitions(windows):
    return f"""entities: [{{name: e, keys: [{{name: k, type: int64}}]}}]
sources: [{{name: events, table: lake.b.events, event_time: ts}}]
feature_views:
  - name: newest
    entity: e
    source: events
    features:
{FEATURES}
  - name: windowed
    entity: e
    source: events
    aggregates:
      - {{column: a, functions: [{', '.join(FUNCTIONS)}], windows: [{', '.join(windows)}]}}
"""


# ---- running ----

def run(arguments, folder, environment=None):
    """Seconds and peak bytes of a process of its own."""
    began = time.perf_counter()
    process = subprocess.Popen(arguments, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env={**os.environ, **(environment or {})})
    out, err = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        return None, None, err.decode()
    took = usage.ru_utime + usage.ru_stime if CPU else time.perf_counter() - began
    return took, usage.ru_maxrss * 1024, out.decode()


def floe(folder, *arguments):
    took, peak, out = run([FLOE, *arguments], folder)
    if took is None:
        sys.exit(f"floe {' '.join(arguments)}: {out}")
    return took, peak, out


PEER = """
import sys, duckdb
connection = duckdb.connect()
connection.execute(sys.stdin.read())
"""


SCAN = """
import duckdb, pyarrow
rows = duckdb.connect().execute(open({path!r}).read()).to_arrow_reader(2048)
print(sum(len(batch) for batch in rows))
"""
POLARS = """
import polars as pl
events = pl.read_parquet({files!r}, columns={columns!r}).sort("ts")
labels = pl.read_parquet("labels.parquet").sort("t")
labels.join_asof(events, left_on="t", right_on="ts", by="k", strategy="backward").write_parquet("polars.parquet")
"""


def peer(folder, sql, limit, script=PEER):
    """DuckDB in a process of its own, so that its peak is its own; None when it took too long."""
    path = os.path.join(folder, "peer.sql")
    with open(path, "w") as file:
        file.write(sql)
    script = script.replace("sys.stdin.read()", f"open({path!r}).read()").replace("{path!r}", repr(path))
    took, peak, out = run(["timeout", str(limit), sys.executable, "-c", script], folder)
    if took is None and out.strip():
        sys.exit(f"duckdb: {out}")
    return took, peak


def best(repeat, measure):
    times = [measure() for _ in range(repeat)]
    done = [t for t in times if t[0] is not None]
    return min(done) if done else (None, None)


# ---- data ----

def key_sql(spread, keys):
    # Zipf with exponent 1 by inversion of its continuous form: ranks 1 … K, the first holds a twelfth of all for K = 100,000.
    return f"CAST(random() * {keys} AS BIGINT)" if spread == "uniform" else f"CAST(pow({keys}, random()) AS BIGINT)"


def prepare(folder, rows, labels, keys, spread):
    done = os.path.join(folder, "labels.parquet")
    if os.path.exists(done):
        return
    os.makedirs(os.path.join(folder, "features"), exist_ok=True)
    with open(os.path.join(folder, "floe.yaml"), "w") as file:
        file.write("project: bench\ncatalogs:\n  lake: {type: directory, warehouse: ./lakehouse}\n")
    connection = duckdb.connect()
    connection.execute("SELECT setseed(0.5)")
    connection.execute("SET threads = 1")  # so that random() gives the same rows again
    events = os.path.join(folder, "events.parquet")
    connection.execute(f"""COPY (SELECT {key_sql(spread, keys)} AS k,
        TIMESTAMP '2025-01-01' + to_microseconds(CAST(random() * 31536000000000 AS BIGINT)) AS ts,
        random() * 100 AS a, random() AS b, CAST(random() * 1000000 AS BIGINT) AS c, CAST(random() * 1000 AS BIGINT) AS d,
        random() * 10 AS e FROM range({rows})) TO '{events}' (FORMAT parquet, COMPRESSION zstd)""")
    floe(folder, "table", "import", events, "lake.b.events")
    os.remove(events)
    connection.execute(f"""COPY (SELECT {key_sql(spread, keys)} AS k,
        TIMESTAMP '2025-07-01' + to_microseconds(CAST(random() * 15552000000000 AS BIGINT)) AS t, range AS label
        FROM range({labels})) TO '{done}' (FORMAT parquet)""")


def files(folder):
    return sorted(glob.glob(os.path.join(folder, "lakehouse/b/events/data/**/*.parquet"), recursive=True))


def apply(folder, text):
    with open(os.path.join(folder, "features/f.yaml"), "w") as file:
        file.write(text)
    floe(folder, "apply")


def build(folder, features, *options, out="floe.parquet"):
    took, peak, _ = floe(folder, "dataset", "build", "--features", features, "--spine", "labels.parquet", "-o", out, *options)
    return took, peak


# ---- questions ----

def seconds(window):
    return int(window[:-1]) * SECONDS[window[-1]]


def scan_sql(folder, columns):
    """Every value of the columns, and where it stood: what floe itself must be given. A max() would be read from the footers."""
    return f"""SELECT {', '.join(columns)}, file_row_number FROM read_parquet({files(folder)}, file_row_number = true)"""


def polars_asof(folder, limit):
    script = POLARS.format(files=files(folder), columns=["k", "ts", *COLUMNS])
    took, peak, _ = run(["timeout", str(limit), sys.executable, "-c", script], folder)
    return took, peak


def asof_sql(folder):
    return f"""COPY (SELECT l.*, {', '.join('e.' + c for c in COLUMNS)} FROM 'labels.parquet' l
        ASOF LEFT JOIN read_parquet({files(folder)}) e ON l.k = e.k AND l.t >= e.ts) TO 'peer.parquet' (FORMAT parquet, COMPRESSION zstd)"""


def windows_sql(folder, windows):
    frames = ", ".join(f"w{w} AS (PARTITION BY k ORDER BY ts RANGE BETWEEN INTERVAL {seconds(w)} SECOND PRECEDING AND CURRENT ROW)"
                       for w in windows)
    columns = ", ".join(f"{DUCKDB_FUNCTIONS.get(f, f)}(a) OVER w{w} AS {f}_{w}" for w in windows for f in FUNCTIONS)
    return f"""COPY (SELECT * FROM (SELECT label, {columns} FROM (SELECT k, ts, a, NULL AS label FROM read_parquet({files(folder)})
        UNION ALL SELECT k, t, NULL, label FROM 'labels.parquet') WINDOW {frames}) WHERE label IS NOT NULL)
        TO 'peer.parquet' (FORMAT parquet, COMPRESSION zstd)"""


def self_join_sql(folder, windows):
    """The same windows as a join of every label with the rows of its longest one, grouped."""
    longest = max(seconds(w) for w in windows)
    columns = ", ".join(f"{DUCKDB_FUNCTIONS.get(f, f)}(a) FILTER (e.ts >= l.t - INTERVAL {seconds(w)} SECOND) AS {f}_{w}"
                        for w in windows for f in FUNCTIONS)
    return f"""COPY (SELECT l.label, {columns} FROM 'labels.parquet' l LEFT JOIN read_parquet({files(folder)}) e
        ON l.k = e.k AND e.ts <= l.t AND e.ts >= l.t - INTERVAL {longest} SECOND GROUP BY l.label)
        TO 'peer.parquet' (FORMAT parquet, COMPRESSION zstd)"""


def same_answers(folder):
    wrong, count = duckdb.sql(f"""SELECT count(*) FILTER (f.newest__c IS DISTINCT FROM p.c OR f.newest__a IS DISTINCT FROM p.a), count(*)
        FROM '{folder}/floe.parquet' f JOIN '{folder}/peer.parquet' p USING (label)""").fetchall()[0]
    if wrong:
        sys.exit(f"{wrong} of {count} as-of values differ: nothing was measured")


class Report:
    def __init__(self):
        self.figures = {}

    def add(self, name, own, other, goal, unit="s"):
        ratio = round(other / own, 2) if own and other else None
        self.figures[name] = {"value": own and round(own, 3), "unit": unit, "peer": other and round(other, 3), "ratio": ratio,
                              "goal": goal}
        shown = [f"{v:10.2f}" if v else f"{'-':>10}" for v in (own, other)]
        print(f"{name:<44}{shown[0]} {unit:<3}{shown[1]} {unit:<3} ×{ratio if ratio else '-':<8} goal {goal}", flush=True)


def measure_asof(folder, spread, options, report):
    own = best(options.repeat, lambda: build(folder, "newest"))
    other = best(options.repeat, lambda: peer(folder, asof_sql(folder), options.limit))
    if other[0]:
        same_answers(folder)
    scan = best(options.repeat, lambda: peer(folder, scan_sql(folder, ("k", "ts") + COLUMNS), options.limit, SCAN))
    report.add(f"asof 5 columns {spread}: DuckDB ASOF / floe", own[0], other[0], ">= 4")
    report.add(f"asof 5 columns {spread}: scan / floe", own[0], scan[0], ">= 0.62")
    if importlib.util.find_spec("polars"):
        polars = best(options.repeat, lambda: polars_asof(folder, options.limit))
        report.add(f"asof 5 columns {spread}: Polars join_asof / floe", own[0], polars[0], ">= 6")
    report.add(f"asof 5 columns {spread}: peak", own[1] / 2**30, other[1] and other[1] / 2**30, ">= 2", "GiB")


def measure_windows(folder, spread, options, report):
    own = best(options.repeat, lambda: build(folder, "windowed"))
    other = best(1, lambda: peer(folder, windows_sql(folder, WINDOWS), options.limit))
    joined = best(1, lambda: peer(folder, self_join_sql(folder, WINDOWS), options.limit))
    report.add(f"10 windows x 5 {spread}: DuckDB's frames / floe", own[0], other[0] or options.limit, ">= 10")
    report.add(f"10 windows x 5 {spread}: DuckDB's self-join / floe", own[0], joined[0] or options.limit, ">= 10")
    report.add(f"10 windows x 5 {spread}: peak", own[1] / 2**30, other[1] and other[1] / 2**30, ">= 2", "GiB")
    apply(folder, definitions(WINDOWS[:5]))
    half = best(options.repeat, lambda: build(folder, "windowed"))
    apply(folder, definitions(WINDOWS[:1]))
    one = best(options.repeat, lambda: build(folder, "windowed"))
    apply(folder, definitions(WINDOWS))
    report.add(f"10 windows {spread}: 5 windows / 10 windows", own[0], half[0], "none")
    report.add(f"10 windows {spread}: 1 window / the last 5 of 10", own[0] - half[0], one[0], ">= 0.67")


def measure_memory(folder, spread, options, report):
    for features in ("newest", "windowed"):
        whole = best(options.repeat, lambda: build(folder, features))
        small = best(options.repeat, lambda: build(folder, features, "--memory", "256MB", out="small.parquet"))
        report.add(f"{features} {spread} in 256 MB: time, whole / small", small[0], whole[0], ">= 0.4")
        report.add(f"{features} {spread} in 256 MB: peak", small[1] / 2**20, whole[1] / 2**20, "<= 256 MB", "MiB")


def wide_definitions():
    """50 views × 20 features over 50 columns of one table."""
    views = "".join(f"""  - name: v{v}
    entity: e
    source: wide
    features: [{', '.join(f'{{name: f{i}, column: c{(v + i) % 50}}}' for i in range(20))}]
""" for v in range(50))
    return ("entities: [{name: e, keys: [{name: k, type: int64}]}]\nsources: [{name: wide, table: lake.b.wide, event_time: ts}]\n"
            "feature_views:\n" + views)


def measure_wide(folder, options, report):
    connection = duckdb.connect()
    columns = ", ".join(f"round(random() * 1000, 2) AS c{i}" for i in range(50))
    if not os.path.isdir(os.path.join(folder, "lakehouse/b/wide")):
        connection.execute(f"""COPY (SELECT range % 5000 AS k, TIMESTAMP '2025-01-01' + to_minutes(range * 3) AS ts, {columns}
            FROM range(170000)) TO '{folder}/wide.parquet' (FORMAT parquet)""")
        floe(folder, "table", "import", "wide.parquet", "lake.b.wide")
    connection.execute(f"""COPY (SELECT range % 5000 AS k, TIMESTAMP '2025-06-01' + to_minutes(range * 10) AS t FROM range(17000))
        TO '{folder}/wide_labels.parquet' (FORMAT parquet)""")
    apply(folder, wide_definitions())
    refs = ",".join(f"v{v}" for v in range(50))

    def once():
        return floe(folder, "dataset", "build", "--features", refs, "--spine", "wide_labels.parquet", "-o", "wide_out.parquet")[:2]

    own = best(options.repeat, once)
    report.add("1,000 features x 17,000 labels: time", own[0], 10, "<= 10 s")
    report.add("1,000 features x 17,000 labels: peak", own[1] / 2**30, 1, "<= 1 GiB", "GiB")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=30_000_000)
    parser.add_argument("--labels", type=int, default=2_000_000)
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument("--spread", choices=["zipf", "uniform"])
    parser.add_argument("--only", default="asof,windows,memory,wide,growth")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--limit", type=float, default=300)
    parser.add_argument("--dir")
    parser.add_argument("--cpu", action="store_true")
    options = parser.parse_args()
    global CPU
    CPU = options.cpu
    base = options.dir or tempfile.mkdtemp(prefix="floe-bench-")
    wanted = options.only.split(",")
    report = Report()
    print(f"{options.rows:,} events, {options.labels:,} labels, {options.keys:,} keys; DuckDB {duckdb.__version__}, {os.cpu_count()} "
          f"cores, load {os.getloadavg()[0]:.1f}, best of {options.repeat}\n{'':<44}{'floe':>10}    {'peer':>10}")
    for spread in [options.spread] if options.spread else ["zipf", "uniform"]:
        folder = os.path.join(base, f"{spread}-{options.rows}-{options.labels}-{options.keys}")
        prepare(folder, options.rows, options.labels, options.keys, spread)
        apply(folder, definitions(WINDOWS))
        for name, measure in (("asof", measure_asof), ("windows", measure_windows), ("memory", measure_memory)):
            if name in wanted:
                measure(folder, spread, options, report)
        if "growth" in wanted:
            small = os.path.join(base, f"{spread}-{options.rows // 10}-{options.labels // 10}-{options.keys}")
            prepare(small, options.rows // 10, options.labels // 10, options.keys, spread)
            apply(small, definitions(WINDOWS))
            for features in ("newest", "windowed"):
                whole = best(options.repeat, lambda: build(folder, features))
                tenth = best(options.repeat, lambda: build(small, features))
                report.add(f"growth {features} {spread}: a tenth / all", whole[0], tenth[0], ">= 0.091")
    if "wide" in wanted:
        measure_wide(folder, options, report)
    print(json.dumps({"bench": "pit", "figures": report.figures}))


if __name__ == "__main__":
    main()
