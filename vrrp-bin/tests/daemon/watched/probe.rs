//! Who is active, as a load balancer asks.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
};

use vrrp_net::lab::wait_until;

use super::http::get;
use crate::{CONFIG, Daemon, Failed, Outcome, SOON, text};

const PROBE: &str = "192.0.2.1:8111";

fn start(config: &str) -> Result<Daemon, Failed> {
    let daemon = Daemon::start_with(config, |_| Ok(format!("probe = \"{PROBE}\"\n")))?;
    // It listens a moment after the phase is told.
    assert!(wait_until(SOON, || connects(&daemon).unwrap_or_default()), "it is closed");
    Ok(daemon)
}

/// Whether a connection is accepted there.
fn connects(daemon: &Daemon) -> Result<bool, Failed> {
    match daemon.host.run(|| TcpStream::connect(PROBE))? {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// A connection is refused when nothing is active, one that is there gets no other answer, and it is
/// open again afterwards.
pub(super) fn it_answers_only_while_active() -> Outcome {
    let daemon = start(CONFIG)?;
    let control = daemon.control().display().to_string();
    let answer = get(&daemon, PROBE, "/")?;
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    // An open connection, on which nothing was asked yet.
    let mut early = daemon.host.run(|| TcpStream::connect(PROBE))??;
    early.set_read_timeout(Some(SOON))?;
    let drained = daemon.vrrp(&["drain", "--force", "--control", &control])?;
    assert_eq!(drained.status.code(), Some(0), "{}", text(&drained.stderr));
    assert!(
        wait_until(SOON, || connects(&daemon).is_ok_and(|connects| !connects)),
        "it stays open"
    );
    let mut said = String::new();
    // It may be closed before or after this is sent.
    let _ = early.write_all(b"GET / HTTP/1.1\r\nHost: it\r\n\r\n");
    let _ = early.read_to_string(&mut said);
    assert_eq!(said, "", "an answer comes after the end");
    let resumed = daemon.vrrp(&["resume", "--control", &control])?;
    assert_eq!(resumed.status.code(), Some(0), "{}", text(&resumed.stderr));
    daemon.wait_until_it_serves()?;
    assert!(wait_until(SOON, || connects(&daemon).unwrap_or_default()), "it stays closed");
    assert_eq!(get(&daemon, PROBE, "/web")?.status, 200);
    // The next program has the address, too.
    let (status, _, complaint) = daemon.restart()?;
    assert_eq!(status, Some(0), "{complaint}");
    let answers = || get(&daemon, PROBE, "/web").is_ok_and(|answer| answer.status == 200);
    assert!(wait_until(SOON, answers), "it is closed after a restart");
    Ok(())
}

/// One of two is drained: a request that names it is told so, while the address is open for the other.
pub(super) fn it_tells_virtual_routers_apart() -> Outcome {
    let second = CONFIG.replace("\"web\"", "\"db\"").replace("51", "52").replace("::10", "::20");
    let second = second.replace("192.0.2.10", "192.0.2.20");
    let daemon = start(&format!("{CONFIG}{second}"))?;
    let control = daemon.control().display().to_string();
    let status = |path: &str| Ok::<_, Failed>(get(&daemon, PROBE, path)?.status);
    for path in ["/", "/web", "/web/v6", "/db", "/db/v6"] {
        assert_eq!(status(path)?, 200, "{path}");
    }
    let drained = daemon.vrrp(&["drain", "db", "--force", "--control", &control])?;
    assert_eq!(drained.status.code(), Some(0), "{}", text(&drained.stderr));
    for (path, expected) in
        [("/", 200), ("/web", 200), ("/web/v6", 200), ("/db", 503), ("/db/v6", 503)]
    {
        assert_eq!(status(path)?, expected, "{path}");
    }
    let unknown = get(&daemon, PROBE, "/wev")?;
    assert_eq!(unknown.status, 404);
    assert!(unknown.body.contains("did you mean web"), "{}", unknown.body);
    Ok(())
}
