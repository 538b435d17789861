//! The network namespace that the daemon works in, by its name (ip-netns(8)).

use std::{
    fs::{self, File},
    io,
    path::Path,
};

use nix::{
    errno::Errno,
    sched::{CloneFlags, setns},
};

use crate::config::{describe, nearest};

/// Where namespaces have their names; the second is where older hosts have them.
const DIRECTORIES: [&str; 2] = ["/run/netns", "/var/run/netns"];

/// Moves this thread, and those that it starts from now on, into the network namespace `name`.
/// Threads that are there already stay where they are.
///
/// # Errors
/// Why it may not, or that there is none of this name, as a sentence.
pub(crate) fn enter(name: &str) -> Result<(), String> {
    enter_in(&DIRECTORIES, name)
}

fn enter_in(directories: &[&str], name: &str) -> Result<(), String> {
    let namespace = open(directories, name)?.ok_or_else(|| missing(directories, name))?;
    setns(namespace, CloneFlags::CLONE_NEWNET).map_err(|refused| match refused {
        Errno::EPERM => format!(
            "the network namespace {name} cannot be entered: this user lacks CAP_SYS_ADMIN; run \
             vrrp as root or grant CAP_SYS_ADMIN"
        ),
        // What was mounted there is gone, and the file is left.
        Errno::EINVAL => format!(
            "{name} is no network namespace any more; remove it and make it anew with `ip netns \
             delete {name}` and `ip netns add {name}`"
        ),
        other => {
            let why = other.desc().to_lowercase();
            format!("the network namespace {name} cannot be entered: {why}; run vrrp as root")
        }
    })
}

/// The file of the namespace, in the first of `directories` that has one.
fn open(directories: &[&str], name: &str) -> Result<Option<File>, String> {
    for directory in directories {
        match File::open(Path::new(directory).join(name)) {
            Ok(file) => return Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let why = describe(&error);
                return Err(format!(
                    "the network namespace {name} cannot be opened: {why}; run vrrp as root"
                ));
            }
        }
    }
    Ok(None)
}

fn missing(directories: &[&str], name: &str) -> String {
    let entries = directories.iter().filter_map(|directory| fs::read_dir(directory).ok());
    let names = entries.flatten().flatten().map(|entry| entry.file_name());
    let mut names: Vec<String> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    names.dedup();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let advice = match nearest(name, &names) {
        Some(near) => format!("did you mean {near}?"),
        None if names.is_empty() => format!("make it with `ip netns add {name}`"),
        None => format!("there are {}", names.join(", ")),
    };
    format!("there is no network namespace {name} on this host; {advice}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_namespace_is_said_to_be_none() {
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path().to_str().unwrap();
        let none = format!("{at}/none");
        let said = |name| enter_in(&[&none, at], name).unwrap_err();
        let absent = "there is no network namespace blue on this host; ";
        assert_eq!(said("blue"), format!("{absent}make it with `ip netns add blue`"));
        for name in ["red", "yellow"] {
            fs::write(directory.path().join(name), "").unwrap();
        }
        assert_eq!(said("blue"), format!("{absent}there are red, yellow"));
        assert_eq!(
            said("rad"),
            "there is no network namespace rad on this host; did you mean red?"
        );
        assert!(
            said("red").starts_with("red is no network namespace any more; "),
            "{}",
            said("red")
        );
    }
}
