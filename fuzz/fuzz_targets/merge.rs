#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hss_sync_fuzz::merge::check(data));
