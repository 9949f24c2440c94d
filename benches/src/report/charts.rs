//! Which charts there are.

use super::chart::{Axis, Entry, Line, Lines, Row, Rows, Scale, Words};
use super::figures::Figures;
use super::{Results, figure, time};
use crate::distribution::{Distribution, P99, P999, Percentile};
use crate::groups::overload::Load;
use crate::groups::{churn, contention, fanout, memory, payload};

/// A chart, ready to be written.
#[derive(Debug)]
pub struct Picture {
    /// The group whose figures it shows.
    pub group: &'static str,
    /// What its file is called.
    pub file: String,
    /// What it shows.
    pub title: String,
    /// What is in the file.
    pub svg: String,
}

const PUBLISHER: &str = "ringbus Publisher";
const LANES: &str = "ringbus lanes Publisher";
const BATCH: &str = "ringbus batch";
const LANES_BATCH: &str = "ringbus lanes batch";
const RAW: &str = "raw ArrayQueue";
const TOKIO: &str = "tokio broadcast";
const JONHOO: &str = "jonhoo's bus";
/// The peers that have a channel for each subscriber.
const CHANNELS: [&str; 5] = ["crossbeam-channel", "crossfire", "flume", "kanal", "std mpsc"];
/// Those that are drawn if there is no room for all.
const CHOSEN: [&str; Lines::MOST] = [PUBLISHER, LANES, RAW, TOKIO, "crossbeam-channel", "crossfire", "kanal"];

/// Every chart for which there are figures, by groups.
#[must_use]
pub fn all(figures: &Figures) -> Vec<Picture> {
    let charts = Charts { figures, results: &figures.results };
    let mut pictures = charts.fanout();
    pictures.extend(payload::SUBSCRIBERS.map(|subscribers| charts.payload(subscribers)));
    pictures.push(charts.bars("routing", "A publish with 50 event types, 32 subscribers wanting 2 each", "routing"));
    pictures.push(charts.churn());
    pictures.push(charts.cross("blocking", "cross", "the receiver waits"));
    pictures.push(charts.cross("lossless", "cross-polling", "the receiver polls"));
    pictures.push(charts.contention());
    pictures.push(charts.bars("request", "Asking 3 responders, and waiting for all of them", "request"));
    pictures.extend(["parked", "spinning"].map(|case| charts.latency(case)));
    pictures.push(charts.stalled());
    pictures.push(charts.overload());
    pictures.push(charts.memory());
    pictures.into_iter().flatten().collect()
}

struct Charts<'a> {
    figures: &'a Figures,
    results: &'a Results,
}

