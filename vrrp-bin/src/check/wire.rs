//! `--listen`: who speaks VRRP on the interfaces of the configuration, and what of that does not go
//! with it.

mod judge;

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use serde::Serialize;
use vrrp_net::listen::{ListenError, Listener, Speakers};

use super::{
    finding::{Code, Finding},
    host::Host,
};
use crate::{
    config::Config,
    wire::{self, Line},
};

/// Who was heard, for programs.
#[derive(Debug, Serialize)]
pub(super) struct Heard {
    /// How long somebody listened.
    milliseconds: u64,
    /// On these interfaces.
    interfaces: Vec<String>,
    /// Who speaks there.
    pub(super) speakers: Vec<Line>,
    /// How many messages there were of speakers beyond those.
    left_out: u64,
}

/// What was heard, apart: a flood of other virtual routers must not keep out those of the
/// configuration.
#[derive(Default)]
struct Wire {
    ours: Speakers,
    others: Speakers,
}

/// Listens for this time on every interface of `config` that is there. `runs` says which of its
/// virtual routers run on this host already.
pub(super) fn listen(
    config: &Config,
    host: &Host,
    runs: &[bool],
    time: Duration,
) -> (Heard, Vec<Finding>) {
    let there = |name: &&str| host.interface(name).is_some();
    let names: BTreeSet<&str> =
        config.routers.iter().map(|router| router.interface.as_str()).filter(there).collect();
    let (listener, names, errors) = wire::open(names);
    let mut findings: Vec<Finding> = errors.iter().map(|error| unheard(config, error)).collect();
    let mut wire = Wire::default();
    if let Some(listener) = listener {
        findings
            .extend(wire.hear(config, listener, time).err().map(|error| unheard(config, &error)));
    }
    findings.extend(judge::findings(config, host, runs, &names, &wire, time));
    let speakers = wire.ours.iter().chain(wire.others.iter()).map(Line::from).collect();
    let heard = Heard {
        milliseconds: u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
        interfaces: names.into_iter().map(str::to_owned).collect(),
        speakers,
        left_out: wire.ours.left_out().saturating_add(wire.others.left_out()),
    };
    (heard, findings)
}

fn unheard(config: &Config, error: &ListenError) -> Finding {
    let routers = config.routers.iter();
    let place = routers
        .clone()
        .find(|router| router.interface == error.interface)
        .map_or(&config.origin, |router| &router.places.interface);
    let sentence = wire::sentence(error, "nothing of the wire was compared there");
    Finding::warning(Code::Unexamined, place, sentence).on(&error.interface)
}

impl Wire {
    fn hear(
        &mut self,
        config: &Config,
        mut listener: Listener,
        time: Duration,
    ) -> Result<(), ListenError> {
        let ours: BTreeSet<(&str, u8)> = config
            .routers
            .iter()
            .map(|router| (router.interface.as_str(), router.router.vrid().get()))
            .collect();
        let end = Instant::now() + time;
        while let Some(heard) = listener.next(end)? {
            if ours.contains(&(&*heard.interface, heard.message.vrid)) {
                self.ours.hear(&heard);
            } else {
                self.others.hear(&heard);
            }
        }
        Ok(())
    }

    /// A VRID that nobody was heard to use on this interface.
    fn free_vrid(&self, config: &Config, interface: &str) -> Option<u8> {
        let heard = self.ours.iter().chain(self.others.iter());
        let heard = heard.filter(|speaker| &*speaker.interface == interface);
        let mut used: BTreeSet<u8> = heard.map(|speaker| speaker.message.vrid).collect();
        let ours = config.routers.iter().filter(|router| router.interface == interface);
        used.extend(ours.map(|router| router.router.vrid().get()));
        (1..=255).find(|vrid| !used.contains(vrid))
    }
}
