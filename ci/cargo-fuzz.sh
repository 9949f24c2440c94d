# To be sourced after setup.sh: installs cargo-fuzz, and what it needs, if they are missing.

version=0.13.2
# libFuzzer is written in C++.
command -v c++ >/dev/null || install_packages g++
if [ "$(cargo fuzz --version 2>/dev/null)" != "cargo-fuzz $version" ]; then
    cargo install --locked --quiet --debug "cargo-fuzz@$version"
fi
