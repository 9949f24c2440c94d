//! The example `top`, run as a process: what it draws is what goes on in its bus.

mod common;

use common::example::example;
use std::collections::BTreeMap;
use std::process::{Output, Stdio};

fn top(arguments: &[&str]) -> Output {
    example("top").args(arguments).stdin(Stdio::null()).output().expect("it can be run")
}

/// A row of the table of subscribers.
#[derive(Debug)]
struct Row {
    /// Of the ten columns of its bar, how many are full.
    fill: usize,
    queued: u64,
    capacity: u64,
    lost: u64,
    /// The state, if there is one, and the types.
    rest: String,
}

/// A frame, line by line: the lines are those of a terminal, and have a border.
struct Frame<'a>(Vec<&'a str>);

impl<'a> Frame<'a> {
    /// The frames that were printed, each with what follows its title.
    fn all(printed: &'a str, count: usize) -> Vec<Self> {
        let mut frames: Vec<Self> = Vec::new();
        for line in printed.lines() {
            if line.starts_with("frame ") {
                assert_eq!(line, format!("frame {} of {count}", frames.len() + 1));
                frames.push(Self(Vec::new()));
            } else {
                frames.last_mut().expect("a frame has a title").0.push(line.trim_matches('│').trim());
            }
        }
        assert_eq!(frames.len(), count, "{printed}");
        frames
    }

    /// Events per second: the line below the name has the number, and the lower half of the bars.
    fn rate(&self, name: &str) -> u64 {
        let place = self.0.iter().position(|line| line.starts_with(name)).expect("it has a name");
        let (rate, _) = self.0[place + 1].split_once("/s").expect("a rate is per second");
        rate.parse().expect("a rate is a number")
    }

    /// The rows of the table, by name of the subscriber.
    fn rows(&self) -> BTreeMap<&'a str, Row> {
        let headings = "subscriber fill          queued received/s lost/s    lost state   types";
        let table = self.0.iter().skip_while(|line| **line != headings).skip(1);
        let rows = table.take_while(|line| !line.starts_with('└')).map(|line| {
            let mut words = line.split_whitespace();
            let mut word = || words.next().expect("a row has all columns");
            let (name, bar, queued) = (word(), word(), word());
            assert_eq!(bar.chars().count(), 10, "{line}");
            let (queued, capacity) = queued.split_once('/').expect("it says how many of how many");
            let [queued, capacity, _, _, lost] = [queued, capacity, word(), word(), word()]
                .map(|number| number.parse().expect("what is counted is a number"));
            let fill = bar.chars().filter(|&column| column == '█').count();
            (name, Row { fill, queued, capacity, lost, rest: words.collect::<Vec<_>>().join(" ") })
        });
        rows.collect()
    }
}

/// Each subscriber has a row, in each frame; the slow one loses events, and lags; a bar is as full
/// as the ring.
#[test]
fn every_subscriber_has_a_row_and_the_slow_one_loses_events() {
    let output = top(&["--frames", "3"]);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let printed = String::from_utf8(output.stdout).expect("it prints UTF-8");
    let frames = Frame::all(&printed, 3);
    for frame in &frames {
        let rows = frame.rows();
        assert!(rows.keys().eq(&["archive", "ledger", "mailer", "warehouse"]), "{printed}");
        for row in rows.values() {
            assert!(row.queued <= row.capacity, "{printed}");
            assert_eq!(row.fill as u64, (10 * row.queued).div_ceil(row.capacity), "{printed}");
        }
        assert!(rows["warehouse"].rest.ends_with("order.placed, stock.moved"), "{printed}");
        assert!(rows["archive"].rest.ends_with("all"), "{printed}");
        assert!(frame.rate("published") > 0 && frame.rate("delivered") > 0, "{printed}");
    }
    let mailers: Vec<_> = frames.iter().map(|frame| frame.rows().remove("mailer").expect("it has a row")).collect();
    assert!(mailers.is_sorted_by_key(|mailer| mailer.lost), "{printed}");
    assert!(mailers[2].lost > 0 && frames.iter().any(|frame| frame.rate("dropped") > 0), "{printed}");
    assert!(mailers.iter().any(|mailer| mailer.rest == "lagging order.paid"), "{printed}");
}

/// Not on a terminal, it does not wait for a key.
#[test]
fn output_that_is_no_terminal_gets_three_frames() {
    let output = top(&[]);
    assert!(output.status.success(), "{output:?}");
    Frame::all(&String::from_utf8(output.stdout).expect("it prints UTF-8"), 3);
}

#[test]
fn option_that_is_not_understood_shows_the_usage() {
    for arguments in [&["--frames"][..], &["--frames", "some"], &["--frames", "1", "2"], &["3"]] {
        let output = top(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(output.stderr, b"Usage: top [--frames NUMBER]\n");
        assert!(output.stdout.is_empty());
    }
}

#[cfg(target_os = "linux")]
mod on_a_terminal {
    use super::common::example::example;
    use super::common::finishes;
    use std::io::{Read, Write};
    use std::process::{Command, Stdio};

    /// What a program writes to have a screen of its own, and to give it back (DEC's private mode
    /// 1049).
    const ENTERED: &str = "\u{1b}[?1049h";
    const LEFT: &str = "\u{1b}[?1049l";

    /// On a terminal, it draws until a key ends it, and leaves the terminal as it was.
    #[test]
    fn it_draws_until_a_key_ends_it_and_restores_the_screen() {
        let program = example("top").get_program().to_str().expect("test paths are UTF-8").to_owned();
        finishes(move || {
            // A terminal of its own, whose size nobody has set.
            let command = format!("stty rows 20 columns 100 && exec '{program}'");
            let mut script = Command::new("script");
            script.args(["--quiet", "--return", "--command", &command, "/dev/null"]);
            let mut script =
                script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("every Linux has util-linux");
            let (mut keys, mut screen) = (script.stdin.take().unwrap(), script.stdout.take().unwrap());
            let mut drawn = String::new();
            let mut wait_for = |text: &str| {
                while !drawn.contains(text) {
                    let mut bytes = [0; 4096];
                    let read = screen.read(&mut bytes).expect("it is there until it has ended");
                    assert_ne!(read, 0, "{text:?} is drawn before it ends: {drawn:?}");
                    drawn.push_str(&String::from_utf8_lossy(&bytes[..read]));
                }
            };
            wait_for("lagging");
            keys.write_all(b"p").unwrap();
            wait_for("paused");
            keys.write_all(b"q").unwrap();
            wait_for(LEFT);
            assert!(script.wait().unwrap().success());
            assert_eq!((drawn.matches(ENTERED).count(), drawn.matches(LEFT).count()), (1, 1), "{drawn:?}");
        });
    }
}
