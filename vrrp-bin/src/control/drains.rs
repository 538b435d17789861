//! `POST /virtual-routers/NAME/drain` and `resume`; and `POST /drain` and `/resume`, which are for
//! all virtual routers at once.
//!
//! What was asked for is done whether or not somebody waits for the answer.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tokio::task::block_in_place;
use vrrp_net::{Drained, Error, Handle, NodeStatus, RouterStatus};

use super::{App, failure, unknown_name};
use crate::{
    connections::Pulse,
    kept::{Drain, Undo},
    report::{Outcome, Outcomes, SCHEMA},
    request::{self, Term},
};

/// Keeps the connection for as long as a handover takes.
type Patience = Extension<Arc<Pulse>>;
/// The answer of one virtual router.
pub(super) type One = Result<Json<Outcome>, Refusal>;
/// The answer of all of them.
pub(super) type All = Result<Json<Outcomes>, Refusal>;

/// A virtual router that was asked for.
pub(super) struct Asked {
    pub(super) handle: Handle,
    /// The names of those that are drained and resumed with it: its group, itself among them.
    together: Vec<String>,
}

/// Why nothing was done.
pub(super) struct Refusal(pub(super) StatusCode, pub(super) String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        failure(self.0, self.1)
    }
}

pub(super) async fn drain(
    State(app): State<App>,
    Path(name): Path<String>,
    patience: Patience,
    body: Bytes,
) -> One {
    drain_one(app, name, patience, &body).await
}

pub(super) async fn drain_v6(
    State(app): State<App>,
    Path(name): Path<String>,
    patience: Patience,
    body: Bytes,
) -> One {
    drain_one(app, format!("{name}/v6"), patience, &body).await
}

pub(super) async fn drain_all(State(app): State<App>, patience: Patience, body: Bytes) -> All {
    let request = parse(&body)?;
    let asked = app.find(None).await?;
    let outcomes = to_end(&patience, app.drain(asked, request)).await?;
    Ok(Json(Outcomes { schema: SCHEMA, outcomes }))
}

pub(super) async fn resume(
    State(app): State<App>,
    Path(name): Path<String>,
    patience: Patience,
) -> One {
    resume_one(app, name, patience).await
}

pub(super) async fn resume_v6(
    State(app): State<App>,
    Path(name): Path<String>,
    patience: Patience,
) -> One {
    resume_one(app, format!("{name}/v6"), patience).await
}

pub(super) async fn resume_all(State(app): State<App>, patience: Patience) -> All {
    let asked = app.find(None).await?;
    let outcomes = to_end(&patience, app.resume(asked)).await?;
    Ok(Json(Outcomes { schema: SCHEMA, outcomes }))
}

async fn drain_one(app: App, name: String, patience: Patience, body: &[u8]) -> One {
    let request = parse(body)?;
    let asked = app.find(Some(&name)).await?;
    single(to_end(&patience, app.drain(asked, request)).await?)
}

async fn resume_one(app: App, name: String, patience: Patience) -> One {
    match app.find(Some(&name)).await {
        Ok(asked) => single(to_end(&patience, app.resume(asked)).await?),
        // There was one of this name, and there may be one again.
        Err(Refusal(StatusCode::NOT_FOUND, _)) if app.kept.get(&name).is_some() => {
            single(vec![app.forget_absent(name)])
        }
        Err(refusal) => Err(refusal),
    }
}

fn parse(body: &[u8]) -> Result<request::Drain, Refusal> {
    request::Drain::parse(body).map_err(|error| Refusal(StatusCode::BAD_REQUEST, error))
}

/// Waits for the end of `work`, which comes whether or not this is waited for, and keeps the
/// connection meanwhile.
async fn to_end(
    Extension(pulse): &Patience,
    work: impl Future<Output = Result<Vec<Outcome>, Refusal>> + Send + 'static,
) -> Result<Vec<Outcome>, Refusal> {
    let _kept = pulse.stream();
    tokio::spawn(work).await.unwrap_or_else(|_| Err(failed()))
}

fn failed() -> Refusal {
    let sentence = "the daemon could not finish this; see `vrrp status` and its log";
    Refusal(StatusCode::INTERNAL_SERVER_ERROR, sentence.to_owned())
}

/// The only outcome; one that is not what was asked for is an error.
pub(super) fn single(outcomes: Vec<Outcome>) -> One {
    match outcomes.into_iter().next() {
        Some(outcome) if outcome.done => Ok(Json(outcome)),
        Some(outcome) => Err(Refusal(StatusCode::CONFLICT, outcome.sentence)),
        None => Err(failed()),
    }
}

impl App {
    /// The virtual router named `name`, or all of them.
    pub(super) async fn find(&self, name: Option<&str>) -> Result<Vec<Asked>, Refusal> {
        let stopped = |error: Error| Refusal(StatusCode::SERVICE_UNAVAILABLE, error.to_string());
        let status = self.node.status().await.map_err(stopped)?;
        let mut names: Vec<&str> = status.routers.iter().map(|router| &*router.name).collect();
        if let Some(name) = name {
            if !names.contains(&name) {
                return Err(Refusal(StatusCode::NOT_FOUND, unknown_name(name, &names)));
            }
            names = vec![name];
        }
        let mut asked = Vec::new();
        for name in names {
            let handle = self.node.handle(name).await.map_err(stopped)?;
            asked.push(Asked { handle, together: together(&status, name) });
        }
        Ok(asked)
    }