impl Charts<'_> {
    fn words(&self, title: &str, unit: &str, samples: String) -> Words {
        let mut notes = vec![samples, self.figures.machine.caption()];
        if self.figures.is_quick {
            notes.push("A quick run: its figures are no ground for conclusions.".to_owned());
        }
        Words { title: title.to_owned(), unit: unit.to_owned(), notes }
    }

    /// How many samples stand behind a figure of a group that is timed by operation.
    fn samples(&self, group: &str) -> String {
        let rows = self.results.cases.iter().filter(|case| case.group == group).flat_map(|case| &case.rows);
        format!("Each figure is the median of {} samples.", range(rows.map(|row| row.samples as u64)))
    }

    /// A line for each of these contestants, as it is called, through the cases of a group, each of
    /// which has its place on the x axis. `height` makes the place on the y axis of that and of the
    /// nanoseconds.
    fn lines(
        &self,
        group: &str,
        cases: &[(f64, String)],
        contestants: &[(&str, &str)],
        height: impl Fn(f64, f64) -> f64,
    ) -> Vec<Line> {
        let point = |contestant: &str, (x, case): &(f64, String)| {
            Some((*x, height(*x, self.results.nanos(group, case, contestant)?)))
        };
        let line = |&(contestant, name): &(&str, &str)| Line {
            name: name.to_owned(),
            contestant: contestant.to_owned(),
            points: cases.iter().filter_map(|case| point(contestant, case)).collect(),
        };
        contestants.iter().map(line).filter(|line| !line.points.is_empty()).collect()
    }

    /// Deliveries by the number of subscribers: one chart for who wants to know in one look, and
    /// one for each comparison.
    fn fanout(&self) -> Vec<Option<Picture>> {
        let fastest = self.fastest_channel();
        let fastest_name = format!("{fastest} (fastest channel)");
        let of = |file: &str, title: &str, contestants: &[(&str, &str)]| self.fanout_of(file, title, contestants);
        let channels = CHANNELS.map(|name| (name, name));
        vec![
            of(
                "fanout",
                "Deliveries by the number of subscribers",
                &[
                    (PUBLISHER, "ringbus"),
                    (LANES, "ringbus, lanes"),
                    (fastest, &fastest_name),
                    (TOKIO, TOKIO),
                    (JONHOO, JONHOO),
                ],
            ),
            of(
                "fanout-channels",
                "Deliveries, beside a list of channels behind a lock",
                &[[(PUBLISHER, "ringbus"), (LANES, "ringbus, lanes")].as_slice(), &channels].concat(),
            ),
            of(
                "fanout-batch",
                "Deliveries in batches of 512, beside those one by one",
                &[
                    (PUBLISHER, "ringbus"),
                    (BATCH, "ringbus, batch"),
                    (LANES, "ringbus, lanes"),
                    (LANES_BATCH, "ringbus, lanes, batch"),
                    (RAW, RAW),
                    (TOKIO, TOKIO),
                    (JONHOO, JONHOO),
                ],
            ),
            of(
                "fanout-fixed",
                "Deliveries to subscribers that are fixed beforehand",
                &[
                    (LANES, "ringbus, lanes"),
                    (LANES_BATCH, "ringbus, lanes, batch"),
                    ("rtrb", "rtrb"),
                    ("disruptor", "disruptor"),
                ],
            ),
        ]
    }

    fn fanout_of(&self, file: &str, title: &str, contestants: &[(&str, &str)]) -> Option<Picture> {
        let [small, _] = fanout::PAYLOADS;
        let cases = fanout::SUBSCRIBERS.map(|n| (n as f64, fanout::name(n, small)));
        let marks = fanout::SUBSCRIBERS.map(|n| (n as f64, n.to_string()));
        let lines = Lines {
            words: self.words(
                title,
                "Million deliveries a second by one thread, events of 16 bytes; more is better",
                self.samples("fanout"),
            ),
            x: (Axis::marked(Scale::Logarithmic, marks.into())?, "subscribers (logarithmic)".to_owned()),
            y: (Scale::Linear, short),
            lines: self.lines("fanout", &cases, contestants, |n, nanos| n * 1e3 / nanos),
        };
        picture("fanout", file, title, lines.draw())
    }

    /// The one of the channels that takes least, taking all numbers of subscribers together.
    fn fastest_channel(&self) -> &'static str {
        let [small, _] = fanout::PAYLOADS;
        let sum = |channel: &str| -> f64 {
            let nanos = |n| self.results.nanos("fanout", &fanout::name(n, small), channel);
            fanout::SUBSCRIBERS.iter().map(|&n| nanos(n).map_or(f64::INFINITY, f64::ln)).sum()
        };
        CHANNELS.into_iter().min_by(|a, b| sum(a).total_cmp(&sum(b))).unwrap_or(CHANNELS[0])
    }

    /// What a publish with its receives takes by the size of what is copied.
    fn payload(&self, subscribers: usize) -> Option<Picture> {
        let [copies, _] = payload::COPIES;
        let cases = payload::SIZES.map(|size| (size.bytes as f64, payload::name(subscribers, size, copies)));
        let marks = payload::SIZES.map(|size| (size.bytes as f64, size.name.to_owned()));
        let receives = if subscribers == 1 { "its receive".to_owned() } else { format!("its {subscribers} receives") };
        let title = format!("A publish and {receives}, by the size of the event");
        let lines = Lines {
            words: self.words(&title, "Time, on a logarithmic axis; less is better", self.samples("payload")),
            x: (
                Axis::marked(Scale::Logarithmic, marks.into())?,
                "size of an event that is copied (logarithmic)".to_owned(),
            ),
            y: (Scale::Logarithmic, short_time),
            lines: self.lines("payload", &cases, &CHOSEN.map(|name| (name, name)), |_, nanos| nanos),
        };
        picture("payload", &format!("payload-{subscribers}"), &title, lines.draw())
    }

    /// What one more subscriber takes by how many there are.
    fn churn(&self) -> Option<Picture> {
        const NAMES: [&str; 5] = [churn::BY_TYPE, churn::TO_EVERYTHING, TOKIO, "async-broadcast", "crossbeam-channel"];
        let cases = churn::STAY.map(|stay| (stay as f64, churn::name(stay)));
        let marks = churn::STAY.map(|stay| (stay as f64, super::thousands(stay as f64)));
        let title = "A subscriber comes, receives one event, and goes";
        let lines = Lines {
            words: self.words(title, "Time of all three, on a logarithmic axis; less is better", self.samples("churn")),
            x: (Axis::marked(Scale::Logarithmic, marks.into())?, "subscribers that stay (logarithmic)".to_owned()),
            y: (Scale::Logarithmic, short_time),
            lines: self.lines("churn", &cases, &NAMES.map(|name| (name, name)), |_, nanos| nanos),
        };
        picture("churn", "churn", title, lines.draw())
    }

    /// Events from one thread to another, in a case in which none is lost.
    fn cross(&self, case: &str, file: &str, how: &str) -> Option<Picture> {
        let title = format!("From one thread to another at full speed; {how}");
        let cases = self.results.cases.iter().filter(|result| result.group == "cross" && result.name == case);
        let rows = cases.flat_map(|case| &case.rows).map(|row| entry(&row.name, vec![1e3 / row.nanos], "")).collect();
        let unit = "Million events a second, none lost; more is better";
        let words = self.words(&title, unit, self.samples("cross"));
        picture("cross", file, &title, Rows { words, scale: Scale::Linear, name: short, rows }.draw())
    }

    /// Publishes by the number of publishers.
    fn contention(&self) -> Option<Picture> {
        let count = |name: &str| name.split(' ').next_back().and_then(|count| count.parse::<usize>().ok());
        let measured = self.results.cases.iter().filter(|case| case.group == "contention");
        let counts: Vec<_> = measured.filter_map(|case| count(&case.name)).collect();
        let cases: Vec<_> = counts.iter().map(|&count| (count as f64, contention::name(count))).collect();
        let marks = counts.iter().map(|&count| (count as f64, count.to_string())).collect();
        let title = "Several publishers to the same 4 subscribers";
        let unit = "Million publishes a second, of all publishers together; more is better";
        let lines = Lines {
            words: self.words(title, unit, self.samples("contention")),
            x: (Axis::marked(Scale::Logarithmic, marks)?, "publishers (logarithmic)".to_owned()),
            y: (Scale::Linear, short),
            lines: self.lines("contention", &cases, &CHOSEN.map(|name| (name, name)), |_, nanos| 1e3 / nanos),
        };
        picture("contention", "contention", title, lines.draw())
    }

    /// Round trips by percentile, as far as there are samples beyond it.
    fn latency(&self, case: &str) -> Option<Picture> {
        const PARKED: [&str; Lines::MOST] =
            [PUBLISHER, LANES, TOKIO, "crossbeam-channel", "crossfire", "kanal", "std mpsc"];
        let names = if case == "parked" { PARKED } else { CHOSEN };
        let rows: Vec<_> = names.iter().filter_map(|name| self.results.latency(case, name)).collect();
        let line = |row: &&crate::groups::latency::Latency| Line {
            name: row.name.clone(),
            contestant: row.name.clone(),
            points: row.round_trip.points.iter().map(|point| (point.one_in, point.nanos)).collect(),
        };
        let last =
            rows.iter().flat_map(|row| row.round_trip.points.last()).map(|point| point.one_in).fold(0.0, f64::max);
        let mut marks = vec![(2.0, "50 %"), (10.0, "90 %"), (100.0, "99 %"), (1e3, "99.9 %"), (1e4, "99.99 %")];
        marks.retain(|mark| mark.0 <= last);
        let mut marks: Vec<_> = marks.into_iter().map(|(one_in, name)| (one_in, name.to_owned())).collect();
        if marks.last().is_some_and(|mark| mark.0 < last) {
            marks.push((last, String::new()));
        }
        let title = format!("Round trip between two threads, {case}");
        let samples = samples(rows.iter().map(|row| &row.round_trip), "round trips");
        let lines = Lines {
            words: self.words(&title, "Time, on a logarithmic axis; less is better", samples),
            x: (Axis::marked(Scale::Logarithmic, marks)?, "percentile: so many take less".to_owned()),
            y: (Scale::Logarithmic, short_time),
            lines: rows.iter().map(line).collect(),
        };
        picture("latency", &format!("latency-{case}"), &title, lines.draw())
    }

    /// What a subscriber that never reads does to those who do.
    fn stalled(&self) -> Option<Picture> {
        let row_of =
            |name: &str, stalled| self.results.stalled.iter().find(|row| row.name == name && row.stalled == stalled);
        let rows = self.results.stalled.iter().filter(|row| !row.stalled).map(|row| {
            let worse = row_of(&row.name, true);
            let values = pair(Some(&row.delay), worse.map(|row| &row.delay), P99);
            let is_blocked = worse.is_some_and(|row| row.blocked);
            entry(&row.name, values, if is_blocked { ", then blocked" } else { "" })
        });
        let title = "From publish to receipt, if one of four subscribers never reads";
        let unit =
            "99th percentile, logarithmic; ring: all read, dot: one never does; blocked: the publisher had to wait";
        let samples = samples(self.results.stalled.iter().map(|row| &row.delay), "receipts");
        let words = self.words(title, unit, samples);
        let rows = Rows { words, scale: Scale::Logarithmic, name: short_time, rows: rows.collect() };
        picture("stalled", "stalled", title, rows.draw())
    }

    /// What a publish takes while more threads are busy than there are processors.
    fn overload(&self) -> Option<Picture> {
        let mut rows = Vec::new();
        let mut case = "";
        for row in self.results.overload.iter().filter(|row| row.load == Load::Receiving) {
            if row.case != case {
                case = &row.case;
                rows.push(Row::Head(case.to_owned()));
            }
            let base = self.results.overload.iter().find(|base| {
                (base.case.as_str(), base.name.as_str(), base.load) == (case, row.name.as_str(), Load::Burning)
            });
            let values = pair(base.map(|base| &base.publish), Some(&row.publish), P999);
            rows.push(entry(&row.name, values, ""));
        }
        let title = "A publish while more threads are busy than there are processors";
        let unit =
            "99.9th percentile, on a logarithmic axis; ring: they only burn time, dot: they receive; less is better";
        let samples = samples(self.results.overload.iter().map(|row| &row.publish), "publishes");
        let words = self.words(title, unit, samples);
        let rows = Rows { words, scale: Scale::Logarithmic, name: short_time, rows };
        picture("overload", "overload", title, rows.draw())
    }

    /// What everybody keeps for a subscriber.
    fn memory(&self) -> Option<Picture> {
        let title = "Memory of a subscriber";
        let unit = format!("Bytes with room for {} events of 16 bytes; less is better", memory::CAPACITY);
        let row = |row: &memory::Memory| {
            let is_shared = row.subscriber < (memory::CAPACITY * 16) as f64 && row.bus > row.subscriber;
            let note = match (is_shared, row.queued > 0.0) {
                (true, _) => format!(", and {} in the ring that all share", short(row.bus)),
                (false, true) => format!(", and {} for each event that waits", short(row.queued)),
                (false, false) => String::new(),
            };
            entry(&row.name, vec![row.subscriber], &note)
        };
        let samples = "What the allocator counts, and the handle itself; the mean of 64 subscribers.".to_owned();
        let words = self.words(title, &unit, samples);
        let rows = self.results.memory.iter().map(row).collect();
        picture("memory", "memory", title, Rows { words, scale: Scale::Linear, name: short, rows }.draw())
    }

    /// One bar for each contestant in each case of a group.
    fn bars(&self, group: &'static str, title: &str, file: &str) -> Option<Picture> {
        let cases: Vec<_> = self.results.cases.iter().filter(|case| case.group == group).collect();
        let mut rows = Vec::new();
        for case in &cases {
            if cases.len() > 1 {
                rows.push(Row::Head(case.name.clone()));
            }
            rows.extend(case.rows.iter().map(|row| entry(&row.name, vec![row.nanos], "")));
        }
        let words = self.words(title, "Time; less is better", self.samples(group));
        picture(group, file, title, Rows { words, scale: Scale::Linear, name: short_time, rows }.draw())
    }
}

