//! What is done to a pair of hosts, stage by stage, and how a pair with a program of ours is
//! compared with one of keepalived's alone.

use std::{
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::Duration,
};

use libtest_mimic::Failed;
use vrrp_net::lab::{Ticker, wait_until};

use super::{
    Case, Failure, Stage,
    compare::{Expected, Found, listed_happened},
    look::{Seen, Times, adverts, look, wait_for_active},
    site::{Make, Site, Who},
};
use crate::support::{Outcome, SLACK, SOON, check, milliseconds, now, within};

/// How long nothing may be told before everything has been told.
const QUIET: Duration = Duration::from_millis(250);
/// How long is waited for a failover that must not come.
const IN_VAIN: Duration = Duration::from_secs(5);

/// How a stage looks: what is seen of both hosts, and how long the new active one took.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    pub(super) lines: [Vec<String>; 2],
    pub(super) took: Option<Duration>,
}

/// Plays a case with keepalived's pair and, at the same time, with ours in the place of each.
pub(super) fn play(case: &Case, ticker: &Ticker) -> Outcome {
    let (to_first, first) = channel();
    let (to_second, second) = channel();
    let found = thread::scope(|scope| {
        let reference = scope.spawn(move || reference(case, &[to_first, to_second]));
        let weak =
            scope.spawn(move || beside(case, [Make::Keepalived, Make::Ours], &second, ticker));
        let strong = beside(case, [Make::Ours, Make::Keepalived], &first, ticker);
        let join = |thread: thread::ScopedJoinHandle<'_, _>| {
            thread.join().map_err(|_| Failed::from("a lab panicked"))
        };
        // What went wrong with the reference is why the others have nothing to compare with.
        reference.join().map_err(|_| Failed::from("keepalived's lab panicked"))??;
        Ok::<_, Failed>([strong?, join(weak)??])
    })?;
    listed_happened(case, &found.concat())
}

fn reference(case: &Case, others: &[Sender<Picture>]) -> Outcome {
    let makes = [Make::Keepalived; 2];
    on(case, makes, |playing| {
        for stage in Stage::ALL {
            let times = playing.go(stage)?;
            let result = playing.settled_picture(stage, times)?;
            for other in others {
                // It may have failed already.
                let _ = other.send(result.clone());
            }
        }
        Ok(())
    })
}

/// Plays a case with a program of ours, and compares each stage with the reference.
fn beside(
    case: &Case,
    makes: [Make; 2],
    reference: &Receiver<Picture>,
    ticker: &Ticker,
) -> Result<Vec<Found>, Failed> {
    on(case, makes, |playing| {
        let mut all = Vec::new();
        for stage in Stage::ALL {
            let times = playing.go(stage)?;
            let expected = reference.recv_timeout(4 * SOON);
            let expected = expected.map_err(|_| "keepalived's pair did not come to this stage")?;
            all.extend(playing.compare(stage, times, &expected, ticker)?);
        }
        Ok(all)
    })
}

fn on<T>(
    case: &Case,
    makes: [Make; 2],
    play: impl FnOnce(&mut Playing<'_>) -> Result<T, Failed>,
) -> Result<T, Failed> {
    let site = Site::new(case.file, makes)?;
    let mut playing = Playing { case, site, holder: Who::A, seen: Default::default() };
    play(&mut playing).map_err(|failed| {
        let why = failed.message().unwrap_or("no message");
        format!("{} with {makes:?}: {why}{}", case.name, playing.site.evidence()).into()
    })
}

/// A pair in the course of a case.
struct Playing<'a> {
    case: &'a Case,
    site: Site,
    /// Who is active, or was.
    holder: Who,
    /// How far the hosts have been looked at.
    seen: [Seen; 2],
}

