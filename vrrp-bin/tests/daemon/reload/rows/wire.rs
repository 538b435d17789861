//! What a reload changes of the messages of a virtual router.

use std::{net::Ipv4Addr, time::Duration};

use serde_json::Value;
use vrrp_net::lab::{self, Cable, Capture, Host, Injector, VrrpFrame};

use super::{ip, router, since, waits};
use crate::{Daemon, Failed, Outcome, SOON};

/// An Active, and all that it says.
struct Stage {
    daemon: Daemon,
    capture: Capture,
    since: Value,
}

impl Stage {
    fn new(config: &str) -> Result<Self, Failed> {
        let daemon = Daemon::start_with(config, |_| Ok(String::new()))?;
        let (capture, since) = (Capture::start(&daemon.switch)?, since(&daemon, "web")?);
        Ok(Self { daemon, capture, since })
    }

    /// The first advertisement after a reload that is `wanted`, and how long it took. Nothing else
    /// has changed.
    fn after(
        &self,
        config: &str,
        wanted: impl Fn(&VrrpFrame) -> bool,
    ) -> Result<(VrrpFrame, Duration), Failed> {
        let begun = lab::now();
        let changes = self.daemon.becomes(config)?;
        assert!(!changes.is_empty(), "nothing has changed: {config}");
        let found = self.capture.wait_for(SOON, |frame| {
            frame.at >= begun && frame.vrrp().is_some_and(|vrrp| wanted(&vrrp))
        });
        let found = found.ok_or_else(|| format!("there is no such advertisement: {config}"))?;
        let status = self.daemon.status(&["web"])?;
        assert_eq!((&status["phase"], &status["since"]), (&"held".into(), &self.since));
        let resigned = |vrrp: VrrpFrame| vrrp.payload.get(2) == Some(&0);
        assert!(!self.capture.frames().iter().any(|frame| frame.vrrp().is_some_and(resigned)));
        Ok((found.vrrp().ok_or("no advertisement")?, found.at.saturating_sub(begun)))
    }

    /// When advertisements came after `since` that are `wanted`, once there are `number`.
    fn adverts(
        &self,
        since: Duration,
        number: usize,
        wanted: impl Fn(&VrrpFrame) -> bool,
    ) -> Result<Vec<Duration>, Failed> {
        let of = |frame: &lab::Frame| {
            (frame.at >= since && frame.vrrp().is_some_and(|vrrp| wanted(&vrrp)))
                .then_some(frame.at)
        };
        let all = || Ok(self.capture.frames().iter().filter_map(of).collect());
        waits(all, |moments: &Vec<_>| moments.len() >= number)
    }

    /// How often an address was announced.
    fn announced(&self, address: Ipv4Addr) -> usize {
        let frames = self.capture.frames();
        frames.iter().filter(|frame| frame.garp().is_some_and(|(_, it)| it == address)).count()
    }
}

/// The field of the interval (RFC 9568 5.2.7).
fn centiseconds(vrrp: &VrrpFrame) -> u16 {
    let [high, low] = [4, 5].map(|at| vrrp.payload.get(at).copied().unwrap_or_default());
    u16::from_be_bytes([high & 0x0f, low])
}

/// Long before the next advertisement is due.
pub(super) fn priority() -> Outcome {
    let stage = Stage::new(&router(""))?;
    let slow = |more: &str| router(more).replace("100ms", "30s");
    assert_eq!(stage.daemon.becomes(&slow(""))?, ["web: interval 100ms -> 30s"]);
    for (more, priority) in
        [("priority = 150", 150), ("priority = \"owner\"", 255), ("preempt = \"30s\"", 100)]
    {
        let is_it = |vrrp: &VrrpFrame| vrrp.payload.get(2) == Some(&priority);
        let (_, took) = stage.after(&slow(more), is_it)?;
        assert!(took < Duration::from_secs(5), "{more}: only after {took:?}");
    }
    Ok(())
}

pub(super) fn interval() -> Outcome {
    let stage = Stage::new(&router(""))?;
    let is_slow = |vrrp: &VrrpFrame| centiseconds(vrrp) == 30;
    stage.after(&router("").replace("100ms", "300ms"), is_slow)?;
    let moments = stage.adverts(Duration::ZERO, 6, is_slow)?;
    // The last one may be late, none is early.
    let (first, last) = (moments[0], moments[5]);
    assert!(last.saturating_sub(first) > Duration::from_millis(5 * 250), "{moments:?}");
    let is_fast = |vrrp: &VrrpFrame| centiseconds(vrrp) == 10;
    stage.after(&router(""), is_fast).map(drop)
}

pub(super) fn version() -> Outcome {
    let stage = Stage::new(&router(""))?;
    let says = |first: u8| move |vrrp: &VrrpFrame| vrrp.payload.first() == Some(&first);
    let two = router("version = 2").replace("100ms", "1s");
    stage.after(&two, says(0x21))?;
    let begun = lab::now();
    stage.after(&router(""), says(0x31))?;
    // From then on there is no other.
    stage.adverts(begun, 5, says(0x31))?;
    let last = stage.capture.frames().iter().filter_map(lab::Frame::vrrp).last();
    assert!(last.is_some_and(|vrrp| vrrp.payload.first() == Some(&0x31)));
    Ok(())
}

