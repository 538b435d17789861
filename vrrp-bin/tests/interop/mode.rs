//! The ways in which two implementations can share an address, and the configuration of each for
//! it.

use std::{net::IpAddr, time::Duration};

/// Who made a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Make {
    Ours,
    Keepalived,
    Frr,
}

/// A row of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mode {
    pub(crate) is_frr: bool,
    pub(crate) version: u8,
    pub(crate) has_password: bool,
    pub(crate) is_ipv6: bool,
    pub(crate) is_unicast: bool,
}

/// Where a node is: its address of either family, and the link-local one that IPv6 multicast leaves
/// from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) ipv4: &'static str,
    pub(crate) ipv6: &'static str,
    pub(crate) link_local: &'static str,
}

/// Each is lower than the next as a number, but its last octet is higher.
pub(crate) const LOW: Place =
    Place { ipv4: "10.0.1.4", ipv6: "fd00::1:4", link_local: "fe80::1:4" };
pub(crate) const MIDDLE: Place =
    Place { ipv4: "10.0.2.3", ipv6: "fd00::2:3", link_local: "fe80::2:3" };
/// Above every link-local address that FRR can have, which are random.
pub(crate) const HIGH: Place =
    Place { ipv4: "10.0.3.2", ipv6: "fd00::3:2", link_local: "fe80::ffff:ffff:ffff:fffe" };

const PASSWORD: &str = "d0cker";
pub(crate) const INTERVAL: Duration = Duration::from_secs(1);
/// How often ours announces an address that it has: by default a minute, which is long for a test.
pub(crate) const REFRESH: Duration = Duration::from_secs(5);

const fn keepalived(version: u8, has_password: bool, is_ipv6: bool, is_unicast: bool) -> Mode {
    Mode { is_frr: false, version, has_password, is_ipv6, is_unicast }
}

const fn frr(version: u8, is_ipv6: bool) -> Mode {
    Mode { is_frr: true, version, has_password: false, is_ipv6, is_unicast: false }
}

impl Mode {
    pub(crate) const ALL: [Self; 11] = [
        keepalived(2, false, false, false),
        keepalived(2, false, false, true),
        keepalived(2, true, false, false),
        keepalived(2, true, false, true),
        keepalived(3, false, false, false),
        keepalived(3, false, false, true),
        keepalived(3, false, true, false),
        keepalived(3, false, true, true),
        frr(2, false),
        frr(3, false),
        frr(3, true),
    ];

    pub(crate) fn name(self) -> String {
        let make = if self.is_frr { "frr" } else { "keepalived" };
        let password = if self.has_password { "_pass" } else { "" };
        let family = if self.is_ipv6 { "ipv6" } else { "ipv4" };
        let cast = if self.is_unicast { "unicast" } else { "multicast" };
        format!("{make}_v{}{password}_{family}_{cast}", self.version)
    }

    pub(crate) fn make(self) -> Make {
        if self.is_frr { Make::Frr } else { Make::Keepalived }
    }

    /// FRR knows neither passwords nor unicast.
    pub(crate) fn suits_frr(self) -> bool {
        !self.has_password && !self.is_unicast
    }

