//! What went wrong, in sentences, and what it is for the protocol.

use nix::{
    errno::Errno,
    net::if_::{if_indextoname, if_nametoindex},
};
use vrrp_core::LeaseFailure;

use crate::{
    BackendError,
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
}
