//! What is derived for, understood: nothing is generated for what is not in order.

use crate::attribute::{EventAttribute, Mark, marks, refuse_marks};
use crate::case::{screaming, snake};
use crate::results::{On, all, both};
use proc_macro2::Span;
use std::collections::HashMap;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Data, DataEnum, DeriveInput, Expr, Field, Fields, Ident, LitStr, Member, Path, Visibility, parse_quote};

/// A type to be an event.
pub(crate) struct Input<'a> {
    pub(crate) name: &'a Ident,
    pub(crate) visibility: &'a Visibility,
    /// Where ringbus is.
    pub(crate) krate: Path,
    pub(crate) shape: Shape<'a>,
}

pub(crate) enum Shape<'a> {
    Struct(Box<Kind<'a>>),
    Enum(Vec<Variant<'a>>),
}

/// A variant, which is a kind.
pub(crate) struct Variant<'a> {
    pub(crate) name: &'a Ident,
    /// The constant that has its type.
    pub(crate) constant: Ident,
    pub(crate) kind: Kind<'a>,
}

/// A kind of event.
pub(crate) struct Kind<'a> {
    pub(crate) name: LitStr,
    pub(crate) fields: &'a Fields,
    pub(crate) timestamp: Timestamp<'a>,
    pub(crate) request_id: Option<Place<'a>>,
    /// If there is one, there is a request id.
    pub(crate) responder: Option<Place<'a>>,
}

/// Whether a kind asks, answers, or does neither.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Plain,
    Request,
    Response,
}

/// Where the time of an event comes from.
pub(crate) enum Timestamp<'a> {
    Field(Place<'a>),
    Expression(Expr),
}

/// A field of a kind.
pub(crate) struct Place<'a> {
    pub(crate) member: Member,
    /// What a pattern binds it to: its own name, if it has one.
    pub(crate) binding: Ident,
    /// The field itself.
    pub(crate) field: &'a Field,
}

impl<'a> Place<'a> {
    fn new(mark: Mark, field: &'a Field, member: &Member) -> Self {
        let mut binding = field.ident.clone().unwrap_or_else(|| Ident::new(mark.binding(), field.ty.span()));
        binding.set_span(resolved(binding.span()));
        Self { member: member.clone(), binding, field }
    }

    /// Where to say that the field's type does not fit.
    pub(crate) fn span(&self) -> Span {
        resolved(self.field.ty.span())
    }
}

/// The same place for messages, where names mean what they mean in what is generated: patterns
/// can share a binding then, and types may come out of a macro.
fn resolved(span: Span) -> Span {
    span.resolved_at(Span::call_site())
}

impl<'a> Input<'a> {
    pub(crate) fn parse(item: &'a DeriveInput) -> syn::Result<Self> {
        let inside = EventAttribute::parse(&item.attrs).and_then(|mut said| {
            let krate = said.krate.take().unwrap_or_else(|| parse_quote!(::ringbus));
            Ok((krate, Shape::parse(item, said)?))
        });
        let (((krate, shape), ()), ()) = both(both(inside, refuse_marks(&item.attrs)), refuse_parameters(item))?;
        Ok(Self { name: &item.ident, visibility: &item.vis, krate, shape })
    }
}

/// Refuses generics.
fn refuse_parameters(item: &DeriveInput) -> syn::Result<()> {
    let parameters = &item.generics.params;
    if parameters.is_empty() {
        return Ok(());
    }
    Err("an event cannot be generic, because one name would stand for many types: \
         derive `Event` for a type without parameters"
        .on(parameters))
}

impl<'a> Shape<'a> {
    fn parse(item: &'a DeriveInput, said: EventAttribute) -> syn::Result<Self> {
        match &item.data {
            Data::Struct(data) => {
                let suggestion = snake(&item.ident.unraw().to_string());
                Kind::parse(&item.ident, &suggestion, said, &data.fields).map(|kind| Self::Struct(Box::new(kind)))
            }
            Data::Enum(data) => Self::parse_enum(item, said, data).map(Self::Enum),
            Data::Union(data) => Err("a union is no event: make it an enum or a struct".on(data.union_token)),
        }
    }

    fn parse_enum(item: &'a DeriveInput, said: EventAttribute, data: &'a DataEnum) -> syn::Result<Vec<Variant<'a>>> {
        let name = said.name.map(|name| "each variant of an enum has a name: take this one away".on(name));
        let timestamp =
            said.timestamp.map(|time| "each variant of an enum says what time it has: move this there".on(time));
        let empty = data.variants.is_empty().then(|| "an enum without variants is no event".on(&item.ident));
        let wrong = all([name, timestamp, empty].into_iter().flatten().map(Err::<(), _>));

        let prefix = snake(&item.ident.unraw().to_string());
        let variants = all(data.variants.iter().map(|variant| Variant::parse(&prefix, variant)));
        let (_, variants) = both(wrong, variants)?;
        refuse_doubles(&item.ident, &variants)?;
        Ok(variants)
    }
}

