//! Statistics as tables for people to read.

use crate::event::event_type::EventType;
use crate::stats::{BusStats, SubscriberStats};
use std::fmt;

/// How many of a subscriber's types are named.
const TYPES: usize = 3;

/// The totals of the bus on one line, and below them a line for each subscriber. No line break
/// follows the last line.
///
/// `queued` is what is in the ring now ([`len`](SubscriberStats::len)), `replay` the part of the
/// replay that is unread, `highest` the highest fill of the ring. The wording and the columns may
/// change: read the fields instead of the text.
///
/// ```
/// # use ringbus::{Event, EventBus, EventType};
/// # use std::time::SystemTime;
/// # #[derive(Clone)]
/// # struct Tick;
/// # impl Event for Tick {
/// #     fn event_type(&self) -> EventType { const { EventType::new("tick") } }
/// #     fn timestamp(&self) -> SystemTime { SystemTime::now() }
/// # }
/// # let bus = EventBus::new(0);
/// # let clock = bus.subscriber("clock").capacity(2).subscribe();
/// # let gauge = bus.subscriber("gauge").capacity(1).lossy(true).subscribe();
/// # bus.start();
/// # for _ in 0..2 { bus.publish(Tick)?; }
/// # clock.try_recv()?;
/// println!("{}", bus.stats());
/// # let table = bus.stats().to_string();
/// # assert_eq!(table, "\
/// # published  delivered  dropped  buffered  unclaimed  rejected  late responses  requests
/// #         2          3        1         0          0         0               0         0
/// #
/// # subscriber  received  dropped  evicted  filtered  discarded  queued  replay  highest  capacity  state  types
/// # clock              1        0        0         0          0       1       0        2         2         all
/// # gauge              0        1        0         0          0       1       0        1         1  lossy  all"
/// #     .replace("\n# ", "\n").replace("\n#\n", "\n\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// prints
///
/// ```text
/// published  delivered  dropped  buffered  unclaimed  rejected  late responses  requests
///         2          3        1         0          0         0               0         0
///
/// subscriber  received  dropped  evicted  filtered  discarded  queued  replay  highest  capacity  state  types
/// clock              1        0        0         0          0       1       0        2         2         all
/// gauge              0        1        0         0          0       1       0        1         1  lossy  all
/// ```
impl fmt::Display for BusStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let totals = [
            ("published", self.published),
            ("delivered", self.delivered),
            ("dropped", self.dropped),
            ("buffered", self.buffered),
            ("unclaimed", self.unclaimed),
            ("rejected", self.startup_rejected),
            ("late responses", self.late_responses),
            ("requests", self.requests_in_flight),
        ];
        let columns = totals.map(|(title, total)| Column::right(title, [total]));
        write_table(f, &columns)?;
        if self.subscribers.is_empty() {
            return Ok(());
        }
        f.write_str("\n\n")?;
        write_table(f, &columns_of(&self.subscribers))
    }
}

/// A line of titles and a line of numbers, as in the table of a whole bus ([`BusStats`]).
impl fmt::Display for SubscriberStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_table(f, &columns_of(std::slice::from_ref(self)))
    }
}

fn columns_of(subscribers: &[SubscriberStats]) -> [Column; 12] {
    fn left(title: &'static str, rows: &[SubscriberStats], cell: fn(&SubscriberStats) -> String) -> Column {
        Column { is_left: true, ..Column::right(title, rows.iter().map(cell)) }
    }
    let count = |title, count: fn(&SubscriberStats) -> u64| Column::right(title, subscribers.iter().map(count));
    let fill = |title, fill: fn(&SubscriberStats) -> usize| Column::right(title, subscribers.iter().map(fill));
    [
        left("subscriber", subscribers, |it| on_one_line(&it.name)),
        count("received", |it| it.received),
        count("dropped", |it| it.dropped),
        count("evicted", |it| it.evicted),
        count("filtered", |it| it.filtered),
        count("discarded", |it| it.discarded),
        fill("queued", |it| it.len),
        fill("replay", |it| it.unread_replay),
        fill("highest", |it| it.high_water),
        fill("capacity", |it| it.capacity),
        left("state", subscribers, |it| state_of(it).to_owned()),
        left("types", subscribers, |it| it.types.as_deref().map_or("all".to_owned(), list)),
    ]
}

fn state_of(subscriber: &SubscriberStats) -> &'static str {
    match (subscriber.lossy, subscriber.lagging) {
        (true, _) => "lossy",
        (false, true) => "lagging",
        (false, false) => "",
    }
}

/// Names the first few types.
fn list(types: &[EventType]) -> String {
    let (named, others) = types.split_at(types.len().min(TYPES));
    let named: Vec<_> = named.iter().map(|event_type| on_one_line(event_type.as_str())).collect();
    match others.len() {
        0 => named.join(", "),
        others => format!("{} and {others} more", named.join(", ")),
    }
}

/// The name without control characters, which would break the line that it is on.
fn on_one_line(name: &str) -> String {
    name.chars().map(|character| if character.is_control() { char::REPLACEMENT_CHARACTER } else { character }).collect()
}

/// A title, and what is below it.
struct Column {
    title: &'static str,
    cells: Vec<String>,
    /// Whether the cells begin below each other, and do not end so.
    is_left: bool,
    /// In characters.
    width: usize,
}

impl Column {
    fn right(title: &'static str, cells: impl IntoIterator<Item: ToString>) -> Self {
        let cells: Vec<_> = cells.into_iter().map(|cell| cell.to_string()).collect();
        let widths = cells.iter().map(|cell| cell.chars().count());
        let width = widths.chain([title.len()]).max().unwrap_or_default();
        Self { title, cells, is_left: false, width }
    }
}

/// Writes the titles, and a line for each row.
fn write_table(f: &mut fmt::Formatter<'_>, columns: &[Column]) -> fmt::Result {
    write_line(f, columns, |column| column.title)?;
    for row in 0..columns[0].cells.len() {
        f.write_str("\n")?;
        write_line(f, columns, |column| &column.cells[row])?;
    }
    Ok(())
}

fn write_line<'a>(
    f: &mut fmt::Formatter<'_>,
    columns: &'a [Column],
    cell: impl Fn(&'a Column) -> &'a str,
) -> fmt::Result {
    let mut line = String::new();
    for column in columns {
        let (cell, width) = (cell(column), column.width);
        line += &if column.is_left { format!("{cell:<width$}  ") } else { format!("{cell:>width$}  ") };
    }
    f.write_str(line.trim_end())
}
