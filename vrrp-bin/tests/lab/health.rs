//! A service on both nodes and a check of it: real servers that are killed, hang, come back, and
//! are dead everywhere.

pub(crate) mod page;
pub(crate) mod probing;
pub(crate) mod server;

use std::{net::Ipv4Addr, time::Duration};

use libtest_mimic::{Failed, Trial};
use vrrp_core::MacAddr;
use vrrp_net::lab::{Signal, Ticker, wait_until};

use self::server::{Server, Service};
use crate::{
    client::{Client, Loss, Mark},
    support::{
        Node, Outcome, Pair, SOON, check, milliseconds, now, priority, skew, timed, wait_for,
        within,
    },
};

const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 100);
/// Of the election.
const INTERVAL: Duration = Duration::from_millis(100);
const STRONG: u8 = 200;
const WEAK: u8 = 100;
/// Of the check.
const EVERY: Duration = Duration::from_millis(200);
const TIMEOUT: Duration = Duration::from_millis(100);
const FALL: u32 = 2;
/// What the program may take beyond the arithmetic: of the check, and of the handover.
const SLACK: Duration = Duration::from_millis(100);

type Play = fn(Service, &Ticker) -> Outcome;

const PLAYS: [(&str, Play); 4] = [
    ("is_killed_takes_its_address_along_and_brings_it_back", killed),
    ("hangs_and_comes_back_to_a_peer_that_stays", hangs),
    ("comes_back_while_an_ill_node_serves_takes_over", better_than_ill),
    ("is_dead_everywhere_keeps_its_address", dead_everywhere),
];

pub(crate) fn tests() -> Vec<Trial> {
    let mut trials = Vec::new();
    for service in [Service::Dns, Service::Http] {
        let missing = service.missing();
        if let Some(reason) = &missing {
            println!("skipped: {} tests of a resolver's health: {reason}", PLAYS.len());
        }
        for (name, play) in PLAYS {
            let name = format!("health_{service:?}_that_{name}").to_lowercase();
            let trial = timed(name, move |ticker| play(service, ticker));
            trials.push(trial.with_ignored_flag(missing.is_some()));
        }
    }
    trials
}

/// The service is dead: the other node has the address soon. It is back: so is the address.
fn killed(service: Service, ticker: &Ticker) -> Outcome {
    let mut stage = Stage::new(service, true)?;
    let (mark, died) = (stage.client.mark(), now());
    stage.a.kill()?;
    stage.moves_to_b("killed", died, ticker)?;
    stage.client.wait_for(2, mark)?;
    stage.lost_no_more_than("killed", mark, died_bound() + SLACK + ticker.worst_gap())?;

    let (mark, revived) = (stage.client.mark(), now());
    stage.a.revive(&stage.pair.a.host)?;
    let a = stage.pair.a.mac;
    let returned = wait_for(&stage.pair.capture, "advertisement of a", revived, |frame| {
        priority(frame, a) == Some(STRONG)
    })?;
    println!(
        "{service:?} is back: the address returned {} later",
        milliseconds(returned - revived)
    );
    stage.client.wait_for(1, mark)?;
    stage.pair.a.wait_for_phase("held")?;
    stage.pair.b.wait_for_phase("backup")?;
    // Both nodes answer while the address changes hosts.
    stage.lost_no_more_than("returned", mark, SLACK + ticker.worst_gap())
}

/// A server that hangs is found by the timeout of its check. When it goes on, the other node, which
/// may not be preempted, keeps the address.
fn hangs(service: Service, ticker: &Ticker) -> Outcome {
    let stage = Stage::new(service, false)?;
    let (mark, died) = (stage.client.mark(), now());
    stage.a.hang()?;
    stage.moves_to_b("hung", died, ticker)?;
    stage.client.wait_for(2, mark)?;
    stage.lost_no_more_than("hung", mark, died_bound() + SLACK + ticker.worst_gap())?;

    stage.a.go_on()?;
    stage.pair.a.wait_for_check("service", "good", SOON)?;
    let (mark, well) = (stage.client.mark(), now());
    let (a, b) = (stage.pair.a.mac, stage.pair.b.mac);
    // Three times as long as any node waits.
    wait_for(&stage.pair.capture, "advertisement of b", well + 12 * INTERVAL, |frame| {
        priority(frame, b) == Some(WEAK)
    })?;
    let frames = stage.pair.capture.frames();
    let said = frames.iter().filter(|frame| frame.at >= well && priority(frame, a).is_some());
    check(said.count() == 0, "a preempts, and may not")?;
    stage.pair.a.wait_for_phase("backup")?;
    stage.client.wait_for(2, mark)?;
    let loss = stage.client.since(mark);
    check(loss.lost == 0, format!("the client lost queries of a node that stays: {loss:?}"))
}