/// Refuses names and constants that stand for two variants.
fn refuse_doubles(item: &Ident, variants: &[Variant<'_>]) -> syn::Result<()> {
    let mut names = HashMap::new();
    let mut constants = HashMap::new();
    all(variants.iter().flat_map(|variant| {
        let Variant { name, constant, kind } = variant;
        let doubled_name = names.insert(kind.name.value(), name).map(|other| {
            format!("`{other}` has this name already: each variant has one of its own").on(&kind.name)
        });
        let doubled_constant = constants.insert(constant.to_string(), name).map(|other| {
            format!("`{other}` and `{name}` would both get the constant `{constant}`: rename one of them").on(name)
        });
        let hidden_constant = variants.iter().find(|other| other.name.unraw() == constant.unraw()).map(|_| {
            format!(
                "`{name}` would get the constant `{constant}`, but `{item}::{constant}` means a variant: rename that one"
            )
            .on(name)
        });
        [doubled_name, doubled_constant.or(hidden_constant)].into_iter().flatten().map(Err::<(), _>)
    }))
    .map(|_| ())
}

impl<'a> Variant<'a> {
    /// Reads a variant of an enum whose kinds have names that probably begin with `prefix`.
    fn parse(prefix: &str, variant: &'a syn::Variant) -> syn::Result<Self> {
        let name = &variant.ident;
        let suggestion = format!("{prefix}.{}", snake(&name.unraw().to_string()));
        let kind = EventAttribute::parse(&variant.attrs).and_then(|mut said| {
            let misplaced =
                said.krate.take().map(|krate| "`crate` is said once, above the enum: move it there".on(krate));
            let kind = Kind::parse(name, &suggestion, said, &variant.fields);
            Ok(both(misplaced.map_or(Ok(()), Err), kind)?.1)
        });
        let constant = match screaming(&name.unraw().to_string()) {
            nameless if nameless.is_empty() => {
                Err(format!("`{name}` has no letter or digit to name its constant by: rename it").on(name))
            }
            constant => Ok(Ident::new(&constant, name.span())),
        };
        let ((kind, ()), constant) = both(both(kind, refuse_marks(&variant.attrs)), constant)?;
        Ok(Self { name, constant, kind })
    }
}

impl<'a> Kind<'a> {
    /// What the bus does with it.
    pub(crate) fn role(&self) -> Role {
        match (&self.request_id, &self.responder) {
            (None, _) => Role::Plain,
            (Some(_), None) => Role::Request,
            (Some(_), Some(_)) => Role::Response,
        }
    }

    /// Reads a struct or a variant. If it has no name, `suggestion` is one.
    fn parse(owner: &Ident, suggestion: &str, said: EventAttribute, fields: &'a Fields) -> syn::Result<Self> {
        let Marked { timestamp, request_id, responder } = Marked::parse(fields)?;

        let name_to_show = said.name.as_ref().map_or(suggestion.to_owned(), LitStr::value);
        let timestamp = match (timestamp, said.timestamp) {
            (Some(place), None) => Ok(Timestamp::Field(place)),
            (None, Some(expression)) => Ok(Timestamp::Expression(expression)),
            (Some(_), Some(expression)) => {
                Err("a field is marked with `#[timestamp]` already: take one of the two away".on(expression))
            }
            (None, None) => Err(format!(
                "`{owner}` has no time: mark the field that holds it with `#[timestamp]`, \
                 or write `#[event({name_to_show:?}, timestamp = SystemTime::now())]`"
            )
            .on(owner)),
        };
        let responder = match (&request_id, responder) {
            (None, Some(place)) => Err("a response says what it answers: \
                 mark the field that holds the id of the request with `#[request_id]`"
                .on(place.field)),
            (_, responder) => Ok(responder),
        };
        let name = said
            .name
            .ok_or_else(|| format!("`{owner}` has no name: write `#[event({suggestion:?})]` above it").on(owner));

        let ((name, timestamp), responder) = both(both(name, timestamp), responder)?;
        Ok(Self { name, fields, timestamp, request_id, responder })
    }
}

/// The fields of a kind that are marked.
#[derive(Default)]
struct Marked<'a> {
    timestamp: Option<Place<'a>>,
    request_id: Option<Place<'a>>,
    responder: Option<Place<'a>>,
}

impl<'a> Marked<'a> {
    fn parse(fields: &'a Fields) -> syn::Result<Self> {
        let mut marked = Self::default();
        all(fields.iter().zip(fields.members()).map(|(field, member)| marked.take(field, &member)))?;
        Ok(marked)
    }

    fn take(&mut self, field: &'a Field, member: &Member) -> syn::Result<()> {
        all(marks(&field.attrs)?.into_iter().map(|(mark, attribute)| {
            let place = match mark {
                Mark::Timestamp => &mut self.timestamp,
                Mark::RequestId => &mut self.request_id,
                Mark::Responder => &mut self.responder,
            };
            if place.is_some() {
                let second = format!("a second `#[{}]`: a kind has one at most", mark.name());
                return Err(second.on(attribute));
            }
            *place = Some(Place::new(mark, field, member));
            Ok(())
        }))
        .map(|_| ())
    }
}
