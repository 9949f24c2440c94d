//! What goes on in a bus that runs? Rates, fill, losses and lags, subscriber by subscriber, like
//! `top` shows processes.
//!
//! ```text
//! cargo run --release --example top --features derive [-- --frames N]
//! ```
//!
//! `q` quits, and `p` pauses the feed. With `--frames`, or if it does not write to a terminal, it
//! prints its first frames as text, 3 unless told otherwise, and ends.

mod feed;
mod history;
mod view;

use feed::Feed;
use history::{History, INTERVAL};
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyModifiers};
use ratatui::{DefaultTerminal, Terminal};
use std::env;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

const USAGE: &str = "Usage: top [--frames NUMBER]";
/// Frames that are printed unless the command line says otherwise.
const FRAMES: usize = 3;
/// Columns and lines of a frame that is printed.
const PRINTED: (u16, u16) = (100, 16);
/// Events between two printed frames, at least: on a busy machine, the feed may be late.
const EVENTS_BETWEEN: u64 = 300;

fn main() -> ExitCode {
    let Some(frames) = parse(env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let feed = Feed::start();
    let shown = match frames {
        None if io::stdout().is_terminal() => ratatui::run(|terminal| watch(terminal, &feed)),
        _ => print(frames.unwrap_or(FRAMES), &feed),
    };
    match shown {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("top: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the command line: the number of frames to print, if it has one. `None` if it is not
/// understood.
fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Option<usize>> {
    let frames = match arguments.next().as_deref() {
        None => None,
        Some("--frames") => Some(arguments.next()?.parse().ok()?),
        Some(_) => return None,
    };
    arguments.next().is_none().then_some(frames)
}

/// Draws on the terminal until a key ends it. `ratatui::run` restores the terminal afterwards, and
/// as soon as any thread panics.
///
/// # Errors
///
/// If the terminal cannot be used, or a component has panicked.
fn watch(terminal: &mut DefaultTerminal, feed: &Feed) -> io::Result<()> {
    let mut history = History::new(feed.stats(), Instant::now());
    let mut is_paused = false;
    let mut next_look = Instant::now() + INTERVAL;
    while feed.is_well() {
        terminal.draw(|frame| view::draw(frame, &history, is_paused))?;
        if event::poll(next_look.saturating_duration_since(Instant::now()))? {
            match Key::of(&event::read()?) {
                Some(Key::Quit) => return Ok(()),
                Some(Key::Pause) => {
                    is_paused = !is_paused;
                    feed.pause(is_paused);
                }
                None => {} // another size, perhaps: it is drawn again
            }
        }
        if Instant::now() >= next_look {
            history.look(feed.stats(), Instant::now());
            next_look = Instant::now() + INTERVAL;
        }
    }
    Err(has_panicked())
}

fn has_panicked() -> io::Error {
    io::Error::other("a component has panicked")
}

/// What a key asks for.
enum Key {
    Quit,
    Pause,
}

impl Key {
    fn of(event: &Event) -> Option<Self> {
        let key = event.as_key_press_event()?;
        match key.code {
            // A terminal that is drawn on sends no signal for this one.
            KeyCode::Char('c') if key.modifiers == KeyModifiers::CONTROL => Some(Self::Quit),
            KeyCode::Char('q') | KeyCode::Esc => Some(Self::Quit),
            KeyCode::Char('p') => Some(Self::Pause),
            _ => None,
        }
    }
}

/// Prints so many frames as text.
///
/// # Errors
///
/// If standard output cannot be written, or a component has panicked.
fn print(frames: usize, feed: &Feed) -> io::Result<()> {
    let (columns, lines) = PRINTED;
    let mut terminal = Terminal::new(TestBackend::new(columns, lines)).unwrap_or_else(|never| match never {});
    let mut history = History::new(feed.stats(), Instant::now());
    for number in 1..=frames {
        let published = feed.stats().published;
        thread::sleep(INTERVAL);
        while feed.is_well() && feed.stats().published - published < EVENTS_BETWEEN {
            thread::sleep(Duration::from_millis(10));
        }
        if !feed.is_well() {
            return Err(has_panicked());
        }
        history.look(feed.stats(), Instant::now());
        let drawn = terminal.draw(|frame| view::draw(frame, &history, false)).unwrap_or_else(|never| match never {});
        writeln!(io::stdout(), "frame {number} of {frames}\n{}", view::text(drawn.buffer))?;
    }
    Ok(())
}
