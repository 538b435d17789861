//! `POST /virtual-routers/NAME/announce`; and `POST /announce`, which is for all virtual routers that
//! are active.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use vrrp_net::{Error, Handle};

use super::{
    App,
    drains::{All, One, Refusal, single},
};
use crate::report::{Outcome, Outcomes, SCHEMA};

pub(super) async fn announce(State(app): State<App>, Path(name): Path<String>) -> One {
    announce_one(&app, &name).await
}

pub(super) async fn announce_v6(State(app): State<App>, Path(name): Path<String>) -> One {
    announce_one(&app, &format!("{name}/v6")).await
}

/// Those that are not active have nothing to announce, and are passed over.
pub(super) async fn announce_all(State(app): State<App>) -> All {
    let mut outcomes = Vec::new();
    for asked in app.find(None).await? {
        match asked.handle.announce().await {
            Err(Error::NotActive { .. }) => {}
            announced => outcomes.push(outcome(&asked.handle, announced)),
        }
    }
    app.snapshots.forget();
    if outcomes.is_empty() {
        let sentence = "no virtual router of this node is active, so there is nothing to announce; \
            ask the node that is";
        return Err(Refusal(StatusCode::CONFLICT, sentence.to_owned()));
    }
    Ok(Json(Outcomes { schema: SCHEMA, outcomes }))
}

async fn announce_one(app: &App, name: &str) -> One {
    let mut outcomes = Vec::new();
    for asked in app.find(Some(name)).await? {
        let announced = asked.handle.announce().await;
        outcomes.push(outcome(&asked.handle, announced));
    }
    app.snapshots.forget();
    single(outcomes)
}

fn outcome(handle: &Handle, announced: Result<(), Error>) -> Outcome {
    let name = handle.name();
    let (done, sentence) = match announced {
        Ok(()) => {
            tracing::info!(
                event = "announce",
                name,
                "{name}: its addresses are announced, as asked"
            );
            (true, format!("{name}: the neighbours are told where its addresses are"))
        }
        // These name it.
        Err(error @ (Error::NotActive { .. } | Error::TooSoon { .. } | Error::Unannounced(_))) => {
            (false, error.to_string())
        }
        Err(error) => (false, format!("{name}: {error}")),
    };
    Outcome { name: name.to_owned(), done, sentence }
}
