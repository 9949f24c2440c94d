#!/usr/bin/env bash
# What is too slow for every run, one after the other, or those parts that are named:
#
#   ci/long.sh [loom | mutants | schedules | soak | fuzz | cargo-mutants | protocol | nats ...]
set -euo pipefail
cd "$(dirname "$0")/.."

part() {
    local before=$SECONDS
    printf '\n=== long: %s\n' "$1"
    case $1 in
        # (With three preemptions a model has some twelve times as many schedules.)
        loom)
            LOOM_MAX_PREEMPTIONS=2 LOOM_ALL_LANES=1 ci/loom.sh
            LOOM_MAX_PREEMPTIONS=3 LOOM_MAX_DURATION=180 ci/loom.sh
            ;;
        mutants) loom-tests/mutants.sh --all; loom-tests/mutants.sh --shuttle --all ;;
        schedules) SHUTTLE_SCHEDULES=250000 ci/shuttle.sh; STRESS_RUNS=50000 ci/stress.sh ;;
        soak)
            for ring in array lane; do
                RINGBUS_RING=$ring RINGBUS_SOAK_EVENTS=40000000 cargo test --release --features lane --test soak -- --nocapture
            done
            ;;
        fuzz) ci/fuzz.sh 600 ;;
        cargo-mutants) ci/cargo-mutants.sh ;;
        protocol) ci/protocol-mutants.sh 2 ;;
        nats) nats/ci/mutants.sh; ci/fuzz.sh 600 nats ;;
        *) echo "no such part: $1" && exit 2 ;;
    esac
    printf '=== long: %s: %d s\n' "$1" $((SECONDS - before))
}

ci/setup.sh
if [ $# -eq 0 ]; then
    set -- soak fuzz schedules mutants loom nats cargo-mutants protocol
fi
for name in "$@"; do part "$name"; done
