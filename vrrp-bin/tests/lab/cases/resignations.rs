//! Priority 0: of the node that is followed, of another one, and at an Active.

use std::time::Duration;

use vrrp_net::lab::Ticker;

use super::{
    Case,
    stage::{ALL, OTHERS, OURS, STRONGER, Stage, V3, V3_IPV4},
};
use crate::support::{Outcome, SLACK, check, now, within};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "a_resignation_is_followed_by_skew_time",
        always: V3,
        more: &[],
        play: to_a_backup,
    },
    Case {
        name: "a_resignation_at_an_active_is_answered",
        always: V3_IPV4,
        more: OTHERS,
        play: to_an_active,
    },
    Case {
        name: "a_resignation_of_a_third_node_changes_nothing",
        always: ALL,
        more: &[],
        play: of_a_third,
    },
    Case {
        name: "resignations_of_a_third_node_change_nothing",
        always: V3_IPV4,
        more: OTHERS,
        play: stream_of_a_third,
    },
    Case {
        name: "resignations_at_an_active_are_answered_in_bounds",
        always: V3_IPV4,
        more: OTHERS,
        play: flood,
    },
];

/// RFC 9568 6.4.2: priority 0 sets Active_Down_Timer to Skew_Time.
fn to_a_backup(stage: &mut Stage, ticker: &Ticker) -> Outcome {
    let mode = stage.mode;
    stage.follow(mode.higher(), STRONGER, "")?;
    stage.send(mode.higher(), STRONGER)?;
    let resigned = stage.send(mode.higher(), 0)?;
    stage.takes_over("takeover after a resignation", resigned, mode.skew(OURS), ticker)?;
    stage.node.wait_for_phase("held")?;
    // Who it was, and that it resigned.
    let source = format!("source={}", mode.higher());
    stage.is_told(&["event=transition", "from=backup", "to=acquiring", "resignation", &source], 1)
}

/// RFC 9568 6.4.3: an Active sends an advertisement at once, and starts Adver_Timer anew.
fn to_an_active(stage: &mut Stage, ticker: &Ticker) -> Outcome {
    stage.hold("")?;
    let interval = stage.mode.interval();
    stage.next_advert(now())?;
    let at = stage.send(stage.mode.higher(), 0)?;
    let answer = stage.next_advert(at)?;
    within("answer", answer - at, (Duration::ZERO, Duration::ZERO), SLACK, ticker)?;
    let next = stage.next_advert(answer + Duration::from_nanos(1))?;
    within("the next advertisement", next - answer, (interval, interval), SLACK, ticker)?;
    stage.stayed(at, ticker)
}

/// Beside an Active that goes on (DESIGN.md, deviation from RFC 9568 6.4.2, which heeds any
/// sender): the node would be Active beside it.
fn of_a_third(stage: &mut Stage, ticker: &Ticker) -> Outcome {
    let mode = stage.mode;
    stage.follow(mode.higher(), STRONGER, "")?;
    let begun = stage.send(mode.higher(), STRONGER)?;
    stage.send(mode.third(), 0)?;
    let last = stage.stream(mode.higher(), STRONGER, 4)?;
    stage.is_silent(begun, last, 0)?;
    stage.is_told(&["WARN", "resigned-by-another", &format!("source={}", mode.third())], 1)?;
    // It is still the one that is followed whose silence counts.
    let last = stage.send(mode.higher(), STRONGER)?;
    stage.send(mode.third(), 0)?;
    stage.takes_over("takeover after silence", last, mode.down(OURS), ticker)?;
    stage.node.wait_for_phase("held")
}

/// The same as a stream, 20 in a second: it neither hastens nor postpones anything, and makes one
/// line.
fn stream_of_a_third(stage: &mut Stage, ticker: &Ticker) -> Outcome {
    let mode = stage.mode;
    stage.follow(mode.higher(), STRONGER, "")?;
    let begun = stage.send(mode.higher(), STRONGER)?;
    let mut last = begun;
    for _ in 0..4 {
        stage.flood(mode.third(), 0, 20, 1)?;
        last = stage.send(mode.higher(), STRONGER)?;
    }
    stage.is_silent(begun, last, 0)?;
    stage.flood(mode.third(), 0, 20, 2)?;
    stage.takes_over("takeover after silence", last, mode.down(OURS), ticker)?;
    stage.is_told(&["WARN", "resigned-by-another", &format!("source={}", mode.third())], 1)
}

/// RFC 9568 6.4.3 has each answered; ten in an interval are (DESIGN.md, deviation), the node stays,
/// and it is said who.
fn flood(stage: &mut Stage, ticker: &Ticker) -> Outcome {
    const ANSWERS: usize = 10;
    let mode = stage.mode;
    let interval = mode.interval();
    stage.hold("")?;
    let begun = now();
    stage.flood(mode.higher(), 0, 200, 3)?;
    stage.stayed(begun, ticker)?;
    let sent: Vec<Duration> = stage.sent(begun).iter().map(|sent| sent.at).collect();
    let allowed = SLACK + ticker.worst_gap();
    // Beside the answers there is the one that was due.
    for span in sent.windows(ANSWERS + 2) {
        let took = span[ANSWERS + 1].saturating_sub(span[0]);
        check(took + allowed >= interval, format!("{} advertisements in {took:?}", ANSWERS + 2))?;
    }
    let counters = stage.state()["counters"].clone();
    let count = |name: &str| counters[name].as_u64().unwrap_or_default();
    let heard = 3 * 200 * interval.as_millis() / 1000;
    let (answered, withheld) = (count("answers_sent"), count("answers_withheld"));
    check(
        u128::from(answered + withheld) == heard && withheld > 0,
        format!("of {heard}: {counters}"),
    )?;
    stage.is_told(&["WARN", "notice=resignations", &format!("source={}", mode.higher())], 1)
}
