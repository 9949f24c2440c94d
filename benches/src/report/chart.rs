//! The figures as pictures, in SVG.

use super::Results;
use crate::groups::overload::Load;
use crate::groups::{contention, fanout, payload};
use hdrhistogram::Histogram;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::error::Error;
use std::path::Path;

type Outcome = Result<(), Box<dyn Error>>;
type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A line with a name.
struct Line {
    name: &'static str,
    points: Vec<(f64, f64)>,
}

/// ringbus stands out, the floor stands back, and every peer has the same colour in all pictures.
fn style(name: &str, place: usize) -> ShapeStyle {
    const RINGBUS: [RGBColor; 6] = [
        RGBColor(214, 39, 40),
        RGBColor(240, 110, 90),
        RGBColor(150, 20, 30),
        RGBColor(255, 150, 150),
        RGBColor(110, 40, 60),
        RGBColor(255, 70, 160),
    ];
    const PEERS: [(&str, RGBColor); 10] = [
        ("tokio", RGBColor(44, 160, 44)),
        ("async-broadcast", RGBColor(148, 103, 189)),
        ("crossbeam-channel", RGBColor(31, 119, 180)),
        ("crossfire", RGBColor(20, 110, 90)),
        ("flume", RGBColor(227, 119, 194)),
        ("kanal", RGBColor(23, 190, 207)),
        ("std mpsc", RGBColor(188, 189, 34)),
        ("jonhoo's bus", RGBColor(255, 127, 14)),
        ("disruptor", RGBColor(70, 70, 70)),
        ("rtrb", RGBColor(140, 86, 75)),
    ];
    if name.starts_with("ringbus") {
        return RINGBUS[place % RINGBUS.len()].stroke_width(3);
    }
    let peer = PEERS.iter().find(|(peer, _)| name.starts_with(peer));
    peer.map_or(RGBColor(150, 150, 150), |&(_, color)| color).stroke_width(2)
}

fn canvas<'a>(path: &'a Path, size: (u32, u32), title: &str) -> Result<Canvas<'a>, Box<dyn Error>> {
    let root = SVGBackend::new(path, size).into_drawing_area();
    root.fill(&WHITE)?;
    Ok(root.titled(title, ("sans-serif", 22))?)
}

/// Draws everything that was measured into files of `folder`.
///
/// # Errors
///
/// Where a file cannot be written.
pub fn draw(results: &Results, folder: &Path) -> Outcome {
    fanout(results, &folder.join("fanout.svg"))?;
    for subscribers in payload::SUBSCRIBERS {
        payload(results, subscribers, &folder.join(format!("payload-{subscribers}.svg")))?;
    }
    contention(results, &folder.join("contention.svg"))?;
    for case in ["parked", "spinning"] {
        latency(results, case, &folder.join(format!("latency-{case}.svg")))?;
    }
    stalled(results, &folder.join("stalled.svg"))?;
    overload(results, &folder.join("overload.svg"))?;
    for (group, title) in
        [("routing", "50 event types, 32 subscribers wanting 2 each"), ("request", "Asking 3 responders")]
    {
        bars(results, group, title, &folder.join(format!("{group}.svg")))?;
    }
    Ok(())
}

/// A line for each contestant that is wanted, through the cases of a group, each of which has its
/// place on the x axis. `height` makes of that and of the nanoseconds the place on the y axis.
fn lines(
    results: &Results,
    group: &str,
    cases: &[(f64, String)],
    is_wanted: impl Fn(&str) -> bool,
    height: impl Fn(f64, f64) -> f64,
) -> Vec<Line> {
    let names: Vec<_> = cases.iter().map(|(_, name)| name.clone()).collect();
    let contestants = results.contestants(group, &names).into_iter().filter(|name| is_wanted(name));
    let line = |name| {
        let point = |(x, case): &(f64, String)| Some((*x, height(*x, results.nanos(group, case, name)?)));
        Line { name, points: cases.iter().filter_map(point).collect() }
    };
    contestants.map(line).collect()
}

/// Deliveries per microsecond by the number of subscribers.
fn fanout(results: &Results, path: &Path) -> Outcome {
    let [small, _] = fanout::PAYLOADS;
    let cases = fanout::SUBSCRIBERS.map(|n| (n as f64, fanout::name(n, small)));
    let marks = fanout::SUBSCRIBERS.map(|n| (n as f64, n.to_string()));
    let plot = Plot {
        title: "Deliveries per microsecond, by subscribers (16-byte events, more is better)",
        x: ("subscribers", (1.0, 64.0), marks.to_vec()),
        y: "deliveries per µs",
    };
    plot.draw(lines(results, "fanout", &cases, |_| true, |n, nanos| n * 1e3 / nanos), path)
}

