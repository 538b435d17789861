//! `GET /events`: what happens, a line of JSON for each event, until the node stops.
//!
//! A line that begins with a colon is a comment, which a reader skips: one comes at once, and one
//! whenever nothing else came for five seconds, so that silence means that something is broken. Each
//! event is written once for all readers. One that is slow loses the oldest events and is told how
//! many; it delays nobody, and nothing grows for it.

mod feed;
mod lines;

use std::sync::Arc;

use axum::{
    Extension,
    body::Body,
    extract::State,
    http::{StatusCode, Uri, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};

use super::{App, failure, unknown_name};
use crate::connections::Pulse;
pub(crate) use feed::{Feed, Subscription, Told};
use lines::Lines;

/// JSON, one value a line; there is no registered name for it.
const NDJSON: &str = "application/x-ndjson";

/// Answers with the events from now on; `?name=NAME` chooses those of one virtual router or check.
pub(super) async fn events(
    State(app): State<App>,
    Extension(pulse): Extension<Arc<Pulse>>,
    uri: Uri,
) -> Response {
    let name = match wanted(uri.query().unwrap_or_default()) {
        Ok(name) => name,
        Err(sentence) => return failure(StatusCode::BAD_REQUEST, sentence),
    };
    // Before anything is asked, so that nothing happens between the two.
    let events = app.feed.subscribe();
    let status = match app.node.status().await {
        Ok(status) => status,
        Err(error) => return failure(StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
    };
    if let Some(name) = &name {
        let checks = app.checks.report();
        let routers: Vec<&str> = status.routers.iter().map(|router| &*router.name).collect();
        if !routers.contains(&name.as_str()) && !checks.iter().any(|check| check.name == *name) {
            return failure(StatusCode::NOT_FOUND, unknown_name(name, &routers));
        }
    }
    let lines = Lines::body(events, name, pulse.stream());
    ([(CONTENT_TYPE, NDJSON)], Body::new(lines)).into_response()
}

/// The name in a query such as `name=web%2Fv6`.
fn wanted(query: &str) -> Result<Option<String>, String> {
    let mut name = None;
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        match parameter.split_once('=') {
            Some(("name", value)) if name.is_none() => name = Some(unescape(value)?),
            Some(("name", _)) => return Err("`name` is given twice; ask for one name".to_owned()),
            _ => return Err(format!("`{parameter}` is not known here; there is `name=NAME`")),
        }
    }
    Ok(name)
}

/// The opposite of [`escape`](super::client::escape).
fn unescape(text: &str) -> Result<String, String> {
    let bad = || format!("`{text}` cannot be decoded; write each octet of UTF-8 as %XX");
    let mut parts = text.split('%');
    let mut octets = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).ok_or_else(bad)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(bad());
        }
        octets.push(u8::from_str_radix(digits, 16).map_err(|_| bad())?);
        octets.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(octets).map_err(|_| bad())
}

#[cfg(test)]
mod tests;
