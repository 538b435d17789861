//! The same virtual routers, in each program's own language.

use std::{fmt::Write, net::Ipv4Addr, time::Duration};

/// As many virtual routers as a program is measured with on one interface; more are spread over
/// several.
const ON_ONE: usize = 255;
/// How many are on each interface when there are several.
const ON_EACH: usize = 250;

/// The password of VRRPv2.
pub(crate) const PASSWORD: &str = "d0cker";

/// Which VRRP they speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V3,
    V2WithPassword,
}

/// The virtual routers of a node: IPv4, one address each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) routers: usize,
    pub(crate) interval: Duration,
    pub(crate) priority: u8,
    pub(crate) version: Version,
}

impl Plan {
    /// How many they are, in words.
    pub(crate) fn size(self) -> String {
        format!("{} virtual router{}", self.routers, if self.routers == 1 { "" } else { "s" })
    }

    /// How many interfaces they are on.
    pub(crate) fn interfaces(self) -> usize {
        if self.routers <= ON_ONE { 1 } else { self.routers.div_ceil(ON_EACH) }
    }

    /// The VRIDs on the interface with this number.
    pub(crate) fn vrids(self, interface: usize) -> impl Iterator<Item = u8> {
        let each = if self.interfaces() == 1 { ON_ONE } else { ON_EACH };
        let count = self.routers.saturating_sub(interface * each).min(each);
        (1..=u8::MAX).take(count)
    }

    /// Every virtual router: the number of its interface, and its VRID.
    fn all(self) -> impl Iterator<Item = (usize, u8)> {
        (0..self.interfaces())
            .flat_map(move |interface| self.vrids(interface).map(move |vrid| (interface, vrid)))
    }

    /// For keepalived, with what it does by itself left as it is.
    pub(crate) fn keepalived(self) -> String {
        let Self { priority, interval, .. } = self;
        let seconds = interval.as_secs_f64();
        let version = match self.version {
            Version::V3 => " version 3".to_owned(),
            Version::V2WithPassword => {
                format!(
                    " version 2\n authentication {{\n auth_type PASS\n auth_pass {PASSWORD}\n }}"
                )
            }
        };
        self.all().fold(String::new(), |mut text, (interface, vrid)| {
            let _ = write!(
                text,
                "vrrp_instance i{interface}v{vrid} {{\n state BACKUP\n{version}\n interface \
                 eth{interface}\n virtual_router_id {vrid}\n priority {priority}\n advert_int \
                 {seconds}\n virtual_ipaddress {{\n {}/32\n }}\n}}\n",
                address(interface, vrid)
            );
            text
        })
    }

    /// For FRR, which knows no passwords; its macvlans are made beside.
    pub(crate) fn frr(self) -> String {
        let Self { priority, interval, .. } = self;
        let milliseconds = interval.as_millis();
        self.all().fold(String::new(), |mut text, (interface, vrid)| {
            let _ = write!(
                text,
                "interface eth{interface}\n vrrp {vrid} version 3\n vrrp {vrid} priority \
                 {priority}\n vrrp {vrid} advertisement-interval {milliseconds}\n vrrp {vrid} ip \
                 {}\n",
                address(interface, vrid)
            );
            text
        })
    }

    /// For `vrrp`, with what it does by itself left as it is.
    pub(crate) fn vrrp(self) -> String {
        let Self { priority, interval, .. } = self;
        let milliseconds = interval.as_millis();
        let version = match self.version {
            Version::V3 => String::new(),
            Version::V2WithPassword => format!("version = 2\npassword = {PASSWORD:?}\n"),
        };
        self.all().fold(String::new(), |mut text, (interface, vrid)| {
            let _ = write!(
                text,
                "[[virtual_router]]\ninterface = \"eth{interface}\"\nvrid = {vrid}\npriority = \
                 {priority}\n\
                 interval = \"{milliseconds}ms\"\naddresses = [\"{}/32\"]\n{version}",
                address(interface, vrid)
            );
            text
        })
    }
}

/// The virtual address of a virtual router.
pub(crate) fn address(interface: usize, vrid: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, octet(interface), 1, vrid)
}

/// The address of a host on an interface.
pub(crate) fn host_address(interface: usize, host: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, octet(interface), 0, host)
}

fn octet(interface: usize) -> u8 {
    u8::try_from(interface).unwrap_or(u8::MAX)
}
