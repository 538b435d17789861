//! The log on stderr: lines for people, or JSON. Every line about an event has a stable `event=` word.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use vrrp_core::{Hold, Notice, Phase, Reason};
use vrrp_net::NodeEvent;

use crate::cli;

/// Starts the log. `RUST_LOG` chooses what is in it; `info` unless set.
pub(crate) fn start(format: cli::Log) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    match format {
        cli::Log::Text => log.with_ansi(std::io::stderr().is_terminal()).init(),
        cli::Log::Json => {
            log.json().flatten_event(true).with_current_span(false).with_span_list(false).init()
        }
    }
}

/// Logs what happened to a virtual router.
pub(crate) fn event(event: &NodeEvent) {
    match event {
        NodeEvent::Transition { name, from, to, reason, .. } => transition(name, *from, *to, *reason),
        NodeEvent::Notice { name, notice, source } => {
            let word = notice.as_str();
            tracing::warn!(event = %"notice", %name, notice = %word, peer = %source, "{}", sentence(*notice));
        }
        NodeEvent::DrainRefused { name } => {
            tracing::warn!(event = %"drain-refused", %name, "nobody took over: this node goes on");
        }
        other => tracing::info!(event = %"other", "{other:?}"),
    }
}

/// Logs that HUP changed nothing.
pub(crate) fn reload_refused() {
    tracing::warn!(event = %"reload-refused", "reload is not supported in this version; restart vrrp instead");
}

fn transition(name: &str, from: Phase, to: Phase, reason: Reason) {
    let (from, reason) = (from.as_str(), reason.as_str());
    match to {
        Phase::Initialize(hold) if hold.is_fault() => {
            let (to, hold) = (to.as_str(), Hold::as_str(hold));
            tracing::warn!(event = %"transition", %name, %from, %to, %reason, %hold);
        }
        Phase::Initialize(hold) => {
            let (to, hold) = (to.as_str(), hold.as_str());
            tracing::info!(event = %"transition", %name, %from, %to, %reason, %hold);
        }
        _ => {
            let to = to.as_str();
            tracing::info!(event = %"transition", %name, %from, %to, %reason);
        }
    }
}

/// What a notice means, and what to do.
const fn sentence(notice: Notice) -> &'static str {
    match notice {
        Notice::IntervalDiffers => "the peer advertises in another interval; give both the same `interval`",
        Notice::AddressesDiffer => {
            "the peer has other addresses for this VRID; give both the same `addresses`"
        }
        Notice::NoLinkLocalAddress => "the peer's first address is not link-local (RFC 9568 5.2.9)",
        Notice::SecondOwner => "the peer claims to own the addresses as this node does; only one may",
        Notice::ContendsWithOwner => "the peer advertises although this node owns the addresses",
        Notice::SamePriority => {
            "the peer has the same priority, so that the higher address wins; give each its own"
        }
        Notice::Unlisted => "the peer is not in `peers`, and is heard because of hear = \"any\"",
        Notice::BothChecksums => {
            "peers use both checksum forms, so that both are sent; set `checksum` on all nodes"
        }
        _ => "something about the peer looks wrong",
    }
}
