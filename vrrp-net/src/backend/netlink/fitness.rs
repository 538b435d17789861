//! Whether this kernel can do what the backend needs, tried where it disturbs nobody.

use std::{io, net::IpAddr, thread};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use nix::sched::{CloneFlags, unshare};

use crate::netlink::{
    Error, Socket,
    addresses::{self, Manner, Mark, Put},
};

/// The loopback interface, the first one of every network namespace.
const LOOPBACK: u32 = 1;

/// Why [`Netlink`](super::Netlink) may not work with this kernel.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// It forgets what addresses are told by.
    #[error(
        "this kernel cannot do it: it does not keep the metric of an address ({0}, \
         IFA_RT_PRIORITY), by which vrrp tells its own addresses; Linux 4.18 or newer is needed"
    )]
    MarkNotKept(&'static str),
    /// It was not tried.
    #[error(
        "whether this kernel keeps the metric of an address, as Linux 4.18 and newer do, was not \
         tried: {0}"
    )]
    NotTried(String),
}

/// Tries with addresses for documentation, in a network namespace that ends with this call.
pub(super) fn try_out() -> Result<(), Unfit> {
    let not_tried = |what: &str| {
        let what = what.to_owned();
        move |error: io::Error| Unfit::NotTried(format!("{what}: {error}"))
    };
    // A namespace belongs to a thread, so that the rest of the process stays where it is.
    let thread = thread::Builder::new().spawn(move || {
        unshare(CloneFlags::CLONE_NEWNET).map_err(|errno| {
            not_tried("a network namespace of its own needs CAP_SYS_ADMIN")(errno.into())
        })?;
        try_here().map_err(|error| Unfit::NotTried(error.to_string()))?
    });
    let thread = thread.map_err(not_tried("a thread could not be started"))?;
    thread.join().unwrap_or_else(|_| Err(Unfit::NotTried("the attempt broke off".to_owned())))
}

fn try_here() -> Result<Result<(), Unfit>, Error> {
    let mut socket = Socket::new()?;
    for (family, text) in [("IPv4", "192.0.2.1/32"), ("IPv6", "2001:db8::1/128")] {
        let Ok(cidr) = text.parse() else { continue };
        let (mark, manner) = (Mark::Held, Manner::default());
        let put = Put { index: LOOPBACK, cidr, mark, valid: Some(60), manner };
        match socket.request(put.message(), NLM_F_CREATE | NLM_F_EXCL) {
            Ok(()) => {}
            // A host without IPv6 holds no such addresses.
            Err(_) if matches!(cidr.address(), IpAddr::V6(_)) => continue,
            Err(error) => return Err(error),
        }
        let found = addresses::list_on(&mut socket, LOOPBACK)?;
        if !found.iter().any(|address| address.cidr == cidr && address.is_ours()) {
            return Ok(Err(Unfit::MarkNotKept(family)));
        }
    }
    Ok(Ok(()))
}
