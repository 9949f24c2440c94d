//! One step after the other, on both sides.

use crate::operation::{Operation, Scenario};
use crate::picture::{Picture, SubscriptionPicture};
use crate::reference::Reference;
use crate::subject::{Leaks, Subject};
use ringbus::Ring;
use std::fmt::{Debug, Display};
use std::ops::RangeInclusive;

/// What makes an event a large one.
const LARGE: usize = 2_048;

/// Runs the scenario on the library, with each ring, and on the reference, and fails at the first
/// step after which they differ.
pub fn compare(scenario: &Scenario) {
    for ring in [Ring::Array, Ring::Lane] {
        if scenario.is_large {
            compare_padded::<LARGE>(scenario, ring);
        } else {
            compare_padded::<0>(scenario, ring);
        }
    }
}

/// The same with events that are longer by so many bytes.
fn compare_padded<const PADDING: usize>(scenario: &Scenario, ring: Ring) {
    let mut reference = Reference::new(scenario);
    let mut subject = Subject::<PADDING>::new(scenario, ring);
    for (number, operation) in scenario.operations.iter().enumerate() {
        let Some(expected) = reference.apply(number, operation) else { continue };
        let step = Step { ring, number, operation };
        step.check("what it returned", &expected, &subject.apply(number, operation));
        step.check_pictures(&reference.picture(), &subject.picture());
    }
    assert_eq!(subject.leaks(&scenario.ending), Leaks::default(), "what was left behind when all was dropped");
}

/// Says where in the scenario something is wrong.
#[derive(Clone, Copy)]
struct Step<'a> {
    ring: Ring,
    number: usize,
    operation: &'a Operation,
}

impl Step<'_> {
    #[track_caller]
    fn fail(self, what: impl Display, expected: &dyn Debug, seen: &dyn Debug) -> ! {
        let Self { ring, number, operation } = self;
        panic!("{ring:?}, step {number}: {operation:?}\n{what}\n    expected {expected:?}\n    seen     {seen:?}")
    }

    #[track_caller]
    fn check<T: PartialEq + Debug>(self, what: impl Display, expected: &T, seen: &T) {
        if expected != seen {
            self.fail(what, expected, seen);
        }
    }

    #[track_caller]
    fn check_range(self, what: impl Display, expected: &RangeInclusive<usize>, seen: usize) {
        if !expected.contains(&seen) {
            self.fail(what, expected, &seen);
        }
    }

    fn check_pictures(self, expected: &Picture<RangeInclusive<usize>>, seen: &Picture<usize>) {
        self.check("the bus", &expected.bus, &seen.bus);
        self.check_all("the statistics of subscriber", &expected.subscribers, &seen.subscribers);
        self.check("what the lag hooks heard", &expected.heard, &seen.heard);
        self.check_all("request", &expected.requests, &seen.requests);
        for (index, pair) in expected.drains.iter().zip(&seen.drains).enumerate() {
            if let (Some(expected), Some(seen)) = pair {
                self.check_range(format_args!("wake-ups of drain {index}"), &expected.wakes, seen.wakes);
                self.check(format_args!("wakers of drain {index}"), &expected.has_waker, &seen.has_waker);
            }
        }
        for (index, pair) in expected.subscriptions.iter().zip(&seen.subscriptions).enumerate() {
            if let (Some(expected), Some(seen)) = pair {
                self.check_subscription(index, expected, seen);
            }
        }
        self.check_range("tasks that were sent back", &expected.passes, seen.passes);
        self.check("lag hooks that are kept", &expected.hooks, &seen.hooks);
        self.check_range("filters that are kept", &expected.filters, seen.filters);
        self.check_range("copies of events that are kept", &expected.copies, seen.copies);
    }

    fn check_all<T: PartialEq + Debug>(self, what: &str, expected: &[T], seen: &[T]) {
        self.check(format_args!("count: {what}"), &expected.len(), &seen.len());
        for (index, (expected, seen)) in expected.iter().zip(seen).enumerate() {
            self.check(format_args!("{what} {index}"), expected, seen);
        }
    }

    fn check_subscription(
        self,
        index: usize,
        expected: &SubscriptionPicture<RangeInclusive<usize>>,
        seen: &SubscriptionPicture<usize>,
    ) {
        self.check_range(format_args!("wake-ups of subscription {index}"), &expected.wakes, seen.wakes);
        self.check_range(
            format_args!("wake-ups of subscription {index}, and wakers that are kept"),
            &expected.wakes_and_keepers,
            seen.wakes_and_keepers,
        );
        match (&expected.own, &seen.own) {
            (Some(expected), Some(seen)) => {
                self.check(format_args!("subscription {index}"), &expected.exact, &seen.exact);
                self.check_range(format_args!("len of subscription {index}"), &expected.len, seen.len);
                self.check_range(
                    format_args!("high_water of subscription {index}"),
                    &expected.high_water,
                    seen.high_water,
                );
            }
            (expected, seen) => {
                self.check(format_args!("subscription {index} is here"), &expected.is_some(), &seen.is_some())
            }
        }
    }
}
