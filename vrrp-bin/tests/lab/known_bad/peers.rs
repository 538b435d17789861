//! Defects that were reproduced with another implementation, E4 to E6: what real senders do.

use libtest_mimic::Trial;
use serde_json::Value;
use vrrp_core::MacAddr;
use vrrp_net::lab::{Frame, Keepalived, Signal, wait_until};

use super::{
    packet::{Form, form_of},
    stage::{Router, WEB, of},
};
use crate::{
    evidence::number,
    support::{Node, Outcome, Pair, SOON, check, now, timed, wait_for},
};

/// Addresses of which the peer has the first only.
const MORE: Router = Router { addresses: &["10.0.0.100", "10.0.0.101"], ..WEB };

pub(super) fn tests() -> Vec<Trial> {
    let mut trials = vec![
        timed("e4_a_sender_without_pseudo_header_is_followed", |_| {
            sender_of("rfc9568", Form::Message)
        }),
        timed("e4_a_sender_with_pseudo_header_is_followed", |_| {
            sender_of("rfc5798", Form::PseudoHeader)
        }),
        timed("e5_a_sender_with_other_addresses_is_followed_and_reported", |_| other_addresses()),
        timed("e6_unicast_leaves_with_hop_limit_255", |_| hop_limit()),
    ];
    let beside = [
        timed("e4_keepalived_with_pseudo_header_is_followed", |_| keepalived_with_pseudo_header()),
        timed("e5_keepalived_with_other_addresses_is_followed_and_reported", |_| {
            keepalived_other_addresses()
        }),
        timed("e6_keepalived_with_hop_limit_64_is_followed_where_that_is_allowed", |_| {
            keepalived_hop_limit()
        }),
    ];
    let missing = Keepalived::missing();
    if let Some(reason) = &missing {
        println!("skipped: {} tests of messages of keepalived: {reason}", beside.len());
    }
    trials.extend(beside.map(|trial| trial.with_ignored_flag(missing.is_some())));
    trials
}

/// The configuration of an Active keepalived at a.
fn keepalived(more: &str, addresses: &str) -> String {
    format!(
        "global_defs {{\n  router_id a\n  vrrp_version 3\n}}\nvrrp_instance web {{\n  state \
         BACKUP\n  interface eth0\n  virtual_router_id {}\n  priority 200\n  advert_int \
         0.25\n{more}  virtual_ipaddress {{\n{addresses}  }}\n}}\n",
        WEB.vrid
    )
}

/// a sends one form of checksum (RFC 9568 5.2.8 says which), b has the default.
fn sender_of(setting: &str, form: Form) -> Outcome {
    let mut pair = Pair::new()?;
    pair.a.start(&format!("{}checksum = {setting:?}\n", WEB.config(200)))?;
    pair.a.wait_for_phase("held")?;
    pair.b.start(&WEB.config(100))?;
    follows(&pair, "10.0.0.1")?;
    forms_are(&pair, form)
}

fn keepalived_with_pseudo_header() -> Outcome {
    let mut pair = Pair::new()?;
    let config = keepalived("", "    10.0.0.100/32\n");
    let keepalived = Keepalived::start(&pair.a.host, pair.folder.path(), &config)?;
    pair.b.start(&WEB.config(100))?;
    follows(&pair, "10.0.0.1").map_err(|why| format!("{why:?}\n{}", keepalived.log()))?;
    forms_are(&pair, Form::PseudoHeader)
}

/// b follows the Active at a, has refused nothing, and has not been Active.
fn follows(pair: &Pair, active: &str) -> Outcome {
    let mut status = Value::Null;
    let follows = wait_until(SOON, || {
        status = pair.b.status().unwrap_or_default();
        let state = of(&status, WEB.name);
        state["active_peer"] == active && number(&state["counters"]["adverts_received"]) >= 8
    });
    let state = of(&status, WEB.name);
    check(follows, format!("b does not follow {active}: {state}"))?;
    let refused: u64 = state["counters"]["rejected"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(_, n)| number(n))
        .sum();
    check(refused == 0, format!("b has refused something: {state}"))?;
    check(
        state["counters"]["adverts_sent"] == 0 && state["phase"] == "backup",
        format!("b was Active: {state}"),
    )
}

/// Everything that a has sent had this form of checksum.
fn forms_are(pair: &Pair, form: Form) -> Outcome {
    let frames = pair.capture.frames();
    let sent = frames.iter().filter(|frame| WEB.advert(frame, pair.a.mac).is_some());
    let forms: Vec<Option<Form>> = sent.map(|frame| form_of(&frame.vrrp()?)).collect();
    check(forms.len() >= 8, format!("a sent {} advertisements", forms.len()))?;
    check(forms.iter().all(|found| *found == Some(form)), format!("checksums: {forms:?}"))
}

