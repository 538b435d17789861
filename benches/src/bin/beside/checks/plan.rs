//! The same checks and virtual routers, in the language of keepalived and in that of `vrrp`.

use std::{
    fmt::{self, Write},
    time::Duration,
};

use clap::ValueEnum;
use vrrp_benches::serve::Ports;

use crate::{Failed, config, program::Kind};

/// How often each check runs, how long it may take, and how many results in a row count.
pub(super) const INTERVAL: Duration = Duration::from_secs(1);
pub(super) const TIMEOUT: Duration = Duration::from_secs(1);
pub(super) const FALL: u32 = 2;
const RISE: u32 = 2;

/// What a check asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Asks {
    /// A program, which every daemon can run
    Command,
    /// Built in: does somebody accept a connection
    Tcp,
    /// Built in: is a query answered
    Dns,
    /// Built in: is a file there
    File,
    /// Built in: is a request answered, without TLS
    Http,
}

impl fmt::Display for Asks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Command => "command",
            Self::Tcp => "tcp",
            Self::Dns => "dns",
            Self::File => "file",
            Self::Http => "http",
        })
    }
}

impl Asks {
    /// Whether a program can be asked to do this.
    pub(super) fn suits(self, kind: Kind) -> bool {
        kind == Kind::Vrrp || self == Self::Command
    }

    /// The line that says so in a `[[check]]`; `argv` is the program.
    pub(super) fn key(self, ports: Ports, argv: &[String]) -> String {
        let Ports { tcp, dns, http } = ports;
        match self {
            Self::Command => format!("command = {argv:?}"),
            Self::Tcp => format!("tcp = \"127.0.0.1:{tcp}\""),
            Self::Dns => {
                format!("dns = {{ server = \"127.0.0.1:{dns}\", name = \"web.example\" }}")
            }
            Self::File => "file = \"/etc/passwd\"".to_owned(),
            Self::Http => format!("http = \"http://127.0.0.1:{http}/healthz\""),
        }
    }
}

/// A virtual router on `eth0`: IPv4, one address, VRRPv3.
#[derive(Clone, Copy, Debug)]
pub(super) struct Router {
    pub(super) vrid: u8,
    pub(super) priority: u8,
    pub(super) interval: Duration,
    /// Whether all checks decide over it, or none.
    pub(super) tracks: bool,
}

/// What a node is configured with.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) routers: Vec<Router>,
    /// How many checks, all the same.
    pub(super) checks: usize,
    /// What `vrrp` is told that they ask.
    pub(super) key: String,
    /// What keepalived runs.
    pub(super) argv: Vec<String>,
}

impl Node {
    /// The configuration of a program.
    pub(super) fn text(&self, kind: Kind) -> Result<String, Failed> {
        match kind {
            Kind::Keepalived => Ok(self.keepalived()?),
            Kind::Vrrp => Ok(self.vrrp()?),
            Kind::Frr => Err("FRR has no checks".into()),
        }
    }

    fn keepalived(&self) -> Result<String, fmt::Error> {
        let (interval, timeout) = (INTERVAL.as_secs(), TIMEOUT.as_secs());
        let mut text = "global_defs {\n script_user root\n}\n".to_owned();
        for check in 0..self.checks {
            let script = self.argv.join(" ");
            write!(text, "vrrp_script c{check} {{\n script \"{script}\"\n interval {interval}\n")?;
            write!(text, " timeout {timeout}\n rise {RISE}\n fall {FALL}\n}}\n")?;
        }
        for Router { vrid, priority, interval, tracks } in &self.routers {
            let (seconds, address) = (interval.as_secs_f64(), config::address(0, *vrid));
            write!(text, "vrrp_instance v{vrid} {{\n state BACKUP\n version 3\n interface eth0\n")?;
            write!(text, " virtual_router_id {vrid}\n priority {priority}\n")?;
            write!(text, " advert_int {seconds}\n virtual_ipaddress {{\n {address}/32\n }}\n")?;
            if *tracks && self.checks > 0 {
                let names = (0..self.checks).map(|check| format!(" c{check}\n"));
                write!(text, " track_script {{\n{} }}\n", names.collect::<String>())?;
            }
            text.push_str("}\n");
        }
        Ok(text)
    }

    fn vrrp(&self) -> Result<String, fmt::Error> {
        let (interval, timeout) = (INTERVAL.as_secs(), TIMEOUT.as_secs());
        let mut text = String::new();
        for check in 0..self.checks {
            write!(text, "[[check]]\nname = \"c{check}\"\n{}\n", self.key)?;
            write!(text, "interval = \"{interval}s\"\ntimeout = \"{timeout}s\"\n")?;
            write!(text, "rise = {RISE}\nfall = {FALL}\n")?;
        }
        for Router { vrid, priority, interval, tracks } in &self.routers {
            let (milliseconds, address) = (interval.as_millis(), config::address(0, *vrid));
            write!(text, "[[virtual_router]]\ninterface = \"eth0\"\nvrid = {vrid}\n")?;
            write!(text, "priority = {priority}\ninterval = \"{milliseconds}ms\"\n")?;
            writeln!(text, "addresses = [\"{address}/32\"]")?;
            if *tracks {
                let names: Vec<_> = (0..self.checks).map(|check| format!("c{check}")).collect();
                writeln!(text, "track = {names:?}")?;
            }
        }
        Ok(text)
    }
}
