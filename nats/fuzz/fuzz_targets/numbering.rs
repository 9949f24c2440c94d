#![no_main]

libfuzzer_sys::fuzz_target!(|traffic: ringbus_nats_fuzz::Traffic| ringbus_nats_fuzz::check_numbering(&traffic));
