#!/usr/bin/env bash
# Installs what is missing and passes the tests: unit, integration and documentation tests, and what each feature adds.
set -euo pipefail
cd "$(dirname "$0")/.."

ci/setup.sh
cargo test --workspace
cargo test --features tokio --test awaiting --test request_tasks --example request_async
cargo test --features tracing --test publish --test overflow
