//! One node on the wire, and whoever speaks to it.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use libtest_mimic::Failed;
use serde_json::Value;
use tempfile::TempDir;
use vrrp_net::lab::{Cable, Capture, Frame, Host, Injector, Switch, Ticker, VrrpFrame, wait_until};

use super::codec::{Message, Timing, read};
use crate::support::{Node, Outcome, SLACK, SOON, check, now, wait_for, within};

/// The priority of the node, unless it is the owner.
pub(super) const OURS: u8 = 150;
pub(super) const STRONGER: u8 = 200;
pub(super) const WEAKER: u8 = 90;
pub(super) const OWNER: u8 = 255;

const VRID: u8 = 51;
/// The longest interval of VRRPv3 in centiseconds (RFC 9568 5.2.7).
const LONGEST: u16 = 4095;

/// Protocol and family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    V3Ipv4,
    V3Ipv6,
    V2,
}

pub(super) const V3: &[Mode] = &[Mode::V3Ipv4, Mode::V3Ipv6];
pub(super) const V3_IPV4: &[Mode] = &[Mode::V3Ipv4];
pub(super) const V3_IPV6: &[Mode] = &[Mode::V3Ipv6];
pub(super) const V2: &[Mode] = &[Mode::V2];
pub(super) const ALL: &[Mode] = &[Mode::V3Ipv4, Mode::V3Ipv6, Mode::V2];
/// What is left beside [`V3_IPV4`].
pub(super) const OTHERS: &[Mode] = &[Mode::V3Ipv6, Mode::V2];

impl Mode {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::V3Ipv4 => "v3_ipv4",
            Self::V3Ipv6 => "v3_ipv6",
            Self::V2 => "v2",
        }
    }

    pub(super) fn is_ipv6(self) -> bool {
        self == Self::V3Ipv6
    }

    pub(super) fn interval(self) -> Duration {
        // The shortest one of VRRPv2 (RFC 3768 5.3.7).
        Duration::from_millis(if self == Self::V2 { 1000 } else { 100 })
    }

    /// The addresses of the virtual router; the first one of IPv6 is link-local (RFC 9568 5.2.9).
    pub(super) fn addresses(self) -> Vec<IpAddr> {
        match self.is_ipv6() {
            false => vec![Ipv4Addr::new(10, 0, 0, 100).into()],
            true => vec![v6(0xfe80, 0x100), v6(0xfd00, 0x100)],
        }
    }

    /// The one that clients use.
    pub(super) fn address(self) -> IpAddr {
        if self.is_ipv6() { v6(0xfd00, 0x100) } else { Ipv4Addr::new(10, 0, 0, 100).into() }
    }

    /// A source below every address of the node.
    pub(super) fn lower(self) -> IpAddr {
        if self.is_ipv6() { v6(0xfe80, 1) } else { Ipv4Addr::new(10, 0, 0, 2).into() }
    }

    /// A source above every address of the node.
    pub(super) fn higher(self) -> IpAddr {
        self.high(9)
    }

    /// A third one, above that.
    pub(super) fn third(self) -> IpAddr {
        self.high(10)
    }

    pub(super) fn high(self, last: u8) -> IpAddr {
        match self.is_ipv6() {
            false => Ipv4Addr::new(10, 0, 0, last).into(),
            true => Ipv6Addr::new(0xfe80, 0, 0, 0, 0xffff, 0xffff, 0xffff, last.into()).into(),
        }
    }

    /// RFC 9568 5.1.1.2 and 5.1.2.2.
    pub(super) fn group(self) -> IpAddr {
        match self.is_ipv6() {
            false => Ipv4Addr::new(224, 0, 0, 18).into(),
            true => v6(0xff02, 0x12),
        }
    }

    /// Skew_Time (RFC 9568 6.1; RFC 3768 6.1, where the interval is 1 s here).
    pub(super) fn skew(self, priority: u8) -> Duration {
        self.interval() * (256 - u32::from(priority)) / 256
    }

    /// Active_Down_Interval (RFC 9568 6.1).
    pub(super) fn down(self, priority: u8) -> Duration {
        3 * self.interval() + self.skew(priority)
    }

    /// How often it is advertised in a second.
    fn rate(self) -> u32 {
        if self == Self::V2 { 1 } else { 10 }
    }

    /// The advertisement of a node that is configured as ours is, but for its priority.
    pub(super) fn message(self, priority: u8) -> Message {
        match self {
            Self::V2 => Message::v2(VRID, priority, 1, &self.addresses()),
            Self::V3Ipv4 | Self::V3Ipv6 => Message::v3(VRID, priority, 10, &self.addresses()),
        }
    }

    /// The configuration of the node, with more lines. `role` is a priority or the owner.
    pub(super) fn config(self, role: &str, more: &str) -> String {
        let version = if self == Self::V2 { 2 } else { 3 };
        let interval = self.interval().as_millis();
        let length = if self.is_ipv6() { 64 } else { 24 };
        let list: Vec<String> =
            self.addresses().iter().map(|address| format!("{address}/{length}")).collect();
        format!(
            "[[virtual_router]]\nname = \"web\"\ninterface = \"eth0\"\nvrid = {VRID}\nversion = \
             {version}\n\
             addresses = {list:?}\npriority = {role}\ninterval = \"{interval}ms\"\n{more}"
        )
    }
}

