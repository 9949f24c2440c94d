//! What is generated, as a person reads it.

use crate::derive;
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use std::path::{Path, PathBuf};
use std::{env, fs};
use syn::{DeriveInput, Item, parse_quote};

/// Set, it writes the files of `tests/expand` anew.
const REWRITE: &str = "RINGBUS_REWRITE";

/// What is generated for the items of a file, formatted.
fn expand(path: &Path) -> String {
    let file = syn::parse_file(&fs::read_to_string(path).unwrap()).unwrap();
    let items = file.items.iter().map(|item| {
        let item: DeriveInput = syn::parse2(item.to_token_stream()).unwrap();
        derive(&item).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    });
    let items: Vec<Vec<Item>> =
        items.map(|tokens| syn::parse2::<syn::File>(tokens).expect("it is Rust").items).collect();
    prettyplease::unparse(&syn::File { shebang: None, attrs: Vec::new(), items: items.concat() })
}

/// Each `tests/expand/*.rs` expands to its `*.expanded.rs`, and there is no other.
#[test]
fn expansions_are_those_that_were_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expand");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let (expanded, items): (Vec<_>, Vec<_>) =
        paths.into_iter().partition(|path| path.to_str().unwrap().ends_with(".expanded.rs"));
    assert!(!items.is_empty());
    for path in &items {
        let actual = expand(path);
        let path = path.with_extension("expanded.rs");
        if env::var_os(REWRITE).is_some() {
            fs::write(path, actual).unwrap();
            continue;
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            actual == expected,
            "{} differs: run again with {REWRITE}=1 and read what changes\n{actual}",
            path.display()
        );
    }
    let orphans = expanded.iter().find(|path| !items.iter().any(|item| item.with_extension("expanded.rs") == **path));
    assert_eq!(orphans, None, "its source is gone");
}

/// All that is wrong is reported at once.
#[test]
fn every_error_is_reported() {
    let item: DeriveInput = parse_quote! {
        #[event("config")]
        enum Config<T> {
            Loaded { #[timestamp] at: SystemTime, #[responder] by: String },
            #[event("", timestamp = now())]
            Refused,
            #[event("config.coloured", colour = "red")]
            Coloured,
            #[event("config.moved", timestamp = now(), crate = elsewhere)]
            Moved,
            #[event("config.applied")]
            #[responder]
            Applied { #[timestamp = 3] at: SystemTime, #[event("at")] id: T },
        }
    };
    let errors: Vec<String> = derive(&item).expect_err("wrong").into_iter().map(|error| error.to_string()).collect();
    for part in [
        "cannot be generic",
        "take this one away",
        "says what it answers",
        "`Loaded` has no name",
        "the name is empty",
        "unknown key `colour`",
        "above the enum",
        "belongs on the field",
        "takes no arguments",
        "belongs above",
    ] {
        assert!(errors.iter().any(|error| error.contains(part)), "{part}: {errors:#?}");
    }
    assert_eq!(errors.len(), 10, "{errors:#?}");
}

/// The lines of the source to which the generated tokens `text` belong.
fn lines_of(text: &str, tokens: TokenStream) -> Vec<usize> {
    tokens
        .into_iter()
        .flat_map(|token| match token {
            TokenTree::Group(group) => lines_of(text, group.stream()),
            token if token.to_string() == text => vec![token.span().start().line],
            _ => Vec::new(),
        })
        .collect()
}

/// The compiler reports a field of a wrong type where it meets the generated code that reads it;
/// that must be the line of the field. (What it says there is its own, and changes with it.)
#[test]
fn wrong_types_are_reported_at_their_fields() {
    let of_enum = "
        enum Answer {
            #[event(\"answer\")]
            Answer {
                #[timestamp]
                at: u64,
                #[request_id]
                to: u32,
                #[responder]
                by: u16,
            },
        }";
    let of_struct = "
        #[event(\"answer\")]
        struct Answer(
            #[responder]
            u64,
            #[timestamp]
            u32,
            #[request_id]
            u16,
        );";
    let expand = |source| derive(&syn::parse_str(source).unwrap()).unwrap();
    assert_eq!(lines_of("*", expand(of_enum)), [6], "the time is copied");
    assert_eq!(lines_of("Clone", expand(of_enum)), [8], "the id is cloned");
    assert_eq!(lines_of("as_ref", expand(of_enum)), [10]);
    assert!(lines_of("self", expand(of_struct)).contains(&7), "the time is read from `self`");
    assert_eq!(lines_of("Clone", expand(of_struct)), [9]);
    assert_eq!(lines_of("as_ref", expand(of_struct)), [5]);
}
