//! [`Reasons`]: how often a virtual router changed its phase, by what led to it.

use vrrp_core::Reason;

/// How often a virtual router changed its phase since its start, by what led to it. Nothing that is
/// configured meanwhile changes a count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reasons([u64; Reason::ALL.len()]);

impl Reasons {
    /// Returns each reason by its word ([`Reason::as_str`]) with its count, zeros included, in a
    /// fixed order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + use<'_> {
        Reason::ALL.into_iter().map(Reason::as_str).zip(self.0.iter().copied())
    }

    /// Returns how often this reason led to another phase.
    #[must_use]
    pub fn of(&self, reason: Reason) -> u64 {
        let mut counts = Reason::ALL.into_iter().zip(&self.0);
        counts.find(|(own, _)| *own == reason).map_or(0, |(_, count)| *count)
    }

    pub(crate) fn count(&mut self, reason: Reason) {
        let mut counts = Reason::ALL.into_iter().zip(&mut self.0);
        if let Some((_, count)) = counts.find(|(own, _)| *own == reason) {
            *count = count.wrapping_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_count_of_its_own_under_its_word() {
        let mut reasons = Reasons::default();
        for (times, reason) in (1..).zip(Reason::ALL) {
            (0..times).for_each(|_| reasons.count(reason));
            assert_eq!(reasons.of(reason), times);
        }
        let expected = Reason::ALL.into_iter().map(Reason::as_str).zip(1..);
        assert!(reasons.iter().eq(expected), "{reasons:?}");
    }
}
