#![no_main]

libfuzzer_sys::fuzz_target!(|names: Vec<String>| ringbus_fuzz::names::check_event_types(&names));
