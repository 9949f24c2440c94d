//! How do components that do not know each other work together? A configuration roll-out, like one
//! in an ingress controller: components on threads of their own, which know the bus and nothing
//! else.
//!
//! ```text
//! loader ──config.*──▶ reconciler ──rollout.*──▶ notifier
//!                         │   ▲
//!       validation.asked  ▼   │  verdict.*            a request, and what was gathered
//!               syntax, references, policy
//!                      (commentator and gauge hear everything)
//! ```
//!
//! ```text
//! cargo run --release --features derive --example controller -- \
//!     [--slow NAME] [--min NUMBER] [FILE|DIR ...]
//! ```

mod arguments;
mod commentator;
mod console;
mod discovery;
mod events;
mod gauge;
mod loader;
mod notifier;
mod reconciler;
mod report;
mod validators;

use arguments::{Command, RollOut, USAGE};
use commentator::Timeline;
use console::{say, warn};
use discovery::Source;
use ringbus::{DynEvent, EventBus, RequestOptions, Subscription};
use std::env;
use std::error::Error;
use std::process::ExitCode;
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    let options = match arguments::parse(env::args_os().skip(1)) {
        Ok(Command::RollOut(options)) => options,
        Ok(Command::Help) => {
            say(format_args!("{USAGE}"));
            return ExitCode::SUCCESS;
        }
        Err(reason) => {
            warn(format_args!("{reason}\n\n{USAGE}"));
            return ExitCode::from(2);
        }
    };
    let sources = if options.paths.is_empty() { discovery::find_repository() } else { discovery::find(&options.paths) };
    if sources.is_empty() {
        warn(format_args!("found no configuration to roll out"));
        return ExitCode::FAILURE;
    }
    match roll_out(&sources, &options) {
        Ok(true) if !console::output_failed() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            warn(format_args!("{error}"));
            ExitCode::FAILURE
        }
    }
}

/// Rolls the configurations out; `true` where all were applied and nobody who must hear everything
/// missed anything.
fn roll_out(sources: &[Source], options: &RollOut) -> Result<bool, Box<dyn Error>> {
    let begun = Instant::now();
    let files = sources.len();
    let bus = EventBus::new(loader::events(files));
    give_up_on_lag(&bus);
    let validation = validation(options);

    // The loader has finished before anyone subscribes: the bus keeps its events, and replays them
    // at its start.
    thread::scope(|scope| join("loader", scope.spawn(|| loader::run(sources, &bus))))??;

    // The subscriptions live here and are lent to the components: so they are still there for the
    // statistics.
    let mut validators = validators::ALL.each_ref().map(|validator| validator.subscribe(&bus, files));
    let mut reconciler = reconciler::subscribe(&bus);
    let mut notifier = notifier::subscribe(&bus, files);
    let mut commentator = commentator::subscribe(&bus, files);
    let mut gauge = gauge::subscribe(&bus);

    let replayed = bus.start();
    say(format_args!("The bus has started: {replayed} events from before are replayed to everyone who wants them.\n"));

    let timeline = Timeline::new(sources);
    let (counts, digest) = thread::scope(|scope| {
        let bus = &bus;
        let judging: Vec<_> = validators::ALL
            .iter()
            .zip(&mut validators)
            .map(|(validator, questions)| {
                let takes = if options.slow == Some(validator.name) { options.timeout * 2 } else { Duration::ZERO };
                let run = move || closing_on_panic(bus, || validator.run(questions, bus, takes));
                (validator.name, scope.spawn(run))
            })
            .collect();
        let deciding = scope.spawn(|| closing_on_panic(bus, || reconciler::run(&mut reconciler, bus, &validation)));
        let collecting = scope.spawn(|| notifier::run(&mut notifier));
        let commenting = scope.spawn(|| timeline.run(&mut commentator));
        let counting = scope.spawn(|| gauge::run(&mut gauge));

        // Once the reconciler is done, there is nothing left to say. Everyone else receives what
        // was said, and then `Closed`.
        let decided = join("reconciler", deciding);
        bus.close();
        // All are joined before any failure is returned: a scope panics where it finds a panic that
        // nobody has seen.
        let judged: Vec<_> = judging.into_iter().map(|(name, thread)| join(name, thread)).collect();
        let digest = join("notifier", collecting);
        let commented = join("commentator", commenting);
        let counts = join("gauge", counting);
        decided?;
        judged.into_iter().collect::<Result<Vec<()>, _>>()?;
        commented?;
        Ok::<_, Box<dyn Error>>((counts?, digest??))
    })?;
    let took = begun.elapsed();

    let stats = bus.stats();
    report::print_stats(&stats);
    report::print_gauge(&counts, &stats);
    report::print_late(&stats);
    let must_hear_all = validators.iter().chain([&reconciler, &notifier, &commentator]);
    let missed_some = must_hear_all.filter(|subscription| has_missed(subscription)).count();
    Ok(report::print_outcome(&digest, took) && missed_some == 0)
}

/// Whom to ask about each configuration, and how long to wait for how many. Where fewer than all
/// are enough, the rest get a moment of grace: a validator that is about to refuse should not be
/// too late by a hair.
fn validation(options: &RollOut) -> RequestOptions {
    RequestOptions::expecting(validators::names())
        .timeout(options.timeout)
        .min_responses(options.min)
        .grace(options.timeout / 5)
}

/// Closes the bus when a subscriber that must hear everything loses an event: its ring was sized
/// wrongly, somebody would wait for ever for what is lost, and it is better to fail.
fn give_up_on_lag(bus: &EventBus<DynEvent>) {
    // A hook that owned the bus would keep it open.
    let bus_in_hook = bus.downgrade();
    bus.on_lag(move |lag| {
        warn(format_args!("{} has begun to lose events, the first a {}: giving up", lag.subscriber, lag.event_type));
        if let Some(bus) = bus_in_hook.upgrade() {
            bus.close();
        }
    });
}

/// Whether a subscriber has missed events; says so.
fn has_missed(subscription: &Subscription<DynEvent>) -> bool {
    let missed = subscription.take_lost();
    if missed > 0 {
        warn(format_args!(
            "{} has missed {missed} of its events, so this roll-out cannot be trusted",
            subscription.name()
        ));
    }
    missed > 0
}

/// Runs a component that others wait for, and closes the bus if it panics, so that they do not wait
/// for ever.
fn closing_on_panic(bus: &EventBus<DynEvent>, component: impl FnOnce()) {
    struct Guard<'a>(&'a EventBus<DynEvent>);
    impl Drop for Guard<'_> {
        fn drop(&mut self) {
            if thread::panicking() {
                self.0.close();
            }
        }
    }
    let _guard = Guard(bus);
    component();
}

/// Waits for a component to end, and names it where it panicked.
fn join<T>(name: &str, thread: ScopedJoinHandle<'_, T>) -> Result<T, String> {
    thread.join().map_err(|_| format!("{name} has panicked"))
}
