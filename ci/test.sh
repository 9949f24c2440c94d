#!/usr/bin/env bash
# Installs what is missing and passes the tests: unit, integration and documentation tests, with and without `tracing`.
set -euo pipefail
cd "$(dirname "$0")/.."

ci/setup.sh
cargo test --workspace
cargo test --features tracing --test publish --test overflow
