//! [`Lines`]: an answer that comes a line at a time, and has no end as long as the daemon runs.

use std::{io, path::Path, time::Duration};

use http_body_util::BodyExt;
use hyper::{Request, StatusCode, body::Incoming};
use tokio::time::timeout;

use super::{Error, PATIENCE, late, no_daemon, refused, send};

/// A daemon that has nothing to say says so every five seconds.
const SILENCE: Duration = Duration::from_secs(15);
/// More than any line has.
const LINE_OCTETS: usize = 1 << 20;

/// The lines of an answer, without comments.
pub(crate) struct Lines {
    path: String,
    body: Incoming,
    /// What has come and was not taken yet.
    buffer: Vec<u8>,
}

impl Lines {
    /// Asks for `target`, inside a tokio runtime.
    ///
    /// # Errors
    /// [`Error`], if nobody answers on `control`, or the daemon refuses.
    pub(crate) async fn open(control: &Path, target: &str) -> Result<Self, Error> {
        let answer = timeout(PATIENCE, send(control, Request::get(target), Default::default()));
        let answer = answer.await.unwrap_or_else(|_| Err(late(PATIENCE)));
        let no_daemon = |error: io::Error| no_daemon(control, &error);
        let answer = answer.map_err(no_daemon)?;
        if answer.status() == StatusCode::OK {
            let path = control.display().to_string();
            return Ok(Self { path, body: answer.into_body(), buffer: Vec::new() });
        }
        let body = timeout(PATIENCE, answer.into_body().collect()).await;
        let body = body.map_err(|_| no_daemon(late(PATIENCE)))?;
        let body = body.map_err(|error| no_daemon(io::Error::other(error)))?;
        Err(refused(control, &body.to_bytes()))
    }

    /// Waits for the next line, which has no line feed; `None` when the daemon has ended the answer.
    ///
    /// # Errors
    /// [`Error::BrokenOff`] if it broke off, and [`Error::Silent`] if nothing comes any more.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        loop {
            while let Some(end) = self.buffer.iter().position(|octet| *octet == b'\n') {
                let mut line: Vec<u8> = self.buffer.drain(..=end).collect();
                line.pop();
                if !line.is_empty() && !line.starts_with(b":") {
                    return Ok(Some(line));
                }
            }
            if !self.fill().await? {
                return Ok(None);
            }
        }
    }

    /// Waits for more; returns whether there is more.
    async fn fill(&mut self) -> Result<bool, Error> {
        let broken_off = |cause: String| Error::BrokenOff { path: self.path.clone(), cause };
        let more = timeout(SILENCE, self.body.frame()).await;
        let more = more.map_err(|_| Error::Silent { path: self.path.clone() })?;
        let Some(frame) = more else { return Ok(false) };
        let frame = frame.map_err(|error| broken_off(error.to_string()))?;
        if let Some(octets) = frame.data_ref() {
            self.buffer.extend_from_slice(octets);
        }
        if self.buffer.len() > LINE_OCTETS {
            return Err(broken_off(format!("a line has more than {LINE_OCTETS} octets")));
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
