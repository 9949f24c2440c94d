#!/usr/bin/env bash
# Installs what is missing and passes the tests: unit, integration and documentation tests, and what each feature adds.
set -euo pipefail
cd "$(dirname "$0")/.."

ci/setup.sh
# The benchmarks have tests of their own, for optimised builds: ci/bench.sh.
cargo test --workspace --exclude ringbus-benches
features=derive,lane,serde,tokio,tracing
cargo test --features $features --test everything --example request_async
# Each test takes both rings.
RINGBUS_RING=lane cargo test --features $features --tests
