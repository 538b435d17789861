//! Other implementations in a lab: they come up, speak, resign, and can be killed.

use std::{path::Path, time::Duration};

use libtest_mimic::{Completion, Failed, Trial};
use tempfile::TempDir;
use vrrp_net::lab::{self, Cable, Capture, Frr, Host, Keepalived, Switch};

/// How long one may take: it starts as a backup with an interval of 1 s.
const SOON: Duration = Duration::from_secs(15);

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        needs("keepalived", Keepalived::missing, keepalived_speaks_resigns_and_dies),
        needs("frr", Frr::missing, frr_speaks_resigns_and_dies),
    ]
}

fn needs(peer: &str, missing: fn() -> Option<String>, test: fn() -> Result<(), Failed>) -> Trial {
    let name = format!("{peer}_speaks_resigns_and_dies");
    Trial::ignorable_test(name, move || match missing() {
        Some(why) => Ok(Completion::ignored_with(why)),
        None => test().map(|()| Completion::Completed),
    })
}

struct World {
    host: Host,
    capture: Capture,
    folder: TempDir,
    _switch: Switch,
}

fn world() -> Result<World, Failed> {
    let switch = Switch::new()?;
    let host = Host::new("a")?;
    Cable::new(&host, "eth0", &switch, &["10.0.0.1/24"])?;
    let capture = Capture::start(&switch)?;
    Ok(World { host, capture, folder: TempDir::with_prefix("vrrp-lab-")?, _switch: switch })
}

impl World {
    fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Waits for an advertisement with this priority octet, sent after `since`.
    fn hears(&self, since: Duration, priority: u8, log: impl Fn() -> String) -> Result<(), Failed> {
        let heard = self.capture.wait_for(SOON, |frame| {
            frame.at >= since
                && frame.vrrp().is_some_and(|vrrp| vrrp.payload.get(2) == Some(&priority))
        });
        heard
            .map(|_| ())
            .ok_or_else(|| format!("no priority {priority}; its log: {}", log()).into())
    }
}

fn is_a_version(said: Option<String>) -> Result<(), Failed> {
    let number = said.as_deref().and_then(|said| said.split(' ').nth(1));
    let is_one = number.is_some_and(|number| {
        number.starts_with(|c: char| c.is_ascii_digit()) && number.contains('.')
    });
    if is_one { Ok(()) } else { Err(format!("{said:?} is no version").into()) }
}

fn keepalived_speaks_resigns_and_dies() -> Result<(), Failed> {
    is_a_version(Keepalived::version())?;
    let world = world()?;
    let config = "vrrp_instance web {\n interface eth0\n virtual_router_id 51\n priority 120\n \
                  virtual_ipaddress {\n 10.0.0.100/24\n }\n}\n";
    let start = || Keepalived::start(&world.host, world.folder(), config);
    let begun = lab::now();
    let mut peer = start()?;
    world.hears(begun, 120, || peer.log())?;
    peer.kill()?;
    let begun = lab::now();
    let mut peer = start()?;
    world.hears(begun, 120, || peer.log())?;
    // Its child dies, and its parent starts another one.
    let child = peer.pid();
    peer.crash();
    let is_another = || peer.pid().is_some_and(|pid| Some(pid) != child);
    if !lab::wait_until(SOON, is_another) {
        return Err(format!("there is no other child; its log: {}", peer.log()).into());
    }
    let begun = lab::now();
    world.hears(begun, 120, || peer.log())?;
    peer.suspend()?;
    let begun = lab::now();
    let speaks = |frame: &lab::Frame| frame.at >= begun && frame.vrrp().is_some();
    if world.capture.wait_for(Duration::from_secs(2), speaks).is_some() {
        return Err("it speaks while it is suspended".into());
    }
    peer.resume()?;
    world.hears(begun, 120, || peer.log())?;
    let begun = lab::now();
    peer.terminate()?;
    world.hears(begun, 0, || peer.log())?;
    if !peer.wait(SOON)? {
        return Err("keepalived does not end".into());
    }
    Ok(())
}

fn frr_speaks_resigns_and_dies() -> Result<(), Failed> {
    is_a_version(Frr::version())?;
    let world = world()?;
    Frr::macvlan(&world.host, "eth0", 51, &["10.0.0.100/24"])?;
    let config =
        "interface eth0\n vrrp 51 version 3\n vrrp 51 priority 120\n vrrp 51 ip 10.0.0.100\n";
    let start = || Frr::start(&world.host, world.folder(), config);
    let begun = lab::now();
    let mut peer = start()?;
    world.hears(begun, 120, || peer.log())?;
    if !peer.status().contains("\"status\":\"Master\"") {
        return Err(format!("its status: {}", peer.status()).into());
    }
    peer.kill()?;
    let begun = lab::now();
    let peer = start()?;
    world.hears(begun, 120, || peer.log())?;
    let begun = lab::now();
    peer.terminate()?;
    world.hears(begun, 0, || peer.log())
}
