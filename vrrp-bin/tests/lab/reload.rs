//! Another configuration under traffic, and another binary: what a client and the wire see of it.

mod beside;
mod random;
mod restart;

use std::{fs, time::Duration};

use libtest_mimic::{Failed, Trial};
use vrrp_core::MacAddr;
use vrrp_net::lab::{Capture, Client, Ticker, Watch, wait_until};

use crate::support::{Node, Outcome, Pair, SLACK, SOON, check, milliseconds, now, timed};

/// How many packets a second a client sends.
const RATE: u32 = 1000;
/// Of every virtual router here, unless something else is said.
const INTERVAL: Duration = Duration::from_millis(100);
/// For how long is looked, after a reload, at what comes of it.
const AFTERWARDS: Duration = Duration::from_millis(700);

pub(crate) fn tests(everything: bool) -> Vec<Trial> {
    let mut tests = vec![
        timed("reload_under_traffic_loses_nothing", under_traffic),
        timed("reload_swaps_two_vrids_in_one_step", |_| swap()),
    ];
    if everything {
        tests.extend([random::test(), beside::test(), restart::test()]);
    }
    tests
}

fn router(name: &str, vrid: u8, addresses: &str, more: &str) -> String {
    format!(
        "[[virtual_router]]\nname = \"{name}\"\ninterface = \"eth0\"\nvrid = {vrid}\n\
         addresses = [{addresses}]\ninterval = \"100ms\"\n{more}\n"
    )
}

/// Has a node read this file, by `vrrp reload`.
fn reload(node: &Node, folder: &std::path::Path, config: &str) -> Outcome {
    let path = folder.join(format!("{}.toml", node.name));
    fs::write(path, format!("{config}\n[daemon]\ncontrol = {:?}\n", node.control()))?;
    let output = node.ask(&["reload"])?;
    let said = String::from_utf8_lossy(&output.stderr);
    check(output.status.success(), format!("the reload is refused: {said}"))
}

/// What each row of the table changes, in its order; the wire and the client notice none of it.
fn under_traffic(ticker: &Ticker) -> Outcome {
    let mut pair = Pair::new()?;
    let folder = pair.folder.path().to_owned();
    let web = |more: &str| router("web", 51, "\"10.0.0.100/24\"", more);
    let db = router("db", 52, "\"10.0.0.110/24\"", "priority = 200");
    pair.a.start(&format!("{}{db}", web("priority = 200")))?;
    pair.a.wait_for_phase("held")?;
    pair.b.start(&format!("{}{}", web(""), db.replace("200", "100")))?;
    pair.b.wait_for_phase("backup")?;
    let watch = Watch::start(&pair.a.host, "10.0.0.100".parse()?)?;
    let client = Client::start(&pair.user, "10.0.0.100".parse()?, RATE)?;
    check(client.wait_for_reply(client.mark(), SOON), "the client gets no answer")?;
    let two = router("web", 51, "\"10.0.0.101/24\", \"10.0.0.100/24\"", "priority = 150");
    let rows = [
        ("nothing", format!("{}{db}", web("priority = 200"))),
        ("a priority", format!("{}{db}", web("priority = 150"))),
        ("one address more", format!("{two}{db}")),
        ("a name", format!("{}{db}", two.replace("\"web\"", "\"www\""))),
        (
            "the names of two",
            format!("{}{}", two.replace("\"web\"", "\"db\""), db.replace("db", "www")),
        ),
        ("one address less", format!("{}{db}", web("priority = 150"))),
        ("one virtual router less", web("priority = 150")),
        ("one virtual router more", format!("{}{db}", web("priority = 150"))),
        ("the lease", format!("{}{db}", web("priority = 150\nlease = false"))),
        ("the lease again", format!("{}{db}", web("priority = 150"))),
        (
            "what runs before",
            format!("{}{db}", web("priority = 150\nbefore_active = [\"/bin/false\"]")),
        ),
    ];
    for (what, config) in rows {
        let (mark, begun) = (client.mark(), now());
        reload(&pair.a, &folder, &config)?;
        wait_until(AFTERWARDS, || false);
        let missed = lost(&client, mark)?;
        let gap = longest_gap(&pair.capture, pair.a.mac, 51, begun);
        println!("{what}: {missed} lost, longest gap {}", milliseconds(gap));
        check(missed == 0, format!("{what}: {missed} packets are lost"))?;
        let allowed = INTERVAL + SLACK + ticker.worst_gap();
        check(gap <= allowed, format!("{what}: no advertisement for {}", milliseconds(gap)))?;
        let held = watch.held();
        check(held.len() == 1, format!("{what}: the address went: {held:?}"))?;
    }
    let log = pair.a.log();
    check(log.matches("name=web interface=eth0 from=held").count() == 0, log)
}

