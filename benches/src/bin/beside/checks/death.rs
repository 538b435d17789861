//! How long a client waits when the service of the active node dies.

use std::{
    env,
    io::{BufRead, BufReader},
    process::ChildStdout,
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use vrrp_benches::serve::Ports;
use vrrp_net::lab::wait_until;

use super::{
    plan::{Asks, FALL, INTERVAL, Node, Router, TIMEOUT},
    probe,
    service::{self, Asking, PORT},
};
use crate::{
    Arguments, Failed,
    config::{self, Plan, Version},
    figures::median,
    program::{Kind, Programs},
    site::{Site, all_advertise},
};

/// Of the node whose service dies, and of the other one: its Skew_Time is half an interval.
const PRIORITIES: (u8, u8) = (200, 128);
/// How long anything may take.
const SOON: Duration = Duration::from_secs(20);
/// How long both nodes have until their checks have passed, beside some intervals.
const SETTLE: Duration = Duration::from_secs(3);
/// How long the client is served by the first node alone.
const SERVED: Duration = Duration::from_secs(1);
/// From the moment a check is answered until it has surely passed.
const PASSING: Duration = Duration::from_millis(20);

/// A program, and how it asks the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Way(Kind, Asks);

/// Two nodes of the same program, with the same checks.
pub(super) fn deaths(
    arguments: &Arguments,
    programs: &Programs,
    kinds: &[Kind],
    runs: usize,
) -> Result<(), Failed> {
    let script = script(arguments)?;
    let every = [Asks::Command, Asks::Tcp];
    let ways: Vec<Way> = kinds
        .iter()
        .flat_map(|kind| every.map(|asks| Way(*kind, asks)))
        .filter(|Way(kind, asks)| asks.suits(*kind))
        .collect();
    for interval in arguments.intervals(&[1_000]) {
        tell(interval, &script);
        let mut waits: Vec<(Way, f64)> = Vec::new();
        for _ in 0..runs {
            for way in &ways {
                match death(programs, *way, &script, interval) {
                    Ok(wait) => waits.push((*way, wait.as_secs_f64() * 1_000.0)),
                    Err(why) => println!("no figure of {} in this run: {why}", way.0),
                }
            }
        }
        println!("{:<58} {:>10} {:>10} {:>10}", "  wait (ms)", "median", "min", "max");
        for way in &ways {
            let all = waits.iter().filter(|(of, _)| of == way).map(|(_, wait)| *wait);
            line(*way, all.collect());
        }
    }
    Ok(())
}

/// What is done, and what it should come to.
fn tell(interval: Duration, script: &[String]) {
    let skew = skew(interval);
    let (expected, hung) = (INTERVAL * FALL + skew, INTERVAL * FALL + TIMEOUT + skew);
    println!("the service of the active node is killed (SIGKILL), at once after a check passed:");
    println!("  until a client has the first answer of the other node, over TCP");
    println!(
        "  checks: every {INTERVAL:?}, timeout {TIMEOUT:?}, fall {FALL}; advertisements: every \
         {interval:?}; as a program: {}",
        script.join(" ")
    );
    println!(
        "  arithmetic: fall × interval + Skew_Time = {FALL} × {INTERVAL:?} + {skew:?} = \
         {expected:?}; one that hangs would take the timeout too: {hung:?}"
    );
}

fn line(Way(kind, asks): Way, mut waits: Vec<f64>) {
    waits.sort_unstable_by(f64::total_cmp);
    let (Some(median), Some(min), Some(max)) = (median(&waits), waits.first(), waits.last()) else {
        return;
    };
    let name = format!("{kind}, {asks}");
    println!("    {name:<54} {median:>10.0} {min:>10.0} {max:>10.0}");
}

fn skew(interval: Duration) -> Duration {
    interval * (256 - u32::from(PRIORITIES.1)) / 256
}

/// One service that dies, and the wait.
fn death(
    programs: &Programs,
    Way(kind, asks): Way,
    script: &[String],
    interval: Duration,
) -> Result<Duration, Failed> {
    let plan = Plan { routers: 1, interval, priority: PRIORITIES.0, version: Version::V3 };
    let site = Site::new(plan)?;
    let (a, b, user) = (site.station("a", 1)?, site.station("b", 2)?, site.station("u", 9)?);
    let (mut dying, _other) = (service::start(&a.host, "a")?, service::start(&b.host, "b")?);
    let checked = lines(dying.stdout().ok_or("the service has no output")?);
    let config = |priority| {
        let router = Router { vrid: 1, priority, interval, tracks: true };
        let key = asks.key(Ports { tcp: PORT, dns: PORT, http: PORT }, script);
        Node { routers: vec![router], checks: 1, key, argv: script.to_vec() }.text(kind)
    };
    let from_a = a.captures()?;
    let active = programs.start_with(kind, &site, &a, &config(PRIORITIES.0)?)?;
    all_advertise(&from_a, plan, SOON).map_err(|why| format!("{why}:\n{}", active.log()))?;
    let backup = programs.start_with(kind, &site, &b, &config(PRIORITIES.1)?)?;
    thread::sleep(SETTLE + 4 * interval);

    let client = Asking::start(&user.host, config::address(0, 1))?;
    let begun = Instant::now();
    thread::sleep(SERVED);
    let served = client.since(begun);
    if served.is_empty() || served.iter().any(|(_, name)| *name != 'a') {
        return Err(format!("the client is not served by the first node:\n{}", active.log()).into());
    }
    // At once after a check: the most that it can cost, and the same each time.
    while checked.try_recv().is_ok() {}
    checked.recv_timeout(SOON).map_err(|_| "nobody checks the service")?;
    thread::sleep(PASSING);
    let died = Instant::now();
    dying.kill()?;
    let mut answered = None;
    wait_until(SOON, || {
        let answers = client.since(died);
        answered = answers.iter().find(|(_, name)| *name == 'b').map(|(at, _)| *at);
        answered.is_some()
    });
    let at = answered.ok_or_else(|| format!("nobody takes over:\n{}", backup.log()))?;
    Ok(at - died)
}

/// Something for each line that a process prints.
fn lines(output: ChildStdout) -> Receiver<()> {
    let (sender, receiver) = mpsc::channel();
    // It ends with the process, or with the first line that nobody wants any more.
    thread::spawn(move || {
        for _ in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(()).is_err() {
                return;
            }
        }
    });
    receiver
}

/// The program that asks the service.
fn script(arguments: &Arguments) -> Result<Vec<String>, Failed> {
    if let Some(script) = &arguments.script {
        return Ok(script.split_whitespace().map(str::to_owned).collect());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let curl = env::split_paths(&path).map(|folder| folder.join("curl")).find(|it| it.is_file());
    let url = format!("http://127.0.0.1:{PORT}/");
    let argv = match curl {
        Some(curl) => vec![
            curl.display().to_string(),
            "-sf".to_owned(),
            "-o".to_owned(),
            "/dev/null".to_owned(),
            url,
        ],
        None => {
            vec![probe()?.display().to_string(), "connect".to_owned(), format!("127.0.0.1:{PORT}")]
        }
    };
    Ok(argv)
}
