//! What does a component get that comes late? The last event of each type that the bus retains, and
//! then everything that is published from then on. So a page that is opened shows at once who
//! leads, and a node that joins knows which configuration is in force.
//!
//! `cargo run --example late_subscriber --features derive`

use ringbus::{Event, EventBus, Subscription};
use std::error::Error;
use std::io::{self, Write};
use std::time::SystemTime;

#[derive(Clone, Debug, Event)]
enum Cluster {
    #[event("cluster.leader", timestamp = SystemTime::now())]
    Leader { node: &'static str },
    #[event("cluster.config", timestamp = SystemTime::now())]
    Config { version: u32 },
    #[event("cluster.beat", timestamp = SystemTime::now())]
    Beat { node: &'static str },
}

/// Receives what is there, and says so.
fn show(events: &Subscription<Cluster>, out: &mut impl Write) -> io::Result<()> {
    write!(out, "{:<8}", events.name())?;
    for event in events.try_iter() {
        match event {
            Cluster::Leader { node } => write!(out, " leader={node}")?,
            Cluster::Config { version } => write!(out, " config={version}")?,
            Cluster::Beat { node } => write!(out, " beat={node}")?,
        }
    }
    writeln!(out)
}

/// Writes what each component gets.
pub fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    // Who leads and what is configured is worth knowing later; a heartbeat is not.
    let bus = EventBus::builder().retain([Cluster::LEADER, Cluster::CONFIG]).build();
    bus.publish(Cluster::Config { version: 1 })?; // before the start counts as well
    bus.start();
    bus.publish(Cluster::Leader { node: "a" })?;
    bus.publish(Cluster::Beat { node: "a" })?;
    bus.publish(Cluster::Leader { node: "b" })?; // the last one of its type

    let page = bus.subscriber("page").subscribe();
    let leaders = bus.subscriber("leaders").types([Cluster::LEADER]).subscribe(); // of what it wants
    let changes = bus.subscriber("changes").retained(false).subscribe(); // nothing of before
    bus.publish(Cluster::Beat { node: "b" })?;
    bus.publish(Cluster::Leader { node: "c" })?;
    show(&page, out)?;
    show(&leaders, out)?;
    show(&changes, out)?;

    // It can be asked for without a subscription, and forgotten.
    let leader = bus.retained(Cluster::LEADER);
    writeln!(out, "retained {leader:?}")?;
    bus.forget(Cluster::LEADER); // it has resigned
    let after = bus.subscriber("after").subscribe();
    show(&after, out)?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut io::stdout())
}
