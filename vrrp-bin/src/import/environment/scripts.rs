//! `VRRP_NOTIFY` and `VRRP_NOTIFY_FIFO`, which every style has, and the notify script of osixia's
//! image.

use std::path::Path;

use super::{
    common::program,
    reader::{Empty, Reader},
};
use crate::config::{
    Draft, Found, Located, NOTIFY_LIMIT, Place, Plan, Script, Scripts, Told, Wrong,
};

/// The script of osixia's image.
const OF_THE_IMAGE: &str = "/container/service/keepalived/assets/notify.sh";
/// The script of ednxzu's image.
const OF_EDNXZU: &str = "/notify.sh";
/// What older versions of that image call it, and what newer ones do.
const OSIXIA: [&str; 2] = ["KEEPALIVED_NOTIFY", "KEEPALIVED_NOTIFY_SCRIPT"];

/// Reads who is told the states of all.
pub(super) fn fill(plan: &mut Plan, reader: &mut Reader) {
    plan.scripts = notify("VRRP_NOTIFY", Empty::Wrong, reader);
    // A file of keepalived's may name one.
    let fifo = reader.path("VRRP_NOTIFY_FIFO");
    if !matches!(fifo, Found::Absent) {
        plan.fifo = fifo;
    }
}

/// The script that osixia's image would put into its file.
pub(super) fn named_by_osixia(reader: &mut Reader) -> Option<String> {
    OSIXIA.into_iter().find_map(|name| {
        if is_left_out(name, reader) {
            return None;
        }
        reader.text(name, Empty::Absent).value().map(|found| found.value.clone())
    })
}

/// Reads who is told the states of osixia's virtual router.
pub(super) fn osixia(draft: &mut Draft, reader: &mut Reader) {
    for name in OSIXIA {
        if is_left_out(name, reader) {
            continue;
        }
        let found = notify(name, Empty::Absent, reader);
        if let (Some(first), Some(second)) = (draft.scripts.value(), found.value())
            && first.get(Told::All) != second.get(Told::All)
        {
            let message = format!("{} names another script; remove one of the two", OSIXIA[0]);
            reader.error(name, message);
        }
        if matches!(draft.scripts, Found::Absent) {
            draft.scripts = found;
        }
    }
}

/// Reads who is told the states of ednxzu's virtual router. The image's own script is there where
/// somebody has put one.
pub(super) fn ednxzu(reader: &mut Reader) -> Found<Scripts> {
    let name = "NOTIFY";
    if reader.is_empty(name) && !Path::new(OF_EDNXZU).exists() {
        return Found::Absent;
    }
    let path = reader.text(name, Empty::Absent);
    path.or(Located::new(Place::variable(name), OF_EDNXZU.to_owned()))
        .and_then(|path| all(path, name, reader))
}

/// Whether `name` names the script of the image where that is not there.
fn is_left_out(name: &str, reader: &mut Reader) -> bool {
    let names_it = reader.plain(name).is_some_and(|path| path.trim() == OF_THE_IMAGE);
    let left_out = names_it && !Path::new(OF_THE_IMAGE).exists();
    if left_out {
        let message = "the image's script only logs and is not run: vrrp logs transitions itself";
        reader.info(name, message);
    }
    left_out
}

/// The program in `name`, which is told all states.
fn notify(name: &str, empty: Empty, reader: &mut Reader) -> Found<Scripts> {
    reader.text(name, empty).and_then(|command| all(command, name, reader))
}

/// A program that is told all states.
fn all(command: Located<String>, name: &str, reader: &mut Reader) -> Result<Scripts, Wrong> {
    let Located { place, value: text } = command;
    match program(&text) {
        Ok(program) => {
            let mut scripts = Scripts::default();
            let script = Script { program, timeout: NOTIFY_LIMIT };
            scripts.set(Told::All, Located::new(place, script));
            Ok(scripts)
        }
        Err(message) => reader.wrong(name, message),
    }
}