fn entry(name: &str, values: Vec<f64>, note: &str) -> Row {
    let note = if values.is_empty() { "too few samples" } else { note };
    Row::Of(Entry { name: name.to_owned(), values, note: note.to_owned() })
}

/// A percentile before and after something; nothing if it is not known after it.
fn pair(before: Option<&Distribution>, after: Option<&Distribution>, percentile: Percentile) -> Vec<f64> {
    let [before, after] = [before, after].map(|all| all.and_then(|all| all.percentile(percentile)));
    after.map(|after| before.into_iter().chain([after]).collect()).unwrap_or_default()
}

fn picture(group: &'static str, file: &str, title: &str, svg: Option<String>) -> Option<Picture> {
    Some(Picture { group, file: format!("{file}.svg"), title: title.to_owned(), svg: svg? })
}

/// A number as it stands at marks and bars: without a fraction that is nothing.
fn short(number: f64) -> String {
    trim(&figure(number)).to_owned()
}

/// A time as it stands at marks and bars.
fn short_time(nanos: f64) -> String {
    let text = time(nanos);
    text.split_once(' ').map_or_else(|| text.clone(), |(number, unit)| format!("{} {unit}", trim(number)))
}

fn trim(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

/// How many samples stand behind the percentiles of a chart.
fn samples<'a>(distributions: impl Iterator<Item = &'a Distribution> + Clone, of: &str) -> String {
    let turns = range(distributions.clone().map(|distribution| distribution.turns as u64));
    let samples = range(distributions.map(|distribution| distribution.samples));
    format!(
        "Medians of {turns} turns, of {samples} {of} in all; no percentile that fewer than 10 samples of a turn exceed."
    )
}

