//! `vrrp demo`: two nodes and a client on this machine, and what the death of a node costs the
//! client.
//!
//! The nodes are real: each is a process of this program in a network namespace of its own.

use std::{
    env, fs,
    fs::File,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use vrrp_core::MacAddr;
use vrrp_net::lab::{self, Cable, Capture, Client, Host, Loss, Mark, Process, Signal, Switch};

use crate::cli;

const VIRTUAL_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 100);
const PACKETS_A_SECOND: u32 = 1000;
/// How long an event may take before the demo gives up.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the client goes on after an event before the next one.
const PAUSE: Duration = Duration::from_millis(500);

type Failure = Box<dyn std::error::Error>;

/// Runs the demo and returns the exit status. It must be called before any thread is started.
pub(crate) fn run() -> u8 {
    if let Err(unavailable) = lab::enter() {
        eprintln!("vrrp demo: {unavailable}");
        eprintln!(
            "Without namespaces, see it on two hosts: write a configuration for each (README.md \
             has one),"
        );
        eprintln!("and run there, as root: vrrp run -c FILE");
        return cli::FAILED;
    }
    match Stage::new().and_then(|mut stage| stage.play()) {
        Ok(()) => cli::OK,
        Err(failure) => {
            eprintln!("vrrp demo: {failure}");
            cli::FAILED
        }
    }
}

/// A node: a host with a process of this program.
struct Node {
    name: &'static str,
    address: &'static str,
    priority: u8,
    host: Host,
    mac: MacAddr,
    process: Option<Process>,
}

/// What happened in one event, for the table.
struct Row {
    event: &'static str,
    active: &'static str,
    took: Duration,
    from: Mark,
}

struct Stage {
    begun: Instant,
    folder: TempDir,
    capture: Capture,
    client: Client,
    left: Node,
    right: Node,
    rows: Vec<Row>,
    // A cable that is dropped is pulled.
    _cables: Vec<Cable>,
    _user: Host,
    _switch: Switch,
}

impl Stage {
    fn new() -> Result<Self, Failure> {
        let switch = Switch::new()?;
        let user = Host::new("client")?;
        let (left, left_cable) = Node::new("left", "10.0.0.1", 200, &switch)?;
        let (right, right_cable) = Node::new("right", "10.0.0.2", 100, &switch)?;
        let user_cable = Cable::new(&user, "eth0", &switch, &["10.0.0.9/24"])?;
        let capture = Capture::start(&switch)?;
        let client = Client::start(&user, VIRTUAL_ADDRESS.into(), PACKETS_A_SECOND)?;
        Ok(Self {
            begun: Instant::now(),
            folder: TempDir::with_prefix("vrrp-demo-")?,
            capture,
            client,
            left,
            right,
            rows: Vec::new(),
            _cables: vec![left_cable, right_cable, user_cable],
            _user: user,
            _switch: switch,
        })
    }

    fn play(&mut self) -> Result<(), Failure> {
        println!(
            "Two nodes and a client on one switch, made of network namespaces of this machine."
        );
        println!("  left    {}, priority {}", self.left.address, self.left.priority);
        println!("  right   {}, priority {}", self.right.address, self.right.priority);
        println!(
            "  client  10.0.0.9, sends {PACKETS_A_SECOND} packets/s to the virtual IP \
             {VIRTUAL_ADDRESS}"
        );
        println!("VRRPv3, an advertisement every second.\n");

        self.say("election: both nodes start");
        let from = self.client.mark();
        self.right.start(self.folder.path())?;
        self.left.start(self.folder.path())?;
        self.expect("election", "left", from)?;

        self.say("crash: left is killed (SIGKILL); nobody is there to take its address away");
        let from = self.client.mark();
        if let Some(mut process) = self.left.process.take() {
            process.kill()?;
        }
        self.expect("crash", "right", from)?;

        self.say("return: left starts again, and preempts because of its priority");
        let from = self.client.mark();
        self.left.start(self.folder.path())?;
        self.expect("return", "left", from)?;

        self.say(
            "graceful leave: left is told to stop (SIGTERM), resigns, and serves until right takes \
             over",
        );
        let from = self.client.mark();
        self.left.stop()?;
        self.expect("graceful leave", "right", from)?;

        self.say("return: left starts again");
        let from = self.client.mark();
        self.left.start(self.folder.path())?;
        self.expect("return", "left", from)?;
        self.print_table();
        Ok(())
    }

