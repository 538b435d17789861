//! A node whose limit on open files is small, and a control socket that others fill.

use std::{
    io::{ErrorKind, Read, Write},
    net::Ipv4Addr,
    os::unix::net::UnixStream,
    process::{Command, Output},
    time::{Duration, Instant},
};

use libtest_mimic::{Failed, Trial};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use vrrp_net::lab::{Ticker, wait_until};

use crate::{
    faults::config,
    support::{Node, Outcome, Pair, SLACK, SOON, check, priority, timed, within},
};

const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 100);
/// How long the control socket lets a connection idle, and how long a request may take.
const IDLE: Duration = Duration::from_secs(10);
const REQUEST: Duration = Duration::from_secs(5);

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        timed("a5_idle_connections_do_not_take_the_address", idle_connections),
        timed("a5_half_a_request_is_ended", half_a_request),
    ]
}

/// The program under limits on open files, soft and hard.
fn limited(soft: u32, hard: u32) -> Command {
    let mut command = Command::new("prlimit");
    command.args([&format!("--nofile={soft}:{hard}"), env!("CARGO_BIN_EXE_vrrp")]);
    command
}

fn health(node: &Node) -> Result<Output, Failed> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vrrp"));
    Ok(command.args(["health", "--control"]).arg(node.control()).output()?)
}

/// Whether the other end has closed this connection, or said something.
fn is_closed(connection: &mut UnixStream) -> bool {
    !matches!(connection.read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock)
}

fn connect(node: &Node) -> Result<UnixStream, Failed> {
    let connection = UnixStream::connect(node.control())?;
    connection.set_nonblocking(true)?;
    Ok(connection)
}

/// More connections than the node may open files, which say nothing.
fn idle_connections(ticker: &Ticker) -> Outcome {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    let mut pair = Pair::new()?;
    let a = pair.a.mac;
    pair.a.start_command(&config(200, Duration::from_secs(1), &[ADDRESS]), limited(1024, 1024))?;
    pair.a.wait_for_phase("held")?;
    let since = pair.a.router(0)["since"].clone();
    let mut connections = Vec::new();
    for _ in 0..1100 {
        connections.push(connect(&pair.a)?);
    }
    let (opened, mut last) = (Instant::now(), connect(&pair.a)?);
    let output = health(&pair.a)?;
    check(output.status.success(), format!("health says {:?}", String::from_utf8_lossy(&output.stdout)))?;
    check(!is_closed(&mut last), "the newest connection was closed")?;
    check(wait_until(IDLE + SOON, || is_closed(&mut last)), "the newest connection idles for ever")?;
    within("an idle connection", opened.elapsed(), (IDLE, IDLE + Duration::from_secs(2)), SLACK, ticker)?;
    check(wait_until(SOON, || connections.iter_mut().all(is_closed)), "old connections idle for ever")?;
    check(pair.a.router(0)["since"] == since, format!("it did not stay active:\n{}", pair.a.log()))?;
    check(pair.a.has_address(&ADDRESS.to_string())?, "the address is gone")?;
    let resigned = pair.capture.frames().iter().any(|frame| priority(frame, a) == Some(0));
    check(!resigned, "it resigned")
}

/// The first line of a request, and then nothing; beside it one that is sent an octet at a time.
fn half_a_request(ticker: &Ticker) -> Outcome {
    let mut pair = Pair::new()?;
    pair.a.start(&config(200, Duration::from_secs(1), &[ADDRESS]))?;
    pair.a.wait_for_phase("held")?;
    let (mut half, mut slow) = (connect(&pair.a)?, connect(&pair.a)?);
    half.write_all(b"GET /status HTTP/1.1\r\n")?;
    slow.write_all(b"GET /")?;
    let begun = Instant::now();
    check(wait_until(REQUEST + SOON, || is_closed(&mut half)), "half a request is waited for")?;
    within("half a request", begun.elapsed(), (REQUEST, REQUEST + Duration::from_secs(1)), SLACK, ticker)?;
    let ended = wait_until(SOON, || slow.write_all(b"a").is_err());
    check(ended, "a request may take as long as it likes")?;
    within("a slow request", begun.elapsed(), (REQUEST, REQUEST + Duration::from_secs(1)), SLACK, ticker)
}
