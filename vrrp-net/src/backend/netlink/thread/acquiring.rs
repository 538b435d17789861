//! How the addresses of a lease are put: all of them, or none.

use std::collections::BTreeSet;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use netlink_packet_route::RouteNetlinkMessage;
use vrrp_core::{Cidr, Family};

use super::{
    AddressThread,
    spots::{self, Spot},
};
use crate::{
    BackendError, Lease,
    backend::netlink::{
        failure::{mark_not_kept, present, put_refused, refused},
        table::{Present, Table},
    },
    netlink::{
        Socket,
        addresses::{self, HostAddress, Mark, Put},
    },
};

/// An address to put.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) put: Put,
    how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// It must not be there.
    New,
    /// It is ours and put again in its place.
    Again,
    /// It is ours and was put in another manner, which the kernel does not change: it is deleted
    /// first, with the length that it has.
    Anew(Cidr),
}

impl Request {
    pub(super) fn again(put: Put) -> Self {
        Self { put, how: How::Again }
    }

    fn messages(&self) -> Vec<(RouteNetlinkMessage, u16)> {
        let Self { put, how } = self;
        let new = (put.message(), NLM_F_CREATE | NLM_F_EXCL);
        match how {
            How::New => vec![new],
            How::Again => vec![(put.message(), NLM_F_REPLACE)],
            How::Anew(held) => vec![(addresses::delete(put.index, *held), 0), new],
        }
    }
}

impl AddressThread {
    pub(super) fn acquire(
        &mut self,
        lease: &Lease,
        valid: Option<u32>,
    ) -> Result<(), BackendError> {
        let spots = spots::now(lease)?;
        let routes = self.settle_routes(lease)?;
        // A name has moved on to another interface, and the addresses move with it.
        let left_behind = self.put_on.left_behind(lease, &spots);
        self.release_spots(&left_behind, false)?;
        self.put_on.note(lease, &spots);
        let previous = self.put_on.of_previous(lease);
        let requests = self.plan_acquire(lease, &spots, &previous, valid)?;
        let result: Result<(), BackendError> = self.put(&requests).into_iter().collect();
        let result = result.and_then(|()| self.read_back(&requests));
        let result = result.and_then(|()| self.put_routes(&spots, valid));
        let result = result.and_then(|()| self.put_virtual_routes(lease, routes, valid));
        if let Err(error) = result {
            self.undo(&spots, &requests);
            return Err(error);
        }
        // What the previous configuration had goes last: the new addresses are served before.
        self.release_spots(&previous, false)?;
        self.put_on.keep(lease, &spots);
        Ok(())
    }

