"""How long a plan takes when a table has a million files in 5,000 manifests: `floe table plan` as a process of its own, reading
everything anew, beside PyIceberg's plan_files in a process that is warm. No data file exists, a plan opens none. Both must find the
same number of files. Two questions choose manifests by their partitions; a key is looked for in every manifest by bounds.

  --files N (1000000)   --manifests N (5000)   --codec deflate|null   --repeat N (3)   --dir D   works there
  --no-peer             floe alone"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

from plan_table import make_table

FLOE = os.environ["FLOE_BIN"]
PEER_ALL_MAX = 200_000  # files that PyIceberg is asked to give all of


def questions(files):
    return {"a key": f"k = 'key{files * 7 // 10:08}'", "one day": "ts >= '2020-06-01T00:00:00' AND ts < '2020-06-02T00:00:00'",
            "a hundred days": "ts >= '2021-01-01T00:00:00' AND ts < '2021-04-11T00:00:00'", "everything": None}


def floe_plan(metadata, where):
    """(wall, processor time, peak in MB, files to read) of a run of floe."""
    where = [] if where is None else ["--where", where.replace("'20", "TIMESTAMP '20")]
    began = time.perf_counter()
    process = subprocess.Popen([FLOE, "table", "plan", metadata, "--json", *where], stdout=subprocess.PIPE)
    answer = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status != 0:
        sys.exit("floe table plan failed")
    return (time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024,
            json.loads(answer)["files_read"])


def peer_plan(table, where):
    scan = table.scan() if where is None else table.scan(row_filter=where)
    began, cpu = time.perf_counter(), time.process_time()
    count = len(list(scan.plan_files()))
    return time.perf_counter() - began, time.process_time() - cpu, count


def measure(table, options, question, where):
    metadata = table.metadata_location.removeprefix("file://")
    runs = [floe_plan(metadata, where) for _ in range(options.repeat)]
    wall, cpu, peak = (min(run[i] for run in runs) for i in range(3))
    line = f"{question:<16}{runs[0][3]:>9}{wall:>9.3f} s{cpu:>9.3f} s{peak:>8.0f} MB"
    figure = {"value": round(wall, 3), "unit": "s", "cpu": round(cpu, 3), "peak_mb": round(peak), "goal": "<= 1"}
    if options.peer and (where is not None or options.files <= PEER_ALL_MAX):
        peer, peer_cpu, planned = peer_plan(table, where)
        if planned != runs[0][3]:
            sys.exit(f"{question}: floe reads {runs[0][3]} files, PyIceberg {planned}: nothing was measured")
        line += f"{peer:>10.2f} s{peer / wall:>9.1f} ×{peer_cpu / cpu:>12.1f} × processor time"
        figure.update(peer=round(peer, 3), ratio=round(peer / wall, 2), cpu_ratio=round(peer_cpu / cpu, 2))
    print(line, flush=True)
    return figure


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--manifests", type=int, default=5000)
    parser.add_argument("--codec", default="deflate")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--dir")
    parser.add_argument("--no-peer", dest="peer", action="store_false")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="floe-bench-", dir=options.dir)
    try:
        table = make_table(folder, options.files, options.manifests, options.codec)
        print(f"{options.files} files in {options.manifests} manifests ({options.codec}), best of {options.repeat}")
        print(f"{'question':<16}{'files':>9}{'floe':>11}{'processor':>11}{'peak':>11}{'pyiceberg':>12}{'ratio':>11}")
        figures = {question: measure(table, options, question, where) for question, where in questions(options.files).items()}
        print(f"a key: {options.files / figures['a key']['cpu'] / 1e6:.2f} M entries a second of one core, process start and all")
        print(json.dumps({"bench": "plan", "figures": figures}))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
