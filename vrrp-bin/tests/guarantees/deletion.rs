//! Somebody deletes the address under the active node.

use std::time::Duration;

use libtest_mimic::Failed;
use nix::net::if_::if_nametoindex;
use vrrp_core::Cidr;
use vrrp_net::{
    lab::{Loss, Ticker, wait_until},
    netlink::{Socket, addresses},
};

use crate::{
    Case,
    figures::{Figures, at_most, late, short},
    member::{ADDRESS, Make, Member},
    play::{alone, beside},
    site::{A, B, Plan, SECOND, Site, TENTH, pass},
    support::{Outcome, SOON, check, milliseconds, now},
};

/// How soon a deleted address has to be back.
const BACK: Duration = Duration::from_millis(20);
/// For how long somebody goes on: seldom, and without end.
const SELDOM: Duration = Duration::from_secs(3);
const TIMES: u32 = 5;
const FIGHT: Duration = Duration::from_secs(9);
/// More than one deletion a second for so long is a fight.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) const CASES: &[Case] = &[
    Case::timed(
        "delete_1s",
        "somebody deletes the address, 1 s interval",
        "back in under 20 ms, no transition",
        7,
        |ticker| deleted(SECOND, ticker),
    ),
    Case::timed(
        "delete_100ms",
        "somebody deletes the address, 100 ms interval",
        "back in under 20 ms, no transition",
        3,
        |ticker| deleted(TENTH, ticker),
    ),
    Case::timed(
        "delete_seldom",
        "the address is deleted once in 3 s, five times",
        "back in under 20 ms each time, no transition",
        21,
        seldom,
    ),
    Case::timed(
        "fight_peer",
        "the address is deleted ten times a second for 9 s, a peer is there",
        "the peer has it after 5 s of that, and keeps it",
        16,
        fight_beside_a_peer,
    ),
    Case::timed(
        "fight_lone",
        "the same on a lone node",
        "it goes on repairing, once a second",
        16,
        fight_alone,
    ),
];

/// What a deletion did.
struct Deletion {
    /// How long nobody had the address.
    gone: Duration,
    /// What the client lost.
    loss: Loss,
    /// How often anybody became active because of it.
    transitions: u64,
}

fn deleted(interval: Duration, ticker: &Ticker) -> Result<Figures, Failed> {
    let seen = beside(&Plan::pair(interval), |site| {
        site.elect()?;
        delete_once(site)
    })?;
    seen.judge(|deletion| is_repaired(deletion, ticker), tell)
}

fn seldom(ticker: &Ticker) -> Result<Figures, Failed> {
    let seen = beside(&Plan::pair(SECOND), |site| {
        site.elect()?;
        let begun = now();
        let mut deletions = Vec::new();
        for number in 0..TIMES {
            pass(begun + number * SELDOM);
            deletions.push(delete_once(site)?);
        }
        Ok(deletions)
    })?;
    seen.judge(
        |deletions| deletions.iter().try_for_each(|deletion| is_repaired(deletion, ticker)),
        |deletions| {
            let lost: u64 = deletions.iter().map(|deletion| deletion.loss.lost).sum();
            let transitions: u64 = deletions.iter().map(|deletion| deletion.transitions).sum();
            let gone = deletions.iter().map(|deletion| deletion.gone).max().unwrap_or_default();
            let gone = milliseconds(gone);
            format!("back after {gone} at worst; {lost} ms lost in all; {transitions} transitions")
        },
    )
}

fn is_repaired(deletion: &Deletion, ticker: &Ticker) -> Outcome {
    let Deletion { gone, loss, transitions } = deletion;
    let allowed = BACK + late(ticker);
    check(
        *gone < allowed,
        format!("nobody had the address for {}, allowed {}", short(*gone), short(allowed)),
    )?;
    check(*transitions == 0, format!("{transitions} transitions"))?;
    let most = u64::try_from(allowed.as_millis())?;
    check(loss.lost <= most, format!("the client lost packets: {loss}, allowed {most}"))
}

fn tell(deletion: &Deletion) -> String {
    let Deletion { gone, loss, transitions } = deletion;
    format!("back after {}; {} ms lost; {transitions} transitions", milliseconds(*gone), loss.lost)
}

fn delete_once(site: &Site) -> Result<Deletion, Failed> {
    let holder =
        site.members.iter().find(|member| member.holds()).ok_or("nobody has the address")?;
    let before = changes(holder)?;
    let (mark, begun) = (site.client.mark(), now());
    delete(holder)?;
    let gone = holder.wait_for_loss(begun)?;
    // Whoever has it next.
    let mut back = None;
    wait_until(SOON, || {
        let held = site.members.iter().flat_map(|member| member.watch.held());
        back = held.map(|held| held.from).filter(|from| *from >= gone).min();
        back.is_some()
    });
    let back = back.ok_or("nobody got the address back")?;
    let loss = site.loss_since(mark)?;
    // Long enough for another to take over and for this one to return.
    pass(begun + site.plan.active_down(B) / 2);
    let transitions = changes(holder)? - before + site.adverts(B, begun).min(1) as u64;
    Ok(Deletion { gone: back - gone, loss, transitions })
}

