//! A virtual router as the environment describes it, on its way to the core's types.

use std::{net::IpAddr, sync::Arc, time::Duration};

use vrrp_core::{
    Centiseconds, Checksum, Cidr, Family, Hear, Ipv4Addresses, Ipv6Addresses, Password, Peer,
    Protocol, Role, Seconds, VirtualRouter, Vrid,
};

use super::reader::{Named, Reader};
use crate::config::{Backend, Place, Places, RouterConfig, family_name, unfit};

/// A virtual router, or two if there are addresses of both families.
pub(super) struct Draft {
    /// INTERFACE-VRID-FAMILY if there is none.
    pub(super) name: Option<String>,
    pub(super) interface: Named<String>,
    pub(super) vrid: Named<Vrid>,
    pub(super) addresses: Vec<Named<Cidr>>,
    pub(super) version: u8,
    pub(super) interval: Named<Duration>,
    pub(super) role: Role,
    pub(super) password: Option<Password>,
    pub(super) unicast: Option<Unicast>,
    pub(super) source: Option<Named<IpAddr>>,
}

/// Whom to speak to, and whom to hear.
pub(super) struct Unicast {
    pub(super) peers: Vec<Named<IpAddr>>,
    pub(super) hear: Hear,
    /// The least hop limit that IPv6 peers may send with.
    pub(super) least_hop_limit: u8,
}

impl Draft {
    /// The virtual routers, IPv4 first. Empty if anything is wrong with one.
    pub(super) fn finish(self, reader: &mut Reader) -> Vec<RouterConfig> {
        if self.check_twice(reader).is_none() || self.check_families(reader).is_none() {
            return Vec::new();
        }
        let families: Vec<Family> = [Family::Ipv4, Family::Ipv6]
            .into_iter()
            .filter(|family| {
                self.addresses.iter().any(|address| Family::of(address.value.address()) == *family)
            })
            .collect();
        let both = families.len() == 2;
        let routers: Option<Vec<RouterConfig>> =
            families.into_iter().map(|family| self.router(family, both, reader)).collect();
        routers.unwrap_or_default()
    }

    fn check_twice(&self, reader: &mut Reader) -> Option<()> {
        for (index, Named { name, value }) in self.addresses.iter().enumerate() {
            let same = |other: &Named<Cidr>| other.value.address() == value.address();
            if self.addresses.iter().take(index).any(same) {
                let message = format!(
                    "the virtual address {} stands here twice; remove one",
                    value.address()
                );
                reader.error(name, message);
                return None;
            }
        }
        Some(())
    }

    /// Peers and a source that no virtual address can use are a mistake.
    fn check_families(&self, reader: &mut Reader) -> Option<()> {
        let mut fits = Some(());
        let peers =
            self.unicast.iter().flat_map(|unicast| &unicast.peers).map(|peer| ("peer", peer));
        for (what, address) in peers.chain(self.source.as_ref().map(|source| ("source", source))) {
            let family = Family::of(address.value);
            if !self
                .addresses
                .iter()
                .any(|virtual_ip| Family::of(virtual_ip.value.address()) == family)
            {
                let family = family_name(family);
                let message = format!(
                    "the {what} {} is {family}, but no virtual address is; remove it, or add an \
                     {family} address",
                    address.value
                );
                reader.error(&address.name, message);
                fits = None;
            }
        }
        fits
    }

    fn router(&self, family: Family, both: bool, reader: &mut Reader) -> Option<RouterConfig> {
        let ours = |address: &&Named<Cidr>| Family::of(address.value.address()) == family;
        let addresses: Vec<&Named<Cidr>> = self.addresses.iter().filter(ours).collect();
        let protocol = self.protocol(family, &addresses, reader)?;
        let mut router = VirtualRouter::new(self.vrid.value, protocol).with_role(self.role);
        if let Some(source) =
            self.source.as_ref().filter(|source| Family::of(source.value) == family)
        {
            let result = if addresses.iter().any(|cidr| cidr.value.address() == source.value)
                && self.role != Role::Owner
            {
                Err(format!(
                    "{} is one of the virtual addresses; write the address that the host itself \
                     has",
                    source.value
                ))
            } else {
                router
                    .with_source(source.value)
                    .map_err(|error| unfit(&source.value.to_string(), error))
            };
            router = check(reader, &source.name, result)?;
        }
        if let Some(unicast) = &self.unicast {
            router = unicast.apply(router, reader)?;
        }
        let place = Named::place;
        let first =
            addresses.first().map_or_else(|| self.interface.place(), |address| address.place());
        let peers =
            self.unicast.as_ref().and_then(|unicast| unicast.peers.first()).map_or(first, place);
        Some(RouterConfig {
            name: self.name(family, both),
            interface: self.interface.value.clone(),
            router,
            backend: Backend::Kernel { lease: true },
            places: Places {
                interface: self.interface.place(),
                addresses: addresses
                    .iter()
                    .map(|cidr| (cidr.value.address(), cidr.place()))
                    .collect(),
                peers,
                source: self.source.as_ref().map_or_else(|| self.interface.place(), place),
                backend: self.interface.place(),
            },
        })
    }

