//! Hosts take a virtual link-local address as their router, from radvd on the active node: they keep
//! it when another node takes over, and when radvd is stopped after the address is gone.

mod service;

use std::{
    env,
    fs::{self, File},
    net::Ipv6Addr,
    process::{Command, Stdio},
    time::Duration,
};

use libtest_mimic::{Completion, Failed, Trial};
use tempfile::TempDir;
use vrrp_net::lab::{Cable, Capture, Client, Frame, Host, Process, Signal, Switch, wait_until};

use self::service::Service;
use crate::{
    interfaces::ip,
    support::{Node, Outcome, SOON, check, milliseconds, now, wait_for},
};

pub(super) fn tests() -> Vec<Trial> {
    vec![Trial::ignorable_test("notify_radvd_on_the_active_node_keeps_the_hosts_router", || {
        let is_asked_for = env::args().any(|argument| argument.contains("radvd"));
        if env::var_os("VRRP_TEST_ALL").is_none() && !is_asked_for {
            let why = "VRRP_TEST_ALL is not set (./test --all sets it)";
            return Ok(Completion::ignored_with(why));
        }
        if Command::new("radvd").arg("--version").output().is_err() {
            return Ok(Completion::ignored_with("radvd is not installed"));
        }
        play()?;
        Ok(Completion::Completed)
    })]
}

const ROUTER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
const SERVER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 9);
/// How many packets a second the host sends to the server.
const RATE: u32 = 100;

fn play() -> Outcome {
    let mut site = Site::new()?;
    let client = Client::start(&site.host, SERVER.into(), RATE)?;
    check(client.wait_for_reply(client.mark(), SOON), "the server does not answer")?;
    site.is_forbidden_to_scripts()?;
    site.moves("a drain", &client, [1, 0], |site| ask(&site.a, "drain"))?;
    site.moves("a resume", &client, [0, 1], |site| ask(&site.a, "resume"))?;
    site.is_told_again()?;
    site.moves("a crash", &client, [1, 0], Site::crash)?;
    site.keeps_its_router()?;
    site.loses_its_router()
}

fn ask(node: &Node, verb: &str) -> Outcome {
    let output = node.ask(&[verb, "lan-v6"])?;
    let said = String::from_utf8_lossy(&output.stderr);
    check(output.status.success(), format!("{verb}: {said}\n{}", node.log()))
}

/// Two routers between a host, which knows nothing but what it is told, and a server.
struct Site {
    a: Node,
    b: Node,
    /// Of a and of b.
    services: [Service; 2],
    wan: [Cable; 2],
    host: Host,
    capture: Capture,
    // The rest ends with it.
    _monitor: Process,
    _server: Host,
    _ends: [Cable; 2],
    folder: TempDir,
    _switches: [Switch; 2],
}

impl Site {
    /// a is active, b is a backup, and the host has a router.
    fn new() -> Result<Self, Failed> {
        let folder = TempDir::with_prefix("vrrp-test-")?;
        let switches = [Switch::new()?, Switch::new()?];
        let [lan, wan] = &switches;
        let capture = Capture::start(lan)?;
        let (host, server) = (Host::new("host")?, Host::new("server")?);
        let ends = [
            Cable::new(&host, "eth0", lan, &[])?,
            Cable::new(&server, "eth0", wan, &[&format!("{SERVER}/64")])?,
        ];
        host.run(|| fs::write("/proc/sys/net/ipv6/conf/eth0/accept_ra", "1"))??;
        ip(&server, "-6 route add default via fe80::2 dev eth0")?;
        let mut command = Command::new("ip");
        command.args(["-6", "monitor", "route"]).stdin(Stdio::null());
        command.stdout(File::create(folder.path().join("routes"))?);
        let monitor = host.spawn(command)?;
        let (mut a, services_a, wan_a) = router("a", 1, &switches, &folder)?;
        let (mut b, services_b, wan_b) = router("b", 2, &switches, &folder)?;
        start(&mut a, 200, &services_a)?;
        start(&mut b, 100, &services_b)?;
        let site = Self {
            a,
            b,
            services: [services_a, services_b],
            wan: [wan_a, wan_b],
            host,
            capture,
            _monitor: monitor,
            _server: server,
            _ends: ends,
            folder,
            _switches: switches,
        };
        site.a.wait_for_phase("held")?;
        site.b.wait_for_phase("backup")?;
        let has = || site.has_router().unwrap_or(false);
        let [radvd, _] = &site.services;
        check(wait_until(SOON, has), format!("the host has no router\n{}", radvd.log()))?;
        Ok(site)
    }

    /// A program of the daemon cannot be radvd itself: it has no capabilities.
    fn is_forbidden_to_scripts(&self) -> Outcome {
        let is = || self.a.log().contains("open_icmpv6_socket: Operation not permitted");
        check(wait_until(SOON, is), format!("radvd does not say why it fails:\n{}", self.a.log()))
    }

    /// Does what makes the active node another one. The host keeps its router, is told of it by the
    /// new node, and its packets go on.
    fn moves(
        &mut self,
        what: &str,
        client: &Client,
        [active, other]: [usize; 2],
        cause: impl FnOnce(&mut Self) -> Outcome,
    ) -> Outcome {
        let (mark, since) = (client.mark(), now());
        cause(self)?;
        let to = [&self.a, &self.b][active];
        to.wait_for_phase("held")?;
        let port = to.cable.port();
        let is =
            |frame: &Frame| &*frame.port == port && lifetime(frame).is_some_and(|of| !of.is_zero());
        let told = wait_for(&self.capture, "router advertisement", since, is)?;
        self.services[active].wait_for(true)?;
        self.services[other].wait_for(false)?;
        check(client.wait_for_reply(client.mark(), SOON), "the server does not answer any more")?;
        let gap = client.since(mark).longest_gap;
        println!(
            "{what}: the host was without the server for {}, and told of its router after {}",
            milliseconds(gap),
            milliseconds(told.saturating_sub(since))
        );
        self.keeps_its_router()
    }

