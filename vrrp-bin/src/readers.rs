//! The readers of configurations, for fuzz targets and tests: what they promise for any text.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

use crate::{
    config::{
        Config, ConfigErrors, Place,
        effective::{Effective, Secrets},
    },
    convert,
    import::{environment, keepalived},
};

/// A name for the file that is read, and a directory that nothing is in.
const NOWHERE: &str = "/nonexistent";

/// Reads `text` as a configuration file.
///
/// No other file is opened: those that `text` names are replaced by two that are always the same.
///
/// # Panics
/// If a promise of the readers is broken. A configuration that can be used has a virtual router,
/// and the effective configuration means the same. One that cannot be used is answered by
/// sentences, each in a line of its own.
pub fn toml(text: &str) {
    check(parse(text));
}

/// Reads lines of `NAME=VALUE` as an environment, where `\n` in a value is the end of a line; or
/// all of `text`, if it starts with `---`, as a YAML file of variables.
///
/// No other file is opened, as in [`toml()`]; of keepalived's there is one with variables in it and
/// one without, which variables can name.
///
/// # Panics
/// If a promise of the readers is broken, as in [`toml()`]. Whatever an environment may say, a file
/// may say too.
pub fn environment(text: &str) {
    let reading = if text.starts_with("---") {
        environment::read_yaml(text, read_file)
    } else {
        let variables = text.lines().filter_map(|line| line.split_once('='));
        let variables =
            variables.map(|(name, value)| (name.into(), value.replace("\\n", "\n").into()));
        let process: Vec<(OsString, OsString)> = variables.collect();
        environment::read_from(process, Path::new(NOWHERE), read_file)
    };
    for note in &reading.notes {
        assert_one_line(&note.to_string());
    }
    match reading.config {
        // A file of keepalived's may be of use without a virtual router.
        Ok(config) if config.routers.is_empty() && matches!(config.origin, Place::File(..)) => {}
        result => check(result),
    }
}

/// Reads `text` as a file of keepalived's.
///
/// Of the files that it includes, none is there.
///
/// # Panics
/// If a promise of the readers is broken, as in [`toml()`]; but a file of keepalived's may be of
/// use without a virtual router. Whatever it says of one, a file of ours may say too.
pub fn keepalived(text: &str) {
    let reading = keepalived::read_text(Path::new("/nonexistent/keepalived.conf"), text, read_file);
    for note in &reading.notes {
        assert_one_line(&note.to_string());
    }
    match reading.config {
        Ok(config) if config.routers.is_empty() => {}
        result => {
            if let Ok(config) = &result {
                check_converted(config);
            }
            check(result);
        }
    }
}

/// The file that `vrrp convert` writes means the same, passwords too.
fn check_converted(config: &Config) {
    let meaning =
        |config: &Config| serde_json::to_string(&Effective::new(config, Secrets::Written));
    match convert::written(config) {
        // A password that is no text.
        Err(errors) => errors.iter().for_each(|error| assert_one_line(&error.to_string())),
        Ok(text) => match parse(&text) {
            Ok(again) => assert_eq!(meaning(&again).ok(), meaning(config).ok(), "{text}"),
            Err(errors) => panic!("what was converted cannot be read:\n{text}\n{errors}"),
        },
    }
}

fn check(result: Result<Config, ConfigErrors>) {
    match result {
        Err(errors) => errors.iter().for_each(|error| assert_one_line(&error.to_string())),
        Ok(config) => check_effective(&config),
    }
}

/// The effective configuration is a file that is read back to the same.
fn check_effective(config: &Config) {
    assert!(!config.routers.is_empty(), "a configuration of nothing");
    let text = effective(config);
    match parse(&text) {
        Ok(again) => assert_eq!(effective(&again), text),
        Err(errors) => panic!("the effective configuration cannot be read:\n{text}\n{errors}"),
    }
}

fn effective(config: &Config) -> String {
    match ::toml::to_string(&Effective::from(config)) {
        Ok(text) => text,
        Err(error) => panic!("the effective configuration cannot be written: {error}"),
    }
}

fn parse(text: &str) -> Result<Config, ConfigErrors> {
    Config::parse_with(&PathBuf::from(NOWHERE).join("vrrp.toml"), text, read_file)
}

/// What a text says must not look like a line of its own in a log or on a terminal.
fn assert_one_line(sentence: &str) {
    assert!(!sentence.contains(char::is_control), "this is more than a line: {sentence:?}");
}

/// A file of keepalived's, and one in which variables stand.
const MOUNTED: &[u8] = b"vrrp_instance VI_1 {
 interface eth0
 virtual_router_id 51
 virtual_ipaddress {
  192.0.2.10
 }
}
";
const TEMPLATE: &[u8] = b"vrrp_instance VI_1 {
 interface ${KEEPALIVED_INTERFACE}
 virtual_router_id ${KEEPALIVED_ROUTER_ID}${ROUTER_ID}
 unicast_peer {
  ${KEEPALIVED_UNICAST_PEERS}
 }
 virtual_ipaddress {
  ${KEEPALIVED_VIRTUAL_IPS}
 }
 ${KEEPALIVED_NOTIFY}
}
";

/// `password` holds a password and `peers` two addresses, in every directory, `mounted.conf` and
/// `mounted.template` are files of keepalived's; nothing else is there.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    match path.file_name().and_then(|name| name.to_str()) {
        Some("password") => Ok(b"secret\n".to_vec()),
        Some("peers") => Ok(b"192.0.2.2\n192.0.2.3\n".to_vec()),
        Some("mounted.conf") => Ok(MOUNTED.to_vec()),
        Some("mounted.template") => Ok(TEMPLATE.to_vec()),
        _ => Err(io::ErrorKind::NotFound.into()),
    }
}
