//! [`Mark`]: how an address in the kernel is known to be ours.

/// How the kernel's table says that an address is a virtual one of ours, and what is to become of
/// it.
///
/// An address is ours if its route metric (`IFA_RT_PRIORITY`, since Linux 4.18) is
/// [`metric`](Self::metric) *and* it is deprecated. Whoever makes it the host's own (`ip address
/// replace`) takes one of the two away: the metric of an IPv4 address, the deprecation of an IPv6
/// one. `IFA_PROTO` would say it too, but kernels before 5.18 forget it, and those before 6.12 or
/// so never change it on an IPv4 address. It goes along for people who look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "lab",
    expect(clippy::exhaustive_enums, reason = "what an address can be is matched on everywhere")
)]
pub enum Mark {
    /// It is held.
    Held,
    /// It is about to be handed over: nobody may adopt it.
    Leaving,
}

impl Mark {
    /// `IFA_PROTO`. The kernel's own values are below 16.
    #[must_use]
    pub const fn protocol(self) -> u8 {
        match self {
            Self::Held => 112,
            Self::Leaving => 113,
        }
    }

    /// `IFA_RT_PRIORITY`: "vrr", and the protocol. No route is made with it, since ours have
    /// `IFA_F_NOPREFIXROUTE`.
    #[must_use]
    pub const fn metric(self) -> u32 {
        let [v, r, protocol] = [b'v', b'r', self.protocol()];
        u32::from_be_bytes([v, r, r, protocol])
    }

    pub(super) fn of_metric(metric: u32) -> Option<Self> {
        [Self::Held, Self::Leaving].into_iter().find(|mark| mark.metric() == metric)
    }

    pub(super) fn of_protocol(protocol: u8) -> Option<Self> {
        [Self::Held, Self::Leaving].into_iter().find(|mark| mark.protocol() == protocol)
    }
}