    fn protocol(
        &self,
        family: Family,
        addresses: &[&Named<Cidr>],
        reader: &mut Reader,
    ) -> Option<Protocol> {
        let name = addresses.first().map_or(&self.interface.name, |address| &address.name);
        let (at, every) = (&self.interval.name, self.interval.value);
        let ipv4 = || {
            let cidrs = addresses.iter().filter_map(|address| match address.value.address() {
                IpAddr::V4(ip) => Some(Cidr::new(ip, address.value.prefix_length())),
                IpAddr::V6(_) => None,
            });
            Ipv4Addresses::new(cidrs.collect::<Result<Vec<_>, _>>()?)
        };
        let ipv6 = || {
            let cidrs = addresses.iter().filter_map(|address| match address.value.address() {
                IpAddr::V6(ip) => Some(Cidr::new(ip, address.value.prefix_length())),
                IpAddr::V4(_) => None,
            });
            Ipv6Addresses::new(cidrs.collect::<Result<Vec<_>, _>>()?)
        };
        let unusable = |error| unfit("a virtual address", error);
        Some(match (family, self.version) {
            (Family::Ipv4, 2) => Protocol::V2 {
                addresses: check(reader, name, ipv4().map_err(unusable))?,
                interval: check(reader, at, Seconds::try_from(every))?,
                password: self.password,
            },
            (Family::Ipv4, _) => Protocol::V3Ipv4 {
                addresses: check(reader, name, ipv4().map_err(unusable))?,
                interval: check(reader, at, Centiseconds::try_from(every))?,
                checksum: Checksum::Auto,
            },
            (Family::Ipv6, _) => Protocol::V3Ipv6 {
                addresses: check(reader, name, ipv6().map_err(unusable))?,
                interval: check(reader, at, Centiseconds::try_from(every))?,
            },
        })
    }

    /// NAME, and NAME/v6 for the second of two.
    fn name(&self, family: Family, both: bool) -> String {
        match &self.name {
            Some(name) if both && family == Family::Ipv6 => format!("{name}/v6"),
            Some(name) => name.clone(),
            None => format!("{}-{}-{family}", self.interface.value, self.vrid.value),
        }
    }
}

impl Unicast {
    fn apply(&self, router: VirtualRouter, reader: &mut Reader) -> Option<VirtualRouter> {
        let family = router.family();
        let least = if family == Family::Ipv6 { self.least_hop_limit } else { u8::MAX };
        let peers: Vec<(&Arc<str>, Peer)> = self
            .peers
            .iter()
            .filter(|peer| Family::of(peer.value) == family)
            // These contracts do not say where a peer is, and the programs that they are from do
            // not look at the TTL.
            .map(|peer| (&peer.name, Peer::from(peer.value).min_ttl(least).min_ttl_routed(1)))
            .collect();
        let mut complete = true;
        for (name, peer) in &peers {
            let one = router.clone().with_peers([*peer], self.hear);
            let result = one.map_err(|error| unfit(&peer.address.to_string(), error));
            complete &= check(reader, name, result).is_some();
        }
        if peers.is_empty() {
            let family = family_name(family);
            let name = self.peers.first().map_or("the peers", |peer| &peer.name);
            let message = format!(
                "this holds no {family} peer, but there are virtual {family} addresses; list the \
                 {family} peers too"
            );
            reader.error(name, message);
            return None;
        }
        let unicast = router.with_peers(peers.into_iter().map(|(_, peer)| peer), self.hear);
        complete.then_some(unicast.ok()?)
    }
}

/// The value, or `None` with its error said of `name`.
fn check<T>(reader: &mut Reader, name: &str, result: Result<T, impl ToString>) -> Option<T> {
    result.map_err(|error| reader.error(name, error.to_string())).ok()
}

/// The places of all virtual routers of an environment that may not be the same.
pub(super) fn check_unique(routers: &[RouterConfig], reader: &mut Reader) {
    for (index, router) in routers.iter().enumerate() {
        let earlier = || routers.iter().take(index);
        let at =
            router.places.addresses.first().map_or(&router.places.interface, |(_, place)| place);
        if earlier().any(|other| other.name == router.name) {
            reader.error_at(
                at.clone(),
                format!("the name {:?} is taken; choose another", router.name),
            );
        }
        let key = |router: &RouterConfig| {
            (router.interface.clone(), router.router.family(), router.router.vrid())
        };
        if earlier().any(|other| key(other) == key(router)) {
            let message = format!(
                "VRID {} is used on {} already; a VRID is unique per interface and family, so \
                 choose another",
                router.router.vrid(),
                router.interface
            );
            reader.error_at(at.clone(), message);
        }
        for (address, place) in &router.places.addresses {
            if earlier().any(|other| other.places.addresses.iter().any(|(ip, _)| ip == address)) {
                let message = format!(
                    "{address} belongs to another virtual router already; remove one of the two"
                );
                reader.error_at(Place::clone(place), message);
            }
        }
    }
}
