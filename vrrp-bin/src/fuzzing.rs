//! The readers, as fuzz targets call them: whatever they are given, they answer with a configuration
//! or with sentences.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
    path::Path,
};

use crate::{config::Config, import::environment};

/// Reads `text` as a configuration file. No password file is opened: the folder does not exist.
pub fn toml(text: &str) {
    let path = Path::new("/nonexistent/vrrp.toml");
    match Config::parse(path, text) {
        Ok(config) => assert!(!config.routers.is_empty(), "nothing to do, and no mistake"),
        Err(errors) => assert_is_told(&errors.to_string()),
    }
}

/// Reads an environment: variables with their values, a line each, as `env` prints them.
pub fn environment(lines: &[u8]) {
    let variable = |line: &[u8]| -> Option<(OsString, OsString)> {
        let at = line.iter().position(|octet| *octet == b'=')?;
        let (name, value) = (line.get(..at)?, line.get(at.saturating_add(1)..)?);
        Some((OsStr::from_bytes(name).into(), OsStr::from_bytes(value).into()))
    };
    let variables = lines.split(|octet| *octet == b'\n').filter_map(variable);
    let reading = environment::read_from(variables, Path::new("/nonexistent"));
    for note in &reading.notes {
        assert_is_told(&note.to_string());
    }
    match reading.config {
        Ok(config) => assert!(!config.routers.is_empty(), "nothing to do, and no mistake"),
        Err(errors) => assert_is_told(&errors.to_string()),
    }
}

/// Whether it is a sentence: it says where, and something.
fn assert_is_told(text: &str) {
    assert!(text.lines().all(|line| line.contains(": ")) && !text.is_empty(), "{text:?}");
}
