#!/usr/bin/env bash
# Runs the scenarios of loom-tests/ on real threads, optimised, each many times from a gate, with each ring.
#
#   STRESS_RUNS=1000000 ci/stress.sh            so many runs of each scenario; 2,500 unless set
set -euo pipefail
cd "$(dirname "$0")/.."

ci/setup.sh
export STRESS_RUNS=${STRESS_RUNS:-2500}
for ring in array lane; do
    RINGBUS_RING=$ring cargo test --release -p loom-tests -- --nocapture --test-threads=1
done
