#!/usr/bin/env bash
# Builds the benchmarks, checks that every contestant does the whole work, and makes a quick report below target/. Judges no times.
set -euo pipefail
cd "$(dirname "$0")/.."

ci/setup.sh
cargo bench -p ringbus-benches --no-run
cargo test --release -p ringbus-benches --lib --bin memory
cargo run --release -p ringbus-benches --bin report -- --quick
test -s target/report/RESULTS.md
grep -q "^## memory" target/report/RESULTS.md
for chart in fanout payload-{1,4,16} contention latency-{parked,spinning} stalled overload routing request; do
    grep -q "</svg>" "target/report/$chart.svg"
done
