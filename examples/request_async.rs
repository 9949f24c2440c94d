//! The same among tasks: a request is awaited, tokio's clock keeps the timeout, and any future may stop the wait instead.
//!
//! `cargo run --example request_async --features tokio`

use ringbus::{Event, EventBus, EventType, Request, RequestId, RequestOptions, Response};
use std::time::{Duration, SystemTime};

#[derive(Clone, Debug)]
enum Health {
    Asked(RequestId),
    Told { id: RequestId, part: &'static str, entries: u32 },
}

const ASKED: EventType = EventType::new("health.asked");
const TOLD: EventType = EventType::new("health.told");

impl Event for Health {
    fn event_type(&self) -> EventType {
        match self {
            Health::Asked(_) => ASKED,
            Health::Told { .. } => TOLD,
        }
    }

    fn timestamp(&self) -> SystemTime {
        SystemTime::now() // a real event keeps the time at which it occurred
    }

    fn as_request(&self) -> Option<&dyn Request> {
        if let Health::Asked(_) = self { Some(self) } else { None }
    }

    fn as_response(&self) -> Option<&dyn Response> {
        if let Health::Told { .. } = self { Some(self) } else { None }
    }
}

impl Health {
    fn id(&self) -> RequestId {
        let (Health::Asked(id) | Health::Told { id, .. }) = self;
        id.clone()
    }
}

impl Request for Health {
    fn request_id(&self) -> RequestId {
        self.id()
    }
}

impl Response for Health {
    fn request_id(&self) -> RequestId {
        self.id()
    }

    fn responder(&self) -> &str {
        if let Health::Told { part, .. } = self { part } else { "" }
    }
}

fn print_answers(answers: &[Health]) {
    for answer in answers {
        if let Health::Told { part, entries, .. } = answer {
            println!("  {part} is well, and has {entries} entries");
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bus: EventBus<Health> = EventBus::new(0);
    for (part, answers_after) in [("cache", 1), ("index", 5), ("store", 60_000)] {
        let mut asked = bus.subscriber(part).types([ASKED]).subscribe();
        let bus = bus.downgrade();
        tokio::spawn(async move {
            while let Ok(question) = asked.recv_async().await {
                tokio::time::sleep(Duration::from_millis(answers_after)).await;
                let Some(bus) = bus.upgrade() else { return };
                let _ = bus.publish(Health::Told { id: question.id(), part, entries: 7 });
            }
        });
    }
    bus.start();
    let question = || Health::Asked(RequestId::unique());

    println!("Awaited, with the timeout of its options:");
    let everything = RequestOptions::expecting(["cache", "index", "store"]).timeout(Duration::from_millis(100));
    match bus.request(question(), everything.clone())?.await {
        Ok(result) => print_answers(&result.responses),
        Err(error) => {
            println!("  {error}; what had come:");
            print_answers(&error.into_partial().responses);
        }
    }

    println!("Two of three, and a moment of grace for the third:");
    let enough = everything.clone().min_responses(2).grace(Duration::from_millis(20));
    let result = bus.request(question(), enough)?.await?;
    print_answers(&result.responses);
    println!("  {}", result.errors().join(", "));

    println!("Until something else happens:");
    let shutdown = tokio::time::sleep(Duration::from_millis(30)); // any future, of any runtime
    match bus.request(question(), everything)?.until(shutdown).await {
        Ok(result) => print_answers(&result.responses),
        Err(error) => println!("  {error}"),
    }
    Ok(())
}
