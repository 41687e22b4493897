#!/usr/bin/env bash
# Which tables answer a question: Spider and BIRD, floe against SQLite's own FTS5 on the same tables
set -euo pipefail

shared=${FLOE_SHARED:-$FLOE_ROOT/../shared}
eval_dir=$shared/eval
[ -d "$eval_dir/table-retrieval" ] || { echo "retrieval: $eval_dir holds no question sets" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for set in spider bird; do
  mkdir -p "$work/$set/project"
  printf 'project: %s\nsearch: {embedder: none}\n' "$set" >"$work/$set/project/floe.yaml"
  "$FLOE_PY" "$eval_dir/score.py" prepare "$eval_dir/table-retrieval/$set" "$work/$set" >&2
  "$FLOE_BIN" --project "$work/$set/project" index --import "$work/$set/docs.jsonl" >&2
  "$FLOE_BIN" --project "$work/$set/project" search --batch "$work/$set/questions.jsonl" --kind table -k 20 >"$work/$set/floe.jsonl"
  "$FLOE_PY" "$FLOE_ROOT/bench/retrieval_fts5.py" "$work/$set" 20 >"$work/$set/fts5.jsonl"
  for who in floe fts5; do
    "$FLOE_PY" "$eval_dir/score.py" score "$work/$set" "$work/$set/$who.jsonl" >"$work/$set/$who.figures"
  done
done

"$FLOE_PY" - "$work" <<'PY'
import json, sys

# What a hundred-line lexical ranker with joins is reported to find on these sets.
GOALS = {("spider", "R@10"): 91.9, ("spider", "CR@15"): 92.1, ("bird", "R@10"): 86.3, ("bird", "CR@15"): 83.7}
NAMES = ["R@1", "R@5", "R@10", "R@15", "R@20", "CR@5", "CR@10", "CR@15"]
figures = {}
print(f"{'set':8}{'ranker':8}" + "".join(f"{n:>8}" for n in NAMES + ["MRR"]))
for name in ("spider", "bird"):
    rows = {who: json.load(open(f"{sys.argv[1]}/{name}/{who}.figures")) for who in ("floe", "fts5")}
    for who, row in rows.items():
        print(f"{name:8}{who:8}" + "".join(f"{row[n]:8.1f}" for n in NAMES) + f"{row['MRR']:8.3f}")
    for key in NAMES + ["MRR"]:
        value, peer = rows["floe"][key], rows["fts5"][key]
        figures[f"{name} {key}"] = {"value": value, "unit": "" if key == "MRR" else "%", "peer": peer,
                                    "ratio": round(value / peer, 3) if peer else None, "goal": GOALS.get((name, key))}
print(json.dumps({"bench": "retrieval", "figures": figures}))
PY
