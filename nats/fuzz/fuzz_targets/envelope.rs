#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ringbus_nats_fuzz::check_envelope(bytes));
