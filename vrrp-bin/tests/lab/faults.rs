//! A node with a fault of its own: the other one takes over, and is left alone until the fault is
//! mended.

mod scripted;

use std::{
    fs,
    io::Write,
    net::{IpAddr, Ipv4Addr},
    process::Command,
    time::Duration,
};

use libtest_mimic::{Failed, Trial};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use serde_json::Value;
use vrrp_core::MacAddr;
use vrrp_net::{
    lab::{Capture, Client, Frame, Signal, Ticker, wait_until},
    netlink::{Socket, addresses},
};

use crate::support::{
    Node, Outcome, Pair, SLACK, SOON, adverts, check, milliseconds, now, priority, takeover, timed,
    wait_for, within,
};

const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 100);
/// A second address, where one is needed.
const SECOND: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 101);
const QUICK: Duration = Duration::from_millis(100);
/// The first probation.
const PROBATION: Duration = Duration::from_secs(10);

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        // The longest one first: others run beside it.
        timed("fault_scripted", |_| scripted::faults()),
        timed("fault_denied", denied),
        timed("fault_address_present", address_present),
        timed("fault_address_claimed", address_claimed),
        timed("fault_interface_gone", |ticker| interface_goes(Loss::Destroyed, ticker)),
        timed("fault_source_that_is_not_there", source_that_is_not_there),
        timed("fault_link_down", |ticker| interface_goes(Loss::Unplugged, ticker)),
        Trial::test("fault_bad_configuration", bad_configuration),
        Trial::test("fault_log_reader_hangs", log_reader_hangs),
    ]
}

pub(crate) fn config(priority: u8, interval: Duration, addresses: &[Ipv4Addr]) -> String {
    let addresses: Vec<String> =
        addresses.iter().map(|address| format!("\"{address}/24\"")).collect();
    let (addresses, interval) = (addresses.join(", "), interval.as_millis());
    format!(
        "[[virtual_router]]\nname = \"web\"\ninterface = \"eth0\"\nvrid = 51\naddresses = \
         [{addresses}]\n\
         priority = {priority}\ninterval = \"{interval}ms\"\n"
    )
}

/// Skew_Time of the weaker node, whose priority is 100 (RFC 9568 6.1).
pub(crate) fn skew(interval: Duration) -> Duration {
    interval * 156 / 256
}

fn active_down(interval: Duration) -> Duration {
    3 * interval + skew(interval)
}

/// Waits until the node's only virtual router is held back for this reason, and returns its status.
pub(crate) fn wait_for_hold(node: &Node, hold: &str) -> Result<Value, Failed> {
    let mut router = Value::Null;
    let held = wait_until(SOON, || {
        router = node.router(0);
        router["hold"] == hold
    });
    if held { Ok(router) } else { Err(format!("not {hold} but {router:#}\n{}", node.log()).into()) }
}

/// The virtual router's number `field`; 0 when there is none.
pub(crate) fn number(router: &Value, field: &str) -> f64 {
    router.pointer(field).and_then(Value::as_f64).unwrap_or_default()
}

/// Waits for a frame that comes at `until` or later: until then everything has been captured.
pub(crate) fn watch(capture: &Capture, mac: MacAddr, until: Duration) -> Outcome {
    let patience = until.saturating_sub(now()) + SOON;
    let frame =
        capture.wait_for(patience, |frame| frame.at >= until && priority(frame, mac).is_some());
    check(frame.is_some(), "the healthy node fell silent")
}

/// The stronger node is to advertise from an address that it does not have. Nobody hears it, so it
/// takes nothing from the healthy one, and announces nothing.
fn source_that_is_not_there(_: &Ticker) -> Outcome {
    let interval = QUICK;
    let mut pair = Pair::new()?;
    let (a, b) = (pair.a.mac, pair.b.mac);
    pair.b.start(&config(100, interval, &[ADDRESS]))?;
    pair.b.wait_for_phase("held")?;
    let begun = now();
    let source = config(200, interval, &[ADDRESS]) + "source = \"10.0.0.77\"\n";
    pair.a.start(&source)?;
    let tried = || number(&pair.a.router(0), "/counters/send_failures") >= 1.0;
    check(wait_until(SOON, tried), format!("a never tried; its log:\n{}", pair.a.log()))?;
    // On probation it leaves the other alone.
    pair.a.wait_for_phase("backup")?;
    watch(&pair.capture, b, now() + 10 * interval)?;
    check(!pair.a.has_address(&ADDRESS.to_string())?, "a has the address")?;
    let announced = pair.capture.frames().iter().filter(|frame| announces(frame, a)).count();
    check(announced == 0, format!("a announced the address {announced} times"))?;
    pair.b.wait_for_phase("held")?;
    let sent = adverts(&pair.capture, b, begun).len();
    check(sent > 10, format!("b sent {sent} advertisements"))
}

