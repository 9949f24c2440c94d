//! Structs: one without fields, a request, and a response. The last of a renamed ringbus.

#[derive(Event)]
#[event("tick", timestamp = SystemTime::now())]
struct Tick;

#[derive(Event)]
#[event("quote.wanted")]
struct QuoteWanted(#[request_id] RequestId, #[timestamp] SystemTime);

#[derive(Event)]
#[event("quote", crate = crate::bus)]
struct Quote {
    #[request_id]
    id: RequestId,
    #[responder]
    carrier: String,
    #[timestamp]
    at: SystemTime,
    price: u32,
}
