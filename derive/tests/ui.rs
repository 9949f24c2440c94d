//! What is refused, and what is said then.
//!
//! `TRYBUILD=overwrite cargo test -p ringbus-derive --test ui` writes the messages anew.

#[test]
fn what_is_wrong_is_said_where_it_stands() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
