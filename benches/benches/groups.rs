//! The same work under criterion: `cargo bench -p ringbus-benches`.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ringbus_benches::groups;
use std::time::Duration;

fn benchmark(criterion: &mut Criterion) {
    for case in groups::cases() {
        let mut group = criterion.benchmark_group(case.group);
        for mut contestant in (case.contestants)() {
            let tally = (contestant.round)();
            group.throughput(Throughput::Elements(tally.operations));
            group.bench_function(BenchmarkId::new(contestant.name, &case.name), |bencher| {
                bencher.iter_custom(|rounds| {
                    let begun = std::time::Instant::now();
                    let mut timed = None;
                    for _ in 0..rounds {
                        // Rounds that have parts which do not count time themselves.
                        if let Some(nanos) = (contestant.round)().nanos {
                            *timed.get_or_insert(0) += nanos;
                        }
                    }
                    timed.map_or_else(|| begun.elapsed(), Duration::from_nanos)
                });
            });
        }
        group.finish();
    }
}

criterion_group! {
    name = all;
    config = Criterion::default().warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1)).sample_size(20);
    targets = benchmark
}
criterion_main!(all);