    /// The virtual address that is looked for.
    pub(crate) fn address(self) -> IpAddr {
        if self.is_ipv6 {
            IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, 0x100])
        } else {
            IpAddr::from([10, 0, 0, 100])
        }
    }

    /// The virtual addresses. keepalived 2.2 drops an advertisement with another list than its own.
    fn addresses(self) -> &'static [&'static str] {
        if self.is_ipv6 { &["fe80::100/64", "fd00::100/64"] } else { &["10.0.0.100/16"] }
    }

    /// The addresses of FRR's macvlan. It sends from the link-local one, which must not be the
    /// virtual one.
    pub(crate) fn macvlan(self) -> &'static [&'static str] {
        if self.is_ipv6 { &["fd00::100/64"] } else { &["10.0.0.100/16"] }
    }

    /// The address that a node's advertisements leave from.
    pub(crate) fn source(self, place: Place) -> &'static str {
        match (self.is_ipv6, self.is_unicast) {
            (false, _) => place.ipv4,
            (true, true) => place.ipv6,
            (true, false) => place.link_local,
        }
    }

    /// Skew_Time of a node (RFC 9568 6.1, RFC 3768 6.1; all intervals are 1 s).
    pub(crate) fn skew(self, make: Make, priority: u8) -> Duration {
        let skew = INTERVAL * (256 - u32::from(priority)) / 256;
        match make {
            // It counts in whole centiseconds.
            Make::Frr => skew - Duration::from_nanos((skew.subsec_nanos() % 10_000_000).into()),
            Make::Ours | Make::Keepalived => skew,
        }
    }

    /// By how much a node's first advertisement may come after it became active. FRR 8.4 lifts its
    /// IPv6 macvlan only then, and cannot bind to its address yet ("Failed to find address to
    /// bind"): the first one is lost.
    pub(crate) fn mute(self, make: Make) -> Duration {
        if make == Make::Frr && self.is_ipv6 { INTERVAL } else { Duration::ZERO }
    }

    pub(crate) fn active_down(self, make: Make, priority: u8) -> Duration {
        3 * INTERVAL + self.skew(make, priority)
    }

    /// The configuration of a node at `place` among those at `places`. In unicast the list holds
    /// the node's own address, too.
    pub(crate) fn config(self, make: Make, priority: u8, place: Place, places: &[Place]) -> String {
        match make {
            Make::Ours => self.ours(priority, place, places),
            Make::Keepalived => self.keepalived(priority, place, places),
            Make::Frr => self.frr(priority),
        }
    }

    fn ours(self, priority: u8, place: Place, places: &[Place]) -> String {
        let Self { version, .. } = self;
        let (source, addresses) = (self.source(place), self.addresses());
        let mut config = format!(
            "[[virtual_router]]\nname = \"web\"\ninterface = \"eth0\"\nvrid = 51\naddresses = \
             {addresses:?}\n\
             version = {version}\npriority = {priority}\ninterval = \"1s\"\nsource = \"{source}\"\n\
             announce = {{ refresh = \"{}s\" }}\n",
            REFRESH.as_secs()
        );
        if self.has_password {
            config += &format!("password = \"{PASSWORD}\"\n");
        }
        if self.is_unicast {
            // keepalived's IPv6 unicast leaves with the kernel's default hop limit.
            let ttl = if self.is_ipv6 { ", min_ttl = 64" } else { "" };
            let peer = |place: &Place| format!("{{ address = \"{}\"{ttl} }}", self.source(*place));
            let peers: Vec<String> = places.iter().map(peer).collect();
            config += &format!("peers = [{}]\n", peers.join(", "));
        }
        config
    }

    fn keepalived(self, priority: u8, place: Place, places: &[Place]) -> String {
        let Self { version, .. } = self;
        let mut config = format!(
            "vrrp_instance web {{\n interface eth0\n virtual_router_id 51\n version {version}\n \
             priority {priority}\n advert_int 1\n"
        );
        if self.has_password {
            config += &format!(" authentication {{\n auth_type PASS\n auth_pass {PASSWORD}\n }}\n");
        }
        let source = self.source(place);
        if self.is_unicast {
            let peers: Vec<&str> = places.iter().map(|place| self.source(*place)).collect();
            config += &format!(
                " unicast_src_ip {source}\n unicast_peer {{\n {}\n }}\n",
                peers.join("\n ")
            );
        } else {
            config += &format!(" mcast_src_ip {source}\n");
        }
        config + &format!(" virtual_ipaddress {{\n {}\n }}\n}}\n", self.addresses().join("\n "))
    }

    fn frr(self, priority: u8) -> String {
        let Self { version, .. } = self;
        let mut config = format!(
            "interface eth0\n vrrp 51 version {version}\n vrrp 51 priority {priority}\n \
             vrrp 51 advertisement-interval 1000\n"
        );
        let family = if self.is_ipv6 { "ipv6" } else { "ip" };
        for address in self.addresses() {
            let address = address.split('/').next().unwrap_or_default();
            config += &format!(" vrrp 51 {family} {address}\n");
        }
        config
    }
}