/// Without CAP_NET_ADMIN a node can speak, but not hold an address: it takes nothing from the one
/// that can (A9).
fn denied(_: &Ticker) -> Outcome {
    let interval = Duration::from_secs(1);
    let mut pair = Pair::new()?;
    let (a, b) = (pair.a.mac, pair.b.mac);
    pair.b.start(&config(100, interval, &[ADDRESS]))?;
    pair.b.wait_for_phase("held")?;
    let client = Client::start(&pair.user, ADDRESS.into(), 1000)?;
    let start = client.mark();
    check(client.wait_for_reply(start, SOON), "the client got no answer from b")?;

    let begun = now();
    pair.a.start_command(&config(200, interval, &[ADDRESS]), without_net_admin())?;
    let router = wait_for_hold(&pair.a, "backend-denied")?;
    check(router["phase"] == "initialize" && router["fault"] == true, format!("{router:#}"))?;
    let error = router["backend_error"].as_str().unwrap_or_default();
    check(error.contains("CAP_NET_ADMIN"), format!("the error is {error:?}"))?;
    // Longer than a probation: what is broken stays out as long as it is.
    watch(&pair.capture, b, begun + PROBATION + PROBATION / 2)?;
    is_silent(&pair.capture, a, begun)?;
    let router = wait_for_hold(&pair.a, "backend-denied")?;
    // The first inspection, and those 1, 3 and 7 s later.
    check(number(&router, "/counters/backend_failures") >= 4.0, format!("{router:#}"))?;
    let loss = client.since(start);
    check(loss.lost == 0, format!("the client lost packets: {loss}"))
}

/// Fails if `mac` sent any VRRP message since then.
fn is_silent(capture: &Capture, mac: MacAddr, since: Duration) -> Outcome {
    let frames = capture.frames();
    let said =
        frames.iter().filter(|frame| frame.at >= since).filter_map(|frame| priority(frame, mac));
    let said: Vec<u8> = said.collect();
    check(said.is_empty(), format!("it said {said:?}"))
}

/// A wrapper that runs a program with all of root's capabilities but one.
pub(crate) fn without_net_admin() -> Command {
    let mut command = Command::new("setpriv");
    command.args([
        "--bounding-set",
        "-net_admin",
        "--inh-caps",
        "-net_admin",
        env!("CARGO_BIN_EXE_vrrp"),
    ]);
    command
}

pub(crate) fn announces(frame: &Frame, mac: MacAddr) -> bool {
    frame.garp() == Some((mac, ADDRESS))
}

/// An operator put the second address on the stronger node: it is not touched, and nothing is taken
/// from the node that has both. Once the operator has removed it, the node takes part.
fn address_present(_: &Ticker) -> Outcome {
    let both = [ADDRESS, SECOND];
    let mut pair = Pair::new()?;
    let a = pair.a.mac;
    change_address(&pair.a, "add")?;
    check(is_operators(&pair.a)?, "the operator's address is not there")?;
    pair.b.start(&config(100, QUICK, &both))?;
    pair.b.wait_for_phase("held")?;
    let begun = now();
    for _ in 0..2 {
        pair.a.start(&config(200, QUICK, &both))?;
        let router = wait_for_hold(&pair.a, "address-present")?;
        let error = router["backend_error"].as_str().unwrap_or_default();
        check(error.contains("10.0.0.101/24 is on eth0"), format!("the error is {error:?}"))?;
        // It goes, and comes back: the operator's address is as it was.
        pair.a.signal(Signal::SIGTERM)?;
        check(pair.a.wait()?, "a did not end with status 0")?;
        check(is_operators(&pair.a)?, "the operator's address was changed")?;
    }
    pair.a.start(&config(200, QUICK, &both))?;
    wait_for_hold(&pair.a, "address-present")?;
    check(!pair.a.has_address(&ADDRESS.to_string())?, "the first address was put there")?;
    is_silent(&pair.capture, a, begun)?;
    pair.b.wait_for_phase("held")?;
    change_address(&pair.a, "del")?;
    // It is asked again after 1, 2, 4, 8 s, and preempts.
    pair.a.wait_for_phase("held")?;
    pair.b.wait_for_phase("backup")?;
    check(pair.a.has_address(&ADDRESS.to_string())?, "the first address is not there")?;
    check(pair.a.has_address(&SECOND.to_string())?, "the second address is not there")
}

