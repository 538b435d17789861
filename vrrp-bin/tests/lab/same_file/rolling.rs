//! A pair of keepalived's becomes a pair of ours, one host after the other, and a pair of keepalived's
//! again, under traffic and with the file untouched; beside it keepalived that is merely restarted.

use std::{collections::BTreeMap, fmt::Write, net::IpAddr, time::Duration};

use libtest_mimic::{Failed, Trial};
use vrrp_net::lab::{Cable, Capture, Client, Host, Loss, Mark, Ticker, wait_until};

use super::{
    file::File,
    look::wait_for_active,
    site::{Make, Site, Who},
};
use crate::support::{Outcome, SOON, check, now, timed_alone};

const FILE: File = File(include_str!("files/plain.conf"));
const ADDRESS: &str = "10.0.0.100";
const VRID: u8 = 51;
/// How many packets a second the client sends.
const RATE: u32 = 1000;
/// How often all of it is done.
const RUNS: usize = 3;
/// How many packets may be lost in a change that loses none by design.
const HANDOVER: u64 = 5;

/// One program in the place of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    /// keepalived is restarted.
    Restart,
    /// Ours comes for keepalived's.
    There,
    /// keepalived's comes for ours.
    Back,
}

impl Change {
    const ALL: [Self; 3] = [Self::Restart, Self::There, Self::Back];

    const fn new_make(self) -> Make {
        match self {
            Self::Restart | Self::Back => Make::Keepalived,
            Self::There => Make::Ours,
        }
    }

    /// Whether the program that stops is ours.
    const fn ours_stops(self) -> bool {
        match self {
            Self::Restart | Self::There => false,
            Self::Back => true,
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Restart => "keepalived is restarted",
            Self::There => "keepalived is replaced by vrrp",
            Self::Back => "vrrp is replaced by keepalived",
        }
    }
}

/// A part of a change. The weaker host comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    WeakStops,
    WeakStarts,
    StrongStops,
    StrongStarts,
}

impl Step {
    const ALL: [Self; 4] =
        [Self::WeakStops, Self::WeakStarts, Self::StrongStops, Self::StrongStarts];

    const fn title(self) -> &'static str {
        match self {
            Self::WeakStops => "the backup stops",
            Self::WeakStarts => "the backup is started",
            Self::StrongStops => "the active node stops",
            Self::StrongStarts => "it is started, and takes the address back",
        }
    }
}

/// How many packets were lost in each step of each change, in each run.
type Lost = BTreeMap<(Change, Step), Vec<u64>>;

pub(super) fn test() -> Trial {
    timed_alone("same_file_rolling_replacement", |ticker| {
        let mut all = Lost::new();
        for _ in 0..RUNS {
            play(&mut all)?;
        }
        println!("{}", table(&all));
        judge(&all, ticker)
    })
}

/// What was lost, at most, of all runs.
fn most(all: &Lost, change: Change, step: Step) -> u64 {
    all.get(&(change, step)).and_then(|lost| lost.iter().max()).copied().unwrap_or_default()
}

/// A change between programs loses no more than a restart of keepalived does, and a stop of ours
/// nothing.
fn judge(all: &Lost, ticker: &Ticker) -> Outcome {
    let late = ticker.worst_gap().max(ticker.worst_answer());
    let allowed = HANDOVER + u64::try_from(late.as_millis())?;
    for change in [Change::There, Change::Back] {
        for step in Step::ALL {
            let stops = matches!(step, Step::WeakStops | Step::StrongStops);
            let bound = if stops && change.ours_stops() {
                allowed
            } else {
                most(all, Change::Restart, step) + allowed
            };
            let lost = most(all, change, step);
            let what = format!("{}, {}", change.title(), step.title());
            check(lost <= bound, format!("{what}: {lost} lost, {bound} are allowed"))?;
        }
    }
    Ok(())
}

fn table(all: &Lost) -> String {
    let mut text = String::from("|");
    for change in Change::ALL {
        let _ = write!(text, " | {}", change.title());
    }
    text += " |\n|---|---|---|---|\n";
    for step in Step::ALL {
        let _ = write!(text, "| {}", step.title());
        for change in Change::ALL {
            let lost = all.get(&(change, step)).cloned().unwrap_or_default();
            let lost: Vec<String> = lost.iter().map(u64::to_string).collect();
            let _ = write!(text, " | {}", lost.join(", "));
        }
        text += " |\n";
    }
    text
}

fn play(all: &mut Lost) -> Outcome {
    let makes = [Make::Keepalived; 2];
    // Beside a client it is much less.
    let mut site = Site::with(FILE, makes, Capture::claims)?;
    let user = Host::new("user")?;
    Cable::new(&user, "eth0", &site.lan, &["10.0.0.9/24"])?;
    let client = Client::start(&user, ADDRESS.parse::<IpAddr>()?, RATE)?;
    let done = changes(&mut site, &client, all);
    done.map_err(|failed| {
        format!("{}{}", failed.message().unwrap_or("no message"), site.evidence()).into()
    })
}

fn changes(site: &mut Site, client: &Client, all: &mut Lost) -> Outcome {
    site.member_mut(Who::A).start()?;
    is_active(site, Who::A, Duration::ZERO)?;
    site.member_mut(Who::B).start()?;
    site.member(Who::B).wait_for_backup(ADDRESS, 0)?;
    is_served(client)?;
    for change in Change::ALL {
        for (who, stops, starts) in [
            (Who::B, Step::WeakStops, Step::WeakStarts),
            (Who::A, Step::StrongStops, Step::StrongStarts),
        ] {
            let lost = stop(site, client, who)?;
            all.entry((change, stops)).or_default().push(lost.lost);
            site.member_mut(who).become_of(change.new_make());
            let lost = start(site, client, who)?;
            all.entry((change, starts)).or_default().push(lost.lost);
        }
    }
    Ok(())
}

/// One host's program stops: the other one has the address then, or still.
fn stop(site: &mut Site, client: &Client, who: Who) -> Result<Loss, Failed> {
    let (mark, begun) = (client.mark(), now());
    site.member_mut(who).stop()?;
    is_active(site, who.other(), begun)?;
    lost(client, mark)
}

/// One host's program starts: the stronger host has the address then, or still.
fn start(site: &mut Site, client: &Client, who: Who) -> Result<Loss, Failed> {
    let (mark, begun) = (client.mark(), now());
    let logs = Who::BOTH.map(|who| site.member(who).log().len());
    site.member_mut(who).start()?;
    is_active(site, Who::A, begun)?;
    let [_, of_b] = logs;
    site.member(Who::B).wait_for_backup(ADDRESS, of_b)?;
    lost(client, mark)
}

fn is_active(site: &Site, who: Who, since: Duration) -> Outcome {
    wait_for_active(site, who, (ADDRESS, &[VRID]), since)
}

fn is_served(client: &Client) -> Outcome {
    check(client.wait_for_reply(client.mark(), SOON), "the client gets no answer")
}

/// What became of the packets since `mark`, once that is known of all of them.
fn lost(client: &Client, mark: Mark) -> Result<Loss, Failed> {
    let to = client.mark();
    check(client.wait_for_reply(to, SOON), "the client gets no answer any more")?;
    let is_known = wait_until(SOON, || client.between(mark, to).pending == 0);
    check(is_known, "nothing is known of some packets")?;
    Ok(client.between(mark, to))
}
