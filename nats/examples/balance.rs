//! What becomes of every event when something goes wrong? Makes each of the faults that the tests
//! make, and prints what was counted as the table of the README.
//!
//! `cargo run --example balance`, with a part of a fault's name for those alone. The servers are
//! those that `ci/setup.sh` gets, or the one of `NATS_SERVER`.

#[path = "../tests/harness/mod.rs"]
mod harness;
#[path = "../tests/faults/scenarios.rs"]
mod scenarios;

use ringbus_nats::{ExportStats, OriginCounts};
use scenarios::{Balance, FAULTS};
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The servers there are: programs, and what they are.
fn servers() -> Vec<PathBuf> {
    if let Some(server) = env::var_os("NATS_SERVER") {
        return vec![server.into()];
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("server");
    ["pypi", "debian"]
        .map(|kind| folder.join(kind).join("nats-server"))
        .into_iter()
        .filter(|path| path.exists())
        .collect()
}

fn row(fault: &str, balance: &Balance) -> String {
    let ExportStats { offered, ring_dropped, expired, unencodable, sent, .. } = balance.export;
    let OriginCounts { before_join, received, gap, published, undecodable, .. } = balance.import;
    // Of those that were sent, the part that was never heard of.
    let unknown = sent - balance.import.sent;
    format!(
        "| {fault} | {offered} | {ring_dropped} | {expired} | {unencodable} | {sent} | {before_join} | {gap} | {unknown} | \
         {received} | {undecodable} | {published} |"
    )
}

#[tokio::main]
async fn main() {
    let part = env::args().nth(1).unwrap_or_default();
    let servers = servers();
    assert!(!servers.is_empty(), "there is no server: ci/setup.sh gets two");
    for server in servers {
        let version = Command::new(&server).arg("--version").output().expect("the server runs");
        println!("\n{}\n", String::from_utf8_lossy(&version.stdout).trim());
        println!(
            "| fault | offered | ring-dropped | expired | unencodable | sent | before join | gap | unknown | \
             received | undecodable | published |"
        );
        println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
        harness::server::use_program(&server);
        for fault in FAULTS.iter().filter(|fault| fault.name.contains(&part)) {
            // Panics unless each event is accounted for.
            for balance in (fault.run)().await {
                println!("{}", row(fault.name, &balance));
            }
        }
    }
}