/// What a publish with its receives takes by the size of what is copied.
fn payload(results: &Results, subscribers: usize, path: &Path) -> Outcome {
    /// More would be a tangle.
    const LINES: [&str; 7] = [
        "ringbus Publisher",
        "ringbus lanes Publisher",
        "raw ArrayQueue",
        "tokio broadcast",
        "crossbeam-channel",
        "crossfire",
        "kanal",
    ];
    let [copies, _] = payload::COPIES;
    let cases = payload::SIZES.map(|size| (size.bytes as f64, payload::name(subscribers, size, copies)));
    let marks = payload::SIZES.map(|size| (size.bytes as f64, size.name.to_owned()));
    let receives = if subscribers == 1 { "its receive".to_owned() } else { format!("its {subscribers} receives") };
    let plot = Plot {
        title: &format!("A publish and {receives}, by the size of the event (nanoseconds, less is better)"),
        x: ("size of an event that is copied", (16.0, 4096.0), marks.to_vec()),
        y: "nanoseconds",
    };
    plot.draw(lines(results, "payload", &cases, |name| LINES.contains(&name), |_, nanos| nanos), path)
}

/// Publishes per microsecond by the number of publishers.
fn contention(results: &Results, path: &Path) -> Outcome {
    const LINES: [&str; 7] = [
        "ringbus Publisher",
        "ringbus lanes Publisher",
        "raw ArrayQueue",
        "tokio broadcast",
        "crossbeam-channel",
        "crossfire",
        "kanal",
    ];
    let count = |name: &str| name.split(' ').next_back().and_then(|count| count.parse::<usize>().ok());
    let measured = results.cases.iter().filter(|case| case.group == "contention");
    let counts: Vec<_> = measured.filter_map(|case| count(&case.name)).collect();
    let cases: Vec<_> = counts.iter().map(|&count| (count as f64, contention::name(count))).collect();
    let most = counts.iter().max().map_or(2.0, |&most| most as f64);
    let plot = Plot {
        title: "Publishes per microsecond to 4 subscribers, of all publishers together (more is better)",
        x: ("publishers", (1.0, most), counts.iter().map(|&count| (count as f64, count.to_string())).collect()),
        y: "publishes per µs",
    };
    plot.draw(lines(results, "contention", &cases, |name| LINES.contains(&name), |_, nanos| 1e3 / nanos), path)
}

/// Round trips by percentile.
fn latency(results: &Results, case: &str, path: &Path) -> Outcome {
    let latencies = results.latencies.iter().filter(|latency| latency.case == case);
    let lines = latencies.map(|latency| Line { name: latency.name, points: curve(&latency.nanos) }).collect();
    let nines = [(2.0, "50 %"), (10.0, "90 %"), (100.0, "99 %"), (1e3, "99.9 %"), (1e4, "99.99 %")];
    let title = format!("Round trip between two threads, {case} (nanoseconds, less is better)");
    let plot = Plot {
        title: &title,
        x: ("percentile", (2.0, 1e4), nines.map(|(x, name)| (x, name.to_owned())).to_vec()),
        y: "nanoseconds",
    };
    plot.draw(lines, path)
}

/// A histogram by its quantiles: one over the share that is slower, and nanoseconds.
fn curve(histogram: &Histogram<u64>) -> Vec<(f64, f64)> {
    let steps = (0..=60).map(|step| 2.0 * (5e3_f64).powf(f64::from(step) / 60.0));
    let known = steps.filter(|&rarity| rarity <= histogram.len() as f64 / 2.0);
    known.map(|rarity| (rarity, histogram.value_at_quantile(1.0 - 1.0 / rarity).max(1) as f64)).collect()
}

/// The numbers between two that are 1, 2 or 5 with zeros.
fn round_numbers(low: f64, high: f64) -> Vec<f64> {
    let powers = (0..12).map(|power| 10_f64.powi(power));
    powers
        .flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * power))
        .filter(|number| (low..=high).contains(number))
        .collect()
}

/// Lines over two logarithmic axes, each with its name where it ends.
struct Plot<'a> {
    title: &'a str,
    /// Its name, its range, and where it has marks.
    x: (&'a str, (f64, f64), Vec<(f64, String)>),
    y: &'a str,
}

