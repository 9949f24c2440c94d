# To be sourced: `one_program TREE` writes TREE/tests/everything.rs, which is all tests in one
# program, so that a change of the library costs one link. Those that count allocations, look for
# files or test an example are left out.

one_program() {
    local file
    {
        echo '//! All tests in one program.'
        for file in "$1"/tests/*.rs; do
            if ! grep -qE '^#\[global_allocator\]|CARGO_MANIFEST_DIR|common::example|^#\[path = "\.\./' "$file"; then
                printf '#[path = "%s"]\nmod %s;\n' "$(basename "$file")" "$(basename "$file" .rs)"
            fi
        done
    } >"$1/everything.rs"
    mv "$1/everything.rs" "$1/tests"
}

# What takes seconds, or hours with a bug: names of tests.
slow_tests=(hundred_thousand_ thousands_of_ _race_with_ stop_under_way_ change_that_comes_as_a_task)
