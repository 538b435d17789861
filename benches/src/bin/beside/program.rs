//! The programs, started and ended in the same way.

use std::{
    env, fmt,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use clap::ValueEnum;
use vrrp_net::lab::{Frr, Keepalived, Process, Signal};

use crate::{
    Failed,
    config::{self, Plan, Version},
    site::{Site, Station},
};

/// FRR needs a macvlan for each virtual router, and the lab names them by VRID: one interface's.
const MOST_OF_FRR: usize = 255;

/// A program that speaks VRRP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Kind {
    /// What the others are compared with
    Keepalived,
    /// zebra and vrrpd
    Frr,
    /// This project's
    Vrrp,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Keepalived => "keepalived",
            Self::Frr => "FRR",
            Self::Vrrp => "vrrp",
        })
    }
}

/// The programs that are there and were asked for.
#[derive(Debug)]
pub(crate) struct Programs {
    pub(crate) kinds: Vec<Kind>,
    vrrp: PathBuf,
    missing: Vec<String>,
}

impl Programs {
    pub(crate) fn find(only: &[Kind], vrrp: Option<&Path>) -> Result<Self, Failed> {
        let vrrp = match vrrp {
            Some(path) => path.to_owned(),
            None => env::current_exe()?.with_file_name("vrrp"),
        };
        let wanted = if only.is_empty() { Kind::value_variants() } else { only };
        let mut found = Self { kinds: Vec::new(), vrrp, missing: Vec::new() };
        for kind in wanted {
            let missing = match kind {
                Kind::Keepalived => Keepalived::missing(),
                Kind::Frr => Frr::missing(),
                Kind::Vrrp => found.missing_vrrp(),
            };
            match missing {
                None => found.kinds.push(*kind),
                Some(why) => found.missing.push(why),
            }
        }
        Ok(found)
    }

    fn missing_vrrp(&self) -> Option<String> {
        let built = self.vrrp.is_file();
        (!built).then(|| {
            format!(
                "there is no {}: cargo build --release --bin vrrp makes it, or --vrrp names \
                 another",
                self.vrrp.display()
            )
        })
    }

    fn version(&self) -> Option<String> {
        let output = Command::new(&self.vrrp).arg("--version").output().ok()?;
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Some(format!("{said} ({})", self.vrrp.display()))
    }

    /// Says which they are, and who is left out.
    pub(crate) fn print(&self) {
        for kind in &self.kinds {
            let version = match kind {
                Kind::Keepalived => Keepalived::version(),
                Kind::Frr => Frr::version(),
                Kind::Vrrp => self.version(),
            };
            println!("{}", version.unwrap_or_default());
        }
        for why in &self.missing {
            println!("left out: {why}");
        }
    }

    /// Those among them that can do this; says who cannot.
    pub(crate) fn able(&self, plan: Plan) -> Vec<Kind> {
        let why = if plan.version != Version::V3 {
            "it knows no passwords"
        } else if plan.routers > MOST_OF_FRR {
            "it needs a macvlan for each virtual router, which the lab names by VRID alone"
        } else {
            return self.kinds.clone();
        };
        self.without_frr(why)
    }

    /// All but FRR, for this reason.
    pub(crate) fn without_frr(&self, why: &str) -> Vec<Kind> {
        if self.kinds.contains(&Kind::Frr) {
            println!("FRR is left out: {why}");
        }
        self.kinds.iter().copied().filter(|kind| *kind != Kind::Frr).collect()
    }

    /// Starts a program with this plan on a host.
    pub(crate) fn start(
        &self,
        kind: Kind,
        site: &Site,
        on: &Station,
        plan: Plan,
    ) -> Result<Running, Failed> {
        match kind {
            Kind::Keepalived => self.start_with(kind, site, on, &plan.keepalived()),
            Kind::Frr => {
                for vrid in plan.vrids(0) {
                    let address = format!("{}/32", config::address(0, vrid));
                    Frr::macvlan(&on.host, "eth0", vrid, &[&address])?;
                }
                self.start_with(kind, site, on, &plan.frr())
            }
            Kind::Vrrp => self.start_with(kind, site, on, &plan.vrrp()),
        }
    }

