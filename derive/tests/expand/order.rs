//! Kinds that store no time, and fields without names. No requests, so nothing is said about them.

#[derive(Clone, Event)]
pub(crate) enum Order {
    #[event("order.placed", timestamp = SystemTime::now())]
    Placed,
    #[event("order.paid")]
    Paid(u32, #[timestamp] SystemTime),
    #[event("order.lost", timestamp = SystemTime::now())]
    Lost(Address, Reason),
    #[event("order.sent")]
    Sent(#[timestamp] SystemTime),
}
