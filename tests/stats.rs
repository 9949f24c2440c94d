//! Statistics as people read them.

use crate::common::{self, EVEN, LANES, Number, ODD, live, publish, stats_of};
use ringbus::{BusStats, EventType, Overflow};

/// API, section 2: the table has the totals, and a line for each subscriber below its titles.
#[test]
fn statistics_are_a_table() {
    let bus = common::new_bus(2);
    let reader = bus.subscriber("reader").capacity(10).subscribe();
    let odds = bus.subscriber("odds").types([ODD]).capacity(12_345).filter(|it: &Number| it.0 > 1).subscribe();
    let _unread = bus.subscriber("a subscriber with a long name").capacity(1).types(LANES).subscribe();
    publish(&bus, 0..2);
    assert!(bus.publish(Number(2)).is_err());
    bus.start();
    let _lagging = bus.subscriber("lagging").capacity(1).types([EVEN, ODD]).subscribe();
    let _lossy = bus.subscriber("lossy").capacity(2).overflow(Overflow::DropOldest).lossy(true).subscribe();
    let _hook = bus.on_lag(|_| {});
    publish(&bus, 0..5);
    assert_eq!(reader.try_iter().count(), 7);
    assert_eq!(odds.try_iter().count(), 1);
    let stats = bus.stats();
    let lines = [
        "published  delivered  dropped  buffered  unclaimed  rejected  late responses  requests",
        "        7         12        4         2          0         1               0         0",
        "",
        "subscriber                     received  dropped  evicted  filtered  discarded  queued  replay  highest  \
         capacity  state    types",
        "reader                                7        0        0         0          0       0       0        5  \
         \u{20}     10           all",
        "odds                                  1        0        0         2          0       0       0        1  \
         \u{20}  12345           number.odd",
        "a subscriber with a long name         0        0        0         0          0       0       2        0  \
         \u{20}      1           stamped.lane-0, stamped.lane-1, stamped.lane-2 and 1 more",
        "lagging                               0        4        0         0          0       1       0        1  \
         \u{20}      1  lagging  number.even, number.odd",
        "lossy                                 0        0        3         0          0       2       0        2  \
         \u{20}      2  lossy    all",
    ];
    assert_eq!(stats.to_string().lines().collect::<Vec<_>>(), lines);

    let one = stats.subscribers[3].to_string();
    let lines = [
        "subscriber  received  dropped  evicted  filtered  discarded  queued  replay  highest  capacity  state    types",
        "lagging            0        4        0         0          0       1       0        1         1  lagging  \
         number.even, number.odd",
    ];
    assert_eq!(one.lines().collect::<Vec<_>>(), lines);
    assert!(!one.ends_with('\n'));
}

/// API, section 2: a bus without subscribers has totals all the same.
#[test]
fn statistics_of_nobody_are_the_totals() {
    let totals = "\
published  delivered  dropped  buffered  unclaimed  rejected  late responses  requests
        0          0        0         0          0         0               0         0";
    assert_eq!(BusStats::default().to_string(), totals);
}

/// API, section 2: a name stays on its line, and columns are as wide as the characters in them.
#[test]
fn names_do_not_break_the_table() {
    let bus = live();
    let _odd = bus.subscriber("two\nlines\u{9b}[2J").capacity(1).subscribe();
    let _next = bus.subscriber("a\u{1b}[2J\u{85}next").capacity(1).subscribe();
    let _foreign = bus.subscriber("zählt mit").capacity(1).subscribe();
    let table = bus.stats().to_string();
    let rows: Vec<_> = table.lines().skip(3).collect();
    let zeros = "         0        0        0         0          0       0       0        0         1         all";
    let names = ["subscriber   ", "two\u{fffd}lines\u{fffd}[2J", "a\u{fffd}[2J\u{fffd}next   ", "zählt mit    "];
    let titles = "  received  dropped  evicted  filtered  discarded  queued  replay  highest  capacity  state  types";
    let expected = names.iter().zip([titles, zeros, zeros, zeros]).map(|(name, rest)| name.to_string() + rest);
    assert_eq!(rows, expected.collect::<Vec<_>>());
}

/// API, section 2: a name of a type, which may come from outside, does not break the table either.
#[test]
fn names_of_types_do_not_break_the_table() {
    let bus = live();
    let odd = bus.subscriber("odd").types([EventType::new("two\nlines\u{1b}[2J")]).capacity(1).subscribe();
    let table = odd.stats().to_string();
    assert_eq!(table.lines().count(), 2, "{table}");
    assert!(table.ends_with("  two\u{fffd}lines\u{fffd}[2J"), "{table}");
}

/// API, section 2: a subscription has its row when the bus is closed, and when it is gone.
#[test]
fn subscription_has_its_row_when_the_bus_has_gone() {
    let bus = common::new_bus(3);
    let reader = bus.subscriber("reader").types([EVEN]).capacity(1).lossy(true).subscribe();
    publish(&bus, 0..3);
    bus.start();
    publish(&bus, 4..7);
    assert_eq!(reader.try_recv(), Ok(Number(0)));
    let row = stats_of(&bus, "reader");
    assert_eq!((row.received, row.unread_replay, row.len, row.lost(), row.lossy), (1, 2, 1, 1, true));
    assert_eq!(row.types.as_deref(), Some(&[EVEN][..]));
    assert_eq!(reader.stats(), row);
    bus.close();
    assert_eq!(reader.stats(), row);
    drop(bus);
    assert_eq!(reader.stats(), row);
    assert_eq!(reader.try_iter().collect::<Vec<_>>(), [Number(2), Number(4)]);
    let last = reader.stats();
    assert_eq!((last.received, last.unread_replay, last.len, last.lost()), (3, 0, 0, 1));
}
