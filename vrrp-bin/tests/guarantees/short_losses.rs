//! The active node loses for a moment what it serves with: its own address, its link, its hardware
//! address.

use std::{fs, net::IpAddr, time::Duration};

use libtest_mimic::Failed;
use vrrp_net::lab::{Host, Loss, Ticker, wait_until};

use crate::{
    Case,
    figures::{Figures, late, short},
    member::{Make, ip},
    network::Network,
    play::beside,
    site::{A, B, Plan, SECOND, Site, TENTH, pass},
    support::{Outcome, SOON, check, now},
};

/// How much of a second without a link a client may notice: the time without it, and what finding
/// the node again takes.
const LINK: Duration = Duration::from_millis(150);
/// A change of the hardware address.
const MOVE: Duration = Duration::from_millis(200);
const OWN: &str = "10.0.0.1/24";

pub(crate) const CASES: &[Case] = &[
    Case::timed(
        "f01_own_address_50ms",
        "the active node's own address is gone for 50 ms, 1 s interval",
        "no transition, at most 150 ms lost",
        8,
        |ticker| brief(SECOND, &AWAY, Duration::from_millis(50), ticker),
    ),
    Case::timed(
        "f01_own_address_3s",
        "the same for 3 s",
        "handed over from the old address, at most 150 ms lost; back again without a loss",
        14,
        own_address_for_long,
    ),
    Case::timed(
        "f01_link_1s",
        "the active node's interface is down for 0.1 s, 1 s interval",
        "no transition, at most 150 ms lost",
        8,
        |ticker| brief(SECOND, &DOWN, TENTH, ticker),
    ),
    Case::timed(
        "f01_link_100ms",
        "the same, 100 ms interval",
        "no transition, at most 150 ms lost",
        4,
        |ticker| brief(TENTH, &DOWN, TENTH, ticker),
    ),
    Case::timed(
        "f01_ipv6_source_tentative",
        "IPv6: the active node's own link-local address is gone for 50 ms, and tentative for 3 s, \
         1 s interval",
        "handed over from the old address, at most 150 ms lost; back again without a loss",
        16,
        tentative,
    ),
    Case::timed(
        "f02_mac_change",
        "the active node's interface gets another MAC address, 1 s interval",
        "announced at once, less than 0.2 s lost",
        8,
        other_mac,
    ),
];

/// How something goes, and how it comes back: what `ip` is told.
struct Change {
    away: &'static str,
    back: &'static str,
}

const AWAY: Change =
    Change { away: "address del 10.0.0.1/24 dev eth0", back: "address add 10.0.0.1/24 dev eth0" };
const DOWN: Change = Change { away: "link set eth0 down", back: "link set eth0 up" };

impl Change {
    fn away(&self, host: &Host) -> Outcome {
        ip(host, self.away)
    }

    fn back(&self, host: &Host) -> Outcome {
        ip(host, self.back)
    }
}

/// What a loss did.
struct Seen {
    loss: Loss,
    /// How often anybody became active because of it.
    transitions: usize,
    announced: usize,
    /// Whether the client is served again.
    is_served: bool,
}

/// Something goes, and is back after `lasts`.
fn brief(
    interval: Duration,
    change: &'static Change,
    lasts: Duration,
    ticker: &Ticker,
) -> Result<Figures, Failed> {
    let seen = beside(&Plan::pair(interval), |site| {
        site.elect()?;
        site.after_advert(A, interval / 4)?;
        watch(site, 4 * interval, |host| {
            let begun = now();
            change.away(host)?;
            pass(begun + lasts);
            change.back(host)
        })
    })?;
    seen.judge(|seen| is_short(seen, LINK, ticker), tell)
}

fn other_mac(ticker: &Ticker) -> Result<Figures, Failed> {
    let seen = beside(&Plan::pair(SECOND), |site| {
        site.elect()?;
        // The bursts of the election are over: what is announced now is because of the change.
        pass(now() + 6 * SECOND);
        site.after_advert(A, SECOND / 4)?;
        watch(site, 2 * SECOND, |host| ip(host, "link set eth0 address 02:00:00:00:77:01"))
    })?;
    seen.judge(|seen| is_short(seen, MOVE, ticker), tell)
}

fn watch(
    site: &mut Site,
    settles: Duration,
    change: impl FnOnce(&Host) -> Outcome,
) -> Result<Seen, Failed> {
    let (mark, begun) = (site.client.mark(), now());
    let before =
        site.members.iter().map(|member| transitions(member.make, &member.log())).sum::<usize>();
    change(&site.members[A].node.host)?;
    let announced = || site.announcements(A, begun, now());
    wait_until(settles, || announced() > 0);
    // What follows from it in the next intervals counts, too.
    pass(begun + settles.max(site.plan.active_down(B)));
    // A client that nobody tells of a change may find it out after half a minute, which nobody
    // waits for here.
    let known = site.loss_since(mark);
    let is_served = known.is_ok();
    let loss = known.unwrap_or_else(|_| site.client.between(mark, site.client.mark()));
    let after =
        site.members.iter().map(|member| transitions(member.make, &member.log())).sum::<usize>();
    Ok(Seen { loss, transitions: after - before, announced: announced(), is_served })
}

