//! How many instructions the work of the groups takes, by callgrind: `ci/instructions.sh`.
//!
//! Exact to the instruction from run to run, whatever else the machine does, and so the place to
//! see what a change costs. Each figure is that of one round, of 512 operations, by a contestant
//! that has done a round before. A limit is some 15 % above the most that was counted with rustc
//! 1.95: by that much the compiler's choice of what it inlines moves them, after changes elsewhere.
//! (Instructions are not time: a locked one takes as long as thirty others.)

// What the macros write has no documentation.
#![allow(missing_docs)]

use gungraun::{Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main};
use ringbus_benches::groups::{self, fanout::BATCH};
use ringbus_benches::measure::Contestant;
use std::hint::black_box;

/// Finds a contestant, and warms it up.
fn ready(group: &str, case: &str, contestant: &str) -> Contestant {
    let case = groups::cases().into_iter().find(|other| other.group == group && other.name.starts_with(case));
    let contestants = case.map(|case| (case.contestants)()).into_iter().flatten();
    let mut contestant = contestants.into_iter().find(|other| other.name == contestant).expect("there is one");
    (contestant.round)();
    contestant
}

/// So many instructions for an operation.
fn at_most(instructions: u64) -> LibraryBenchmarkConfig {
    let mut callgrind = Callgrind::default();
    callgrind.hard_limits([(EventKind::Ir, instructions * BATCH as u64)]);
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(callgrind);
    config
}

