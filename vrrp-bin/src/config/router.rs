//! One `[[virtual_router]]` of the file: one virtual router, or two if it has addresses of both
//! families.

use std::{path::Path, time::Duration};

use vrrp_core::{
    Announcements, Centiseconds, Checksum, Cidr, ConfigError, Family, Ipv4Addresses, Ipv6Addresses,
    Password, Protocol, Role, Seconds, VirtualRouter, Vrid,
};

use super::{
    addresses::{self, Addresses},
    backend::{self, Backend},
    problem::{At, Problems},
    section::{Item, Section},
    unicast::{self, Unicast},
    values,
};

/// A virtual router that was understood, with the places of what it may clash in with others.
pub(super) struct Draft {
    pub(super) name: At<String>,
    pub(super) interface: At<String>,
    pub(super) vrid_at: usize,
    pub(super) addresses: Vec<At<Cidr>>,
    pub(super) peers_at: usize,
    pub(super) source_at: usize,
    pub(super) backend: Backend,
    pub(super) backend_at: usize,
    pub(super) router: VirtualRouter,
}

/// What a `[[virtual_router]]` says, before it is known to fit together.
struct Settings<'a> {
    at: usize,
    name: Option<At<&'a str>>,
    interface: At<&'a str>,
    vrid: At<Vrid>,
    addresses: Addresses,
    version: u8,
    interval: At<Duration>,
    role: Role,
    password: Option<At<Password>>,
    checksum: Option<At<Checksum>>,
    backend: Backend,
    backend_at: usize,
    announcements: Announcements,
    unicast: Unicast,
}

/// Reads one `[[virtual_router]]` of a file in `directory`. Empty if anything is wrong with it.
pub(super) fn read(section: &Section<'_>, directory: &Path, problems: &mut Problems) -> Vec<Draft> {
    let Some(settings) = Settings::read(section, directory, problems) else { return Vec::new() };
    settings.check_families(problems);
    let drafts: Vec<_> = settings
        .addresses
        .families()
        .filter_map(|family| settings.draft(family, problems))
        .collect();
    drafts
}

impl<'a> Settings<'a> {
    fn read(section: &Section<'a>, directory: &Path, problems: &mut Problems) -> Option<Self> {
        let interface = required(section, "interface", "\"eth0\"", problems)
            .and_then(|item| values::interface(item, problems));
        let vrid = required(section, "vrid", "51", problems)
            .and_then(|item| item.number(problems, &ConfigError::Vrid.to_string(), 51));
        let addresses = required(section, "addresses", "[\"192.0.2.10/24\"]", problems)
            .and_then(|item| addresses::read(item, problems));
        let name = section.or("name", None, |item| {
            let name = values::name(item, addresses.as_ref(), problems)?;
            Some(Some(name))
        });
        let version = section.or("version", 3, |item| values::version(item, problems));
        let one_second = At { at: section.at, value: Duration::from_secs(1) };
        let interval = section.or("interval", one_second, |item| item.duration(problems, "250ms"));
        let role = values::role(section, problems);
        let password = values::password(section, directory, problems);
        let checksum =
            section.or("checksum", None, |item| item.choice(problems, CHECKSUMS).map(Some));
        let backend = backend::read(section, problems);
        let announcements = values::announcements(section, problems);
        let unicast = unicast::read(section, problems);
        Some(Self {
            at: section.at,
            name: name?,
            interface: interface?,
            vrid: vrid?,
            addresses: addresses?,
            version: version?,
            interval: interval?,
            role: role?,
            password: password?,
            checksum: checksum?,
            backend: backend?,
            backend_at: section.get("backend").map_or(section.at, |item| item.at),
            announcements: announcements?,
            unicast: unicast?,
        })
    }

