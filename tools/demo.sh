#!/usr/bin/env bash
# The main job, told as a story: real flights into Iceberg tables → features → a training set without leaks → an online
# store → lookups over HTTP → search. `./dev demo` sets everything up and calls this.
#   --keep   leaves the server (and redis) running and prints its URL
#   --dir D  works in D instead of build/demo
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
floe=${FLOE_BIN:-$root/build/floe}
vega=${FLOE_VEGA_DIR:?run this through ./dev demo, which says where the data is}/data
packages=$FLOE_VEGA_DIR/datapackage.json
keep=
dir=$root/build/demo
while [ $# -gt 0 ]; do
    case $1 in
    --keep) keep=1 ;;
    --dir) dir=${2:?--dir needs a folder} && shift ;;
    *) echo "demo: unknown option $1; there are --keep and --dir DIR" >&2 && exit 2 ;;
    esac
    shift
done

server_pid=
redis_pid=
stop_all() {
    local pid
    for pid in $server_pid $redis_pid; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true # what a signal ended has not failed
    done
}
trap stop_all EXIT

bold=$(tput bold 2>/dev/null || true)
plain=$(tput sgr0 2>/dev/null || true)
step() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
say() { printf '    %s\n' "$*"; }
# Shows a command as a user would type it, runs it, and indents what it says.
run() {
    printf '  $ floe'
    printf ' %s' "$@"
    printf '\n'
    "$floe" "$@" 2>&1 | sed 's/^/    /'
}
seconds() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(seconds)" 'BEGIN { printf "%.1f s", b - a }'; }

free_port() {
    local port
    for port in $(shuf -i 20000-32000 -n 50); do
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port" && return; }
    done
    echo "demo: no free port found" >&2
    return 1
}

# FILE TABLE [OPTION…]: imports one of the small tables unless it is there already.
import_small() {
    local file=$1 table=$2
    shift 2
    [ -d "lakehouse/${table//./\/}" ] && return 0
    "$floe" table import "$vega/$file" "lake.$table" --describe "$packages" "$@" >/dev/null
}

import_tables() {
    if [ ! -d lakehouse/aviation/flights ]; then
        run table import "$vega/flights-3m.parquet" lake.aviation.flights --partition 'month(date)' \
            --select '*, date + INTERVAL 45 MINUTE + to_seconds(distance * 9) AS known_at' --describe "$packages"
    else
        say "the flights are there from an earlier run"
    fi
    local line file table
    while read -r file table; do
        import_small "$file" "$table"
    done <<'TABLES'
airports.csv aviation.airports
birdstrikes.csv aviation.birdstrikes
flights-airport.csv aviation.airport_pairs
weather.csv weather.daily
seattle-weather.csv weather.seattle
seattle-weather-hourly-normals.csv weather.seattle_hourly_normals
global-temp.csv weather.global_temperature
co2-concentration.csv weather.co2_concentration
windvectors.csv weather.wind_vectors
disasters.csv weather.disasters
stocks.csv finance.stocks
sp500.csv finance.sp500
sp500-2000.csv finance.sp500_daily
ohlc.json finance.ohlc
budgets.json finance.budgets
movies.json media.movies
cars.json transport.cars
driving.json transport.driving
barley.json science.barley
penguins.json science.penguins
burtin.json science.antibiotics
species.csv science.species_habitat
countries.json people.countries
gapminder.json people.gapminder
gapminder-health-income.csv people.health_and_income
income.json people.income
jobs.json people.jobs
obesity.json people.obesity
population.json people.population
unemployment-across-industries.json people.unemployment_by_industry
us-employment.csv people.employment
us-state-capitals.json people.state_capitals
zipcodes.csv people.zipcodes
github.csv software.github_contributions
la-riots.csv people.la_riots
football.json sports.football
TABLES
}

# The labels: 100,000 flights, spread evenly over the data by a hash of what they are.
make_labels() {
    [ -f labels.parquet ] && return 0
    run table scan lake.aviation.flights --columns date,origin,destination,delay \
        --where 'delay IS NOT NULL AND hash(date, origin, destination) % 29 = 0' --limit 100000 -o labels.parquet
}

