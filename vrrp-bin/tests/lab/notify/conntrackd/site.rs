//! Two routers with NAT and conntrackd between a client and a server.

use std::{
    fs::{self, File},
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use libtest_mimic::Failed;
use tempfile::TempDir;
use vrrp_net::lab::{Cable, Host, Process, Signal, Switch, wait_until};

use crate::{
    interfaces::ip,
    support::{Node, Outcome, SOON, check},
};

const SERVER: &str = "10.0.1.9:7";
/// How long an echo may take that comes at once.
const AT_ONCE: Duration = Duration::from_secs(2);
/// Twice as long as the failover takes, and the client's next attempt after it.
const LOST: Duration = Duration::from_secs(6);

/// Why it cannot be played here; `None` when it can.
pub(super) fn missing() -> Option<String> {
    for (program, argument) in [("conntrackd", "-v"), ("nft", "--version")] {
        if Command::new(program).arg(argument).output().is_err() {
            return Some(format!("{program} is not installed"));
        }
    }
    None
}

/// A router: its conntrackd and the cable to the other one's.
struct Router {
    node: Node,
    wan: Cable,
    between: Cable,
    _conntrackd: Process,
    /// The file that configures conntrackd.
    config: PathBuf,
}

pub(super) struct Site {
    a: Router,
    b: Router,
    client: Host,
    // The rest ends with it.
    _server: Host,
    _ends: [Cable; 2],
    folder: TempDir,
    _switches: [Switch; 3],
}

impl Site {
    /// a is active, b is a backup; `commits`: as the recipe says.
    pub(super) fn new(commits: bool) -> Result<Self, Failed> {
        let folder = TempDir::with_prefix("vrrp-test-")?;
        let switches = [Switch::new()?, Switch::new()?, Switch::new()?];
        let [lan, wan, _] = &switches;
        let (client, server) = (Host::new("client")?, Host::new("server")?);
        let ends = [
            Cable::new(&client, "eth0", lan, &["10.0.0.9/24"])?,
            Cable::new(&server, "eth0", wan, &["10.0.1.9/24"])?,
        ];
        ip(&client, "route add default via 10.0.0.100")?;
        serve(&server)?;
        let [mut a, mut b] =
            [("a", 1), ("b", 2)].map(|who| Router::new(who, &switches, folder.path()));
        for (router, priority) in [(a.as_mut(), 200), (b.as_mut(), 100)] {
            // Neither is used where either failed.
            let Ok(router) = router else { continue };
            router.start(priority, commits)?;
        }
        let (a, b) = (a?, b?);
        a.node.wait_for_phase("held")?;
        b.node.wait_for_phase("backup")?;
        Ok(Self { a, b, client, _server: server, _ends: ends, folder, _switches: switches })
    }

    /// A new connection of the client to the server.
    pub(super) fn connect(&self) -> Result<Connection, Failed> {
        let server: SocketAddr = SERVER.parse()?;
        let stream = self.client.run(|| TcpStream::connect_timeout(&server, AT_ONCE))??;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, sent: 0 })
    }

    /// Waits until b's conntrackd knows the connection from a's.
    pub(super) fn knows(&self, connection: &Connection) -> Outcome {
        let port = format!("sport={} ", connection.stream.local_addr()?.port());
        let has = |text: &str| {
            text.lines().any(|line| line.contains("ESTABLISHED") && line.contains(&port))
        };
        let knows = || self.b.control("-e").is_ok_and(|said| has(&said));
        let known = || self.b.control("-e").unwrap_or_default();
        let logs =
            || fs::read_to_string(self.folder.path().join("b.conntrackd")).unwrap_or_default();
        check(wait_until(SOON, knows), format!("b knows {:?}, and not {port}\n{}", known(), logs()))
    }

    /// a is gone at once, with all that it knows, as when its power is cut.
    pub(super) fn crash(&mut self) -> Outcome {
        for cable in [&self.a.node.cable, &self.a.wan, &self.a.between] {
            cable.unplug()?;
        }
        self.a.node.signal(Signal::SIGKILL)
    }

    /// b has both addresses.
    pub(super) fn is_taken_over(&self) -> Outcome {
        self.b.node.wait_for_phase("held")
    }
}

