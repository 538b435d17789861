//! Announcements that an operator asks for: what the neighbours see of them, and who has none.

use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use vrrp_net::lab::{Capture, Frame};

use super::{CONFIG, Daemon, Outcome, SOON, schema, text};

type Test = (&'static str, fn() -> Outcome);

pub(crate) const TESTS: [Test; 3] = [
    ("an_announcement_is_sent_when_it_is_asked_for", an_announcement_is_sent),
    ("who_is_not_active_has_nothing_to_announce", who_is_not_active_has_nothing_to_announce),
    ("an_announcement_can_be_asked_for_over_http", an_announcement_can_be_asked_for_over_http),
];

/// One that announces by itself at no time that this test sees.
fn quiet() -> String {
    CONFIG.replace(
        "interval = \"100ms\"\n",
        "interval = \"100ms\"\nannounce = { repeat = [\"0s\"], refresh = \"1h\" }\n",
    )
}

fn is_garp(frame: &Frame) -> bool {
    frame.garp().is_some_and(|(_, address)| address == Ipv4Addr::new(192, 0, 2, 10))
}

fn is_na(frame: &Frame) -> bool {
    frame.unsolicited_na().is_some_and(|it| it.target.to_string() == "2001:db8::10")
}

fn an_announcement_is_sent() -> Outcome {
    let daemon = Daemon::start_with(&quiet(), |_| Ok(String::new()))?;
    for (name, is_it) in [("web", is_garp as fn(&Frame) -> bool), ("web/v6", is_na)] {
        let capture = Capture::sent(&daemon.cable)?;
        let output = daemon.vrrp(&["announce", name, "-c", "vrrp.toml"])?;
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(said, format!("{name}: the neighbours are told where its addresses are\n"));
        assert!(capture.wait_for(SOON, is_it).is_some(), "{:?}", capture.frames());
    }
    Ok(())
}

/// A node that is drained, and a name that is not there.
fn who_is_not_active_has_nothing_to_announce() -> Outcome {
    let daemon = Daemon::start()?;
    let output = daemon.vrrp(&["drain", "--force", "-c", "vrrp.toml"])?;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    for (arguments, expected) in [
        (&["announce", "web"][..], "web is not the active node ("),
        (&["announce", "web/v6"], "web/v6 is not the active node ("),
        (
            &["announce"],
            "no virtual router of this node is active, so there is nothing to announce",
        ),
        (&["announce", "wev"], "there is no virtual router wev; did you mean web?"),
    ] {
        let output = daemon.vrrp(&[arguments, &["-c", "vrrp.toml"]].concat())?;
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(said.starts_with(expected) && said.lines().count() == 1, "{said}");
    }
    let nobody = daemon.vrrp(&["announce", "--control", "/nonexistent/control.sock"])?;
    assert_eq!(nobody.status.code(), Some(4), "{nobody:?}");
    Ok(())
}

fn an_announcement_can_be_asked_for_over_http() -> Outcome {
    let daemon = Daemon::start_with(&quiet(), |_| Ok(String::new()))?;
    let schema = schema::load()?;
    let asked = Instant::now();
    let (status, answer) = daemon.http("POST /announce", "")?;
    assert_eq!(status, "200", "{answer}");
    schema::check_part(&schema, "outcomes", &answer)?;
    assert_eq!(answer["outcomes"].as_array().map(Vec::len), Some(2));
    // Another one comes too soon, unless this machine is very busy.
    let (status, answer) = daemon.http("POST /virtual-routers/web/v6/announce", "")?;
    if asked.elapsed() < Duration::from_secs(1) {
        assert_eq!(status, "409", "{answer}");
        let error = answer["error"].as_str().unwrap_or_default();
        assert!(error.contains("less than a second ago"), "{error}");
    }
    Ok(())
}