fn v6(first: u16, last: u16) -> IpAddr {
    Ipv6Addr::new(first, 0, 0, 0, 0, 0, 0, last).into()
}

/// An advertisement of the node, as the reference codec reads it.
pub(super) struct Sent {
    pub(super) at: Duration,
    pub(super) frame: VrrpFrame,
    pub(super) message: Message,
}

/// A node at a switch, a host with a frame injector, and a capture.
pub(super) struct Stage {
    pub(super) mode: Mode,
    pub(super) node: Node,
    pub(super) peer: Host,
    pub(super) injector: Injector,
    pub(super) capture: Capture,
    _peer_cable: Cable,
    _switch: Switch,
    _folder: TempDir,
}

impl Stage {
    pub(super) fn new(mode: Mode) -> Result<Self, Failed> {
        let folder = TempDir::with_prefix("vrrp-test-")?;
        let switch = Switch::new()?;
        let node = Node::new("a", &switch, &["10.0.0.5/24", "fd00::5/64"], folder.path())?;
        let peer = Host::new("peer")?;
        let peer_cable = Cable::new(&peer, "eth0", &switch, &["10.0.0.9/24", "fd00::9/64"])?;
        let injector = Injector::new(&peer, "eth0")?;
        let capture = Capture::start(&switch)?;
        Ok(Self {
            mode,
            node,
            peer,
            injector,
            capture,
            _peer_cable: peer_cable,
            _switch: switch,
            _folder: folder,
        })
    }

    /// The failure with what the node wrote.
    pub(super) fn explain(&self, failed: &Failed) -> Failed {
        format!("{}\nits log:\n{}", failed.message().unwrap_or_default(), self.node.log()).into()
    }

    pub(super) fn start(&mut self, more: &str) -> Outcome {
        let config = self.mode.config(&OURS.to_string(), more);
        self.node.start(&config)
    }

    /// Starts the node, and waits until it is Active, for so long that its promotion is no mistake
    /// of the network's any more.
    pub(super) fn hold(&mut self, more: &str) -> Outcome {
        self.start(more)?;
        self.settle()
    }

    /// Waits until the node is Active, and has been for more than three intervals.
    pub(super) fn settle(&self) -> Outcome {
        self.node.wait_for_phase("held")?;
        let first = self.next_advert(Duration::ZERO)?;
        self.next_advert(first + 3 * self.mode.interval() + self.mode.interval() / 2).map(drop)
    }

    /// Starts the node beside an Active of this priority, and goes on until it is followed.
    pub(super) fn follow(&mut self, from: IpAddr, priority: u8, more: &str) -> Outcome {
        self.start(more)?;
        let begun = now();
        self.send(from, priority)?;
        while self.state()["active_peer"] != from.to_string() {
            check(now() < begun + SOON, format!("{from} is not followed: {}", self.state()))?;
            self.stream(from, priority, 1)?;
        }
        check(self.sent(Duration::ZERO).is_empty(), "it advertised beside a stronger one")
    }

    pub(super) fn state(&self) -> Value {
        self.node.router(0)
    }

    /// Sends an advertisement to the group, and says when.
    pub(super) fn send(&self, from: IpAddr, priority: u8) -> Result<Duration, Failed> {
        self.send_message(from, &self.mode.message(priority))
    }

    pub(super) fn send_message(&self, from: IpAddr, message: &Message) -> Result<Duration, Failed> {
        self.send_frame(&self.frame(from, message))
    }

    pub(super) fn frame(&self, from: IpAddr, message: &Message) -> VrrpFrame {
        let group = self.mode.group();
        VrrpFrame::new(from, group, message.octets(from, group))
    }

    pub(super) fn send_frame(&self, frame: &VrrpFrame) -> Result<Duration, Failed> {
        let begun = now();
        self.injector.send(&frame.encode()?)?;
        let is_it = |seen: &Frame| {
            seen.vrrp()
                .is_some_and(|seen| seen.source == frame.source && seen.payload == frame.payload)
        };
        wait_for(&self.capture, "injected frame", begun, is_it)
    }

    /// Sends this advertisement for so many intervals, one at the end of each, and says when the
    /// last one left.
    pub(super) fn stream(
        &self,
        from: IpAddr,
        priority: u8,
        intervals: u32,
    ) -> Result<Duration, Failed> {
        self.flood(from, priority, self.mode.rate(), intervals)
    }

