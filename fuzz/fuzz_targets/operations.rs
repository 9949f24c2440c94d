#![no_main]

libfuzzer_sys::fuzz_target!(|scenario: ringbus_fuzz::Scenario| ringbus_fuzz::compare(&scenario));
