//! A virtual router whose values are right one by one: what they must be for each other, and what
//! the core makes of them.

use std::{net::IpAddr, time::Duration};

use vrrp_core::{
    Announcements, Centiseconds, Checksum, ConfigError, Family, Look, Password, Protocol, Role,
    Seconds, VirtualRouter, Vrid,
};
use vrrp_net::{
    VirtualAddress, VirtualRoute,
    check::{Last, Track},
};

use super::{addresses::Addresses, unicast::Unicast};
use crate::config::{
    backend::Backend,
    draft::Version,
    duration,
    found::Wrong,
    place::{Located, Place},
    problem::Problems,
    router::{Places, RouterConfig},
    script::{Script, Scripts},
    sentence::Notation,
};

/// A virtual router, or two if it has addresses of both families.
pub(super) struct Settled {
    pub(super) notation: Notation,
    pub(super) place: Place,
    pub(super) name: Option<Located<String>>,
    pub(super) interface: Located<String>,
    pub(super) vrid: Located<Vrid>,
    pub(super) addresses: Addresses,
    pub(super) routes: Vec<Located<VirtualRoute>>,
    pub(super) version: Version,
    pub(super) interval: Located<Duration>,
    pub(super) role: Role,
    pub(super) password: Option<Located<Password>>,
    pub(super) checksum: Option<Located<Checksum>>,
    pub(super) backend: Located<Backend>,
    pub(super) announcements: Announcements,
    pub(super) unicast: Unicast,
    pub(super) startup_delay: Duration,
    pub(super) up_delay: Duration,
    pub(super) look: Look,
    pub(super) tracks: Vec<Located<Track>>,
    pub(super) last: Option<Located<Last>>,
    pub(super) scripts: Scripts,
    pub(super) before: Option<Located<Script>>,
}

impl Settled {
    /// The virtual routers, IPv4 first: those that can be made.
    pub(super) fn routers(&self, problems: &mut Problems) -> Vec<RouterConfig> {
        self.check_version(problems);
        self.check_backend(problems);
        if self.unicast.check_families(&self.addresses, problems).is_err() {
            return Vec::new();
        }
        let families = self.addresses.families().into_iter();
        families.filter_map(|family| self.router(family, problems).ok()).collect()
    }

    /// Reports what no version that this virtual router speaks can use.
    fn check_version(&self, problems: &mut Problems) {
        let speaks = |version| self.version == version && self.addresses.has(Family::Ipv4);
        if let Some(password) = &self.password
            && !speaks(Version::V2)
        {
            let message = format!(
                "only VRRPv2 for IPv4 has passwords, and this virtual router does not use it; set \
                 {} or remove the password",
                self.notation.setting("version", "2")
            );
            problems.add(&password.place, message);
        }
        if let Some(checksum) = &self.checksum
            && checksum.value != Checksum::Auto
            && !speaks(Version::V3)
        {
            let message = "`checksum` applies to VRRPv3 for IPv4 only, and this virtual router \
                does not use it; remove `checksum`";
            problems.add(&checksum.place, message);
        }
    }

    /// Reports what a program that holds the addresses cannot be asked for.
    fn check_backend(&self, problems: &mut Problems) {
        let Backend::Command(_) = self.backend.value else { return };
        for Located { place, value: address } in self.addresses.held() {
            if *address != VirtualAddress::from(address.cidr) {
                let message = format!(
                    "the `backend` puts {} in its own way; remove interface, label, scope and \
                     broadcast here, or use the kernel's",
                    address.cidr.address()
                );
                problems.add(place, message);
            }
        }
        if let Some(route) = self.routes.first() {
            let message = "only the kernel's backend has `routes`; remove them, and have the \
                command set what it needs";
            problems.add(&route.place, message);
        }
    }

