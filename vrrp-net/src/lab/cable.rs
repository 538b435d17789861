//! [`Cable`]: between a host and a switch, with its faults.

use std::{
    collections::BTreeSet,
    mem,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use netlink_packet_route::link::{LinkAttribute, LinkFlags};
use vrrp_core::MacAddr;

use super::{
    Error, Host, Switch,
    loss::{self, Direction, Way},
    namespace::Namespace,
    switch::BRIDGE,
    wire,
};

/// The longest name that an interface may have (`IFNAMSIZ` without the terminating zero).
const LONGEST_NAME: usize = 15;

/// A cable between an interface of a host and a port of a switch. It stays when this handle is
/// dropped.
#[derive(Clone, Debug)]
pub struct Cable {
    host: Namespace,
    switch: Namespace,
    interface: String,
    port: String,
    addresses: Vec<(IpAddr, u8)>,
    /// The tables of `nft` to remove: a lab without losses does not need that program.
    losses: Arc<Mutex<BTreeSet<String>>>,
}

impl Cable {
    /// Gives `host` the interface `interface` with these addresses (such as `10.0.0.1/24`,
    /// `fd00::1/64`) and connects it to `switch`. On return frames flow and the link-local IPv6
    /// address is usable.
    ///
    /// # Errors
    /// [`Error`] when an address or a name makes no sense, or with what the kernel says.
    pub fn new(
        host: &Host,
        interface: &str,
        switch: &Switch,
        addresses: &[&str],
    ) -> Result<Self, Error> {
        let port = format!("{}-{interface}", host.name());
        if port.len() > LONGEST_NAME {
            let text = format!(
                "the port name {port} is longer than {LONGEST_NAME} characters: shorten the host's \
                 name"
            );
            return Err(Error::Invalid(text));
        }
        let cable = Self {
            host: host.namespace().clone(),
            switch: switch.namespace().clone(),
            interface: interface.to_owned(),
            port,
            addresses: addresses.iter().map(|text| parse(text)).collect::<Result<_, _>>()?,
            losses: Arc::default(),
        };
        cable.restore()?;
        Ok(cable)
    }

    /// The name of the host's interface.
    #[must_use]
    pub fn interface(&self) -> &str {
        &self.interface
    }

    /// The name of the switch's port: the host's name, a hyphen and the interface's.
    #[must_use]
    pub fn port(&self) -> &str {
        &self.port
    }

    /// The MAC address of the host's interface.
    ///
    /// # Errors
    /// [`Error`] when the interface is gone.
    pub fn mac(&self) -> Result<MacAddr, Error> {
        let link = wire::find(&self.host, &self.interface)?;
        let address = link.attributes.iter().find_map(|attribute| match attribute {
            LinkAttribute::Address(bytes) => bytes.as_slice().try_into().ok().map(MacAddr),
            _ => None,
        });
        address.ok_or_else(|| {
            Error::Invalid(format!("the interface {} has no MAC address", self.interface))
        })
    }

    /// Whether the host's interface has a carrier.
    ///
    /// # Errors
    /// [`Error`] when the interface is gone.
    pub fn has_carrier(&self) -> Result<bool, Error> {
        Ok(wire::find(&self.host, &self.interface)?.header.flags.contains(LinkFlags::LowerUp))
    }

    /// Makes the switch's port dead: nothing enters or leaves the switch by it, but the host keeps
    /// its carrier and notices nothing.
    ///
    /// # Errors
    /// [`Error`] when the kernel refuses.
    pub fn cut(&self) -> Result<(), Error> {
        wire::set_bridge(&self.switch, &self.port, None)
    }

    /// Undoes [`cut`](Self::cut), [`lose`](Self::lose), [`lose_to`](Self::lose_to) and
    /// [`block`](Self::block).
    ///
    /// # Errors
    /// [`Error`] when the kernel refuses.
    pub fn mend(&self) -> Result<(), Error> {
        self.stop_losing()?;
        wire::set_bridge(&self.switch, &self.port, Some(BRIDGE))?;
        self.wait_for_port()
    }

    /// Pulls the cable out of the switch: the host loses its carrier.
    ///
    /// # Errors
    /// [`Error`] when the kernel refuses.
    pub fn unplug(&self) -> Result<(), Error> {
        wire::set_up(&self.switch, &self.port, false)
    }

    /// Undoes [`unplug`](Self::unplug). On return frames flow, unless the cable is cut too.
    ///
    /// # Errors
    /// [`Error`] when the kernel refuses.
    pub fn plug(&self) -> Result<(), Error> {
        wire::set_up(&self.switch, &self.port, true)?;
        self.wait_for_port()
    }

    /// Loses this share of the frames (0 to 100 percent, in steps of 0.01) in one direction, at
    /// random. The other direction keeps its own loss. Needs the program `nft`.
    ///
    /// # Errors
    /// [`Error::Nft`] when `nft` is missing or refuses, [`Error::Invalid`] when the share makes no
    /// sense.
    pub fn lose(&self, percent: f64, direction: Direction) -> Result<(), Error> {
        self.set_loss(&Way::Port(&self.port, direction), percent)
    }

    /// Loses this share of the frames that this host sends to the one at the end of `other`, at
    /// random; what it sends to anybody else arrives, copies of the same broadcast too. Needs the
    /// program `nft`.
    ///
    /// # Errors
    /// As [`lose`](Self::lose).
    pub fn lose_to(&self, other: &Self, percent: f64) -> Result<(), Error> {
        self.set_loss(&Way::Between(&self.port, &other.port), percent)
    }

    /// Loses every frame in one direction: `lose(100.0, direction)`.
    ///
    /// # Errors
    /// As [`lose`](Self::lose).
    pub fn block(&self, direction: Direction) -> Result<(), Error> {
        self.lose(100.0, direction)
    }

    /// Deletes the host's interface, and with it its addresses and the switch's port.
    ///
    /// # Errors
    /// [`Error`] when it is gone already.
    pub fn destroy(&self) -> Result<(), Error> {
        self.stop_losing()?;
        wire::delete(&self.host, &self.interface)
    }

    /// Undoes [`destroy`](Self::destroy): makes the interface anew, with another index and MAC
    /// address and with the addresses that the cable was made with.
    ///
    /// # Errors
    /// [`Error`] when there still is such an interface, or with what the kernel says.
    pub fn restore(&self) -> Result<(), Error> {
        let Self { host, switch, interface, port, addresses, .. } = self;
        wire::make_pair(switch, port, host, interface)?;
        wire::set_bridge(switch, port, Some(BRIDGE))?;
        wire::set_up(switch, port, true)?;
        addresses.iter().try_for_each(|cidr| wire::add_address(host, interface, *cidr))?;
        wire::set_up(host, interface, true)?;
        wire::wait_for_port(switch, port)?;
        wire::wait_until_active(host, interface)?;
        wire::wait_for_link_local(host, interface)
    }

    fn set_loss(&self, way: &Way<'_>, percent: f64) -> Result<(), Error> {
        let table = loss::set(&self.switch, way, percent)?;
        self.losses.lock().unwrap_or_else(PoisonError::into_inner).insert(table);
        Ok(())
    }

    fn stop_losing(&self) -> Result<(), Error> {
        let losses = mem::take(&mut *self.losses.lock().unwrap_or_else(PoisonError::into_inner));
        if losses.is_empty() {
            return Ok(());
        }
        loss::clear(&self.switch, &losses.into_iter().collect::<Vec<_>>())
    }

    /// Waits until the port forwards, unless it is cut or unplugged.
    fn wait_for_port(&self) -> Result<(), Error> {
        let link = wire::find(&self.switch, &self.port)?;
        let is_plugged = link.header.flags.contains(LinkFlags::Up);
        if is_plugged && wire::is_port(&link) {
            wire::wait_for_port(&self.switch, &self.port)
        } else {
            Ok(())
        }
    }

    pub(super) fn switch(&self) -> &Namespace {
        &self.switch
    }
}

fn parse(text: &str) -> Result<(IpAddr, u8), Error> {
    let parts = text.split_once('/').and_then(|(address, length)| {
        let address: IpAddr = address.parse().ok()?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        Some((address, length.parse().ok().filter(|length| *length <= longest)?))
    });
    parts.ok_or_else(|| {
        Error::Invalid(format!("{text} is not an address with a prefix length, as in 10.0.0.1/24"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_prefix_length_that_fits() {
        assert_eq!(parse("10.0.0.1/24").unwrap(), ("10.0.0.1".parse().unwrap(), 24));
        assert_eq!(parse("fd00::1/128").unwrap(), ("fd00::1".parse().unwrap(), 128));
        for wrong in ["10.0.0.1", "10.0.0.1/33", "fd00::1/129", "eth0/24", "10.0.0.1/-1", ""] {
            assert!(parse(wrong).unwrap_err().to_string().starts_with(wrong), "{wrong}");
        }
    }
}
