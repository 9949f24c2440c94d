//! Results of which all errors are reported, not the first alone.

use quote::ToTokens;
use std::fmt::Display;
use syn::Error;

/// All values, or all errors.
pub(crate) fn all<T>(results: impl IntoIterator<Item = syn::Result<T>>) -> syn::Result<Vec<T>> {
    let mut values = Vec::new();
    let mut errors: Option<Error> = None;
    for result in results {
        match (result, &mut errors) {
            (Ok(value), _) => values.push(value),
            (Err(error), Some(errors)) => errors.combine(error),
            (Err(error), None) => errors = Some(error),
        }
    }
    errors.map_or(Ok(values), Err)
}

/// Both values, or the errors of both.
pub(crate) fn both<A, B>(one: syn::Result<A>, other: syn::Result<B>) -> syn::Result<(A, B)> {
    match (one, other) {
        (Ok(one), Ok(other)) => Ok((one, other)),
        (Err(mut error), Err(other)) => {
            error.combine(other);
            Err(error)
        }
        (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
    }
}

/// A message, as an error where it belongs.
pub(crate) trait On {
    fn on(self, place: impl ToTokens) -> Error;
}

impl<M: Display> On for M {
    fn on(self, place: impl ToTokens) -> Error {
        Error::new_spanned(place, self)
    }
}
