#[automatically_derived]
impl Order {
    /// The type of [`Order::Placed`](Self::Placed): `order.placed`.
    pub(crate) const PLACED: ::ringbus::EventType = ::ringbus::EventType::new(
        "order.placed",
    );
    /// The type of [`Order::Paid`](Self::Paid): `order.paid`.
    pub(crate) const PAID: ::ringbus::EventType = ::ringbus::EventType::new(
        "order.paid",
    );
    /// The type of [`Order::Lost`](Self::Lost): `order.lost`.
    pub(crate) const LOST: ::ringbus::EventType = ::ringbus::EventType::new(
        "order.lost",
    );
    /// The type of [`Order::Sent`](Self::Sent): `order.sent`.
    pub(crate) const SENT: ::ringbus::EventType = ::ringbus::EventType::new(
        "order.sent",
    );
}
#[automatically_derived]
impl ::ringbus::Event for Order {
    fn event_type(&self) -> ::ringbus::EventType {
        match self {
            Self::Placed => Self::PLACED,
            Self::Paid(..) => Self::PAID,
            Self::Lost(..) => Self::LOST,
            Self::Sent(..) => Self::SENT,
        }
    }
    fn timestamp(&self) -> ::std::time::SystemTime {
        match self {
            Self::Placed | Self::Lost(..) => SystemTime::now(),
            Self::Paid(_, at) | Self::Sent(at) => *at,
        }
    }
}