/// The least and the most, or both if they are the same.
fn range(numbers: impl Iterator<Item = u64>) -> String {
    let (least, most) = numbers.fold((u64::MAX, 0), |(least, most), number| (least.min(number), most.max(number)));
    let [least, most] = [least, most].map(|number| super::thousands(number as f64));
    if least == most { least } else { format!("{least} to {most}") }
}

#[cfg(test)]
mod tests {
    use super::super::figures::tests::made_up;
    use super::*;
    use std::collections::HashSet;

    /// Figures of whoever is drawn somewhere.
    fn figures() -> Figures {
        made_up(
            &[&CHOSEN[..], &CHANNELS, &[BATCH, LANES_BATCH, JONHOO, "rtrb", "disruptor", "ringbus, by type"]].concat(),
        )
    }

    #[test]
    fn every_chart_is_drawn_once_and_says_where_its_figures_are_from() {
        let figures = figures();
        let pictures = all(&figures);
        let files: HashSet<_> = pictures.iter().map(|picture| picture.file.as_str()).collect();
        assert_eq!(files.len(), pictures.len());
        let fanout = ["fanout", "fanout-channels", "fanout-batch", "fanout-fixed"];
        let payload = ["payload-1", "payload-4", "payload-16"];
        let threads =
            ["cross", "cross-polling", "contention", "latency-parked", "latency-spinning", "stalled", "overload"];
        let others = ["routing", "churn", "request", "memory"];
        for file in [&fanout[..], &payload, &threads, &others].concat() {
            assert!(files.contains(format!("{file}.svg").as_str()), "{file}: {files:?}");
        }
        let caption = figures.machine.caption();
        for picture in &pictures {
            assert!(picture.svg.contains(&caption) && picture.svg.ends_with("</svg>\n"), "{}", picture.file);
            assert!(!picture.svg.contains("NaN") && !picture.svg.contains("inf"), "{}", picture.file);
        }
    }

