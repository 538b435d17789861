//! Drains that outlast the daemon and the host: those that were asked for with `--keep`. They are in
//! `drains.json` in the state directory ([`mod@file`]).
//!
//! A drain is written before it begins, so that one that cannot be kept changes nothing. Times are
//! those of the wall clock here, because no other clock outlasts the host; how long a drain has yet
//! is never more than was asked for, whatever the wall clock says at the next start.

mod file;
mod moment;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{config::describe, lock::lock};
use file::File;
pub(crate) use moment::Moment;

/// A drain that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Drain {
    /// When it was asked for.
    pub(crate) since: Moment,
    /// When it ends; it has to be resumed if that is not said.
    pub(crate) until: Option<Moment>,
}

impl Drain {
    /// A drain from now on.
    pub(crate) fn new(lasts: Option<Duration>) -> Self {
        let since = Moment::now();
        Self { since, until: lasts.map(|lasts| since.after(lasts)) }
    }

    /// Whether its time is over, by the wall clock.
    fn is_over(&self) -> bool {
        self.until.is_some_and(|until| until <= Moment::now())
    }

    /// How long it lasts yet, if it has an end. A wall clock that was set back, as that of a host
    /// without a battery is at each start, makes it no longer than it was.
    pub(crate) fn rest(&self) -> Option<Duration> {
        let until = self.until?;
        Some(until.since(Moment::now()).min(until.since(self.since)))
    }
}

/// The drains by the names of their virtual routers.
type Drains = BTreeMap<String, Drain>;

/// The drains that are kept, and the file that they are in.
pub(crate) struct Kept {
    /// None if there is no state directory. Whoever writes holds it.
    file: Mutex<Option<File>>,
    /// What is in the file, for those who only ask.
    drains: Mutex<Drains>,
}

/// Why a drain is not kept, or is kept still.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// There is nowhere to keep it.
    #[error(
        "it cannot be kept, because there is no state directory; set `state` in [daemon] \
         (VRRP_STATE in a container) to a directory such as /var/lib/vrrp, or leave out --keep"
    )]
    NoState,
    /// What the system said.
    #[error("{} cannot be written: {}; make its directory, and let vrrp write there", .0.display(), describe(.1))]
    Io(PathBuf, io::Error),
}

/// What to undo when a drain does not come about.
#[derive(Debug, Default)]
pub(crate) struct Undo {
    /// What was written, and what had been there.
    written: BTreeMap<String, (Drain, Option<Drain>)>,
}

impl Kept {
    /// Reads what is kept in the directory `state`, and logs what there is to say of it. What
    /// cannot be read keeps nothing drained.
    pub(crate) fn open(state: Option<&Path>) -> Self {
        let Some((file, drains)) = state.map(read) else {
            return Self { file: Mutex::default(), drains: Mutex::default() };
        };
        let kept = Self { file: Mutex::new(Some(file)), drains: Mutex::new(drains) };
        kept.forget_ended();
        kept
    }

    /// Keeps drains in the directory `state` from now on, or nowhere. Those that are kept go along,
    /// and whoever reads the old directory finds none of them. What the new one has already is kept,
    /// too, and counts at the next start.
    ///
    /// # Errors
    /// [`Error::Io`], and they stay where they are.
    pub(crate) fn move_to(&self, state: Option<&Path>) -> Result<(), Error> {
        let mut place = lock(&self.file);
        let mut new = state.map(read);
        if let Some((file, drains)) = &mut new {
            drains.extend(self.drains().clone());
            write(file, drains)?;
        }
        if let Some(old) = &mut *place {
            // That they are found once more by whoever goes back to it is better than to lose them.
            warn(write(old, &Drains::new()));
        }
        let (file, drains) = new.unzip();
        *self.drains() = drains.unwrap_or_default();
        *place = file;
        Ok(())
    }

