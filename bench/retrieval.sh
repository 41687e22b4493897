#!/usr/bin/env bash
# Which tables answer a question: Spider and BIRD, floe by signal and as a whole, and SQLite's own FTS5 on the same tables;
# then Spider with its names made ugly, without its keys, and with typos in the questions
set -euo pipefail

shared=${FLOE_SHARED:-$FLOE_ROOT/../shared}
eval_dir=$shared/eval
[ -d "$eval_dir/table-retrieval" ] || { echo "retrieval: $eval_dir holds no question sets" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# ask SET STAGE…: indexes and answers, and scores each stage and FTS5
ask() {
  local set=$1 who
  shift
  mkdir -p "$work/$set/project"
  printf 'project: %s\n' "$set" >"$work/$set/project/floe.yaml"
  "$FLOE_BIN" --project "$work/$set/project" index --import "$work/$set/docs.jsonl" >&2
  if [ $# = 1 ]; then
    "$FLOE_BUILD/bench/retrieval" "$work/$set/project/.floe/search" "$work/$set/questions.jsonl" "$work/$set" "$1"
  else
    "$FLOE_BUILD/bench/retrieval" "$work/$set/project/.floe/search" "$work/$set/questions.jsonl" "$work/$set"
  fi
  "$FLOE_PY" "$FLOE_ROOT/bench/retrieval_fts5.py" "$work/$set" 20 >"$work/$set/fts5.jsonl"
  for who in "$@" fts5; do
    "$FLOE_PY" "$eval_dir/score.py" score "$work/$set" "$work/$set/$who.jsonl" >"$work/$set/$who.figures"
  done
}

for set in spider bird; do
  "$FLOE_PY" "$eval_dir/score.py" prepare "$eval_dir/table-retrieval/$set" "$work/$set" >&2
  ask "$set" lexical dense soft fused coverage joins whole
done
for style in abbreviated glued hungarian flat nokeys typos; do
  "$FLOE_PY" "$FLOE_ROOT/bench/retrieval_mangle.py" "$work/spider" "$work/$style" "$style"
  ask "$style" whole
done

# A part of Spider's questions verified, the rest asked: with them, and without.
for part in questions databases; do
  "$FLOE_PY" "$FLOE_ROOT/bench/retrieval_verified.py" "$work/spider" "$work/$part" "$part"
  for with in without verified; do
    mkdir -p "$work/$part/$with"
    "$FLOE_BUILD/bench/retrieval" "$work/spider/project/.floe/search" "$work/$part/questions.jsonl" "$work/$part/$with" whole \
      $([ $with = without ] || echo "$work/$part/verified.jsonl")
    "$FLOE_PY" "$eval_dir/score.py" score "$work/$part" "$work/$part/$with/whole.jsonl" >"$work/$part/$with.figures"
  done
done

"$FLOE_PY" - "$work" <<'PY'
import json, sys

# What is wanted of this search on these sets.
GOALS = {("spider", "R@1"): 68, ("spider", "CR@5"): 95, ("spider", "R@10"): 98.5, ("spider", "CR@15"): 99,
         ("bird", "CR@5"): 82, ("bird", "R@10"): 95, ("bird", "CR@15"): 95, ("bird", "R@20"): 97}
NAMES = ["R@1", "R@5", "R@10", "R@15", "R@20", "CR@5", "CR@10", "CR@15"]
# Each row but the single signals adds to the one before it.
ROWS = {"lexical": "lexical", "dense": "dense", "soft": "soft", "fused": "fused", "coverage": "+ coverage",
        "joins": "+ joins", "whole": "+ coherence", "fts5": "fts5"}
figures = {}
print(f"{'set':8}{'ranker':13}" + "".join(f"{n:>8}" for n in NAMES + ["MRR"]))
for name in ("spider", "bird"):
    rows = {who: json.load(open(f"{sys.argv[1]}/{name}/{who}.figures")) for who in ROWS}
    for who, row in rows.items():
        print(f"{name:8}{ROWS[who]:13}" + "".join(f"{row[n]:8.1f}" for n in NAMES) + f"{row['MRR']:8.3f}")
    for key in NAMES + ["MRR"]:
        value, peer = rows["whole"][key], rows["fts5"][key]
        figures[f"{name} {key}"] = {"value": value, "unit": "" if key == "MRR" else "%", "peer": peer,
                                    "ratio": round(value / peer, 3) if peer else None, "goal": GOALS.get((name, key))}
print()
for name in ("abbreviated", "glued", "hungarian", "flat", "nokeys", "typos"):
    for who in ("whole", "fts5"):
        row = json.load(open(f"{sys.argv[1]}/{name}/{who}.figures"))
        print(f"{name:13}{'floe' if who == 'whole' else who:8}" + "".join(f"{row[n]:8.1f}" for n in NAMES) + f"{row['MRR']:8.3f}")
        if who == "whole":
            figures[f"{name} CR@15"] = {"value": row["CR@15"], "unit": "%", "peer": figures["spider CR@15"]["value"],
                                        "ratio": round(row["CR@15"] / figures["spider CR@15"]["value"], 3)}
print()
for part in ("questions", "databases"):
    for who in ("without", "verified"):
        row = json.load(open(f"{sys.argv[1]}/{part}/{who}.figures"))
        print(f"{part:13}{who:8}" + "".join(f"{row[n]:8.1f}" for n in NAMES) + f"{row['MRR']:8.3f}")
        figures[f"verified {part} {who} R@1"] = {"value": row["R@1"], "unit": "%"}
print(json.dumps({"bench": "retrieval", "figures": figures}))
PY
