#[automatically_derived]
impl Config {
    /// The type of [`Config::Loaded`](Self::Loaded): `config.loaded`.
    pub const LOADED: ::ringbus::EventType = ::ringbus::EventType::new("config.loaded");
    /// The type of [`Config::Asked`](Self::Asked): `config.asked`.
    pub const ASKED: ::ringbus::EventType = ::ringbus::EventType::new("config.asked");
    /// The type of [`Config::Verdict`](Self::Verdict): `config.verdict`.
    pub const VERDICT: ::ringbus::EventType = ::ringbus::EventType::new(
        "config.verdict",
    );
}
#[automatically_derived]
impl ::ringbus::Event for Config {
    fn event_type(&self) -> ::ringbus::EventType {
        match self {
            Self::Loaded { .. } => Self::LOADED,
            Self::Asked { .. } => Self::ASKED,
            Self::Verdict { .. } => Self::VERDICT,
        }
    }
    fn timestamp(&self) -> ::std::time::SystemTime {
        match self {
            Self::Loaded { at, .. }
            | Self::Asked { at, .. }
            | Self::Verdict { at, .. } => *at,
        }
    }
    fn as_request(&self) -> ::core::option::Option<&dyn ::ringbus::Request> {
        match self {
            Self::Loaded { .. } | Self::Verdict { .. } => ::core::option::Option::None,
            Self::Asked { .. } => ::core::option::Option::Some(self),
        }
    }
    fn as_response(&self) -> ::core::option::Option<&dyn ::ringbus::Response> {
        match self {
            Self::Loaded { .. } | Self::Asked { .. } => ::core::option::Option::None,
            Self::Verdict { .. } => ::core::option::Option::Some(self),
        }
    }
}
#[automatically_derived]
impl ::ringbus::Request for Config {
    fn request_id(&self) -> ::ringbus::RequestId {
        match self {
            Self::Loaded { .. } => ::ringbus::RequestId::unique(),
            Self::Asked { id, .. } => ::core::clone::Clone::clone(id),
            Self::Verdict { of, .. } => ::core::clone::Clone::clone(of),
        }
    }
}
#[automatically_derived]
impl ::ringbus::Response for Config {
    fn request_id(&self) -> ::ringbus::RequestId {
        match self {
            Self::Loaded { .. } => ::ringbus::RequestId::unique(),
            Self::Asked { id, .. } => ::core::clone::Clone::clone(id),
            Self::Verdict { of, .. } => ::core::clone::Clone::clone(of),
        }
    }
    fn responder(&self) -> &str {
        match self {
            Self::Loaded { .. } | Self::Asked { .. } => "",
            Self::Verdict { by, .. } => ::core::convert::AsRef::<str>::as_ref(by),
        }
    }
}
