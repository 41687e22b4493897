#!/usr/bin/env bash
# How long a question takes over 10,000 tables with 200,000 columns, against SQLite's FTS5 over the same tables
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$FLOE_BUILD/bench/search" "$work"