/// F-38. Each address is with the other VRID afterwards, and was never away. Nobody resigns, and no
/// VRID has two lists at a time.
fn swap() -> Outcome {
    let mut pair = Pair::new()?;
    let folder = pair.folder.path().to_owned();
    let both = |web: u8, db: u8| {
        router("web", web, "\"10.0.0.100/24\"", "") + &router("db", db, "\"10.0.0.110/24\"", "")
    };
    pair.a.start(&both(51, 52))?;
    pair.a.wait_for_phase("held")?;
    let (mut watches, mut clients) = (Vec::new(), Vec::new());
    for address in ["10.0.0.100", "10.0.0.110"] {
        watches.push(Watch::start(&pair.a.host, address.parse()?)?);
        clients.push(Client::start(&pair.user, address.parse()?, RATE)?);
    }
    let marks: Vec<_> = clients.iter().map(Client::mark).collect();
    let begun = now();
    for (web, db) in [(52, 51), (51, 52), (52, 51)] {
        reload(&pair.a, &folder, &both(web, db))?;
        wait_until(AFTERWARDS, || false);
        for (name, vrid) in [("web", web), ("db", db)] {
            let status = pair.a.status().unwrap_or_default();
            let routers = status["virtual_routers"].as_array().cloned().unwrap_or_default();
            let is = |router: &&serde_json::Value| router["name"] == name && router["vrid"] == vrid;
            check(routers.iter().any(|router| is(&router)), format!("{name}: {status}"))?;
        }
    }
    for (client, mark) in clients.iter().zip(marks) {
        let missed = lost(client, mark)?;
        check(missed == 0, format!("{missed} packets are lost"))?;
    }
    for watch in &watches {
        check(watch.held().len() == 1, format!("an address went: {:?}", watch.held()))?;
    }
    let frames = pair.capture.frames();
    let resigned = frames.iter().filter(|frame| {
        frame.at >= begun && frame.vrrp().is_some_and(|vrrp| vrrp.payload.get(2) == Some(&0))
    });
    check(resigned.count() == 0, "somebody resigned")
}

/// The longest time between two advertisements of a virtual router, since a moment before `since`.
fn longest_gap(capture: &Capture, mac: MacAddr, vrid: u8, since: Duration) -> Duration {
    let moments = adverts(capture, mac, vrid);
    let recent: Vec<Duration> =
        moments.into_iter().filter(|at| *at + 2 * INTERVAL >= since).collect();
    recent.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).max().unwrap_or_default()
}

/// When `mac` sent advertisements of a virtual router that were no resignations.
fn adverts(capture: &Capture, mac: MacAddr, vrid: u8) -> Vec<Duration> {
    let of = |frame: &vrrp_net::lab::Frame| {
        let vrrp = frame.vrrp().filter(|vrrp| vrrp.source_mac == mac)?;
        let priority = *vrrp.payload.get(2)?;
        (vrrp.payload.get(1) == Some(&vrid) && priority > 0).then_some(frame.at)
    };
    capture.frames().iter().filter_map(of).collect()
}

/// What was lost of the packets since `mark`, once that is known of all of them.
fn lost(client: &Client, mark: vrrp_net::lab::Mark) -> Result<u64, Failed> {
    let to = client.mark();
    check(client.wait_for_reply(to, SOON), "the client gets no answer any more")?;
    let is_known = wait_until(SOON, || client.between(mark, to).pending == 0);
    check(is_known, "nothing is known of some packets")?;
    Ok(client.between(mark, to).lost)
}