    /// Decides for each address how it is put: a new one exclusively, so that an operator's
    /// address is never turned into a leased one; one of ours in its place. One that is on another
    /// interface by the `previous` configuration moves.
    fn plan_acquire(
        &mut self,
        lease: &Lease,
        spots: &[Spot<'_>],
        previous: &[Spot<'_>],
        valid: Option<u32>,
    ) -> Result<Vec<Request>, BackendError> {
        let table = self.table()?;
        if spots.iter().any(|spot| table.ours(spot.index, spot.ip()).is_some()) {
            // What is put again is replaced, and may have become the host's own a moment ago.
            self.readings.forget();
        }
        let moves = |other: &HostAddress| {
            previous.iter().any(|spot| (spot.index, spot.ip()) == (other.index, other.ip()))
        };
        let mut requests = Vec::new();
        for spot in spots {
            let brings_subnet = self.brought(spot)?.is_some();
            let place = |spot: &Spot<'_>, table: &Table| {
                table.place(spot.index, spot.cidr, spot.manner, brings_subnet, valid)
            };
            let table = self.table()?;
            match table.find_but(spot.index, spot.ip(), moves) {
                Present::No => {
                    let put = place(spot, table);
                    requests.push(Request { put, how: How::New });
                }
                Present::Ours(held) => {
                    requests.push(match spot.is_as(held) {
                        true => Request::again(spot.again(held, Mark::Held, valid)),
                        false => Request { put: place(spot, table), how: How::Anew(held.cidr) },
                    });
                }
                Present::Foreign(_) if lease.owner => {}
                Present::Foreign(other) | Present::Elsewhere(other) => return Err(present(other)),
            }
        }
        Ok(requests)
    }

    /// Puts addresses in one batch; one result for each.
    pub(super) fn put(&mut self, requests: &[Request]) -> Vec<Result<(), BackendError>> {
        let answers = self.socket.batch(requests.iter().flat_map(Request::messages).collect());
        if answers.as_ref().map_or(true, |answers| answers.iter().any(Result::is_err)) {
            self.readings.forget();
        }
        let answers = match answers {
            Ok(answers) => answers,
            Err(error) => {
                return requests.iter().map(|asked| Err(put_refused(&asked.put, &error))).collect();
            }
        };
        requests.iter().for_each(|asked| self.readings.enter_put(&asked.put));
        if requests.iter().any(|asked| matches!(asked.how, How::Anew(_))) {
            self.readings.forget();
        }
        let mut answers = answers.into_iter();
        let result = |asked: &Request| {
            if let How::Anew(_) = asked.how {
                // One that could not be deleted cannot be put anew, and says so then.
                let _ = answers.next();
            }
            let answer = answers.next().unwrap_or(Ok(()));
            answer.map_err(|error| put_refused(&asked.put, &error))
        };
        requests.iter().map(result).collect()
    }

    /// Whether the kernel has kept the marks of addresses that were just added. It is asked until
    /// it has once: what it cannot do it forgets without a word, and then these would pass for the
    /// host's own.
    fn read_back(&mut self, requests: &[Request]) -> Result<(), BackendError> {
        let is_new = |put: &Put| !self.keeps_mark.contains(&Family::of(put.cidr.address()));
        let added = requests.iter().filter(|asked| asked.how == How::New && is_new(&asked.put));
        let added: Vec<Put> = added.map(|asked| asked.put).collect();
        let found = read(&mut self.socket, &added)?;
        for put in &added {
            // One that is gone, or the host's own by now, is somebody else's doing, and is told by
            // the monitor.
            let is_it =
                |address: &&HostAddress| address.index == put.index && address.cidr == put.cidr;
            let Some(address) = found.iter().find(is_it) else { continue };
            if address.is_ours() {
                self.keeps_mark.insert(Family::of(address.ip()));
            } else if address.lost_its_mark() {
                let error = mark_not_kept(put);
                self.unfit = Some(error.to_string());
                return Err(error);
            }
        }
        Ok(())
    }

    /// Takes back what an acquire added, since another of its addresses or routes was refused: all
    /// or nothing.
    fn undo(&mut self, spots: &[Spot<'_>], requests: &[Request]) {
        let added: Vec<Put> =
            requests.iter().filter(|asked| asked.how == How::New).map(|asked| asked.put).collect();
        let result = self.added(&added).and_then(|left| self.delete(spots, left));
        if let Err(error) = result {
            tracing::warn!(%error, "the addresses of a failed attempt could not be removed again");
        }
    }

    /// What is there of what an acquire added.
    fn added(&mut self, added: &[Put]) -> Result<Vec<HostAddress>, BackendError> {
        self.readings.forget();
        let may_go = |address: &&HostAddress| address.is_ours() || address.lost_its_mark();
        let mut left = Vec::new();
        for put in added {
            let table: &Table = self.table_on(put.index)?;
            left.extend(table.exact(put.index, put.cidr).filter(may_go).cloned());
        }
        Ok(left)
    }
}

/// The addresses of all interfaces that something was added to.
fn read(socket: &mut Socket, added: &[Put]) -> Result<Vec<HostAddress>, BackendError> {
    let mut found = Vec::new();
    for index in added.iter().map(|put| put.index).collect::<BTreeSet<_>>() {
        let here = addresses::list_on(socket, index)
            .map_err(|error| refused("the addresses could not be read back", &error))?;
        found.extend(here);
    }
    Ok(found)
}
