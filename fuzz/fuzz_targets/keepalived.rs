//! Any text as a file of keepalived's: what it may say, a file of ours may say too.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        vrrp_bin::readers::keepalived(text);
    }
});
