//! A healthy peer that dies or stops leaves no rival behind.

use libtest_mimic::Trial;
use vrrp_net::lab::{Signal, wait_until};

use super::{INTERVAL, LATE, config, said};
use crate::support::{Node, Outcome, Pair, SOON, check, timed};

/// How a peer goes.
type Stop = fn(&mut Node) -> Outcome;

pub(super) fn tests() -> Vec<Trial> {
    let stops: [(&str, Stop, bool); 4] = [
        ("crash", crash, true),
        ("term", |node| node.signal(Signal::SIGTERM), true),
        ("drain", drain, true),
        ("restart", restart, false),
    ];
    let trial = |(name, stop, is_followed): (&str, Stop, bool)| {
        timed(format!("no_rival_after_a_{name}"), move |_| goes(stop, is_followed))
    };
    stops.into_iter().map(trial).collect()
}

/// At the default interval, and while the address is used: its kernel asks for its neighbours.
fn goes(stop: Stop, is_followed: bool) -> Outcome {
    let mut pair = Pair::new()?;
    pair.a.start(&config(200, ""))?;
    pair.a.wait_for_phase("held")?;
    pair.b.start(&config(100, ""))?;
    pair.b.wait_for_phase("backup")?;
    let follows = || pair.b.router(0)["active_peer"] == "10.0.0.1";
    check(wait_until(SOON, follows), "b does not follow a")?;
    stop(&mut pair.a)?;
    pair.b.wait_for_phase(if is_followed { "held" } else { "backup" })?;
    // As long as it takes to be certain, and to ask three times.
    wait_until(5 * INTERVAL + LATE, || !said(&pair.b).is_empty());
    for node in [&pair.a, &pair.b] {
        check(said(node).is_empty(), format!("{}: {:#?}", node.name, said(node)))?;
    }
    Ok(())
}

fn crash(node: &mut Node) -> Outcome {
    node.process()?.kill()?;
    Ok(())
}

fn drain(node: &mut Node) -> Outcome {
    let output = node.ask(&["drain", "web"])?;
    check(output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn restart(node: &mut Node) -> Outcome {
    crash(node)?;
    node.start(&config(200, ""))?;
    node.wait_for_phase("adopted")
}
