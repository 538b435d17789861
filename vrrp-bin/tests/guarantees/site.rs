//! A lab with one, two or three nodes and a client that counts.

use std::{thread, time::Duration};

use libtest_mimic::Failed;
use tempfile::TempDir;
use vrrp_net::lab::{Cable, Capture, Client, Frame, Host, Loss, Mark, Switch, wait_until};

use crate::{
    attic::{self, Remains},
    member::{Make, Member},
    network::Network,
    support::{Outcome, SOON, check, now, wait_for},
};

/// The nodes, in the order of their priorities.
pub(crate) const A: usize = 0;
pub(crate) const B: usize = 1;
pub(crate) const C: usize = 2;

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const TENTH: Duration = Duration::from_millis(100);

/// How many packets a second a client sends.
const RATE: u32 = 1000;

/// What the nodes of a lab are told.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) version: u8,
    pub(crate) interval: Duration,
    pub(crate) priorities: Vec<u8>,
    pub(crate) rate: u32,
    pub(crate) network: Network,
}

impl Plan {
    fn new(interval: Duration, priorities: &[u8]) -> Self {
        Self {
            version: 3,
            interval,
            priorities: priorities.to_vec(),
            rate: RATE,
            network: Network::Ipv4,
        }
    }

    /// The same in another network.
    pub(crate) fn by(self, network: Network) -> Self {
        Self { network, ..self }
    }

    pub(crate) fn lone(interval: Duration) -> Self {
        Self::new(interval, &[100])
    }

    pub(crate) fn pair(interval: Duration) -> Self {
        Self::new(interval, &[200, 100])
    }

    /// The backup's Active_Down_Interval is as short as it can be: the next after three intervals.
    pub(crate) fn tight_pair(interval: Duration) -> Self {
        Self::new(interval, &[254, 253])
    }

    pub(crate) fn equal_pair(interval: Duration) -> Self {
        Self::new(interval, &[100, 100])
    }

    pub(crate) fn three(interval: Duration) -> Self {
        Self::new(interval, &[200, 150, 100])
    }

    /// Skew_Time of a node by RFC 9568 6.1.
    pub(crate) fn skew(&self, who: usize) -> Duration {
        self.interval * (256 - u32::from(self.priorities[who])) / 256
    }

    pub(crate) fn active_down(&self, who: usize) -> Duration {
        3 * self.interval + self.skew(who)
    }
}

pub(crate) struct Site {
    pub(crate) members: Vec<Member>,
    pub(crate) capture: Capture,
    pub(crate) client: Client,
    pub(crate) plan: Plan,
    user: Option<Host>,
    _folder: TempDir,
}

impl Site {
    /// With a node of each of these makes.
    pub(crate) fn new(plan: &Plan, makes: &[Make]) -> Result<Self, Failed> {
        let folder = TempDir::with_prefix("vrrp-guarantees-")?;
        let switch = Switch::new()?;
        let network = plan.network;
        let capture =
            if network.is_ipv6() { Capture::start(&switch)? } else { Capture::claims(&switch)? };
        let mut members = Vec::new();
        for ((who, name), make) in
            ["a", "b", "c"].into_iter().enumerate().zip(makes).take(plan.priorities.len())
        {
            members.push(Member::new((who, name), *make, plan, (&switch, folder.path()))?);
        }
        let user = Host::new("user")?;
        Cable::new(&user, "eth0", &switch, &[&network.own(9)])?;
        let client = Client::start(&user, network.address(), plan.rate)?;
        let plan = plan.clone();
        Ok(Self { members, capture, client, plan, user: Some(user), _folder: folder })
    }

    /// Starts the nodes, and waits until they are in their places and the client is served.
    pub(crate) fn elect(&mut self) -> Outcome {
        self.members.iter_mut().try_for_each(Member::start)?;
        self.members[A].wait_for_active()?;
        self.members[B..].iter().try_for_each(Member::wait_for_backup)?;
        self.is_served()
    }

    pub(crate) fn is_served(&self) -> Outcome {
        let mark = self.client.mark();
        check(self.client.wait_for_reply(mark, SOON), "the client gets no answer")
    }

