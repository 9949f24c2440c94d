//! What runs a scenario, chosen when the package is compiled.
//!
//! | engine | chosen by | explores | cannot see |
//! |---|---|---|---|
//! | loom | `--cfg loom` | every schedule with a few preemptions, and every value that a load may return | more than four threads |
//! | shuttle | `--cfg shuttle` | thousands of random schedules of up to eight threads | loads that return an older value |
//! | native | otherwise | real threads, real rings and the real machine, many times | what this machine happens not to do |

#[cfg_attr(loom, path = "engine/loom.rs")]
#[cfg_attr(shuttle, path = "engine/shuttle.rs")]
#[cfg_attr(not(any(loom, shuttle)), path = "engine/native.rs")]
mod chosen;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

pub use chosen::{CROWD, atomic, brief, expire, explore, go, parks, thread};

/// What an engine says of its exploration of a model.
#[derive(Clone, Debug)]
pub struct Exploration {
    /// How many times the scenario was run.
    pub schedules: usize,
    /// How the schedules were chosen.
    pub method: String,
    /// Whether their number is known before, so that a model may demand it.
    pub has_floor: bool,
    /// Whether there were enough of them for a model to demand outcomes.
    pub sees_all: bool,
}

/// How often receivers and requesters have parked since a moment of a scenario.
#[derive(Clone, Copy, Debug)]
pub struct Parks {
    before: Option<usize>,
}

impl Parks {
    /// Begins to count.
    pub fn begin() -> Self {
        Self { before: parks() }
    }

    /// How often, or nothing where the engine does not see it.
    pub fn count(self) -> Option<usize> {
        Some(parks()? - self.before?)
    }

    /// Whether somebody is known to have parked.
    pub fn any(self) -> bool {
        self.count() > Some(0)
    }

    /// Whether it is known that nobody has parked.
    pub fn none(self) -> bool {
        self.count() == Some(0)
    }
}

/// Wakes a task that runs on a thread of its own.
struct Unpark(thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future on this thread, which parks whenever there is nothing to do.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// A number from the environment, or what stands for it.
///
/// # Panics
///
/// Where the variable is not a number.
pub fn setting(name: &str, default: usize) -> usize {
    match std::env::var(name) {
        Ok(value) => value.parse().unwrap_or_else(|_| panic!("{name} must be a number, not {value:?}")),
        Err(_) => default,
    }
}
