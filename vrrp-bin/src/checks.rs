//! The checks of the daemon: started with their configuration, and asked for what they found.

use std::{collections::BTreeMap, io, sync::Arc};

use vrrp_net::{
    Node,
    check::{Checks, Planned, Setup, SetupError, Tracked},
};

use crate::{config::Config, import::environment, report::Check};

/// The checks that run, and who tracks them.
pub(crate) struct Running {
    checks: Checks,
    /// The virtual routers that track each.
    tracked_by: BTreeMap<String, Vec<String>>,
}

/// The checks of `config`, and what they mean to its virtual routers.
///
/// # Errors
/// None that the rules of a configuration would not have found.
pub(crate) fn setup(config: &Config) -> Result<Setup, SetupError> {
    let secrets = environment::secrets();
    let planned = config.checks.iter().map(|check| {
        let looks = check.look.check(&secrets);
        Planned::of(check.name.as_str(), looks).schedule(check.schedule)
    });
    let tracked = config.routers.iter().filter(|router| !router.tracks.is_empty()).map(|router| {
        let tracked = Tracked::new(router.name.as_str()).last(router.last);
        let tracks = router.tracks.iter().map(|track| track.value.clone());
        tracks.fold(tracked, Tracked::track)
    });
    Setup::new(planned, tracked)
}

impl Running {
    /// Starts the checks, if there are any.
    ///
    /// # Errors
    /// What the operating system says when it gives no thread or no file.
    pub(crate) fn start(config: &Config, setup: Setup) -> io::Result<Option<Arc<Self>>> {
        if config.checks.is_empty() {
            return Ok(None);
        }
        let mut tracked_by: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for router in &config.routers {
            for track in &router.tracks {
                let check = track.value.check.to_string();
                tracked_by.entry(check).or_default().push(router.name.clone());
            }
        }
        Ok(Some(Arc::new(Self { checks: Checks::start(setup)?, tracked_by })))
    }

    /// Tells `node` what they find, until it stops.
    pub(crate) async fn serve(self: Arc<Self>, node: Node) {
        self.checks.serve(&node).await;
    }

    /// What each found, for the status.
    pub(crate) fn report(&self) -> Vec<Check> {
        let report = |status: vrrp_net::check::CheckStatus| {
            let tracked_by = self.tracked_by.get(&*status.name).cloned().unwrap_or_default();
            Check::new(&status, tracked_by)
        };
        self.checks.status().into_iter().map(report).collect()
    }

    /// Ends them, and waits until the programs that they run have ended.
    pub(crate) async fn stop(self: Arc<Self>) {
        // Whoever answers for the status at this moment drops it, and with it ends them.
        if let Some(running) = Arc::into_inner(self) {
            running.checks.stop().await;
        }
    }
}
