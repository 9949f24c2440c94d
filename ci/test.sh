#!/usr/bin/env bash
# Installs what is missing and passes the tests: unit, integration and documentation tests, and what each feature adds.
set -euo pipefail
cd "$(dirname "$0")/.."

ci/setup.sh
# The benchmarks have tests of their own, for optimised builds: ci/bench.sh.
cargo test --workspace --exclude ringbus-benches
cargo test --features tokio --test awaiting --test request_tasks --test cooperation --example request_async
cargo test --features tracing --test publish --test overflow
cargo test --features serde --test serial
