//! How do I ask several tasks at once? By a request that is awaited: tokio's clock keeps the
//! timeout, or any future stops the wait instead.
//!
//! `cargo run --example request_async --features derive,tokio`

use ringbus::{Event, EventBus, RequestId, RequestOptions};
use std::time::{Duration, SystemTime};

#[derive(Clone, Debug, Event)]
enum Health {
    #[event("health.asked")]
    Asked {
        #[request_id]
        id: RequestId,
        #[timestamp]
        at: SystemTime,
    },
    #[event("health.told")]
    Told {
        #[request_id]
        id: RequestId,
        #[responder]
        part: &'static str,
        entries: u32,
        #[timestamp]
        at: SystemTime,
    },
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
        let mut asked = bus.subscriber(part).types([Health::ASKED]).subscribe();
        let bus = bus.downgrade();
        tokio::spawn(async move {
            while let Ok(Health::Asked { id, .. }) = asked.recv_async().await {
                tokio::time::sleep(Duration::from_millis(answers_after)).await;
                let Some(bus) = bus.upgrade() else { return };
                let _ = bus.publish(Health::Told { id, part, entries: 7, at: SystemTime::now() });
            }
        });
    }
    bus.start();
    let question = || Health::Asked { id: RequestId::unique(), at: SystemTime::now() };

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