/// Nobody is well: the last holder stays and says so, and when it crashes the other one serves.
fn dead_everywhere(service: Service, ticker: &Ticker) -> Outcome {
    let mut stage = Stage::new(service, true)?;
    stage.both_die(ticker)?;

    // The other holder is gone without a word: silence is all that an ill node waits for.
    let b = stage.pair.b.mac;
    let begun = now();
    wait_for(&stage.pair.capture, "advertisement of b", begun, |frame| {
        priority(frame, b) == Some(1)
    })?;
    stage.pair.b.signal(Signal::SIGKILL)?;
    check(!stage.pair.b.wait()?, "b ended with status 0")?;
    stage.a_serves(begun, ticker)?;
    // The lease of the dead process lapses, and its host gives the address up.
    stage.pair.b.wait_for_address(ADDRESS.into(), false)?;

    // What is at the address is the service of a, as soon as there is one.
    let mark = stage.client.mark();
    stage.a.revive(&stage.pair.a.host)?;
    stage.client.wait_for(1, mark)?;
    stage.pair.a.wait_for_check("service", "good", SOON)?;
    stage.pair.a.wait_for_phase("held")
}

/// A healthy node does not leave the address with an ill one.
fn better_than_ill(service: Service, ticker: &Ticker) -> Outcome {
    let mut stage = Stage::new(service, true)?;
    stage.both_die(ticker)?;

    // The stronger node, which is ill, takes the address, and the weaker one has a service again:
    // nothing but health decides.
    stage.pair.b.signal(Signal::SIGKILL)?;
    check(!stage.pair.b.wait()?, "b ended with status 0")?;
    stage.pair.a.wait_for_phase("held")?;
    stage.b.revive(&stage.pair.b.host)?;
    let (mark, begun) = (stage.client.mark(), now());
    stage.pair.b.start(&config(service, WEAK, true))?;
    let b = stage.pair.b.mac;
    let took = wait_for(&stage.pair.capture, "advertisement of b", begun, |frame| {
        priority(frame, b) == Some(WEAK)
    })?;
    // Its first result comes within a second, and then it waits as for a node that is silent.
    let most = Duration::from_secs(1) + TIMEOUT + 3 * INTERVAL + skew(INTERVAL, WEAK);
    let what = format!("{service:?} is there again: until the address moved from an ill node");
    within(&what, took - begun, (Duration::ZERO, most), SLACK, ticker)?;
    stage.client.wait_for(2, mark)?;
    stage.pair.a.wait_for_phase("backup")
}

/// Two nodes with a server each, and a client of the service at the virtual address.
struct Stage {
    // In this order: the client and the servers go before their hosts.
    client: Client,
    a: Server,
    b: Server,
    pair: Pair,
    service: Service,
}

impl Stage {
    /// a has the address, both services are well, and the client gets answers.
    fn new(service: Service, preempt: bool) -> Result<Self, Failed> {
        let mut pair = Pair::new()?;
        let folder = pair.folder.path();
        let a = Server::start(service, &pair.a.host, "10.0.0.1", folder)?;
        let b = Server::start(service, &pair.b.host, "10.0.0.2", folder)?;
        let client = match service {
            Service::Dns => Client::of_dns(&pair.user, ADDRESS)?,
            Service::Http => Client::of_http(&pair.user, ADDRESS)?,
        };
        pair.a.start(&config(service, STRONG, preempt))?;
        pair.a.wait_for_phase("held")?;
        pair.b.start(&config(service, WEAK, preempt))?;
        for node in [&pair.a, &pair.b] {
            node.wait_for_check("service", "good", SOON)?;
        }
        pair.b.wait_for_phase("backup")?;
        client.wait_for(1, client.mark())?;
        Ok(Self { client, a, b, pair, service })
    }

    /// b advertises as a healthy node does, as soon as it has to.
    fn moves_to_b(&self, what: &str, died: Duration, ticker: &Ticker) -> Outcome {
        let b = self.pair.b.mac;
        let took = wait_for(&self.pair.capture, "advertisement of b", died, |frame| {
            priority(frame, b) == Some(WEAK)
        })?;
        let what = format!("{:?} {what}: until the address moved", self.service);
        within(&what, took - died, (Duration::ZERO, died_bound()), SLACK, ticker)
    }

