//! A node whose limit on open files is small, and a control socket that others fill.

use std::{
    fs,
    io::{ErrorKind, Read, Write},
    net::Ipv4Addr,
    os::unix::net::UnixStream,
    process::Command,
    time::{Duration, Instant},
};

use libtest_mimic::{Failed, Trial};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use vrrp_net::lab::{Cable, Ticker, wait_until};

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
        Trial::test("a6_the_soft_limit_on_files_is_raised", soft_limit),
        Trial::test("a6_a_hard_limit_that_is_too_low_is_told", hard_limit),
        Trial::test("a12_too_few_files_are_a_sentence", too_few_files),
        Trial::test("a12_an_mtu_too_small_for_ipv6_is_told", small_mtu),
    ]
}

/// The program under limits on open files, soft and hard.
fn limited(soft: u32, hard: u32) -> Command {
    let mut command = Command::new("prlimit");
    command.args([&format!("--nofile={soft}:{hard}"), env!("CARGO_BIN_EXE_vrrp")]);
    command
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
    let output = pair.a.ask(&["health"])?;
    check(
        output.status.success(),
        format!("health says {:?}", String::from_utf8_lossy(&output.stdout)),
    )?;
    check(!is_closed(&mut last), "the newest connection was closed")?;
    check(
        wait_until(IDLE + SOON, || is_closed(&mut last)),
        "the newest connection idles for ever",
    )?;
    within(
        "an idle connection",
        opened.elapsed(),
        (IDLE, IDLE + Duration::from_secs(2)),
        SLACK,
        ticker,
    )?;
    check(
        wait_until(SOON, || connections.iter_mut().all(is_closed)),
        "old connections idle for ever",
    )?;
    check(
        pair.a.router(0)["since"] == since,
        format!("it did not stay active:\n{}", pair.a.log()),
    )?;
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
    within(
        "half a request",
        begun.elapsed(),
        (REQUEST, REQUEST + Duration::from_secs(1)),
        SLACK,
        ticker,
    )?;
    let ended = wait_until(SOON, || slow.write_all(b"a").is_err());
    check(ended, "a request may take as long as it likes")?;
    within(
        "a slow request",
        begun.elapsed(),
        (REQUEST, REQUEST + Duration::from_secs(1)),
        SLACK,
        ticker,
    )
}

const LINKS: u8 = 4;
const EACH: u8 = 75;

/// A node with four interfaces, and a configuration of 300 virtual routers for it.
fn many(pair: Pair) -> Result<(Pair, Vec<Cable>, String), Failed> {
    let (mut cables, mut config) = (Vec::new(), String::new());
    for link in 0..LINKS {
        if link > 0 {
            let (name, own) = (format!("eth{link}"), format!("10.0.{link}.1/24"));
            cables.push(Cable::new(&pair.a.host, &name, &pair.switch, &[own.as_str()])?);
        }
        for vrid in 1..=EACH {
            let address = Ipv4Addr::new(10, 0, link, 100 + vrid);
            config += &format!(
                "[[virtual_router]]\ninterface = \"eth{link}\"\nvrid = {vrid}\naddresses = \
                 [\"{address}/24\"]\n"
            );
        }
    }
    Ok((pair, cables, config))
}

/// 300 virtual routers under a soft limit of 256: all of them come up.
fn soft_limit() -> Outcome {
    let (mut pair, _cables, config) = many(Pair::new()?)?;
    let node = &mut pair.a;
    node.start_command(&config, limited(256, 4096))?;
    node.wait_for_phase("held")?;
    let status = node.status().unwrap_or_default();
    let count = status["virtual_routers"].as_array().map_or(0, Vec::len);
    check(
        count == usize::from(LINKS) * usize::from(EACH),
        format!("there are {count} virtual routers"),
    )?;
    // No more than one packet socket is needed to announce on all of them.
    let files = fs::read_dir(format!("/proc/{}/fd", node.process()?.pid()))?.count();
    let needed = usize::from(LINKS) * usize::from(EACH) + 3 * usize::from(LINKS);
    check(files < needed + 32, format!("{files} files are open"))
}

