//! [`Daemon`]: everything that runs, and becomes another by a reload.

use std::{collections::BTreeMap, io, sync::Arc, thread, time::Duration};

use tokio::{
    sync::oneshot,
    task::{JoinHandle, block_in_place},
    time::timeout,
};
use vrrp_net::{Node, notify::Notifier};

use super::{Asked, Predecessor, Successor, members::members, name_missing, name_unusable};
use crate::{
    backends::Backends,
    checks::{self, Running},
    config::{Config, ConfigErrors, Located, RouterConfig, RouterKey, differences},
    control, descriptors,
    kept::Kept,
    notify,
    report::Reloaded,
    snapshot::Snapshots,
    watched::{self, Watched},
};

/// How long the reading of a configuration is waited for: a disk may hang.
const PATIENCE: Duration = Duration::from_secs(10);

/// Everything that runs.
pub(super) struct Daemon {
    /// Where the configuration is, and how it is read.
    pub(super) asked: Arc<Asked>,
    /// What is in force.
    pub(super) config: Config,
    /// What would run in the place of this program.
    pub(super) successor: Successor,
    pub(super) node: Node,
    /// As long as they are the same, so is who holds the addresses.
    pub(super) backends: Backends,
    pub(super) kept: Arc<Kept>,
    pub(super) checks: Arc<Running>,
    /// Tells the node what they find. It ends with the node, and is taken at its end.
    pub(super) served: Option<JoinHandle<()>>,
    pub(super) notifier: Notifier,
    pub(super) serving: control::Serving,
    pub(super) watched: Watched,
    /// What is told of all this.
    pub(super) snapshots: Snapshots,
}