#[library_benchmark(setup = ready)]
#[bench::base_harness(args = ("base", "no subscriber", "harness"), config = at_most(10))]
#[bench::base_publisher(args = ("base", "no subscriber", "ringbus Publisher"), config = at_most(50))]
#[bench::base_bus(args = ("base", "no subscriber", "ringbus EventBus"), config = at_most(160))]
#[bench::fanout_n1_16_bytes_publisher(args = ("fanout", "N = 1, 16", "ringbus Publisher"), config = at_most(240))]
#[bench::fanout_n1_16_bytes_bus(args = ("fanout", "N = 1, 16", "ringbus EventBus"), config = at_most(370))]
#[bench::fanout_n1_16_bytes_batch(args = ("fanout", "N = 1, 16", "ringbus batch"), config = at_most(195))]
#[bench::fanout_n1_16_bytes_raw(args = ("fanout", "N = 1, 16", "raw ArrayQueue"))]
#[bench::fanout_n1_arc_publisher(args = ("fanout", "N = 1, Arc", "ringbus Publisher"), config = at_most(220))]
#[bench::fanout_n1_arc_raw(args = ("fanout", "N = 1, Arc", "raw ArrayQueue"))]
#[bench::fanout_n16_16_bytes_publisher(args = ("fanout", "N = 16, 16", "ringbus Publisher"), config = at_most(2640))]
#[bench::fanout_n16_16_bytes_batch(args = ("fanout", "N = 16, 16", "ringbus batch"), config = at_most(2510))]
#[bench::fanout_n16_16_bytes_raw(args = ("fanout", "N = 16, 16", "raw ArrayQueue"))]
#[bench::fanout_n16_arc_publisher(args = ("fanout", "N = 16, Arc", "ringbus Publisher"), config = at_most(2150))]
#[bench::fanout_n16_arc_raw(args = ("fanout", "N = 16, Arc", "raw ArrayQueue"))]
#[bench::payload_n1_64_bytes_publisher(args = ("payload", "N = 1, 64 bytes, Copy", "ringbus Publisher"), config = at_most(260))]
#[bench::payload_n1_64_bytes_raw(args = ("payload", "N = 1, 64 bytes, Copy", "raw ArrayQueue"))]
#[bench::payload_n1_256_bytes_publisher(args = ("payload", "N = 1, 256 bytes, Copy", "ringbus Publisher"), config = at_most(390))]
#[bench::payload_n1_256_bytes_raw(args = ("payload", "N = 1, 256 bytes, Copy", "raw ArrayQueue"))]
#[bench::payload_n16_64_bytes_publisher(args = ("payload", "N = 16, 64 bytes, Copy", "ringbus Publisher"), config = at_most(2730))]
#[bench::payload_n16_64_bytes_raw(args = ("payload", "N = 16, 64 bytes, Copy", "raw ArrayQueue"))]
#[bench::payload_n16_256_bytes_publisher(args = ("payload", "N = 16, 256 bytes, Copy", "ringbus Publisher"), config = at_most(4310))]
#[bench::payload_n16_256_bytes_raw(args = ("payload", "N = 16, 256 bytes, Copy", "raw ArrayQueue"))]
#[bench::fanout_n1_16_bytes_lanes(args = ("fanout", "N = 1, 16", "ringbus lanes Publisher"), config = at_most(190))]
#[bench::fanout_n1_16_bytes_lanes_batch(args = ("fanout", "N = 1, 16", "ringbus lanes batch"), config = at_most(85))]
#[bench::fanout_n1_16_bytes_kanal(args = ("fanout", "N = 1, 16", "kanal"))]
#[bench::fanout_n1_16_bytes_crossfire(args = ("fanout", "N = 1, 16", "crossfire"))]
#[bench::fanout_n1_16_bytes_jonhoo(args = ("fanout", "N = 1, 16", "jonhoo's bus"))]
#[bench::fanout_n1_16_bytes_tokio(args = ("fanout", "N = 1, 16", "tokio broadcast"))]
#[bench::fanout_n16_16_bytes_lanes(args = ("fanout", "N = 16, 16", "ringbus lanes Publisher"), config = at_most(1725))]
#[bench::fanout_n16_16_bytes_lanes_batch(args = ("fanout", "N = 16, 16", "ringbus lanes batch"), config = at_most(1325))]
#[bench::fanout_n16_16_bytes_kanal(args = ("fanout", "N = 16, 16", "kanal"))]
#[bench::fanout_n16_16_bytes_crossfire(args = ("fanout", "N = 16, 16", "crossfire"))]
#[bench::fanout_n16_16_bytes_jonhoo(args = ("fanout", "N = 16, 16", "jonhoo's bus"))]
#[bench::fanout_n16_16_bytes_tokio(args = ("fanout", "N = 16, 16", "tokio broadcast"))]
#[bench::payload_n1_64_bytes_lanes(args = ("payload", "N = 1, 64 bytes, Copy", "ringbus lanes Publisher"), config = at_most(215))]
#[bench::payload_n1_64_bytes_crossbeam(args = ("payload", "N = 1, 64 bytes, Copy", "crossbeam-channel"))]
#[bench::payload_n1_64_bytes_tokio(args = ("payload", "N = 1, 64 bytes, Copy", "tokio broadcast"))]
#[bench::payload_n1_256_bytes_lanes(args = ("payload", "N = 1, 256 bytes, Copy", "ringbus lanes Publisher"), config = at_most(310))]
#[bench::payload_n1_256_bytes_crossbeam(args = ("payload", "N = 1, 256 bytes, Copy", "crossbeam-channel"))]
#[bench::payload_n1_256_bytes_tokio(args = ("payload", "N = 1, 256 bytes, Copy", "tokio broadcast"))]
#[bench::payload_n16_64_bytes_lanes(args = ("payload", "N = 16, 64 bytes, Copy", "ringbus lanes Publisher"), config = at_most(1975))]
#[bench::payload_n16_256_bytes_lanes(args = ("payload", "N = 16, 256 bytes, Copy", "ringbus lanes Publisher"), config = at_most(3035))]
#[bench::fanout_n1_arc_batch(args = ("fanout", "N = 1, Arc", "ringbus batch"), config = at_most(160))]
#[bench::fanout_n1_arc_lanes_batch(args = ("fanout", "N = 1, Arc", "ringbus lanes batch"), config = at_most(105))]
#[bench::fanout_n1_16_bytes_lanes_bus(args = ("fanout", "N = 1, 16", "ringbus lanes EventBus"), config = at_most(315))]
#[bench::payload_n1_64_bytes_bus(args = ("payload", "N = 1, 64 bytes, Copy", "ringbus EventBus"), config = at_most(390))]
#[bench::payload_n1_64_bytes_batch(args = ("payload", "N = 1, 64 bytes, Copy", "ringbus batch"), config = at_most(210))]
#[bench::payload_n16_64_bytes_batch(args = ("payload", "N = 16, 64 bytes, Copy", "ringbus batch"), config = at_most(3320))]
#[bench::payload_n1_64_bytes_lanes_bus(args = ("payload", "N = 1, 64 bytes, Copy", "ringbus lanes EventBus"), config = at_most(340))]
#[bench::payload_n1_64_bytes_lanes_batch(args = ("payload", "N = 1, 64 bytes, Copy", "ringbus lanes batch"), config = at_most(125))]
#[bench::payload_n16_64_bytes_lanes_batch(args = ("payload", "N = 16, 64 bytes, Copy", "ringbus lanes batch"), config = at_most(1975))]
#[bench::payload_n1_256_bytes_bus(args = ("payload", "N = 1, 256 bytes, Copy", "ringbus EventBus"), config = at_most(520))]
#[bench::payload_n1_256_bytes_batch(args = ("payload", "N = 1, 256 bytes, Copy", "ringbus batch"), config = at_most(395))]
#[bench::payload_n16_256_bytes_batch(args = ("payload", "N = 16, 256 bytes, Copy", "ringbus batch"), config = at_most(6280))]
#[bench::payload_n1_256_bytes_lanes_bus(args = ("payload", "N = 1, 256 bytes, Copy", "ringbus lanes EventBus"), config = at_most(440))]
#[bench::payload_n1_256_bytes_lanes_batch(args = ("payload", "N = 1, 256 bytes, Copy", "ringbus lanes batch"), config = at_most(195))]
#[bench::payload_n16_256_bytes_lanes_batch(args = ("payload", "N = 16, 256 bytes, Copy", "ringbus lanes batch"), config = at_most(3100))]
#[bench::payload_n1_1_kib_publisher(args = ("payload", "N = 1, 1 KiB, Copy", "ringbus Publisher"), config = at_most(830))]
#[bench::payload_n1_1_kib_lanes(args = ("payload", "N = 1, 1 KiB, Copy", "ringbus lanes Publisher"), config = at_most(645))]
#[bench::payload_n1_1_kib_raw(args = ("payload", "N = 1, 1 KiB, Copy", "raw ArrayQueue"))]
#[bench::routing_publisher(args = ("routing", "50 types", "ringbus Publisher"), config = at_most(345))]
#[bench::routing_bus(args = ("routing", "50 types", "ringbus EventBus"), config = at_most(460))]
#[bench::filter_publisher(args = ("filter", "8 subscribers", "ringbus Publisher"), config = at_most(600))]
#[bench::filter_crossbeam(args = ("filter", "8 subscribers", "crossbeam-channel"))]
fn round(mut contestant: Contestant) -> Contestant {
    black_box((contestant.round)());
    contestant
}

library_benchmark_group!(name = instructions, benchmarks = round);
main!(library_benchmark_groups = instructions);