impl Playing<'_> {
    /// Does what a stage is about, and waits until it is settled.
    fn go(&mut self, stage: Stage) -> Result<Times, Failed> {
        let (begun, address) = (now(), self.case.address);
        let logs = Who::BOTH.map(|who| self.site.member(who).log().len());
        match stage {
            Stage::Start => {
                self.site.member_mut(Who::A).start()?;
                self.site.member(Who::A).wait_for_address(address, true)?;
                self.site.member_mut(Who::B).start()?;
                self.wait_for_backup(Who::B, 0)?;
            }
            Stage::Failure => {
                self.fail()?;
                if self.case.fails_over {
                    self.take_over(Who::B, begun)?;
                } else {
                    self.goes_on(begun)?;
                }
            }
            Stage::Return => {
                if self.case.failure == Failure::Kill {
                    // What a dead one has left is nobody's: it is new when somebody has it again.
                    let [a, _] = &mut self.seen;
                    a.forget_addresses();
                }
                self.heal()?;
                if !self.case.fails_over {
                    self.goes_on(begun)?;
                    return self.settle(begun);
                }
                let back = if self.case.comes_back { Who::A } else { Who::B };
                let [a, b] = logs;
                self.take_over(back, begun)?;
                self.wait_for_backup(back.other(), if back == Who::A { b } else { a })?;
            }
            Stage::Stop => {
                let (old, new) = (self.holder, self.holder.other());
                self.site.member_mut(old).stop()?;
                self.take_over(new, begun)?;
            }
            Stage::End => {
                let last = self.holder;
                self.site.member_mut(last).stop()?;
                self.site.member(last).wait_for_address(address, false)?;
            }
        }
        if stage == Stage::End {
            return Ok(Times { begun, settled: now() });
        }
        self.settle(begun)
    }

    /// Waits until the wire has shown how things are now.
    fn settle(&self, begun: Duration) -> Result<Times, Failed> {
        let settled = now();
        self.wait_for_adverts(settled, 2)?;
        Ok(Times { begun, settled })
    }

    /// Nothing happens, for as long as it would take to happen.
    fn goes_on(&self, since: Duration) -> Outcome {
        let intervals = IN_VAIN.as_millis() / self.case.interval.as_millis();
        self.wait_for_adverts(since, usize::try_from(intervals)?)
    }

    fn take_over(&mut self, who: Who, since: Duration) -> Outcome {
        self.holder = who;
        wait_for_active(&self.site, who, (self.case.address, self.case.vrids), since)
    }

    fn wait_for_backup(&self, who: Who, since: usize) -> Outcome {
        self.site.member(who).wait_for_backup(self.case.address, since)
    }

    /// Each virtual router has advertised so often since then.
    fn wait_for_adverts(&self, since: Duration, often: usize) -> Outcome {
        for vrid in self.case.vrids {
            let have_come = || {
                Who::BOTH.iter().any(|who| adverts(&self.site, *who, *vrid, since).len() >= often)
            };
            check(wait_until(SOON, have_come), format!("nobody advertises VRID {vrid}"))?;
        }
        Ok(())
    }

    fn fail(&mut self) -> Outcome {
        let member = self.site.member_mut(Who::A);
        match self.case.failure {
            Failure::Kill => member.kill(),
            Failure::Stop => member.stop(),
            Failure::Unplug => Ok(member.node.cable.unplug()?),
            Failure::UnplugOther => Ok(member.eth1.unplug()?),
            Failure::Ill => member.fall_ill(true),
        }
    }

    fn heal(&mut self) -> Outcome {
        let member = self.site.member_mut(Who::A);
        match self.case.failure {
            Failure::Kill | Failure::Stop => member.start(),
            Failure::Unplug => Ok(member.node.cable.plug()?),
            Failure::UnplugOther => Ok(member.eth1.plug()?),
            Failure::Ill => member.fall_ill(false),
        }
    }

    /// How long after the stage began its active host advertised.
    fn took(&self, stage: Stage, times: Times) -> Option<Duration> {
        let vrid = self.case.vrids.first()?;
        let is_a_change = match stage {
            Stage::Start | Stage::Stop => true,
            Stage::Failure => self.case.fails_over,
            Stage::Return => self.case.fails_over && self.case.comes_back,
            Stage::End => false,
        };
        let first = adverts(&self.site, self.holder, *vrid, times.begun).first().copied()?;
        is_a_change.then(|| first.saturating_sub(times.begun))
    }

    fn lines(&self, times: Times) -> Result<[(Vec<String>, Seen); 2], Failed> {
        let [a, b] = &self.seen;
        Ok([look(&self.site, Who::A, times, a)?, look(&self.site, Who::B, times, b)?])
    }

    /// What is seen once nothing new is told.
    fn settled_picture(&mut self, stage: Stage, times: Times) -> Result<Picture, Failed> {
        let mut last = self.lines(times)?;
        let mut since = now();
        let is_quiet = wait_until(SOON, || {
            if let Ok(lines) = self.lines(times)
                && lines.iter().zip(&last).any(|((new, _), (old, _))| new != old)
            {
                (last, since) = (lines, now());
            }
            now() > since + QUIET
        });
        check(is_quiet, "there is no end of what is told")?;
        let [(a, seen_a), (b, seen_b)] = last;
        self.seen = [seen_a, seen_b];
        Ok(Picture { lines: [a, b], took: self.took(stage, times) })
    }

    /// Waits until a stage is as keepalived's pair has it, but for what is listed.
    fn compare(
        &mut self,
        stage: Stage,
        times: Times,
        reference: &Picture,
        ticker: &Ticker,
    ) -> Result<Vec<Found>, Failed> {
        let expected = Expected { case: self.case, stage };
        let makes = Who::BOTH.map(|who| self.site.member(who).make);
        let judge = |lines: &[(Vec<String>, Seen); 2]| {
            let mut found = Vec::new();
            let hosts = Who::BOTH.into_iter().zip(makes).zip(lines).zip(&reference.lines);
            for (((who, make), (lines, _)), theirs) in hosts {
                found.extend(expected.judge(who, make, lines, theirs)?);
            }
            Ok::<_, Failed>(found)
        };
        let mut last = self.lines(times)?;
        let is_so = || {
            let same = judge(&last).is_ok();
            if !same && let Ok(lines) = self.lines(times) {
                last = lines;
            }
            same
        };
        wait_until(SOON, is_so);
        let found = judge(&last)?;
        self.seen = last.map(|(_, seen)| seen);
        if let (Some(took), Some(theirs)) = (self.took(stage, times), reference.took) {
            self.is_in_time(stage, (took, theirs), ticker)?;
        }
        Ok(found)
    }

    fn is_in_time(
        &self,
        stage: Stage,
        (took, theirs): (Duration, Duration),
        ticker: &Ticker,
    ) -> Outcome {
        let makes = Who::BOTH.map(|who| self.site.member(who).make);
        let tolerance = self.case.tolerance();
        let (least, most) = (theirs.saturating_sub(tolerance), theirs + tolerance);
        let theirs = milliseconds(theirs);
        let what = format!("{} {makes:?}, {}, keepalived's {theirs}", self.case.name, stage.name());
        within(&what, took, (least, most), SLACK, ticker)
    }
}
