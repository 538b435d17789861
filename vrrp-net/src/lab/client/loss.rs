//! [`Loss`]: what became of the packets of a client.

use std::{fmt, time::Duration};

/// How long a packet may take to be answered before it counts as lost.
pub(super) const GRACE: Duration = Duration::from_millis(200);

/// One packet; times as [`now`](crate::lab::now) gives them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probe {
    pub(super) sent: Duration,
    pub(super) answered: Option<Duration>,
    pub(super) replies: u64,
}

/// What became of the packets that a [`Client`](super::Client) sent in some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loss {
    /// How many were sent.
    pub sent: u64,
    /// How many were answered.
    pub answered: u64,
    /// How many were not, and will not be: they are older than 200 ms, or the client has stopped.
    pub lost: u64,
    /// How many may still be answered.
    pub pending: u64,
    /// How many replies came for packets that had been answered before.
    pub duplicates: u64,
    /// The longest time without a reply: between two replies, from the first packet to the first
    /// reply, or from the last reply to the end (the first packet after these, or now, or the last
    /// packet once the client has stopped).
    pub longest_gap: Duration,
    /// How long after the first packet the first reply came, if one came.
    pub first_reply: Option<Duration>,
}

/// Judges `probes`: `end` is when the next packet was sent, `now` is `MAX` when no reply can come
/// any more.
pub(super) fn judge(probes: &[Probe], end: Duration, now: Duration) -> Loss {
    let (Some(first), Some(last)) = (probes.first(), probes.last()) else { return Loss::default() };
    let mut loss = Loss::default();
    for probe in probes {
        loss.sent += 1;
        loss.duplicates += probe.replies.saturating_sub(1);
        match probe.answered {
            Some(_) => loss.answered += 1,
            None if now < probe.sent.saturating_add(GRACE) => loss.pending += 1,
            None => loss.lost += 1,
        }
    }
    let mut replies: Vec<Duration> = probes.iter().filter_map(|probe| probe.answered).collect();
    replies.sort_unstable();
    loss.first_reply = replies.first().map(|reply| reply.saturating_sub(first.sent));
    let end = if end == Duration::MAX { last.sent } else { end };
    let mut before = first.sent;
    for moment in replies.into_iter().chain([end]) {
        loss.longest_gap = loss.longest_gap.max(moment.saturating_sub(before));
        before = moment;
    }
    loss
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, lost, longest_gap, .. } = self;
        write!(
            f,
            "{sent} sent, {lost} lost, longest gap {:.1} ms",
            longest_gap.as_secs_f64() * 1_000.0
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(sent: u64, answered: Option<u64>) -> Probe {
        let replies = u64::from(answered.is_some());
        Probe {
            sent: Duration::from_millis(sent),
            answered: answered.map(Duration::from_millis),
            replies,
        }
    }

    #[test]
    fn an_unanswered_packet_is_lost_once_it_is_old() {
        let probes = [probe(0, Some(1)), probe(10, None), probe(300, None)];
        let loss = judge(&probes, Duration::from_millis(400), Duration::from_millis(400));
        assert_eq!((loss.sent, loss.answered, loss.lost, loss.pending), (3, 1, 1, 1));
        let loss = judge(&probes, Duration::MAX, Duration::MAX);
        assert_eq!((loss.lost, loss.pending), (2, 0));
    }

    #[test]
    fn the_longest_gap_counts_the_ends() {
        let gap = |probes: &[Probe], end| {
            judge(probes, Duration::from_millis(end), Duration::MAX).longest_gap
        };
        let middle = [probe(0, Some(1)), probe(10, None), probe(20, Some(31)), probe(30, Some(32))];
        assert_eq!(gap(&middle, 40), Duration::from_millis(30));
        let begin = [probe(0, None), probe(50, Some(51))];
        assert_eq!(gap(&begin, 60), Duration::from_millis(51));
        assert_eq!(
            judge(&begin, Duration::MAX, Duration::MAX).first_reply,
            Some(Duration::from_millis(51))
        );
        let end = [probe(0, Some(1)), probe(50, None)];
        assert_eq!(gap(&end, 101), Duration::from_millis(100));
        assert_eq!(judge(&[], Duration::ZERO, Duration::ZERO), Loss::default());
    }
}
