//! A file of keepalived's, read by keepalived on two hosts, and by keepalived on one and this program
//! on the other: they elect, fail over and come back in the same way. What differs is listed with its
//! reason.

mod compare;
mod file;
mod left_behind;
mod look;
mod play;
mod rolling;
mod site;
mod table;

use std::time::Duration;

use libtest_mimic::Trial;
use vrrp_net::lab::Keepalived;

use self::{compare::Difference, file::File};
use crate::support::timed;

/// What goes wrong with the stronger host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    /// Its program is killed.
    Kill,
    /// Its program is asked to stop.
    Stop,
    /// The cable of eth0 is pulled out.
    Unplug,
    /// The cable of eth1 is.
    UnplugOther,
    /// What its program tracks fails.
    Ill,
}

/// A part of what is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The stronger host starts, and then the other one.
    Start,
    /// The stronger one fails.
    Failure,
    /// It is well again.
    Return,
    /// Whoever is active stops.
    Stop,
    /// The other one stops, too.
    End,
}

impl Stage {
    const ALL: [Self; 5] = [Self::Start, Self::Failure, Self::Return, Self::Stop, Self::End];

    const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Failure => "failure",
            Self::Return => "return",
            Self::Stop => "stop",
            Self::End => "end",
        }
    }
}

/// A configuration, and what is done with it.
struct Case {
    name: &'static str,
    file: File,
    /// The virtual address that tells who is active.
    address: &'static str,
    vrids: &'static [u8],
    interval: Duration,
    failure: Failure,
    /// Whether the other host becomes active then.
    fails_over: bool,
    /// Whether the stronger host becomes active again.
    comes_back: bool,
    /// Whether it is played where not everything is.
    is_short: bool,
    differences: &'static [Difference],
}

impl Case {
    /// By how much longer or shorter than keepalived's pair a change may take: the two notice a
    /// failure at another time of an interval, run their scripts at other times of a second, and the
    /// kernel tells of a cable once a second at most (its linkwatch).
    fn tolerance(&self) -> Duration {
        let check = match self.failure {
            Failure::Ill | Failure::Unplug | Failure::UnplugOther => 1500,
            Failure::Kill | Failure::Stop => 500,
        };
        self.interval + Duration::from_millis(check)
    }
}

pub(crate) fn tests(everything: bool) -> Vec<Trial> {
    let missing = Keepalived::missing().or_else(site::missing);
    if let Some(reason) = &missing {
        println!("skipped: keepalived's files beside keepalived: {reason}");
    }
    let played = table::CASES.iter().filter(|case| everything || case.is_short);
    let trials = played.map(|case| {
        let name = format!("same_file_{}", case.name);
        timed(name, |ticker| play::play(case, ticker))
    });
    let all = trials
        .chain(everything.then(|| [left_behind::test(), rolling::test()]).into_iter().flatten());
    all.map(|trial| if missing.is_some() { trial.with_ignored_flag(true) } else { trial }).collect()
}
