#!/usr/bin/env bash
# How long a question takes with vectors over 10,000 tables with 200,000 columns: asked first, and again
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$FLOE_BUILD/bench/search_hybrid" "$work" "$@"
