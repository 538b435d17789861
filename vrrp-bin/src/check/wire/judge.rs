//! What of the speakers on the wire does not go with the configuration.

use std::{collections::BTreeSet, time::Duration};

use vrrp_core::{Cidr, Claim, DecodeError, Hear, Protocol, Transport};
use vrrp_net::listen::{Authenticated, Speaker};

use super::{
    super::{
        finding::{Code, Finding},
        host::Host,
        settings, wiring,
    },
    Wire,
};
use crate::{
    config::{Config, RouterConfig, duration},
    wire::{BOTH, Side, listed},
};

/// So many messages have to arrive before it counts that none of them reaches programs.
const ENOUGH: u64 = 2;

/// Judges what was heard on these interfaces within this time.
pub(super) fn findings(
    config: &Config,
    host: &Host,
    runs: &[bool],
    names: &BTreeSet<&str>,
    wire: &Wire,
    time: Duration,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (router, runs) in config.routers.iter().zip(runs) {
        if !names.contains(router.interface.as_str()) {
            continue;
        }
        let judge = Judge { config, router, host, wire, runs: *runs };
        let speakers: Vec<&Speaker> = judge.speakers().collect();
        for speaker in &speakers {
            findings.extend(judge.of(speaker).into_iter().map(|finding| finding.of(router)));
        }
        if !speakers.iter().any(|speaker| !speaker.is_here) {
            let message = format!(
                "nobody else was heard for VRID {} on {} ({}) within {}",
                router.router.vrid(),
                router.interface,
                router.router.family(),
                duration::format(time)
            );
            let place = &router.places.vrid;
            findings.push(Finding::note(Code::Silence, place, message).of(router));
        }
    }
    findings
}

struct Judge<'a> {
    config: &'a Config,
    router: &'a RouterConfig,
    host: &'a Host,
    wire: &'a Wire,
    /// Whether it runs on this host, so that what this host sends for it is its own.
    runs: bool,
}

