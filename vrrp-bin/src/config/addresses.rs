//! `addresses`: the virtual addresses of both families, each with its place in the file.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use vrrp_core::{Cidr, ConfigError, Family, Ipv4Addresses, Ipv6Addresses};

use super::{
    keys,
    problem::{At, Problems},
    section::Item,
};

/// The virtual addresses, in the order of the file.
pub(super) struct Addresses {
    /// Where the list starts.
    pub(super) at: usize,
    pub(super) ipv4: Vec<At<Cidr<Ipv4Addr>>>,
    pub(super) ipv6: Vec<At<Cidr<Ipv6Addr>>>,
}

impl Addresses {
    /// The families that there are addresses of, IPv4 first.
    pub(super) fn families(&self) -> impl Iterator<Item = Family> + use<> {
        let ipv4 = (!self.ipv4.is_empty()).then_some(Family::Ipv4);
        let ipv6 = (!self.ipv6.is_empty()).then_some(Family::Ipv6);
        ipv4.into_iter().chain(ipv6)
    }

    /// The addresses of one family.
    pub(super) fn of(&self, family: Family) -> Box<dyn Iterator<Item = At<Cidr>> + '_> {
        match family {
            Family::Ipv4 => {
                Box::new(self.ipv4.iter().map(|cidr| At { at: cidr.at, value: cidr.value.into() }))
            }
            Family::Ipv6 => {
                Box::new(self.ipv6.iter().map(|cidr| At { at: cidr.at, value: cidr.value.into() }))
            }
        }
    }

    /// Whether `address` is one of them.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        self.of(Family::of(address)).any(|cidr| cidr.value.address() == address)
    }

    fn add(&mut self, at: usize, cidr: Cidr) -> Result<(), ConfigError> {
        if self.contains(cidr.address()) {
            return Err(ConfigError::AddressTwice);
        }
        match cidr.address() {
            IpAddr::V4(address) => {
                let value = Cidr::new(address, cidr.prefix_length())?;
                Ipv4Addresses::new([value])?;
                self.ipv4.push(At { at, value });
            }
            IpAddr::V6(address) => {
                let value = Cidr::new(address, cidr.prefix_length())?;
                Ipv6Addresses::new([value])?;
                self.ipv6.push(At { at, value });
            }
        }
        Ok(())
    }
}

/// Reads the list. `None` if anything in it is wrong.
pub(super) fn read(item: Item<'_>, problems: &mut Problems) -> Option<Addresses> {
    let items = item.list(problems, "[\"192.0.2.10/24\"]")?;
    if items.is_empty() {
        problems
            .add(item.at, "`addresses` is empty; write at least one, such as [\"192.0.2.10/24\"]");
        return None;
    }
    let mut addresses = Addresses { at: item.at, ipv4: Vec::new(), ipv6: Vec::new() };
    let mut complete = true;
    for item in items {
        complete &= read_one(item, &mut addresses, problems).is_some();
    }
    complete.then_some(addresses)
}

fn read_one(item: Item<'_>, addresses: &mut Addresses, problems: &mut Problems) -> Option<()> {
    let item = address_of(item, &keys::ADDRESS, "192.0.2.10/24", problems)?;
    let text = item.text(problems, "192.0.2.10/24")?.value;
    let cidr = problems.check(item.at, text.parse::<Cidr>(), |error| unfit(text, error))?;
    problems.check(item.at, addresses.add(item.at, cidr), |error| unfit(text, error))
}

/// The text of an entry that is either a text or a table with the text under `address`.
pub(super) fn address_of<'a>(
    item: Item<'a>,
    keys: &keys::Keys,
    example: &str,
    problems: &mut Problems,
) -> Option<Item<'a>> {
    if item.as_text().is_some() {
        return Some(item);
    }
    let Some(section) = item.as_section(keys, problems) else {
        item.wrong_type(problems, "a list of addresses in quotes", &format!("[{example:?}]"));
        return None;
    };
    let missing = || format!("there is no `address` here; add address = {example:?}");
    section.required("address", missing, problems)
}

/// Why `text` cannot stand in a list of addresses.
pub(crate) fn unfit(text: &str, error: ConfigError) -> String {
    match error {
        ConfigError::Address => {
            format!("{text:?} is not an IP address; write for example \"192.0.2.10/24\"")
        }
        ConfigError::AddressTwice => {
            format!("{text} stands in this list twice; remove one of them")
        }
        ConfigError::UnusableAddress => {
            format!(
                "{text} is unspecified, loopback, multicast or broadcast; write an address that a \
                 host can have"
            )
        }
        other => format!("{text} cannot be used; {other}"),
    }
}

/// A family as people write it in a sentence.
pub(crate) const fn family_name(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "IPv4",
        Family::Ipv6 => "IPv6",
    }
}
