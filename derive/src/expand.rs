//! What is generated.

use crate::input::{Input, Kind, Place, Role, Shape, Timestamp, Variant};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{Fields, Member, Stmt};

/// A method's answer for one kind.
struct Answer<'a> {
    /// The field that it takes.
    place: Option<&'a Place<'a>>,
    expression: TokenStream,
}

impl Answer<'_> {
    fn constant(expression: TokenStream) -> Self {
        Self { place: None, expression }
    }
}

impl Input<'_> {
    /// Everything that is generated.
    pub(crate) fn expand(&self) -> TokenStream {
        let names = self.expand_names();
        let event = self.expand_event();
        let request = self.has(Role::Request).then(|| self.expand_request());
        let response = self.has(Role::Response).then(|| self.expand_response());
        quote!(#names #event #request #response)
    }

    /// The types of the kinds, as constants.
    fn expand_names(&self) -> TokenStream {
        let Self { name, visibility, krate, shape } = self;
        match shape {
            Shape::Struct(kind) => {
                let kind = &kind.name;
                quote! {
                    #[automatically_derived]
                    impl #krate::EventKind for #name {
                        const EVENT_TYPE: #krate::EventType = #krate::EventType::new(#kind);
                    }
                }
            }
            Shape::Enum(variants) => {
                let constants = variants.iter().map(|Variant { name: variant, constant, kind }| {
                    let kind = &kind.name;
                    let (name, variant) = (name.unraw(), variant.unraw());
                    let docs = format!(" The type of [`{name}::{variant}`](Self::{variant}): `{}`.", kind.value());
                    quote! {
                        #[doc = #docs]
                        #visibility const #constant: #krate::EventType = #krate::EventType::new(#kind);
                    }
                });
                quote! {
                    #[automatically_derived]
                    impl #name {
                        #(#constants)*
                    }
                }
            }
        }
    }

    fn expand_event(&self) -> TokenStream {
        let Self { name, krate, shape, .. } = self;
        let event_type = match shape {
            Shape::Struct(_) => quote!(<Self as #krate::EventKind>::EVENT_TYPE),
            Shape::Enum(variants) => by_variant(variants, |variant| {
                let constant = &variant.constant;
                Answer::constant(quote!(Self::#constant))
            }),
        };
        let timestamp = self.by_kind(|kind| match &kind.timestamp {
            Timestamp::Field(place) => Answer { place: Some(place), expression: self.copy(place) },
            Timestamp::Expression(expression) => {
                // In a statement, syn brackets what would end it: `(if late { a } else { b }) - X`.
                let last = Stmt::Expr(expression.clone(), None);
                Answer::constant(quote!(#last))
            }
        });
        let as_request = self.has(Role::Request).then(|| {
            let answer = self.some_self(Role::Request);
            quote! {
                fn as_request(&self) -> ::core::option::Option<&dyn #krate::Request> {
                    #answer
                }
            }
        });
        let as_response = self.has(Role::Response).then(|| {
            let answer = self.some_self(Role::Response);
            quote! {
                fn as_response(&self) -> ::core::option::Option<&dyn #krate::Response> {
                    #answer
                }
            }
        });
        quote! {
            #[automatically_derived]
            impl #krate::Event for #name {
                fn event_type(&self) -> #krate::EventType {
                    #event_type
                }

                fn timestamp(&self) -> ::std::time::SystemTime {
                    #timestamp
                }

                #as_request
                #as_response
            }
        }
    }

    fn expand_request(&self) -> TokenStream {
        let Self { name, krate, .. } = self;
        let request_id = self.request_id();
        quote! {
            #[automatically_derived]
            impl #krate::Request for #name {
                #request_id
            }
        }
    }

    fn expand_response(&self) -> TokenStream {
        let Self { name, krate, .. } = self;
        let request_id = self.request_id();
        let responder = self.by_kind(|kind| match &kind.responder {
            Some(place) => {
                let reference = self.reference(place);
                let expression = quote_spanned!(place.span()=> ::core::convert::AsRef::<str>::as_ref(#reference));
                Answer { place: Some(place), expression }
            }
            // Nobody asks: `as_response` is `None` for this kind.
            None => Answer::constant(quote!("")),
        });
        quote! {
            #[automatically_derived]
            impl #krate::Response for #name {
                #request_id

                fn responder(&self) -> &str {
                    #responder
                }
            }
        }
    }

    /// The method that `Request` and `Response` have in common.
    fn request_id(&self) -> TokenStream {
        let krate = &self.krate;
        let id = self.by_kind(|kind| match &kind.request_id {
            Some(place) => {
                let reference = self.reference(place);
                let expression = quote_spanned!(place.span()=> ::core::clone::Clone::clone(#reference));
                Answer { place: Some(place), expression }
            }
            // Nobody asks: `as_request` and `as_response` are `None` for this kind.
            None => Answer::constant(quote!(#krate::RequestId::unique())),
        });
        quote! {
            fn request_id(&self) -> #krate::RequestId {
                #id
            }
        }
    }

    /// Whether there is such a kind.
    fn has(&self, role: Role) -> bool {
        match &self.shape {
            Shape::Struct(kind) => kind.role() == role,
            Shape::Enum(variants) => variants.iter().any(|variant| variant.kind.role() == role),
        }
    }

    /// `Some(self)` for such kinds, and `None` for others.
    fn some_self(&self, role: Role) -> TokenStream {
        self.by_kind(|kind| {
            Answer::constant(if kind.role() == role {
                quote!(::core::option::Option::Some(self))
            } else {
                quote!(::core::option::Option::None)
            })
        })
    }

    /// The answer for the kind that `self` is.
    fn by_kind<'k>(&'k self, answer: impl Fn(&'k Kind<'k>) -> Answer<'k>) -> TokenStream {
        match &self.shape {
            Shape::Struct(kind) => answer(kind).expression,
            Shape::Enum(variants) => by_variant(variants, |variant| answer(&variant.kind)),
        }
    }

    /// A reference to a field: of the struct, or as a pattern has bound it.
    fn reference(&self, place: &Place<'_>) -> TokenStream {
        let Place { member, binding, .. } = place;
        match self.shape {
            Shape::Struct(_) => quote_spanned!(place.span()=> &self.#member),
            Shape::Enum(_) => quote_spanned!(place.span()=> #binding),
        }
    }

    /// A field that is `Copy`.
    fn copy(&self, place: &Place<'_>) -> TokenStream {
        let Place { member, binding, .. } = place;
        match self.shape {
            Shape::Struct(_) => quote_spanned!(place.span()=> self.#member),
            Shape::Enum(_) => quote_spanned!(place.span()=> *#binding),
        }
    }
}

/// The answer for the variant that `self` is. Variants with the same answer, from a field of the
/// same type, share an arm.
fn by_variant<'a>(variants: &'a [Variant<'a>], answer: impl Fn(&'a Variant<'a>) -> Answer<'a>) -> TokenStream {
    struct Arm {
        patterns: Vec<TokenStream>,
        /// The type of the field that the patterns bind.
        bound: Option<String>,
        expression: TokenStream,
    }

    let mut arms: Vec<Arm> = Vec::new();
    for variant in variants {
        let Answer { place, expression } = answer(variant);
        let pattern = place.map_or_else(|| variant.pattern(), |place| variant.pattern_with(place));
        let bound = place.map(|place| place.field.ty.to_token_stream().to_string());
        let text = expression.to_string();
        match arms.iter_mut().find(|arm| arm.bound == bound && arm.expression.to_string() == text) {
            Some(arm) => arm.patterns.push(pattern),
            None => arms.push(Arm { patterns: vec![pattern], bound, expression }),
        }
    }
    if let [Arm { bound: None, expression, .. }] = &arms[..] {
        return expression.clone();
    }
    let arms = arms.iter().map(|Arm { patterns, expression, .. }| quote!(#(#patterns)|* => #expression));
    quote! {
        match self {
            #(#arms,)*
        }
    }
}

impl Variant<'_> {
    /// Matches the variant.
    fn pattern(&self) -> TokenStream {
        let name = self.name;
        match self.kind.fields {
            Fields::Named(_) => quote!(Self::#name { .. }),
            Fields::Unnamed(_) => quote!(Self::#name(..)),
            Fields::Unit => quote!(Self::#name),
        }
    }

    /// Matches the variant, and binds a field of it.
    fn pattern_with(&self, Place { member, binding, .. }: &Place<'_>) -> TokenStream {
        let name = self.name;
        let fields = self.kind.fields.len();
        match member {
            Member::Named(_) => {
                let rest = (fields > 1).then(|| quote!(, ..));
                quote!(Self::#name { #binding #rest })
            }
            Member::Unnamed(index) => {
                let before = (0..index.index).map(|_| quote!(_,));
                let rest = (index.index as usize + 1 < fields).then(|| quote!(, ..));
                quote!(Self::#name(#(#before)* #binding #rest))
            }
        }
    }
}