    /// What became of the packets between `mark` and now, once that is known of all of them and the
    /// client is served.
    pub(crate) fn loss_since(&self, mark: Mark) -> Result<Loss, Failed> {
        self.loss_between(mark, self.client.mark())
    }

    pub(crate) fn loss_between(&self, from: Mark, to: Mark) -> Result<Loss, Failed> {
        check(self.client.wait_for_reply(to, SOON), "the client gets no answer any more")?;
        let is_known = wait_until(SOON, || self.client.between(from, to).pending == 0);
        check(is_known, "nothing is known of some packets")?;
        Ok(self.client.between(from, to))
    }

    /// Waits for an advertisement of this node at `since` or later that is no resignation, and says
    /// when it came.
    pub(crate) fn advert(&self, who: usize, since: Duration) -> Result<Duration, Failed> {
        let member = &self.members[who];
        let what = format!("advertisement of {}", member.node.name);
        wait_for(&self.capture, &what, since, |frame| {
            member.said(frame).is_some_and(|priority| priority > 0)
        })
    }

    /// The number of advertisements of this node at `since` or later, resignations excluded.
    pub(crate) fn adverts(&self, who: usize, since: Duration) -> usize {
        let member = &self.members[who];
        self.count(since, Duration::MAX, |frame| {
            member.said(frame).is_some_and(|priority| priority > 0)
        })
    }

    /// How often this node told neighbours that the address is his, between two moments.
    pub(crate) fn announcements(&self, who: usize, since: Duration, until: Duration) -> usize {
        self.count(since, until, |frame| self.members[who].announced(frame))
    }

    fn count(&self, since: Duration, until: Duration, wanted: impl Fn(&Frame) -> bool) -> usize {
        let frames = self.capture.frames();
        frames.iter().filter(|frame| frame.at >= since && frame.at < until && wanted(frame)).count()
    }

    /// Waits until this time after an advertisement of the active node, and says when that was
    /// sent.
    pub(crate) fn after_advert(&self, who: usize, time: Duration) -> Result<Duration, Failed> {
        let at = self.advert(who, now())?;
        pass(at + time);
        Ok(at)
    }

    /// The names of those whose kernels have the address.
    pub(crate) fn holders(&self) -> Vec<&'static str> {
        self.members.iter().filter(|member| member.holds()).map(|member| member.node.name).collect()
    }

    /// Fails unless this node alone has the address.
    pub(crate) fn is_at(&self, who: usize) -> Outcome {
        let holders = self.holders();
        check(holders == [self.members[who].node.name], format!("the address is at {holders:?}"))
    }

    /// What everybody said: for the message of a failure.
    pub(crate) fn evidence(&self) -> String {
        let mut text = String::new();
        for member in &self.members {
            let held = member.watch.held();
            text += &format!(
                "\n--- {} ({:?}), held {held:?}:\n{}",
                member.node.name,
                member.make,
                member.log()
            );
        }
        text += "--- the last frames:\n";
        let frames = self.capture.frames();
        let told: Vec<String> = frames.iter().filter_map(|frame| self.tell(frame)).collect();
        text + &told[told.len().saturating_sub(30)..].join("\n")
    }

    fn tell(&self, frame: &Frame) -> Option<String> {
        let priority = self.members.iter().find_map(|member| member.said(frame));
        let announced = self.members.iter().any(|member| member.announced(frame));
        let said = match (priority, announced) {
            (Some(priority), _) => format!("advertises {priority}"),
            (None, true) => "announces the address".to_owned(),
            (None, false) => return None,
        };
        Some(format!("{:.3} {} {said}", frame.at.as_secs_f64(), frame.port))
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.client.stop();
        for member in self.members.drain(..) {
            attic::keep(Remains::Node(Box::new(member.end())));
        }
        self.user.take().into_iter().for_each(|user| attic::keep(Remains::Host(user)));
    }
}

/// Waits until a moment has come: how long a fault lasts, and not until something has happened.
pub(crate) fn pass(moment: Duration) {
    thread::sleep(moment.saturating_sub(now()));
}
