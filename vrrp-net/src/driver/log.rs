//! The line of log that an event is.

use vrrp_core::{Phase, Reason, Rejected, Sender};

use super::members::Members;
use crate::{NodeEvent, status::sentence};

/// The line that an event is for people.
pub(super) fn log(event: &NodeEvent, members: &Members) {
    match event {
        NodeEvent::Transition { name, key, from, to, reason, sender } => {
            let hold = match to {
                Phase::Initialize(hold) => Some(hold.as_str()),
                Phase::Backup
                | Phase::Acquiring
                | Phase::Held
                | Phase::Adopted
                | Phase::Resigning => None,
            };
            let interface = members.get(key).map(|entry| &*entry.interface);
            let text = format!("{name}: {from} -> {to}: {}", cause(*reason, *sender));
            let (source, priority) = (sender.map(source), sender.map(priority));
            let (name, reason, from, to) = (&**name, reason.as_str(), from.as_str(), to.as_str());
            tracing::info!(
                event = "transition",
                name,
                interface,
                from,
                to,
                reason,
                hold,
                source,
                priority,
                "{text}"
            );
        }
        NodeEvent::Notice { name, key: _, notice, source, claim, others } => {
            let mut text = format!("{name}: {}", sentence(*notice, *source, *claim));
            if *others > 0 {
                text +=
                    &format!(" (and {others} times the same of others since that was said last)");
            }
            tracing::warn!(
                event = "notice",
                name = &**name,
                notice = notice.as_str(),
                reason = notice.refusal().map(Rejected::as_str),
                %source,
                priority = claim.map(u8::from),
                others = (*others > 0).then_some(*others),
                "{text}"
            );
        }
        NodeEvent::DrainRefused { name, .. } => tracing::warn!(
            event = "drain-refused",
            name = &**name,
            "{name}: nobody took over, so this node goes on as the active one"
        ),
        NodeEvent::Unrelieved { name, .. } => tracing::warn!(
            event = "unrelieved",
            name = &**name,
            "{name}: unhealthy, and nobody else: a check fails, and no other node took over, so this \
             node goes on as the active one; its checks say what is ill"
        ),
    }
}

fn source(sender: Sender) -> tracing::field::DisplayValue<std::net::IpAddr> {
    tracing::field::display(sender.source)
}

fn priority(sender: Sender) -> u8 {
    sender.claim.into()
}

/// What caused a transition, with whose advertisement it was.
fn cause(reason: Reason, sender: Option<Sender>) -> String {
    let Some(Sender { source, claim }) = sender else { return reason.as_str().to_owned() };
    match reason {
        Reason::StrongerClaim => format!("stronger claim of {source}, priority {claim}"),
        Reason::Resignation => format!("resignation of {source}"),
        Reason::Preemption => format!("preemption of {source}, priority {claim}"),
        Reason::Successor => format!("successor {source}, priority {claim}"),
        other => format!("{}, in favour of {source}, priority {claim}", other.as_str()),
    }
}
