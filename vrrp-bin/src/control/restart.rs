//! `POST /restart`: has the daemon make room for the program that is on disk by now.

use std::sync::Arc;

use axum::{Extension, extract::State, http::StatusCode, response::Response};

use super::{
    App,
    asking::{Request, TOO_LATE},
    failure,
};
use crate::connections::Pulse;

/// There is an answer only if it is refused. Otherwise the connection ends: the program that the
/// client asked is no more.
pub(super) async fn restart(
    State(app): State<App>,
    Extension(pulse): Extension<Arc<Pulse>>,
) -> Response {
    let _kept = pulse.stream();
    let refused = app.asking.ask(Request::Restart).await;
    failure(StatusCode::CONFLICT, refused.unwrap_or_else(|| TOO_LATE.to_owned()))
}
