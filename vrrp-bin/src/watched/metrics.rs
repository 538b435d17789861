//! `/metrics`: what Prometheus scrapes, in the text that it has always read or as OpenMetrics.
//!
//! A series goes with its virtual router or check, and each is there once. Names, labels and meaning are
//! in `docs/metrics.md`, which a test compares with what is answered.

mod keepalived;
mod node;
mod routers;
mod writer;

use std::{
    fmt,
    sync::{Arc, atomic::Ordering},
};

use axum::{
    extract,
    http::{
        HeaderMap, StatusCode,
        header::{ACCEPT, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use hyper::body::Bytes;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, prometheus_text, text},
    registry::Registry,
};

use super::{State, health::snapshot};
use crate::snapshot::{Snapshot, Text};
use writer::Writer;

/// What a scraper writes into `Accept` that reads OpenMetrics.
const OPEN_METRICS: &str = "application/openmetrics-text";
/// The version of it that is written.
const OPEN_METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything that can be counted and measured of this node.
pub(super) async fn metrics(
    extract::State(state): extract::State<State>,
    headers: HeaderMap,
) -> Response {
    let snapshot = match snapshot(&state).await {
        Ok(snapshot) => snapshot,
        Err(answer) => return answer.into_response(),
    };
    let text = wanted(&headers);
    let kind = match text {
        Text::OpenMetrics => OPEN_METRICS_TYPE,
        _ => prometheus_text::CONTENT_TYPE,
    };
    let has_keepalived = state.has_keepalived.load(Ordering::Relaxed);
    let told = Told { snapshot: Arc::clone(&snapshot), has_keepalived };
    match snapshot.text(text, || told.written(text)).await {
        Ok(text) => ([(CONTENT_TYPE, kind)], text).into_response(),
        Err(sentence) => (StatusCode::INTERNAL_SERVER_ERROR, sentence).into_response(),
    }
}

/// Which of both texts is asked for. Whoever does not say reads the older one.
fn wanted(headers: &HeaderMap) -> Text {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|accepted| accepted.to_str().ok());
    let mut kinds = accepted.flat_map(|accepted| accepted.split(','));
    let is_open = |kind: &str| kind.trim_start().to_ascii_lowercase().starts_with(OPEN_METRICS);
    if kinds.any(is_open) { Text::OpenMetrics } else { Text::Metrics }
}

/// What is told.
struct Told {
    snapshot: Arc<Snapshot>,
    has_keepalived: bool,
}

impl Told {
    fn written(self, kind: Text) -> Result<Bytes, String> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self));
        let mut written = String::new();
        let done = match kind {
            Text::OpenMetrics => text::encode(&mut written, &registry),
            _ => prometheus_text::encode(&mut written, &registry),
        };
        done.map_err(|_| "the metrics cannot be written; report it\n".to_owned())?;
        Ok(written.into())
    }
}

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Told").finish_non_exhaustive()
    }
}

impl Collector for Told {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut writer = Writer(encoder);
        node::write(&self.snapshot, &mut writer)?;
        routers::write(&self.snapshot.node.routers, &mut writer)?;
        if self.has_keepalived {
            keepalived::write(&self.snapshot, &mut writer)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_text_is_for_whoever_does_not_ask_for_the_other() {
        let asked = |accept: &'static str| {
            let accept = axum::http::HeaderValue::from_static(accept);
            wanted(&HeaderMap::from_iter([(ACCEPT, accept)]))
        };
        // What Prometheus sends.
        let prometheus =
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3,*/*;q=0.1";
        assert_eq!(asked(prometheus), Text::OpenMetrics);
        assert_eq!(asked("text/plain, Application/OpenMetrics-Text"), Text::OpenMetrics);
        assert_eq!(asked("text/plain;version=0.0.4"), Text::Metrics);
        assert_eq!(asked("text/html,*/*;q=0.8"), Text::Metrics);
        assert_eq!(wanted(&HeaderMap::new()), Text::Metrics);
    }
}
