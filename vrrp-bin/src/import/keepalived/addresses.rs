//! `virtual_ipaddress` and its companion: `ADDRESS[/LENGTH] [brd A|+|-] [dev IF] [scope S] [label L]`.

use vrrp_core::{Cidr, Family};
use vrrp_net::{VirtualAddress, backend::Scope};

use super::{blocks::Statement, report::Report, words::Word};
use crate::config::{List, Located, Notation, Wrong, broadcast, interface_fault, nearest, unfit};

/// What may follow an address, each with a value.
const OPTIONS: &[&str] = &["dev", "brd", "broadcast", "scope", "label"];
/// What keepalived knows besides, and whether a value follows.
const LEFT_OUT: &[(&str, bool)] = &[
    ("peer", true),
    ("home", false),
    ("-nodad", false),
    ("mngtmpaddr", false),
    ("noprefixroute", false),
    ("autojoin", false),
    ("no_track", false),
    ("track_group", true),
    ("preferred_lft", true),
    ("use_vmac", false),
];

/// The addresses of a block: those of `family`, or of the first one's where it is open.
pub(super) fn read(
    statement: &Statement,
    mut family: Option<Family>,
    report: &mut Report,
) -> List<VirtualAddress> {
    let mut list = List::new(statement.place());
    for entry in statement.inner() {
        let Ok(address) = address(entry, report) else { continue };
        let own = Family::of(address.cidr.address());
        if *family.get_or_insert(own) == own {
            list.entries.push(Ok(Located::new(entry.place(), address)));
        } else {
            let message = format!(
                "{} is left out: the addresses of a virtual router of keepalived's are of the \
                 family of the first; list it in virtual_ipaddress_excluded",
                address.cidr.address()
            );
            report.warn(&entry.place(), message);
        }
    }
    list
}

/// The addresses of a block, of both families.
pub(super) fn read_both(statement: &Statement, report: &mut Report) -> List<VirtualAddress> {
    let mut list = List::new(statement.place());
    for entry in statement.inner() {
        let address = address(entry, report);
        list.entries.extend(address.map(|address| Ok(Located::new(entry.place(), address))));
    }
    list
}

fn address(entry: &Statement, report: &mut Report) -> Result<VirtualAddress, Wrong> {
    let mut words = entry.words.iter();
    let Some(first) = words.next() else { return Err(Wrong) };
    let cidr: Cidr = match first.text.parse() {
        Ok(cidr) => cidr,
        Err(error) => {
            let message = format!("{}; it is left out", unfit(&first.text, error));
            return report.skip(&first.place, message);
        }
    };
    let mut address = VirtualAddress::from(cidr);
    while let Some(word) = words.next() {
        let left_out = LEFT_OUT.iter().find(|(known, _)| *known == word.text);
        if let Some((_, has_value)) = left_out {
            if *has_value {
                words.next();
            }
            let message = format!("`{}` of an address is not supported and left out", word.text);
            report.warn(&word.place, message);
        } else if OPTIONS.contains(&&*word.text) {
            set(&mut address, word, words.next(), report);
        } else {
            let advice = nearest(&word.text, OPTIONS)
                .map_or(String::new(), |option| format!("; did you mean `{option}`?"));
            let message = format!(
                "{:?} is left out: it is nothing that may follow an address on its line{advice}",
                word.text
            );
            report.warn(&word.place, message);
        }
    }
    Ok(address)
}

/// Sets an option of a virtual address; one that is wrong is told, and left out.
fn set(address: &mut VirtualAddress, option: &Word, value: Option<&Word>, report: &mut Report) {
    let Some(value) = value else {
        let message = format!("`{}` has no value and is left out; write one", option.text);
        return report.warn(&option.place, message);
    };
    let text = value.text.as_str();
    let fault = match &*option.text {
        "dev" => match interface_fault(text, Notation::Keepalived) {
            Some(fault) => Some(format!("this is {text:?}, {fault}")),
            None => {
                address.interface = Some(text.into());
                None
            }
        },
        "scope" | "label" if address.cidr.address().is_ipv6() => {
            (text != Scope::GLOBAL.to_string()).then(|| "it is for IPv4 alone".to_owned())
        }
        "scope" => take(text.parse(), &mut address.scope),
        "label" => take(text.parse().map(Some), &mut address.label),
        _ => take(broadcast(text, address.cidr).map(Some), &mut address.broadcast),
    };
    if let Some(fault) = fault {
        report.warn(&value.place, format!("`{} {text}` is left out: {fault}", option.text));
    }
}

/// Puts a value in its place, or says what is wrong with it.
fn take<T, E: ToString>(value: Result<T, E>, place: &mut T) -> Option<String> {
    match value {
        Ok(value) => {
            *place = value;
            None
        }
        Err(error) => Some(error.to_string()),
    }
}
