//! The page at `/`, without a browser: its files, and what it follows.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use libtest_mimic::Failed;
use serde_json::Value;

use super::{CONFIG, Daemon, Outcome, SOON, schema, text};

/// A test and its name.
type Test = (&'static str, fn() -> Outcome);

/// All of them.
pub(crate) const TESTS: [Test; 2] = [
    ("the_page_is_files_with_a_policy", the_page_is_files_with_a_policy),
    ("the_page_is_told_what_happens", the_page_is_told_what_happens),
];

fn start() -> Result<Daemon, Failed> {
    Daemon::start_with(CONFIG, |_| Ok("metrics = \"127.0.0.1:9112\"\n".to_owned()))
}

/// Asks for a path, and gives the connection on which the answer comes.
fn ask(daemon: &Daemon, path: &str, more: &str) -> Result<TcpStream, Failed> {
    let mut stream = daemon.host.run(|| TcpStream::connect("127.0.0.1:9112"))??;
    stream.set_read_timeout(Some(SOON))?;
    stream.write_all(
        format!("GET {path} HTTP/1.1\r\nHost: localhost:9112\r\n{more}\r\n").as_bytes(),
    )?;
    Ok(stream)
}

fn the_page_is_files_with_a_policy() -> Outcome {
    let daemon = start()?;
    for (path, kind, words) in [
        ("/", "text/html; charset=utf-8", "<title>vrrp</title>"),
        ("/page.css", "text/css; charset=utf-8", "prefers-color-scheme"),
        ("/page.js", "text/javascript; charset=utf-8", "EventSource"),
        ("/routers.js", "text/javascript; charset=utf-8", "export function show"),
        ("/drawings.js", "text/javascript; charset=utf-8", "export function drawLine"),
        ("/words.js", "text/javascript; charset=utf-8", "export function verdict"),
        ("/icon.svg", "image/svg+xml", "<svg"),
    ] {
        let mut answer = String::new();
        ask(&daemon, path, "Connection: close\r\n")?.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
        let head = head.to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 200 "), "{path}: {head}");
        assert!(head.contains(&format!("\r\ncontent-type: {kind}\r\n")), "{path}: {head}");
        let policy = "\r\ncontent-security-policy: default-src 'none'; script-src 'self';";
        assert!(head.contains(policy), "{path}: {head}");
        assert!(body.contains(words), "{path} has no {words}");
    }
    Ok(())
}

/// The events of `/live` as they come.
struct Told {
    stream: TcpStream,
    octets: Vec<u8>,
}

impl Told {
    /// The next one: its name and its data.
    fn next(&mut self) -> Result<(String, Value), Failed> {
        loop {
            if let Some(end) = self.octets.windows(2).position(|two| two == b"\n\n") {
                let event = String::from_utf8(self.octets.drain(..end + 2).collect())?;
                let field = |name| event.lines().find_map(|line| line.strip_prefix(name));
                let name = field("event: ").ok_or_else(|| format!("no name: {event}"))?;
                let data = field("data: ").ok_or_else(|| format!("no data: {event}"))?;
                return Ok((name.to_owned(), serde_json::from_str(data)?));
            }
            let mut octets = [0; 8192];
            let length = self.stream.read(&mut octets)?;
            if length == 0 {
                return Err(format!("it ended after {}", text(&self.octets)).into());
            }
            self.octets.extend_from_slice(octets.get(..length).unwrap_or_default());
        }
    }

    /// The next one of this name that `is_it`.
    fn wait_for(&mut self, name: &str, is_it: impl Fn(&Value) -> bool) -> Result<Value, Failed> {
        loop {
            let (found, data) = self.next()?;
            if found == name && is_it(&data) {
                return Ok(data);
            }
        }
    }
}

fn the_page_is_told_what_happens() -> Outcome {
    let daemon = start()?;
    // A reader that never reads holds up nobody.
    let _idle = ask(&daemon, "/live", "")?;
    // HTTP/1.0 has no pieces: the body is what comes.
    let mut stream = daemon.host.run(|| TcpStream::connect("127.0.0.1:9112"))??;
    stream.set_read_timeout(Some(SOON))?;
    stream.write_all(b"GET /live HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut told = Told { stream, octets: Vec::new() };
    let (_, node) = told.next()?;
    assert_eq!(node["version"], env!("CARGO_PKG_VERSION"));
    let first = told.wait_for("status", |_| true)?;
    schema::check(&schema::load()?, &first["status"])?;
    assert_eq!(first["wrong"], serde_json::json!({}));
    // At once, and not with the next status that comes anyway.
    drop(daemon.vrrp(&[
        "drain",
        "web",
        "--force",
        "--control",
        &daemon.control().display().to_string(),
    ])?);
    let is_drained = |event: &Value| {
        event["event"] == "transition" && event["name"] == "web" && event["hold"] == "drained"
    };
    told.wait_for("happened", is_drained)?;
    let is_out = |data: &Value| data["status"]["virtual_routers"][0]["hold"] == "drained";
    let after = told.wait_for("status", is_out)?;
    let wrong = after["wrong"]["web"][0].as_str().unwrap_or_default();
    assert!(wrong.contains("vrrp resume web"), "{}", after["wrong"]);
    Ok(())
}
