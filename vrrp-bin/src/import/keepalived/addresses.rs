//! `virtual_ipaddress` and its companion: `ADDRESS[/LENGTH] [brd A|+|-] [dev IF] [scope S] [label L]`.

use vrrp_core::{Cidr, Family};
use vrrp_net::VirtualAddress;

use super::{blocks::Statement, report::Report, words::Word};
use crate::{
    config::{List, Located, Notation, Wrong, nearest, unfit},
    import::address::{self, OPTIONS, UNSUPPORTED, Unset},
};

/// What keepalived knows of other addresses than virtual ones, and that a value follows.
const OF_STATIC: &[(&str, bool)] = &[("track_group", true)];

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
    let mut address = VirtualAddress::from(cidr(first, report)?);
    while let Some(word) = words.next() {
        let left_out = UNSUPPORTED.iter().chain(OF_STATIC).find(|(known, _)| *known == word.text);
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

/// An address. A length that is none is as long as its digits say, as with keepalived, or else it is
/// the longest: keepalived takes 0 for it, which is the network of all addresses.
fn cidr(word: &Word, report: &mut Report) -> Result<Cidr, Wrong> {
    let error = match word.text.parse() {
        Ok(cidr) => return Ok(cidr),
        Err(error) => error,
    };
    let lenient = word.text.split_once('/').and_then(|(address, length)| {
        let address: Cidr = address.parse().ok()?;
        let end = length.find(|c: char| !c.is_ascii_digit()).unwrap_or(length.len());
        let length = length.get(..end)?.parse().unwrap_or(u8::MAX);
        Some(Cidr::new(address.address(), length).unwrap_or(address))
    });
    let sentence = unfit(&word.text, error);
    let Some(cidr) = lenient else {
        return report.skip(&word.place, format!("{sentence}; it is left out"));
    };
    report.warn(&word.place, format!("{sentence}; it is taken for {cidr}"));
    Ok(cidr)
}

/// Sets an option of a virtual address; one that is wrong is told, and left out.
fn set(address: &mut VirtualAddress, option: &Word, value: Option<&Word>, report: &mut Report) {
    let Some(value) = value else {
        let message = format!("`{}` has no value and is left out; write one", option.text);
        return report.warn(&option.place, message);
    };
    let (name, text) = (&option.text, &value.text);
    let fault = match address::set(address, name, text, Notation::Keepalived) {
        Ok(()) => return,
        Err(Unset::OfIpv4) => "it is for IPv4 alone".to_owned(),
        Err(Unset::Wrong(fault)) => fault,
    };
    report.warn(&value.place, format!("`{name} {text}` is left out: {fault}"));
}
