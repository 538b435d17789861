//! What goes and comes back as it was takes the memberships in groups along, and a socket does not
//! notice.

use std::process::Command;

use libtest_mimic::{Failed, Trial};
use vrrp_core::MacAddr;
use vrrp_net::lab::{Host, Signal, Ticker, wait_until};

use super::{Family, counter, ip, settle, settled, wait_for_hold};
use crate::support::{Outcome, Pair, SOON, check, timed};

/// So many advertisements are heard only by a backup that hears: one that does not takes over
/// before.
const MANY: u64 = 10;

pub(super) fn tests() -> Vec<Trial> {
    vec![
        timed("a2_ipv6_is_heard_after_the_mtu_was_too_small", |_| small_mtu(Looks::Between)),
        timed("a2_ipv6_is_heard_after_the_mtu_was_too_small_for_a_moment", |_| {
            small_mtu(Looks::After)
        }),
        timed("a3_an_interface_that_left_and_returned_hears", left_and_returned),
    ]
}

/// When the program looks at what happens: the kernel tells it at once, unless it is stopped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Looks {
    Between,
    After,
}

impl Looks {
    /// Runs `change` on the backup.
    fn during(self, pair: &mut Pair, change: impl FnOnce(&Pair) -> Outcome) -> Outcome {
        if self == Self::After {
            pair.b.signal(Signal::SIGSTOP)?;
        }
        let changed = change(pair);
        pair.b.signal(Signal::SIGCONT)?;
        changed
    }
}

/// The backup goes on to hear the Active, and stays what it is.
fn hears(pair: &Pair, address: &str) -> Outcome {
    let heard = || counter(&pair.b.router(0), "adverts_received");
    let before = heard();
    let hears = wait_until(SOON, || heard() >= before + MANY);
    check(hears, format!("b heard {} advertisements after {before}\n{}", heard(), pair.b.log()))?;
    settled(pair)?;
    check(!pair.b.has_address(address)?, format!("b holds {address}\n{}", pair.b.log()))
}

/// Below 1280 octets the kernel gives up IPv6 on an interface (RFC 8200 5), and all that belongs to
/// it.
fn small_mtu(looks: Looks) -> Outcome {
    let mut pair = Pair::new()?;
    settle(&mut pair, |priority| Family::Ipv6.config(priority))?;
    looks.during(&mut pair, |pair| {
        ip(&pair.b.host, "link set eth0 mtu 1000")?;
        if looks == Looks::Between {
            wait_for_hold(&pair.b, "no-source-address")?;
        }
        ip(&pair.b.host, "link set eth0 mtu 1500")?;
        ip(&pair.b.host, "address add fd00::2/64 dev eth0 nodad")
    })?;
    hears(&pair, "fd00::100")
}

/// Into another network namespace and back, with its index and its MAC address.
fn left_and_returned(_: &Ticker) -> Outcome {
    let mut pair = Pair::new()?;
    settle(&mut pair, |priority| Family::Ipv4.config(priority))?;
    let away = Host::new("away")?;
    let mut sleep = Command::new("sleep");
    sleep.arg("1000");
    let guest = away.spawn(sleep)?;
    let pid = pair.b.process()?.pid();
    let before = index_and_mac(&pair)?;
    Looks::After.during(&mut pair, |pair| {
        ip(&pair.b.host, &format!("link set eth0 netns {} name m0", guest.pid()))?;
        ip(&away, &format!("link set m0 netns {pid} name eth0"))?;
        ip(&pair.b.host, "link set eth0 up")?;
        ip(&pair.b.host, "address add 10.0.0.2/24 dev eth0")?;
        check(index_and_mac(pair)? == before, "it did not return as it was")
    })?;
    hears(&pair, "10.0.0.100")
}

fn index_and_mac(pair: &Pair) -> Result<(u32, MacAddr), Failed> {
    let index = pair.b.host.run(|| nix::net::if_::if_nametoindex("eth0"))??;
    Ok((index, pair.b.cable.mac()?))
}
