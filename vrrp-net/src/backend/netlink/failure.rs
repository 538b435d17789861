//! What went wrong, in sentences, and what it is for the protocol.

use nix::{
    errno::Errno,
    net::if_::{if_indextoname, if_nametoindex},
};
use vrrp_core::LeaseFailure;

use crate::{
    BackendError, VirtualRoute,
    netlink::{
        self,
        addresses::{HostAddress, Put},
    },
    remedy::{Explained, without_ipv6},
};

pub(super) fn index_of(interface: &str) -> Result<u32, BackendError> {
    if_nametoindex(interface).map_err(|errno| {
        let what = match errno {
            Errno::ENODEV => format!("there is no interface {interface}"),
            errno => {
                format!(
                    "the interface {interface} could not be looked up: {}",
                    Explained(&errno.into())
                )
            }
        };
        BackendError::new(LeaseFailure::Failed, what)
    })
}

pub(super) fn name_of(index: u32) -> String {
    match if_indextoname(index) {
        Ok(name) => name.to_string_lossy().into_owned(),
        Err(_) => format!("interface {index}"),
    }
}

pub(super) fn present(other: &HostAddress) -> BackendError {
    let interface = name_of(other.index);
    let what = if other.is_ours() {
        format!(
            "{} is held as a virtual address on {interface} already; give it to one virtual router \
             only",
            other.cidr
        )
    } else {
        format!(
            "{} is on {interface} already and was not put there as a virtual address; remove it \
             (ip address del {} dev {interface}), or make this node the owner (priority 255)",
            other.cidr, other.cidr
        )
    };
    BackendError::new(LeaseFailure::AddressPresent, what)
}

pub(super) fn put_refused(put: &Put, error: &netlink::Error) -> BackendError {
    let interface = name_of(put.index);
    let what = format!("{} could not be put on {interface}", put.cidr);
    match error.errno() {
        Some(libc::EEXIST) => {
            let what = format!("{what}: somebody else put it there at the same moment");
            BackendError::new(LeaseFailure::AddressPresent, what)
        }
        Some(libc::EACCES) if put.cidr.address().is_ipv6() => {
            let what = format!(
                "{what}: IPv6 is disabled there (sysctl net.ipv6.conf.{interface}.disable_ipv6=1)"
            );
            BackendError::new(LeaseFailure::Denied, what)
        }
        Some(libc::EINVAL) if put.cidr.address().is_ipv6() => match without_ipv6(&interface) {
            Some(why) => BackendError::new(LeaseFailure::Failed, format!("{what}: {why}")),
            None => refused(&what, error),
        },
        _ => refused(&what, error),
    }
}

pub(super) fn mark_not_kept(put: &Put) -> BackendError {
    let (cidr, interface) = (put.cidr, name_of(put.index));
    let what = format!(
        "this kernel cannot do it: it does not keep the metric of an address (IFA_RT_PRIORITY), by \
         which vrrp tells its own addresses; {cidr} was taken away from {interface} again; Linux \
         4.18 or newer is needed"
    );
    BackendError::new(LeaseFailure::Failed, what)
}

/// Why a virtual route could not be added.
pub(super) fn route_refused(route: &VirtualRoute, error: &netlink::Error) -> BackendError {
    let what = format!("the route {route} could not be added");
    let remedy = match error.errno() {
        Some(libc::EEXIST) => return route_taken(route),
        Some(libc::ENETUNREACH | libc::EHOSTUNREACH) => return route_without_way(route),
        Some(libc::ENETDOWN) => "the interface is down",
        _ => return refused(&what, error),
    };
    BackendError::new(LeaseFailure::Failed, format!("{what}: {error}: {remedy}"))
}

/// That the router of a virtual route is no neighbour.
pub(super) fn route_without_way(route: &VirtualRoute) -> BackendError {
    let what = format!(
        "the route {route} could not be added: the router is in no network of this host; name its \
         interface after dev, and say onlink"
    );
    BackendError::new(LeaseFailure::Failed, what)
}

/// That a route of the host's own is in the place of a virtual one.
pub(super) fn route_taken(route: &VirtualRoute) -> BackendError {
    let what = format!(
        "the route {route} could not be added: this host has another one to {} with the same \
         metric in the same table; remove that, or give this one another metric",
        route.destination
    );
    BackendError::new(LeaseFailure::Failed, what)
}

/// What became of a request, for the protocol and in a sentence.
pub(super) fn refused(what: &str, error: &netlink::Error) -> BackendError {
    match (error, error.errno()) {
        (_, Some(libc::EPERM | libc::EACCES)) => {
            let what = format!(
                "{what}: this process lacks the capability CAP_NET_ADMIN in its network namespace; \
                 run it as root, or grant it (setcap cap_net_admin,cap_net_raw+ep, docker run \
                 --cap-add NET_ADMIN)"
            );
            BackendError::new(LeaseFailure::Denied, what)
        }
        (netlink::Error::Timeout, _) => {
            BackendError::new(LeaseFailure::TimedOut, format!("{what}: {error}"))
        }
        _ => BackendError::new(LeaseFailure::Failed, format!("{what}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(error: &BackendError, words: &str) -> bool {
        error.to_string().contains(words)
    }

    #[test]
    fn each_refusal_is_told_for_what_it_is() {
        let put = Put {
            index: u32::MAX,
            cidr: "2001:db8::10/64".parse().unwrap(),
            mark: netlink::addresses::Mark::Held,
            valid: Some(2),
            manner: netlink::addresses::Manner::default(),
        };
        let refused =
            |errno| put_refused(&put, &netlink::Error::Refused { errno, text: String::new() });
        let denied = refused(libc::EPERM);
        assert_eq!(denied.kind(), LeaseFailure::Denied);
        assert!(said(&denied, "CAP_NET_ADMIN") && said(&denied, "2001:db8::10/64"), "{denied}");
        assert_eq!(refused(libc::EEXIST).kind(), LeaseFailure::AddressPresent);
        assert!(said(&refused(libc::EACCES), "disable_ipv6"));
        assert_eq!(refused(libc::ENODEV).kind(), LeaseFailure::Failed);
        assert_eq!(put_refused(&put, &netlink::Error::Timeout).kind(), LeaseFailure::TimedOut);
    }
    #[test]
    fn a_refused_route_is_named_with_what_to_do() {
        let route: VirtualRoute = "default via 192.0.2.254".parse().unwrap();
        let refused =
            |errno| route_refused(&route, &netlink::Error::Refused { errno, text: String::new() });
        for (errno, kind, words) in [
            (libc::EEXIST, LeaseFailure::Failed, "give this one another metric"),
            (libc::ENETUNREACH, LeaseFailure::Failed, "say onlink"),
            (libc::ENETDOWN, LeaseFailure::Failed, "the interface is down"),
            (libc::EPERM, LeaseFailure::Denied, "CAP_NET_ADMIN"),
        ] {
            let error = refused(errno);
            assert_eq!(error.kind(), kind);
            assert!(said(&error, "the route default via 192.0.2.254 could not be added"));
            assert!(said(&error, words), "{error}");
        }
    }
}
