//! `vrrp run`: the daemon, in the foreground.

mod asked;
mod daemon;
mod members;
mod pid;
mod predecessor;
mod requests;
mod signals;
mod successor;
mod watchdog;

use std::{mem, sync::Arc};

use sd_notify::NotifyState;
use tokio::runtime::Builder;
use vrrp_core::Reason;
use vrrp_net::{Events, Node, NodeEvent, notify::Notifier, remedy};

use crate::{
    backends::Backends,
    check, checks,
    cli::{self, keepalived::Keepalived},
    config::{Config, ConfigErrors, Located},
    control::{self, App, Feed, asking::Asking},
    descriptors,
    kept::{Drain, Kept},
    leftovers, log, notify, orphans,
    snapshot::Snapshots,
    watched::{self, State, Watched},
};
use asked::{Asked, Done};
use daemon::Daemon;
use members::members;
use pid::PidFile;
use predecessor::Predecessor;
use requests::{End, go_on};
use signals::Signals;
use successor::Successor;
use watchdog::Watchdog;

/// Why the daemon did not start, or did not stop as it should.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Files(#[from] descriptors::TooFew),
    #[error(transparent)]
    Control(#[from] control::Error),
    #[error(transparent)]
    Watched(#[from] watched::Refused),
    #[error(transparent)]
    Node(#[from] vrrp_net::Error),
    #[error("the kernel's netlink is out of reach: {0}; {advice}", advice = remedy(.0).unwrap_or(NO_NETLINK))]
    Netlink(std::io::Error),
    #[error(transparent)]
    Checks(#[from] vrrp_net::check::SetupError),
    #[error("the operating system refused {0}: {1}{advice}", advice = advice(.1))]
    System(&'static str, std::io::Error),
    #[error("nobody can be told what happens: {0}{advice}", advice = advice(.0))]
    Notifier(std::io::Error),
    #[error("the node stopped by itself; see the lines above, and report it")]
    Died,
}

const NO_NETLINK: &str = "run vrrp where AF_NETLINK sockets are allowed";

fn advice(error: &std::io::Error) -> String {
    remedy(error).map_or_else(String::new, |remedy| format!("; {remedy}"))
}

/// Runs `vrrp run` until it is told to leave, and returns the exit status.
pub(crate) fn main(arguments: &cli::Run) -> u8 {
    let run = if arguments.try_out { try_out } else { start };
    Asked::ours(arguments).map_or_else(|Done(status)| status, run)
}

/// Runs the daemon under the name and with the arguments of keepalived's.
pub(crate) fn keepalived(arguments: Keepalived) -> u8 {
    let run = if arguments.try_out { try_out } else { start };
    Asked::keepalived(arguments).map_or_else(|Done(status)| status, run)
}

/// Reads the configuration as a start does, for a daemon that is about to make room. A file that
/// seems to be half written is refused, as at a reload.
fn try_out(asked: Asked) -> u8 {
    let _log = log::start(asked.log, asked.level);
    match asked.config().and_then(|config| config.cut_short.map_or(Ok(()), |why| Err(why.into()))) {
        Ok(()) => cli::OK,
        Err(errors) => refuse(&errors, asked.log),
    }
}

fn start(asked: Asked) -> u8 {
    let log = log::start(asked.log, asked.level);
    descriptors::raise();
    if let Err(error) = descriptors::require(descriptors::DAEMON) {
        return fail(&error.into());
    }
    let config = match asked.config() {
        Ok(config) => config,
        Err(errors) => return refuse(&errors, asked.log),
    };
    for Located { place, value: sentence } in &config.chosen {
        tracing::info!(event = "interface-chosen", "{place}: {sentence}");
    }
    match run(asked, config) {
        Ok(None) => cli::OK,
        Ok(Some(successor)) => {
            // Otherwise its last lines were lost.
            drop(log);
            eprintln!("{}", successor.take_over());
            cli::FAILED
        }
        Err(error) => fail(&error),
    }
}

fn fail(error: &Error) -> u8 {
    tracing::error!(event = "failed", "{error}");
    cli::FAILED
}

fn refuse(errors: &ConfigErrors, format: cli::Log) -> u8 {
    match format {
        cli::Log::Text => eprintln!("{errors}"),
        cli::Log::Json => {
            for error in errors.to_string().lines() {
                tracing::error!(event = "bad-configuration", "{error}");
            }
        }
    }
    cli::BAD_CONFIGURATION
}

/// Runs until it is told to leave, or another program is to be executed in the place of this one:
/// then the node still serves.
fn run(asked: Asked, config: Config) -> Result<Option<Successor>, Error> {
    let successor = Successor::of_this_process();
    // First of all: where another daemon lives, nothing is touched.
    let socket = control::Socket::bind(&config.control)?;
    let _pids: Vec<PidFile> = asked.pids.iter().cloned().filter_map(PidFile::write).collect();
    if let Some(shortage) = descriptors::provide(&config) {
        tracing::warn!(event = "too-few-files", "{shortage}");
    }
    // The node has a thread of its own for the protocol. Two workers, so that a backend that blocks
    // one of them keeps neither the control socket nor the signals waiting.
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Error::System("threads", error))?;
    let left = runtime.block_on(serve(Arc::new(asked), config, socket, successor));
    // Nothing of it is waited for: what has to end has ended.
    runtime.shutdown_background();
    left
}

async fn serve(
    asked: Arc<Asked>,
    config: Config,
    socket: control::Socket,
    successor: Successor,
) -> Result<Option<Successor>, Error> {
    let has_inherited = orphans::has_children();
    let mut signals = Signals::new().map_err(|error| Error::System("signal handlers", error))?;
    // It ends with the runtime.
    drop(tokio::spawn(orphans::collect(has_inherited)));
    let (asking, mut requests) = Asking::new();
    let (mut daemon, mut events) = begin(asked, config, socket, successor, asking).await?;
    let control = daemon.config.control.display();
    let (count, version) = (daemon.config.routers.len(), env!("CARGO_PKG_VERSION"));
    tokio::task::block_in_place(|| name_unusable(&daemon.config));
    tokio::task::block_in_place(|| name_missing(&daemon.config));
    name_leftovers(&daemon.node).await?;
    tracing::info!(event = "started", version, virtual_routers = count, %control, "started");
    tell_manager(&[NotifyState::Ready]);
    let _watchdog = Watchdog::start(&daemon.node);
    let end = go_on(&mut daemon, &mut events, &mut requests, &mut signals).await;
    if let Ok(End::Replaced(successor)) = end {
        // Dropped, it would hand over.
        mem::forget(daemon);
        return Ok(Some(successor));
    }
    // However it ended, that is told. Who asks for something now is answered, too.
    drop(requests);
    let in_haste = !matches!(end, Ok(End::Left { in_haste: false }));
    tell(&daemon.notifier, in_haste, &mut signals).await;
    end?;
    if let Some(served) = daemon.served.take() {
        // One that panicked has ended, too.
        let _ = served.await;
    }
    daemon.checks.stop().await;
    daemon.serving.finish().await;
    tracing::info!(event = "stopped", "stopped");
    Ok(None)
}

/// Starts everything that `config` asks for.
async fn begin(
    asked: Arc<Asked>,
    config: Config,
    socket: control::Socket,
    successor: Successor,
    asking: Asking,
) -> Result<(Daemon, Events), Error> {
    let realtime = config.realtime.as_ref().map(|(priority, _)| *priority);
    let node = Node::builder().realtime(realtime).linux()?;
    let events = node.events();
    let state = config.state.as_ref().map(|(path, _)| path.as_path());
    let kept = Arc::new(tokio::task::block_in_place(|| Kept::open(state)));
    let setup = checks::setup(&config, |_| false)?;
    let backends = Backends::new().map_err(Error::Netlink)?;
    let members = members(&config, &backends, &kept, &setup, &Predecessor::of_this_process());
    // Before the node: what is found at once spares it a wait.
    let checks = checks::Running::start(&config, setup);
    let checks = Arc::new(checks.map_err(|error| Error::System("a thread for the checks", error))?);
    name_drains(&config, &kept);
    let snapshots = Snapshots::new(node.clone(), Arc::clone(&kept), Arc::clone(&checks));
    let (feed, told) = Feed::start(node.events());
    let mut watched = Watched::new(State::new(snapshots.clone(), feed.clone()));
    // What could not be listened on ends it before anything is touched.
    let prepared = watched.prepare(&config.watch)?;
    // Before its virtual routers are there, so that their first states are told.
    let notifier = notify::start(&config, &node).map_err(Error::Notifier)?;
    let handles = node.configure(members).await?;
    let app = App {
        node: node.clone(),
        kept: Arc::clone(&kept),
        checks: Arc::clone(&checks),
        asking,
        snapshots: snapshots.clone(),
        feed,
    };
    let serving =
        socket.serve(app, told).map_err(|error| Error::System("the control socket", error))?;
    watched.take(prepared, &handles);
    let served = Some(tokio::spawn(checks.clone().serve(node.clone())));
    let daemon = Daemon {
        asked,
        config,
        successor,
        node,
        backends,
        kept,
        checks,
        served,
        notifier,
        serving,
        watched,
        snapshots,
    };
    Ok((daemon, events))
}

/// Tells the service manager, if one waits for it (sd_notify(3)).
fn tell_manager(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(event = "manager-not-told", "the service manager is not told: {error}");
    }
}

/// What an earlier process left behind stays until somebody removes it.
async fn name_leftovers(node: &Node) -> Result<(), Error> {
    let status = node.status().await?;
    // Where the host cannot be looked at, nothing else works either, and says so.
    for left in tokio::task::block_in_place(|| leftovers::of_node(&status)).unwrap_or_default() {
        tracing::warn!(event = "leftover", interface = left.interface, address = %left.cidr.address(), "{left}");
    }
    Ok(())
}

/// Interfaces on which nobody will be heard, although everything else seems well.
fn name_unusable(config: &Config) {
    // Where the host cannot be looked at, nothing else works either, and says so.
    for (interface, sentences) in check::unusable_interfaces(config).unwrap_or_default() {
        for sentence in sentences {
            tracing::warn!(event = "unusable-interface", interface, "{sentence}");
        }
    }
}

/// Programs that are told nothing, since this host cannot run them.
fn name_missing(config: &Config) {
    for (place, sentence) in check::unusable_programs(config) {
        tracing::warn!(event = "unusable-program", "{place}: {sentence}");
    }
}

/// Comes when the node has ended, and forgets the drains that end meanwhile. The node logs its
/// events itself.
async fn follow(events: &mut Events, kept: &Kept) {
    while let Some(event) = events.next().await {
        match event {
            Ok(NodeEvent::Transition { name, reason: Reason::Resume, .. }) => {
                tokio::task::block_in_place(|| kept.end(&name));
            }
            Ok(_) => {}
            // It may be among those that were lost.
            Err(_) => tokio::task::block_in_place(|| kept.forget_ended()),
        }
    }
}

/// Who starts drained, and the drains of those who are not there.
fn name_drains(config: &Config, kept: &Kept) {
    for name in kept.names() {
        let Some(Drain { since, until }) = kept.get(&name) else { continue };
        let end = until.map(|until| format!(" until {until}")).unwrap_or_default();
        let until = until.map(tracing::field::display);
        if config.routers.iter().any(|router| router.name == name) {
            tracing::warn!(
                event = "drain",
                name,
                %since,
                until,
                keep = true,
                "{name} stays drained{end}, as was asked for at {since}; `vrrp resume {name}` ends \
                 that"
            );
        } else {
            tracing::warn!(
                event = "drain-unknown",
                name,
                %since,
                until,
                "{name} was drained{end} at {since}, and is not configured; its drain is kept for \
                 when it is, until `vrrp resume {name}`"
            );
        }
    }
}

/// Waits for what is still to be told; another signal ends that.
async fn tell(notifier: &Notifier, in_haste: bool, signals: &mut Signals) {
    tokio::select! {
        () = notify::finish(notifier, in_haste) => {}
        () = signals.hurry() => {
            tracing::warn!(event = "not-told", "leaving without waiting for scripts");
            notify::abandon(notifier).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a12_netlink_is_not_blamed_for_a_limit() {
        let said = |errno| Error::Netlink(io::Error::from_raw_os_error(errno)).to_string();
        for (errno, words) in [(24, "LimitNOFILE="), (23, "fs.file-max"), (11, "TasksMax=")] {
            assert!(
                said(errno).contains(words) && !said(errno).contains("AF_NETLINK"),
                "{}",
                said(errno)
            );
        }
        assert!(
            said(97).ends_with("run vrrp where AF_NETLINK sockets are allowed"),
            "{}",
            said(97)
        );
        let threads = Error::System("threads", io::Error::from_raw_os_error(11)).to_string();
        assert!(threads.contains("TasksMax="), "{threads}");
    }
}