    #[test]
    fn nothing_is_drawn_of_what_was_not_measured() {
        assert!(all(&Figures { results: Results::default(), ..figures() }).is_empty());
        let mut figures = figures();
        figures.results.cases.retain(|case| case.group == "routing");
        let results = Results { cases: figures.results.cases, ..Results::default() };
        let pictures = all(&Figures { results, ..figures });
        assert_eq!(pictures.iter().map(|picture| picture.group).collect::<Vec<_>>(), ["routing"]);
    }

    #[test]
    fn percentiles_end_where_samples_do() {
        let mut figures = figures();
        for latency in &mut figures.results.latencies {
            latency.round_trip.points.retain(|point| point.one_in <= 150.0);
        }
        let pictures = all(&figures);
        let parked = pictures.iter().find(|picture| picture.file == "latency-parked.svg").unwrap();
        assert!(parked.svg.contains(">99 %<") && !parked.svg.contains(">99.9 %<"));
    }

    #[test]
    fn marks_have_no_empty_fraction() {
        assert_eq!([2e6, 1_670.0, 500.0, 2_500.0].map(short_time), ["2 ms", "1.67 µs", "500 ns", "2.5 µs"]);
        assert_eq!([0.0, 20.0, 200.0, 0.25].map(short), ["0", "20", "200", "0.25"]);
    }
}
