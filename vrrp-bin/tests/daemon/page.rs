//! The page at `/`, without a browser: its files, and what it follows.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use libtest_mimic::Failed;
use serde_json::Value;

use super::{
    CONFIG, Daemon, Outcome, SOON, schema, text,
    watched::http::{METRICS, get},
};

/// A test and its name.
type Test = (&'static str, fn() -> Outcome);

/// All of them.
pub(crate) const TESTS: [Test; 2] = [
    ("the_page_is_files_with_a_policy", the_page_is_files_with_a_policy),
    ("the_page_is_told_what_happens", the_page_is_told_what_happens),
];

fn start() -> Result<Daemon, Failed> {
    Daemon::start_with(CONFIG, |_| Ok(format!("metrics = \"{METRICS}\"\n")))
}

/// A connection on which `/live` is answered. By HTTP/1.0 the body is what comes, without the lengths
/// of its pieces.
fn follow(daemon: &Daemon) -> Result<TcpStream, Failed> {
    let mut stream = daemon.host.run(|| TcpStream::connect(METRICS))??;
    stream.set_read_timeout(Some(SOON))?;
    stream.write_all(b"GET /live HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
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
        let answer = get(&daemon, METRICS, path)?;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("content-type"), Some(kind), "{path}");
        let policy = answer.header("content-security-policy").unwrap_or_default();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{path}: {policy}");
        assert!(answer.body.contains(words), "{path} has no {words}");
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
    let _idle = follow(&daemon)?;
    let mut told = Told { stream: follow(&daemon)?, octets: Vec::new() };
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
