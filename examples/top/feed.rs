//! Something to look at: a shop whose components hear of its orders, one of them too slowly.

use ringbus::{BusStats, Event, EventBus, Publisher, Subscription};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

/// How often orders come.
const TICK: Duration = Duration::from_millis(20);
/// Ticks from a quiet moment to the next.
const WAVE: u32 = 500;

#[derive(Clone, Copy, Debug, Event)]
enum Shop {
    #[event("order.placed")]
    Placed(#[timestamp] SystemTime),
    #[event("order.paid")]
    Paid(#[timestamp] SystemTime),
    #[event("stock.moved")]
    StockMoved(#[timestamp] SystemTime),
}

/// A bus at work: a thread that publishes, and one for each subscriber. They end when it is
/// dropped.
pub struct Feed {
    bus: EventBus<Shop>,
    /// Pauses the thread that publishes with `true`, and ends it when dropped; `None` only then.
    pause: Option<Sender<bool>>,
    threads: Vec<JoinHandle<()>>,
}

impl Feed {
    /// Starts the bus and its components.
    pub fn start() -> Self {
        let bus = EventBus::new(0);
        let warehouse = bus.subscriber("warehouse").types([Shop::PLACED, Shop::STOCK_MOVED]).subscribe();
        let ledger = bus.subscriber("ledger").types([Shop::PAID]).subscribe();
        let archive = bus.subscriber("archive").capacity(2_048).subscribe();
        let mailer = bus.subscriber("mailer").types([Shop::PAID]).capacity(16).subscribe();
        bus.start();

        let (pause, paused) = mpsc::channel();
        let publisher = bus.publisher();
        let threads = vec![
            thread::spawn(move || publish(publisher, &paused)),
            thread::spawn(move || warehouse.into_iter().for_each(drop)),
            thread::spawn(move || ledger.into_iter().for_each(drop)),
            thread::spawn(move || archive_in_batches(&archive)),
            thread::spawn(move || write_mails(&mailer)),
        ];
        Self { bus, pause: Some(pause), threads }
    }

    /// What the bus has counted.
    pub fn stats(&self) -> BusStats {
        self.bus.stats()
    }

    /// Pauses the publishing, or goes on with it.
    pub fn pause(&self, is_paused: bool) {
        if let Some(pause) = &self.pause {
            // If its thread has ended, there is nothing to pause.
            let _ = pause.send(is_paused);
        }
    }

    /// Whether every component is at work. None ends by itself, other than by a panic.
    pub fn is_well(&self) -> bool {
        !self.threads.iter().any(JoinHandle::is_finished)
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.pause = None;
        self.bus.close();
        for thread in self.threads.drain(..) {
            // If it has panicked, it has said so.
            let _ = thread.join();
        }
    }
}

/// Publishes orders until the other end of `paused` is dropped.
fn publish(mut publisher: Publisher<Shop>, paused: &Receiver<bool>) {
    let (mut is_paused, mut tick) = (false, 0);
    loop {
        match paused.recv_timeout(TICK) {
            Ok(pause) => is_paused = pause,
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) if is_paused => {}
            Err(RecvTimeoutError::Timeout) => {
                tick += 1;
                for _ in 0..orders(tick) {
                    let at = SystemTime::now();
                    let order = [Shop::Placed(at), Shop::Paid(at), Shop::StockMoved(at)];
                    if publisher.publish_batch(&order).is_err() {
                        return; // closed
                    }
                }
            }
        }
    }
}

/// How many orders come in a tick: more and more, and then fewer and fewer.
fn orders(tick: u32) -> u32 {
    let from_quiet = (tick % WAVE).min(WAVE - tick % WAVE);
    4 + from_quiet / 16
}

/// Takes what there is, now and then: its ring is full and empty by turns.
fn archive_in_batches(events: &Subscription<Shop>) {
    let mut batch = Vec::new();
    while events.recv_many(&mut batch, usize::MAX).is_ok() {
        batch.clear();
        if !events.is_closed() {
            thread::sleep(Duration::from_millis(700));
        }
    }
}

/// Writes a mail for each order that is paid, which takes longer than orders take to come.
fn write_mails(paid: &Subscription<Shop>) {
    for _ in paid {
        if paid.is_closed() {
            return; // no more mails tonight
        }
        thread::sleep(Duration::from_millis(100));
    }
}
