//! Programs that a configuration names, and whether this host can run them.

use std::{
    fs::{self, File},
    io::Read,
    os::unix::fs::FileTypeExt,
    path::{Path, PathBuf},
};

use nix::errno::Errno;

use super::host;
use crate::config::{
    Config, ConfigError, ConfigErrors, Located, Place, Script, insecure, unknown_user,
};

/// How much of a script the kernel reads to find its interpreter (execve(2)).
const FIRST_LINE: u64 = 256;

/// Sentences about programs that are told what happens and cannot be run, each with its place.
pub(crate) fn warnings(config: &Config) -> Vec<(&Place, String)> {
    let mut told: Vec<(&Located<Script>, String)> = Vec::new();
    for router in &config.routers {
        let nothing = |script| (script, format!("{} tells it nothing", router.name));
        told.extend(router.scripts.iter().map(|(_, script)| nothing(script)));
        let without = |script| (script, format!("{} becomes active without it", router.name));
        told.extend(router.before.iter().map(without));
    }
    for group in &config.groups {
        let nothing = |script| (script, format!("the group {} tells it nothing", group.name));
        told.extend(group.scripts.iter().map(|(_, script)| nothing(script)));
    }
    told.extend(config.scripts.iter().map(|(_, script)| (script, "it is told nothing".to_owned())));
    let mut warnings: Vec<(&Place, String)> = Vec::new();
    for (Located { place, value: script }, then) in told {
        // Two families of one virtual router say it once.
        if warnings.iter().all(|(told, _)| *told != place)
            && let Some(fault) = fault(&script.program.program, script.program.user.as_deref())
        {
            warnings.push((place, format!("{fault}; {then}")));
        }
    }
    warnings
}

/// The configuration, if nothing but a FIFO is where it has one, and no program runs as root that
/// others may change, where that is asked for.
///
/// # Errors
/// What is there instead; every such program.
pub(super) fn fit(config: Config) -> Result<Config, ConfigErrors> {
    if config.is_secure {
        let errors = insecure(&config).into_iter().map(|(place, fault)| {
            let advice = "have only root write there, or name a `user`";
            ConfigError::new(place.clone(), format!("{fault}; {advice}"))
        });
        let errors: Vec<ConfigError> = errors.collect();
        if !errors.is_empty() {
            return Err(ConfigErrors::from(errors));
        }
    }
    let Some(Located { place, value: path }) = &config.fifo else { return Ok(config) };
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_fifo() => {
            let message = format!(
                "{} is there and is no FIFO; remove it, or name another path",
                path.display()
            );
            Err(ConfigError::new(place.clone(), message).into())
        }
        // One that is not there is made.
        Ok(_) | Err(_) => Ok(config),
    }
}

/// Whether no FIFO could be made where the configuration has one.
pub(super) fn no_directory(config: &Config) -> Option<(&Place, String)> {
    let Located { place, value: path } = config.fifo.as_ref()?;
    let directory = path.parent()?;
    // The daemon makes the one of its control socket.
    if directory.is_dir() || config.control.parent() == Some(directory) {
        return None;
    }
    let message = format!(
        "the FIFO {} cannot be made, since there is no directory {}; make it, or vrrp does not \
         start",
        path.display(),
        directory.display()
    );
    Some((place, message))
}

/// Why `program` cannot be run by `user`, if one is named, as a sentence that can go on.
pub(super) fn fault(program: &Path, user: Option<&str>) -> Option<String> {
    let why = user.and_then(unknown_user).or_else(|| not_executable(program))?;
    Some(format!("{} cannot be run: {why}", program.display()))
}

/// Why this user may not execute the file, or what is missing to do so.
fn not_executable(program: &Path) -> Option<String> {
    if let Err(refused) = host::executable(program) {
        return Some(refused.desc().to_lowercase());
    }
    let line = first_line(program)?;
    let mut words = line.split_ascii_whitespace();
    let interpreter = Path::new(words.next()?);
    if let Err(refused) = host::executable(interpreter) {
        return Some(missing(&interpreter.display().to_string(), refused));
    }
    let name = words.next().filter(|_| interpreter.ends_with("env"))?;
    let is_plain = !name.starts_with('-') && !name.contains(['/', '=']);
    (is_plain && in_path(name).is_none()).then(|| missing(name, Errno::ENOENT))
}

fn missing(interpreter: &str, refused: Errno) -> String {
    format!("its interpreter {interpreter}: {}", refused.desc().to_lowercase())
}

