#!/usr/bin/env bash
# Installs the tools of tools.txt below target/, unless they are there, and prints the directory of the programs.
set -euo pipefail
cd "$(dirname "$0")/.."

source ci/setup.sh >&2
root=${CARGO_TARGET_DIR:-$PWD/target}/tools

install_tools() {
    # Debian has Python's `venv` without what it needs in a package of its own.
    if ! python3 -c "import venv, ensurepip" 2>/dev/null; then
        install_packages ca-certificates python3-venv
    fi
    python3 -m venv --clear "$root"
    "$root/bin/pip" install --quiet --no-deps --only-binary :all: --require-hashes --requirement ci/tools.txt
    cp ci/tools.txt "$root/installed.txt"
}

cmp -s ci/tools.txt "$root/installed.txt" || install_tools >&2
echo "$root/bin"
