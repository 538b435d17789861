//! `[daemon]`: what belongs to the process and to no virtual router.

use std::path::PathBuf;

use vrrp_net::Realtime;

use super::{
    CONTROL, keys,
    problem::{At, Problems},
    section::{Item, Optional, Section},
};

/// What `[daemon]` says.
pub(super) struct Daemon {
    pub(super) control: PathBuf,
    pub(super) realtime: Option<At<Realtime>>,
}

/// Reads `[daemon]` of a file, which may have none.
pub(super) fn read(file: &Section<'_>, problems: &mut Problems) -> Daemon {
    let mut daemon = Daemon { control: PathBuf::from(CONTROL), realtime: None };
    let Some(item) = file.get("daemon") else { return daemon };
    let Some(section) = item.as_section(&keys::DAEMON, problems) else {
        problems.add(item.at, "`daemon` is a table; write [daemon] above its keys");
        return daemon;
    };
    if let Some(path) = section.get("control").and_then(|item| control(item, problems)) {
        daemon.control = path;
    }
    daemon.realtime = section.get("realtime").and_then(|item| realtime(item, problems)).flatten();
    daemon
}

/// A path that fits into the address of a Unix socket.
fn control(item: Item<'_>, problems: &mut Problems) -> Option<PathBuf> {
    let text = item.text(problems, CONTROL)?.value;
    if !text.starts_with('/') || text.len() > 107 || text.contains('\0') {
        let message = format!(
            "`control` is {text:?}; write an absolute path of at most 107 octets, such as \
             {CONTROL:?}"
        );
        problems.add(item.at, message);
        return None;
    }
    Some(PathBuf::from(text))
}

/// A priority of the driver's thread; 0 is none.
fn realtime(item: Item<'_>, problems: &mut Problems) -> Optional<At<Realtime>> {
    let rule = "write a real-time priority from 1 to 99, or 0 for none";
    let number: At<u8> = item.number(problems, rule, 50)?;
    if number.value == 0 {
        return Some(None);
    }
    let message = |_| format!("`realtime` is {}; {rule}", number.value);
    let value = problems.check(item.at, Realtime::try_from(number.value), message)?;
    Some(Some(At { at: item.at, value }))
}
