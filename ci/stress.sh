#!/usr/bin/env bash
# Runs the scenarios of loom-tests/ on real threads, optimised, each many times from a gate, with each ring.
#
#   STRESS_RUNS=1000000 ci/stress.sh            so many runs of each scenario; 2,000 unless set, half of them with lanes
set -euo pipefail
cd "$(dirname "$0")/.."

ci/setup.sh
runs=${STRESS_RUNS:-2000}
STRESS_RUNS=$runs cargo test --release -p loom-tests -- --nocapture --test-threads=1
RINGBUS_RING=lane STRESS_RUNS=$((runs / 2)) cargo test --release -p loom-tests -- --nocapture --test-threads=1
