//! [`Predecessor`]: what a program that makes room says to the one that is executed in its place.

use std::{
    collections::BTreeMap,
    env,
    time::{Duration, Instant},
};

use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use vrrp_net::Node;

use crate::{config::RouterConfig, import::environment::PREDECESSOR};

/// Of so many at most: the kernel takes 128 KiB in a variable (execve(2)). The others are adopted as
/// after a crash.
const MOST: usize = 2000;

/// Until when no other node takes over, of each virtual router that is active: microseconds since
/// the host was started (`CLOCK_BOOTTIME`), by interface, VRID and family.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Predecessor(BTreeMap<String, u64>);

impl Predecessor {
    /// What the node of this process does; nothing if it has ended.
    pub(super) async fn of(node: &Node) -> Self {
        // Before the answer, which may take a while, begins to age.
        let asked_at = now();
        let Ok(status) = node.status().await else { return Self::default() };
        let until = |lease: Duration| {
            u64::try_from(asked_at.saturating_add(lease).as_micros()).unwrap_or_default()
        };
        let routers = status.routers.iter().filter_map(|router| {
            let key = key(&router.interface, router.key.vrid, router.key.family);
            Some((key, until(router.lease?)))
        });
        Self(routers.take(MOST).collect())
    }

    /// What was said to this process; nothing if it was started in another way.
    pub(super) fn of_this_process() -> Self {
        let text = env::var(PREDECESSOR).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Until when no other node takes over, if it was active and that is not over.
    pub(super) fn until(&self, router: &RouterConfig) -> Option<Instant> {
        let (interface, vrid, family) = router.key();
        let until = Duration::from_micros(*self.0.get(&key(interface, vrid, family))?);
        // In this order it is rather too early than too late.
        let (here, now) = (Instant::now(), now());
        Some(here + until.checked_sub(now)?)
    }

    /// The value of the variable.
    pub(super) fn to_text(&self) -> String {
        // Numbers by names can always be written.
        serde_json::to_string(self).unwrap_or_default()
    }
}

fn key(interface: &str, vrid: impl std::fmt::Display, family: impl std::fmt::Display) -> String {
    format!("{interface}/{vrid}/{family}")
}

fn now() -> Duration {
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(Duration::ZERO, Duration::from)
}
