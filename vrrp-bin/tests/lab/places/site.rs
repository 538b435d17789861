//! Two nodes with two interfaces, a user on one side, and a host behind them on the other.

use std::{fs, net::IpAddr, time::Duration};

use libtest_mimic::Failed;
use vrrp_net::lab::{Cable, Capture, Client, Host, Keepalived, Signal, Switch, wait_until};

use super::table::{Table, without};
pub(super) use crate::makes::{Make, Who};
use crate::{
    interfaces::{answered, ip},
    support::{Node, Outcome, Pair, SOON, check},
};

impl Who {
    pub(super) const fn priority(self) -> u8 {
        match self {
            Self::A => 200,
            Self::B => 100,
        }
    }

    /// The host's own addresses.
    const fn own(self) -> [&'static str; 2] {
        match self {
            Self::A => ["10.0.0.1", "10.0.1.1"],
            Self::B => ["10.0.0.2", "10.0.1.2"],
        }
    }
}

/// The virtual address on the other interface, which the host behind uses.
pub(super) const OUTER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 1, 100));
/// What is reached through the active node by its route: an address of the host behind.
pub(super) const FAR: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 1));
/// The virtual address on the nodes' own interface.
pub(super) const INNER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 100));

/// The same of both programs.
const ADDRESSES: &str = "\
addresses = [
    \"10.0.0.100/24\",
    { address = \"10.0.1.100/24\", interface = \"eth1\", label = \"eth1:web\", broadcast = \"+\" },
    { address = \"10.9.9.9/32\", interface = \"lo\", scope = \"link\" },
]
extra_addresses = [
    \"10.0.0.101/24\",
    \"fd00::101/64\",
    { address = \"172.16.1.20/24\", interface = \"eth1\" },
]
";
pub(super) const ROUTES: [&str; 4] = [
    "198.51.100.0/24 via 10.0.1.254 dev eth1",
    "198.18.0.0/15 via 10.0.1.254 dev eth1 metric 50 table 100",
    "2001:db8:7::/48 via fd00::9 dev eth0",
    "blackhole 203.0.113.0/24",
];
/// Those that end with the lease, whatever happens to the process.
pub(super) const LEASED_ROUTES: [&str; 2] = [ROUTES[0], ROUTES[2]];

pub(super) struct Site {
    pub(super) pair: Pair,
    /// Of eth1, of each node.
    pub(super) eth1: [Cable; 2],
    pub(super) behind: Host,
    /// Of what is behind the nodes.
    pub(super) capture: Capture,
    /// What the hosts had before anything was started.
    before: [Table; 2],
    keepalived: [Option<Keepalived>; 2],
    _back: Switch,
}

impl Site {
    /// The nodes have 10.0.0.1 and 10.0.0.2 on eth0, 10.0.1.1 and 10.0.1.2 on eth1. The user has
    /// 10.0.0.9, and the host behind 10.0.1.254 and 198.51.100.1; each reaches the other through
    /// the virtual address on its side.
    pub(super) fn new() -> Result<Self, Failed> {
        let pair = Pair::new()?;
        let back = Switch::new()?;
        let eth1 = [
            Cable::new(&pair.a.host, "eth1", &back, &["10.0.1.1/24"])?,
            Cable::new(&pair.b.host, "eth1", &back, &["10.0.1.2/24"])?,
        ];
        let behind = Host::new("behind")?;
        Cable::new(&behind, "eth0", &back, &["10.0.1.254/24"])?;
        ip(&behind, "address add 198.51.100.1/32 dev lo")?;
        ip(&behind, "route add 10.0.0.0/24 via 10.0.1.100")?;
        ip(&pair.user, "route add 198.51.100.0/24 via 10.0.0.100")?;
        for node in [&pair.a, &pair.b] {
            node.host.run(|| fs::write("/proc/sys/net/ipv4/ip_forward", "1"))??;
        }
        let capture = Capture::start(&back)?;
        let before =
            [Table::of(&pair.a.host, &Who::A.own())?, Table::of(&pair.b.host, &Who::B.own())?];
        let keepalived = [None, None];
        Ok(Self { pair, eth1, behind, capture, before, keepalived, _back: back })
    }

    pub(super) fn node(&self, who: Who) -> &Node {
        match who {
            Who::A => &self.pair.a,
            Who::B => &self.pair.b,
        }
    }

    pub(super) fn node_mut(&mut self, who: Who) -> &mut Node {
        match who {
            Who::A => &mut self.pair.a,
            Who::B => &mut self.pair.b,
        }
    }

    pub(super) fn eth1(&self, who: Who) -> &Cable {
        let [a, b] = &self.eth1;
        match who {
            Who::A => a,
            Who::B => b,
        }
    }

    fn keepalived(&mut self, who: Who) -> &mut Option<Keepalived> {
        let [a, b] = &mut self.keepalived;
        match who {
            Who::A => a,
            Who::B => b,
        }
    }

    /// Starts a node with everything that both programs are given.
    pub(super) fn start(&mut self, make: Make, who: Who, interval: Duration) -> Outcome {
        match make {
            Make::Ours => self.node_mut(who).start(&ours(who, interval, &ROUTES)),
            Make::Keepalived => {
                let config = keepalived(who, interval);
                let folder = self.pair.folder.path().to_owned();
                let started = Keepalived::start(&self.node(who).host, &folder, &config)?;
                *self.keepalived(who) = Some(started);
                Ok(())
            }
        }
    }

    /// Starts both nodes of ours with these routes, and waits until the stronger one is active and
    /// the other one follows it.
    pub(super) fn settle(&mut self, interval: Duration, routes: &[&str]) -> Outcome {
        for who in [Who::A, Who::B] {
            self.node_mut(who).start(&ours(who, interval, routes))?;
        }
        self.settled()
    }

    pub(super) fn settled(&self) -> Outcome {
        self.pair.a.wait_for_phase("held")?;
        self.pair.b.wait_for_phase("backup")
    }

    pub(super) fn stop(&mut self, who: Who) -> Outcome {
        if let Some(keepalived) = self.keepalived(who) {
            keepalived.terminate()?;
            return check(keepalived.wait(SOON)?, "keepalived does not end");
        }
        let node = self.node_mut(who);
        node.signal(Signal::SIGTERM)?;
        check(node.wait()?, format!("{} did not end with status 0", node.name))
    }

    pub(super) fn kill(&mut self, who: Who) -> Outcome {
        if let Some(keepalived) = self.keepalived(who) {
            return Ok(keepalived.kill()?);
        }
        self.node_mut(who).process()?.kill()?;
        Ok(())
    }

    /// What is on a host that was not there before anything was started.
    pub(super) fn lines(&self, who: Who) -> Result<Vec<String>, Failed> {
        let [a, b] = &self.before;
        let before = match who {
            Who::A => a,
            Who::B => b,
        };
        Ok(Table::of(&self.node(who).host, &who.own())?.since(before))
    }

    /// Waits until exactly these lines are there.
    pub(super) fn wait_for_lines(&self, who: Who, when: &str, expected: &[String]) -> Outcome {
        let mut found = Vec::new();
        let is_so = wait_until(SOON, || {
            found = self.lines(who).unwrap_or_default();
            without(&found, expected).is_empty() && without(expected, &found).is_empty()
        });
        let (more, less) = (without(&found, expected), without(expected, &found));
        let name = self.node(who).name;
        check(is_so, format!("{name}, {when}: not expected {more:#?}, missing {less:#?}"))
    }

    /// Nothing is on a host that was not there before.
    pub(super) fn wait_for_nothing(&self, who: Who, when: &str) -> Outcome {
        self.wait_for_lines(who, when, &[])
    }

    /// The host behind, which uses the address on eth1, and the user, whose way is through the
    /// nodes. Both get answers.
    pub(super) fn clients(&self) -> Result<[Client; 2], Failed> {
        let outer = Client::start(&self.behind, OUTER, 1000)?;
        let far = Client::start(&self.pair.user, FAR, 1000)?;
        answered(&outer)?;
        answered(&far)?;
        Ok([outer, far])
    }

    pub(super) fn log(&self, who: Who) -> String {
        let [a, b] = &self.keepalived;
        let keepalived = match who {
            Who::A => a,
            Who::B => b,
        };
        keepalived.as_ref().map_or_else(|| self.node(who).log(), Keepalived::log)
    }
}

/// The configuration of a node of ours, with these routes.
pub(super) fn ours(who: Who, interval: Duration, routes: &[&str]) -> String {
    let (priority, interval) = (who.priority(), interval.as_millis());
    format!(
        "[[virtual_router]]\nname = \"web\"\ninterface = \"eth0\"\nvrid = 51\npriority = \
         {priority}\ninterval = \"{interval}ms\"\n{ADDRESSES}routes = {routes:?}\n"
    )
}

fn keepalived(who: Who, interval: Duration) -> String {
    let (priority, interval) = (who.priority(), interval.as_secs_f64());
    let routes = ROUTES.join("\n    ");
    format!(
        "global_defs {{
  router_id lab
  script_user root
  vrrp_version 3
}}
vrrp_instance web {{
  state BACKUP
  interface eth0
  virtual_router_id 51
  priority {priority}
  advert_int {interval}
  virtual_ipaddress {{
    10.0.0.100/24
    10.0.1.100/24 brd + dev eth1 label eth1:web
    10.9.9.9/32 dev lo scope link
  }}
  virtual_ipaddress_excluded {{
    10.0.0.101/24
    fd00::101/64
    172.16.1.20/24 dev eth1
  }}
  virtual_routes {{
    {routes}
  }}
}}
"
    )
}
