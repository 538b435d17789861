//! Any text as a configuration file: what is read is read back, and what is refused is named.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        vrrp_bin::readers::toml(text);
    }
});
