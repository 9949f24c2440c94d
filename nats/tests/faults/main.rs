//! Each fault prints its balance, and fails unless that holds to the event: B2, B3, B7. The server
//! is the one of `NATS_SERVER`, or that of `ci/setup.sh`.

#[path = "../harness/mod.rs"]
mod harness;
mod scenarios;

macro_rules! each_survives {
    ($($scenario:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $scenario() {
            for balance in scenarios::$scenario().await {
                println!("{balance}");
            }
        }
    )*

        /// The program `balance` shows what is tested, and nothing else.
        #[test]
        fn all_are_in_the_table() {
            assert_eq!([$(stringify!($scenario)),*].len(), scenarios::FAULTS.len());
        }
    };
}

each_survives! {
    server_killed_and_restarted
    server_killed_and_restarted_held
    server_frozen_briefly
    server_frozen_for_long
    line_cut_at_exporter
    line_cut_at_importer
    line_cut_at_both
    ten_reconnects
    small_client_queue
    small_ring_newest
    small_ring_oldest
    backlog_before_start
    importer_starts_late
    sink_comes_back
    both_publish
    messages_too_long
    codec_panics
    garbage
    two_bridges
    node_gone_for_good
}
