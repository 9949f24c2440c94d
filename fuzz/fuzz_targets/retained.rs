#![no_main]

libfuzzer_sys::fuzz_target!(|scenario: ringbus_fuzz::RetainedScenario| ringbus_fuzz::compare_retained(&scenario));
