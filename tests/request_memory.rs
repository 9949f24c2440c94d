//! A hundred thousand requests end with the memory that they began with. A counting allocator of
//! its own, and one test: nothing else may allocate meanwhile.

mod common;

use common::memory::CountingAllocator;
use common::{Finish, QUESTION, Talk, answer};
use ringbus::{EventBus, RequestId, RequestOptions};
use std::thread;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const NAMES: [&str; 3] = ["a", "b", "c"];

/// 4 threads ask 3 responder threads, so often each; some requests are given up, some ids are
/// strings.
fn ask_and_answer(bus: &EventBus<Talk>, each: u64) {
    let responders = NAMES.map(|name| {
        let questions = bus.subscriber(name).types([QUESTION]).capacity(16).subscribe();
        let stop = questions.stop_handle();
        let weak = bus.downgrade();
        let thread = thread::spawn(move || {
            for question in questions {
                answer(&weak.upgrade().expect("the test has it"), question.id(), name, 0);
            }
        });
        (thread, stop)
    });
    let requesters = [0, 1, 2, 3].map(|requester| {
        let bus = bus.clone();
        thread::spawn(move || {
            let options = RequestOptions::expecting(NAMES).timeout(common::LONG);
            for number in 0..each {
                let id =
                    if number % 2 == 0 { RequestId::unique() } else { format!("{requester} asks {number}").into() };
                // Of each requester, two questions wait in a ring at most: one given up, and the
                // next.
                let gather = bus.request(Talk::Question(id), options.clone()).unwrap();
                if number % 5 == 0 {
                    drop(gather);
                } else {
                    assert!(gather.wait().unwrap().is_complete());
                }
            }
        })
    });
    requesters.into_iter().for_each(Finish::finish);
    for (thread, stop) in responders {
        stop.stop();
        thread.finish();
    }
}

/// G8, G11: after 100,000 requests from 4 threads the map is empty, and no memory has grown.
#[test]
fn hundred_thousand_requests_leave_the_memory_as_it_was() {
    let bus = common::new_bus(0);
    bus.start();
    ask_and_answer(&bus, 1_000);
    let (before, allocations) = (CountingAllocator::live_bytes(), CountingAllocator::allocations());
    ask_and_answer(&bus, 25_000);
    let grown = CountingAllocator::live_bytes() - before;
    let allocations = CountingAllocator::allocations() - allocations;
    assert!(allocations > 100_000, "the measure: requests do allocate, {allocations} times here");
    assert_eq!(bus.stats().requests_in_flight, 0);
    assert!(grown < 16 * 1024, "{grown} bytes are still there after 100,000 requests");
    println!("{allocations} allocations, {grown} bytes more than before");
}
