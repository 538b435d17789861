//! What is asked of the daemon while it runs: to read its configuration again, to make room for
//! another program, to leave.

use std::{iter, mem};

use sd_notify::NotifyState;
use tokio::sync::oneshot;
use vrrp_core::{Hold, Phase};
use vrrp_net::{Events, Node};

use super::{
    Error,
    daemon::{Daemon, Refused},
    follow,
    predecessor::Predecessor,
    signals::{self, Signals, Wish},
    successor::{self, Successor},
    tell_manager,
};
use crate::{
    control::asking::{Asked, Outcome, Request},
    report::Reloaded,
};

/// How the daemon ends.
pub(super) enum End {
    /// It has handed over; whether it was told twice.
    Left { in_haste: bool },
    /// It makes room for another program.
    Replaced(Successor),
}

/// Goes on until a signal ends it, or another program is to run in its place.
pub(super) async fn go_on(
    daemon: &mut Daemon,
    events: &mut Events,
    requests: &mut Asked,
    signals: &mut Signals,
) -> Result<End, Error> {
    loop {
        let kept = daemon.kept.clone();
        let request = tokio::select! {
            () = follow(events, &kept) => return Err(Error::Died),
            Some(request) = requests.recv() => request,
            wish = signals.next() => match wish {
                Wish::Leave => return leave(&daemon.node, signals).await,
                // Nobody waits for the answer.
                Wish::Reload => Request::Reload(oneshot::channel().0),
                Wish::Other(sentence) => {
                    signals::tell(sentence);
                    continue;
                }
            },
        };
        // To read takes as long as a disk does, and nobody waits for that who ends the daemon.
        let successor = tokio::select! {
            successor = answer(daemon, request) => successor,
            () = signals.leave() => return leave(&daemon.node, signals).await,
        };
        if let Some(successor) = successor {
            return Ok(End::Replaced(successor));
        }
    }
}

/// Does what is asked for. Returns the program that is to run in the place of this one, if that is
/// asked for and possible.
async fn answer(daemon: &mut Daemon, request: Request) -> Option<Successor> {
    match request {
        Request::Reload(reply) => {
            tell_manager(&reloading());
            let outcome = told(daemon.reload().await);
            daemon.snapshots.reloaded(&outcome);
            tell_manager(&[NotifyState::Ready]);
            drop(reply.send(outcome));
            None
        }
        Request::Restart(reply) => match make_room(daemon).await {
            Ok(successor) => {
                tracing::info!(event = "restarting", "making room for the program on disk");
                tell_manager(&reloading());
                daemon.end_programs().await;
                let predecessor = Predecessor::of(&daemon.node).await;
                // The end of the connection is the answer, and comes with that of this program.
                mem::forget(reply);
                Some(successor.after(predecessor))
            }
            Err(unready) => {
                let sentences = format!("{unready}\nthe daemon goes on as before");
                for sentence in sentences.lines() {
                    tracing::error!(event = "restart-refused", "{sentence}");
                }
                drop(reply.send(sentences));
                None
            }
        },
    }
}

/// Logs what has come of a reload, a line for each thing.
fn told(outcome: Result<Reloaded, Refused>) -> Outcome {
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

/// Why this program cannot be replaced without anybody's notice.
#[derive(Debug, thiserror::Error)]
enum Unready {
    #[error(transparent)]
    Program(#[from] successor::Refused),
    #[error(transparent)]
    Node(#[from] vrrp_net::Error),
    #[error(
        "{0} is drained, and would not be after a restart; `vrrp drain {0} --keep` makes its drain \
         last, and `vrrp resume {0}` ends it"
    )]
    Drained(String),
    #[error("{0} is taking its addresses, or handing them over; ask again in a moment")]
    Moving(String),
}

/// Looks whether another program can go on where this one ends.
async fn make_room(daemon: &Daemon) -> Result<Successor, Unready> {
    let successor = daemon.successor.clone();
    successor.try_out().await?;
    let kept = daemon.kept.names();
    for router in daemon.node.status().await?.routers {
        let name = router.name.to_string();
        match router.phase {
            Phase::Acquiring | Phase::Resigning => return Err(Unready::Moving(name)),
            _ if router.holds.contains(Hold::Drained) && !kept.contains(&name) => {
                return Err(Unready::Drained(name));
            }
            _ => {}
        }
    }
    Ok(successor)
}

/// What a manager is told that waits for the end of a reload (systemd.service(5), `notify-reload`).
fn reloading() -> Vec<NotifyState<'static>> {
    let now = NotifyState::monotonic_usec_now().ok();
    iter::once(NotifyState::Reloading).chain(now).collect()
}

/// Hands over and lets go; a second signal lets go at once.
async fn leave(node: &Node, signals: &mut Signals) -> Result<End, Error> {
    tracing::info!(event = "stopping", "handing over; a second signal leaves at once");
    tell_manager(&[NotifyState::Stopping]);
    tokio::select! {
        stopped = node.shutdown() => Ok(stopped.map(|()| End::Left { in_haste: false })?),
        () = signals.hurry() => {
            tracing::warn!(event = "stopping-at-once", "leaving without waiting for a successor");
            Ok(node.shutdown().await.map(|()| End::Left { in_haste: true })?)
        }
    }
}
