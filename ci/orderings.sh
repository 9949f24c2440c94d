#!/usr/bin/env bash
# Fails if a memory ordering in src/ or lane/src/ is used without an `// ORDERING:` comment above the statement, and if a comment
# names a model that does not exist. The doubles of src/sync/model.rs, and the part of lane/src/sync.rs from `mod model` on, are no
# product code: their orderings are those of what they stand for.
#
#   ci/orderings.sh [FILE ...]        the files of src/ and lane/src/, or these
set -euo pipefail
cd "$(dirname "$0")/.."

files=("$@")
if [ ${#files[@]} -eq 0 ]; then
    mapfile -t files < <(find src lane/src -name '*.rs' ! -path src/sync/model.rs | sort)
fi
awk '
    FNR == 1 { commented = 0; is_double = 0 }
    /^mod model \{$/ { is_double = 1 }
    is_double && /^\}$/ { is_double = 0 }
    is_double { next }
    /^[[:space:]]*\/\/ ORDERING:/ { commented = 1; found++; next }
    /^[[:space:]]*\/\// { next }
    /^[[:space:]]*(pub(\([a-z]+\))? )?use / { next }
    /(^|[^A-Za-z_])(Relaxed|Acquire|Release|AcqRel|SeqCst)([^A-Za-z_]|$)/ {
        if (!commented) { printf "%s:%d: no ORDERING comment above: %s\n", FILENAME, FNR, $0; missing++ }
    }
    # A comment counts for the statement that follows it: up to its semicolon, brace or arm.
    /[;{}]$/ || /,$/ { commented = 0 }
    END {
        if (found == 0) { print "no ORDERING comment found at all"; exit 1 }
        printf "orderings: %d comments, %d missing\n", found, missing
        exit missing > 0
    }
' "${files[@]}"

# Models have long names: that tells them from the functions that a comment names as the other half of a pair.
unknown=0
for model in $(grep -ho '^ *// .*' "${files[@]}" | grep -o '`[a-z_]*`' | tr -d '`' | awk 'length >= 25' | sort -u); do
    if ! grep -rq "fn $model()" loom-tests/tests; then
        echo "no such model: $model"
        unknown=1
    fi
done
exit $unknown
