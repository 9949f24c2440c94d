//! The attributes, as they are written.

use crate::results::{On, all};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, Ident, Lit, LitStr, Meta, Path, Token};

/// What all the `#[event(…)]` of one item say.
#[derive(Default)]
pub(crate) struct EventAttribute {
    pub(crate) name: Option<LitStr>,
    pub(crate) timestamp: Option<Expr>,
    pub(crate) krate: Option<Path>,
}

/// One thing that an `#[event(…)]` says.
enum Argument {
    Name(LitStr),
    Timestamp(Ident, Box<Expr>),
    Crate(Token![crate], Path),
}

impl EventAttribute {
    pub(crate) fn parse(attributes: &[Attribute]) -> syn::Result<Self> {
        let arguments = attributes
            .iter()
            .filter(|attribute| is_event(attribute))
            .map(|attribute| attribute.parse_args_with(Punctuated::<_, Token![,]>::parse_terminated));
        let mut said = Self::default();
        all(all(arguments)?.into_iter().flatten().map(|argument| said.take(argument)))?;
        Ok(said)
    }

    fn take(&mut self, argument: Argument) -> syn::Result<()> {
        match argument {
            Argument::Name(name) if self.name.is_some() => Err("an event has one name: take one of them away".on(name)),
            Argument::Name(name) if name.value().is_empty() => {
                Err("the name is empty: write one, such as \"config.loaded\"".on(name))
            }
            Argument::Name(name) => {
                self.name = Some(name);
                Ok(())
            }
            Argument::Timestamp(key, _) if self.timestamp.is_some() => {
                Err("`timestamp` is said already: take one of them away".on(key))
            }
            Argument::Timestamp(_, timestamp) => {
                self.timestamp = Some(*timestamp);
                Ok(())
            }
            Argument::Crate(key, _) if self.krate.is_some() => {
                Err("`crate` is said already: take one of them away".on(key))
            }
            Argument::Crate(_, krate) => {
                self.krate = Some(krate);
                Ok(())
            }
        }
    }
}

impl Parse for Argument {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(Lit) {
            return match input.parse()? {
                Lit::Str(name) => Ok(Self::Name(name)),
                other => Err("the name is a string, such as \"config.loaded\"".on(other)),
            };
        }
        if input.peek(Token![crate]) {
            let key = input.parse()?;
            input.parse::<Token![=]>()?;
            return Ok(Self::Crate(key, input.call(Path::parse_mod_style)?));
        }
        let key = input.call(Ident::parse_any)?;
        if key != "timestamp" {
            let unknown = format!(
                "unknown key `{key}`: say a name in quotes, `timestamp = …` or `crate = …`; an event asks if a field of \
                 it is marked `#[request_id]`, and answers if another one is marked `#[responder]` as well"
            );
            return Err(unknown.on(key));
        }
        input.parse::<Token![=]>()?;
        Ok(Self::Timestamp(key, Box::new(input.parse()?)))
    }
}

/// What a field is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Timestamp,
    RequestId,
    Responder,
}

impl Mark {
    /// What the attribute marks its field as, if it is a mark.
    fn of(attribute: &Attribute) -> Option<Self> {
        [Self::Timestamp, Self::RequestId, Self::Responder]
            .into_iter()
            .find(|mark| attribute.path().is_ident(mark.name()))
    }

    /// The attribute's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Timestamp => "timestamp",
            Self::RequestId => "request_id",
            Self::Responder => "responder",
        }
    }

    /// What a pattern binds the field to, if it has no name.
    pub(crate) const fn binding(self) -> &'static str {
        match self {
            Self::Timestamp => "at",
            Self::RequestId => "id",
            Self::Responder => "responder",
        }
    }
}

fn is_event(attribute: &Attribute) -> bool {
    attribute.path().is_ident("event")
}

/// The marks of a field, with the attributes that they are.
pub(crate) fn marks(attributes: &[Attribute]) -> syn::Result<Vec<(Mark, &Attribute)>> {
    all(attributes.iter().filter_map(|attribute| {
        let Some(mark) = Mark::of(attribute) else {
            let misplaced = "`#[event(…)]` belongs above a struct, or above a variant of an enum";
            return is_event(attribute).then(|| Err(misplaced.on(attribute)));
        };
        Some(match attribute.meta {
            Meta::Path(_) => Ok((mark, attribute)),
            Meta::List(_) | Meta::NameValue(_) => {
                let bare = format!("`#[{}]` takes no arguments", mark.name());
                Err(bare.on(attribute))
            }
        })
    }))
}

/// Refuses marks above a struct, an enum or a variant.
pub(crate) fn refuse_marks(attributes: &[Attribute]) -> syn::Result<()> {
    all(attributes.iter().filter_map(|attribute| {
        let misplaced = format!("`#[{}]` belongs on the field that holds it", Mark::of(attribute)?.name());
        Some(Err(misplaced.on(attribute)))
    }))
    .map(|_: Vec<()>| ())
}
