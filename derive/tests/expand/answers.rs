//! Every kind answers, so no arm is left over. And names that are keywords.

#[derive(Event)]
enum Answer {
    #[event("answer.yes", timestamp = UNIX_EPOCH)]
    Yes(#[responder] String, #[request_id] RequestId),
    #[event("answer.no", timestamp = UNIX_EPOCH)]
    No { #[responder] r#in: &'static str, #[request_id] id: RequestId },
    #[event("answer.type", timestamp = UNIX_EPOCH)]
    r#type(#[request_id] RequestId, #[responder] String),
}
