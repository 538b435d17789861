//! The line of log that an event is.

use vrrp_core::{Phase, Rejected, Sender};

use super::members::Members;
use crate::NodeEvent;

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
                "{event}"
            );
        }
        NodeEvent::Notice { name, key: _, notice, source, claim, others } => {
            tracing::warn!(
                event = "notice",
                name = &**name,
                notice = notice.as_str(),
                reason = notice.refusal().map(Rejected::as_str),
                %source,
                priority = claim.map(u8::from),
                others = (*others > 0).then_some(*others),
                "{event}"
            );
        }
        NodeEvent::DrainRefused { name, .. } => {
            tracing::warn!(event = "drain-refused", name = &**name, "{event}");
        }
        NodeEvent::Unrelieved { name, .. } => {
            tracing::warn!(event = "unrelieved", name = &**name, "{event}");
        }
        NodeEvent::Reasserted { name, .. } => {
            tracing::info!(event = "reasserted", name = &**name, "{event}");
        }
        NodeEvent::Rival { name, key, mac, address, cause, others } => {
            tracing::warn!(
                event = "rival",
                name = &**name,
                interface = members.get(key).map(|entry| &*entry.interface),
                %mac,
                %address,
                cause = cause.as_str(),
                source = cause.source().map(tracing::field::display),
                others = (*others > 0).then_some(*others),
                "{event}"
            );
        }
        NodeEvent::RivalGone { name, mac, .. } => {
            tracing::info!(event = "rival-gone", name = &**name, %mac, "{event}");
        }
        NodeEvent::Standing { name, holds, gates, .. } => {
            tracing::debug!(event = "standing", name = &**name, %holds, %gates, "{event}");
        }
        NodeEvent::Backend { name, error: None, .. } => {
            tracing::info!(event = "backend", name = &**name, "{event}");
        }
        // Whoever saw it logged it, with more words.
        NodeEvent::Backend { error: Some(_), .. } | NodeEvent::Check { .. } => {}
    }
}

fn source(sender: Sender) -> tracing::field::DisplayValue<std::net::IpAddr> {
    tracing::field::display(sender.source)
}

fn priority(sender: Sender) -> u8 {
    sender.claim.into()
}
