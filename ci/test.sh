#!/usr/bin/env bash
# Installs what is missing and passes the tests: unit, integration and documentation tests with all features, those of the bus
# with both rings; what differs without features; and the scenarios of loom-tests/ on real threads.
set -euo pipefail
cd "$(dirname "$0")/.."

ci/setup.sh
features=derive,lane,serde,tokio,tracing
cargo test --features $features
cargo test --features $features --example request_async
# Each test that makes a bus takes both rings.
RINGBUS_RING=lane cargo test --features $features --test everything --test allocation --test request_memory --test soak
# Without features, ci/lint.sh compiles the other tests.
cargo test --lib --test allocation --test soak
# The benchmarks have tests of their own: ci/bench.sh.
STRESS_RUNS=${STRESS_RUNS:-300} cargo test -p ringbus-derive -p ringbus-lane -p loom-tests
