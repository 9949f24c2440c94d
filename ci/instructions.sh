#!/usr/bin/env bash
# Counts the instructions of a publish and its receives under callgrind, and fails if they exceed the limits in benches/benches/instructions.rs.
# Exact from run to run, so this judges what the report, whose times are not, leaves to the reader.
set -euo pipefail
cd "$(dirname "$0")/.."

source ci/setup.sh
version=0.20.0
command -v valgrind >/dev/null || install_packages valgrind libc6-dbg
if [ "$(gungraun-runner --version 2>/dev/null)" != "gungraun-runner $version" ]; then
    cargo install --locked --quiet --debug "gungraun-runner@$version"
fi

# ci/lint.sh does not see it, because the feature is off.
cargo clippy -p ringbus-benches --features instructions --bench instructions -- -D warnings
cargo bench -p ringbus-benches --features instructions --bench instructions
