//! A lab with two or three nodes of mixed make, and what is asserted of it in every scenario.

use std::time::Duration;

use libtest_mimic::Failed;
use tempfile::TempDir;
use vrrp_net::lab::{Capture, Frame, Switch, Ticker, wait_until};

use crate::{
    member::Member,
    mode::{INTERVAL, Make, Mode, Place},
    support::{Outcome, SLACK, SOON, check, now, wait_for, within},
};

/// The lateness that is allowed to others: their own business, if it is sane.
const THEIR_SLACK: Duration = Duration::from_millis(50);

pub(crate) struct World {
    pub(crate) members: Vec<Member>,
    pub(crate) capture: Capture,
    pub(crate) mode: Mode,
    _folder: TempDir,
    _switch: Switch,
}

impl World {
    pub(crate) fn new(mode: Mode, members: &[(Make, Place)]) -> Result<Self, Failed> {
        let folder = TempDir::with_prefix("vrrp-interop-")?;
        let switch = Switch::new()?;
        let capture = Capture::start(&switch)?;
        let members = ["a", "b", "c"].into_iter().zip(members);
        let members =
            members.map(|(name, who)| Member::new(name, *who, mode, &switch, folder.path()));
        let members = members.collect::<Result<_, _>>()?;
        Ok(Self { members, capture, mode, _folder: folder, _switch: switch })
    }

    pub(crate) fn start(&mut self, who: usize, priority: u8) -> Outcome {
        let places: Vec<Place> = self.members.iter().map(|member| member.place).collect();
        self.members[who].start(priority, &places)
    }

    pub(crate) fn wait_for_active(&self, who: usize) -> Outcome {
        let member = &self.members[who];
        let is_active = wait_until(SOON, || member.is_active().unwrap_or(false));
        check(is_active, format!("{} did not become active", member.node.name))
    }

    /// Waits until `active` alone is active of those at `present`, and then looks at the wire for
    /// two intervals: `active` advertises, and nobody else does.
    pub(crate) fn settled(&self, active: usize, present: &[usize]) -> Outcome {
        let others: Vec<&Member> =
            present.iter().filter(|who| **who != active).map(|who| &self.members[*who]).collect();
        let member = &self.members[active];
        self.wait_for_active(active)?;
        // Or a backup may not know of it.
        self.takes_over(member, Duration::ZERO)?;
        for other in &others {
            let is_backup = wait_until(SOON, || other.is_backup().unwrap_or(false));
            check(is_backup, format!("{} did not become a backup", other.node.name))?;
        }
        let begun = now() + member.last_words();
        for elapsed in [0, 1] {
            let since = begun + elapsed * INTERVAL;
            wait_for(&self.capture, "advertisement of the active node", since, |frame| {
                member.said(frame).is_some_and(|priority| priority > 0)
            })?;
        }
        check(member.serves()?, format!("{} is active without the address", member.node.name))?;
        member.refused_nothing()?;
        for other in others {
            let sent = self.adverts(other, begun).len();
            check(sent == 0, format!("{} advertised {sent} times as a backup", other.node.name))?;
            check(!other.serves()?, format!("{} has the address as a backup", other.node.name))?;
            other.refused_nothing()?;
            self.follows(other, member)?;
        }
        Ok(())
    }

    /// A backup of ours names the active node.
    fn follows(&self, backup: &Member, active: &Member) -> Outcome {
        if backup.make != Make::Ours {
            return Ok(());
        }
        let frames = self.capture.frames();
        let sent = frames.iter().rev().filter(|frame| active.said(frame).is_some());
        let source =
            sent.filter_map(|frame| frame.vrrp()).map(|vrrp| vrrp.source.to_string()).next();
        let followed = backup.node.router(0)["active_peer"].as_str().map(str::to_owned);
        check(
            followed.is_some() && followed == source,
            format!("{followed:?} is followed, {source:?} active"),
        )
    }

