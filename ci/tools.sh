#!/usr/bin/env bash
# Installs the tools of tools.txt below target/, where they are not there yet, and prints the directory of the programs.
set -euo pipefail
cd "$(dirname "$0")/.."

root=${CARGO_TARGET_DIR:-$PWD/target}/tools

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi; }

install_tools() {
    # Debian has Python's `venv` without what it needs in a package of its own.
    if ! python3 -c "import venv, ensurepip" 2>/dev/null; then
        as_root apt-get update -qq
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ca-certificates python3-venv
    fi
    python3 -m venv --clear "$root"
    "$root/bin/pip" install --quiet --no-deps --only-binary :all: --require-hashes --requirement ci/tools.txt
    cp ci/tools.txt "$root/installed.txt"
}

cmp -s ci/tools.txt "$root/installed.txt" || install_tools >&2
echo "$root/bin"
