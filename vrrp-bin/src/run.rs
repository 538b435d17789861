//! `vrrp run`: the daemon, in the foreground.

mod asked;
mod pid;
mod signals;

use std::{path::PathBuf, sync::Arc};

use sd_notify::NotifyState;
use tokio::runtime::Builder;
use vrrp_core::Reason;
use vrrp_net::{
    Events, Member, Node, NodeEvent, VirtualAddress, check::Setup, notify::Notifier, remedy,
};

use crate::{
    backends::Backends,
    check, checks,
    cli::{self, keepalived::Keepalived},
    config::{Config, ConfigErrors, GroupConfig, Located, RouterConfig},
    control, descriptors,
    kept::{Drain, Kept},
    leftovers, log, notify, orphans,
};
use asked::{Asked, Done};
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
    Asked::ours(arguments).map_or_else(|Done(status)| status, |asked| start(&asked))
}

/// Runs the daemon under the name and with the arguments of keepalived's.
pub(crate) fn keepalived(arguments: Keepalived) -> u8 {
    Asked::keepalived(arguments).map_or_else(|Done(status)| status, |asked| start(&asked))
}

fn start(asked: &Asked) -> u8 {
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
    match run(&config, &asked.pids) {
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

fn run(config: &Config, pids: &[PathBuf]) -> Result<(), Error> {
    // First of all: where another daemon lives, nothing is touched.
    let socket = control::Socket::bind(&config.control)?;
    let _pids: Vec<PidFile> = pids.iter().cloned().filter_map(PidFile::write).collect();
    if let Some(shortage) = descriptors::provide(config) {
        tracing::warn!(event = "too-few-files", "{shortage}");
    }
    // The node has a thread of its own for the protocol. Two workers, so that a backend that blocks
    // one of them keeps neither the control socket nor the signals waiting.
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Error::System("threads", error))?;
    runtime.block_on(serve(config, socket))
}

async fn serve(config: &Config, socket: control::Socket) -> Result<(), Error> {
    let mut signals = Signals::new().map_err(|error| Error::System("signal handlers", error))?;
    // It ends with the runtime.
    drop(tokio::spawn(orphans::collect()));
    let realtime = config.realtime.as_ref().map(|(priority, _)| *priority);
    let node = Node::builder().realtime(realtime).linux()?;
    let mut events = node.events();
    let state = config.state.as_ref().map(|(path, _)| path.as_path());
    let kept = Arc::new(tokio::task::block_in_place(|| Kept::open(state)));
    let setup = checks::setup(config)?;
    let members = members(config, &kept, &setup).map_err(Error::Netlink)?;
    // Before the node: what is found at once spares it a wait.
    let checks = checks::Running::start(config, setup)
        .map_err(|error| Error::System("a thread for the checks", error))?;
    name_drains(config, &kept);
    // Before its virtual routers are there, so that their first states are told.
    let notifier = notify::start(config, &node).map_err(Error::Notifier)?;
    let _handles = node.configure(members).await?;
    let served = checks.clone().map(|checks| tokio::spawn(checks.serve(node.clone())));
    let seen = checks.as_ref().map(Arc::downgrade).unwrap_or_default();
    let serving = socket
        .serve(node.clone(), Arc::clone(&kept), seen)
        .map_err(|error| Error::System("the control socket", error))?;
    let control = config.control.display();
    let (count, version) = (config.routers.len(), env!("CARGO_PKG_VERSION"));
    tokio::task::block_in_place(|| name_unusable(config));
    tokio::task::block_in_place(|| name_missing(config));
    name_leftovers(&node).await?;
    tracing::info!(event = "started", version, virtual_routers = count, %control, "started");
    tell_manager(NotifyState::Ready);
    let left = go_on(&node, &mut events, &kept, &mut signals).await;
    // However it ended, that is told.
    if let Some(notifier) = notifier {
        tell(&notifier, *left.as_ref().unwrap_or(&true), &mut signals).await;
    }
    left?;
    if let (Some(checks), Some(served)) = (checks, served) {
        // It ends with the node; one that panicked has ended, too.
        let _ = served.await;
        checks.stop().await;
    }
    serving.finish().await;
    tracing::info!(event = "stopped", "stopped");
    Ok(())
}

/// Goes on until a signal ends it, and hands over. Returns whether a second one came.
async fn go_on(
    node: &Node,
    events: &mut Events,
    kept: &Kept,
    signals: &mut Signals,
) -> Result<bool, Error> {
    loop {
        tokio::select! {
            () = follow(events, kept) => return Err(Error::Died),
            wish = signals.next() => match wish {
                Wish::Leave => return leave(node, signals).await,
                Wish::Other { event, sentence } => tracing::warn!(event, "{sentence}"),
            },
        }
    }
}

/// Tells the service manager, if one waits for it (sd_notify(3)).
fn tell_manager(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
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

fn members(config: &Config, kept: &Kept, setup: &Setup) -> std::io::Result<Vec<Member>> {
    let backends = Backends::new()?;
    let member = |router: &RouterConfig| {
        let member = Member::new(&router.interface, router.router.clone(), backends.of(router))
            .name(&router.name)
            .health(setup.health_at_start(&router.name));
        let member = belongings(member, router);
        let member = match &router.group {
            Some(group) => member.group(group.clone()),
            None => member,
        };
        match kept.get(&router.name) {
            None => member,
            Some(drain) => match drain.rest() {
                Some(rest) => member.drained_for(rest),
                None => member.drained(true),
            },
        }
    };
    let mut members: Vec<Member> = config.routers.iter().map(member).collect();
    // The first member of a group decides, and that is the first one that the group names.
    members.sort_by_key(|member| place_in_group(config, &member.name));
    Ok(members)
}

/// How its addresses are put, of those that are not just put on its interface, and what is held with
/// them.
fn belongings(member: Member, router: &RouterConfig) -> Member {
    let is_placed = |address: &&VirtualAddress| **address != VirtualAddress::from(address.cidr);
    let addresses = router.addresses.iter().map(|address| &address.value);
    let member = addresses.filter(is_placed).cloned().fold(member, Member::place);
    let extra = router.extra.iter().map(|address| address.value.clone());
    let routes = router.routes.iter().map(|route| route.value.clone());
    routes.fold(extra.fold(member, Member::extra), Member::route)
}

fn place_in_group(config: &Config, name: &str) -> usize {
    let place = |group: &GroupConfig| group.members.iter().position(|member| member == name);
    config.groups.iter().find_map(place).unwrap_or_default()
}

/// Hands over and lets go; a second signal lets go at once. Returns whether there was one.
async fn leave(node: &Node, signals: &mut Signals) -> Result<bool, Error> {
    tracing::info!(event = "stopping", "handing over; a second signal leaves at once");
    tell_manager(NotifyState::Stopping);
    let graceful = node.shutdown();
    tokio::pin!(graceful);
    loop {
        tokio::select! {
            stopped = &mut graceful => return Ok(stopped.map(|()| false)?),
            wish = signals.next() => match wish {
                Wish::Leave => {
                    tracing::warn!(event = "stopping-at-once", "leaving without waiting for a \
                        successor");
                    return Ok(node.shutdown().await.map(|()| true)?);
                }
                Wish::Other { event, sentence } => tracing::warn!(event, "{sentence}"),
            },
        }
    }
}

/// Waits for what is still to be told; another signal ends that.
async fn tell(notifier: &Notifier, in_haste: bool, signals: &mut Signals) {
    let told = notify::finish(notifier, in_haste);
    tokio::pin!(told);
    loop {
        tokio::select! {
            () = &mut told => return,
            wish = signals.next() => match wish {
                Wish::Leave => {
                    tracing::warn!(event = "not-told", "leaving without waiting for scripts");
                    return notify::abandon(notifier).await;
                }
                Wish::Other { event, sentence } => tracing::warn!(event, "{sentence}"),
            },
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
