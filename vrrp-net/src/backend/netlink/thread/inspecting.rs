//! Whether an acquire would work.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
};

use vrrp_core::{Cidr, LeaseFailure};

use super::{AddressThread, spots};
use crate::{
    BackendError, Lease,
    backend::netlink::{
        failure::{index_of, present, refused},
        table::Present,
    },
    netlink::{addresses, links},
};

impl AddressThread {
    pub(super) fn inspect(&mut self, lease: &Lease) -> Result<(), BackendError> {
        let home = index_of(&lease.interface)?;
        let spots = spots::now(lease)?;
        let mut interfaces = BTreeSet::from([(home, &*lease.interface)]);
        interfaces.extend(spots.iter().map(|spot| (spot.index, spot.interface)));
        self.inspect_links(&interfaces)?;
        self.probe()?;
        if let Some(what) = &self.unfit {
            return Err(BackendError::new(LeaseFailure::Failed, what.clone()));
        }
        let table = self.table()?;
        for spot in &spots {
            match table.find(spot.index, spot.ip()) {
                Present::No | Present::Ours(_) => {}
                Present::Foreign(_) if lease.owner => {}
                Present::Foreign(other) | Present::Elsewhere(other) => return Err(present(other)),
            }
        }
        self.inspect_virtual_routes(lease)
    }

    /// Whether the interfaces are up; each with the name that it is configured by.
    fn inspect_links(&mut self, interfaces: &BTreeSet<(u32, &str)>) -> Result<(), BackendError> {
        let links = links::list(&mut self.socket)
            .map_err(|error| refused("the interfaces were not listed", &error))?;
        for (index, name) in interfaces {
            if !links.iter().any(|link| link.index == *index && link.is_up()) {
                let down = format!("{name} is down or has no carrier");
                return Err(BackendError::new(LeaseFailure::Failed, down));
            }
        }
        Ok(())
    }

    /// Asks for something that needs the privilege and cannot succeed: there is no interface 0.
    fn probe(&mut self) -> Result<(), BackendError> {
        let nothing = addresses::delete(0, Cidr::from(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        match self.socket.request(nothing, 0) {
            Err(error) if error.errno() == Some(libc::EPERM) => {
                Err(refused("no address could be added", &error))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }
}
