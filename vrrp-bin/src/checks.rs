//! The checks of the daemon: started with their configuration, and asked for what they found.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex},
};

use vrrp_net::{
    Node,
    check::{Checks, Planned, Setup, SetupError, Tracked},
};

use crate::{
    config::{Config, RouterConfig},
    import::environment,
    lock::lock,
    report::{self, Check},
};

/// The checks that run, and who tracks them.
#[derive(Default)]
pub(crate) struct Running {
    /// None once they were ended.
    checks: Mutex<Option<Arc<Checks>>>,
    /// The virtual routers that track each.
    tracked_by: Mutex<TrackedBy>,
}

type TrackedBy = BTreeMap<String, Vec<String>>;

/// The checks of `config`, and what they mean to its virtual routers. `starts` says which of those
/// are new while others are there already.
///
/// # Errors
/// None that the rules of a configuration would not have found.
pub(crate) fn setup(
    config: &Config,
    starts: impl Fn(&RouterConfig) -> bool,
) -> Result<Setup, SetupError> {
    let secrets = environment::secrets();
    let planned = config.checks.iter().map(|check| {
        let looks = check.look.check(&secrets);
        Planned::of(check.name.as_str(), looks).schedule(check.schedule)
    });
    let tracked = config.routers.iter().filter(|router| !router.tracks.is_empty()).map(|router| {
        let tracked = Tracked::new(router.name.as_str()).last(router.last);
        let tracked = if starts(router) { tracked.starts() } else { tracked };
        let tracks = router.tracks.iter().map(|track| track.value.clone());
        tracks.fold(tracked, Tracked::track)
    });
    Setup::new(planned, tracked)
}

impl Running {
    /// Starts the checks.
    ///
    /// # Errors
    /// What the operating system says when it gives no thread or no file.
    pub(crate) fn start(config: &Config, setup: Setup) -> io::Result<Self> {
        let checks = Mutex::new(Some(Arc::new(Checks::start(setup)?)));
        Ok(Self { checks, tracked_by: Mutex::new(tracked_by(config)) })
    }

    /// Takes over another configuration: what is the same in it goes on.
    pub(crate) fn configure(&self, config: &Config, setup: Setup) {
        if let Some(checks) = self.checks() {
            checks.configure(setup);
        }
        *lock(&self.tracked_by) = tracked_by(config);
    }

    /// Tells `node` what they find, until it stops.
    pub(crate) async fn serve(self: Arc<Self>, node: Node) {
        let Some(checks) = self.checks() else { return };
        checks.serve(&node).await;
    }

    /// Says anew what each virtual router does: some have other names now.
    pub(crate) async fn look_at(&self, node: &Node) {
        if let Some(checks) = self.checks() {
            checks.look_at_phases(node).await;
        }
    }

    /// What each found, for the status.
    pub(crate) fn report(&self) -> Vec<Check> {
        let tracked_by = lock(&self.tracked_by);
        let report = |status: vrrp_net::check::CheckStatus| {
            let tracked_by = tracked_by.get(&*status.name).cloned().unwrap_or_default();
            Check::new(&status, tracked_by)
        };
        let checks = self.checks().map(|checks| checks.status()).unwrap_or_default();
        checks.into_iter().map(report).collect()
    }

    /// What those that the virtual router of this name tracks say to it. `checks` is what
    /// [`report`](Self::report) told.
    pub(crate) fn tracks(&self, router: &str, checks: &[Check]) -> Vec<report::Tracked> {
        let shares = self.checks().map(|checks| checks.shares(router)).unwrap_or_default();
        let tracked = shares.into_iter().filter_map(|share| {
            let check = checks.iter().find(|check| *check.name == *share.track.check)?;
            Some(report::Tracked::new(&share, check))
        });
        tracked.collect()
    }

    /// Ends them once nobody serves any more, and waits until the programs that they run have ended.
    pub(crate) async fn stop(&self) {
        let checks = lock(&self.checks).take();
        // Whoever answers for the status at this moment drops it, and with it ends them.
        if let Some(checks) = checks.and_then(Arc::into_inner) {
            checks.stop().await;
        }
    }

    fn checks(&self) -> Option<Arc<Checks>> {
        lock(&self.checks).clone()
    }
}

fn tracked_by(config: &Config) -> TrackedBy {
    let mut tracked_by = TrackedBy::new();
    for router in &config.routers {
        for track in &router.tracks {
            let check = track.value.check.to_string();
            tracked_by.entry(check).or_default().push(router.name.clone());
        }
    }
    tracked_by
}
