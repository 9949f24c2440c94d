#[automatically_derived]
impl Answer {
    /// The type of [`Answer::Yes`](Self::Yes): `answer.yes`.
    const YES: ::ringbus::EventType = ::ringbus::EventType::new("answer.yes");
    /// The type of [`Answer::No`](Self::No): `answer.no`.
    const NO: ::ringbus::EventType = ::ringbus::EventType::new("answer.no");
    /// The type of [`Answer::type`](Self::type): `answer.type`.
    const TYPE: ::ringbus::EventType = ::ringbus::EventType::new("answer.type");
}
#[automatically_derived]
impl ::ringbus::Event for Answer {
    fn event_type(&self) -> ::ringbus::EventType {
        match self {
            Self::Yes(..) => Self::YES,
            Self::No { .. } => Self::NO,
            Self::r#type(..) => Self::TYPE,
        }
    }
    fn timestamp(&self) -> ::std::time::SystemTime {
        UNIX_EPOCH
    }
    fn as_response(&self) -> ::core::option::Option<&dyn ::ringbus::Response> {
        ::core::option::Option::Some(self)
    }
}
#[automatically_derived]
impl ::ringbus::Response for Answer {
    fn request_id(&self) -> ::ringbus::RequestId {
        match self {
            Self::Yes(_, id) | Self::No { id, .. } | Self::r#type(id, ..) => {
                ::core::clone::Clone::clone(id)
            }
        }
    }
    fn responder(&self) -> &str {
        match self {
            Self::Yes(responder, ..) | Self::r#type(_, responder) => {
                ::core::convert::AsRef::<str>::as_ref(responder)
            }
            Self::No { r#in, .. } => ::core::convert::AsRef::<str>::as_ref(r#in),
        }
    }
}
