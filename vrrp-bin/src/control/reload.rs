//! `POST /reload`: has the daemon read its configuration again.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::{
    App,
    asking::{Request, TOO_LATE},
    failure,
};
use crate::connections::Pulse;

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