    /// The same, so many in a second.
    pub(super) fn flood(
        &self,
        from: IpAddr,
        priority: u8,
        rate: u32,
        intervals: u32,
    ) -> Result<Duration, Failed> {
        let frame = self.frame(from, &self.mode.message(priority)).encode()?;
        let begun = now();
        let lasts = intervals * self.mode.interval();
        let injected = self.injector.inject(rate, lasts, |_| frame.clone())?;
        let due = u128::from(rate) * lasts.as_millis() / 1000;
        check(
            u128::from(injected.sent) == due,
            format!("{} of {due} frames were sent", injected.sent),
        )?;
        let count = || self.heard_from(from, begun).len();
        check(wait_until(SOON, || count() as u128 >= due), "the capture missed a frame")?;
        self.heard_from(from, begun).pop().ok_or_else(|| "nothing was sent".into())
    }

    /// When VRRP messages of this source entered the switch.
    fn heard_from(&self, from: IpAddr, since: Duration) -> Vec<Duration> {
        let frames = self.capture.frames();
        let theirs = frames
            .iter()
            .filter(|frame| frame.at >= since && frame.source_mac() != Some(self.node.mac));
        theirs
            .filter(|frame| frame.vrrp().is_some_and(|vrrp| vrrp.source == from))
            .map(|frame| frame.at)
            .collect()
    }

    /// What the node sent from then on, resignations too.
    pub(super) fn sent(&self, since: Duration) -> Vec<Sent> {
        let frames = self.capture.frames();
        frames
            .iter()
            .filter(|frame| frame.at >= since)
            .filter_map(|frame| self.read(frame))
            .collect()
    }

    fn read(&self, frame: &Frame) -> Option<Sent> {
        let vrrp = frame.vrrp().filter(|vrrp| vrrp.source_mac == self.node.mac)?;
        let read = read(vrrp.source, vrrp.destination, &vrrp.payload)?;
        Some(Sent { at: frame.at, frame: vrrp, message: read.message })
    }

    /// When the node advertised first, after that moment. A resignation is no such advertisement.
    pub(super) fn next_advert(&self, since: Duration) -> Result<Duration, Failed> {
        let is_it = |frame: &Frame| self.read(frame).is_some_and(|sent| sent.message.priority > 0);
        wait_for(&self.capture, "advertisement of the node", since, is_it)
    }

    /// The node takes over so long after that moment, and says nothing before.
    pub(super) fn takes_over(
        &self,
        what: &str,
        since: Duration,
        after: Duration,
        ticker: &Ticker,
    ) -> Result<Duration, Failed> {
        let at = self.next_advert(since)?;
        within(what, at - since, (after, after), SLACK, ticker)?;
        Ok(at)
    }

    /// The node has said nothing from one moment to the next, but for so many last words
    /// (DESIGN.md, deviation from 6.4.3).
    pub(super) fn is_silent(&self, from: Duration, to: Duration, last_words: usize) -> Outcome {
        let sent: Vec<Duration> = self
            .sent(from)
            .iter()
            .map(|sent| sent.at - from)
            .filter(|after| from + *after < to)
            .collect();
        check(sent.len() <= last_words, format!("it advertised {sent:?} after it should be silent"))
    }

    /// The node is Active without a break since that moment: one advertisement in each interval.
    pub(super) fn stayed(&self, since: Duration, ticker: &Ticker) -> Outcome {
        self.next_advert(now() + self.mode.interval())?;
        let sent = self.sent(since);
        let gaps = sent.windows(2).filter_map(|pair| Some(pair.last()?.at - pair.first()?.at));
        let longest = gaps.max().unwrap_or_default();
        let interval = self.mode.interval();
        within(
            "longest gap between advertisements",
            longest,
            (Duration::ZERO, interval),
            SLACK,
            ticker,
        )?;
        check(sent.iter().all(|sent| sent.message.priority > 0), "it resigned")?;
        self.node.wait_for_phase("held")?;
        check(self.node.has_address(&self.mode.address().to_string())?, "the address is gone")
    }

    /// The node followed a stronger one: it is Backup, and has no address.
    pub(super) fn gave_way(&self) -> Outcome {
        self.node.wait_for_phase("backup")?;
        self.node.wait_for_address(self.mode.address(), false)
    }

    /// Makes the node give way for as long as its version allows.
    pub(super) fn dismiss(&self) -> Outcome {
        let mut message = self.mode.message(OWNER);
        if let Timing::V3 { centiseconds, .. } = &mut message.timing {
            *centiseconds = LONGEST;
        }
        self.send_message(self.mode.higher(), &message)?;
        self.gave_way()
    }

    /// How many lines of the log have all these words.
    pub(super) fn lines(&self, words: &[&str]) -> usize {
        let log = self.node.log();
        log.lines().filter(|line| words.iter().all(|word| line.contains(word))).count()
    }

    /// Waits for a line of the log with all these words, of which there may be so many.
    pub(super) fn is_told(&self, words: &[&str], most: usize) -> Outcome {
        check(wait_until(SOON, || self.lines(words) > 0), format!("no line has {words:?}"))?;
        let lines = self.lines(words);
        check(lines <= most, format!("{lines} lines have {words:?}"))
    }

    /// How many messages were refused for this reason.
    pub(super) fn refused(&self, reason: &str) -> u64 {
        self.state()["counters"]["rejected"][reason].as_u64().unwrap_or_default()
    }
}
