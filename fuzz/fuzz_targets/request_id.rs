#![no_main]

libfuzzer_sys::fuzz_target!(|names: Vec<ringbus_fuzz::names::IdName>| ringbus_fuzz::names::check_request_ids(&names));
