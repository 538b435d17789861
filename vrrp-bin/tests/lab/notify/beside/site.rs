//! A node of either make, with scripts and a FIFO, and a stronger peer that comes and goes.

use std::{fmt::Write, fs, net::Ipv4Addr, path::PathBuf};

use libtest_mimic::Failed;
use tempfile::TempDir;
use vrrp_core::{
    Advert, Authentication, Centiseconds, ChecksumForm, Cidr, Claim, IPV4_GROUP, Interval,
    Ipv4Addresses, Vrid,
};
use vrrp_net::lab::{Cable, Injector, Keepalived, Signal, Switch, VrrpFrame, wait_until};

pub(super) use crate::makes::Make;
use crate::{
    notify::Record,
    support::{Node, Outcome, SOON, check},
};

/// What it has: one virtual router, or two that move together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    Single,
    Group,
}

/// The keys of a script: ours, keepalived's, and the word that is written down.
const KEYS: [(&str, &str, &str); 5] = [
    ("notify_active", "notify_master", "active"),
    ("notify_backup", "notify_backup", "backup"),
    ("notify_fault", "notify_fault", "fault"),
    ("notify_stop", "notify_stop", "stop"),
    ("notify", "notify", "notify"),
];
/// The interface, VRID and address of a virtual router.
const LAN: (&str, u8, &str) = ("eth0", 51, "10.0.0.100/24");
const WAN: (&str, u8, &str) = ("eth1", 52, "10.0.1.100/24");

impl Plan {
    fn routers(self) -> &'static [(&'static str, (&'static str, u8, &'static str))] {
        match self {
            Self::Single => &[("web", LAN)],
            Self::Group => &[("lan", LAN), ("wan", WAN)],
        }
    }
}

pub(super) struct Site {
    pub(super) node: Node,
    pub(super) peer: Node,
    /// Of the second network, of each node.
    pub(super) wan: [Cable; 2],
    pub(super) record: Record,
    make: Make,
    plan: Plan,
    keepalived: Option<Keepalived>,
    folder: TempDir,
    _switches: [Switch; 2],
}

impl Site {
    pub(super) fn new(make: Make, plan: Plan) -> Result<Self, Failed> {
        let folder = TempDir::with_prefix("vrrp-test-")?;
        let switches = [Switch::new()?, Switch::new()?];
        let [lan, wan] = &switches;
        let node = Node::new("a", lan, &["10.0.0.1/24"], folder.path())?;
        let peer = Node::new("b", lan, &["10.0.0.2/24"], folder.path())?;
        let wan = [
            Cable::new(&node.host, "eth1", wan, &["10.0.1.1/24"])?,
            Cable::new(&peer.host, "eth1", wan, &["10.0.1.2/24"])?,
        ];
        let record = Record::new(folder.path())?;
        let keepalived = None;
        Ok(Self { node, peer, wan, record, make, plan, keepalived, folder, _switches: switches })
    }

    pub(super) fn start(&mut self, priority: u8) -> Outcome {
        match self.make {
            Make::Ours => self.node.start(&self.ours(priority)),
            Make::Keepalived => {
                let config = self.keepalived(priority);
                let folder = self.folder.path();
                self.keepalived = Some(Keepalived::start(&self.node.host, folder, &config)?);
                Ok(())
            }
        }
    }

    pub(super) fn stop(&mut self) -> Outcome {
        let Some(keepalived) = &mut self.keepalived else {
            self.node.signal(Signal::SIGTERM)?;
            return check(self.node.wait()?, "the node did not end with status 0");
        };
        keepalived.terminate()?;
        check(keepalived.wait(SOON)?, "keepalived does not end")
    }

    pub(super) fn start_peer(&mut self) -> Outcome {
        let mut config = self.routers("150");
        if self.plan == Plan::Group {
            config += "[[group]]\nname = \"both\"\nmembers = [\"lan\", \"wan\"]\n";
        }
        self.peer.start(&config)
    }

    pub(super) fn stop_peer(&mut self) -> Outcome {
        self.peer.signal(Signal::SIGTERM)?;
        check(self.peer.wait()?, "the peer did not end with status 0")
    }

    /// Lowers the priority of the node by 50, or no longer.
    pub(super) fn fall_ill(&self, ill: bool) -> Outcome {
        if ill {
            // keepalived multiplies what stands in the file with the weight.
            return Ok(fs::write(self.flag(), "1")?);
        }
        Ok(fs::remove_file(self.flag())?)
    }

    fn flag(&self) -> PathBuf {
        self.folder.path().join("ill")
    }

