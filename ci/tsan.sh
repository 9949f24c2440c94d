#!/usr/bin/env bash
# Passes the tests, and the scenarios of loom-tests/ on real threads, under the thread sanitizer, std included: no data race. First, it must
# report the one that ci/sanitizers/ plants.
set -euo pipefail
cd "$(dirname "$0")/.."

ci/setup.sh
source ci/sanitizers/common.sh
# What comes near the rings, for lanes.
rings=(batch:: closing:: conservation:: overflow:: waiting::)
sanitize thread tsan
# Reports name functions alone: with lines, each backtrace of a double panic would take ten seconds.
export CARGO_PROFILE_DEV_DEBUG=false
# A std that does not tell the sanitizer what it orders would bring false reports.
export CARGO_UNSTABLE_BUILD_STD=std,test
export TSAN_OPTIONS=external_symbolizer_path=$symbolizer

must_report race "WARNING: ThreadSanitizer: data race"
# Panics on one thread are for ci/asan.sh, and what is done a hundred thousand times, ten times as slowly here, for ci/test.sh.
cargo test --features derive,lane,serde,tokio,tracing --lib --tests -- --skip isolation:: --skip hundred_thousand_
cargo test --features derive,lane,serde,tokio,tracing --doc
RINGBUS_RING=lane cargo test --features derive,lane,serde,tokio,tracing --test everything -- "${rings[@]}"
cargo test -p ringbus-lane
for ring in array lane; do
    RINGBUS_RING=$ring STRESS_RUNS=500 cargo test -p loom-tests
done
