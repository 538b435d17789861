//! What a reload changes of the addresses of a host.

use std::{fs, net::Ipv4Addr};

use serde_json::Value;
use vrrp_net::lab::{Cable, Capture, Watch};

use super::{becomes, ip, router, second, since, waits};
use crate::{Daemon, Outcome, SOON};

fn start() -> Result<Daemon, crate::Failed> {
    Daemon::start_with(&router(""), |_| Ok(String::new()))
}

pub(super) fn addresses_and_routes() -> Outcome {
    let daemon = start()?;
    let begun = since(&daemon, "web")?;
    let watch = Watch::start(&daemon.host, Ipv4Addr::new(192, 0, 2, 10).into())?;
    let has = |what: &str, of: &str, wanted: bool| {
        waits(|| ip(&daemon, what), |said| said.contains(of) == wanted).map(drop)
    };
    let (address, route) = ("address show dev eth0", "route show");
    let more =
        "extra_addresses = [\"198.51.100.7/32\"]\nroutes = [\"203.0.113.0/24 via 192.0.2.254\"]";
    let two = router(more).replace("192.0.2.10/24", "192.0.2.11/24\", \"192.0.2.10/24");
    assert_eq!(daemon.becomes(&two)?.len(), 3);
    for (what, of) in
        [(address, "192.0.2.11/"), (address, "198.51.100.7/"), (route, "203.0.113.0/24")]
    {
        has(what, of, true)?;
    }
    assert_eq!(daemon.becomes(&router(""))?.len(), 3);
    for (what, of) in
        [(address, "192.0.2.11/"), (address, "198.51.100.7/"), (route, "203.0.113.0/24")]
    {
        has(what, of, false)?;
    }
    assert_eq!(watch.held().len(), 1, "what stays was away: {:?}", watch.held());
    assert_eq!(since(&daemon, "web")?, begun);
    Ok(())
}

pub(super) fn an_address_that_another_has_now() -> Outcome {
    let daemon = start()?;
    let two = router("").replace("192.0.2.10/24", "192.0.2.10/24\", \"192.0.2.11/24");
    daemon.becomes(&format!("{two}{}", second("")))?;
    daemon.wait_until_it_serves()?;
    let watch = Watch::start(&daemon.host, Ipv4Addr::new(192, 0, 2, 11).into())?;
    let begun = (since(&daemon, "web")?, since(&daemon, "db")?);
    let other = second("").replace("192.0.2.20/24", "192.0.2.20/24\", \"192.0.2.11/24");
    daemon.becomes(&format!("{}{other}", router("")))?;
    becomes(&daemon, "web", "addresses_held", vec!["192.0.2.10/24"])?;
    becomes(&daemon, "db", "addresses_held", vec!["192.0.2.20/24", "192.0.2.11/24"])?;
    assert_eq!(watch.held().len(), 1, "it was away: {:?}", watch.held());
    assert_eq!((since(&daemon, "web")?, since(&daemon, "db")?), begun);
    Ok(())
}

pub(super) fn lease() -> Outcome {
    let daemon = start()?;
    let begun = since(&daemon, "web")?;
    let watch = Watch::start(&daemon.host, Ipv4Addr::new(192, 0, 2, 10).into())?;
    let lasts = |wanted: bool| {
        // The line below it has the lifetime.
        let look = || ip(&daemon, "-o address show dev eth0 to 192.0.2.10");
        waits(look, |said| {
            said.contains("192.0.2.10/24") && said.contains("valid_lft forever") == wanted
        })
    };
    lasts(false)?;
    for (more, forever) in [("lease = false", true), ("", false)] {
        assert_eq!(daemon.becomes(&router(more))?.len(), 1);
        lasts(forever)?;
    }
    assert_eq!(watch.held().len(), 1, "it was away: {:?}", watch.held());
    assert_eq!(since(&daemon, "web")?, begun);
    Ok(())
}

