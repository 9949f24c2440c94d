#!/usr/bin/env bash
# Builds the benchmarks, checks that every contestant does the whole work, makes a quick report below target/,
# and draws it once more from its figures. Judges no times.
set -euo pipefail
cd "$(dirname "$0")/.."

ci/setup.sh
cargo bench -p ringbus-benches --no-run
cargo test --release -p ringbus-benches --lib --bins
rm -rf target/report
cargo run --release -p ringbus-benches --bin report -- --quick
test -s target/report/RESULTS.md
grep -q "^## memory" target/report/RESULTS.md
for chart in fanout{,-channels,-batch,-fixed} payload-{1,4,16} routing churn cross{,-polling} contention request \
    latency-{parked,spinning} stalled overload memory; do
    grep -q "</svg>" "target/report/$chart.svg"
done
cargo run --release -p ringbus-benches --bin report -- --draw target/report/figures.json --out target/report/again
diff --recursive --exclude again target/report target/report/again
