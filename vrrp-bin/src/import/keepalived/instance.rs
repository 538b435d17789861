//! `vrrp_instance`: a virtual router.

mod authentication;
mod claim;
mod tracks;
mod unicast;

use vrrp_core::{Announcements, Checksum, Family, Vrid};
use vrrp_net::VirtualRoute;

use super::{
    addresses,
    blocks::Statement,
    global::{Bursts, Global},
    keywords,
    names::{self, Names},
    notify,
    report::Report,
    values::{number, only, seconds, switch, text},
};
use crate::config::{Draft, Found, List, Located, Notation, Version, Wrong};
use claim::Claim;
pub(super) use tracks::{Tracked, Tracks, What};

/// What is known before a virtual router is read.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) global: &'a Global,
    /// What can be tracked.
    pub(super) names: &'a Names,
}

/// A virtual router that is being read.
struct Instance<'a> {
    draft: Draft,
    around: Around<'a>,
    claim: Claim,
    bursts: Bursts,
    is_native_ipv6: bool,
    checks_source: bool,
    old_checksum: Option<Located<bool>>,
    tracks: Tracks,
}

/// Reads a virtual router.
///
/// # Errors
/// It has no name, which was reported.
pub(super) fn read(
    statement: &Statement,
    around: Around<'_>,
    report: &mut Report,
) -> Result<(Draft, Tracks), Wrong> {
    let Some(name) = statement.arguments().first() else {
        return report.skip(&statement.place(), "a vrrp_instance must have a name; it is left out");
    };
    only(statement, 1, report);
    let mut draft = Draft::new(Notation::Keepalived, statement.place());
    draft.name = Found::Value(names::usable(name, report));
    draft.interface = Found::of(Ok(around.global.interface.clone()));
    draft.startup_delay = Found::of(Ok(around.global.startup_delay.clone()));
    let mut instance = Instance {
        draft,
        around,
        claim: Claim::default(),
        bursts: around.global.bursts.clone(),
        is_native_ipv6: false,
        checks_source: around.global.checks_source,
        old_checksum: around.global.old_checksum.clone(),
        tracks: Tracks::default(),
    };
    // Addresses are of the family that is asked for anywhere in the block.
    instance.is_native_ipv6 =
        statement.inner().iter().any(|inner| inner.keyword() == "native_ipv6");
    for inner in statement.inner() {
        // Whatever is left out, the rest counts.
        let _ = instance.take(inner, report);
    }
    instance.finish(report)
}

