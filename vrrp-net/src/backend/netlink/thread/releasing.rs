//! How addresses are given up.

use super::{AddressThread, spots::Spot};
use crate::{
    BackendError, Lease,
    backend::netlink::failure::{name_of, refused},
    netlink::addresses::{self, HostAddress},
};

impl AddressThread {
    pub(super) fn release(&mut self, lease: &Lease, at_start: bool) -> Result<(), BackendError> {
        // The addresses go even if a route does not.
        let routes = self.release_virtual_routes(lease, at_start);
        let spots = self.put_on.anywhere(lease);
        self.release_spots(&spots, at_start)?;
        self.put_on.forget(lease);
        routes
    }

    /// Gives up what is ours at these spots, on all interfaces in one batch. One interface that
    /// cannot be read keeps nothing on the others; `at_start`: what version 0.1 left behind goes as
    /// well.
    pub(super) fn release_spots(
        &mut self,
        spots: &[Spot<'_>],
        at_start: bool,
    ) -> Result<(), BackendError> {
        let (mut ours, mut result) = (Vec::new(), Ok(()));
        for spot in spots {
            match self.table_on(spot.index) {
                Ok(table) => {
                    let mine = match at_start {
                        true => table.leftover(spot.index, spot.ip()),
                        false => table.ours(spot.index, spot.ip()),
                    };
                    ours.extend(mine.cloned());
                }
                Err(error) => result = result.and(Err(error)),
            }
        }
        let deleted = if spots.is_empty() { Ok(()) } else { self.delete(spots, ours) };
        result.and(deleted)
    }

    /// Deletes what is held at these spots, in one batch. What is gone already is no error.
    pub(super) fn delete(
        &mut self,
        spots: &[Spot<'_>],
        ours: Vec<HostAddress>,
    ) -> Result<(), BackendError> {
        self.readings.forget();
        let messages = ours
            .iter()
            .map(|address| (addresses::delete(address.index, address.cidr), 0))
            .collect();
        let answers = self
            .socket
            .batch(messages)
            .map_err(|error| refused("the addresses could not be removed", &error))?;
        let (mut gone, mut result) = (Vec::new(), Ok(()));
        for (address, answer) in ours.into_iter().zip(answers) {
            match answer {
                Err(error)
                    if !matches!(error.errno(), Some(libc::EADDRNOTAVAIL | libc::ENODEV)) =>
                {
                    let what = format!(
                        "{} could not be removed from {}",
                        address.cidr,
                        name_of(address.index)
                    );
                    result = Err(refused(&what, &error));
                }
                Ok(()) | Err(_) => gone.push(address),
            }
        }
        // The routes of what was deleted end, even if deleting others failed.
        let ended = self.end_routes(spots, &gone);
        result.and(ended)
    }
}