    /// Drains all of these at the same time. A drain that cannot be kept does not begin.
    async fn drain(
        self,
        asked: Vec<Asked>,
        request: request::Drain,
    ) -> Result<Vec<Outcome>, Refusal> {
        let names = names(&asked);
        let drain = Drain::new(request.term.map(Term::duration));
        let begun = block_in_place(|| self.kept.begin(&names, drain, request.keep));
        let undo = Arc::new(begun.map_err(|error| {
            let sentence = format!("nothing is drained: {error}");
            Refusal(StatusCode::CONFLICT, sentence)
        })?);
        let drains: Vec<_> = asked
            .into_iter()
            .map(|asked| {
                tokio::spawn(self.clone().drain_asked(asked, request, drain, Arc::clone(&undo)))
            })
            .collect();
        let mut outcomes = Vec::new();
        for drain in drains {
            outcomes.push(drain.await.map_err(|_| failed())?);
        }
        self.snapshots.forget();
        Ok(outcomes)
    }

    async fn drain_asked(
        self,
        Asked { handle, together }: Asked,
        request: request::Drain,
        drain: Drain,
        undo: Arc<Undo>,
    ) -> Outcome {
        let name = handle.name();
        let keep = self.kept.get(name).is_some();
        let until = drain.until.map(|until| format!(" until {until}")).unwrap_or_default();
        let over = if keep { ", over restarts too" } else { "" };
        tracing::info!(
            event = "drain",
            name,
            until = drain.until.map(tracing::field::display),
            keep,
            force = request.force,
            "{name}: it is to be drained{until}{over}"
        );
        let asked = Instant::now();
        let drained = match request.term {
            Some(term) => handle.drain_for(term.duration(), request.force).await,
            None => handle.drain(request.force).await,
        };
        let failure = match drained {
            Ok(Drained::Done) => {
                let sentence =
                    format!("{name} is drained{until}{over}; `vrrp resume {name}` ends that");
                return Outcome { name: name.to_owned(), done: true, sentence };
            }
            Ok(Drained::Refused) => refused(request, asked.elapsed()).to_owned(),
            // Who asked for a drain that outlasts the daemon means the next one, too.
            Err(Error::Stopped) => {
                let sentence = format!("{name}: {}", Error::Stopped);
                return Outcome { name: name.to_owned(), done: false, sentence };
            }
            Err(error) => error.to_string(),
        };
        let mut sentence = format!("{name} is not drained: {failure}");
        if let Err(error) = block_in_place(|| self.kept.undo(&undo, &together)) {
            sentence += &format!("; it would be at the next start, because {error}");
        }
        Outcome { name: name.to_owned(), done: false, sentence }
    }

    /// Resumes all of these. They take part again even if that cannot be written.
    async fn resume(self, asked: Vec<Asked>) -> Result<Vec<Outcome>, Refusal> {
        let forgotten = block_in_place(|| self.kept.forget(&names(&asked)));
        let mut outcomes = Vec::new();
        for Asked { handle, .. } in &asked {
            let name = handle.name();
            tracing::info!(event = "resume", name, "{name}: it is to take part again");
            let (done, sentence) = match (handle.resume().await, &forgotten) {
                (Err(error), _) => (false, format!("{name}: {error}")),
                (Ok(()), Err(error)) if self.kept.get(name).is_some() => (
                    false,
                    format!(
                        "{name} is not drained any more, but would be at the next start, because \
                         {error}"
                    ),
                ),
                (Ok(()), _) => (true, format!("{name} is not drained any more")),
            };
            outcomes.push(Outcome { name: name.to_owned(), done, sentence });
        }
        self.snapshots.forget();
        Ok(outcomes)
    }

    /// Forgets the drain of a virtual router that is not configured.
    fn forget_absent(&self, name: String) -> Outcome {
        let (done, sentence) = match block_in_place(|| self.kept.forget(&[&name])) {
            Ok(()) => (
                true,
                format!("there is no virtual router {name}, and its drain is not kept any more"),
            ),
            Err(error) => (false, error.to_string()),
        };
        self.snapshots.forget();
        Outcome { name, done, sentence }
    }
}

/// The names of all that are drained or resumed with these, each once.
fn names(asked: &[Asked]) -> Vec<&str> {
    let names: BTreeSet<&str> =
        asked.iter().flat_map(|asked| &asked.together).map(String::as_str).collect();
    names.into_iter().collect()
}

/// The names of those that move with the virtual router `name`, itself among them.
fn together(status: &NodeStatus, name: &str) -> Vec<String> {
    let group = |router: &RouterStatus| router.group.as_ref().map(|group| group.name.clone());
    let of = status.routers.iter().find(|router| *router.name == *name).and_then(group);
    let moves =
        |router: &&RouterStatus| *router.name == *name || (of.is_some() && group(router) == of);
    status.routers.iter().filter(moves).map(|router| router.name.to_string()).collect()
}

/// Why a drain has not come about.
fn refused(request: request::Drain, lasted: Duration) -> &'static str {
    if request.term.is_some_and(|term| term.duration() <= lasted) {
        "its time was over before another node had taken over"
    } else if request.force {
        "it was resumed meanwhile"
    } else {
        "no other node took over, so this one goes on as the active one; start another node, or \
         let the addresses go nevertheless with --force"
    }
}