impl Instance<'_> {
    fn take(&mut self, statement: &Statement, report: &mut Report) -> Result<(), Wrong> {
        let draft = &mut self.draft;
        match statement.keyword() {
            "interface" => {
                only(statement, 1, report);
                draft.interface = Found::Value(text(statement, report)?);
            }
            "virtual_router_id" => draft.vrid = Found::Value(vrid(statement, report)?),
            "version" => draft.version = Found::Value(version(statement, report)?),
            "advert_int" => {
                draft.interval = Found::Value(seconds(statement, 0.01..=255.0, report)?);
            }
            "virtual_ipaddress" => {
                let family = self.is_native_ipv6.then_some(Family::Ipv6);
                draft.addresses = Found::Value(addresses::read(statement, family, report));
            }
            "virtual_ipaddress_excluded" => {
                draft.extra = Found::Value(addresses::read_both(statement, report));
            }
            "virtual_routes" => draft.routes = Found::Value(routes(statement, report)),
            "authentication" => draft.password = authentication::read(statement, report),
            "state" | "priority" | "nopreempt" | "preempt" | "preempt_delay" => {
                self.claim.take(statement, report)?;
            }
            "unicast_src_ip" | "mcast_src_ip" => {
                draft.source = Found::Value(unicast::source(statement, report)?);
            }
            "unicast_peer" => draft.peers = unicast::peers(statement, report),
            "check_unicast_src" => self.checks_source = switch(statement, report)?,
            "garp_master_delay" => {
                self.bursts.delay = Some(seconds(statement, 0.0..=60.0, report)?);
            }
            "garp_master_refresh" => {
                self.bursts.refresh = Some(seconds(statement, 0.0..=86_400.0, report)?);
            }
            "native_ipv6" => {}
            "v3_checksum_as_v2" => {
                let is_on = switch(statement, report)?;
                self.old_checksum = Some(Located::new(statement.place(), is_on));
            }
            "track_script" | "track_interface" | "track_file" | "track_process" => {
                self.tracks.take(statement, self.around.names, report);
            }
            "auth_hmac" => {
                let message = "signed advertisements are not supported, and without them two nodes \
                    would hold the addresses; remove `auth_hmac` on all nodes";
                report.refuse(&statement.place(), message);
            }
            keyword if notify::told(keyword).is_some() => {
                let user = self.around.global.user.as_ref();
                notify::take(statement, &mut draft.scripts, user, report);
            }
            _ => keywords::other(statement, keywords::INSTANCE, report),
        }
        Ok(())
    }

    fn finish(mut self, report: &mut Report) -> Result<(Draft, Tracks), Wrong> {
        std::mem::take(&mut self.claim).settle(&mut self.draft, report);
        self.settle_version(report);
        self.settle_announcements(report);
        unicast::settle(&mut self.draft, self.checks_source, report);
        Ok((self.draft, self.tracks))
    }

    /// keepalived's own version of IPv4 is 2, whose interval is whole seconds, and IPv6 has no other
    /// than 3.
    fn settle_version(&mut self, report: &mut Report) {
        let draft = &mut self.draft;
        let is_ipv6 = draft.addresses.value().is_some_and(List::is_only_ipv6);
        let of_all = self.around.global.version.unwrap_or(Version::V2);
        let version = draft.version.value().copied().unwrap_or(of_all);
        draft.version = Found::Value(version);
        let is_v2 = version == Version::V2 && !is_ipv6;
        if let Some(Located { place, value: true }) = &self.old_checksum
            && version == Version::V3
            && !is_ipv6
        {
            // RFC 9568 5.2.8: without a pseudo-header.
            draft.checksum = Found::Value(Located::new(place.clone(), Checksum::Rfc9568));
        }
        if !is_v2 && draft.password.value().is_some() {
            let message = "the password is left out: VRRPv3 has none (RFC 9568 9)";
            report.warn(&draft.place, message);
            draft.password = Found::Absent;
        }
        if let (true, Some(interval)) = (is_v2, draft.interval.value()) {
            let whole = interval.value.as_secs_f64().round().max(1.0);
            let whole = std::time::Duration::from_secs_f64(whole);
            if whole != interval.value {
                let message = format!(
                    "VRRPv2 has whole seconds: the interval is {} s; write `version 3` for others",
                    whole.as_secs()
                );
                report.warn(&interval.place, message);
                draft.interval = Found::Value(Located::new(interval.place.clone(), whole));
            }
        }
    }

    /// A burst at once, another one after a delay, and perhaps one again and again.
    fn settle_announcements(&mut self, report: &mut Report) {
        let Bursts { delay, refresh } = &self.bursts;
        let Some(place) = delay.as_ref().or(refresh.as_ref()).map(|found| &found.place) else {
            return;
        };
        let defaults = Announcements::default();
        let mut repeat: Vec<_> = (0..).map_while(|step| defaults.delay(step)).collect();
        if let Some(delay) = delay {
            repeat.retain(|step| *step < delay.value);
            if repeat.is_empty() || !delay.value.is_zero() {
                repeat.push(delay.value);
            }
        }
        let refresh = match refresh {
            Some(refresh) => Some(refresh.value).filter(|refresh| !refresh.is_zero()),
            None => defaults.refresh(),
        };
        match Announcements::new(&repeat, refresh) {
            Ok(announcements) => self.draft.announcements = Found::Value(announcements),
            Err(error) => report.warn(place, format!("this is left out: {error}")),
        }
    }
}

fn vrid(statement: &Statement, report: &mut Report) -> Result<Located<Vrid>, Wrong> {
    let number = number(statement, 1..=u8::MAX, report)?;
    let vrid = Vrid::try_from(number.value).map_err(|_| Wrong)?;
    Ok(Located::new(number.place, vrid))
}

fn version(statement: &Statement, report: &mut Report) -> Result<Version, Wrong> {
    let number = number(statement, 2..=3_u8, report)?;
    Ok(if number.value == 3 { Version::V3 } else { Version::V2 })
}

/// Routes as `ip route` writes them. One that cannot be had here is told, and left out.
fn routes(statement: &Statement, report: &mut Report) -> List<VirtualRoute> {
    let mut list = List::new(statement.place());
    for entry in statement.inner() {
        let words: Vec<&str> = entry.words.iter().map(|word| &*word.text).collect();
        match route(&words).parse() {
            Ok(route) => list.entries.push(Ok(Located::new(entry.place(), route))),
            Err(error) => {
                let error: vrrp_net::backend::RouteError = error;
                report.warn(&entry.place(), format!("this route is left out: {error}"));
            }
        }
    }
    list
}

/// keepalived writes the source first if it likes, `gw` for `via`, and `no_track` behind.
fn route(words: &[&str]) -> String {
    let (mut first, mut rest): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    let mut words = words.iter().copied().filter(|word| *word != "no_track" && *word != "to");
    while let Some(word) = words.next() {
        if word == "src" && rest.is_empty() {
            first.extend(["src"].into_iter().chain(words.next()));
        } else {
            rest.push(if word == "gw" { "via" } else { word });
        }
    }
    rest.extend(first);
    rest.join(" ")
}
