//! `--listen`: who speaks VRRP on the interfaces of the configuration, and what of that does not go
//! with it.

mod judge;

use std::{collections::BTreeSet, time::Duration};

use vrrp_net::listen::{ListenError, Listener, Speakers};

use super::{
    finding::{Code, Finding},
    host::Host,
};
use crate::{
    config::Config,
    wire::{self, Heard},
};

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
    (Heard::new(time, names, &[&wire.ours, &wire.others]), findings)
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
        listener: Listener,
        time: Duration,
    ) -> Result<(), ListenError> {
        let ours: BTreeSet<(&str, u8)> = config
            .routers
            .iter()
            .map(|router| (router.interface.as_str(), router.router.vrid().get()))
            .collect();
        wire::hear(listener, time, |heard| {
            if ours.contains(&(&*heard.interface, heard.message.vrid)) {
                self.ours.hear(heard);
            } else {
                self.others.hear(heard);
            }
        })
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
