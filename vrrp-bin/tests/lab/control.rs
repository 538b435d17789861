//! The control socket is a service to others, and must not cost the address.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    process::Command,
    time::{Duration, Instant},
};

use libtest_mimic::{Failed, Trial};

use crate::support::{Outcome, Pair, check, timed};

/// More than the daemon may have files open.
const CONNECTIONS: usize = 200;
const FILES: usize = 64;

pub(crate) fn tests() -> Vec<Trial> {
    vec![timed("a5_idle_clients_do_not_take_the_address_away", |_| idle_clients())]
}

fn idle_clients() -> Outcome {
    let mut pair = Pair::new()?;
    let mut limited = Command::new("sh");
    let exec = format!("ulimit -n {FILES}; exec \"$0\" \"$@\"");
    limited.args(["-c", &exec, env!("CARGO_BIN_EXE_vrrp")]);
    let config = "[[virtual_router]]\nname = \"web\"\ninterface = \"eth0\"\nvrid = 51\n\
                  addresses = [\"10.0.0.100/24\"]\ninterval = \"100ms\"\n";
    pair.a.start_command(config, limited)?;
    pair.a.wait_for_phase("held")?;
    let before = pair.a.router(0);
    let socket = pair.folder.path().join("a.sock");
    // A connection that is accepted and closed, and one that waits to be accepted, are both fine.
    let connect = || -> Result<UnixStream, Failed> { Ok(UnixStream::connect(&socket)?) };
    let opened = Instant::now();
    let mut idle = (0..CONNECTIONS).map(|_| connect()).collect::<Result<Vec<_>, _>>()?;
    let mut half = connect()?;
    half.write_all(b"GET /status HT")?;
    let asked = Instant::now();
    // The lease of a node whose backend cannot work ends after a second.
    while opened.elapsed() < Duration::from_secs(4) {
        check(health(&socket)?, "health is not answered")?;
        std::thread::sleep(Duration::from_millis(200));
    }
    check(pair.a.has_address("10.0.0.100")?, "the address is gone")?;
    let after = pair.a.router(0);
    for field in ["phase", "since"] {
        check(before[field] == after[field], format!("there was a transition: {after:#}"))?;
    }
    let (after_half, after_idle) = (ends(&mut half, asked)?, ends(idle.last_mut().ok_or("none")?, opened)?);
    let (request, quiet) = (Duration::from_secs(5), Duration::from_secs(10));
    check(after_half < request + Duration::from_secs(2), format!("half a request lasted {after_half:?}"))?;
    check(after_idle < quiet + Duration::from_secs(2), format!("an idle connection lasted {after_idle:?}"))
}

/// How long after `since` the other side closes the connection.
fn ends(connection: &mut UnixStream, since: Instant) -> Result<Duration, Failed> {
    connection.set_read_timeout(Some(Duration::from_secs(15)))?;
    let mut rest = Vec::new();
    connection.read_to_end(&mut rest)?;
    Ok(since.elapsed())
}

fn health(socket: &std::path::Path) -> Result<bool, Failed> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vrrp"));
    Ok(command.args(["health", "--control"]).arg(socket).status()?.success())
}
