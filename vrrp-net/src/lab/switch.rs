//! [`Switch`]: what the cables of a lab end in.

use std::io;

use super::{Error, error::Doing, host::write_ipv6_setting, namespace::Namespace, wire};

/// The bridge's name in its namespace.
pub(super) const BRIDGE: &str = "bridge";

/// An Ethernet switch: a bridge in a namespace of its own. It knows neither spanning tree nor
/// multicast snooping, so every multicast frame leaves by every other port, and it sends nothing of
/// its own.
#[derive(Clone, Debug)]
pub struct Switch {
    namespace: Namespace,
}

impl Switch {
    /// Makes a switch without cables.
    ///
    /// # Errors
    /// [`Error`] with what the operating system says; see [`enter`](super::enter).
    pub fn new() -> Result<Self, Error> {
        let made = || "making a switch".to_owned();
        let namespace = Namespace::new().doing(made)?;
        namespace.run(be_silent).doing(made)?.doing(made)?;
        wire::set_up(&namespace, "lo", true)?;
        wire::make_bridge(&namespace, BRIDGE)?;
        wire::set_up(&namespace, BRIDGE, true)?;
        Ok(Self { namespace })
    }

    /// Runs `work` on a thread inside the switch, and returns what it returns: for example a program
    /// that changes its ports, whose names are those of [`Cable::port`](super::Cable::port).
    ///
    /// # Errors
    /// [`Error`] when the thread cannot be started.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, Error> {
        self.namespace.run(work).doing(|| "running a thread in a switch".to_owned())
    }

    pub(super) fn namespace(&self) -> &Namespace {
        &self.namespace
    }
}

/// Without IPv6 the bridge and its ports join no groups and solicit no routers.
fn be_silent() -> io::Result<()> {
    ["all", "default"].iter().try_for_each(|which| write_ipv6_setting(which, "disable_ipv6", "1"))
}
