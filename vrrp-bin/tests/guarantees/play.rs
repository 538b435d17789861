//! A fault played on labs, ours and keepalived's at the same time, and judged.

use std::thread;

use libtest_mimic::Failed;
use vrrp_net::lab::Keepalived;

use crate::{
    figures::Figures,
    member::Make,
    site::{Plan, Site},
    support::Outcome,
};

/// What was seen of ours, and of keepalived beside it.
pub(crate) struct Seen<T, U = T> {
    pub(crate) ours: T,
    pub(crate) theirs: Result<U, String>,
    /// What our nodes said.
    evidence: String,
}

impl<T> Seen<T> {
    /// Judges ours, and tells both as a row of the table has them.
    pub(crate) fn judge(
        self,
        judge: impl FnOnce(&T) -> Outcome,
        tell: impl Fn(&T) -> String,
    ) -> Result<Figures, Failed> {
        self.judge_each(judge, &tell, &tell)
    }
}

impl<T, U> Seen<T, U> {
    /// The same, where something else is seen of keepalived.
    pub(crate) fn judge_each(
        self,
        judge: impl FnOnce(&T) -> Outcome,
        tell_ours: impl FnOnce(&T) -> String,
        tell_theirs: impl FnOnce(&U) -> String,
    ) -> Result<Figures, Failed> {
        let theirs = match &self.theirs {
            Ok(theirs) => tell_theirs(theirs),
            Err(why) => format!("not measured: {why}"),
        };
        let figures = Figures { ours: tell_ours(&self.ours), theirs };
        match judge(&self.ours) {
            Ok(()) => Ok(figures),
            Err(failed) => Err(with_evidence(&failed, &format!("\n{figures}{}", self.evidence))),
        }
    }
}

/// Plays it on a lab with nodes of ours and, at the same time, on one with keepalived's.
pub(crate) fn beside<T: Send>(
    plan: &Plan,
    play: impl Fn(&mut Site) -> Result<T, Failed> + Sync,
) -> Result<Seen<T>, Failed> {
    let ours = || {
        let site = &mut Site::new(plan, &[Make::Ours; 3])?;
        Ok((on(site, &play)?, site.evidence()))
    };
    let seen = together(ours, || with_keepalived(plan, &play))?;
    let (ours, evidence) = seen.ours;
    Ok(Seen { ours, theirs: seen.theirs, evidence })
}

/// Runs both at the same time.
pub(crate) fn together<T, U: Send>(
    ours: impl FnOnce() -> Result<T, Failed>,
    theirs: impl FnOnce() -> Result<U, String> + Send,
) -> Result<Seen<T, U>, Failed> {
    thread::scope(|scope| {
        let theirs = scope.spawn(theirs);
        let ours = ours();
        let theirs = theirs.join().map_err(|_| Failed::from("keepalived's lab panicked"))?;
        Ok(Seen { ours: ours?, theirs, evidence: String::new() })
    })
}

/// Plays it on a lab with keepalived's nodes. What goes wrong there is told and is no failure.
pub(crate) fn with_keepalived<T>(
    plan: &Plan,
    play: impl FnOnce(&mut Site) -> Result<T, Failed>,
) -> Result<T, String> {
    if let Some(why) = Keepalived::missing() {
        return Err(why);
    }
    alone(plan, Make::Keepalived, play).map_err(|failed| {
        let why = failed.message().unwrap_or("no message");
        println!("keepalived: {why}");
        why.lines().next().unwrap_or_default().to_owned()
    })
}

/// Plays it on so many labs of ours at once; `play` is told the number of the lab.
pub(crate) fn many<T: Send>(
    labs: u32,
    plan: &Plan,
    play: impl Fn(&mut Site, u32) -> Result<T, Failed> + Sync,
) -> Result<Vec<T>, Failed> {
    let play = &play;
    thread::scope(|scope| {
        let labs: Vec<_> = (0..labs)
            .map(|lab| scope.spawn(move || alone(plan, Make::Ours, |site| play(site, lab))))
            .collect();
        labs.into_iter()
            .map(|lab| lab.join().map_err(|_| Failed::from("a lab panicked"))?)
            .collect()
    })
}

/// Plays it on a lab with nodes of this make.
pub(crate) fn alone<T>(
    plan: &Plan,
    make: Make,
    play: impl FnOnce(&mut Site) -> Result<T, Failed>,
) -> Result<T, Failed> {
    on(&mut Site::new(plan, &[make; 3])?, play)
}

/// Plays it on this lab; what everybody said is told with a failure.
pub(crate) fn on<T>(
    site: &mut Site,
    play: impl FnOnce(&mut Site) -> Result<T, Failed>,
) -> Result<T, Failed> {
    play(site).map_err(|failed| with_evidence(&failed, &site.evidence()))
}

fn with_evidence(failed: &Failed, evidence: &str) -> Failed {
    format!("{}{evidence}", failed.message().unwrap_or("no message")).into()
}
