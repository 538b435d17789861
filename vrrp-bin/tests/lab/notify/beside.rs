//! Scripts and readers of a FIFO beside keepalived's: the same events, the same arguments and
//! lines. What differs is listed with its reason.

mod site;

use libtest_mimic::Trial;
use vrrp_net::lab::Keepalived;

use self::site::{Make, Plan, Site};
use crate::support::{Outcome, check, timed};

pub(super) fn tests() -> Vec<Trial> {
    let ours = [
        timed("notify_of_a_virtual_router_is_that_of_keepalived", |_| single(Make::Ours)),
        timed("notify_of_a_group_is_that_of_keepalived", |_| group(Make::Ours)),
    ];
    let theirs = [
        timed("notify_of_keepalived_of_an_instance_is_as_listed", |_| single(Make::Keepalived)),
        timed("notify_of_keepalived_of_a_group_is_as_listed", |_| group(Make::Keepalived)),
    ];
    let missing = Keepalived::missing();
    if let Some(reason) = &missing {
        println!("skipped: {} tests of scripts beside keepalived: {reason}", theirs.len());
    }
    let theirs = theirs.map(|trial| trial.with_ignored_flag(missing.is_some()));
    ours.into_iter().chain(theirs).collect()
}

/// Who is told a line.
#[derive(Clone, Copy)]
enum Line {
    /// Scripts and readers of both.
    Both(&'static str),
    /// Those of keepalived alone, and why.
    Theirs(&'static str, &'static str),
    /// Ours alone, and why.
    Ours(&'static str, &'static str),
}

use Line::{Both, Ours, Theirs};

const REASSERTED: &str =
    "a weaker one was active, too: what ran last anywhere has to have run here";
const NO_RX_LOWER: &str =
    "we say so of a weaker one that goes on, not of a single message; see `status`, too";
const OWNER: &str = "an owner is at no time a backup (RFC 9568 6.4.1)";

/// What the scripts of one virtual router are told in [`single`]: the one of the state without
/// arguments, and then the one of all states.
const SCRIPTS: &[Line] = &[
    Both("backup"),
    Both("notify INSTANCE web BACKUP 100"),
    Both("active"),
    Both("notify INSTANCE web MASTER 100"),
    // A stronger one comes, and goes.
    Both("backup"),
    Both("notify INSTANCE web BACKUP 100"),
    Both("active"),
    Both("notify INSTANCE web MASTER 100"),
    // The link goes down, and comes up.
    Both("fault"),
    Both("notify INSTANCE web FAULT 100"),
    Both("backup"),
    Both("notify INSTANCE web BACKUP 100"),
    Both("active"),
    Both("notify INSTANCE web MASTER 100"),
    // It hears a weaker one.
    Ours("active", REASSERTED),
    Ours("notify INSTANCE web MASTER 100", REASSERTED),
    // A stronger one comes, and it leaves.
    Both("backup"),
    Both("notify INSTANCE web BACKUP 100"),
    Both("stop"),
    Both("notify INSTANCE web STOP 100"),
    // It comes back with priority 255, and leaves.
    Theirs("backup", OWNER),
    Theirs("notify INSTANCE web BACKUP 255", OWNER),
    Both("active"),
    Both("notify INSTANCE web MASTER 255"),
    Both("stop"),
    Both("notify INSTANCE web STOP 255"),
];

/// What the readers of the FIFO are told meanwhile.
const LINES: &[Line] = &[
    Both(r#"INSTANCE "web" BACKUP 100"#),
    Both(r#"INSTANCE "web" MASTER 100"#),
    Both(r#"INSTANCE "web" BACKUP 100"#),
    Both(r#"INSTANCE "web" MASTER 100"#),
    Both(r#"INSTANCE "web" FAULT 100"#),
    Both(r#"INSTANCE "web" BACKUP 100"#),
    Both(r#"INSTANCE "web" MASTER 100"#),
    // A check with a weight fails, and is well again.
    Both(r#"INSTANCE "web" MASTER_PRIORITY 50"#),
    Both(r#"INSTANCE "web" MASTER_PRIORITY 100"#),
    Theirs(r#"INSTANCE "web" MASTER_RX_LOWER_PRI 100"#, NO_RX_LOWER),
    Ours(r#"INSTANCE "web" MASTER 100"#, REASSERTED),
    Both(r#"INSTANCE "web" BACKUP 100"#),
    Both(r#"INSTANCE "web" BACKUP_PRIORITY 50"#),
    Both(r#"INSTANCE "web" BACKUP_PRIORITY 100"#),
    Both(r#"INSTANCE "web" STOP 100"#),
    Theirs(r#"INSTANCE "web" BACKUP 255"#, OWNER),
    Both(r#"INSTANCE "web" MASTER 255"#),
    Both(r#"INSTANCE "web" STOP 255"#),
];

fn single(make: Make) -> Outcome {
    let mut site = Site::new(make, Plan::Single)?;
    let master = "notify INSTANCE web MASTER 100";
    let backup = "notify INSTANCE web BACKUP 100";
    site.start(100)?;
    site.told("web", master)?;
    site.start_peer()?;
    site.told("web", backup)?;
    site.stop_peer()?;
    site.told("web", master)?;
    site.node.cable.unplug()?;
    site.told("web", "notify INSTANCE web FAULT 100")?;
    site.node.cable.plug()?;
    site.told("web", master)?;
    site.fall_ill(true)?;
    site.line(r#"INSTANCE "web" MASTER_PRIORITY 50"#)?;
    site.fall_ill(false)?;
    site.line(r#"INSTANCE "web" MASTER_PRIORITY 100"#)?;
    let before = site.record.told("web").len();
    site.hear_weaker()?;
    match make {
        Make::Ours => site.told_since(before, "web", master)?,
        Make::Keepalived => site.line(r#"INSTANCE "web" MASTER_RX_LOWER_PRI 100"#)?,
    }
    site.start_peer()?;
    site.told("web", backup)?;
    site.fall_ill(true)?;
    site.line(r#"INSTANCE "web" BACKUP_PRIORITY 50"#)?;
    site.fall_ill(false)?;
    site.line(r#"INSTANCE "web" BACKUP_PRIORITY 100"#)?;
    site.stop()?;
    site.told("web", "notify INSTANCE web STOP 100")?;
    site.stop_peer()?;
    site.start(255)?;
    site.told("web", "notify INSTANCE web MASTER 255")?;
    site.stop()?;
    site.told("web", "notify INSTANCE web STOP 255")?;
    is_told(make, "the scripts", &site.record.told("web"), SCRIPTS)?;
    is_told(make, "the FIFO", &site.record.lines(), LINES)
}

/// What the readers of the FIFO are told of a group and its two members in [`group`].
const GROUP_LINES: &[Line] = &[
    Theirs("GROUP BACKUP 0", BEGINS),
    Both("INSTANCE BACKUP 100"),
    Both("INSTANCE BACKUP 100"),
    Ours("GROUP BACKUP 0", BEGINS),
    Both("INSTANCE MASTER 100"),
    Both("INSTANCE MASTER 100"),
    Both("GROUP MASTER 0"),
    // A stronger one comes, and goes.
    Both("INSTANCE BACKUP 100"),
    Ours("GROUP BACKUP 0", FIRST),
    Both("INSTANCE BACKUP 100"),
    Theirs("GROUP BACKUP 0", FIRST),
    Both("INSTANCE MASTER 100"),
    Both("INSTANCE MASTER 100"),
    Both("GROUP MASTER 0"),
    // One link goes down, and comes up.
    Both("INSTANCE FAULT 100"),
    Ours("GROUP FAULT 0", FIRST),
    Both("INSTANCE FAULT 100"),
    Theirs("GROUP FAULT 0", FIRST),
    Both("INSTANCE BACKUP 100"),
    Both("INSTANCE BACKUP 100"),
    Both("GROUP BACKUP 0"),
    Both("INSTANCE MASTER 100"),
    Both("INSTANCE MASTER 100"),
    Both("GROUP MASTER 0"),
    // It leaves.
    Both("INSTANCE STOP 100"),
    Both("INSTANCE STOP 100"),
    Both("GROUP STOP 0"),
];

const BEGINS: &str = "a group is what its members are, at the start, too";
const FIRST: &str = "a group is a backup, or in fault, as soon as one of its members is";

fn group(make: Make) -> Outcome {
    let mut site = Site::new(make, Plan::Group)?;
    site.start(100)?;
    all_told(&site, "MASTER")?;
    site.start_peer()?;
    all_told(&site, "BACKUP")?;
    site.stop_peer()?;
    all_told(&site, "MASTER")?;
    site.wan[0].unplug()?;
    all_told(&site, "FAULT")?;
    site.wan[0].plug()?;
    all_told(&site, "MASTER")?;
    site.stop()?;
    all_told(&site, "STOP")?;
    let states = ["BACKUP", "MASTER", "BACKUP", "MASTER", "FAULT", "BACKUP", "MASTER", "STOP"];
    for (who, kind, priority) in MEMBERS {
        let words = |state: &str| {
            let word = if state == "MASTER" { "active".to_owned() } else { state.to_lowercase() };
            [word, format!("notify {kind} {who} {state} {priority}")]
        };
        let expected: Vec<String> = states.into_iter().flat_map(words).collect();
        let told = site.record.told(who);
        check(told == expected, format!("{who} was told {told:#?}\n{}", site.log()))?;
    }
    is_told(make, "the FIFO", &nameless(&site.record.lines()), GROUP_LINES)
}

const MEMBERS: [(&str, &str, u8); 3] =
    [("lan", "INSTANCE", 100), ("wan", "INSTANCE", 100), ("both", "GROUP", 0)];

fn all_told(site: &Site, state: &str) -> Outcome {
    for (who, kind, priority) in MEMBERS {
        site.told(who, &format!("notify {kind} {who} {state} {priority}"))?;
    }
    Ok(())
}

/// Without the names: which member moves first is chance, or whose link it was. What each was told
/// is known from its scripts.
fn nameless(lines: &[String]) -> Vec<String> {
    let words = |line: &String| {
        let mut words: Vec<&str> = line.split(' ').collect();
        words.retain(|word| !word.starts_with('"'));
        words.join(" ")
    };
    lines.iter().map(words).collect()
}

/// Exactly what is listed was told: what is not listed fails, and what is listed and did not
/// happen.
fn is_told(make: Make, who: &str, told: &[String], listed: &[Line]) -> Outcome {
    let expected = listed.iter().filter_map(|line| match (*line, make) {
        (Both(line), _) | (Theirs(line, _), Make::Keepalived) | (Ours(line, _), Make::Ours) => {
            Some(line)
        }
        (Theirs(..), Make::Ours) | (Ours(..), Make::Keepalived) => None,
    });
    let expected: Vec<&str> = expected.collect();
    let same = expected.iter().copied().eq(told.iter().map(String::as_str));
    check(same, format!("{who} of {make:?} were told {told:#?}, and not {expected:#?}"))?;
    report(listed);
    Ok(())
}

fn report(listed: &[Line]) {
    for line in listed {
        match line {
            Both(_) => {}
            Theirs(line, why) => println!("only keepalived tells {line:?}: {why}"),
            Ours(line, why) => println!("only we tell {line:?}: {why}"),
        }
    }
}
