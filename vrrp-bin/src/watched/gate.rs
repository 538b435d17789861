//! What is let in, and what every answer says to a browser.
//!
//! Whoever can reach the address may read what is there, and change nothing. A page of somebody else's
//! could have the browser of an operator ask in its name: a name of its own that leads here (DNS
//! rebinding) makes both the same origin. So a request that names another host is not answered.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{
            ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, REFERRER_POLICY,
            X_CONTENT_TYPE_OPTIONS,
        },
    },
    middleware::Next,
    response::{IntoResponse, Response},
};

/// What every answer says: nothing comes from elsewhere, nothing goes elsewhere, nobody keeps it.
const HEADERS: [(HeaderName, &str); 4] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src \
         'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (CACHE_CONTROL, "no-store"),
];

/// The names of this host, in lower case.
pub(super) struct Names(Vec<String>);

impl Names {
    /// Those that it has now.
    pub(super) fn of_this_host() -> Self {
        let host = nix::unistd::gethostname().unwrap_or_default();
        Self::new(&host.to_string_lossy())
    }

    fn new(host: &str) -> Self {
        let host = host.to_ascii_lowercase();
        let short = host.split('.').next().unwrap_or_default().to_owned();
        Self(vec!["localhost".to_owned(), short, host])
    }

    /// Whether a request to `authority`, a host with or without a port, is meant for this host.
    fn have(&self, authority: &str) -> bool {
        let host = host(authority);
        let is_address = host.parse::<IpAddr>().is_ok();
        let name = host.trim_end_matches('.').to_ascii_lowercase();
        is_address || (!name.is_empty() && self.0.contains(&name))
    }
}

/// The host of `HOST`, `HOST:PORT` or `[HOST]:PORT`.
fn host(authority: &str) -> &str {
    if let Some(rest) = authority.strip_prefix('[') {
        return rest.split(']').next().unwrap_or_default();
    }
    authority.split(':').next().unwrap_or_default()
}

/// Lets in what reads and means this host, and says to a browser how to treat the answer.
pub(super) async fn pass(
    State(names): State<Arc<Names>>,
    request: Request,
    next: Next,
) -> Response {
    let mut answer = match refuse(&request, &names) {
        Some(refusal) => refusal,
        None => next.run(request).await,
    };
    secure(answer.headers_mut());
    answer
}

fn secure(headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

fn refuse(request: &Request, names: &Names) -> Option<Response> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let sentence = "nothing can be changed here; GET and HEAD are answered, and the control \
            socket does the rest\n";
        let allow = [(ALLOW, "GET, HEAD")];
        return Some((StatusCode::METHOD_NOT_ALLOWED, allow, sentence).into_response());
    }
    // Who names no host is no browser.
    let named = request.headers().get_all(HOST).iter().map(|host| host.to_str().ok());
    let mut named = named.chain(request.uri().authority().map(|named| Some(named.as_str())));
    if named.all(|named| named.is_some_and(|named| names.have(named))) {
        return None;
    }
    let sentence = "this request is for another host; ask by an IP address of this one, by \
        localhost, or by the name that `hostname` prints here\n";
    Some((StatusCode::MISDIRECTED_REQUEST, sentence).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_somebody_elses_is_not_ours() {
        let names = Names::new("Node1.example.net");
        for ours in [
            "127.0.0.1:9112",
            "192.0.2.1",
            "[::1]:9112",
            "[2001:db8::1]",
            "localhost",
            "LOCALHOST:9112",
            "node1:9112",
            "node1.example.net",
            "node1.example.net.:9112",
        ] {
            assert!(names.have(ours), "{ours}");
        }
        for theirs in [
            "",
            ":9112",
            "evil.example",
            "node1.evil.example:9112",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "[evil.example]",
            "node2",
        ] {
            assert!(!names.have(theirs), "{theirs}");
        }
        assert!(!Names::new("").have(""), "a host without a name");
    }
}
