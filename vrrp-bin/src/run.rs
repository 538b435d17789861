//! `vrrp run`: the daemon, in the foreground.

mod asked;
mod daemon;
mod members;
mod pid;
mod signals;

use std::{iter, sync::Arc};

use sd_notify::NotifyState;
use tokio::runtime::Builder;
use vrrp_core::Reason;
use vrrp_net::{Events, Node, NodeEvent, notify::Notifier, remedy};

use crate::{
    backends::Backends,
    check, checks,
    cli::{self, keepalived::Keepalived},
    config::{Config, ConfigErrors, Located},
    control::{
        self,
        reload::{self, Asking},
    },
    descriptors,
    kept::{Drain, Kept},
    leftovers, log, notify, orphans,
    report::Reloaded,
};
use asked::{Asked, Done};
use daemon::{Daemon, Refused};
use members::members;
use pid::PidFile;
use signals::{Signals, Wish};

/// Why the daemon did not start, or did not stop as it should.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Files(#[from] descriptors::TooFew),
    #[error(transparent)]
    Control(#[from] control::Error),
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
    Asked::ours(arguments).map_or_else(|Done(status)| status, start)
}

/// Runs the daemon under the name and with the arguments of keepalived's.
pub(crate) fn keepalived(arguments: Keepalived) -> u8 {
    Asked::keepalived(arguments).map_or_else(|Done(status)| status, start)
}