/// How often this node has become something else, as far as it says.
fn changes(member: &Member) -> Result<u64, Failed> {
    match member.make {
        Make::Ours => {
            let became = member.node.router(0)["counters"]["became_active"].as_u64();
            became.ok_or_else(|| format!("{} does not say its counters", member.node.name).into())
        }
        Make::Keepalived => {
            Ok(member.log().lines().filter(|line| line.contains(" STATE")).count() as u64)
        }
    }
}

/// As `ip address del` does it.
fn delete(member: &Member) -> Outcome {
    let deleted = member.node.host.run(|| -> Result<(), Failed> {
        let message = addresses::delete(if_nametoindex("eth0")?, Cidr::new(ADDRESS.into(), 24)?);
        Ok(Socket::new()?.request(message, 0)?)
    });
    deleted?
}

/// Deletes the address of this node ten times a second, wherever it has it then.
fn fight(member: &Member, until: Duration) -> u32 {
    let mut deletions = 0;
    while now() < until {
        let next = now() + TENTH;
        // It is not always there.
        deletions += u32::from(delete(member).is_ok());
        pass(next);
    }
    deletions
}

/// What a fight beside a peer did.
struct Fight {
    deletions: u32,
    loss: Loss,
    /// When the peer had the address, since the fight began.
    took: Option<Duration>,
    is_on_probation: bool,
    holders: Vec<&'static str>,
}

fn fight_beside_a_peer(ticker: &Ticker) -> Result<Figures, Failed> {
    let plan = Plan::pair(SECOND);
    let seen = beside(&plan, |site| {
        site.elect()?;
        let (mark, begun) = (site.client.mark(), now());
        let deletions = fight(&site.members[A], begun + FIGHT);
        let first = site.members[B].watch.held().into_iter().find(|held| held.from >= begun);
        Ok(Fight {
            deletions,
            loss: site.loss_since(mark)?,
            took: first.map(|held| held.from - begun),
            is_on_probation: site.members[A].node.router(0)["probation_seconds"].is_number(),
            holders: site.holders(),
        })
    })?;
    seen.judge(|fight| is_handed_over(fight, &plan, ticker), tell_fight)
}

fn is_handed_over(fight: &Fight, plan: &Plan, ticker: &Ticker) -> Outcome {
    let took = fight.took.ok_or("the peer never had the address")?;
    check(took >= PATIENCE, format!("the peer had the address after {}", short(took)))?;
    at_most("the peer had the address after", took, PATIENCE + 2 * SECOND, ticker)?;
    check(fight.holders == ["b"], format!("the address is at {:?}", fight.holders))?;
    check(fight.is_on_probation, "a is not on probation")?;
    // The successor's Skew_Time, in which nobody may have it.
    at_most("the client was cut off for", fight.loss.longest_gap, plan.skew(B), ticker)
}

fn tell_fight(fight: &Fight) -> String {
    let Fight { deletions, took, .. } = fight;
    let took = took.map(|took| format!("the peer had it after {}", short(took)));
    let took = took.unwrap_or_else(|| "the peer never had it".to_owned());
    let (lost, longest) = (fight.loss.lost, short(fight.loss.longest_gap));
    format!("{took}; {deletions} deletions, {lost} ms lost in all, {longest} at once")
}

fn fight_alone(ticker: &Ticker) -> Result<Figures, Failed> {
    let (deletions, repairs, back) = alone(&Plan::lone(SECOND), Make::Ours, |site| {
        site.elect()?;
        let begun = now();
        let deletions = fight(&site.members[A], begun + FIGHT);
        let end = now();
        let back = site.members[A].wait_for_address(end).unwrap_or(end);
        site.members[A].wait_for_active()?;
        site.is_served()?;
        let held = site.members[A].watch.held();
        let repairs =
            held.iter().filter(|held| held.from > end - 3 * SECOND && held.from <= end).count();
        check(site.adverts(A, end - SECOND) >= 1, "it does not advertise")?;
        Ok((deletions, repairs, back.saturating_sub(end)))
    })?;
    check(
        (2..=4).contains(&repairs),
        format!("{repairs} repairs in the last 3 s of {deletions} deletions"),
    )?;
    at_most("the address was back after the last deletion", back, SECOND, ticker)?;
    Ok(Figures::alone(format!(
        "{repairs} repairs in the last 3 s; back {} after the end",
        short(back)
    )))
}
