//! The time line of a virtual router: what it was in each piece of the last while, and where its
//! transitions were.

use std::time::Duration;

use crate::report::VirtualRouter;

/// What the time line may be long: the shortest one that has all known transitions in it.
const SPANS: [(Duration, &str); 6] = [
    (Duration::from_secs(60), "minute"),
    (Duration::from_secs(600), "10 minutes"),
    (Duration::from_secs(3600), "hour"),
    (Duration::from_secs(6 * 3600), "6 hours"),
    (Duration::from_secs(24 * 3600), "day"),
    (Duration::from_secs(7 * 24 * 3600), "week"),
];

/// What the signs of a time line mean.
pub(super) const LEGEND: &str = "# active, = on its way, - backup, x out, ^ transition";

/// A time line, from left to right.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Strip {
    /// How long it is.
    pub(super) span: &'static str,
    /// A sign for each piece: what it was at its end.
    pub(super) states: String,
    /// A mark for each piece that has a transition in it.
    pub(super) marks: String,
}

/// The time line of `router`, whose status is `age` old, in `width` pieces.
pub(super) fn strip(router: &VirtualRouter, age: Duration, width: u16) -> Strip {
    let ago =
        |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or_default().saturating_add(age);
    // The latest first.
    let transitions: Vec<(Duration, &str, &str)> = router
        .transitions
        .iter()
        .map(|it| (ago(it.seconds_ago), it.from.as_str(), it.to.as_str()))
        .collect();
    let oldest = transitions.last().map_or(Duration::ZERO, |(ago, ..)| *ago);
    let fits = SPANS.iter().find(|(span, _)| *span >= oldest);
    let (span, word) = fits.or(SPANS.last()).copied().unwrap_or_default();
    let width = u32::from(width.max(1));
    let piece = span / width;
    let (mut states, mut marks) = (String::new(), String::new());
    for place in (0..width).rev() {
        let (end, begin) = (piece * place, piece * (place + 1));
        states.push(sign(phase_at(router, &transitions, end)));
        let has_one = transitions.iter().any(|(ago, ..)| *ago >= end && *ago < begin);
        marks.push(if has_one { '^' } else { ' ' });
    }
    Strip { span: word, states, marks }
}

/// The phase that long ago; before the oldest known transition, the one that it led away from.
fn phase_at<'a>(
    router: &'a VirtualRouter,
    transitions: &[(Duration, &'a str, &'a str)],
    then: Duration,
) -> &'a str {
    let last_before = transitions.iter().find(|(ago, ..)| *ago >= then);
    match (last_before, transitions.last()) {
        (Some((_, _, to)), _) => to,
        (None, Some((_, from, _))) => from,
        (None, None) => &router.phase,
    }
}

/// What is drawn for a phase.
fn sign(phase: &str) -> char {
    match phase {
        "held" | "adopted" => '#',
        "acquiring" | "resigning" => '=',
        "backup" => '-',
        "initialize" => 'x',
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Transition;

    fn router(transitions: &[(f64, &str, &str)]) -> VirtualRouter {
        let transition = |(seconds_ago, from, to): &(f64, &str, &str)| Transition {
            at: String::new(),
            seconds_ago: *seconds_ago,
            from: (*from).to_owned(),
            to: (*to).to_owned(),
            hold: None,
            reason: String::new(),
            reason_source: None,
            reason_priority: None,
            sentence: String::new(),
        };
        VirtualRouter {
            phase: "held".to_owned(),
            transitions: transitions.iter().map(transition).collect(),
            ..VirtualRouter::default()
        }
    }

    #[test]
    fn a_time_line_ends_now() {
        let router = router(&[
            (9.0, "acquiring", "held"),
            (10.0, "backup", "acquiring"),
            (31.0, "initialize", "backup"),
        ]);
        let strip = strip(&router, Duration::ZERO, 12);
        assert_eq!(strip.span, "minute");
        // A piece is 5 s, and what it was at its end counts.
        assert_eq!(strip.states, "xxxxx----=##");
        assert_eq!(strip.marks, "     ^   ^^ ");
    }

    #[test]
    fn what_is_older_makes_it_longer() {
        for (seconds, age, span) in [
            (59.0, 0, "minute"),
            (59.0, 2, "10 minutes"),
            (3000.0, 0, "hour"),
            (1e6, 0, "week"),
            (f64::NAN, 0, "minute"),
        ] {
            let router = router(&[(seconds, "backup", "held")]);
            assert_eq!(strip(&router, Duration::from_secs(age), 10).span, span, "{seconds}");
        }
    }

    #[test]
    fn without_a_transition_it_is_what_it_is() {
        let strip = strip(&router(&[]), Duration::ZERO, 3);
        assert_eq!((&*strip.states, &*strip.marks), ("###", "   "));
        // One of no width is of one piece.
        assert_eq!(super::strip(&router(&[]), Duration::ZERO, 0).states, "#");
    }
}
