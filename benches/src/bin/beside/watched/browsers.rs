//! [`Browsers`]: Chromium with the page open, on another host.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use vrrp_net::lab::{Host, Process, wait_until};

use crate::Failed;

/// How many have the page open.
const BROWSERS: usize = 3;
/// How long it may take until each has the page, and follows it.
const START: Duration = Duration::from_secs(120);
/// What its first news have for each virtual router, at least, in octets.
const READ: u64 = 1_000;

/// It runs only while a processor has nothing else to do: elsewhere it would have its own. It is in
/// a namespace of the lab, where there is nothing to protect and its own sandbox may not be had.
const CHROMIUM: [&str; 11] = [
    "chrt",
    "--idle",
    "0",
    "chromium",
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--remote-debugging-pipe",
];

/// They end when this is dropped.
#[derive(Debug)]
pub(super) struct Browsers(Vec<Process>);

impl Browsers {
    /// Why there are none.
    pub(super) fn missing() -> Option<&'static str> {
        let found = Command::new("chromium").arg("--version").stderr(Stdio::null()).output();
        found.is_err().then_some("chromium is not installed: no browser has the page open")
    }

    /// Opens the page of the node at `metrics`, which has so many virtual routers, in each, and
    /// returns once all of them follow it.
    pub(super) fn open(
        on: &Host,
        metrics: SocketAddr,
        routers: usize,
        folder: &Path,
    ) -> Result<Self, Failed> {
        let enough = octets(on)? + READ * (BROWSERS * routers) as u64;
        let start = |number| browser(on, metrics, &folder.join(format!("chromium-{number}")));
        let browsers = (0..BROWSERS).map(start).collect::<Result<_, Failed>>()?;
        let follow = || {
            let read = octets(on).is_ok_and(|read| read > enough);
            read && connections(on, metrics.port()).is_ok_and(|open| open >= BROWSERS)
        };
        if !wait_until(START, follow) {
            return Err(format!("{BROWSERS} browsers do not follow http://{metrics}/").into());
        }
        Ok(Self(browsers))
    }

    /// Whether none has ended.
    pub(super) fn are_all_there(&mut self) -> bool {
        self.0.iter_mut().all(|browser| browser.try_wait().is_ok_and(|end| end.is_none()))
    }
}

fn browser(on: &Host, metrics: SocketAddr, home: &Path) -> Result<Process, Failed> {
    fs::create_dir_all(home)?;
    // The pipe of its DevTools, on which nobody asks, keeps it open: with `--headless` alone it
    // would end once the page is loaded.
    let mut command = Command::new("sh");
    command.args(["-c", "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null", "sh"]).args(CHROMIUM);
    command.arg(format!("--user-data-dir={}", home.display())).arg(format!("http://{metrics}/"));
    command.env("HOME", home).stdin(Stdio::piped()).stdout(Stdio::piped());
    command.stderr(File::create(home.join("log"))?);
    Ok(on.spawn(command)?)
}

/// How many octets the interfaces of the host received.
fn octets(on: &Host) -> Result<u64, Failed> {
    let text = on.run(|| fs::read_to_string("/proc/thread-self/net/dev"))??;
    let lines = text.lines().filter_map(|line| line.trim_start().strip_prefix("eth"));
    let received = lines.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    Ok(received.sum())
}

/// How many connections the host has to this port.
fn connections(on: &Host, port: u16) -> Result<usize, Failed> {
    const ESTABLISHED: &str = "01";
    let text = on.run(|| fs::read_to_string("/proc/thread-self/net/tcp"))??;
    let port = format!(":{port:04X}");
    let is_one = |line: &&str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields.get(2).is_some_and(|to| to.ends_with(&port)) && fields.get(3) == Some(&ESTABLISHED)
    };
    Ok(text.lines().filter(is_one).count())
}
