//! [`VirtualRoute`]: a route that is there while the addresses are.

use std::{fmt, net::IpAddr, str::FromStr, sync::Arc};

use vrrp_core::{Cidr, Family};

/// A route that comes and goes with the addresses of a lease.
///
/// It is written as `ip route add` takes it, of which this much is known:
/// `[unicast | blackhole | unreachable | prohibit] DESTINATION [via ADDRESS] [dev INTERFACE]
/// [src ADDRESS] [metric NUMBER] [table NUMBER] [onlink]`. The destination is a subnet, an address,
/// or `default`, which is that of the family of `via` or `src`, and of IPv4 without either. The
/// tables `main`, `default` and `local` have names.
///
/// ```
/// use vrrp_net::{VirtualRoute, backend::Way};
///
/// let route: VirtualRoute = "default via 192.0.2.254 metric 50".parse()?;
/// assert_eq!(route.metric, Some(50));
/// assert!(matches!(route.way, Way::Via { .. }));
/// assert_eq!(route.to_string(), "default via 192.0.2.254 metric 50");
/// # Ok::<(), vrrp_net::backend::RouteError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct VirtualRoute {
    /// The subnet that it leads to; its address has no bits set beyond the prefix length.
    pub destination: Cidr,
    /// Where packets go.
    pub way: Way,
    /// The address that the host sends from by it; `None`: the first virtual address of its
    /// family, of IPv4.
    pub source: Option<IpAddr>,
    /// Its metric; `None`: the kernel's default.
    pub metric: Option<u32>,
    /// Its routing table; `None`: that of the interface's VRF, or the main one.
    pub table: Option<u32>,
}

/// Where the packets of a route go.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Way {
    /// To a router.
    Via {
        /// Its address.
        gateway: IpAddr,
        /// The interface; `None`: the one by which the host reaches the router.
        interface: Option<Arc<str>>,
        /// Whether the router counts as a neighbour, whatever the host's subnets are.
        on_link: bool,
    },
    /// To neighbours on an interface.
    Link {
        /// The interface; `None`: the lease's.
        interface: Option<Arc<str>>,
    },
    /// Nowhere, without a word.
    Blackhole,
    /// Nowhere: the sender is told that the host is unreachable.
    Unreachable,
    /// Nowhere: the sender is told that it is forbidden.
    Prohibit,
}

impl VirtualRoute {
    /// Returns the family.
    #[must_use]
    pub fn family(&self) -> Family {
        Family::of(self.destination.address())
    }

    /// Returns whether a route to `destination` in the table `table` with this metric, as the kernel
    /// tells of it, may be this one.
    pub(crate) fn may_be(&self, destination: Cidr, table: u32, metric: u32) -> bool {
        self.destination == destination
            && self.table.is_none_or(|own| own == table)
            && self.metric_in_kernel() == metric
    }

    /// Returns the metric that the kernel shows of it: one that is left open is 0 of IPv4, and 1024 of
    /// IPv6.
    #[must_use]
    pub fn metric_in_kernel(&self) -> u32 {
        /// `IP6_RT_PRIO_USER` of the kernel, which it makes of 0, too.
        const IPV6_DEFAULT: u32 = 1024;
        match (self.family(), self.metric) {
            (Family::Ipv4, metric) => metric.unwrap_or_default(),
            (Family::Ipv6, None | Some(0)) => IPV6_DEFAULT,
            (Family::Ipv6, Some(metric)) => metric,
        }
    }

    /// Returns the interface that it names, if it does.
    #[must_use]
    pub fn interface(&self) -> Option<&Arc<str>> {
        match &self.way {
            Way::Via { interface, .. } | Way::Link { interface } => interface.as_ref(),
            Way::Blackhole | Way::Unreachable | Way::Prohibit => None,
        }
    }
}

/// Why a text is no route.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RouteError {
    /// There is no destination.
    #[error("there is no destination; write for example \"default via 192.0.2.254\"")]
    Empty,
    /// The destination is none.
    #[error("{0:?} is no destination; write a subnet, an address, or default")]
    Destination(String),
    /// A word has nothing after it, or something that does not fit.
    #[error("after {word:?} comes {what}, and not {found:?}")]
    Value {
        /// The word.
        word: &'static str,
        /// What belongs there.
        what: &'static str,
        /// What is there; empty if nothing is.
        found: String,
    },
    /// A word that is not known.
    #[error(
        "{0:?} is not supported in a route; the words are via, dev, src, metric, table, onlink"
    )]
    Word(String),
    /// A word stands there twice.
    #[error("{0:?} is there twice")]
    Twice(&'static str),
    /// Addresses of both families.
    #[error("{0} and {1} are of different families")]
    Families(IpAddr, IpAddr),
    /// A route that leads nowhere has a gateway or an interface.
    #[error("a route that leads nowhere has neither via, dev nor onlink")]
    Nowhere,
    /// `onlink` without `via`.
    #[error("onlink belongs to via")]
    OnLink,
}