impl<'a> Judge<'a> {
    /// Who speaks for the virtual router, but for this node itself: what it sends, and what comes back
    /// of that.
    fn speakers(&self) -> impl Iterator<Item = &'a Speaker> {
        let (wire, host, runs) = (self.wire, self.host, self.runs);
        let router = &self.router.router;
        let (interface, vrid) = (&self.router.interface, router.vrid().get());
        let is_ipv4 = router.addresses().any(|cidr| cidr.address().is_ipv4());
        wire.ours.iter().filter(move |speaker| {
            let is_own = if speaker.is_here { runs } else { host.has_own(speaker.source) };
            *speaker.interface == **interface
                && speaker.message.vrid == vrid
                && speaker.source.is_ipv4() == is_ipv4
                && !is_own
        })
    }

    /// What does not suit of one speaker. What is refused for one reason is not compared any further.
    fn of(&self, speaker: &Speaker) -> Vec<Finding> {
        let refused = [Self::here, Self::cluster, Self::fault, Self::version, Self::password];
        if let Some(finding) = refused.iter().find_map(|judge| judge(self, speaker)) {
            return vec![finding];
        }
        let more = [
            Self::ttl,
            Self::interval,
            Self::addresses,
            Self::transport,
            Self::priority,
            Self::firewall,
        ];
        more.iter().filter_map(|judge| judge(self, speaker)).collect()
    }

    fn warning(&self, code: Code, sentence: String) -> Option<Finding> {
        Some(Finding::warning(code, &self.router.places.vrid, sentence))
    }

    /// Another program of this host, which would not be heard: what a host sends by multicast does not
    /// come back to it.
    fn here(&self, Speaker { is_here, source, .. }: &Speaker) -> Option<Finding> {
        let RouterConfig { interface, router, .. } = self.router;
        if !is_here {
            return None;
        }
        let sentence = format!(
            "another program of this host speaks for VRID {} on {interface}, from {source}, and vrrp \
             would not hear it; stop it before you start vrrp (`ss -wanp` shows who has raw sockets)",
            router.vrid()
        );
        self.warning(Code::VridHere, sentence)
    }

    /// Another cluster: no address in common (RFC 9568 7.1).
    fn cluster(&self, speaker: &Speaker) -> Option<Finding> {
        if !Side::from(speaker).is_of_another_cluster(&self.side()) {
            return None;
        }
        let RouterConfig { interface, router, .. } = self.router;
        let free = self.wire.free_vrid(self.config, interface);
        let free = free.map(|vrid| format!(", such as {vrid}, which nobody was heard to use"));
        let sentence = format!(
            "{} uses VRID {} on {interface} for other addresses ({}); choose another `vrid`{}",
            speaker.source,
            router.vrid(),
            listed(&speaker.message.addresses),
            free.unwrap_or_default()
        );
        self.warning(Code::VridInUse, sentence)
    }

    fn fault(&self, speaker: &Speaker) -> Option<Finding> {
        let (source, name) = (speaker.source, &self.router.name);
        match speaker.message.fault? {
            DecodeError::Signature => {
                let sentence = format!(
                    "{source} signs what it sends by keepalived's auth_hmac, which {name} does not \
                     know: {BOTH}; take auth_hmac out of the configuration there"
                );
                self.warning(Code::PasswordDiffers, sentence)
            }
            fault => {
                let sentence = format!(
                    "{name} will refuse what {source} sends, because {fault}; find out what it is"
                );
                self.warning(Code::Unreadable, sentence)
            }
        }
    }

    fn version(&self, speaker: &Speaker) -> Option<Finding> {
        let differs = Side::from(speaker).version_differs(&self.side())?;
        let theirs = speaker.message.version;
        let sentence = format!("{differs}; write `version = {theirs}`, or change it there");
        self.warning(Code::VersionDiffers, sentence)
    }

    fn password(&self, speaker: &Speaker) -> Option<Finding> {
        let differs = Side::from(speaker).password_differs(&self.side())?;
        let sentence = format!("{differs}; write the same `password` on both");
        self.warning(Code::PasswordDiffers, sentence)
    }

    /// This virtual router, as it would be heard.
    fn side(&self) -> Side {
        let router = &self.router.router;
        let password = match router.protocol() {
            Protocol::V2 { password, .. } => *password,
            Protocol::V3Ipv4 { .. } | Protocol::V3Ipv6 { .. } => None,
        };
        Side {
            name: self.router.name.clone(),
            version: router.version().get(),
            interval: Some(router.interval()),
            authenticated: password.map_or(Authenticated::No, Authenticated::Password),
            addresses: router.addresses().map(|cidr| cidr.address()).collect(),
            claim: router.role().claim(),
        }
    }

    /// RFC 9568 5.1.1.3: what a router forwarded does not count, unless the configuration says so.
    fn ttl(&self, speaker: &Speaker) -> Option<Finding> {
        let (source, ttl) = (speaker.source, speaker.ttl?);
        let networks: Vec<Cidr> = self
            .host
            .interface(&self.router.interface)
            .into_iter()
            .flat_map(|interface| interface.own())
            .collect();
        let router = self.router.router.on_networks(&networks);
        let (least, advice) = match router.transport() {
            Transport::Multicast => (255, "nothing may forward it".to_owned()),
            Transport::Unicast { peers, .. } => {
                let peer = peers.iter().find(|peer| peer.address == source)?;
                let advice =
                    format!("write {{ address = \"{source}\", min_ttl = {ttl} }} in `peers`");
                (peer.min_ttl, advice)
            }
        };
        if ttl >= least {
            return None;
        }
        let sentence = format!(
            "what {source} sends arrives with TTL {ttl} and {} refuses less than {least}, so that \
             {BOTH}: there is a router in between; {advice}",
            self.router.name
        );
        self.warning(Code::Ttl, sentence)
    }

    fn interval(&self, speaker: &Speaker) -> Option<Finding> {
        let differs = Side::from(speaker).interval_differs(&self.side())?;
        let sentence = format!("{differs}; write the same `interval` on both");
        self.warning(Code::IntervalDiffers, sentence)
    }

    fn addresses(&self, speaker: &Speaker) -> Option<Finding> {
        let differ = Side::from(speaker).addresses_differ(&self.side())?;
        let sentence = format!("{differ}; write the same `addresses` on both");
        self.warning(Code::AddressesDiffer, sentence)
    }

    fn transport(&self, speaker: &Speaker) -> Option<Finding> {
        let (source, name) = (speaker.source, &self.router.name);
        let to_group = speaker.destination?.is_multicast();
        let sentence = match self.router.router.transport() {
            Transport::Multicast if to_group => return None,
            Transport::Multicast => format!(
                "{source} sends to single nodes and {name} to all by multicast, which {source} may \
                 not hear; list it in `peers`, or take the peers out there"
            ),
            Transport::Unicast { .. } if to_group => format!(
                "{source} sends to all by multicast and {name} only to its `peers`, and does not hear \
                 it: {BOTH}; take `peers` out, or list them there"
            ),
            Transport::Unicast { peers, hear: Hear::Peers }
                if !peers.iter().any(|peer| peer.address == source) =>
            {
                format!(
                    "{source} is not among the `peers` of {name}, which refuses what it sends: \
                     {BOTH}; add it"
                )
            }
            Transport::Unicast { .. } => return None,
        };
        self.warning(Code::TransportDiffers, sentence)
    }

    fn priority(&self, speaker: &Speaker) -> Option<Finding> {
        let ours = self.side();
        let same = Side::from(speaker).priority_is_the_same(&ours)?;
        let advice = match ours.claim {
            Claim::Own => ": write a priority from 1 to 254 on the other",
            Claim::Contend(_) | Claim::Resign => "; give each node a priority of its own",
        };
        self.warning(Code::SamePriority, format!("{same}{advice}"))
    }

    /// A packet socket sees it and a raw socket does not.
    fn firewall(&self, speaker: &Speaker) -> Option<Finding> {
        let interface = self.host.interface(&self.router.interface)?;
        // What arrives at a port goes to its master, and where IPv6 is off it goes nowhere, which is said
        // with the interface.
        let is_port = wiring::port(interface, self.host).is_some();
        let is_off =
            speaker.source.is_ipv6() && settings::is_without_ipv6(&interface.name, self.host);
        if speaker.messages < ENOUGH || speaker.handed_on > 0 || is_port || is_off {
            return None;
        }
        let sentence = format!(
            "what {} sends arrives on {} and does not reach programs, so that {BOTH}: the firewall of \
             this host drops it, or rp_filter does; let IP protocol 112 in",
            speaker.source, self.router.interface
        );
        self.warning(Code::Firewall, sentence)
    }
}
