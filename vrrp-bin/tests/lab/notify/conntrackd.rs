//! A TCP connection through the NAT of two routers goes on after a failover, where conntrackd
//! commits what it knows before the address is put; without that it is lost.

mod site;

use std::env;

use libtest_mimic::{Completion, Trial};

use self::site::{Site, missing};
use crate::support::{Outcome, milliseconds};

pub(super) fn tests() -> Vec<Trial> {
    let plays = [
        ("notify_of_conntrackd_keeps_a_connection_through_nat", true),
        ("notify_without_conntrackds_commit_loses_a_connection_through_nat", false),
    ];
    let trial = |(name, commits): (&'static str, bool)| {
        Trial::ignorable_test(name, move || {
            let is_asked_for = env::args().any(|argument| argument.contains("conntrackd"));
            if env::var_os("VRRP_TEST_ALL").is_none() && !is_asked_for {
                let why = "VRRP_TEST_ALL is not set (./test --all sets it)";
                return Ok(Completion::ignored_with(why));
            }
            if let Some(reason) = missing() {
                return Ok(Completion::ignored_with(reason));
            }
            play(commits)?;
            Ok(Completion::Completed)
        })
    };
    plays.map(trial).into()
}

fn play(commits: bool) -> Outcome {
    let mut site = Site::new(commits)?;
    let mut connection = site.connect()?;
    connection.echoes()?;
    site.knows(&connection)?;
    site.crash()?;
    if commits {
        let lasted = connection.goes_on()?;
        println!("the client was answered {} after the crash", milliseconds(lasted));
    } else {
        connection.is_lost()?;
    }
    site.is_taken_over()?;
    // The way itself is there, with conntrackd's commit and without.
    site.connect()?.echoes()
}
