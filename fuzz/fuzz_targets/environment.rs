//! Any environment, a variable on each line: it is a configuration, or there are sentences about it.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|lines: &[u8]| vrrp_bin::fuzzing::environment(lines));