impl FromStr for VirtualRoute {
    type Err = RouteError;

    fn from_str(text: &str) -> Result<Self, RouteError> {
        let mut words = text.split_whitespace().peekable();
        let kind = words
            .next_if(|word| ["unicast", "blackhole", "unreachable", "prohibit"].contains(word));
        let to = words.next().ok_or(RouteError::Empty)?;
        if to != "default" && to.parse::<Cidr>().is_err() {
            return Err(RouteError::Destination(to.to_owned()));
        }
        let options = Options::read(&mut words)?;
        let destination = destination(to, &options)?;
        for ip in [options.gateway, options.source].into_iter().flatten() {
            if ip.is_ipv4() != destination.address().is_ipv4() {
                return Err(RouteError::Families(destination.address(), ip));
            }
        }
        let way = options.way(kind.unwrap_or("unicast"))?;
        let Options { source, metric, table, .. } = options;
        Ok(Self { destination, way, source, metric, table })
    }
}

/// `default`, which has no family of its own, or a subnet.
fn destination(to: &str, options: &Options) -> Result<Cidr, RouteError> {
    let text = match (to, options.gateway.or(options.source)) {
        ("default", Some(IpAddr::V6(_))) => "::/0",
        ("default", _) => "0.0.0.0/0",
        (to, _) => to,
    };
    let cidr: Cidr = text.parse().map_err(|_| RouteError::Destination(to.to_owned()))?;
    Ok(cidr.subnet())
}

/// What follows the destination.
#[derive(Default)]
struct Options {
    gateway: Option<IpAddr>,
    interface: Option<Arc<str>>,
    source: Option<IpAddr>,
    metric: Option<u32>,
    table: Option<u32>,
    on_link: Option<()>,
}

impl Options {
    fn read<'a>(words: &mut impl Iterator<Item = &'a str>) -> Result<Self, RouteError> {
        const ADDRESS: &str = "an IP address";
        const NUMBER: &str = "a number";
        let mut all = Self::default();
        while let Some(word) = words.next() {
            let mut next = || words.next().unwrap_or_default();
            match word {
                "via" => set("via", &mut all.gateway, ADDRESS, next(), |text| text.parse().ok())?,
                "src" => set("src", &mut all.source, ADDRESS, next(), |text| text.parse().ok())?,
                "dev" => set("dev", &mut all.interface, "an interface", next(), name)?,
                "metric" => {
                    set("metric", &mut all.metric, NUMBER, next(), |text| text.parse().ok())?;
                }
                "table" => set("table", &mut all.table, "a number, or main", next(), table)?,
                "onlink" => set("onlink", &mut all.on_link, "", "", |_| Some(()))?,
                other => return Err(RouteError::Word(other.to_owned())),
            }
        }
        Ok(all)
    }

    fn way(&self, kind: &str) -> Result<Way, RouteError> {
        let interface = self.interface.clone();
        let nowhere = match kind {
            "blackhole" => Some(Way::Blackhole),
            "unreachable" => Some(Way::Unreachable),
            "prohibit" => Some(Way::Prohibit),
            _ => None,
        };
        match (nowhere, self.gateway) {
            (Some(_), Some(_)) => Err(RouteError::Nowhere),
            (Some(_), None) if interface.is_some() || self.on_link.is_some() => {
                Err(RouteError::Nowhere)
            }
            (Some(nowhere), None) => Ok(nowhere),
            (None, Some(gateway)) => {
                Ok(Way::Via { gateway, interface, on_link: self.on_link.is_some() })
            }
            (None, None) if self.on_link.is_some() => Err(RouteError::OnLink),
            (None, None) => Ok(Way::Link { interface }),
        }
    }
}