/// How often a node said that it became active or left that.
fn transitions(make: Make, log: &str) -> usize {
    let words: &[&str] = match make {
        Make::Ours => &["event=transition"],
        Make::Keepalived => {
            &["Entering MASTER STATE", "Entering BACKUP STATE", "Entering FAULT STATE"]
        }
    };
    log.lines().filter(|line| words.iter().any(|word| line.contains(word))).count()
}

fn is_short(seen: &Seen, most: Duration, ticker: &Ticker) -> Outcome {
    check(seen.is_served, "the client is not served any more")?;
    check(seen.transitions == 0, format!("{} transitions", seen.transitions))?;
    let allowed = most + late(ticker);
    let gap = seen.loss.longest_gap;
    check(
        gap <= allowed,
        format!("the client was cut off for {}, allowed {}", short(gap), short(allowed)),
    )
}

fn tell(seen: &Seen) -> String {
    let Seen { loss, transitions, announced, is_served } = seen;
    let gap = short(loss.longest_gap);
    let still = if *is_served { "" } else { ", when the test ended" };
    format!("client cut off for {gap}{still}; {transitions} transitions, {announced} announcements")
}

/// What came of an address that was away for three seconds.
struct Long {
    away: Loss,
    back: Loss,
}

fn own_address_for_long(ticker: &Ticker) -> Result<Figures, Failed> {
    let seen = beside(&Plan::pair(SECOND), |site| {
        site.elect()?;
        site.after_advert(A, SECOND / 4)?;
        let mark = site.client.mark();
        let host = &site.members[A].node.host;
        ip(host, &format!("address del {OWN} dev eth0"))?;
        pass(now() + 3 * SECOND);
        let away = site.loss_since(mark)?;
        let mark = site.client.mark();
        ip(&site.members[A].node.host, &format!("address add {OWN} dev eth0"))?;
        check(wait_until(SOON, || site.holders() == ["a"]), "the address did not come back to a")?;
        pass(now() + SECOND);
        Ok(Long { away, back: site.loss_since(mark)? })
    })?;
    seen.judge(
        |Long { away, back }| {
            let allowed = LINK + late(ticker);
            for (what, loss) in [("away", away), ("back", back)] {
                let gap = loss.longest_gap;
                check(
                    gap <= allowed,
                    format!("{what}: the client was cut off for {}", short(gap)),
                )?;
            }
            Ok(())
        },
        |Long { away, back }| {
            format!(
                "client cut off for {} while it is away, {} when it is back",
                short(away.longest_gap),
                short(back.longest_gap)
            )
        },
    )
}

/// What came of a source that is back, and cannot be used for some time.
struct Tentative {
    /// Whether the node resigned from the address that was gone.
    resigned: bool,
    /// By how much more than 50 ms that address was gone.
    longer: Duration,
    loss: Loss,
}

fn tentative(ticker: &Ticker) -> Result<Figures, Failed> {
    let seen = beside(&Plan::pair(SECOND).by(Network::Ipv6), |site| {
        site.elect()?;
        let host = &site.members[A].node.host;
        // Detection takes three seconds, and is not taken part in by a lab as a rule.
        for (setting, value) in [("accept_dad", "1"), ("dad_transmits", "3")] {
            host.run(|| fs::write(format!("/proc/sys/net/ipv6/conf/eth0/{setting}"), value))??;
        }
        let own = site.members[A].link_local()?;
        site.after_advert(A, SECOND / 4)?;
        let (mark, begun) = (site.client.mark(), now());
        let host = &site.members[A].node.host;
        ip(host, &format!("address del {own}/64 dev eth0"))?;
        pass(begun + TENTH / 2);
        ip(host, &format!("address add {own}/64 dev eth0"))?;
        // A busy machine takes its time to start `ip`, and nobody is served meanwhile.
        let longer = now().saturating_sub(begun + TENTH / 2);
        let resigned = || {
            site.capture.frames().iter().any(|frame| {
                let is_from = frame.vrrp().is_some_and(|vrrp| vrrp.source == IpAddr::V6(own));
                frame.at >= begun && is_from && site.members[A].said(frame) == Some(0)
            })
        };
        let resigned = wait_until(Duration::from_secs(2), resigned);
        pass(begun + 4 * SECOND);
        wait_until(SOON, || site.holders() == ["a"]);
        pass(now() + SECOND);
        Ok(Tentative { resigned, longer, loss: site.loss_since(mark)? })
    })?;
    seen.judge(
        |Tentative { resigned, longer, loss }| {
            check(*resigned, "it did not resign from the old address")?;
            let gap = loss.longest_gap;
            check(
                gap <= LINK + *longer + late(ticker),
                format!("the client was cut off for {}", short(gap)),
            )
        },
        |Tentative { resigned, loss, .. }| {
            let said = if *resigned { "resigned" } else { "did not resign" };
            format!(
                "it {said} from the old address; client cut off for {}",
                short(loss.longest_gap)
            )
        },
    )
}
