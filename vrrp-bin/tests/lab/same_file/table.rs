//! The configurations, and what differs in each.

use std::time::Duration;

use super::{
    Case, Failure,
    compare::{Difference, Only},
    file::File,
};

const SECOND: Duration = Duration::from_secs(1);

const fn milliseconds(number: u64) -> Duration {
    Duration::from_millis(number)
}

/// One virtual router with 10.0.0.100, whose stronger host comes back, at an interval.
const fn case(name: &'static str, file: &'static str, interval: Duration) -> Case {
    Case {
        name,
        file: File(file),
        address: "10.0.0.100",
        vrids: &[51],
        interval,
        failure: Failure::Stop,
        fails_over: true,
        comes_back: true,
        is_short: false,
        differences: &[],
    }
}

const fn here(line: &'static str, why: &'static str) -> Difference {
    Difference { only: Only::Here, line, why }
}

const fn there(line: &'static str, why: &'static str) -> Difference {
    Difference { only: Only::There, line, why }
}

const LAST_WORD: &str = "who yields advertises once more, so that the winner tells the neighbours";
const HOP_LIMIT: &str = "a hop limit of 255 (RFC 9568 5.1.2.3), in unicast, too";
const NO_ROUTE: &str = "the kernel makes no route of an address of ours";

pub(super) const CASES: &[Case] = &[
    Case { failure: Failure::Kill, ..case("plain", include_str!("files/plain.conf"), SECOND) },
    Case {
        failure: Failure::Kill,
        comes_back: false,
        ..case("nopreempt", include_str!("files/nopreempt.conf"), SECOND)
    },
    Case {
        failure: Failure::Unplug,
        vrids: &[61],
        ..case("preempt_delay", include_str!("files/preempt_delay.conf"), milliseconds(200))
    },
    Case {
        is_short: true,
        ..case("unicast_ipv4", include_str!("files/unicast_ipv4.conf"), SECOND)
    },
    Case {
        failure: Failure::Kill,
        address: "fd00::100",
        vrids: &[66],
        differences: &[here("* TTL 255 *", HOP_LIMIT), there("* TTL 64 *", HOP_LIMIT)],
        ..case("unicast_ipv6", include_str!("files/unicast_ipv6.conf"), SECOND)
    },
    Case {
        failure: Failure::Kill,
        address: "fd00::100",
        differences: &[there("* route unicast fe80::100 dev eth0 metric 256", NO_ROUTE)],
        ..case("multicast_ipv6", include_str!("files/multicast_ipv6.conf"), milliseconds(500))
    },
    Case {
        failure: Failure::Kill,
        vrids: &[7],
        is_short: true,
        ..case("fast", include_str!("files/fast.conf"), milliseconds(100))
    },
    case("password", include_str!("files/password.conf"), SECOND),
    Case {
        failure: Failure::UnplugOther,
        vrids: &[51, 52],
        is_short: true,
        differences: &[here("* MASTER_RX_LOWER_PRI 150", LAST_WORD)],
        ..case("sync_group", include_str!("files/sync_group.conf"), milliseconds(200))
    },
    Case {
        failure: Failure::Ill,
        ..case("script_weight", include_str!("files/script_weight.conf"), SECOND)
    },
    Case {
        failure: Failure::Ill,
        is_short: true,
        ..case("script_fault", include_str!("files/script_fault.conf"), milliseconds(200))
    },
    Case {
        failure: Failure::UnplugOther,
        ..case("track_interface", include_str!("files/track_interface.conf"), milliseconds(300))
    },
    Case {
        failure: Failure::UnplugOther,
        ..case("track_interface_weight", include_str!("files/track_interface_weight.conf"), SECOND)
    },
    Case {
        failure: Failure::Ill,
        ..case("track_file", include_str!("files/track_file.conf"), SECOND)
    },
    Case {
        failure: Failure::Ill,
        ..case("track_process", include_str!("files/track_process.conf"), SECOND)
    },
    Case {
        ..case("other_interface", include_str!("files/other_interface.conf"), milliseconds(200))
    },
    Case {
        failure: Failure::Kill,
        ..case("excluded", include_str!("files/excluded.conf"), milliseconds(300))
    },
    Case {
        failure: Failure::Kill,
        ..case("routes", include_str!("files/routes.conf"), milliseconds(200))
    },
    Case {
        failure: Failure::Unplug,
        is_short: true,
        ..case("notify", include_str!("files/notify.conf"), milliseconds(200))
    },
    Case {
        failure: Failure::Ill,
        vrids: &[52],
        differences: &[here("* MASTER_RX_LOWER_PRI *", LAST_WORD)],
        ..case("notify_fifo", include_str!("files/notify_fifo.conf"), milliseconds(300))
    },
    Case {
        vrids: &[53, 54],
        ..case("include", include_str!("files/include.conf"), milliseconds(200))
    },
    Case {
        failure: Failure::Ill,
        ..case("quotes", include_str!("files/quotes.conf"), milliseconds(200))
    },
    Case {
        failure: Failure::Kill,
        ..case("garp", include_str!("files/garp.conf"), milliseconds(200))
    },
    Case {
        failure: Failure::Ill,
        ..case("script_defaults", include_str!("files/script_defaults.conf"), milliseconds(200))
    },
    Case {
        failure: Failure::Ill,
        ..case("script_slow", include_str!("files/script_slow.conf"), milliseconds(200))
    },
    Case {
        failure: Failure::Ill,
        vrids: &[51, 52],
        fails_over: false,
        ..case("group_weight", include_str!("files/group_weight.conf"), milliseconds(200))
    },
    Case {
        failure: Failure::Ill,
        ..case("track_file_fault", include_str!("files/track_file_fault.conf"), milliseconds(200))
    },
    Case { ..case("escaped_quotes", include_str!("files/escaped_quotes.conf"), milliseconds(200)) },
    case("owner", include_str!("files/owner.conf"), milliseconds(200)),
    Case {
        failure: Failure::Kill,
        comes_back: false,
        ..case("equal", include_str!("files/equal.conf"), SECOND)
    },
];
