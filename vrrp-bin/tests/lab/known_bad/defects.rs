//! Defects that were reproduced with another implementation, E1 to E3: what an attacker can do
//! alone.

use libtest_mimic::Trial;
use vrrp_net::lab::{Frame, Ticker};

use super::{
    Fate::Refused,
    Shot, count, counted,
    packet::{Form, Packet},
    stage::{LOCKED, RFC5798, RFC9568, Stage, Stages, WEB, facts},
};
use crate::support::{Outcome, SLACK, check, now, timed, wait_for};

pub(super) fn tests(stages: &Stages) -> Vec<Trial> {
    let on_stage = |name: &str, test: fn(&mut Stage, &Ticker) -> Outcome| {
        let stages = stages.clone();
        timed(name, move |ticker| stages.run(|stage| test(stage, ticker)))
    };
    vec![
        on_stage("e1_wrong_passwords_cost_the_active_node_no_advertisement", wrong_passwords),
        on_stage("e2_an_interval_of_zero_makes_no_backup_active", interval_of_zero),
        on_stage("e3_a_corrupt_checksum_is_refused_whatever_form_is_configured", corrupt_checksums),
    ]
}

/// Two messages a second with a wrong password, for eight intervals: eight advertisements.
fn wrong_passwords(stage: &mut Stage, ticker: &Ticker) -> Outcome {
    let (router, intervals) = (LOCKED, 8);
    let before = stage.settled()?;
    let mut expected = [facts(&before[0]), facts(&before[1])];
    let packet = Packet::of(router, 254).authentication(1, "d0ckers");
    let shot = Shot { router, packet, fate: Refused("wrong-password") };
    let frame = shot.packet.frame(None)?;
    let a = stage.pair.a.mac;
    let is_of_a = |frame: &Frame| router.advert(frame, a).is_some();
    let last = wait_for(&stage.pair.capture, "advertisement of a", now(), is_of_a)?;
    let injected = stage.injector.inject(2, intervals * router.period(), |_| frame.clone())?;
    check(injected.sent == u64::from(2 * intervals), "the machine was too slow to attack")?;
    for _ in 0..injected.sent {
        expected.iter_mut().for_each(|facts| count(facts, &shot));
    }
    let ended = last + intervals * router.period() + router.period() / 2;
    wait_for(&stage.pair.capture, "advertisement of a", ended, is_of_a)?;
    let frames = stage.pair.capture.frames();
    let sent = frames.iter().filter_map(|frame| router.advert(frame, a));
    let sent = sent.filter(|at| (last + SLACK..ended).contains(at)).count();
    check(sent == 8, format!("a sent {sent} advertisements in {intervals} intervals"))?;
    stage.kept_on(router, last + SLACK, ticker)?;
    counted(stage, &expected, &before)
}

/// One strong advertisement with interval 0 at a Backup, whose Active_Down_Interval would be next
/// to nothing.
fn interval_of_zero(stage: &mut Stage, ticker: &Ticker) -> Outcome {
    let router = WEB;
    let before = stage.settled()?;
    let mut expected = [facts(&before[0]), facts(&before[1])];
    let packet = Packet::of(router, 200).octet(4, 0).octet(5, 0);
    let shot = Shot { router, packet, fate: Refused("zero-interval") };
    let begun = now();
    stage.injector.send(&shot.packet.frame(Some(stage.pair.b.mac))?)?;
    count(&mut expected[1], &shot);
    counted(stage, &expected, &before)?;
    // Longer than any Active_Down_Interval of b.
    let a = stage.pair.a.mac;
    let is_late = |frame: &Frame| {
        frame.at >= begun + 4 * router.period() && router.advert(frame, a).is_some()
    };
    wait_for(&stage.pair.capture, "advertisement of a", begun, is_late)?;
    stage.kept_on(router, begun, ticker)?;
    counted(stage, &expected, &before)
}

/// Each bit of the checksum turned over, in either form, at each setting of `checksum`.
fn corrupt_checksums(stage: &mut Stage, ticker: &Ticker) -> Outcome {
    for router in [RFC9568, RFC5798, WEB] {
        let before = stage.settled()?;
        let mut expected = [facts(&before[0]), facts(&before[1])];
        let begun = now();
        for form in [Form::Message, Form::PseudoHeader] {
            for bit in 0..16 {
                let packet = Packet::of(router, 254).form(form).corrupt(1 << bit);
                let shot = Shot { router, packet, fate: Refused("wrong-checksum") };
                stage.injector.send(&shot.packet.frame(None)?)?;
                expected.iter_mut().for_each(|facts| count(facts, &shot));
            }
        }
        counted(stage, &expected, &before)?;
        stage.kept_on(router, begun, ticker)?;
        counted(stage, &expected, &before)?;
    }
    Ok(())
}
