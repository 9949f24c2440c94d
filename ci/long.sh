#!/usr/bin/env bash
# What is too slow for every run: the models with three preemptions, and all mutants.
set -euo pipefail
cd "$(dirname "$0")/.."

LOOM_MAX_PREEMPTIONS=3 ci/loom.sh
loom-tests/mutants.sh --all