fn change_address(node: &Node, verb: &'static str) -> Outcome {
    let address = format!("{SECOND}/24");
    let change =
        move || Command::new("ip").args(["address", verb, &address, "dev", "eth0"]).status();
    let status = node.host.run(change)??;
    check(status.success(), format!("ip address {verb} ended with {status}"))
}

/// Whether the second address is there as the operator put it: for ever, and without a tag of ours.
fn is_operators(node: &Node) -> Result<bool, Failed> {
    let all = node.host.run(|| addresses::list(&mut Socket::new()?))??;
    let found: Vec<_> = all.iter().filter(|address| address.ip() == IpAddr::from(SECOND)).collect();
    Ok(matches!(found.as_slice(), [one] if one.valid.is_none() && !one.is_ours()))
}

/// An operator makes a held address the host's own: the node hands it over rather than believe that
/// it still has a lease, and leaves it alone.
fn address_claimed(ticker: &Ticker) -> Outcome {
    let mut pair = Pair::new()?;
    let (a, b) = (pair.a.mac, pair.b.mac);
    pair.a.start(&config(200, QUICK, &[SECOND]))?;
    pair.b.start(&config(100, QUICK, &[SECOND]))?;
    pair.a.wait_for_phase("held")?;
    pair.b.wait_for_phase("backup")?;
    let begun = now();
    change_address(&pair.a, "replace")?;
    let resigned =
        wait_for(&pair.capture, "resignation of a", begun, |frame| priority(frame, a) == Some(0))?;
    let took = takeover(&pair.capture, b, resigned, skew(QUICK))?;
    within(
        "takeover after a resignation",
        took - resigned,
        (skew(QUICK), skew(QUICK)),
        SLACK,
        ticker,
    )?;
    pair.b.wait_for_phase("held")?;
    wait_for_hold(&pair.a, "address-present")?;
    check(is_operators(&pair.a)?, "the operator's address was changed")
}

/// How an interface goes.
#[derive(Clone, Copy, Debug)]
enum Loss {
    Destroyed,
    Unplugged,
}

impl Loss {
    const fn hold(self) -> &'static str {
        match self {
            Self::Destroyed => "interface-missing",
            Self::Unplugged => "link-down",
        }
    }
}

