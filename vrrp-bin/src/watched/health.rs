//! `/healthz`: whether the daemon works. `/readyz`: whether its virtual routers can.

use std::{sync::Arc, time::Duration};

use axum::{extract, http::StatusCode};
use tokio::time::timeout;

use super::State;
use crate::{health::answer, snapshot::Snapshot};

/// How long the driver may take to answer. It never waits for anything, so that one that takes longer
/// hangs.
const DEADLINE: Duration = Duration::from_secs(2);

/// The status, and a sentence for people.
pub(super) type Answer = (StatusCode, String);

/// 200 while the driver answers: a supervisor that restarts the daemon otherwise does right.
pub(super) async fn healthz(extract::State(state): extract::State<State>) -> Answer {
    match snapshot(&state).await {
        Ok(_) => (StatusCode::OK, "the daemon works\n".to_owned()),
        Err(answer) => answer,
    }
}

/// 200 unless a virtual router is kept out by a fault, as `vrrp health` judges. The body says which,
/// or what each does.
pub(super) async fn readyz(extract::State(state): extract::State<State>) -> Answer {
    let snapshot = match snapshot(&state).await {
        Ok(snapshot) => snapshot,
        Err(answer) => return answer,
    };
    let (text, is_well) = answer(snapshot.report().await, false);
    let status = if is_well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, text + "\n")
}

/// The state of the node, or what is said where there is none in time.
pub(super) async fn snapshot(state: &State) -> Result<Arc<Snapshot>, Answer> {
    let why = match timeout(DEADLINE, state.snapshots.get()).await {
        Ok(Ok(snapshot)) => return Ok(snapshot),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the driver has not answered for two seconds".to_owned(),
    };
    Err((StatusCode::SERVICE_UNAVAILABLE, why + "\n"))
}
