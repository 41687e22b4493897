#!/usr/bin/env bash
# Texts per second of the local embedder against ONNX Runtime (PyPI), same model, texts and threads, in one run.
# usage: bench/embed.sh [ROUNDS]    FLOE_ONNX=FILE takes another export of the model as the peer
# Wall time counts on an idle machine only, so the ratio of processor time is printed beside it (of one thread: ONNX Runtime's
# own threads spin while they wait). OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE, which some machines set to a slower kernel that is
# safe for older versions, are unset for this command alone; the kernel that runs is printed.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
build=${FLOE_BUILD:-$root/build}
rounds=${1:-3}
program=$(find "$build/bench" -maxdepth 1 -type f -name embed -print -quit)
[ -n "$program" ] || { echo "bench/embed is not built: run ./dev bench embed" >&2; exit 1; }
"$root/tools/deps.sh" peers
eval "$("$root/tools/deps.sh" --paths)"
export FLOE_MODEL_DIR
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$FLOE_PEERS_PY" - "$folder" <<'PY'
import random, sys
draw = random.Random(1)
words = ("flight airport delay customer order date name city total amount id status code type value origin destination distance "
         "product price quantity address carrier country weather station temperature revenue invoice").split()
def texts(low, high, count):
    return [" ".join(draw.choice(words) for _ in range(draw.randint(low, high))) for _ in range(count)]
for name, content in (("columns", texts(2, 10, 1500)), ("tables", texts(20, 90, 200)),
                      ("mixed", texts(2, 10, 600) + texts(20, 90, 80) + texts(200, 250, 15))):
    with open("%s/%s" % (sys.argv[1], name), "w") as file:
        file.write("\n".join(content))
PY
onnx=${FLOE_ONNX:-$folder/model.onnx}
[ -n "${FLOE_ONNX:-}" ] || "$FLOE_PEERS_PY" "$root/bench/embed_peer.py" make "$FLOE_MODEL_DIR" "$onnx"

for name in columns tables mixed; do
  texts=$folder/$name
  "$program" ids "$texts" "$texts.ids"
  for threads in 1 2; do
    ours=$("$program" run "$texts" "$threads" "$rounds")
    peer=$("$FLOE_PEERS_PY" "$root/bench/embed_peer.py" run "$onnx" "$texts.ids" "$threads" "$rounds")
    awk -v name="$name" -v threads="$threads" -v ours="$ours" -v peer="$peer" -v count="$(($(wc -l <"$texts") + 1))" 'BEGIN {
      split(ours, a, " "); split(peer, b, " ")
      printf "%-8s %d thread%s  floe %6.0f texts/s   peer %6.0f texts/s   ratio %.2f", name, threads, threads > 1 ? "s" : " ", count / a[1], count / b[1], b[1] / a[1]
      if (threads == 1) printf "   by processor time %.2f", b[2] / a[2]
      printf "\n"
    }'
  done
done
echo "ours: ${ours#* * }; peer: ${peer#* * }; goal: ratio >= 0.80"
"$program" query "$folder/columns" 300
