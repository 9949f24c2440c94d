#!/usr/bin/env bash
# Gets two servers and passes the tests of ringbus-nats, each with a server of its own; the faults, permissions and
# TLS on both servers, and what has a bus with either ring. Format, clippy and documentation without warnings.
set -euo pipefail
cd "$(dirname "$0")/.."

ci/setup.sh
cargo fmt --check
cargo clippy --all-targets --all-features -- -D warnings
cargo test --all-features
RINGBUS_RING=lane cargo test --all-features --test exchange --test faults --test requests --test user_code
if [ -x server/debian/nats-server ]; then
    NATS_SERVER=server/debian/nats-server cargo test --all-features --test faults --test connecting
fi
# Without TLS, such an address is an error.
cargo test --no-default-features --features json --test connecting tls_that_is_not_built_in
RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --features postcard
RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --all-features --document-private-items