pub(super) fn password_and_checksum() -> Outcome {
    let stage = Stage::new(&router("checksum = \"rfc9568\""))?;
    let is_plain = |vrrp: &VrrpFrame| folded(&vrrp.payload) == u16::MAX;
    let first = stage.adverts(Duration::ZERO, 1, |_| true)?[0];
    let is_at_first = !stage.adverts(first, 0, is_plain)?.is_empty();
    stage.after(&router("checksum = \"rfc5798\""), |vrrp| is_plain(vrrp) != is_at_first)?;
    // RFC 3768 5.3.6, and the data behind the addresses.
    let has = |data: &'static [u8; 8]| {
        move |vrrp: &VrrpFrame| vrrp.payload.get(4) == Some(&1) && vrrp.payload.ends_with(data)
    };
    let two = |password: &str| {
        router(&format!("version = 2\npassword = \"{password}\"")).replace("100ms", "1s")
    };
    stage.after(&two("one"), has(b"one\0\0\0\0\0"))?;
    stage.after(&two("another"), has(b"another\0")).map(drop)
}

pub(super) fn peers_hear_and_source() -> Outcome {
    let stage = Stage::new(&router(""))?;
    let daemon = &stage.daemon;
    let groups = || ip(daemon, "maddress show dev eth0");
    let hears = |wanted: bool| waits(groups, |said| said.contains("224.0.0.18") == wanted);
    hears(true)?;
    let stranger = Stranger::new(&stage)?;
    let peers = "priority = 200\npeers = [\"192.0.2.2\"]";
    daemon.becomes(&router(peers))?;
    hears(false)?;
    let refused = |status: &Value| status["counters"]["rejected"]["unlisted-source"].clone();
    stranger.until(|status| refused(status) != 0)?;
    daemon.becomes(&router(&format!("{peers}\nhear = \"any\"")))?;
    stranger.until(|status| status["counters"]["adverts_received"] != 0)?;
    daemon.becomes(&router(""))?;
    hears(true)?;
    ip(daemon, "address add 192.0.2.3/24 dev eth0")?;
    for (more, source) in [("source = \"192.0.2.3\"", [192, 0, 2, 3]), ("", [192, 0, 2, 1])] {
        stage.after(&router(more), |vrrp| vrrp.source == Ipv4Addr::from(source))?;
    }
    Ok(())
}

/// A weaker node that is not among the peers.
struct Stranger<'a> {
    stage: &'a Stage,
    _host: Host,
    _cable: Cable,
    injector: Injector,
    frame: Vec<u8>,
}

impl<'a> Stranger<'a> {
    /// It says what the node itself has said, which is weaker by now.
    fn new(stage: &'a Stage) -> Result<Self, Failed> {
        let said = stage.capture.wait_for(SOON, |frame| frame.vrrp().is_some());
        let said = said.and_then(|frame| frame.vrrp());
        let mut payload = said.ok_or("nothing was said")?.payload;
        payload[6..8].fill(0);
        // Without the pseudo-header, which is right from whatever address (RFC 9568 5.2.8).
        let sum = !folded(&payload);
        payload[6..8].copy_from_slice(&sum.to_be_bytes());
        let (from, to) = (Ipv4Addr::new(192, 0, 2, 77), Ipv4Addr::new(192, 0, 2, 1));
        let mut frame = VrrpFrame::new(from.into(), to.into(), payload);
        frame.destination_mac = stage.daemon.cable.mac()?;
        let host = Host::new("other")?;
        let cable = Cable::new(&host, "eth0", &stage.daemon.switch, &["192.0.2.77/24"])?;
        let injector = Injector::new(&host, "eth0")?;
        Ok(Self { stage, _host: host, _cable: cable, injector, frame: frame.encode()? })
    }

    /// Speaks until the node is as `wanted`.
    fn until(&self, wanted: impl Fn(&Value) -> bool) -> Result<Value, Failed> {
        let look = || {
            self.injector.send(&self.frame)?;
            self.stage.daemon.status(&["web"])
        };
        waits(look, wanted)
    }
}

/// The sum of the Internet checksum (RFC 1071).
fn folded(payload: &[u8]) -> u16 {
    let words = payload.chunks_exact(2).map(|word| u16::from_be_bytes([word[0], word[1]]));
    words.fold(0_u16, |sum, word| {
        let (sum, carry) = sum.overflowing_add(word);
        sum + u16::from(carry)
    })
}

/// What is announced is announced as the configuration says that is in force by then.
pub(super) fn announce() -> Outcome {
    let once = "announce = { repeat = [\"0s\"], refresh = \"60s\" }";
    let often = "announce = { repeat = [\"0s\", \"50ms\", \"100ms\"], refresh = \"60s\" }";
    let with = |more: &str, addresses: &str| router(more).replace("\"192.0.2.10/24\"", addresses);
    let stage = Stage::new(&router(once))?;
    let (one, two) = (Ipv4Addr::new(192, 0, 2, 11), Ipv4Addr::new(192, 0, 2, 12));
    let settles = || stage.adverts(lab::now(), 6, |_| true);
    let three = "\"192.0.2.10/24\", \"192.0.2.11/24\", \"192.0.2.12/24\"";
    stage.daemon.becomes(&with(once, "\"192.0.2.10/24\", \"192.0.2.11/24\""))?;
    waits(|| Ok(stage.announced(one)), |number| *number > 0)?;
    settles()?;
    assert_eq!(stage.announced(one), 1);
    stage.daemon.becomes(&with(often, "\"192.0.2.10/24\", \"192.0.2.11/24\""))?;
    settles()?;
    assert_eq!(stage.announced(one), 1, "a reload announces nothing");
    stage.daemon.becomes(&with(often, three))?;
    waits(|| Ok(stage.announced(two)), |number| *number == 3).map(drop)
}