/// A program in place of the kernel, the same program again, and back.
pub(super) fn backend() -> Outcome {
    let mut daemon = start()?;
    let begun = since(&daemon, "web")?;
    let book = daemon.directory.path().join("actions");
    let script = format!("echo $1 >> {}", book.display());
    let program = |more: &str| {
        router(&format!(
            "backend = {{ command = [\"/bin/sh\", \"-c\", '{script}', \"sh\"] }}\n{more}"
        ))
    };
    let actions = || Ok(fs::read_to_string(&book).unwrap_or_default());
    let is_there = |wanted: bool| {
        let look = || ip(&daemon, "address show dev eth0");
        waits(look, |said| said.contains("192.0.2.10/") == wanted)
    };
    daemon.becomes(&program(""))?;
    is_there(false)?;
    waits(actions, |done: &String| done.contains("acquire"))?;
    // It has answered by the time that it counts as held.
    becomes(&daemon, "web", "phase", "held")?;
    let done = actions()?;
    assert_eq!(daemon.becomes(&program("priority = 150"))?, ["web: priority 100 -> 150"]);
    assert_eq!(daemon.becomes(&program(""))?, ["web: priority 150 -> 100"]);
    assert_eq!(actions()?, done, "a backend whose settings are the same noticed");
    daemon.becomes(&router(""))?;
    is_there(true)?;
    waits(actions, |done: &String| done.ends_with("release\n"))?;
    assert_eq!(since(&daemon, "web")?, begun);
    let log = daemon.log_until_end()?;
    assert_eq!(log.matches("event=transition name=web ").count(), 5, "{log}");
    Ok(())
}

/// The old one serves until it has handed over, whatever the new one finds at its start.
pub(super) fn vrid() -> Outcome {
    let mut daemon = start()?;
    let watch = Watch::start(&daemon.host, Ipv4Addr::new(192, 0, 2, 10).into())?;
    let other = router("").replace("vrid = 51", "vrid = 53");
    assert_eq!(daemon.becomes(&other)?, ["web: removed", "web: added"]);
    let look = || daemon.status(&[]);
    let is_alone = |status: &Value| {
        let all = status["virtual_routers"].as_array();
        all.is_some_and(|all| all.len() == 1 && all[0]["vrid"] == 53 && all[0]["phase"] == "held")
    };
    waits(look, is_alone)?;
    // Once by the old one and once by the new one.
    let held = waits(|| Ok(watch.held()), |held| held.len() >= 2)?;
    let log = daemon.log_until_end()?;
    assert_eq!(held.len(), 2, "{held:?}\n{log}");
    assert!(!log.contains("to=adopted"), "{log}");
    Ok(())
}

/// It hands over on the old interface, and starts on the new one.
pub(super) fn interface() -> Outcome {
    let daemon = start()?;
    let cable = Cable::new(&daemon.host, "eth1", &daemon.switch, &["198.51.100.1/24"])?;
    let (capture, old) = (Capture::start(&daemon.switch)?, daemon.cable.mac()?);
    let moved = router("").replace("eth0", "eth1");
    assert_eq!(daemon.becomes(&moved)?, ["web: removed", "web: added"]);
    let resigns = capture.wait_for(SOON, |frame| {
        let vrrp = frame.vrrp().filter(|vrrp| vrrp.source_mac == old);
        vrrp.is_some_and(|vrrp| vrrp.payload.get(2) == Some(&0))
    });
    assert!(resigns.is_some(), "the old one does not resign");
    for (interface, wanted) in [("eth0", false), ("eth1", true)] {
        let look = || ip(&daemon, &format!("address show dev {interface}"));
        waits(look, |said| said.contains("192.0.2.10/") == wanted)?;
    }
    let look = || daemon.status(&[]);
    let status = waits(look, |status| {
        status["virtual_routers"].as_array().is_some_and(|all| all.len() == 1)
    })?;
    assert_eq!(status["virtual_routers"][0]["interface"], "eth1", "{status}");
    becomes(&daemon, "web", "phase", "held")?;
    let new = cable.mac()?;
    let speaks =
        capture.wait_for(SOON, |frame| frame.vrrp().is_some_and(|vrrp| vrrp.source_mac == new));
    assert!(speaks.is_some(), "the new one does not advertise");
    Ok(())
}
