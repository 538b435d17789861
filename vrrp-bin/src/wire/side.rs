//! [`Side`]: one of two nodes of a virtual router, and in what it differs from the other.

use std::{collections::BTreeSet, net::IpAddr};

use vrrp_core::{Claim, Interval, Version};
use vrrp_net::listen::{Authenticated, Speaker};

use super::listed;
use crate::config::duration;

/// What follows where two nodes do not hear each other.
pub(crate) const BOTH: &str = "both would be active";

/// What a node says, or would say, of a virtual router. Each comparison is a sentence without its end:
/// what to do is told by whoever compares.
#[derive(Debug)]
pub(crate) struct Side {
    /// What it is called.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: u8,
    /// Its advertisement interval.
    pub(crate) interval: Option<Interval>,
    /// How it proves who it is.
    pub(crate) authenticated: Authenticated,
    /// Its virtual addresses.
    pub(crate) addresses: BTreeSet<IpAddr>,
    /// What it claims.
    pub(crate) claim: Claim,
}

impl From<&Speaker> for Side {
    fn from(speaker: &Speaker) -> Self {
        let message = &speaker.message;
        Self {
            name: speaker.source.to_string(),
            version: message.version,
            interval: message.interval,
            authenticated: message.authenticated,
            addresses: message.addresses.iter().copied().collect(),
            claim: message.priority.into(),
        }
    }
}

impl Side {
    /// Neither hears the other.
    pub(crate) fn version_differs(&self, ours: &Self) -> Option<String> {
        if self.version == ours.version {
            return None;
        }
        Some(format!(
            "{} speaks VRRPv{} and {} VRRPv{}, so that neither hears the other and {BOTH}",
            self.name, self.version, ours.name, ours.version
        ))
    }

    /// Neither accepts the other. The passwords themselves are told to nobody.
    pub(crate) fn password_differs(&self, ours: &Self) -> Option<String> {
        let (theirs, name) = (&self.name, &ours.name);
        if self.authenticated == ours.authenticated {
            return None;
        }
        let differ = match (ours.authenticated, self.authenticated) {
            (Authenticated::Password(_), Authenticated::Password(_)) => {
                format!("{theirs} has another password than {name}")
            }
            (Authenticated::No, _) => format!("{theirs} has a password and {name} has none"),
            (_, _) => format!("{theirs} has no password and {name} has one"),
        };
        Some(format!("{differ}, so that neither accepts the other and {BOTH}"))
    }

    /// RFC 3768 7.1 has it dropped; RFC 9568 6.1 has a Backup follow it.
    pub(crate) fn interval_differs(&self, ours: &Self) -> Option<String> {
        let (theirs, own) = (self.interval?, ours.interval?);
        if theirs.duration() == own.duration() {
            return None;
        }
        let follows = match own.version() {
            Version::V2 => format!("neither accepts the other and {BOTH}"),
            Version::V3 => {
                "how soon a backup takes over depends on which node was active".to_owned()
            }
        };
        Some(format!(
            "{} advertises every {} and {} every {}, so that {follows}",
            self.name,
            words(theirs),
            ours.name,
            words(own)
        ))
    }

    /// Some addresses do not move with the others.
    pub(crate) fn addresses_differ(&self, ours: &Self) -> Option<String> {
        let (theirs, name) = (&self.name, &ours.name);
        let only = |one: &Self, other: &Self| listed(one.addresses.difference(&other.addresses));
        let differ = match (&*only(self, ours), &*only(ours, self)) {
            ("", "") => return None,
            (more, "") => format!("{theirs} has {more} beside those of {name}"),
            ("", fewer) => format!("{theirs} does not have {fewer} of {name}"),
            (more, fewer) => format!("{theirs} has {more} in place of {fewer} of {name}"),
        };
        Some(format!("{differ}, so that some addresses do not move with the others"))
    }

    /// Whether it is another cluster: no address in common (RFC 9568 7.1).
    pub(crate) fn is_of_another_cluster(&self, ours: &Self) -> bool {
        !self.addresses.is_empty() && self.addresses.is_disjoint(&ours.addresses)
    }

    /// Two claim the same.
    pub(crate) fn priority_is_the_same(&self, ours: &Self) -> Option<String> {
        let (theirs, name) = (&self.name, &ours.name);
        match (self.claim, ours.claim) {
            (Claim::Own, Claim::Own) => Some(format!(
                "{theirs} says that it is the owner of the addresses (priority 255), as {name} does; \
                 only one node can be"
            )),
            (Claim::Contend(one), Claim::Contend(other)) if one == other => Some(format!(
                "{theirs} has the priority {one} of {name}, so that their addresses decide which of \
                 the two is active"
            )),
            (_, _) => None,
        }
    }
}

fn words(interval: Interval) -> String {
    duration::format(interval.duration())
}