fn other_addresses() -> Outcome {
    let mut pair = Pair::new()?;
    pair.a.start(&WEB.config(200))?;
    pair.a.wait_for_phase("held")?;
    pair.b.start(&MORE.config(100))?;
    follows(&pair, "10.0.0.1")?;
    is_reported(&pair.b, "10.0.0.1")?;
    pair.a.wait_for_phase("held")?;
    check(!pair.b.has_address("10.0.0.101")?, "b has the address that a does not have")
}

fn keepalived_other_addresses() -> Outcome {
    let mut pair = Pair::new()?;
    let config = keepalived("", "    10.0.0.100/32\n");
    let keepalived = Keepalived::start(&pair.a.host, pair.folder.path(), &config)?;
    pair.b.start(&MORE.config(100))?;
    follows(&pair, "10.0.0.1").map_err(|why| format!("{why:?}\n{}", keepalived.log()))?;
    is_reported(&pair.b, "10.0.0.1")?;
    check(pair.a.has_address("10.0.0.100")?, "keepalived has no address")
}

/// The log says once that somebody has other addresses, and who.
fn is_reported(node: &Node, source: &str) -> Outcome {
    let said = || {
        let log = node.log();
        let lines = log.lines().filter(|line| line.contains("notice=addresses-differ"));
        lines.filter(|line| line.contains(&format!("source={source}"))).count()
    };
    check(wait_until(SOON, || said() > 0), format!("nothing is reported: {}", node.log()))?;
    check(said() == 1, format!("it is reported more than once: {}", node.log()))
}

/// IPv6 unicast between two of our nodes.
fn hop_limit() -> Outcome {
    let mut pair = Pair::new()?;
    pair.a.start(&six(200, "\"fd00::1\", \"fd00::2\""))?;
    pair.a.wait_for_phase("held")?;
    pair.b.start(&six(100, "\"fd00::1\", \"fd00::2\""))?;
    follows(&pair, "fd00::1")?;
    hop_limits_are(&pair, pair.a.mac, 255)
}

/// keepalived sends with hop limit 64. RFC 9568 5.1.2.3 has that refused.
fn keepalived_hop_limit() -> Outcome {
    let mut pair = Pair::new()?;
    let unicast = "  unicast_src_ip fd00::1\n  unicast_peer {\n    fd00::2\n  }\n";
    let config = keepalived(unicast, "    fe80::100/64\n    fd00::100/64\n");
    let keepalived = Keepalived::start(&pair.a.host, pair.folder.path(), &config)?;
    let begun = now();
    let is_advert = |frame: &Frame| SIX.advert(frame, pair.a.mac).is_some();
    wait_for(&pair.capture, "advertisement of keepalived", begun, is_advert)
        .map_err(|why| format!("{why:?}\n{}", keepalived.log()))?;
    hop_limits_are(&pair, pair.a.mac, 64)?;
    pair.b.start(&six(100, "\"fd00::1\""))?;
    pair.b.wait_for_phase("held")?;
    let state = pair.b.router(0);
    let (rejected, refused) = (&state["counters"]["rejected"], &state["peers_refused"][0]);
    let others =
        rejected.as_object().into_iter().flatten().filter(|(reason, _)| *reason != "wrong-ttl");
    check(
        others.map(|(_, count)| number(count)).sum::<u64>() == 0,
        format!("other reasons: {rejected}"),
    )?;
    check(number(&rejected["wrong-ttl"]) >= 3, format!("not refused: {rejected}"))?;
    check(
        refused["address"] == "fd00::1" && refused["reason"] == "wrong-ttl",
        format!("named: {refused}"),
    )?;
    hop_limits_are(&pair, pair.b.mac, 255)?;
    pair.b.signal(Signal::SIGTERM)?;
    check(pair.b.wait()?, "b did not end with status 0")?;
    pair.b.start(&six(100, "{ address = \"fd00::1\", min_ttl = 64 }"))?;
    follows(&pair, "fd00::1").map_err(|why| format!("{why:?}\n{}", keepalived.log()).into())
}

const SIX: Router = Router { addresses: &["fe80::100/64", "fd00::100/64"], ..WEB };

fn six(priority: u8, peers: &str) -> String {
    format!("{}peers = [{peers}]\n", SIX.config(priority))
}

/// The hop limit of all advertisements of `mac`.
fn hop_limits_are(pair: &Pair, mac: MacAddr, expected: u8) -> Outcome {
    let frames = pair.capture.frames();
    let sent = frames.iter().filter(|frame| SIX.advert(frame, mac).is_some());
    let limits: Vec<u8> = sent.filter_map(Frame::vrrp).map(|vrrp| vrrp.ttl).collect();
    let all = !limits.is_empty() && limits.iter().all(|limit| *limit == expected);
    check(all, format!("hop limits of {mac:02x?}: {limits:?}"))
}