    /// Returns the names of those whose drain is kept, and not over.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        let drains = self.drains();
        drains.iter().filter(|(_, drain)| !drain.is_over()).map(|(name, _)| name.clone()).collect()
    }

    /// Returns the drain of `name`, if it is kept and not over.
    pub(crate) fn get(&self, name: &str) -> Option<Drain> {
        self.drains().get(name).copied().filter(|drain| !drain.is_over())
    }

    /// Writes that `names` are drained, before they are. Without `keep` this is for those only
    /// whose drain is kept already: it stays so, and its end is the new one.
    ///
    /// # Errors
    /// [`Error`], and nothing is changed.
    pub(crate) fn begin(&self, names: &[&str], drain: Drain, keep: bool) -> Result<Undo, Error> {
        if keep && lock(&self.file).is_none() {
            return Err(Error::NoState);
        }
        let mut written = BTreeMap::new();
        self.change(|drains| {
            for name in names {
                let before = drains.get(*name).copied().filter(|drain| !drain.is_over());
                if keep || before.is_some() {
                    drains.insert((*name).to_owned(), drain);
                    written.insert((*name).to_owned(), (drain, before));
                }
            }
        })?;
        Ok(Undo { written })
    }

    /// Puts back what was there of `names` before a drain that did not come about, unless somebody
    /// has written another since.
    ///
    /// # Errors
    /// [`Error::Io`], and the file says still that they are drained.
    pub(crate) fn undo(&self, undo: &Undo, names: &[String]) -> Result<(), Error> {
        self.change(|drains| {
            for name in names {
                let Some((ours, before)) = undo.written.get(name) else { continue };
                if drains.get(name) == Some(ours) {
                    match before {
                        Some(before) => drains.insert(name.clone(), *before),
                        None => drains.remove(name),
                    };
                }
            }
        })
    }

    /// Forgets the drains of `names`.
    ///
    /// # Errors
    /// [`Error::Io`], and they would be drained again at the next start.
    pub(crate) fn forget(&self, names: &[&str]) -> Result<(), Error> {
        self.change(|drains| drains.retain(|name, _| !names.contains(&name.as_str())))
    }

    /// Takes over other names of virtual routers: each that was the first is now the second.
    ///
    /// # Errors
    /// [`Error::Io`], and the old names are in the file.
    pub(crate) fn rename(&self, names: &[(&str, &str)]) -> Result<(), Error> {
        self.change(|drains| {
            let moved: Vec<_> =
                names.iter().filter_map(|(old, new)| Some((*new, drains.remove(*old)?))).collect();
            drains.extend(moved.into_iter().map(|(new, drain)| (new.to_owned(), drain)));
        })
    }

    /// Forgets the drain of `name` if it had an end: it has come, whatever the wall clock says.
    pub(crate) fn end(&self, name: &str) {
        let ended = self.change(|drains| {
            drains.retain(|other, drain| other != name || drain.until.is_none());
        });
        warn(ended);
    }

    /// Forgets what has ended by the wall clock. That this cannot be written does no harm: it has ended for the next
    /// start, too.
    pub(crate) fn forget_ended(&self) {
        let ended = self.change(|drains| {
            drains.retain(|name, drain| {
                if let (true, Some(until)) = (drain.is_over(), drain.until) {
                    tracing::info!(
                        event = "drain-over",
                        name,
                        %until,
                        "{name}: the drain that was kept ended at {until}"
                    );
                }
                !drain.is_over()
            });
        });
        warn(ended);
    }

    /// Writes what `change` makes of the drains, if it makes anything, and then takes it over.
    fn change(&self, change: impl FnOnce(&mut Drains)) -> Result<(), Error> {
        let mut place = lock(&self.file);
        let Some(file) = &mut *place else { return Ok(()) };
        let before = self.drains().clone();
        let mut drains = before.clone();
        change(&mut drains);
        if drains != before {
            write(file, &drains)?;
            *self.drains() = drains;
        }
        Ok(())
    }

    fn drains(&self) -> MutexGuard<'_, Drains> {
        lock(&self.drains)
    }
}

/// Reads what is kept in the directory `state`. What cannot be read keeps nothing drained.
fn read(state: &Path) -> (File, Drains) {
    let mut file = File::new(state);
    let drains = file.read().unwrap_or_else(|error| {
        let path = file.path().display();
        // Other sentences than the system's are written out.
        let error = error.raw_os_error().map_or_else(|| error.to_string(), |_| describe(&error));
        tracing::warn!(
            event = "drains-unreadable",
            %path,
            error,
            "no drain is known from before, because {path} cannot be read: {error}"
        );
        Drains::new()
    });
    (file, drains)
}

fn write(file: &mut File, drains: &Drains) -> Result<(), Error> {
    file.write(drains).map_err(|error| Error::Io(file.path().to_owned(), error))
}

fn warn(written: Result<(), Error>) {
    if let Err(error) = written {
        tracing::warn!(event = "drains-not-written", "{error}");
    }
}

#[cfg(test)]
mod tests;
