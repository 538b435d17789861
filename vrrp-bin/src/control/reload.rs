//! `POST /reload`: has the daemon read its configuration again.

use std::sync::{Arc, Mutex};

use axum::{
    Extension, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::{
    App,
    asking::{Outcome, Request, TOO_LATE},
    connections::Pulse,
    failure,
};
use crate::{lock::lock, report::LastReload};

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

/// What is asked for is done whether or not somebody waits for the answer.
pub(super) async fn reload(
    State(app): State<App>,
    Extension(pulse): Extension<Arc<Pulse>>,
) -> Response {
    let _kept = pulse.stream();
    let outcome = app.asking.ask(Request::Reload).await;
    match outcome.unwrap_or_else(|| Err(TOO_LATE.to_owned())) {
        Ok(reloaded) => Json(reloaded).into_response(),
        Err(sentences) => failure(StatusCode::CONFLICT, sentences),
    }
}