# STORE: a config for that store, a sync, a server and a few lookups.
serve_from() {
    local store=$1 log=server.log
    sed -i "s|^online: .*|online: $store|" floe.yaml
    run sync
    rm -f server.url # an earlier server's would be taken for this one's until the shell empties it
    "$floe" serve --listen 127.0.0.1:0 >server.url 2>"$log" &
    server_pid=$!
    for _ in $(seq 600); do
        [ -s server.url ] && break
        kill -0 "$server_pid" 2>/dev/null || { cat "$log" >&2 && exit 1; }
        sleep 0.1
    done
    [ -s server.url ] || { echo "demo: the server said no URL within 60 s; see $PWD/$log" >&2 && exit 1; }
    url=$(cat server.url)
    say "serving at $url"
    lookup '{"features":["route_delays:last_delay","airport_delays:delay_mean"],"entities":{"origin":["SFO"],"destination":["JFK"]},"include":["statuses","event_times"]}'
    lookup '{"features":["airport_delays:last_delay","airport_delays:delay_count","airport_delays:delay_mean_7d"],"entities":{"origin":["ATL","XXX"]},"include":["statuses"]}'
    say "the windows of 1, 7 and 30 days are empty today: these flights are of 2001; XXX is no airport"
}

lookup() {
    printf "  \$ curl -X POST %s/v1/lookup -d '%s'\n" "$url" "$1"
    curl -sS -X POST "$url/v1/lookup" -H 'Content-Type: application/json' -d "$1" | cut -c1-400 | sed 's/^/    /'
    printf '\n'
    latency "$1"
}

# 300 lookups over one connection; the figures are curl's own, which hold its share of the work too.
latency() {
    local config=latency.curl
    for _ in $(seq 300); do
        printf 'next\nurl = "%s/v1/lookup"\ndata = "%s"\nheader = "Content-Type: application/json"\noutput = /dev/null\nwrite-out = "%%{time_total}\\n"\n' \
            "$url" "${1//\"/\\\"}"
    done | tail -n +2 >"$config"
    curl -sS --config "$config" | sort -n |
        awk '{ t[NR] = $1 * 1e6 } END { printf "    300 lookups on one connection: p50 %d µs, p99 %d µs (seen by curl)\n", t[int(NR * .5)], t[int(NR * .99)] }'
}

stop_server() {
    kill "$server_pid"
    wait "$server_pid" || true
    server_pid=
}

began=$(seconds)
mkdir -p "$dir"
cd "$dir"
[ -f floe.yaml ] || "$floe" init . --example flights >/dev/null
say "working in $dir"

step "1. Three million flights and thirty-six smaller tables become Iceberg tables"
at=$(seconds)
import_tables
say "$("$floe" table ls --json | grep -o '"table"' | wc -l) tables in the lakehouse ($(since "$at"))"
run table show lake.aviation.flights

step "2. What the features mean is applied, as a version"
run plan
run apply

step "3. A training set: 100,000 departures, each with the features that were known at that moment"
make_labels
run dataset build --service delay_model --spine labels.parquet --time date --as-known --name demo -o train.parquet
say "a flight's own delay is known only after it landed: --as-known and 'at: before' keep it out of its own features"

step "4. The newest features go online, into the embedded store, and are served"
serve_from "{store: embedded, path: .floe/online}"
stop_server

step "5. The same on a private redis-server"
port=$(free_port)
redis-server --port "$port" --bind 127.0.0.1 --save '' --appendonly no --dir "$dir" >redis.log 2>&1 &
redis_pid=$!
for _ in $(seq 600); do
    redis-cli -p "$port" ping >/dev/null 2>&1 && break
    sleep 0.05
done
serve_from "{store: redis, url: redis://127.0.0.1:$port/0}"
run get delay_model origin=SFO destination=JFK

step "6. Finding data"
run index
run search "flight delay" -k 8
printf "  \$ curl '%s/v1/search?q=bird+strikes&k=3'\n" "$url"
curl -sS "$url/v1/search?q=bird+strikes&k=3" | cut -c1-400 | sed 's/^/    /'
printf '\n'

step "Done in $(since "$began")"
say "the project:      $dir (floe.yaml, features/delays.yaml)"
say "the training set: $dir/train.parquet"
say "next:             cd $dir && $floe doctor; then edit features/delays.yaml and run floe plan"
say "the tour:         examples/flights/README.md"
if [ -n "$keep" ]; then
    trap - EXIT
    say "left running:     $url (pid $server_pid), redis-server on port $port (pid $redis_pid)"
fi