impl Router {
    fn new(
        (name, number): (&'static str, u8),
        [lan, wan, between]: &[Switch; 3],
        folder: &Path,
    ) -> Result<Self, Failed> {
        let node = Node::new(name, lan, &[&format!("10.0.0.{number}/24")], folder)?;
        let wan = Cable::new(&node.host, "eth1", wan, &[&format!("10.0.1.{number}/24")])?;
        let between = Cable::new(&node.host, "eth2", between, &[&format!("10.0.2.{number}/24")])?;
        let settings = || {
            fs::write("/proc/sys/net/ipv4/ip_forward", "1")?;
            // A connection that is not known is not picked up in its middle.
            fs::write("/proc/sys/net/netfilter/nf_conntrack_tcp_loose", "0")
        };
        node.host.run(settings)??;
        let rules = folder.join("rules.nft");
        fs::write(&rules, RULES)?;
        let said = node.host.run(|| Command::new("nft").arg("-f").arg(&rules).output())??;
        check(said.status.success(), format!("nft: {}", text(&said)))?;
        let config = folder.join(format!("{name}-conntrackd.conf"));
        fs::write(&config, conntrackd(name, number, folder))?;
        let mut command = Command::new("conntrackd");
        let log = File::create(folder.join(format!("{name}.conntrackd")))?;
        command.arg("-C").arg(&config).stdin(Stdio::null()).stderr(log.try_clone()?).stdout(log);
        let _conntrackd = node.host.spawn(command)?;
        let router = Self { node, wan, between, _conntrackd, config };
        check(
            wait_until(SOON, || router.control("-s").is_ok()),
            format!("conntrackd of {name} does not answer"),
        )?;
        Ok(router)
    }

    fn start(&mut self, priority: u8, commits: bool) -> Outcome {
        let before = match commits {
            true => format!(
                "before_active = {{ command = {:?}, timeout = \"2s\" }}\n",
                self.command("-c")
            ),
            false => String::new(),
        };
        // What follows a commit, and what a backup does, as the recipe of `docs/notify.md` has it.
        let after = |key: &str, options: &[&str]| {
            let lines = options.iter().map(|option| self.command(option).join(" "));
            let script = lines.collect::<Vec<_>>().join("; ");
            format!("{key} = [\"/bin/sh\", \"-c\", {script:?}]\n")
        };
        let scripts = after("notify_active", &["-f", "-R", "-B"])
            + &after("notify_backup", &["-t", "-n"])
            + &after("notify_fault", &["-t"]);
        let router = |name: &str, interface: &str, vrid: u8, address: &str| {
            format!(
                "[[virtual_router]]\nname = {name:?}\ninterface = {interface:?}\nvrid = {vrid}\n\
                 addresses = [{address:?}]\npriority = {priority}\ninterval = \"100ms\"\n{before}"
            )
        };
        let group = "[[group]]\nname = \"nat\"\nmembers = [\"lan\", \"wan\"]\n";
        let lan = router("lan", "eth0", 51, "10.0.0.100/24");
        let wan = router("wan", "eth1", 52, "10.0.1.100/24");
        self.node.start(&(lan + &wan + group + &scripts))
    }

    fn command(&self, option: &str) -> Vec<String> {
        let config = self.config.display().to_string();
        vec!["/usr/sbin/conntrackd".into(), "-C".into(), config, option.into()]
    }

    /// What its conntrackd says to this.
    fn control(&self, option: &str) -> Result<String, Failed> {
        let output = Command::new("conntrackd").arg("-C").arg(&self.config).arg(option).output()?;
        check(output.status.success(), text(&output))?;
        Ok(text(&output))
    }
}

fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said)).concat()
}

/// The client's network has the virtual address outside, at a port of its own; what belongs to no
/// connection is not forwarded.
const RULES: &str = "table ip nat {
    chain postrouting {
        type nat hook postrouting priority srcnat
        oifname eth1 ip saddr 10.0.0.0/24 ip protocol tcp snat to 10.0.1.100:20000-30000 fully-random
    }
    chain forward {
        type filter hook forward priority filter
        ct state invalid drop
    }
}
";

fn conntrackd(name: &str, number: u8, folder: &Path) -> String {
    let file = |what: &str| folder.join(format!("{name}-conntrackd.{what}")).display().to_string();
    let (lock, control) = (file("lock"), file("ctl"));
    let other = 3 - number;
    format!(
        "Sync {{
    Mode FTFW {{
        DisableExternalCache Off
    }}
    UDP {{
        IPv4_address 10.0.2.{number}
        IPv4_Destination_Address 10.0.2.{other}
        Port 3780
        Interface eth2
        Checksum on
    }}
}}
General {{
    HashSize 1024
    HashLimit 4096
    LockFile {lock}
    UNIX {{
        Path {control}
    }}
    Filter From Kernelspace {{
        Protocol Accept {{
            TCP
        }}
    }}
}}
"
    )
}

/// Sends back what it hears, to anybody.
fn serve(host: &Host) -> Outcome {
    let listener = host.run(|| TcpListener::bind("0.0.0.0:7"))??;
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            thread::spawn(move || {
                let Ok(mut answers) = stream.try_clone() else { return };
                let _ = std::io::copy(&mut stream, &mut answers);
            });
        }
    });
    Ok(())
}

/// A connection of the client.
pub(super) struct Connection {
    stream: TcpStream,
    sent: u8,
}

impl Connection {
    /// The server answers at once.
    pub(super) fn echoes(&mut self) -> Outcome {
        self.send()?;
        check(self.hears(AT_ONCE)?, "the server does not answer")
    }

    /// The server answers once the client has sent again: how long that took.
    pub(super) fn goes_on(&mut self) -> Result<Duration, Failed> {
        let begun = Instant::now();
        self.send()?;
        check(self.hears(SOON)?, "the connection is lost")?;
        Ok(begun.elapsed())
    }

    /// The server does not answer, however often the client sends.
    pub(super) fn is_lost(&mut self) -> Outcome {
        self.send()?;
        let goes_on = self.hears(LOST).unwrap_or(false);
        check(!goes_on, "the connection goes on without what conntrackd knows")
    }

    fn send(&mut self) -> Outcome {
        self.sent += 1;
        Ok(self.stream.write_all(&[self.sent])?)
    }

    fn hears(&mut self, within: Duration) -> Result<bool, Failed> {
        self.stream.set_read_timeout(Some(within))?;
        let mut octet = [0];
        match self.stream.read_exact(&mut octet) {
            Ok(()) => Ok(octet == [self.sent]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
