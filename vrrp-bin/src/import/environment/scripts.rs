//! `VRRP_NOTIFY` and `VRRP_NOTIFY_FIFO`, which every style has, and the notify script of osixia's
//! image.

use std::path::Path;

use super::{
    common::program,
    reader::{Empty, Reader},
};
use crate::config::{Draft, Found, Located, NOTIFY_LIMIT, Plan, Script, Scripts, Told};

/// The script of osixia's image.
const OF_THE_IMAGE: &str = "/container/service/keepalived/assets/notify.sh";
/// What older versions of that image call it, and what newer ones do.
const OSIXIA: [&str; 2] = ["KEEPALIVED_NOTIFY", "KEEPALIVED_NOTIFY_SCRIPT"];

/// Reads who is told the states of all.
pub(super) fn fill(plan: &mut Plan, reader: &mut Reader) {
    plan.scripts = notify("VRRP_NOTIFY", Empty::Wrong, reader);
    plan.fifo = reader.path("VRRP_NOTIFY_FIFO");
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

fn notify(name: &str, empty: Empty, reader: &mut Reader) -> Found<Scripts> {
    reader.text(name, empty).and_then(|Located { place, value: text }| match program(&text) {
        Ok(program) => {
            let mut scripts = Scripts::default();
            let script = Script { program, timeout: NOTIFY_LIMIT };
            scripts.set(Told::All, Located::new(place, script));
            Ok(scripts)
        }
        Err(message) => reader.wrong(name, message),
    })
}
