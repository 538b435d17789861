//! What checks cost: the processor time of 1, 100 and 1,000 of each kind, each once a second.
//!
//! What they ask is answered by another process, whose time does not count. What the kernel does for
//! them does, and on loopback some of that is the other end's.

use std::{
    error::Error,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use clap::{Parser, ValueEnum};
use nix::sys::{
    resource::{Usage, UsageWho, getrusage},
    time::TimeValLike,
};
use vrrp_benches::serve::{self, Ports};
use vrrp_net::check::{
    self, Checks, Dns, File, Http, Interface, Planned, Process, Route, Schedule, Setup, Tcp,
    dns::RecordType,
};

/// Measures what checks cost.
#[derive(Debug, Parser)]
struct Arguments {
    /// Which kinds; all when none is named
    #[arg(value_enum)]
    kinds: Vec<Kind>,
    /// How many of each; can be given several times
    #[arg(long, default_values_t = [1, 100, 1000])]
    checks: Vec<u32>,
    /// How long processor time is counted
    #[arg(long, default_value = "10s", value_parser = humantime::parse_duration)]
    window: Duration,
    /// Answers checks, and prints the ports
    #[arg(long, hide = true)]
    serve: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    Tcp,
    Dns,
    File,
    Http,
    Process,
    Interface,
    Route,
    Command,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    if arguments.serve {
        return serve::serve();
    }
    let kinds = match arguments.kinds.as_slice() {
        [] => Kind::value_variants(),
        named => named,
    };
    let server = Server::start()?;
    println!("kind       checks  runs/s  % of a core  % in programs  us per run  failed");
    for kind in kinds {
        for count in &arguments.checks {
            measure(*kind, *count, arguments.window, &server.ports)?;
        }
    }
    Ok(())
}

/// The process that answers.
struct Server {
    process: Child,
    ports: Ports,
}

impl Server {
    fn start() -> Result<Self, Box<dyn Error>> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut process = command.arg("--serve").stdout(Stdio::piped()).spawn()?;
        let output = process.stdout.take().ok_or("it has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        Ok(Self { process, ports: line.parse()? })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ends with this process at the latest, whose pipe it writes to.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn measure(kind: Kind, count: u32, window: Duration, ports: &Ports) -> Result<(), Box<dyn Error>> {
    let schedule = Schedule::default().interval(Duration::from_secs(1))?;
    let planned: Result<Vec<_>, Box<dyn Error>> = (0..count)
        .map(|number| Ok(planned(kind, &format!("{number}"), ports)?.schedule(schedule)))
        .collect();
    let checks = Checks::start(Setup::new(planned?, [])?)?;
    // Each has run twice, and whatever is made once has been made.
    thread::sleep(Duration::from_secs(3));
    let ((runs, failed), begun, before) = (runs(&checks), Instant::now(), Used::now()?);
    thread::sleep(window);
    let (used, took) = (Used::now()?, begun.elapsed());
    let after = self::runs(&checks);
    let (runs, failed) = (u32::try_from(after.0 - runs)?, after.1 - failed);
    let (own, programs) = (used.own - before.own, used.programs - before.programs);
    let share = |time: Duration| 100.0 * time.as_secs_f64() / took.as_secs_f64();
    println!(
        "{:<10} {count:>6}  {:>6.0}  {:>11.2}  {:>13.2}  {:>10.1}  {failed:>6}",
        format!("{kind:?}").to_lowercase(),
        f64::from(runs) / took.as_secs_f64(),
        share(own),
        share(programs),
        1e6 * own.as_secs_f64() / f64::from(runs.max(1)),
    );
    Ok(())
}

fn planned(kind: Kind, name: &str, ports: &Ports) -> Result<Planned, Box<dyn Error>> {
    Ok(match kind {
        Kind::Tcp => Planned::new(name, Tcp::new(&format!("127.0.0.1:{}", ports.tcp))?),
        Kind::Dns => {
            let server = ([127, 0, 0, 1], ports.dns).into();
            Planned::new(name, Dns::new(server, "web.example", RecordType::A)?)
        }
        Kind::File => Planned::new(name, File::present("/etc/passwd")),
        Kind::Http => {
            Planned::new(name, Http::new(&format!("http://127.0.0.1:{}/healthz", ports.http))?)
        }
        Kind::Process => Planned::new(name, Process::new("checks")),
        Kind::Interface => Planned::new(name, Interface::new("lo")),
        Kind::Route => Planned::new(name, Route::new("0.0.0.0/0".parse()?)),
        Kind::Command => Planned::new(name, check::Command::new("/bin/true")),
    })
}

/// How many runs there were, and how many of them did not pass.
fn runs(checks: &Checks) -> (u64, u64) {
    let all = checks.status();
    let runs = all.iter().map(|status| status.runs).sum();
    (runs, all.iter().map(|status| status.failures + status.not_run).sum())
}

/// Processor time: of all threads of this process, and of the programs that it started.
struct Used {
    own: Duration,
    programs: Duration,
}

impl Used {
    fn now() -> Result<Self, Box<dyn Error>> {
        let of = |who| Ok::<_, Box<dyn Error>>(total(&getrusage(who)?)?);
        Ok(Self { own: of(UsageWho::RUSAGE_SELF)?, programs: of(UsageWho::RUSAGE_CHILDREN)? })
    }
}

fn total(usage: &Usage) -> Result<Duration, std::num::TryFromIntError> {
    let micros = (usage.user_time() + usage.system_time()).num_microseconds();
    Ok(Duration::from_micros(micros.try_into()?))
}
