#!/usr/bin/env bash
# Passes the tests, and the scenarios of loom-tests/ on real threads, under the thread sanitizer, std included: no data race. First, it must
# report the one that ci/sanitizers/ plants.
set -euo pipefail
cd "$(dirname "$0")/.."

ci/setup.sh
source ci/sanitizers/common.sh
sanitize thread tsan
# Reports name functions alone: with lines, each backtrace of a double panic would take ten seconds.
export CARGO_PROFILE_DEV_DEBUG=false
# A std that does not tell the sanitizer what it orders would bring false reports.
export CARGO_UNSTABLE_BUILD_STD=std,test
export TSAN_OPTIONS=external_symbolizer_path=$symbolizer

must_report race "WARNING: ThreadSanitizer: data race"
# What one thread does alone is for ci/asan.sh.
cargo test --features derive,lane,serde,tokio,tracing --lib --test everything --test soak -- "${less_often[@]}" \
    --skip isolation:: --skip do_not_abort --skip abort_nothing
# With lanes, their own tests and the scenarios.
cargo test -p ringbus-lane
for ring in array lane; do
    RINGBUS_RING=$ring STRESS_RUNS=100 cargo test -p loom-tests
done
