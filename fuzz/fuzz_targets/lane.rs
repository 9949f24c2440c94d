#![no_main]

libfuzzer_sys::fuzz_target!(|scenario: ringbus_fuzz::LaneScenario| ringbus_fuzz::compare_lane(&scenario));
