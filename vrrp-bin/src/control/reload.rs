//! `POST /reload`: has the daemon read its configuration again.

use std::sync::{Arc, Mutex};

use axum::{
    Extension, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tokio::sync::{mpsc, oneshot};

use super::{App, connections::Pulse, failure};
use crate::{
    lock::lock,
    report::{LastReload, Reloaded},
};

/// How many may wait for the one that is under way. Each reads the configuration again, and one
/// more than these waits for room.
const WAITING: usize = 4;

/// What is said to whoever asks a daemon that leaves.
pub(crate) const TOO_LATE: &str = "the daemon is about to end, and reads no configuration again";

/// What has come of a reload: why nothing was changed, as sentences.
pub(crate) type Outcome = Result<Reloaded, String>;

/// Somebody who asks for a reload, and waits for what has come of it.
pub(crate) struct Request(oneshot::Sender<Outcome>);

impl Request {
    /// Says what has come of it. That nobody waits any more is no error.
    pub(crate) fn answer(self, outcome: Outcome) {
        drop(self.0.send(outcome));
    }
}

/// What came of the last reload, whoever asked for it.
#[derive(Clone, Default)]
pub(crate) struct Last(Arc<Mutex<Option<LastReload>>>);

impl Last {
    /// Notes one that has ended.
    pub(crate) fn note(&self, outcome: &Outcome) {
        *lock(&self.0) = Some(LastReload::now(outcome));
    }

    pub(super) fn get(&self) -> Option<LastReload> {
        lock(&self.0).clone()
    }
}

/// Where reloads are asked for.
#[derive(Clone)]
pub(crate) struct Asking(mpsc::Sender<Request>);

/// Where they are taken from. Dropped or closed, nobody can ask any more.
pub(crate) type Asked = mpsc::Receiver<Request>;

impl Asking {
    /// Both ends.
    pub(crate) fn new() -> (Self, Asked) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self(sender), receiver)
    }

    async fn ask(&self) -> Outcome {
        let (reply, outcome) = oneshot::channel();
        let stops = || TOO_LATE.to_owned();
        self.0.send(Request(reply)).await.map_err(|_| stops())?;
        outcome.await.unwrap_or_else(|_| Err(stops()))
    }
}

/// What is asked for is done whether or not somebody waits for the answer.
pub(super) async fn reload(
    State(app): State<App>,
    Extension(pulse): Extension<Arc<Pulse>>,
) -> Response {
    let _kept = pulse.stream();
    match app.asking.ask().await {
        Ok(reloaded) => Json(reloaded).into_response(),
        Err(sentences) => failure(StatusCode::CONFLICT, sentences),
    }
}
