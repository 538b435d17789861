//! Virtual addresses in keepalived's notation: `IP[/LENGTH] [brd A|+|-] [dev IF] [scope S]
//! [label L]`.

use vrrp_core::{Cidr, ConfigError};
use vrrp_net::VirtualAddress;

use super::reader::Reader;
use crate::{
    config::{Found, List, Located, Notation, Place, Wrong, nearest, unfit},
    import::address::{self, OPTIONS, UNSUPPORTED, Unset},
};

/// The list of virtual addresses in `name`.
pub(super) fn read(reader: &mut Reader, name: &str, example: &str) -> Found<List<VirtualAddress>> {
    Found::of(reader.entries(name, example)).map(|entries| {
        let mut addresses = List::new(Place::variable(name));
        for entry in entries {
            addresses.entries.extend(read_entry(reader, name, &entry, example));
        }
        addresses
    })
}

/// The addresses of one entry, which is one of them as a rule.
fn read_entry(
    reader: &mut Reader,
    name: &str,
    words: &[String],
    example: &str,
) -> Vec<Result<Located<VirtualAddress>, Wrong>> {
    let mut words = words.iter().map(String::as_str);
    let mut addresses: Vec<Result<Located<VirtualAddress>, Wrong>> = Vec::new();
    while let Some(word) = words.next() {
        let unsupported = UNSUPPORTED.iter().find(|(known, _)| *known == word);
        if let Some((_, has_value)) = unsupported {
            if *has_value {
                words.next();
            }
            let message = format!("`{word}`: {}; remove it", why_not(word));
            addresses.push(reader.wrong(name, message));
        } else if OPTIONS.contains(&word) {
            let value = words.next();
            let faulty = match addresses.last_mut() {
                Some(Ok(address)) => set(reader, name, &mut address.value, word, value).is_err(),
                // It belongs to something that is wrong already.
                Some(Err(Wrong)) => false,
                None => {
                    let message =
                        format!("`{word}` has no address before it; write the address first");
                    reader.error(name, message);
                    true
                }
            };
            addresses.extend(faulty.then_some(Err(Wrong)));
        } else {
            addresses.push(match word.parse::<Cidr>() {
                Ok(cidr) => Ok(Located::new(Place::variable(name), VirtualAddress::from(cidr))),
                Err(error) => reader.wrong(name, unfit_address(word, error, example)),
            });
        }
    }
    addresses
}

/// Why a word of keepalived's cannot follow an address here.
fn why_not(word: &str) -> &'static str {
    match word {
        "peer" => "an address here has no other end, but a network, which its prefix length says",
        "no_track" => "the interface of every address is watched, and a node without it holds none",
        "-nodad" | "noprefixroute" | "preferred_lft" => {
            "every address here is as this word would make it"
        }
        "use_vmac" => "an address here has the MAC address of its interface",
        // home, mngtmpaddr and autojoin.
        _ => "it is for addresses of the host itself",
    }
}

/// Sets an option of a virtual address.
fn set(
    reader: &mut Reader,
    name: &str,
    address: &mut VirtualAddress,
    option: &str,
    value: Option<&str>,
) -> Result<(), Wrong> {
    let Some(value) = value else {
        let message = format!("`{option}` has no value; write one, or remove `{option}`");
        return reader.wrong(name, message);
    };
    match address::set(address, option, value, Notation::Variables) {
        Ok(()) => Ok(()),
        Err(Unset::OfIpv4) => {
            let message = format!("`{option} {value}` is ignored: it is for IPv4 alone");
            reader.warn(name, message);
            Ok(())
        }
        Err(Unset::Wrong(fault)) => reader.wrong(name, format!("`{option} {value}`: {fault}")),
    }
}

fn unfit_address(word: &str, error: ConfigError, example: &str) -> String {
    match error {
        ConfigError::Address => {
            let advice = match nearest(word, OPTIONS) {
                Some(option) => format!("did you mean `{option}`?"),
                None => format!("write for example {example}"),
            };
            format!("{word:?} is not an IP address; {advice}")
        }
        other => unfit(word, other),
    }
}