    /// Starts a program on a host with a configuration in its own language.
    pub(crate) fn start_with(
        &self,
        kind: Kind,
        site: &Site,
        on: &Station,
        config: &str,
    ) -> Result<Running, Failed> {
        let (folder, name) = (site.folder(), on.host.name());
        Ok(match kind {
            Kind::Keepalived => Running::Keepalived(Keepalived::start(&on.host, folder, config)?),
            Kind::Frr => {
                let frr = Frr::start(&on.host, folder, config)?;
                let zebra = fs::read_to_string(folder.join(format!("{name}-frr/zebra.pid")))?
                    .trim()
                    .parse()?;
                Running::Frr(frr, zebra)
            }
            Kind::Vrrp => {
                let file = |what: &str| folder.join(format!("{name}.{what}"));
                // What belongs to the daemon stands at the end of a configuration that has any.
                let header = if config.contains("[daemon]\n") { "" } else { "[daemon]\n" };
                let config = format!("{config}{header}control = {:?}\n", file("sock"));
                fs::write(file("toml"), config)?;
                let log = File::options().create(true).append(true).open(file("log"))?;
                let mut command = Command::new(&self.vrrp);
                command.arg("run").arg("-c").arg(file("toml"));
                command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
                Running::Vrrp(on.host.spawn(command)?, file("log"))
            }
        })
    }

    /// What `vrrp` on a host says of itself.
    pub(crate) fn status(&self, site: &Site, on: &Station) -> Result<serde_json::Value, Failed> {
        let socket = site.folder().join(format!("{}.sock", on.host.name()));
        let mut command = Command::new(&self.vrrp);
        let output = command.args(["status", "--json", "--control"]).arg(socket).output()?;
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

/// A program that runs.
#[derive(Debug)]
pub(crate) enum Running {
    Keepalived(Keepalived),
    /// And the process of zebra.
    Frr(Frr, u32),
    /// And its log.
    Vrrp(Process, PathBuf),
}

impl Running {
    /// All its processes.
    pub(crate) fn pids(&self) -> Vec<u32> {
        match self {
            Self::Keepalived(keepalived) => {
                let child = keepalived.pid();
                child.and_then(parent).into_iter().chain(child).collect()
            }
            Self::Frr(frr, zebra) => vec![frr.pid(), *zebra],
            Self::Vrrp(process, _) => vec![process.pid()],
        }
    }

    /// Kills all its processes at once: it cannot resign.
    pub(crate) fn kill(&mut self) -> Result<(), Failed> {
        match self {
            Self::Keepalived(keepalived) => keepalived.kill()?,
            Self::Frr(frr, _) => frr.kill()?,
            Self::Vrrp(process, _) => drop(process.kill()?),
        }
        Ok(())
    }

    /// Asks it to resign and leave, and does not wait.
    pub(crate) fn terminate(&self) -> Result<(), Failed> {
        match self {
            Self::Keepalived(keepalived) => keepalived.terminate()?,
            Self::Frr(frr, _) => frr.terminate()?,
            Self::Vrrp(process, _) => process.signal(Signal::SIGTERM)?,
        }
        Ok(())
    }

    /// The last lines that it said.
    pub(crate) fn log(&self) -> String {
        let log = match self {
            Self::Keepalived(keepalived) => keepalived.log(),
            Self::Frr(frr, _) => frr.log(),
            Self::Vrrp(_, log) => fs::read_to_string(log).unwrap_or_default(),
        };
        let lines: Vec<&str> = log.lines().collect();
        lines.get(lines.len().saturating_sub(8)..).unwrap_or_default().join("\n")
    }
}

fn parent(pid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok())
}
