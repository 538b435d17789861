//! What captures and `status` say of nodes that were attacked.

use std::time::Duration;

use serde_json::Value;
use vrrp_core::MacAddr;
use vrrp_net::lab::{Frame, Ticker};

use crate::{
    forge::{Flaw, Target},
    support::{Node, Outcome, check, has_moved, priority, within},
};

/// An advertisement of `target` that `mac` sent, if it did not go to the attacker.
pub(crate) fn of(frame: &Frame, mac: MacAddr, target: Target, unicast: bool) -> Option<Duration> {
    let vrrp = frame.vrrp()?;
    let is_of_target =
        vrrp.payload.get(1) == Some(&target.vrid()) && vrrp.source.is_ipv6() == target.is_ipv6();
    let counts = is_of_target && vrrp.destination != target.attacker(unicast);
    (counts && priority(frame, mac)? > 0).then_some(frame.at)
}

pub(crate) fn times(
    frames: &[Frame],
    mac: MacAddr,
    target: Target,
    unicast: bool,
) -> Vec<Duration> {
    frames.iter().filter_map(|frame| of(frame, mac, target, unicast)).collect()
}

/// What the wire shows of a stretch of time.
pub(crate) struct Schedule {
    pub(crate) begun: Duration,
    pub(crate) ended: Duration,
    pub(crate) slack: Duration,
    pub(crate) unicast: bool,
}

impl Schedule {
    /// `active` advertised every target at each of its intervals, and `backup` nothing.
    pub(crate) fn kept(
        &self,
        frames: &[Frame],
        active: MacAddr,
        backup: Option<MacAddr>,
        ticker: &Ticker,
    ) -> Outcome {
        for target in Target::ALL {
            let interval = target.interval();
            let sent = times(frames, active, target, self.unicast);
            // With the one before, and the one after if it has come.
            let sent: Vec<Duration> = sent
                .into_iter()
                .filter(|at| *at + interval >= self.begun && *at <= self.ended + interval)
                .collect();
            let gaps: Vec<Duration> = sent.windows(2).map(|pair| pair[1] - pair[0]).collect();
            let expected = (self.ended - self.begun).as_millis() / interval.as_millis();
            let few =
                format!("{}: {} advertisements in {expected} intervals", target.name(), sent.len());
            check(u128::try_from(sent.len())? + 1 >= expected, few)?;
            for (what, gap) in [("shortest", gaps.iter().min()), ("longest", gaps.iter().max())] {
                let what = format!("{}: {what} of {} gaps", target.name(), gaps.len());
                within(
                    &what,
                    gap.copied().unwrap_or(interval),
                    (interval, interval),
                    self.slack,
                    ticker,
                )?;
            }
        }
        backup.map_or(Ok(()), |backup| self.kept_silent(frames, backup))
    }

    pub(crate) fn kept_silent(&self, frames: &[Frame], mac: MacAddr) -> Outcome {
        let sent =
            frames.iter().filter(|frame| frame.at >= self.begun && priority(frame, mac).is_some());
        let sent = sent.count();
        check(sent == 0, format!("the backup advertised {sent} times"))
    }
}

pub(crate) fn router(status: &Value, target: Target) -> &Value {
    let routers = status["virtual_routers"].as_array().map(Vec::as_slice).unwrap_or_default();
    routers.iter().find(|router| router["name"] == target.name()).unwrap_or(&Value::Null)
}

pub(crate) fn port(status: &Value, ipv6: bool) -> &Value {
    let ports = status["ports"].as_array().map(Vec::as_slice).unwrap_or_default();
    let family = if ipv6 { "ipv6" } else { "ipv4" };
    ports.iter().find(|port| port["family"] == family).unwrap_or(&Value::Null)
}

pub(crate) fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

/// By how much the counter of a flaw has grown. A VRID that is nobody's is the socket's affair.
pub(crate) fn grown(before: &Value, after: &Value, target: Target, flaw: Flaw) -> u64 {
    let count = |status| match flaw {
        Flaw::Vrid => number(&port(status, target.is_ipv6())["rejected"][flaw.reason()]),
        _ => number(&router(status, target)["counters"]["rejected"][flaw.reason()]),
    };
    count(after) - count(before)
}

/// Every flaw that was sent was counted so often, and none was lost.
pub(crate) fn counts_are(before: &Value, after: &Value, expected: u64) -> Result<(), String> {
    for target in Target::ALL {
        for flaw in target.flaws() {
            let count = grown(before, after, target, *flaw);
            if count != expected {
                return Err(format!("{} of {expected} counted: {} {flaw:?}", count, target.name()));
            }
        }
        let rejected = &router(after, target)["counters"]["rejected"];
        let sum: u64 =
            rejected.as_object().into_iter().flatten().map(|(_, count)| number(count)).sum();
        let named = target.flaws().iter().filter(|flaw| **flaw != Flaw::Vrid).count();
        if sum != expected * named as u64 {
            return Err(format!("{}: {sum} messages were refused: {rejected}", target.name()));
        }
    }
    Ok(())
}

/// `status` names the attacker, and why it was refused.
pub(crate) fn refused_are_named(status: &Value, unicast: bool) -> Outcome {
    for target in Target::ALL {
        let attacker = target.attacker(unicast).to_string();
        let router = router(status, target);
        let refused = router["peers_refused"].as_array().map(Vec::as_slice).unwrap_or_default();
        let entry = refused.iter().find(|peer| peer["address"] == attacker.as_str());
        let entry =
            entry.ok_or_else(|| format!("{} does not name {attacker}: {router}", target.name()))?;
        let named = target.flaws().iter().any(|flaw| entry["reason"] == flaw.reason());
        check(named, format!("{}: {entry}", target.name()))?;
        let sum: u64 = target.flaws().iter().filter(|flaw| **flaw != Flaw::Vrid).map(|_| 20).sum();
        check(
            number(&entry["messages"]) == sum,
            format!("{}: {entry}, {sum} were sent", target.name()),
        )?;
    }
    Ok(())
}

/// No virtual router has done anything but go on: what may differ are counters of what was refused
/// and of the advertisements between the two nodes, and announcements that were due anyway.
pub(crate) fn unchanged(node: &Node, before: &Value, after: &Value) -> Outcome {
    same_phases(node, before, after)?;
    for target in Target::ALL {
        let held = router(after, target)["phase"] == "held";
        let [before, after] = [before, after].map(|status| &router(status, target)["counters"]);
        for (name, value) in before.as_object().into_iter().flatten() {
            let grown = number(&after[name]) - number(value);
            let most = match name.as_str() {
                "rejected" => continue,
                "adverts_sent" if held => continue,
                "adverts_received" if !held => continue,
                // 1 s and 5 s after the promotion.
                "announcements" => 2,
                _ => 0,
            };
            check(
                grown <= most,
                format!("{} of {}: {name} has grown by {grown}", target.name(), node.name),
            )?;
        }
    }
    Ok(())
}

pub(crate) fn same_phases(node: &Node, before: &Value, after: &Value) -> Outcome {
    for target in Target::ALL {
        let [before, after] = [before, after].map(|status| router(status, target));
        for field in
            ["phase", "reason", "effective_priority", "addresses_held", "active_peer", "hold"]
        {
            let text = || {
                format!(
                    "{} of {}: {field} was {}, is {}",
                    target.name(),
                    node.name,
                    before[field],
                    after[field]
                )
            };
            check(before[field] == after[field] && before["phase"].is_string(), text())?;
        }
        check(
            !has_moved(before, after)?,
            format!("{} of {}: a transition", target.name(), node.name),
        )?;
    }
    Ok(())
}
