#[automatically_derived]
impl ::ringbus::EventKind for Tick {
    const EVENT_TYPE: ::ringbus::EventType = ::ringbus::EventType::new("tick");
}
#[automatically_derived]
impl ::ringbus::Event for Tick {
    fn event_type(&self) -> ::ringbus::EventType {
        <Self as ::ringbus::EventKind>::EVENT_TYPE
    }
    fn timestamp(&self) -> ::std::time::SystemTime {
        SystemTime::now()
    }
}
#[automatically_derived]
impl ::ringbus::EventKind for QuoteWanted {
    const EVENT_TYPE: ::ringbus::EventType = ::ringbus::EventType::new("quote.wanted");
}
#[automatically_derived]
impl ::ringbus::Event for QuoteWanted {
    fn event_type(&self) -> ::ringbus::EventType {
        <Self as ::ringbus::EventKind>::EVENT_TYPE
    }
    fn timestamp(&self) -> ::std::time::SystemTime {
        self.1
    }
    fn as_request(&self) -> ::core::option::Option<&dyn ::ringbus::Request> {
        ::core::option::Option::Some(self)
    }
}
#[automatically_derived]
impl ::ringbus::Request for QuoteWanted {
    fn request_id(&self) -> ::ringbus::RequestId {
        ::core::clone::Clone::clone(&self.0)
    }
}
#[automatically_derived]
impl crate::bus::EventKind for Quote {
    const EVENT_TYPE: crate::bus::EventType = crate::bus::EventType::new("quote");
}
#[automatically_derived]
impl crate::bus::Event for Quote {
    fn event_type(&self) -> crate::bus::EventType {
        <Self as crate::bus::EventKind>::EVENT_TYPE
    }
    fn timestamp(&self) -> ::std::time::SystemTime {
        self.at
    }
    fn as_response(&self) -> ::core::option::Option<&dyn crate::bus::Response> {
        ::core::option::Option::Some(self)
    }
}
#[automatically_derived]
impl crate::bus::Response for Quote {
    fn request_id(&self) -> crate::bus::RequestId {
        ::core::clone::Clone::clone(&self.id)
    }
    fn responder(&self) -> &str {
        ::core::convert::AsRef::<str>::as_ref(&self.carrier)
    }
}
