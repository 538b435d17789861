//! The short form of our own: `VRRP_ADDRESSES` and its companions, and `VRRP_2_ADDRESSES` for
//! another virtual router. The defaults are those of the file.

use std::{net::IpAddr, time::Duration};

use vrrp_core::{Cidr, Hear, Password, Preempt, Priority, Role, Vrid};

use super::{
    draft::{self, Draft, Unicast},
    reader::{Empty, Named, Reader},
    style::number_of,
};
use crate::config::{RouterConfig, duration, is_interface_name, is_name};

/// The virtual routers, the one without a number first.
pub(super) fn read(reader: &mut Reader) -> Vec<RouterConfig> {
    let sets = sets(reader);
    if sets.is_empty() {
        reader.missing("VRRP_ADDRESSES", "this is not set; write for example 192.0.2.10/24");
    }
    let routers: Vec<RouterConfig> = sets.iter().flat_map(|set| set.read(reader)).collect();
    draft::check_unique(&routers, reader);
    routers
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
    fn read(&self, reader: &mut Reader) -> Vec<RouterConfig> {
        let interface = self.interface(reader);
        let on = interface.as_ref().map_or("eth0", |interface| &interface.value).to_owned();
        let name = self.router_name(reader);
        let vrid = self.vrid(reader);
        let version = self.version(reader);
        let interval = self.interval(reader);
        let role = self.role(reader);
        let addresses = self.addresses(reader, &on);
        let password = self.password(reader, version, addresses.as_deref());
        let peers = reader.hosts(&self.or_shared("PEERS", reader), "192.0.2.2 192.0.2.3");
        let source = self.source(reader);
        let draft = || {
            let unicast = |peers| Unicast { peers, hear: Hear::Peers, least_hop_limit: u8::MAX };
            Some(Draft {
                name: name?,
                interface: interface?,
                vrid: vrid?,
                addresses: addresses?,
                version: version?,
                interval: interval?,
                role: role?,
                password: password?,
                unicast: peers?.map(unicast),
                source: source?,
            })
        };
        draft().map(|draft| draft.finish(reader)).unwrap_or_default()
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

    fn addresses(&self, reader: &mut Reader, interface: &str) -> Option<Vec<Named<Cidr>>> {
        let name = self.own("ADDRESSES");
        let addresses = reader.virtual_addresses(&name, interface, "192.0.2.10/24 192.0.2.11")?;
        if addresses.is_none() {
            reader.missing(&name, "this is not set; write for example 192.0.2.10/24");
        }
        addresses
    }

    fn interface(&self, reader: &mut Reader) -> Option<Named<String>> {
        let rule = "write the name of an interface as `ip link` shows it";
        let name = self.or_shared("INTERFACE", reader);
        reader.value(&name, Empty::Wrong, "eth0".to_owned(), rule, |text| {
            (is_interface_name(text) && text != "auto").then(|| text.to_owned())
        })
    }

    fn router_name(&self, reader: &mut Reader) -> Option<Option<String>> {
        let rule = "write 1 to 64 letters, digits and any of . _ - : @, such as web";
        let parse = |text: &str| is_name(text).then(|| Some(text.to_owned()));
        reader.value(&self.own("NAME"), Empty::Wrong, None, rule, parse).map(|name| name.value)
    }

    /// 51 for the one without a number; the others have to say theirs.
    fn vrid(&self, reader: &mut Reader) -> Option<Named<Vrid>> {
        let name = self.own("VRID");
        if self.prefix != "VRRP_" && !reader.is_set(&name) {
            let message =
                "this is not set; write a number from 1 to 255 that no other virtual router has";
            reader.missing(&name, message);
            return None;
        }
        super::osixia::vrid(reader, &name, Empty::Wrong, 51)
    }

    fn version(&self, reader: &mut Reader) -> Option<u8> {
        let name = self.or_shared("VERSION", reader);
        reader.choice(&name, Empty::Wrong, 3, &[("2", 2), ("3", 3)])
    }

    fn interval(&self, reader: &mut Reader) -> Option<Named<Duration>> {
        let rule = "write a number and ms or s, such as 250ms";
        let name = self.or_shared("INTERVAL", reader);
        reader.value(&name, Empty::Wrong, Duration::from_secs(1), rule, duration::parse)
    }

    fn role(&self, reader: &mut Reader) -> Option<Role> {
        let (name, preempt_name) =
            (self.or_shared("PRIORITY", reader), self.or_shared("PREEMPT", reader));
        let rule = "write a number from 1 to 254, or owner";
        let priority = |text: &str| match text {
            "owner" => Some(None),
            number => Priority::try_from(number.parse::<u8>().ok()?).ok().map(Some),
        };
        let priority = reader.value(&name, Empty::Wrong, Some(Priority::DEFAULT), rule, priority);
        let rule = "write true, false or a delay such as 30s";
        let preempt =
            reader.value(&preempt_name, Empty::Wrong, Preempt::Always, rule, |text| match text {
                "true" => Some(Preempt::Always),
                "false" => Some(Preempt::Never),
                delay => duration::parse(delay).map(|delay| match delay {
                    Duration::ZERO => Preempt::Always,
                    delay => Preempt::After(delay),
                }),
            });
        match (priority?.value, preempt?.value) {
            (Some(priority), preempt) => Some(Role::Contender { priority, preempt }),
            (None, Preempt::Always) => Some(Role::Owner),
            (None, _) => {
                let message =
                    "the owner of the addresses always preempts (RFC 9568 6.1); remove this";
                reader.error(&preempt_name, message);
                None
            }
        }
    }

    fn password(
        &self,
        reader: &mut Reader,
        version: Option<u8>,
        addresses: Option<&[Named<Cidr>]>,
    ) -> Option<Option<Password>> {
        let name = self.or_shared("PASSWORD", reader);
        let Some(text) = reader.text(&name, Empty::Wrong)? else { return Some(None) };
        let ipv4 =
            addresses.is_none_or(|all| all.iter().any(|cidr| cidr.value.address().is_ipv4()));
        if version == Some(3) || !ipv4 {
            let message = "a password belongs to VRRPv2 for IPv4, which this virtual router does \
                not speak; set VRRP_VERSION to 2 or remove the password";
            reader.error(&name, message);
            return None;
        }
        let octets = text.value.as_bytes();
        let message = |error| format!("this holds {} octets; {error}", octets.len());
        match Password::try_from(octets) {
            Ok(password) => Some(Some(password)),
            Err(error) => {
                reader.error(&name, message(error));
                None
            }
        }
    }

    fn source(&self, reader: &mut Reader) -> Option<Option<Named<IpAddr>>> {
        let rule = "write an IP address of this host, such as 192.0.2.1";
        let name = self.or_shared("SOURCE", reader);
        let source =
            reader.value(&name, Empty::Wrong, None, rule, |text| text.parse().ok().map(Some))?;
        Some(source.value.map(|value| Named { name: source.name, value }))
    }
}
