//! Any variables as a configuration: what an environment may say, a file may say too.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        vrrp_bin::readers::environment(text);
    }
});