    /// A message of a third node, which the one that is told of is stronger than.
    pub(super) fn hear_weaker(&self) -> Outcome {
        let (source, group) = (Ipv4Addr::new(10, 0, 0, 9).into(), IPV4_GROUP.into());
        let addresses = Ipv4Addresses::new([Cidr::from(Ipv4Addr::new(10, 0, 0, 100))])?;
        let advert = Advert {
            vrid: Vrid::try_from(LAN.1)?,
            claim: Claim::from(50),
            interval: Interval::V3(Centiseconds::try_from(10)?),
            authentication: Authentication::None,
            addresses: (&addresses).into(),
        };
        let mut message = vec![0; Advert::MAX_LEN];
        let length = advert.encode(source, group, ChecksumForm::PseudoHeader, &mut message)?;
        message.truncate(length);
        let frame = VrrpFrame::new(source, group, message).encode()?;
        Ok(Injector::new(&self.peer.host, "eth0")?.send(&frame)?)
    }

    /// Waits until what `who` was told last is this, and more than `before` was told.
    pub(super) fn told_since(&self, before: usize, who: &str, last: &str) -> Outcome {
        let is =
            |told: &[String]| told.len() > before && told.last().is_some_and(|told| told == last);
        let is_so = wait_until(SOON, || is(&self.record.told(who)));
        let told = self.record.told(who);
        check(is_so, format!("{who} was not told {last:?} but {told:#?}\n{}", self.log()))
    }

    /// Waits until what `who` was told last is this.
    pub(super) fn told(&self, who: &str, last: &str) -> Outcome {
        self.told_since(0, who, last)
    }

    /// Waits until the last line of the FIFO is this.
    pub(super) fn line(&self, last: &str) -> Outcome {
        let is = || self.record.lines().last().is_some_and(|line| line == last);
        let lines = || self.record.lines();
        check(wait_until(SOON, is), format!("no line {last:?}: {:#?}\n{}", lines(), self.log()))
    }

    pub(super) fn log(&self) -> String {
        self.keepalived.as_ref().map_or_else(|| self.node.log(), Keepalived::log)
    }

    /// The virtual routers of a node of ours.
    fn routers(&self, priority: &str) -> String {
        let tables = self.plan.routers().iter().map(|(name, (interface, vrid, address))| {
            format!(
                "[[virtual_router]]\nname = {name:?}\ninterface = {interface:?}\nvrid = {vrid}\n\
                 addresses = [{address:?}]\ninterval = \"100ms\"\npriority = {priority}\n"
            )
        });
        tables.collect()
    }

    fn ours(&self, priority: u8) -> String {
        let priority = if priority == 255 { "\"owner\"".to_owned() } else { priority.to_string() };
        let scripts = |who: &str| {
            let keys = KEYS.iter().map(|(key, _, word)| (key, self.record.command(who, word)));
            keys.map(|(key, command)| format!("{key} = {command:?}\n")).collect::<String>()
        };
        let mut config = String::new();
        // Each table with its scripts.
        for table in self.routers(&priority).split_inclusive(&format!("priority = {priority}\n")) {
            let name = table.split('"').nth(1).unwrap_or_default();
            config += table;
            config += &scripts(name);
            if self.plan == Plan::Single {
                config += "track = [{ check = \"ill\", weight = -50 }]\n";
            }
        }
        match self.plan {
            Plan::Single => {
                let file = format!("file = {{ path = {:?}, exists = false }}", self.flag());
                let times = "interval = \"50ms\"\nrise = 1\nfall = 1\n";
                config += &format!("[[check]]\nname = \"ill\"\n{file}\n{times}");
            }
            Plan::Group => {
                config += "[[group]]\nname = \"both\"\nmembers = [\"lan\", \"wan\"]\n";
                config += &scripts("both");
            }
        }
        config + &format!("[daemon]\nnotify_fifo = {:?}\n", self.record.fifo())
    }

    fn keepalived(&self, priority: u8) -> String {
        let scripts = |who: &str| {
            let keys = KEYS.iter().map(|(_, key, word)| (key, self.record.command(who, word)));
            keys.map(|(key, command)| format!("  {key} \"{}\"\n", command.join(" ")))
                .collect::<String>()
        };
        let mut config = format!(
            "global_defs {{\n  router_id a\n  script_user root\n  vrrp_version 3\n  \
             vrrp_notify_fifo {}\n  vrrp_notify_priority_changes true\n}}\n",
            self.record.fifo().display()
        );
        let mut track = "";
        if self.plan == Plan::Single {
            let flag = self.flag();
            config += &format!("track_file ill {{\n  file {}\n  weight -50\n}}\n", flag.display());
            track = "  track_file {\n    ill\n  }\n";
        }
        for (name, (interface, vrid, address)) in self.plan.routers() {
            let _ = write!(
                config,
                "vrrp_instance {name} {{\n  state BACKUP\n  interface {interface}\n  \
                 virtual_router_id {vrid}\n  priority {priority}\n  advert_int 0.1\n  \
                 virtual_ipaddress {{\n    {address}\n  }}\n{track}{}}}\n",
                scripts(name)
            );
        }
        if self.plan == Plan::Group {
            let group = "vrrp_sync_group both {\n  group {\n    lan\n    wan\n  }\n";
            config += &format!("{group}{}}}\n", scripts("both"));
        }
        config
    }
}
