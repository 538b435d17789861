//! What [`Node::linux`](super::Node::linux) is made of.

use std::io;

use tokio::runtime::{Builder, Runtime};

use crate::{Error, clock::BootClock, link::linux::Linux, netlink};

pub(super) struct Parts {
    pub(super) runtime: Runtime,
    pub(super) link: Linux,
    pub(super) clock: BootClock,
    pub(super) monitor: netlink::Monitor,
}

/// The parts of a driver that runs on this thread, in its network namespace.
pub(super) fn open() -> Result<Parts, Error> {
    let failed = |what: &str| {
        let what = what.to_owned();
        move |source: io::Error| Error::Io { what, source }
    };
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed("cannot start the driver"))?;
    let entered = runtime.enter();
    let clock = BootClock::new().map_err(failed("cannot create the driver's timer"))?.own_thread();
    let monitor = netlink::Monitor::new()
        .map_err(failed("cannot watch this host's interfaces by netlink"))?;
    drop(entered);
    Ok(Parts { runtime, link: Linux::new(), clock, monitor })
}