impl Plot<'_> {
    /// The picture, and how much of it is for the lines.
    const SIZE: (u32, u32) = (1_040, 540);
    const WIDTH: u32 = 840;
    /// From one name to the next, at least.
    const NAME_HEIGHT: i32 = 19;

    fn draw(self, lines: Vec<Line>, path: &Path) -> Outcome {
        let heights = lines.iter().flat_map(|line| &line.points).map(|&(_, y)| y).filter(|y| *y > 0.0);
        let (low, high) = heights.fold((f64::MAX, f64::MIN), |(low, high), y| (low.min(y), high.max(y)));
        if low > high {
            return Ok(());
        }
        let root = canvas(path, Self::SIZE, self.title)?;
        let (plot, _) = root.split_horizontally(Self::WIDTH);
        let (x_name, (left, right), marks) = self.x;
        let x_axis = (left..right).log_scale().with_key_points(marks.iter().map(|mark| mark.0).collect());
        let (low, high) = (low * 0.8, high * 1.25);
        let mut chart = ChartBuilder::on(&plot)
            .margin(12)
            .x_label_area_size(44)
            .y_label_area_size(76)
            .build_cartesian_2d(x_axis, (low..high).log_scale().with_key_points(round_numbers(low, high)))?;
        let mark_name = |x: &f64| marks.iter().find(|mark| mark.0 == *x).map(|mark| mark.1.clone()).unwrap_or_default();
        chart
            .configure_mesh()
            .x_desc(x_name)
            .y_desc(self.y)
            .x_label_formatter(&mark_name)
            .y_label_formatter(&thousands)
            .light_line_style(RGBColor(245, 245, 245))
            .label_style(("sans-serif", 15))
            .draw()?;
        // The chart tells places of the whole picture; the root draws by its own.
        let (corner_x, corner_y) = root.get_base_pixel();
        let mut ends = Vec::new();
        let mut places = [0, 0];
        for line in lines {
            let place = &mut places[usize::from(line.name.starts_with("ringbus"))];
            let style = style(line.name, *place);
            *place += 1;
            if let Some(&end) = line.points.last() {
                let (x, y) = chart.backend_coord(&end);
                ends.push((line.name, style, (x - corner_x, y - corner_y)));
            }
            chart.draw_series(LineSeries::new(line.points, style))?;
        }
        ends.sort_by_key(|(_, _, (_, y))| *y);
        let height = i32::try_from(root.dim_in_pixel().1)? - Self::NAME_HEIGHT;
        let names = spread(&ends.iter().map(|end| end.2.1).collect::<Vec<_>>(), Self::NAME_HEIGHT, height);
        let label = ("sans-serif", 15).into_font().color(&BLACK).pos(Pos::new(HPos::Left, VPos::Center));
        let column = Self::WIDTH as i32 + 4;
        for ((name, style, end), y) in ends.into_iter().zip(names) {
            root.draw(&PathElement::new([end, (column, y)], style.stroke_width(1)))?;
            root.draw(&PathElement::new([(column, y), (column + 14, y)], style))?;
            root.draw_text(name, &label, (column + 20, y))?;
        }
        root.present()?;
        Ok(())
    }
}

/// Moves places, which are in order, so that they are so far apart at least, and none is beyond
/// the limit unless there are too many.
fn spread(places: &[i32], apart: i32, limit: i32) -> Vec<i32> {
    let mut places = places.to_vec();
    let mut highest = limit;
    for place in places.iter_mut().rev() {
        *place = highest.min(*place);
        highest = *place - apart;
    }
    let mut lowest = apart;
    for place in &mut places {
        *place = lowest.max(*place);
        lowest = *place + apart;
    }
    places
}

