"""How long an import takes beside DuckDB's own COPY … TO parquet of the same rows: `floe table import` of a Parquet file into a
new table, as a process of its own, files synced and measured; and the peer, DuckDB in a process of its own, which reads the same
file and writes one zstd Parquet file. Both read each byte once, in turns; the best of the repeats counts.

  --rows N (30000000)    --repeat N (3)    --dir D   works there"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

import duckdb

FLOE = os.environ["FLOE_BIN"]
ROWS = ("SELECT range AS id, (hash(range) % 100000)::INTEGER AS k, TIMESTAMP '2024-01-01' + INTERVAL 1 SECOND * (range % 30000000) AS ts, "
        "(hash(range * 3) % 1000000) / 1000 AS v, 'code ' || (hash(range * 7) % 5000) AS s FROM range({rows})")


def timed(command, folder):
    started = time.monotonic()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - started


def run_floe(folder, *flags):
    shutil.rmtree(os.path.join(folder, "warehouse"), ignore_errors=True)
    return timed([FLOE, "table", "import", "in.parquet", "lake.ns.t", *flags], folder)


def run_peer(folder):
    out = os.path.join(folder, "out.parquet")
    if os.path.exists(out):
        os.remove(out)
    script = f"import duckdb; duckdb.sql(\"COPY (SELECT * FROM 'in.parquet') TO '{out}' (FORMAT parquet, COMPRESSION zstd)\")"
    return timed([sys.executable, "-c", script], folder)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=30_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--dir")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(dir=options.dir)
    try:
        with open(os.path.join(folder, "floe.yaml"), "w", encoding="utf-8") as project:
            project.write("project: bench\ncatalogs:\n  lake: {type: directory, warehouse: ./warehouse}\n")
        duckdb.sql(f"COPY ({ROWS.format(rows=options.rows)}) TO '{folder}/in.parquet' (FORMAT parquet)")
        floe, peer = [], []
        for _ in range(options.repeat):
            floe.append(run_floe(folder))
            peer.append(run_peer(folder))
        ratio = min(peer) / min(floe)
        print(f"{'':24}{'floe':>10}{'DuckDB':>10}{'ratio':>8}{'goal':>8}")
        print(f"{f'import of {options.rows:,} rows':24}{min(floe):9.2f}s{min(peer):9.2f}s{ratio:8.2f}{'≥ 0.8':>8}")
        rate = options.rows / min(floe)
        print(json.dumps({"bench": "import", "figures": {"import_rows_per_s": {
            "value": round(rate), "unit": "rows/s", "peer": round(options.rows / min(peer)), "ratio": round(ratio, 2), "goal": 0.8}}}))
    finally:
        shutil.rmtree(folder)


main()
