//! The short form of our own: `VRRP_ADDRESSES` and its companions, and `VRRP_2_ADDRESSES` for
//! another virtual router. The defaults are those of the file.

use std::net::IpAddr;

use vrrp_core::{Password, Preempt, Priority, Vrid};
use vrrp_net::VirtualAddress;

use super::{
    addresses,
    common::{draft, named_interface, peers, vrid},
    reader::{Empty, Reader},
    style::number_of,
};
use crate::config::{
    Draft, Found, List, Located, Rank, Version, duration, password, preempt_after,
};

/// The virtual routers, the one without a number first.
pub(super) fn read(reader: &mut Reader) -> Vec<Draft> {
    let sets = sets(reader);
    if sets.is_empty() {
        reader.missing("VRRP_ADDRESSES", "this is not set; write for example 192.0.2.10/24");
    }
    sets.iter().map(|set| set.read(reader)).collect()
}

/// The variables of one virtual router.
struct Set {
    /// `VRRP_`, or `VRRP_2_`.
    prefix: String,
}

/// Those that have any variable, in the order of their numbers.
fn sets(reader: &Reader) -> Vec<Set> {
    let number = |name: &String| number_of(name).map(str::to_owned);
    let mut numbers: Vec<String> = reader.names().iter().filter_map(number).collect();
    numbers.sort_by_key(|number| (number.len(), number.clone()));
    numbers.dedup();
    let first = reader.is_set("VRRP_ADDRESSES").then(|| Set { prefix: "VRRP_".to_owned() });
    let more = numbers.into_iter().map(|number| Set { prefix: format!("VRRP_{number}_") });
    first.into_iter().chain(more).collect()
}

impl Set {
    fn read(&self, reader: &mut Reader) -> Draft {
        let mut draft = draft(&self.own("ADDRESSES"));
        let interface = self.or_shared("INTERFACE", reader);
        draft.interface = named_interface(reader, &interface, Empty::Wrong);
        draft.name = reader.text(&self.own("NAME"), Empty::Wrong);
        draft.vrid = self.vrid(reader);
        let version = self.or_shared("VERSION", reader);
        let versions = &[("2", Version::V2), ("3", Version::V3)];
        draft.version = reader.choice(&version, Empty::Wrong, versions);
        let interval = self.or_shared("INTERVAL", reader);
        let rule = "write a number and ms or s, such as 250ms";
        draft.interval = reader.value(&interval, Empty::Wrong, rule, duration::parse);
        draft.priority = self.priority(reader);
        draft.preempt = self.preempt(reader);
        draft.addresses = self.addresses(reader);
        draft.password = self.password(reader);
        self.unicast(&mut draft, reader);
        draft.source = self.source(reader);
        draft
    }

    /// The variable of this virtual router alone.
    fn own(&self, word: &str) -> String {
        format!("{}{word}", self.prefix)
    }

    /// The variable of this virtual router, or else the one without a number: a second virtual
    /// router that does not say who its peers are has those of the first, not multicast.
    fn or_shared(&self, word: &str, reader: &Reader) -> String {
        let own = self.own(word);
        if reader.is_set(&own) { own } else { format!("VRRP_{word}") }
    }

    fn addresses(&self, reader: &mut Reader) -> Found<List<VirtualAddress>> {
        let name = self.own("ADDRESSES");
        let found = addresses::read(reader, &name, "192.0.2.10/24 192.0.2.11");
        reader.required(&name, found, || {
            "this is not set; write for example 192.0.2.10/24".to_owned()
        })
    }

    /// 51 for the one without a number; the others have to say theirs.
    fn vrid(&self, reader: &mut Reader) -> Found<Located<Vrid>> {
        let name = self.own("VRID");
        if self.prefix != "VRRP_" && !reader.is_set(&name) {
            return reader.required(&name, Found::Absent, || {
                "this is not set; write a number from 1 to 255 that no other virtual router has"
                    .to_owned()
            });
        }
        vrid(reader, &name, Empty::Wrong, 51)
    }

    fn priority(&self, reader: &mut Reader) -> Found<Located<Rank>> {
        let rule = "write a number from 1 to 254, or owner";
        let name = self.or_shared("PRIORITY", reader);
        reader.value(&name, Empty::Wrong, rule, |text| match text {
            "owner" => Some(Rank::Owner),
            number => Priority::try_from(number.parse::<u8>().ok()?).ok().map(Rank::Contender),
        })
    }

    fn preempt(&self, reader: &mut Reader) -> Found<Located<Preempt>> {
        let rule = "write true, false or a delay such as 30s";
        let name = self.or_shared("PREEMPT", reader);
        reader.value(&name, Empty::Wrong, rule, |text| match text {
            "true" => Some(Preempt::Always),
            "false" => Some(Preempt::Never),
            delay => duration::parse(delay).map(preempt_after),
        })
    }

    fn password(&self, reader: &mut Reader) -> Found<Located<Password>> {
        let name = self.or_shared("PASSWORD", reader);
        reader.text(&name, Empty::Wrong).and_then(|Located { place, value: text }| {
            match password("this", text.as_bytes()) {
                Ok(password) => Ok(Located::new(place, password)),
                Err(message) => reader.wrong(&name, message),
            }
        })
    }

    fn unicast(&self, draft: &mut Draft, reader: &mut Reader) {
        let name = self.or_shared("PEERS", reader);
        let hosts = reader.hosts(&name, "192.0.2.2 192.0.2.3");
        draft.peers = hosts.map(|hosts| peers(hosts, u8::MAX));
    }

    fn source(&self, reader: &mut Reader) -> Found<Located<IpAddr>> {
        let rule = "write an IP address of this host, such as 192.0.2.1";
        let name = self.or_shared("SOURCE", reader);
        reader.value(&name, Empty::Wrong, rule, |text| text.parse().ok())
    }
}
