#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| entrepot_fuzz::targets::inbound(bytes));