fn start(asked: Asked) -> u8 {
    let _log = log::start(asked.log, asked.level);
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
        Ok(()) => cli::OK,
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

fn run(asked: Asked, config: Config) -> Result<(), Error> {
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
    runtime.block_on(serve(Arc::new(asked), config, socket))
}

async fn serve(asked: Arc<Asked>, config: Config, socket: control::Socket) -> Result<(), Error> {
    let mut signals = Signals::new().map_err(|error| Error::System("signal handlers", error))?;
    // It ends with the runtime.
    drop(tokio::spawn(orphans::collect()));
    let (asking, mut reloads) = Asking::new();
    let (mut daemon, mut events) = begin(asked, config, socket, asking).await?;
    let served = tokio::spawn(daemon.checks.clone().serve(daemon.node.clone()));
    let control = daemon.config.control.display();
    let (count, version) = (daemon.config.routers.len(), env!("CARGO_PKG_VERSION"));
    tokio::task::block_in_place(|| name_unusable(&daemon.config));
    tokio::task::block_in_place(|| name_missing(&daemon.config));
    name_leftovers(&daemon.node).await?;
    tracing::info!(event = "started", version, virtual_routers = count, %control, "started");
    tell_manager(&[NotifyState::Ready]);
    let left = go_on(&mut daemon, &mut events, &mut reloads, &mut signals).await;
    // However it ended, that is told. Who asks for a reload now is answered, too.
    drop(reloads);
    tell(&daemon.notifier, *left.as_ref().unwrap_or(&true), &mut signals).await;
    left?;
    // It ends with the node; one that panicked has ended, too.
    let _ = served.await;
    daemon.checks.stop().await;
    daemon.serving.finish().await;
    tracing::info!(event = "stopped", "stopped");
    Ok(())
}

/// Starts everything that `config` asks for.
async fn begin(
    asked: Arc<Asked>,
    config: Config,
    socket: control::Socket,
    asking: Asking,
) -> Result<(Daemon, Events), Error> {
    let realtime = config.realtime.as_ref().map(|(priority, _)| *priority);
    let node = Node::builder().realtime(realtime).linux()?;
    let events = node.events();
    let state = config.state.as_ref().map(|(path, _)| path.as_path());
    let kept = Arc::new(tokio::task::block_in_place(|| Kept::open(state)));
    let setup = checks::setup(&config, |_| false)?;
    let backends = Backends::new().map_err(Error::Netlink)?;
    let members = members(&config, &backends, &kept, &setup);
    // Before the node: what is found at once spares it a wait.
    let checks = checks::Running::start(&config, setup);
    let checks = Arc::new(checks.map_err(|error| Error::System("a thread for the checks", error))?);
    name_drains(&config, &kept);
    // Before its virtual routers are there, so that their first states are told.
    let notifier = notify::start(&config, &node).map_err(Error::Notifier)?;
    let _handles = node.configure(members).await?;
    let last = reload::Last::default();
    let serving = socket
        .serve(node.clone(), Arc::clone(&kept), Arc::clone(&checks), asking, last.clone())
        .map_err(|error| Error::System("the control socket", error))?;
    let daemon = Daemon { asked, config, node, backends, kept, checks, notifier, serving, last };
    Ok((daemon, events))
}

/// Goes on until a signal ends it, and hands over. Returns whether a second one came.
async fn go_on(
    daemon: &mut Daemon,
    events: &mut Events,
    reloads: &mut reload::Asked,
    signals: &mut Signals,
) -> Result<bool, Error> {
    loop {
        let kept = daemon.kept.clone();
        let request = tokio::select! {
            () = follow(events, &kept) => return Err(Error::Died),
            Some(request) = reloads.recv() => Some(request),
            wish = signals.next() => match wish {
                Wish::Leave => return leave(&daemon.node, signals).await,
                Wish::Reload => None,
                Wish::Other(sentence) => {
                    signals::tell(sentence);
                    continue;
                }
            },
        };
        tell_manager(&reloading());
        // Reading can take as long as a disk does, and nobody waits for that who ends it.
        let outcome = tokio::select! {
            outcome = daemon.reload() => outcome,
            () = signals.leave() => return leave(&daemon.node, signals).await,
        };
        let outcome = told(outcome);
        daemon.last.note(&outcome);
        tell_manager(&[NotifyState::Ready]);
        if let Some(request) = request {
            request.answer(outcome);
        }
    }
}

/// Logs what has come of a reload, a line for each thing.
fn told(outcome: Result<Reloaded, Refused>) -> reload::Outcome {
    match outcome {
        Ok(reloaded) => {
            for change in &reloaded.changes {
                tracing::info!(event = "changed", "{change}");
            }
            tracing::info!(event = "reloaded", "{}", reloaded.sentence);
            Ok(reloaded)
        }
        Err(refused) => {
            let sentences =
                format!("{refused}\nnothing was changed; correct this and reload again");
            for sentence in sentences.lines() {
                tracing::error!(event = "reload-refused", "{sentence}");
            }
            Err(sentences)
        }
    }
}

/// Tells the service manager, if one waits for it (sd_notify(3)).
fn tell_manager(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(event = "manager-not-told", "the service manager is not told: {error}");
    }
}

/// What a manager is told that waits for the end of a reload (systemd.service(5), `notify-reload`).
fn reloading() -> Vec<NotifyState<'static>> {
    let now = NotifyState::monotonic_usec_now().ok();
    iter::once(NotifyState::Reloading).chain(now).collect()
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

/// Hands over and lets go; a second signal lets go at once. Returns whether there was one.
async fn leave(node: &Node, signals: &mut Signals) -> Result<bool, Error> {
    tracing::info!(event = "stopping", "handing over; a second signal leaves at once");
    tell_manager(&[NotifyState::Stopping]);
    tokio::select! {
        stopped = node.shutdown() => Ok(stopped.map(|()| false)?),
        () = signals.leave() => {
            tracing::warn!(event = "stopping-at-once", "leaving without waiting for a successor");
            Ok(node.shutdown().await.map(|()| true)?)
        }
    }
}

/// Waits for what is still to be told; another signal ends that.
async fn tell(notifier: &Notifier, in_haste: bool, signals: &mut Signals) {
    tokio::select! {
        () = notify::finish(notifier, in_haste) => {}
        () = signals.leave() => {
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