/// A number of any size, such as 12,000.
fn thousands(number: &f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// One bar for each contestant in each case of a group.
fn bars(results: &Results, group: &str, title: &str, path: &Path) -> Outcome {
    let cases: Vec<_> = results.cases.iter().filter(|result| result.group == group).collect();
    let rows: Vec<Bar> = cases
        .iter()
        .flat_map(|case| {
            let head = (cases.len() > 1).then(|| Bar::head(&case.name));
            head.into_iter().chain(case.rows.iter().map(|row| Bar::new(row.name, row.nanos, "")))
        })
        .collect();
    draw_bars(&rows, &format!("{title} (nanoseconds, less is better)"), path)
}

/// What a subscriber that never reads does to those who do: the 99th percentile of their delay, of the median turn.
fn stalled(results: &Results, path: &Path) -> Outcome {
    let mut rows = Vec::new();
    for (is_stalled, head) in [(false, "nobody stalls"), (true, "one subscriber never reads")] {
        rows.push(Bar::head(head));
        for row in results.stalled.iter().filter(|row| row.stalled == is_stalled) {
            let mut turns: Vec<f64> = row.medians.iter().map(|&(_, p99)| p99).collect();
            turns.sort_unstable_by(f64::total_cmp);
            let note = if row.blocked { "  until its publisher was blocked" } else { "" };
            rows.push(Bar::new(row.name, turns.get(turns.len() / 2).copied().unwrap_or_default(), note));
        }
    }
    if results.stalled.is_empty() {
        return Ok(());
    }
    draw_bars(&rows, "From publish to receipt by those who read, 99th percentile (nanoseconds, less is better)", path)
}

/// What a publish takes while more threads are busy than there are processors, and beside it what it takes where these receive nothing.
fn overload(results: &Results, path: &Path) -> Outcome {
    let p999 = |nanos: &Histogram<u64>| nanos.value_at_quantile(0.999) as f64;
    let mut rows = Vec::new();
    let mut case = "";
    for row in results.overload.iter().filter(|row| row.load == Load::Receiving) {
        if row.case != case {
            case = row.case;
            rows.push(Bar::head(case));
        }
        let base =
            results.overload.iter().find(|base| (base.case, base.name, base.load) == (case, row.name, Load::Burning));
        let note = base.map(|base| format!("  ({} where they only burn time)", thousands(&p999(&base.publish))));
        rows.push(Bar::new(row.name, p999(&row.publish), &note.unwrap_or_default()));
    }
    draw_bars(&rows, "A publish while busy threads receive, 99.9th percentile (nanoseconds, less is better)", path)
}

struct Bar {
    name: String,
    /// `None` for a heading.
    value: Option<f64>,
    note: String,
}

impl Bar {
    fn head(name: &str) -> Self {
        Self { name: name.to_owned(), value: None, note: String::new() }
    }

    fn new(name: &str, value: f64, note: &str) -> Self {
        Self { name: name.to_owned(), value: Some(value), note: note.to_owned() }
    }
}

/// Horizontal bars on a logarithmic scale, with the figures behind them.
fn draw_bars(rows: &[Bar], title: &str, path: &Path) -> Outcome {
    const ROW: i32 = 22;
    const NAMES: i32 = 240;
    const WIDTH: i32 = 960;
    let values = rows.iter().filter_map(|row| row.value);
    let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        return Ok(());
    }
    // The shortest bar is still to be seen.
    let (low, high) = ((low * 0.5).max(0.1).log10(), high.log10());
    let root = canvas(path, (WIDTH as u32, (rows.len() as i32 * ROW + 60) as u32), title)?;
    let (mut y, mut ours, mut others) = (8, 0, 0);
    let label = ("sans-serif", 15).into_font().color(&BLACK);
    let right = label.clone().pos(Pos::new(HPos::Right, VPos::Center));
    let left = label.pos(Pos::new(HPos::Left, VPos::Center));
    for row in rows {
        let middle = y + ROW / 2;
        match row.value {
            None => {
                (ours, others) = (0, 0);
                root.draw_text(
                    &row.name,
                    &("sans-serif", 15, FontStyle::Bold)
                        .into_font()
                        .color(&BLACK)
                        .pos(Pos::new(HPos::Left, VPos::Center)),
                    (12, middle),
                )?;
            }
            Some(value) => {
                let place = if row.name.starts_with("ringbus") { &mut ours } else { &mut others };
                let style = style(&row.name, *place).filled();
                *place += 1;
                let width = (value.max(0.1).log10() - low) / (high - low).max(0.01) * f64::from(WIDTH - NAMES - 300);
                let end = NAMES + 10 + (width as i32).max(1);
                root.draw_text(&row.name, &right, (NAMES, middle))?;
                root.draw(&Rectangle::new([(NAMES + 10, y + 3), (end, y + ROW - 3)], style))?;
                root.draw_text(
                    &format!("{}{}", if value < 100.0 { super::figure(value) } else { thousands(&value) }, row.note),
                    &left,
                    (end + 8, middle),
                )?;
            }
        }
        y += ROW;
    }
    root.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_lie_on_each_other_are_moved_apart() {
        assert_eq!(spread(&[100, 200, 300], 20, 500), [100, 200, 300], "nothing to do");
        assert_eq!(spread(&[100, 101, 102, 300], 20, 500), [62, 82, 102, 300]);
        assert_eq!(spread(&[1, 2, 499, 600], 20, 500), [20, 40, 480, 500], "neither above nor below");
        assert_eq!(spread(&[], 20, 500), []);
    }
}
