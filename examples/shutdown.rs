//! How do I end a program so that nothing is lost and nobody waits for ever? First who publishes,
//! then the bus, and at last what is left is counted.
//!
//! `cargo run --example shutdown --features derive`

use ringbus::{Event, EventBus, PublishError, WeakEventBus};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, SystemTime};

/// The highest reading that is none of the watchman's business.
const TOO_HIGH: u32 = 45;

#[derive(Clone, Debug, Event)]
enum Sensor {
    #[event("sensor.reading")]
    Reading {
        value: u32,
        #[timestamp]
        at: SystemTime,
    },
    #[event("sensor.alarm")]
    Alarm {
        value: u32,
        #[timestamp]
        at: SystemTime,
    },
}

/// Publishes a reading each millisecond, until the other end of `stop` is dropped. Returns how
/// many.
fn measure(bus: &EventBus<Sensor>, stop: &Receiver<()>) -> u32 {
    let mut readings = 0;
    while stop.recv_timeout(Duration::from_millis(1)) == Err(RecvTimeoutError::Timeout) {
        if bus.publish(Sensor::Reading { value: readings % 50, at: SystemTime::now() }).is_err() {
            break;
        }
        readings += 1;
    }
    readings
}

/// Publishes an alarm for a reading that is too high. The handle is weak, because the watchman
/// receives until his subscription ends: with an `EventBus` of his own, he would keep the bus open
/// and, without the stop handle in `main`, wait for ever.
///
/// # Errors
///
/// Gives back an alarm that came too late.
fn raise_alarm(bus: &WeakEventBus<Sensor>, reading: &Sensor) -> Result<(), PublishError<Sensor>> {
    let Sensor::Reading { value, at } = *reading else { return Ok(()) };
    match bus.upgrade() {
        Some(bus) if value > TOO_HIGH => bus.publish(Sensor::Alarm { value, at }).map(drop),
        _ => Ok(()),
    }
}

fn main() -> Result<(), PublishError<Sensor>> {
    let bus = EventBus::new(0);
    let watched = bus.subscriber("watchman").types([Sensor::READING]).subscribe();
    let archived = bus.subscriber("archive").subscribe();
    let forgotten = bus.subscriber("forgotten").types([Sensor::ALARM]).subscribe(); // nobody reads it
    bus.start();

    let stop_watchman = watched.stop_handle();
    let watchman = thread::spawn({
        let bus = bus.downgrade();
        move || watched.into_iter().try_for_each(|reading| raise_alarm(&bus, &reading))
    });
    let archive = thread::spawn(move || archived.into_iter().collect::<Vec<_>>());
    let (stop_sensor, stop) = mpsc::channel();
    let sensor = thread::spawn({
        let bus = bus.clone();
        move || measure(&bus, &stop)
    });
    thread::sleep(Duration::from_millis(300)); // the program at work

    // 1. The source: whatever it has published is in the rings now.
    drop(stop_sensor);
    let readings = sensor.join().expect("it only measures");
    // 2. Who publishes because of what it receives: it gets the rest, and then `Closed`.
    stop_watchman.stop();
    watchman.join().expect("it only watches")?;
    // 3. The bus. By now everybody else has only to receive.
    let drained = bus.close_and_drain(Duration::from_millis(100));
    let archived = archive.join().expect("it only collects");

    let alarms: Vec<_> = archived
        .iter()
        .filter_map(|event| if let Sensor::Alarm { value, .. } = event { Some(value) } else { None })
        .collect();
    println!("{readings} readings were published, and {} events archived.", archived.len());
    println!("{} alarms were raised, for {alarms:?}.", alarms.len());
    println!("What was left: {drained}.\n\n{}", bus.stats());
    drop(forgotten); // until now, so that it has a line in the table
    Ok(())
}
