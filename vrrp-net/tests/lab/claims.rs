//! Who says that an address is his, who hears it, and who has it.

use std::{net::IpAddr, process::Command};

use libtest_mimic::Trial;
use vrrp_net::lab::{self, Cable, Capture, Host, Injector, Watch, wait_until};

use crate::{A4, Outcome, Pair, SOON, advert, check, count_adverts, needs_nft};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        needs_nft(
            "what_is_lost_to_one_host_reaches_another",
            what_is_lost_to_one_host_reaches_another,
        ),
        Trial::test(
            "a_capture_of_claims_leaves_out_the_rest",
            a_capture_of_claims_leaves_out_the_rest,
        ),
        Trial::test(
            "a_watch_knows_when_a_host_had_an_address",
            a_watch_knows_when_a_host_had_an_address,
        ),
    ]
}

/// Of the same broadcast one copy is lost and one arrives.
fn what_is_lost_to_one_host_reaches_another() -> Outcome {
    let pair = Pair::new()?;
    let third = Host::new("c")?;
    let cable_c = Cable::new(&third, "eth0", &pair.switch, &["10.0.0.3/24"])?;
    pair.cable_a.lose_to(&pair.cable_b, 100.0)?;
    let (at_b, at_c) = (Capture::cable(&pair.cable_b)?, Capture::cable(&cable_c)?);
    let injector = Injector::new(&pair.a, "eth0")?;
    for number in 0..20 {
        injector.send(&advert(number)?)?;
    }
    check(
        wait_until(SOON, || count_adverts(&at_c) == 20),
        format!("{} of 20 reached c", count_adverts(&at_c)),
    )?;
    check(count_adverts(&at_b) == 0, format!("{} reached b", count_adverts(&at_b)))?;
    // The other way nothing is lost, and nothing at all once it is mended.
    let at_a = Capture::cable(&pair.cable_a)?;
    Injector::new(&pair.b, "eth0")?.send(&advert(21)?)?;
    let is_21 = |frame: &lab::Frame| frame.vrrp().is_some_and(|vrrp| vrrp.payload == [21; 8]);
    check(at_a.wait_for(SOON, is_21).is_some(), "the frame from b to a is lost")?;
    pair.cable_a.mend()?;
    injector.send(&advert(22)?)?;
    let is_22 = |frame: &lab::Frame| frame.vrrp().is_some_and(|vrrp| vrrp.payload == [22; 8]);
    check(at_b.wait_for(SOON, is_22).is_some(), "the frame after mending is lost")
}

fn a_capture_of_claims_leaves_out_the_rest() -> Outcome {
    let pair = Pair::new()?;
    let (claims, all) = (Capture::claims(&pair.switch)?, Capture::start(&pair.switch)?);
    // Its first packet is preceded by ARP.
    let _client = pair.client(A4)?;
    Injector::new(&pair.a, "eth0")?.send(&advert(1)?)?;
    let is_vrrp = |frame: &lab::Frame| frame.vrrp().is_some();
    let is_arp = |frame: &lab::Frame| frame.bytes.get(12..14) == Some(&[8, 6]);
    check(claims.wait_for(SOON, is_vrrp).is_some(), "the advertisement is missing")?;
    check(claims.wait_for(SOON, is_arp).is_some(), "ARP is missing")?;
    let rest = claims.frames().into_iter().find(|frame| !is_vrrp(frame) && !is_arp(frame));
    check(rest.is_none(), format!("{rest:?}"))?;
    let is_other = |frame: &lab::Frame| !is_vrrp(frame) && !is_arp(frame);
    check(all.wait_for(SOON, is_other).is_some(), "there was nothing to leave out")
}

fn a_watch_knows_when_a_host_had_an_address() -> Outcome {
    let host = Host::new("a")?;
    let ip = |verb: &'static str| -> Outcome {
        let run =
            || Command::new("ip").args(["address", verb, "10.0.0.100/24", "dev", "lo"]).status();
        let status = host.run(run)??;
        check(status.success(), format!("ip address {verb} ended with {status}"))
    };
    let address = IpAddr::from([10, 0, 0, 100]);
    let watch = Watch::start(&host, address)?;
    check(watch.held().is_empty(), format!("{:?}", watch.held()))?;
    let begun = lab::now();
    ip("add")?;
    check(wait_until(SOON, || watch.held().len() == 1), "the address is not seen")?;
    // A renewal is no news.
    ip("replace")?;
    let late = Watch::start(&host, address)?;
    check(
        late.held().iter().all(|held| held.until.is_none()),
        "what was there before is not seen",
    )?;
    ip("del")?;
    for watch in [&watch, &late] {
        let is_gone = || watch.held().iter().all(|held| held.until.is_some());
        check(wait_until(SOON, is_gone), "that it is gone is not seen")?;
        let held = watch.held();
        check(held.len() == 1, format!("{held:?}"))?;
        let in_order = held
            .iter()
            .all(|held| begun <= held.from && held.until.is_some_and(|at| held.from <= at));
        check(
            in_order && held.iter().all(|held| held.until <= Some(lab::now())),
            format!("{held:?}"),
        )?;
    }
    ip("add")?;
    check(wait_until(SOON, || watch.held().len() == 2), "that it is back is not seen")
}
