#!/usr/bin/env bash
# Fails if the tests run fewer than 95 % of the lines of src/, and shows the table and the lines that they do not run. The
# doubles of src/sync/model.rs belong to the models.
#
#   COVERAGE_FLOOR=99 ci/coverage.sh      another floor
set -euo pipefail
cd "$(dirname "$0")/.."

ci/setup.sh
tools=$(ci/tools.sh)
# Its compiler and LLVM's tools are of the same version, as they must be.
rust=$(ci/debian-rust.sh)
export PATH=$tools:$PATH RUSTC=$rust/rustc RUSTDOC=$rust/rustdoc LLVM_COV=$rust/llvm-cov LLVM_PROFDATA=$rust/llvm-profdata
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/coverage

cargo llvm-cov --features derive,lane,serde,tokio,tracing --ignore-filename-regex '/src/sync/model\.rs$|/library/std/' --show-missing-lines \
    --fail-under-lines "${COVERAGE_FLOOR:-95}"