    fn router(&self, family: Family, problems: &mut Problems) -> Result<RouterConfig, Wrong> {
        let router = VirtualRouter::new(self.vrid.value, self.protocol(family, problems)?)
            .with_role(self.role)
            .with_announcements(self.announcements)
            .with_startup_delay(self.startup_delay)
            .with_up_delay(self.up_delay)
            .with_look(self.look);
        let router = self.unicast.apply(router, &self.addresses, self.notation, problems)?;
        // Where there are two families, each has what is of its own: a route needs the addresses that
        // lead to its router. Where there is one, that has all.
        let is_alone = self.addresses.families().len() == 1;
        let is_of = |ip: IpAddr| is_alone || Family::of(ip) == family;
        let extra = self.addresses.extra.iter().filter(|held| is_of(held.value.cidr.address()));
        let routes = self.routes.iter().filter(|route| is_alone || route.value.family() == family);
        Ok(RouterConfig {
            name: self.router_name(family),
            interface: self.interface.value.clone(),
            router,
            addresses: self.addresses.of(family).cloned().collect(),
            extra: extra.cloned().collect(),
            routes: routes.cloned().collect(),
            backend: self.backend.value.clone(),
            tracks: self.tracks.clone(),
            last: self.last.as_ref().map_or_else(Last::default, |last| last.value),
            group: None,
            scripts: self.scripts.clone(),
            before: self.before.clone(),
            places: self.places(),
        })
    }

    fn protocol(&self, family: Family, problems: &mut Problems) -> Result<Protocol, Wrong> {
        let (place, every) = (&self.interval.place, self.interval.value);
        let unfit = |error: ConfigError| {
            let subject = self.notation.subject("interval");
            let every = duration::format(every);
            match (self.version, family) {
                (Version::V2, Family::Ipv6) => {
                    format!("{subject} is {every:?}; {error} (IPv6 always uses VRRPv3)")
                }
                _ => format!("{subject} is {every:?}; {error}"),
            }
        };
        let too_many = |error: ConfigError| error.to_string();
        let Self { addresses, .. } = self;
        Ok(match (family, self.version) {
            (Family::Ipv4, Version::V2) => Protocol::V2 {
                addresses: problems.check(&addresses.place, addresses.ipv4(), too_many)?,
                interval: problems.check(place, Seconds::try_from(every), unfit)?,
                password: self.password.as_ref().map(|password| password.value),
            },
            (Family::Ipv4, Version::V3) => Protocol::V3Ipv4 {
                addresses: problems.check(&addresses.place, addresses.ipv4(), too_many)?,
                interval: problems.check(place, Centiseconds::try_from(every), unfit)?,
                checksum: self.checksum.as_ref().map_or(Checksum::Auto, |found| found.value),
            },
            (Family::Ipv6, _) => Protocol::V3Ipv6 {
                addresses: problems.check(&addresses.place, addresses.ipv6(), too_many)?,
                interval: problems.check(place, Centiseconds::try_from(every), unfit)?,
            },
        })
    }

    /// NAME, and NAME/v6 for the second of two; INTERFACE-VRID-FAMILY if there is no name.
    fn router_name(&self, family: Family) -> String {
        match &self.name {
            Some(name) if family == Family::Ipv6 && self.addresses.has(Family::Ipv4) => {
                format!("{}/v6", name.value)
            }
            Some(name) => name.value.clone(),
            None => format!("{}-{}-{family}", self.interface.value, self.vrid.value),
        }
    }

    fn places(&self) -> Places {
        Places {
            name: self.name.as_ref().map_or(&self.place, |name| &name.place).clone(),
            interface: self.interface.place.clone(),
            vrid: self.vrid.place.clone(),
            peers: self.unicast.peers_place().unwrap_or(&self.place).clone(),
            source: self.unicast.source_place().unwrap_or(&self.interface.place).clone(),
            backend: self.backend.place.clone(),
            last: self.last.as_ref().map(|last| last.place.clone()),
        }
    }
}