    /// The daemon of a ends without a word and is started again, and adopts what is there: radvd
    /// runs on.
    fn is_told_again(&mut self) -> Outcome {
        let [radvd, _] = &self.services;
        let (starts, asked) = (radvd.starts(), radvd.asked());
        self.a.signal(Signal::SIGKILL)?;
        self.a.wait()?;
        start(&mut self.a, 200, radvd)?;
        self.a.wait_for_phase("adopted")?;
        let is_told = wait_until(SOON, || radvd.asked() > asked);
        check(is_told, format!("no script was told\n{}", self.a.log()))?;
        self.keeps_its_router()?;
        check(radvd.starts() == starts, "radvd was started again")
    }

    /// a is gone at once, as when its power is cut.
    fn crash(&mut self) -> Outcome {
        let [wan, _] = &self.wan;
        self.a.cable.unplug()?;
        wan.unplug()?;
        self.a.signal(Signal::SIGKILL)?;
        let [radvd, _] = &self.services;
        radvd.ask("kill")
    }

    /// Nobody has said so far that he is no router any more, and the host has lost none.
    fn keeps_its_router(&self) -> Outcome {
        let last =
            self.capture.frames().iter().any(|frame| lifetime(frame) == Some(Duration::ZERO));
        check(!last, "radvd took the router away")?;
        check(!self.has_lost(), "the host lost its router")?;
        check(self.has_router()?, "the host has no router")
    }

    /// A radvd that is stopped while the address is there takes the router away from the host,
    /// which has it again once radvd is started.
    fn loses_its_router(&self) -> Outcome {
        let [_, radvd] = &self.services;
        let since = now();
        radvd.ask("stop")?;
        let is = |frame: &Frame| lifetime(frame) == Some(Duration::ZERO);
        wait_for(&self.capture, "last router advertisement", since, is)?;
        check(wait_until(SOON, || self.has_lost()), "the host kept its router")?;
        radvd.ask("start")?;
        let has = || self.has_router().unwrap_or(false);
        check(wait_until(SOON, has), "the host has no router again")
    }

    fn has_router(&self) -> Result<bool, Failed> {
        let show = || Command::new("ip").args(["-6", "route", "show", "default"]).output();
        let output = self.host.run(show)??;
        let said = String::from_utf8_lossy(&output.stdout);
        Ok(said.contains(&format!("default via {ROUTER} dev eth0 proto ra")))
    }

    /// Whether the host has had no router in between.
    fn has_lost(&self) -> bool {
        let routes = fs::read_to_string(self.folder.path().join("routes")).unwrap_or_default();
        routes.lines().any(|line| line.starts_with("Deleted default"))
    }
}

fn router(
    name: &'static str,
    number: u8,
    [lan, wan]: &[Switch; 2],
    folder: &TempDir,
) -> Result<(Node, Service, Cable), Failed> {
    let node = Node::new(name, lan, &[], folder.path())?;
    let wan = Cable::new(&node.host, "eth1", wan, &[&format!("2001:db8:1::{number}0/64")])?;
    node.host.run(|| fs::write("/proc/sys/net/ipv6/conf/all/forwarding", "1"))??;
    let service = Service::new(&node.host, folder.path().join(format!("{name}.radvd")))?;
    Ok((node, service, wan))
}

/// Starts the node as the recipe of `docs/notify.md` has it, with the other side of the router.
fn start(node: &mut Node, priority: u8, radvd: &Service) -> Outcome {
    let (active, other, bare) = (radvd.command("start"), radvd.command("stop"), radvd.bare());
    node.start(&format!(
        r#"[[virtual_router]]
name = "lan-v6"
interface = "eth0"
vrid = 51
addresses = ["fe80::1/64", "2001:db8::1/64"]
priority = {priority}
notify_active = {active:?}
notify_backup = {other:?}
notify_fault = {other:?}
notify_stop = {other:?}

[[virtual_router]]
name = "wan-v6"
interface = "eth1"
vrid = 52
addresses = ["fe80::2/64", "2001:db8:1::1/64"]
priority = {priority}
notify_active = {bare:?}

[[group]]
name = "router"
members = ["lan-v6", "wan-v6"]
"#
    ))
}

/// For how long the virtual address is a router, as a router advertisement says (RFC 4861 4.2).
fn lifetime(frame: &Frame) -> Option<Duration> {
    const ICMPV6: u8 = 58;
    const ROUTER_ADVERTISEMENT: u8 = 134;
    let [_, _, _, _, _, _, _, _, _, _, _, _, 0x86, 0xdd, packet @ ..] = &*frame.bytes else {
        return None;
    };
    let (header, message) = packet.split_at_checked(40)?;
    let [_, _, _, _, _, _, ICMPV6, _, addresses @ ..] = header else { return None };
    let [ROUTER_ADVERTISEMENT, _, _, _, _, _, high, low, ..] = message else { return None };
    let is_virtual = addresses.starts_with(&ROUTER.octets());
    is_virtual.then(|| Duration::from_secs(u16::from_be_bytes([*high, *low]).into()))
}
