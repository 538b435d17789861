//! [`Http`]: an HTTP server answers.

#[cfg(test)]
mod tests;
mod tls;
mod url;

use std::{any::Any, error::Error, future::Future, ops::RangeInclusive, path::PathBuf, pin::pin};

use async_trait::async_trait;
use http_body_util::{BodyExt, Empty};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    client::conn::http1,
    header,
    rt::{Read, Write},
};
use hyper_util::rt::TokioIo;

pub use url::UrlError;

use super::{Check, blocking::Turn, outcome::Outcome};
use url::Url;

/// How much of an answer's body is read, and how large its head may be.
const BODY: usize = 64 * 1024;
const HEAD: usize = 64 * 1024;

/// Passes if an HTTP server answers `GET` with a status that is wanted, and, if that is asked for,
/// with some text in its body.
///
/// It speaks HTTP/1.1 to the address in the URL, never by a proxy, and follows no redirect. Each run
/// has a connection of its own. Of the body, 64 KiB are read, and none if no text is wanted.
///
/// Of `https` the certificate is verified, by the host's own authorities or those of
/// [`Http::authorities`]. The host's are read once in the life of the process; those in a file at
/// each run, so that they may be replaced.
///
/// ```
/// use vrrp_net::check::Http;
///
/// let check = Http::new("https://127.0.0.1:8443/healthz")?
///     .authorities("/etc/ssl/private-ca.pem")
///     .status(200..=204)
///     .body("ready");
/// # let _ = check;
/// # Ok::<(), vrrp_net::check::http::UrlError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Http {
    url: Url,
    status: RangeInclusive<u16>,
    text: String,
    authorities: Option<PathBuf>,
    looking_up: Turn,
}

impl Http {
    /// Returns one that asks for `url`, and takes a status of 200 to 299.
    ///
    /// # Errors
    /// [`UrlError`] if it is no URL of `http` or `https`.
    pub fn new(url: &str) -> Result<Self, UrlError> {
        Ok(Self {
            url: Url::read(url)?,
            status: 200..=299,
            text: String::new(),
            authorities: None,
            looking_up: Turn::default(),
        })
    }

    /// Sets which statuses pass.
    #[must_use]
    pub fn status(self, status: RangeInclusive<u16>) -> Self {
        Self { status, ..self }
    }

    /// Sets a text that has to occur in the first 64 KiB of the body.
    #[must_use]
    pub fn body(self, text: impl Into<String>) -> Self {
        Self { text: text.into(), ..self }
    }

    /// Sets a file of the certificates (PEM) of those who may vouch for the server, in place of the
    /// host's.
    #[must_use]
    pub fn authorities(self, file: impl Into<PathBuf>) -> Self {
        Self { authorities: Some(file.into()), ..self }
    }

    async fn ask(&self) -> Result<Outcome, Outcome> {
        let stream = self.url.target.connect(&self.looking_up).await?;
        let stream = tokio::net::TcpStream::from_std(stream)
            .map_err(|error| Outcome::NotRun(format!("{}: {error}", self.url.target)))?;
        // A request is small, and nothing follows it.
        let _ = stream.set_nodelay(true);
        match &self.url.tls_name {
            None => self.exchange(TokioIo::new(stream)).await,
            Some(name) => {
                let connector =
                    tls::connector(self.authorities.as_deref(), &self.looking_up).await?;
                let stream = connector.connect(name.clone(), stream).await;
                let failed = |error| Outcome::Failed(format!("{}: TLS: {error}", self.url.target));
                self.exchange(TokioIo::new(stream.map_err(failed)?)).await
            }
        }
    }

    async fn exchange(&self, io: impl Read + Write + Unpin) -> Result<Outcome, Outcome> {
        let failed = |error: hyper::Error| Outcome::Failed(format!("{self}: {}", chain(&error)));
        let mut builder = http1::Builder::new();
        builder.max_buf_size(HEAD);
        let (mut sender, connection) =
            builder.handshake::<_, Empty<Bytes>>(io).await.map_err(failed)?;
        let request = self.request()?;
        let judged = async {
            let response = sender.send_request(request).await.map_err(failed)?;
            self.judge(response).await.map_err(failed)
        };
        beside(connection, judged).await
    }

    fn request(&self) -> Result<Request<Empty<Bytes>>, Outcome> {
        let request = Request::get(self.url.path.clone())
            .header(header::HOST, &self.url.host)
            .header(header::USER_AGENT, concat!("vrrp/", env!("CARGO_PKG_VERSION")))
            .header(header::CONNECTION, "close")
            .body(Empty::new());
        request.map_err(|error| Outcome::NotRun(format!("{self} cannot be asked for: {error}")))
    }

    async fn judge(&self, response: Response<Incoming>) -> Result<Outcome, hyper::Error> {
        let status = response.status();
        let told = format!("{self} answers {status}");
        if !self.status.contains(&status.as_u16()) {
            let (first, last) = (self.status.start(), self.status.end());
            return Ok(Outcome::Failed(format!("{told}, not {first}-{last}")));
        }
        if self.text.is_empty() || occurs(&self.text, response.into_body()).await? {
            return Ok(Outcome::Passed(told));
        }
        Ok(Outcome::Failed(format!("{told}, and {:?} does not occur in it", self.text)))
    }
}

/// Whether a text occurs in what is read of a body.
async fn occurs(text: &str, mut body: Incoming) -> Result<bool, hyper::Error> {
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        // It may have begun in what was read before.
        let from = read.len().saturating_sub(text.len());
        let room = BODY.saturating_sub(read.len());
        read.extend_from_slice(data.get(..room).unwrap_or(&data));
        let new = read.get(from..).unwrap_or_default();
        if new.windows(text.len()).any(|window| window == text.as_bytes()) {
            return Ok(true);
        }
        if read.len() >= BODY {
            return Ok(false);
        }
    }
    Ok(false)
}

/// Waits for `work`, and has a connection do what that needs meanwhile.
async fn beside<T>(connection: impl Future, work: impl Future<Output = T>) -> T {
    let (mut connection, mut work) = (pin!(connection), pin!(work));
    tokio::select! {
        biased;
        done = &mut work => return done,
        // What has arrived can still be read.
        _ = &mut connection => {}
    }
    work.await
}

/// What hyper says, and why.
fn chain(error: &hyper::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text += &format!(": {error}");
        source = error.source();
    }
    text
}

impl std::fmt::Display for Http {
    /// Writes the URL.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.url.fmt(f)
    }
}

#[async_trait]
impl Check for Http {
    async fn run(&self) -> Outcome {
        self.ask().await.unwrap_or_else(|outcome| outcome)
    }

    fn describe(&self) -> String {
        let (first, last) = (self.status.start(), self.status.end());
        if self.text.is_empty() {
            return format!("{self} answers with a status of {first}-{last}");
        }
        format!("{self} answers with a status of {first}-{last}, and with {:?}", self.text)
    }

    fn is_same(&self, other: &dyn Check) -> bool {
        let Some(other) = (other as &dyn Any).downcast_ref::<Self>() else { return false };
        let Self { url, status, text, authorities, looking_up: _ } = self;
        (url, status) == (&other.url, &other.status)
            && (text, authorities) == (&other.text, &other.authorities)
    }
}