/// The first line of a script after its #!, as far as the kernel reads it.
fn first_line(program: &Path) -> Option<String> {
    let mut start = Vec::new();
    File::open(program).ok()?.take(FIRST_LINE).read_to_end(&mut start).ok()?;
    let line = start.strip_prefix(b"#!")?.split(|octet| *octet == b'\n').next()?;
    Some(String::from_utf8_lossy(line).into_owned())
}

/// The program called `name` that this process would find.
fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut found = std::env::split_paths(&path).map(|directory| directory.join(name));
    found.find(|program| host::executable(program).is_ok())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn script(text: &str) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("notify");
        fs::write(&program, text).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        (directory, program)
    }

    fn why(text: &str) -> Option<String> {
        let (_directory, program) = script(text);
        fault(&program, None).map(|fault| fault.split_once("run: ").unwrap().1.to_owned())
    }

    #[test]
    fn an_interpreter_that_is_missing_is_named() {
        assert_eq!(why("#!/bin/sh\nexit 0\n"), None);
        assert_eq!(why("#! /bin/sh -e"), None);
        assert_eq!(why("no script, as far as can be seen"), None);
        let missing =
            |name: &str| Some(format!("its interpreter {name}: no such file or directory"));
        assert_eq!(why("#!/nonexistent/bash -e\n"), missing("/nonexistent/bash"));
        assert_eq!(why("#!/usr/bin/env no-such-shell\n"), missing("no-such-shell"));
        assert_eq!(why("#!/usr/bin/env sh\n"), None);
    }

    #[test]
    fn a_user_who_is_missing_is_named() {
        let (_directory, program) = script("#!/bin/sh\n");
        let of = |user: &str| fault(&program, Some(user));
        assert_eq!(of("root"), None);
        let fault = of("no-such-user").unwrap();
        assert!(fault.ends_with("there is no user \"no-such-user\" on this host"), "{fault}");
    }

    #[test]
    fn a_fifo_needs_a_directory_and_nothing_else_in_its_place() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("events");
        let at = |path: &Path| {
            let text = format!(
                "[[virtual_router]]\ninterface = \"eth0\"\nvrid = 51\naddresses = \
                 [\"192.0.2.10\"]\n[daemon]\nnotify_fifo = {path:?}\n"
            );
            Config::parse(Path::new("f.toml"), &text).unwrap()
        };
        assert!(fit(at(&path)).is_ok() && no_directory(&at(&path)).is_none());
        assert!(no_directory(&at(Path::new("/run/vrrp/events"))).is_none());
        let deep = at(&path.join("deep"));
        let (place, said) = no_directory(&deep).unwrap();
        assert!(said.contains("there is no directory"), "{said}");
        assert_eq!(place.to_string(), "f.toml:6:15");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRUSR).unwrap();
        assert!(fit(at(&path)).is_ok());
        fs::remove_file(&path).unwrap();
        fs::write(&path, "").unwrap();
        let error = fit(at(&path)).unwrap_err().to_string();
        assert!(error.starts_with("f.toml:6:15: ") && error.contains("is no FIFO"), "{error}");
    }

    #[test]
    fn what_cannot_be_run_is_told_once_with_what_follows() {
        let text = r#"
[[virtual_router]]
name = "web"
interface = "eth0"
vrid = 51
addresses = ["192.0.2.10/24", "2001:db8::10"]
notify = ["/nonexistent/a"]
before_active = ["/nonexistent/b"]

[[group]]
name = "all"
members = ["web"]
notify_stop = ["/tmp"]

[daemon]
notify_fault = { command = ["/bin/sh"], user = "no-such-user" }
"#;
        let config = Config::parse(Path::new("f.toml"), text).unwrap();
        let found: Vec<String> = warnings(&config)
            .into_iter()
            .map(|(place, message)| format!("{place}: {message}"))
            .collect();
        let expected = [
            "f.toml:7:10: /nonexistent/a cannot be run: no such file or directory; web tells it \
             nothing",
            "f.toml:8:17: /nonexistent/b cannot be run: no such file or directory; web becomes \
             active without it",
            "f.toml:13:15: /tmp cannot be run: is a directory; the group all tells it nothing",
            "f.toml:16:16: /bin/sh cannot be run: there is no user \"no-such-user\" on this host; \
             it is told nothing",
        ];
        assert_eq!(found, expected);
    }
}