/// The active node's interface goes: the other one takes over in time. It returns: so does the
/// node, and preempts at once, because the fault was not its own.
fn interface_goes(loss: Loss, ticker: &Ticker) -> Outcome {
    let mut pair = Pair::new()?;
    let (a, b) = (pair.a.mac, pair.b.mac);
    pair.a.start(&config(200, QUICK, &[ADDRESS]))?;
    pair.b.start(&config(100, QUICK, &[ADDRESS]))?;
    pair.a.wait_for_phase("held")?;
    pair.b.wait_for_phase("backup")?;
    let client = Client::start(&pair.user, ADDRESS.into(), 1000)?;
    let start = client.mark();
    check(client.wait_for_reply(start, SOON), "the client got no answer from a")?;

    let begun = now();
    match loss {
        Loss::Destroyed => pair.a.cable.destroy()?,
        Loss::Unplugged => pair.a.cable.unplug()?,
    }
    let took = wait_for(&pair.capture, "advertisement of b", begun, |frame| {
        priority(frame, b) == Some(100)
    })?;
    let frames = pair.capture.frames();
    let last =
        frames.iter().filter(|frame| priority(frame, a).is_some()).map(|frame| frame.at).max();
    let down = active_down(QUICK);
    within("takeover", took - last.unwrap_or_default(), (down, down), SLACK, ticker)?;
    pair.b.wait_for_phase("held")?;
    let router = wait_for_hold(&pair.a, loss.hold())?;
    check(router["fault"] == true && router["probation_seconds"].is_null(), format!("{router:#}"))?;
    check(!pair.a.has_address(&ADDRESS.to_string())?, "a kept the address")?;
    let away = client.since(start);

    let begun = now();
    match loss {
        Loss::Destroyed => pair.a.cable.restore()?,
        Loss::Unplugged => pair.a.cable.plug()?,
    }
    let a = pair.a.cable.mac()?;
    let back = wait_for(&pair.capture, "announcement of a", begun, |frame| announces(frame, a))?;
    pair.a.wait_for_phase("held")?;
    pair.b.wait_for_phase("backup")?;
    let mark = client.mark();
    check(client.wait_for_reply(mark, SOON), "the client got no answer from a")?;
    println!("{loss:?}: {away}; announced again after {}", milliseconds(back - begun));
    Ok(())
}

/// Two mistakes, two sentences, and nothing else.
fn bad_configuration() -> Outcome {
    let mut pair = Pair::new()?;
    let bad =
        config(200, QUICK, &[ADDRESS]).replace("priority", "prioritty").replace("vrid", "vird");
    let begun = now();
    pair.a.start(&bad)?;
    let status = pair.a.process()?.wait_timeout(SOON)?.and_then(|status| status.code());
    check(status == Some(2), format!("the exit status is {status:?}"))?;
    let log = pair.a.log();
    let path = pair.folder.path().join("a.toml");
    let place = |line: u32| format!("{}:{line}:1: ", path.display());
    let near = [(4, "unknown key `vird`", "`vrid`"), (6, "unknown key `prioritty`", "`priority`")];
    let told = near.iter().all(|(line, what, nearest)| {
        let is_it = |said: &&str| said.starts_with(&place(*line)) && said.contains(what);
        log.lines().filter(is_it).filter(|said| said.contains(nearest)).count() == 1
    });
    check(told && log.lines().count() == near.len(), format!("it said:\n{log}"))?;
    check(!pair.folder.path().join("a.sock").exists(), "there is a control socket")?;

    // The other node hears nobody: it takes the address.
    pair.b.start(&config(100, QUICK, &[ADDRESS]))?;
    pair.b.wait_for_phase("held")?;
    let sent =
        pair.capture.frames().iter().filter(|frame| priority(frame, pair.a.mac).is_some()).count();
    check(
        sent == 0 && !adverts(&pair.capture, pair.b.mac, begun).is_empty(),
        format!("a sent {sent} packets"),
    )?;
    check(!pair.a.has_address(&ADDRESS.to_string())?, "a has the address")
}

/// Nobody reads the log, and the pipe to its reader is full: the node advertises all the same.
fn log_reader_hangs() -> Outcome {
    let pair = Pair::new()?;
    let (_reader, mut writer) = std::io::pipe()?;
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    while writer.write(&[b'.'; 4096]).is_ok() {}
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::empty()))?;
    let file = pair.folder.path().join("unread.toml");
    let control = pair.folder.path().join("unread.sock");
    fs::write(
        &file,
        format!("{}\n[daemon]\ncontrol = {control:?}\n", config(200, QUICK, &[ADDRESS])),
    )?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_vrrp"));
    command.arg("run").arg("-c").arg(file).stderr(writer);
    let mut process = pair.a.host.spawn(command)?;
    let mac = pair.a.mac;
    wait_for(&pair.capture, "announcement", Duration::ZERO, |frame| {
        frame.garp() == Some((mac, ADDRESS))
    })?;
    let announced = now();
    let enough = || adverts(&pair.capture, mac, announced).len() >= 20;
    check(wait_until(SOON, enough), "the node stopped advertising")?;
    process.signal(Signal::SIGTERM)?;
    let status = process.wait_timeout(SOON)?;
    check(status.is_some_and(|status| status.success()), format!("it ended with {status:?}"))
}