/// `check` counts what the configuration needs.
fn hard_limit() -> Outcome {
    let (pair, _cables, config) = many(Pair::new()?)?;
    let path = pair.folder.path().join("vrrp.toml");
    fs::write(&path, config)?;
    let checked = |hard: u32| -> Result<String, Failed> {
        let mut command = limited(hard, hard);
        command.args(["check", "-c"]).arg(&path);
        Ok(String::from_utf8_lossy(&pair.a.host.run(move || command.output())??.stderr)
            .into_owned())
    };
    let said = checked(256)?;
    check(
        said.contains("warning: ") && said.contains("may open 256 files"),
        format!("it says {said:?}"),
    )?;
    check(said.contains("LimitNOFILE="), format!("it does not say what to do: {said:?}"))?;
    check(!checked(4096)?.contains("files"), "it warns although the limit is high enough")
}

/// Whatever the limit is, the program ends with a sentence, or runs.
fn too_few_files() -> Outcome {
    let mut pair = Pair::new()?;
    for limit in 4..24 {
        pair.a.start_command(
            &config(200, Duration::from_secs(1), &[ADDRESS]),
            limited(limit, limit),
        )?;
        let ended = pair.a.process()?.wait_timeout(SOON)?;
        let log = pair.a.log();
        let code = ended.and_then(|status| status.code());
        check(code == Some(1), format!("with {limit} files it ends with {code:?}:\n{log}"))?;
        check(!log.contains("panicked"), format!("with {limit} files it panics:\n{log}"))?;
        let sentence = format!("may open {limit} files");
        check(log.contains(&sentence), format!("it does not say {sentence:?}:\n{log}"))?;
    }
    // A soft limit is no obstacle.
    pair.a.start_command(&config(200, Duration::from_secs(1), &[ADDRESS]), limited(8, 4096))?;
    pair.a.wait_for_phase("held")?;
    // Who asks needs a few as well.
    for limit in 4..12 {
        let mut command = limited(limit, limit);
        command.args(["health", "--control"]).arg(pair.a.control());
        let output = command.output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        check(
            output.status.code() == Some(1),
            format!("health ends with {}: {said}", output.status),
        )?;
        check(!said.contains("panicked"), format!("health panics: {said}"))?;
    }
    Ok(())
}

/// IPv6 on an interface whose MTU does not allow it, from the start and later.
fn small_mtu() -> Outcome {
    let mut pair = Pair::new()?;
    let six = "[[virtual_router]]\nname = \"web\"\ninterface = \"eth0\"\nvrid = 51\naddresses = \
        [\"fd00::100/64\"]\n\
        peers = [\"fd00::2\"]\nsource = \"fd00::1\"\ninterval = \"100ms\"\n";
    ip(&pair.a, "link set dev eth0 mtu 1000")?;
    pair.a.start(six)?;
    let told =
        |node: &Node| node.log().contains("below 1280; raise it (ip link set dev eth0 mtu 1280)");
    check(wait_until(SOON, || told(&pair.a)), format!("it does not say why:\n{}", pair.a.log()))?;
    ip(&pair.a, "link set dev eth0 mtu 1500")?;
    ip(&pair.a, "address add fd00::1/64 dev eth0 nodad")?;
    pair.a.wait_for_phase("held")?;
    ip(&pair.a, "link set dev eth0 mtu 1000")?;
    check(wait_until(SOON, || pair.a.phase() != "held"), "it is active without an address")?;
    let log = pair.a.log();
    check(!log.contains("(os error 22)"), format!("an invalid argument is not explained:\n{log}"))
}

fn ip(node: &Node, arguments: &'static str) -> Outcome {
    let status =
        node.host.run(move || Command::new("ip").args(arguments.split(' ')).status())??;
    check(status.success(), format!("ip {arguments} ended with {status}"))
}