/// Why a reload changed nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error(transparent)]
    Configuration(#[from] ConfigErrors),
    #[error("{0}; stop vrrp and start it for that")]
    NeedsRestart(String),
    #[error(transparent)]
    Checks(#[from] vrrp_net::check::SetupError),
    #[error(transparent)]
    Control(#[from] control::Error),
    #[error(transparent)]
    Watched(#[from] watched::Refused),
    #[error("the FIFO of notify_fifo cannot be opened: {0}; name another path, or leave it out")]
    Notifier(io::Error),
    #[error("the configuration cannot be read again: the operating system gives no thread: {0}")]
    Thread(io::Error),
    #[error("the configuration cannot be read: its reader broke down; see the log, and report it")]
    Reader,
    #[error("the configuration was not read within 10 s; see whether its disk answers")]
    Slow,
    #[error(transparent)]
    Node(#[from] vrrp_net::Error),
}

impl Daemon {
    /// Reads the configuration again and takes it over, all of it or nothing. What is the same in it
    /// does not notice.
    ///
    /// Dropped before it has been read, it changes nothing.
    ///
    /// # Errors
    /// [`Refused`], and nothing has changed.
    pub(super) async fn reload(&mut self) -> Result<Reloaded, Refused> {
        let config = read(self.asked.clone()).await?;
        let changes = differences(&self.config, &config);
        self.take(config).await?;
        Ok(Reloaded::new(changes))
    }

    /// Ends every program that runs, which would be nobody's after this one. The next one tells all
    /// states anew, and runs all checks.
    pub(super) async fn end_programs(&mut self) {
        notify::abandon(&self.notifier).await;
        // It holds the checks.
        if let Some(served) = self.served.take() {
            served.abort();
            let _ = served.await;
        }
        self.checks.stop().await;
    }

    async fn take(&mut self, config: Config) -> Result<(), Refused> {
        self.compare_namespaces(&config)?;
        self.refuse_half(&config)?;
        let before = keyed(&self.config);
        let setup = checks::setup(&config, |router| !before.contains_key(&router.key()))?;
        let is_moved = config.control != self.config.control;
        let socket = is_moved.then(|| control::Socket::bind(&config.control)).transpose()?;
        let prepared = self.watched.prepare(&config.watch)?;
        if let Some(shortage) = descriptors::provide(&config) {
            tracing::warn!(event = "too-few-files", "{shortage}");
        }
        let members = members(&config, &self.backends, &self.kept, &setup, &Predecessor::default());
        // Before the node, so that the first states of what is new are told.
        notify::configure(&self.notifier, &config, &self.config).map_err(Refused::Notifier)?;
        let handles = match self.node.configure(members).await {
            Ok(handles) => handles,
            Err(refused) => {
                // It was there a moment ago.
                notify::configure(&self.notifier, &self.config, &self.config)
                    .map_err(Refused::Notifier)?;
                return Err(refused.into());
            }
        };
        // From here on nothing is refused.
        self.take_checks(&config, setup).await;
        self.take_daemon(&config, socket).await;
        self.watched.take(prepared, &handles);
        self.config = config;
        block_in_place(|| name_unusable(&self.config));
        block_in_place(|| name_missing(&self.config));
        Ok(())
    }

    /// The network namespace is that of the process.
    fn compare_namespaces(&self, config: &Config) -> Result<(), Refused> {
        let name = |config: &Config| config.netns.as_ref().map(|netns| netns.value.clone());
        if name(config) == name(&self.config) {
            return Ok(());
        }
        let place = config.netns.as_ref().map_or(&config.origin, |netns| &netns.place);
        let why = format!("{place}: a daemon that runs stays in its network namespace");
        Err(Refused::NeedsRestart(why))
    }

    /// A start makes the best of a file of keepalived's. A reload that took what an editor has not
    /// written to its end would take addresses away.
    fn refuse_half(&self, config: &Config) -> Result<(), Refused> {
        match &config.cut_short {
            Some(why) if !self.config.routers.is_empty() => {
                Err(ConfigErrors::from(why.clone()).into())
            }
            Some(_) | None => Ok(()),
        }
    }

    /// After the node, which has the names of its virtual routers by then.
    async fn take_checks(&self, config: &Config, setup: vrrp_net::check::Setup) {
        self.checks.look_at(&self.node).await;
        self.checks.configure(config, setup);
    }

    /// What is about the program itself. It protects nobody's address, so that what fails of it is
    /// said, and the rest stands.
    async fn take_daemon(&mut self, config: &Config, socket: Option<control::Socket>) {
        if let Some(socket) = socket
            && let Err(error) = self.serving.move_to(socket)
        {
            tracing::warn!(event = "control-refused", "the control socket stays: {error}");
        }
        let names = renamed(&self.config, config);
        if let Err(error) = block_in_place(|| self.kept.rename(&names)) {
            tracing::warn!(event = "drains-not-written", "{error}");
        }
        let state = |config: &Config| config.state.as_ref().map(|(path, _)| path.clone());
        if state(config) != state(&self.config)
            && let Err(error) = block_in_place(|| self.kept.move_to(state(config).as_deref()))
        {
            tracing::warn!(
                event = "drains-not-written",
                "the drains stay where they were: {error}"
            );
        }
        let realtime = |config: &Config| config.realtime.as_ref().map(|(priority, _)| *priority);
        if realtime(config) != realtime(&self.config)
            && let Err(refused) = self.node.set_realtime(realtime(config)).await
        {
            tracing::warn!(event = "realtime-refused", "{refused}");
        }
        for Located { place, value: sentence } in &config.chosen {
            tracing::info!(event = "interface-chosen", "{place}: {sentence}");
        }
    }
}

fn keyed(config: &Config) -> BTreeMap<RouterKey<'_>, &RouterConfig> {
    config.routers.iter().map(|router| (router.key(), router)).collect()
}

/// The virtual routers that have another name now: the old one and the new one.
fn renamed<'a>(old: &'a Config, new: &'a Config) -> Vec<(&'a str, &'a str)> {
    let before = keyed(old);
    let pair = |router: &'a RouterConfig| {
        let old = before.get(&router.key()).filter(|old| old.name != router.name)?;
        Some((old.name.as_str(), router.name.as_str()))
    };
    new.routers.iter().filter_map(pair).collect()
}

/// Reads the configuration, on a thread of its own: a disk may hang, and the network namespace that
/// it is read in is that of a thread.
async fn read(asked: Arc<Asked>) -> Result<Config, Refused> {
    let (reply, config) = oneshot::channel();
    let read = move || drop(reply.send(asked.config()));
    thread::Builder::new().name("vrrp-reload".to_owned()).spawn(read).map_err(Refused::Thread)?;
    let config = timeout(PATIENCE, config).await.map_err(|_| Refused::Slow)?;
    // Nobody answers if it panicked.
    Ok(config.map_err(|_| Refused::Reader)??)
}
