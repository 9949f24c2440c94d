#!/usr/bin/env bash
# Passes the tests, and the scenarios of loom-tests/ on real threads, under the address and the leak sanitizer: nothing uses memory after it was
# freed, and nothing leaks. First, both must report the bugs that ci/sanitizers/ plants.
set -euo pipefail
cd "$(dirname "$0")/.."

ci/setup.sh
source ci/sanitizers/common.sh
sanitize address asan
export ASAN_SYMBOLIZER_PATH=$symbolizer LSAN_OPTIONS=suppressions=$PWD/ci/sanitizers/leaks.txt:print_suppressions=0

must_report use_after_free "ERROR: AddressSanitizer: heap-use-after-free"
must_report leak "ERROR: LeakSanitizer: detected memory leaks"
# The other programs run examples, or count allocations and memory, which are the sanitizer's own here.
everything=(cargo test --features derive,lane,serde,tokio,tracing --test everything)
"${everything[@]}" --lib -- "${less_often[@]}"
RINGBUS_RING=lane "${everything[@]}" -- "${ring_matters[@]}" "${less_often[@]}"
cargo test -p ringbus-lane
for ring in array lane; do
    RINGBUS_RING=$ring STRESS_RUNS=150 cargo test -p loom-tests
done