    fn say(&self, what: &str) {
        println!("[{:4.1} s] {what}", self.begun.elapsed().as_secs_f64());
    }

    /// Waits until `name` has taken the address over, and says what that cost the client.
    fn expect(
        &mut self,
        event: &'static str,
        name: &'static str,
        from: Mark,
    ) -> Result<(), Failure> {
        let begun = lab::now();
        let mac = if name == self.left.name { self.left.mac } else { self.right.mac };
        let seen = self.capture.wait_for(PATIENCE, |frame| {
            frame.at >= begun && frame.garp() == Some((mac, VIRTUAL_ADDRESS))
        });
        let Some(seen) = seen else {
            return Err(self.give_up(&format!("{name} did not take {VIRTUAL_ADDRESS} over")));
        };
        let took = seen.at.saturating_sub(begun);
        let after = self.client.mark();
        if !self.client.wait_for_reply(after, PATIENCE) {
            return Err(
                self.give_up(&format!("{name} announced {VIRTUAL_ADDRESS}, and does not answer"))
            );
        }
        thread::sleep(PAUSE);
        self.say(&format!(
            "  {name} is Active after {}; {}",
            seconds(took),
            self.client.since(from)
        ));
        self.rows.push(Row { event, active: name, took, from });
        Ok(())
    }

    /// The failure, with what the nodes had to say.
    fn give_up(&self, what: &str) -> Failure {
        let mut text = format!("{what} within {} s", PATIENCE.as_secs());
        for node in [&self.left, &self.right] {
            let log = fs::read_to_string(node.log(self.folder.path())).unwrap_or_default();
            text.push_str(&format!("\n--- the log of {}:\n{log}", node.name));
        }
        text.into()
    }

    fn print_table(&mut self) {
        let total = self.client.stop();
        println!(
            "\n{:<16}{:<9}{:>10}{:>9}{:>7}{:>14}",
            "event", "Active", "after", "packets", "lost", "longest gap"
        );
        for (index, row) in self.rows.iter().enumerate() {
            let loss = match self.rows.get(index + 1) {
                Some(next) => self.client.between(row.from, next.from),
                None => self.client.since(row.from),
            };
            print_row(row.event, row.active, &seconds(row.took), loss);
        }
        print_row("in all", "", "", total);
        println!(
            "\nThe packets lost before the election are those sent while no node was Active yet."
        );
    }
}

fn print_row(event: &str, active: &str, took: &str, loss: Loss) {
    let gap = format!("{:.1} ms", loss.longest_gap.as_secs_f64() * 1000.0);
    println!("{event:<16}{active:<9}{took:>10}{:>9}{:>7}{gap:>14}", loss.sent, loss.lost);
}

fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}

impl Node {
    fn new(
        name: &'static str,
        address: &'static str,
        priority: u8,
        switch: &Switch,
    ) -> Result<(Self, Cable), Failure> {
        let host = Host::new(name)?;
        let cable = Cable::new(&host, "eth0", switch, &[&format!("{address}/24")])?;
        let mac = cable.mac()?;
        Ok((Self { name, address, priority, host, mac, process: None }, cable))
    }

    fn log(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.log", self.name))
    }

    fn start(&mut self, folder: &Path) -> Result<(), Failure> {
        self.wait()?;
        let Self { name, priority, .. } = self;
        let config = folder.join(format!("{name}.toml"));
        let control = folder.join(format!("{name}.sock"));
        let text = format!(
            "[[virtual_router]]\nname = \"demo\"\ninterface = \"eth0\"\nvrid = 51\naddresses = \
             [\"{VIRTUAL_ADDRESS}/24\"]\n\
             priority = {priority}\n\n[daemon]\ncontrol = {control:?}\n"
        );
        fs::write(&config, text)?;
        let mut command = Command::new(env::current_exe()?);
        let log = File::options().create(true).append(true).open(self.log(folder))?;
        command
            .arg("run")
            .arg("-c")
            .arg(config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        self.process = Some(self.host.spawn(command)?);
        Ok(())
    }

    fn stop(&self) -> Result<(), Failure> {
        if let Some(process) = &self.process {
            process.signal(Signal::SIGTERM)?;
        }
        Ok(())
    }

    /// Waits for a process that was told to stop.
    fn wait(&mut self) -> Result<(), Failure> {
        match self.process.take() {
            Some(mut process) => process.wait_timeout(PATIENCE).map(drop).map_err(Into::into),
            None => Ok(()),
        }
    }
}
