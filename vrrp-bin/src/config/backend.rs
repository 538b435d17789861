//! `backend` and `lease`: who holds the addresses, and until when.

use std::{path::PathBuf, time::Duration};

use vrrp_core::Reach;

use super::{
    keys::{self, nearest},
    problem::Problems,
    section::{Item, Section},
};

/// What a command looks like, for sentences.
const EXAMPLE: &str = "[\"/usr/local/bin/move-ip\"]";
/// How long a command may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How neighbours find what a command holds.
const REACHES: &[(&str, Reach)] = &[("routed", Reach::Routed), ("on-link", Reach::OnLink)];

/// Who holds the addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// The kernel.
    Kernel {
        /// Whether they expire when this daemon dies or hangs.
        lease: bool,
    },
    /// A program.
    Command(Command),
}

/// A program that moves the addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) timeout: Duration,
    pub(crate) reach: Reach,
}

/// Reads `backend` and `lease` of a virtual router.
pub(super) fn read(section: &Section<'_>, problems: &mut Problems) -> Option<Backend> {
    let lease = section.or("lease", true, |item| item.bool(problems));
    let kernel = |lease: bool| Backend::Kernel { lease };
    let Some(item) = section.get("backend") else { return lease.map(kernel) };
    match item.as_text() {
        Some("kernel") => return lease.map(kernel),
        Some(text) => {
            let advice = match nearest(text, &["kernel"]) {
                Some(word) => format!("did you mean {word:?}?"),
                None => format!("write \"kernel\", or {{ command = {EXAMPLE} }}"),
            };
            problems.add(item.at, format!("`backend` is {text:?}; {advice}"));
            return None;
        }
        None => {}
    }
    let Some(backend) = item.as_section(&keys::BACKEND, problems) else {
        item.wrong_type(problems, "\"kernel\" or a table", &format!("{{ command = {EXAMPLE} }}"));
        return None;
    };
    if let Some(lease) = section.get("lease") {
        let message = "`lease` belongs to addresses of the kernel; what a command holds does not \
            end by itself, so remove it";
        problems.add(lease.at, message);
    }
    command(&backend, problems).map(Backend::Command)
}

fn command(section: &Section<'_>, problems: &mut Problems) -> Option<Command> {
    let missing = || format!("this backend has no `command`; add for example command = {EXAMPLE}");
    let command =
        section.required("command", missing, problems).and_then(|item| words(item, problems));
    let timeout = section.or("timeout", TIMEOUT, |item| timeout(item, problems));
    let reach = section
        .or("reach", Reach::Routed, |item| item.choice(problems, REACHES).map(|reach| reach.value));
    let (program, arguments) = command?;
    Some(Command { program, arguments, timeout: timeout?, reach: reach? })
}

/// The program and its arguments.
fn words(item: Item<'_>, problems: &mut Problems) -> Option<(PathBuf, Vec<String>)> {
    let list = item.list(problems, EXAMPLE)?;
    let words: Option<Vec<String>> = list.iter().map(|word| self::word(*word, problems)).collect();
    let mut words = words?.into_iter();
    let Some(program) = words.next() else {
        problems.add(
            item.at,
            format!("`command` names no program; write for example command = {EXAMPLE}"),
        );
        return None;
    };
    if !program.starts_with('/') {
        let message = format!(
            "`command` begins with {program:?}; write the absolute path of a program, as in \
             command = {EXAMPLE}"
        );
        problems.add(list.first().map_or(item.at, |word| word.at), message);
        return None;
    }
    Some((PathBuf::from(program), words.collect()))
}

fn word(item: Item<'_>, problems: &mut Problems) -> Option<String> {
    let Some(text) = item.as_text() else {
        item.wrong_type(problems, "a list of texts", EXAMPLE);
        return None;
    };
    if text.contains('\0') {
        problems
            .add(item.at, "`command` holds a NUL character, which no argument can have; remove it");
        return None;
    }
    Some(text.to_owned())
}

fn timeout(item: Item<'_>, problems: &mut Problems) -> Option<Duration> {
    let timeout = item.duration(problems, "30s")?.value;
    if timeout.is_zero() {
        problems.add(
            item.at,
            "`timeout` is no time at all; write how long the program may take, such as \"30s\"",
        );
        return None;
    }
    Some(timeout)
}

/// How neighbours find the addresses, as a file says it.
pub(super) fn reach_word(reach: Reach) -> &'static str {
    REACHES.iter().find(|(_, known)| *known == reach).map_or("routed", |(word, _)| *word)
}
