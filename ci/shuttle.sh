#!/usr/bin/env bash
# Runs the scenarios of loom-tests/ under shuttle: random schedules of up to eight threads, and as many by priorities.
#
#   ci/shuttle.sh [ARGUMENT ...]                for the tests: the name of a model
#   SHUTTLE_SCHEDULES=100000 ci/shuttle.sh      so many of each kind for each model; 10,000 unless set
#   SHUTTLE_SEED=2 ci/shuttle.sh                other schedules; the same seed gives the same ones
#   SHUTTLE_REPLAY=9103... ci/shuttle.sh MODEL  the schedule that a failure of this model has printed
set -euo pipefail
cd "$(dirname "$0")/.."

ci/setup.sh
export RUSTFLAGS="--cfg shuttle" CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/shuttle RUST_BACKTRACE=0
for ring in array lane; do
    RINGBUS_RING=$ring cargo test --release -p loom-tests -- --nocapture --test-threads=2 "$@"
done