    /// When `member` sent advertisements after `since`, resignations excluded.
    pub(crate) fn adverts(&self, member: &Member, since: Duration) -> Vec<Duration> {
        let frames = self.capture.frames();
        let sent = frames.iter().filter(|frame| frame.at >= since);
        sent.filter(|frame| member.said(frame).is_some_and(|priority| priority > 0))
            .map(|frame| frame.at)
            .collect()
    }

    /// Waits for `heir` to take over from `gone`, whose process was killed: Active_Down_Interval
    /// after its last advertisement. By how many milliseconds it was late.
    pub(crate) fn after_crash(
        &self,
        (gone, heir, priority): (usize, usize, u8),
        since: Duration,
        ticker: &Ticker,
    ) -> Result<f64, Failed> {
        let heir = &self.members[heir];
        let took = self.takes_over(heir, since)?;
        let sent = self.adverts(&self.members[gone], Duration::ZERO);
        let last =
            sent.into_iter().rfind(|at| *at < took).ok_or("the dead node had never advertised")?;
        self.on_time(heir, took - last, self.mode.active_down(heir.make, priority), ticker)
    }

    /// Waits for `gone` to resign and for `heir` to take over: Skew_Time later. Ours says it twice,
    /// in case that one is lost, and others start their timer anew at each.
    pub(crate) fn after_resignation(
        &self,
        (gone, heir, priority): (usize, usize, u8),
        since: Duration,
        ticker: &Ticker,
    ) -> Result<f64, Failed> {
        let (gone, heir) = (&self.members[gone], &self.members[heir]);
        wait_for(&self.capture, "resignation", since, |frame| gone.said(frame) == Some(0))?;
        let took = self.takes_over(heir, since)?;
        let frames = self.capture.frames();
        let resignations =
            frames.iter().filter(|frame| frame.at < took && gone.said(frame) == Some(0));
        let mut resignations = resignations.map(|frame| frame.at);
        // One that is active and mute speaks when it hears the last.
        let is_mute = !self.mode.mute(heir.make).is_zero();
        let resigned = if is_mute { resignations.next() } else { resignations.last() };
        let resigned = resigned.ok_or("taken over before the resignation")?;
        self.on_time(heir, took - resigned, self.mode.skew(heir.make, priority), ticker)
    }

    fn takes_over(&self, heir: &Member, since: Duration) -> Result<Duration, Failed> {
        wait_for(&self.capture, "advertisement of the heir", since, |frame| {
            heir.said(frame).is_some_and(|priority| priority > 0)
        })
    }

    fn on_time(
        &self,
        heir: &Member,
        took: Duration,
        expected: Duration,
        ticker: &Ticker,
    ) -> Result<f64, Failed> {
        let slack = if heir.make == Make::Ours { SLACK } else { THEIR_SLACK };
        let latest = expected + self.mode.mute(heir.make);
        within("takeover", took, (expected, latest), slack, ticker)?;
        Ok((took.as_secs_f64() - expected.as_secs_f64()) * 1000.0)
    }

    /// What everybody said: for the message of a failure.
    pub(crate) fn evidence(&self) -> String {
        let mut text = String::new();
        for member in &self.members {
            text += &format!("\n--- {} ({:?}):\n{}", member.node.name, member.make, member.log());
            if let Some(status) = member.node.status().filter(|_| member.make == Make::Ours) {
                text += &format!("{status}\n");
            }
        }
        text += "--- the last advertisements:\n";
        let frames = self.capture.frames();
        let adverts: Vec<&Frame> = frames.iter().filter(|frame| frame.vrrp().is_some()).collect();
        for frame in adverts.into_iter().rev().take(12).rev() {
            let vrrp = frame.vrrp();
            let seen = vrrp.map(|vrrp| {
                format!("{} > {} {:02x?}", vrrp.source, vrrp.destination, vrrp.payload)
            });
            text += &format!(
                "{:.3} {} {}\n",
                frame.at.as_secs_f64(),
                frame.port,
                seen.unwrap_or_default()
            );
        }
        text
    }
}
