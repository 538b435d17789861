//! The client of the control socket: one request, one answer.

mod lines;

use std::{io, path::Path, time::Duration};

use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    client::conn::http1,
    http::request,
};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::{net::UnixStream, runtime::Builder, time::timeout};

use crate::{
    cli,
    config::{ConfigErrors, describe},
    descriptors, report,
};
pub(crate) use lines::Lines;

/// How long a daemon may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Nobody listens, or nobody answers in time.
    #[error(
        "no vrrp answers on {path}: {cause}; start it with `vrrp run`, or name its socket with \
         --control PATH"
    )]
    NoDaemon { path: String, cause: String },
    /// The configuration that names its socket cannot be used.
    #[error(transparent)]
    Configuration(#[from] ConfigErrors),
    /// This process may not open enough files to ask.
    #[error(transparent)]
    Files(#[from] descriptors::TooFew),
    /// The daemon's own sentence.
    #[error("{0}")]
    Refused(String),
    /// The daemon is of another version.
    #[error(
        "the answer from {path} cannot be parsed by this version ({cause}); use the `vrrp` binary \
         that matches the daemon"
    )]
    Unparsable { path: String, cause: String },
    /// An answer without an end ended all the same.
    #[error(
        "the vrrp on {path} broke off ({cause}); its log says why, or ask again, as it keeps a \
         few connections only"
    )]
    BrokenOff { path: String, cause: String },
    /// Nothing comes any more, and no end either.
    #[error(
        "the vrrp on {path} has said nothing for 15 s, not even that nothing happens; see whether \
         it hangs with `vrrp health`"
    )]
    Silent { path: String },
}

impl Error {
    /// Returns the exit status that says the same.
    pub(crate) const fn exit_status(&self) -> u8 {
        match self {
            Self::NoDaemon { .. } => cli::NO_DAEMON,
            Self::Configuration(_) => cli::BAD_CONFIGURATION,
            Self::Files(_)
            | Self::Refused(_)
            | Self::Unparsable { .. }
            | Self::BrokenOff { .. }
            | Self::Silent { .. } => cli::FAILED,
        }
    }
}

/// Everything about the node whose daemon listens on `control`.
///
/// # Errors
/// [`Error`], if nobody answers there or not in this format.
pub(crate) fn ask(control: &Path) -> Result<report::Status, Error> {
    parse(control, &fetch(control, "/status")?)
}

/// Parses the body of an answer.
///
/// # Errors
/// [`Error::Unparsable`], if it is not a `T`.
pub(crate) fn parse<T: DeserializeOwned>(control: &Path, body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|cause| Error::Unparsable {
        path: control.display().to_string(),
        cause: cause.to_string(),
    })
}

/// Fetches the body of the answer to `GET target`.
///
/// # Errors
/// [`Error`], if nobody answers on `control`, or the daemon refuses.
pub(crate) fn fetch(control: &Path, target: &str) -> Result<Bytes, Error> {
    exchange(control, Request::get(target), Bytes::new(), Some(PATIENCE))
}

/// Fetches the body of the answer to `GET target`, inside a tokio runtime.
///
/// # Errors
/// As for [`fetch`].
#[cfg(feature = "watch")]
pub(crate) async fn get(control: &Path, target: &str) -> Result<Bytes, Error> {
    body_of(control, Request::get(target), Bytes::new(), Some(PATIENCE)).await
}

/// Fetches the body of the answer to `POST target`, however long it takes to do what is asked. A
/// daemon that does not answer at all is asked nothing.
///
/// # Errors
/// As for [`fetch`].
pub(crate) fn post(control: &Path, target: &str, body: Bytes) -> Result<Bytes, Error> {
    fetch(control, "/status")?;
    exchange(control, Request::post(target), body, None)
}

fn exchange(
    control: &Path,
    request: request::Builder,
    body: Bytes,
    patience: Option<Duration>,
) -> Result<Bytes, Error> {
    descriptors::require(descriptors::CLIENT)?;
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| no_daemon(control, &error))?;
    runtime.block_on(body_of(control, request, body, patience))
}

/// The body of the answer, if it comes in time and the daemon does not refuse.
async fn body_of(
    control: &Path,
    request: request::Builder,
    body: Bytes,
    patience: Option<Duration>,
) -> Result<Bytes, Error> {
    let asked = ask_for(control, request, body);
    let answer = match patience {
        Some(patience) => timeout(patience, asked).await.unwrap_or_else(|_| Err(late(patience))),
        None => asked.await,
    };
    match answer.map_err(|error| no_daemon(control, &error))? {
        (StatusCode::OK, body) => Ok(body),
        (_, body) => Err(refused(control, &body)),
    }
}

async fn ask_for(
    control: &Path,
    request: request::Builder,
    body: Bytes,
) -> io::Result<(StatusCode, Bytes)> {
    let response = send(control, request, body).await?;
    let status = response.status();
    let body = response.into_body().collect().await.map_err(io::Error::other)?;
    Ok((status, body.to_bytes()))
}

/// Returns the answer as soon as its head is there.
async fn send(
    control: &Path,
    request: request::Builder,
    body: Bytes,
) -> io::Result<Response<Incoming>> {
    let stream = UnixStream::connect(control).await?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    tokio::spawn(connection);
    let request = request.header("Host", "vrrp").body(Full::new(body)).map_err(io::Error::other)?;
    sender.send_request(request).await.map_err(io::Error::other)
}

fn no_daemon(control: &Path, error: &io::Error) -> Error {
    Error::NoDaemon { path: control.display().to_string(), cause: describe(error) }
}

fn late(patience: Duration) -> io::Error {
    let cause = format!("it did not answer within {} s", patience.as_secs());
    io::Error::new(io::ErrorKind::TimedOut, cause)
}

/// What the daemon says when it does not do what was asked.
fn refused(control: &Path, body: &[u8]) -> Error {
    match parse::<report::Failure>(control, body) {
        Ok(failure) => Error::Refused(failure.error),
        Err(error) => error,
    }
}

/// Percent-encodes everything that has a meaning in a URL (RFC 3986 2.3), the slash of NAME/v6
/// among it.
pub(crate) fn escape(name: &str) -> String {
    name.bytes().fold(String::new(), |escaped, octet| match octet {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            escaped + char::from(octet).encode_utf8(&mut [0; 4])
        }
        _ => format!("{escaped}%{octet:02X}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_for_urls() {
        assert_eq!(escape("eth0.100-51_a~b"), "eth0.100-51_a~b");
        assert_eq!(escape("web/v6 \u{e9}?"), "web%2Fv6%20%C3%A9%3F");
    }
}
