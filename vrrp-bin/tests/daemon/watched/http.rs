//! A client of HTTP that says just what a test says.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
};

use crate::{Daemon, Failed, SOON};

/// Where daemons of these tests tell their metrics.
pub(crate) const METRICS: &str = "127.0.0.1:9112";

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    /// The value of a header, if it is there once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.head.lines().filter_map(|line| {
            let (own, value) = line.split_once(':')?;
            own.eq_ignore_ascii_case(name).then(|| value.trim())
        });
        let first = values.next()?;
        assert_eq!(values.next(), None, "{name} is there twice: {}", self.head);
        Some(first)
    }
}

/// Asks for `path` on a connection of its own.
pub(crate) fn get(daemon: &Daemon, address: &str, path: &str) -> Result<Answer, Failed> {
    get_as(daemon, address, path, "*/*")
}

/// The same with another `Accept`.
pub(crate) fn get_as(
    daemon: &Daemon,
    address: &str,
    path: &str,
    accept: &str,
) -> Result<Answer, Failed> {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: {accept}\r\nConnection: close\r\n\r\n"
    );
    send(daemon, address, &request)
}

/// Sends `request` as it is, and reads until the end.
pub(crate) fn send(daemon: &Daemon, address: &str, request: &str) -> Result<Answer, Failed> {
    let answered = daemon.host.run(|| -> io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(SOON))?;
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    })??;
    parse(&answered)
}

fn parse(octets: &[u8]) -> Result<Answer, Failed> {
    let text = String::from_utf8(octets.to_vec())?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(|| format!("no answer: {text:?}"))?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| format!("no status: {head}"))?;
    let is_chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    assert!(!is_chunked, "a whole text has a length: {head}");
    Ok(Answer { status, head: head.to_owned(), body: body.to_owned() })
}
