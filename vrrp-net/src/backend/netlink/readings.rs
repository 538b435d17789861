//! [`Readings`]: what is on the interfaces, as it was read last, and as little as will do. A host
//! may have ten thousand addresses that change all the time, and those of one interface are read
//! at once.

use std::{
    collections::BTreeSet,
    net::IpAddr,
    time::{Duration, Instant},
};

use super::{failure::refused, table::Table};
use crate::{
    BackendError,
    netlink::{
        Error, Socket,
        addresses::{self, HostAddress, Put},
    },
};

/// How long a table is believed before it is read again. Our own changes are entered into it.
const FRESH: Duration = Duration::from_millis(50);

/// A table, and what it is of.
struct Reading {
    at: Instant,
    scope: Scope,
    table: Table,
}

enum Scope {
    Host,
    /// These interfaces.
    Interfaces(BTreeSet<u32>),
}

impl Reading {
    fn is_fresh(&self) -> bool {
        self.at.elapsed() < FRESH
    }

    fn has(&self, index: u32) -> bool {
        match &self.scope {
            Scope::Host => true,
            Scope::Interfaces(indexes) => indexes.contains(&index),
        }
    }
}

/// What was read last, if anything was since it was last forgotten.
#[derive(Default)]
pub(super) struct Readings(Option<Reading>);

impl Readings {
    /// Makes whoever asks next read again.
    pub(super) fn forget(&mut self) {
        self.0 = None;
    }

    /// Enters an address that was just put, so that our own changes need no other reading.
    pub(super) fn enter_put(&mut self, put: &Put) {
        if let Some(reading) = &mut self.0 {
            reading.table.enter(put);
        }
    }

    /// The addresses of the whole host.
    pub(super) fn table(&mut self, socket: &mut Socket) -> Result<&Table, BackendError> {
        let is_whole = |reading: &Reading| matches!(reading.scope, Scope::Host);
        let reading = match self.0.take().filter(|reading| reading.is_fresh() && is_whole(reading))
        {
            Some(reading) => reading,
            None => {
                let all = addresses::list(socket).map_err(|error| unreadable(&error))?;
                let table = all.into_iter().collect();
                Reading { at: Instant::now(), scope: Scope::Host, table }
            }
        };
        Ok(&self.0.insert(reading).table)
    }

    /// The addresses of the interface `index`, and what else there is in the table.
    pub(super) fn table_on(
        &mut self,
        socket: &mut Socket,
        index: u32,
    ) -> Result<&Table, BackendError> {
        let has = |reading: &Reading| reading.is_fresh() && reading.has(index);
        if !self.0.as_ref().is_some_and(has) {
            let found = addresses::list_on(socket, index);
            self.enter(index, found).map_err(|error| unreadable(&error))?;
        }
        match &self.0 {
            Some(reading) => Ok(&reading.table),
            None => Err(unreadable(&Error::Malformed)),
        }
    }

    /// Reads the addresses of the interface `index` for a renewal of `ips`: what has our mark there
    /// is enough to see.
    pub(super) fn read_for_renewal(
        &mut self,
        socket: &mut Socket,
        index: u32,
        ips: &BTreeSet<IpAddr>,
    ) {
        let has_all = |found: &[HostAddress]| {
            let ours = found.iter().filter(|address| address.is_ours()).map(HostAddress::ip);
            ours.collect::<BTreeSet<_>>().is_superset(ips)
        };
        let found = addresses::list_on_until(socket, index, has_all);
        // What could not be read is tried again by whoever needs it, who can say so.
        let _ = self.enter(index, found);
    }

    fn enter(&mut self, index: u32, found: Result<Vec<HostAddress>, Error>) -> Result<(), Error> {
        let found = found?;
        let reading = match self.0.take().filter(Reading::is_fresh) {
            // Tables of other interfaces stay, with the age of the oldest.
            Some(Reading { scope: Scope::Interfaces(mut indexes), at, mut table }) => {
                indexes.insert(index);
                table.extend(found);
                Reading { scope: Scope::Interfaces(indexes), at, table }
            }
            Some(whole) => whole,
            None => {
                let scope = Scope::Interfaces(BTreeSet::from([index]));
                Reading { scope, at: Instant::now(), table: found.into_iter().collect() }
            }
        };
        self.0 = Some(reading);
        Ok(())
    }
}

fn unreadable(error: &Error) -> BackendError {
    refused("the addresses of this host could not be listed", error)
}
