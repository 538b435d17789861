//! A host with ten thousand addresses, and another one that comes and goes as fast as the kernel
//! can: what is left of the schedule at the shortest interval. Measured, and compared with the same
//! flood next door: not run by default, since it takes the whole machine (`cargo test -p vrrp-bin
//! --test lab -- a8_ --include-ignored`).

use std::time::Duration;

use libtest_mimic::Trial;
use tempfile::TempDir;
use vrrp_net::lab::{Capture, Host, Switch, Ticker, wait_until};

use crate::crowd::{self, Flood};
use crate::support::{Node, Outcome, adverts, check, milliseconds, now, timed_alone};

const INTERVAL: Duration = Duration::from_millis(10);
/// For how long advertisements are counted.
const COUNTED: Duration = Duration::from_secs(5);

pub(crate) fn tests() -> Vec<Trial> {
    vec![timed_alone("a8_a_flood_of_changes_elsewhere_on_the_host", flood).with_ignored_flag(true)]
}

fn flood(_: &Ticker) -> Outcome {
    let folder = TempDir::with_prefix("vrrp-test-")?;
    let switch = Switch::new()?;
    let capture = Capture::start(&switch)?;
    let mut node = Node::new("a", &switch, &["10.0.0.1/24"], folder.path())?;
    let next_door = Host::new("next")?;
    for host in [&node.host, &next_door] {
        crowd::fill(host)?;
    }
    node.start(&format!(
        "[[virtual_router]]\nname = \"web\"\ninterface = \"eth0\"\nvrid = 51\naddresses = \
         [\"10.0.0.100/24\"]\n\
         interval = \"{}ms\"\n",
        INTERVAL.as_millis()
    ))?;
    node.wait_for_phase("held")?;
    let mut kept = [0, 0];
    for _ in 0..3 {
        for (kept, (what, host)) in
            kept.iter_mut().zip([("here", &node.host), ("next door", &next_door)])
        {
            let flood = Flood::start(host, Duration::ZERO)?;
            let begun = now();
            wait_until(COUNTED, || false);
            let sent = adverts(&capture, node.mac, begun);
            let gaps = sent.windows(2).filter_map(|pair| Some(*pair.last()? - *pair.first()?));
            let (count, worst) = (sent.len(), gaps.max().unwrap_or(COUNTED));
            let changes = flood.stop()?;
            println!(
                "a flood {what}: {count} of {} advertisements, worst gap {}, {} pairs of changes a \
                 second",
                COUNTED.as_millis() / INTERVAL.as_millis(),
                milliseconds(worst),
                changes / u32::try_from(COUNTED.as_secs())?
            );
            *kept += count;
        }
    }
    let [here, next_door] = kept;
    check(
        here * 10 >= next_door * 9,
        format!("{here} advertisements, and {next_door} with the flood next door"),
    )
}