    /// The service of a dies, and then that of b, which has the address and nobody to give it to.
    fn both_die(&mut self, ticker: &Ticker) -> Outcome {
        let died = now();
        self.a.kill()?;
        self.moves_to_b("killed", died, ticker)?;
        self.pair.b.wait_for_phase("held")?;
        self.b.kill()?;
        self.pair.b.wait_for_check("service", "bad", SOON)?;
        self.b_stays_and_says_so()
    }

    fn lost_no_more_than(&self, what: &str, since: Mark, outage: Duration) -> Outcome {
        let loss: Loss = self.client.since(since);
        let Self { service, .. } = self;
        let text = format!("{service:?} {what}: the client got no answer to {loss:?}");
        println!("{text}, outage may be {}", milliseconds(outage));
        check(loss.outage <= outage, text)
    }

    /// In the log, in the status and in what a supervisor asks for.
    fn b_stays_and_says_so(&mut self) -> Outcome {
        let b = &self.pair.b;
        let says = || {
            b.log().lines().any(|line| {
                line.contains("event=unrelieved") && line.contains("unhealthy, and nobody else")
            })
        };
        check(wait_until(SOON, says), format!("b does not say that it is alone:\n{}", b.log()))?;
        b.wait_for_phase("held")?;
        check(b.has_address(&ADDRESS.to_string())?, "b gave the address away")?;
        let router = b.router(0);
        check(router["condition"] == "ill", format!("b is not ill in its status: {router}"))?;
        let table = said(b, "status")?;
        check(table.contains("active, ill"), format!("the table does not say so:\n{table}"))?;
        let health = said(b, "health")?;
        let line = "web is active; web: its check service fails: ";
        check(health.starts_with(line), format!("health says:\n{health}"))
    }

    /// a takes over one interval after the weakest healthy node would have, and its own Skew_Time.
    fn a_serves(&self, since: Duration, ticker: &Ticker) -> Outcome {
        let capture = &self.pair.capture;
        let (a, b) = (self.pair.a.mac, self.pair.b.mac);
        let took =
            wait_for(capture, "advertisement of a", since, |frame| priority(frame, a) == Some(1))?;
        let last = last_of(&self.pair, b, took)?;
        let expected = 3 * INTERVAL + skew(INTERVAL, 1) + INTERVAL + skew(INTERVAL, STRONG);
        let bounds = (expected, expected);
        within(
            "the ill holder crashed: until the other one served",
            took - last,
            bounds,
            SLACK,
            ticker,
        )?;
        self.pair.a.wait_for_phase("held")?;
        check(self.pair.a.has_address(&ADDRESS.to_string())?, "a has no address")
    }
}

fn config(service: Service, priority: u8, preempt: bool) -> String {
    let look = match service {
        Service::Dns => "dns = { server = \"127.0.0.1:53\", name = \"who.test\", type = \"A\" }",
        Service::Http => {
            "http = { url = \"http://127.0.0.1:80/healthz\", status = \"200-299\", body = \"ok\" }"
        }
    };
    format!(
        "[[virtual_router]]\nname = \"web\"\ninterface = \"eth0\"\nvrid = 51\naddresses = \
         [\"{ADDRESS}/24\"]\npriority = {priority}\npreempt = {preempt}\ninterval = \"{}ms\"\n\
         track = [\"service\"]\n[[check]]\nname = \"service\"\n{look}\ninterval = \"{}ms\"\n\
         timeout = \"{}ms\"\nfall = {FALL}\n",
        INTERVAL.as_millis(),
        EVERY.as_millis(),
        TIMEOUT.as_millis(),
    )
}

/// What it takes by the arithmetic: the results that count, and the Skew_Time of the successor.
fn died_bound() -> Duration {
    FALL * EVERY + TIMEOUT + skew(INTERVAL, WEAK)
}

/// When `mac` advertised last before `until`.
fn last_of(pair: &Pair, mac: MacAddr, until: Duration) -> Result<Duration, Failed> {
    let frames = pair.capture.frames();
    let sent = frames.iter().filter(|frame| frame.at < until && priority(frame, mac).is_some());
    Ok(sent.map(|frame| frame.at).max().ok_or("it never advertised")?)
}

/// What the program says to a user of this node.
fn said(node: &Node, verb: &str) -> Result<String, Failed> {
    let output = node.ask(&[verb])?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    check(output.status.success(), format!("{verb} ends with {}:\n{text}", output.status))?;
    Ok(text)
}