fn set<T>(
    word: &'static str,
    place: &mut Option<T>,
    what: &'static str,
    found: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<(), RouteError> {
    if place.is_some() {
        return Err(RouteError::Twice(word));
    }
    let value = parse(found);
    *place =
        Some(value.ok_or_else(|| RouteError::Value { word, what, found: found.to_owned() })?);
    Ok(())
}

fn name(text: &str) -> Option<Arc<str>> {
    (1..=15).contains(&text.len()).then(|| text.into())
}

/// The names that every host knows (`/etc/iproute2/rt_tables`), and numbers.
fn table(text: &str) -> Option<u32> {
    match text {
        "main" => Some(254),
        "default" => Some(253),
        "local" => Some(255),
        number => number.parse().ok().filter(|number| *number > 0),
    }
}

impl fmt::Display for VirtualRoute {
    /// As `ip route add` takes it; what is not said is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { destination, way, source, metric, table } = self;
        match way {
            Way::Via { .. } | Way::Link { .. } => {}
            Way::Blackhole => f.write_str("blackhole ")?,
            Way::Unreachable => f.write_str("unreachable ")?,
            Way::Prohibit => f.write_str("prohibit ")?,
        }
        // Without an address beside it `default` would be of IPv4.
        let names_family = matches!(way, Way::Via { .. }) || source.is_some();
        if destination.prefix_length() == 0 && (names_family || destination.address().is_ipv4()) {
            f.write_str("default")?;
        } else if *destination == Cidr::from(destination.address()) {
            write!(f, "{}", destination.address())?;
        } else {
            destination.fmt(f)?;
        }
        if let Way::Via { gateway, .. } = way {
            write!(f, " via {gateway}")?;
        }
        if let Some(interface) = self.interface() {
            write!(f, " dev {interface}")?;
        }
        if let Some(source) = source {
            write!(f, " src {source}")?;
        }
        if let Some(metric) = metric {
            write!(f, " metric {metric}")?;
        }
        if let Some(table) = table {
            write!(f, " table {table}")?;
        }
        if let Way::Via { on_link: true, .. } = way {
            f.write_str(" onlink")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_is_read() {
        for text in [
            "default via 192.0.2.254",
            "default via 2001:db8::1 dev eth1 src 2001:db8::10 metric 5 table 100",
            "198.51.100.0/24 via 192.0.2.1 dev eth1 onlink",
            "198.51.100.7 dev eth1",
            "198.51.100.0/24",
            "::/0 dev eth1",
            "default dev eth1",
            "blackhole 198.51.100.0/24 metric 9",
            "unreachable 2001:db8:1::/48",
            "prohibit default",
        ] {
            let route: VirtualRoute = text.parse().unwrap();
            assert_eq!(route.to_string(), text);
            assert_eq!(route.to_string().parse(), Ok(route));
        }
        let route: VirtualRoute = "unicast 198.51.100.9/24 table main".parse().unwrap();
        assert_eq!(route.to_string(), "198.51.100.0/24 table 254");
    }

    #[test]
    fn a_route_of_the_kernel_is_known_by_its_place() {
        let place = |text: &str| text.parse::<Cidr>().unwrap();
        let route = |text: &str| text.parse::<VirtualRoute>().unwrap();
        let default = place("0.0.0.0/0");
        assert!(route("default via 192.0.2.254").may_be(default, 100, 0), "of a VRF");
        assert!(!route("default via 192.0.2.254").may_be(default, 254, 50));
        assert!(route("default via 192.0.2.254 metric 50").may_be(default, 254, 50));
        assert!(!route("default via 192.0.2.254 table 7").may_be(default, 254, 0));
        assert!(route("::/0 via 2001:db8::1").may_be(place("::/0"), 254, 1024));
        assert!(!route("::/0 via 2001:db8::1").may_be(default, 254, 1024));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, expected) in [
            ("", "no destination"),
            ("blackhole", "no destination"),
            ("nonsense via 192.0.2.1", "\"nonsense\" is no destination"),
            ("throw 198.51.100.0/24", "\"throw\" is no destination"),
            ("default via", "an IP address, and not \"\""),
            ("default via eth0", "not \"eth0\""),
            ("default via 192.0.2.1 via 192.0.2.2", "\"via\" is there twice"),
            ("default via 192.0.2.1 mtu 1400", "\"mtu\" is not supported"),
            ("198.51.100.0/24 via 2001:db8::1", "different families"),
            ("default via 192.0.2.1 src 2001:db8::1", "different families"),
            ("blackhole default via 192.0.2.1", "leads nowhere"),
            ("blackhole default dev eth0", "leads nowhere"),
            ("198.51.100.0/24 onlink", "onlink belongs to via"),
            ("198.51.100.0/24 table 0", "a number, or main"),
            ("198.51.100.0/24 dev 0123456789012345", "an interface"),
        ] {
            let error = text.parse::<VirtualRoute>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text:?}: {error}");
        }
    }
}