    /// Reports what none of the families that there are addresses of can use.
    fn check_families(&self, problems: &mut Problems) {
        let ipv4 = self.addresses.families().any(|family| family == Family::Ipv4);
        if let Some(password) = &self.password
            && !(ipv4 && self.version == 2)
        {
            problems.add(
                password.at,
                "a password belongs to VRRPv2 for IPv4, which this virtual router does not speak; \
                 set version = 2 or remove the password",
            );
        }
        if let Some(checksum) = &self.checksum
            && checksum.value != Checksum::Auto
            && !(ipv4 && self.version == 3)
        {
            problems.add(
                checksum.at,
                "`checksum` is a choice for VRRPv3 for IPv4 only, which this virtual router does \
                 not speak; remove it",
            );
        }
        self.unicast.check_families(&self.addresses, problems);
    }

    fn draft(&self, family: Family, problems: &mut Problems) -> Option<Draft> {
        let protocol = self.protocol(family, problems)?;
        let router = VirtualRouter::new(self.vrid.value, protocol)
            .with_role(self.role)
            .with_announcements(self.announcements);
        let router = self.unicast.apply(router, &self.addresses, problems)?;
        Some(Draft {
            name: self.name(family),
            interface: At { at: self.interface.at, value: self.interface.value.to_owned() },
            vrid_at: self.vrid.at,
            addresses: self.addresses.of(family).collect(),
            peers_at: self.unicast.peers.as_ref().map_or(self.at, |peers| peers.at),
            source_at: self.unicast.source.as_ref().map_or(self.interface.at, |source| source.at),
            backend: self.backend.clone(),
            backend_at: self.backend_at,
            router,
        })
    }

    fn protocol(&self, family: Family, problems: &mut Problems) -> Option<Protocol> {
        let (at, every) = (self.interval.at, self.interval.value);
        let unfit = |error: ConfigError| {
            let who = if self.version == 2 && family == Family::Ipv6 {
                " (IPv6 stays VRRPv3)"
            } else {
                ""
            };
            format!("`interval` is {:?}; {error}{who}", super::duration::format(every))
        };
        let addresses_at = self.addresses.at;
        match (family, self.version) {
            (Family::Ipv4, 2) => Some(Protocol::V2 {
                addresses: problems.check(addresses_at, self.ipv4(), |error| error.to_string())?,
                interval: problems.check(at, Seconds::try_from(every), unfit)?,
                password: self.password.map(|password| password.value),
            }),
            (Family::Ipv4, _) => Some(Protocol::V3Ipv4 {
                addresses: problems.check(addresses_at, self.ipv4(), |error| error.to_string())?,
                interval: problems.check(at, Centiseconds::try_from(every), unfit)?,
                checksum: self.checksum.map_or(Checksum::Auto, |checksum| checksum.value),
            }),
            (Family::Ipv6, _) => Some(Protocol::V3Ipv6 {
                addresses: problems.check(addresses_at, self.ipv6(), |error| error.to_string())?,
                interval: problems.check(at, Centiseconds::try_from(every), unfit)?,
            }),
        }
    }

    fn ipv4(&self) -> Result<Ipv4Addresses, ConfigError> {
        Ipv4Addresses::new(self.addresses.ipv4.iter().map(|address| address.value))
    }

    fn ipv6(&self) -> Result<Ipv6Addresses, ConfigError> {
        Ipv6Addresses::new(self.addresses.ipv6.iter().map(|address| address.value))
    }

    /// NAME, and NAME/v6 for the second of two; INTERFACE-VRID-FAMILY if there is no name.
    fn name(&self, family: Family) -> At<String> {
        let both = self.addresses.families().count() == 2;
        let value = match self.name {
            Some(name) if both && family == Family::Ipv6 => format!("{}/v6", name.value),
            Some(name) => name.value.to_owned(),
            None => format!("{}-{}-{family}", self.interface.value, self.vrid.value),
        };
        At { at: self.name.map_or(self.at, |name| name.at), value }
    }
}

const CHECKSUMS: &[(&str, Checksum)] =
    &[("auto", Checksum::Auto), ("rfc9568", Checksum::Rfc9568), ("rfc5798", Checksum::Rfc5798)];

fn required<'a>(
    section: &Section<'a>,
    key: &'a str,
    example: &str,
    problems: &mut Problems,
) -> Option<Item<'a>> {
    let missing =
        || format!("this virtual router has no `{key}`; add for example {key} = {example}");
    section.required(key, missing, problems)
}
