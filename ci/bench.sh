#!/usr/bin/env bash
# Builds the benchmarks, checks that every contestant does the whole work, makes a quick report below target/,
# and draws it once more from its figures. Judges no times.
set -euo pipefail
cd "$(dirname "$0")/.."

ci/setup.sh
# With what ci/instructions.sh needs as well, so that all is built once.
cargo bench -p ringbus-benches --features instructions --no-run
# Optimised, the tests would take ten seconds less to run, and a minute more to build.
cargo test -p ringbus-benches --lib --bins
# Without cargo, it runs what lies beside it instead of building that anew.
report() { CARGO=/bin/false "${CARGO_TARGET_DIR:-target}/release/report" "$@"; }
rm -rf target/report
report --quick
test -s target/report/RESULTS.md
grep -q "^## memory" target/report/RESULTS.md
for chart in fanout{,-channels,-batch,-fixed} payload-{1,4,16} routing churn cross{,-polling} contention request \
    latency-{parked,spinning} stalled overload memory; do
    grep -q "</svg>" "target/report/$chart.svg"
done
report --draw target/report/figures.json --out target/report/again
diff --recursive --exclude again target/report target/report/again
