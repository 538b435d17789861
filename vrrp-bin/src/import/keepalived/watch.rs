//! Where the daemon is watched over TCP, which a file of keepalived's cannot say: variables of the
//! environment do.

use super::Planned;
use crate::config::{Found, Located, Place, WatchDraft};

/// The variable that asks for metrics under keepalived's names.
const KEEPALIVED: &str = "VRRP_KEEPALIVED_METRICS";

/// Fills in what `environment` says of it.
pub(super) fn fill(planned: &mut Planned, environment: impl Fn(&str) -> Option<String>) {
    let text = |name: &str| {
        let text = environment(name);
        Found::of(Ok(text.map(|text| Located::new(Place::variable(name), text))))
    };
    let keepalived =
        text(KEEPALIVED).and_then(|Located { place, value: text }| match text.as_str() {
            "true" => Ok(Located::new(place, true)),
            "false" => Ok(Located::new(place, false)),
            _ => {
                let message = format!("this is {text:?}; write true or false");
                planned.problems.wrong(&place, message)
            }
        });
    planned.plan.watch =
        WatchDraft { metrics: text("VRRP_METRICS"), probe: text("VRRP_PROBE"), keepalived };
}
