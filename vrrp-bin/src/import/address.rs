//! What may follow a virtual address in keepalived's notation: `[brd A|+|-] [dev IF] [scope S]
//! [label L]`.

use vrrp_net::{VirtualAddress, backend::Scope};

use crate::config::{Notation, broadcast, interface_fault};

/// What may follow a virtual address, each with a value.
pub(super) const OPTIONS: &[&str] = &["dev", "brd", "broadcast", "scope", "label"];
/// What keepalived knows besides, and whether a value follows.
pub(super) const UNSUPPORTED: &[(&str, bool)] = &[
    ("peer", true),
    ("home", false),
    ("-nodad", false),
    ("mngtmpaddr", false),
    ("noprefixroute", false),
    ("autojoin", false),
    ("no_track", false),
    ("preferred_lft", true),
    ("use_vmac", false),
];

/// Why an option of a virtual address cannot be set.
pub(super) enum Unset {
    /// The address has no such thing, and keepalived leaves it out, too.
    OfIpv4,
    /// What is wrong with the value, as a sentence.
    Wrong(String),
}

/// Sets one of [`OPTIONS`] of a virtual address.
///
/// # Errors
/// Why it cannot be set.
pub(super) fn set(
    address: &mut VirtualAddress,
    option: &str,
    value: &str,
    notation: Notation,
) -> Result<(), Unset> {
    match option {
        "dev" => match interface_fault(value, notation) {
            Some(fault) => return Err(Unset::Wrong(format!("this is {value:?}, {fault}"))),
            None => address.interface = Some(value.into()),
        },
        "scope" | "label" if address.cidr.address().is_ipv6() => {
            // It is the scope of such an address, or derived from it.
            if value != Scope::GLOBAL.to_string() {
                return Err(Unset::OfIpv4);
            }
        }
        "scope" => address.scope = value.parse().map_err(wrong)?,
        "label" => address.label = Some(value.parse().map_err(wrong)?),
        _ => address.broadcast = Some(broadcast(value, address.cidr).map_err(wrong)?),
    }
    Ok(())
}

fn wrong(error: impl ToString) -> Unset {
    Unset::Wrong(error.to_string())
}
