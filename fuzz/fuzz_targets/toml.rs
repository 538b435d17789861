//! Any text as a configuration file: it is a configuration, or there are sentences about it.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| vrrp_bin::fuzzing::toml(text));
