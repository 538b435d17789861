//! Runs the examples as programs on hosts of a lab.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test panics when it fails")]

use std::{
    env,
    io::{BufRead, BufReader},
    net::{Ipv4Addr, UdpSocket},
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use libtest_mimic::{Arguments, Trial};
use vrrp_net::lab::{self, Cable, Host, Process, Signal, Switch, wait_until};

#[path = "run/cloud.rs"]
mod cloud;
#[path = "run/database.rs"]
mod database;
#[allow(dead_code, reason = "shared with tests of vrrp-bin, which use the rest of it")]
#[path = "../../vrrp-bin/tests/program/inconclusive.rs"]
mod inconclusive;
#[path = "run/outsider.rs"]
mod outsider;
#[allow(dead_code, reason = "shared with the test program `lab`, which uses the rest of it")]
#[path = "../../vrrp-bin/tests/program/postgres.rs"]
mod postgres;
#[path = "run/web.rs"]
mod web;

/// Longer than an election and a handover at one second take on a busy machine.
const SOON: Duration = Duration::from_secs(15);
const ADDRESS: &str = "192.0.2.100";

fn main() -> ExitCode {
    if let Err(error) = lab::enter() {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    let tests: [(&str, fn()); 7] = [
        ("the_page_on_health_has_the_example_as_it_is", database::page),
        (
            "failover_holds_the_address_until_it_is_interrupted",
            failover_holds_the_address_until_interrupted,
        ),
        (
            "custom_backend_assigns_and_unassigns_the_floating_ip",
            custom_backend_assigns_and_unassigns,
        ),
        (
            "custom_backend_leaves_the_floating_ip_of_its_successor",
            custom_backend_leaves_the_successors,
        ),
        ("blocking_loops_elect_one_active_and_replace_it", || loops_elect_one("blocking_loop")),
        ("async_loops_elect_one_active_and_replace_it", || loops_elect_one("async_loop")),
        ("web_services_refuse_nobody_and_never_write_both", web_services_refuse_nobody),
    ];
    let trials = tests.map(|(name, test)| {
        Trial::test(name, move || {
            inconclusive::conclude(|_| {
                test();
                Ok(())
            })
        })
    });
    let mut trials = Vec::from(trials);
    if env::var_os("VRRP_TEST_ALL").is_some() {
        trials.push(Trial::test("a_project_made_of_the_packages_fails_over", || {
            project_of_packages_fails_over();
            Ok(())
        }));
        let missing = postgres::missing();
        if let Some(reason) = &missing {
            println!("skipped: the writer to a database: {reason}");
        }
        let writer = Trial::test("a_writer_to_a_database_is_where_its_address_is", || {
            database::play();
            Ok(())
        });
        trials.push(writer.with_ignored_flag(missing.is_some()));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn failover_holds_the_address_until_interrupted() {
    let (_switch, one, _two) = two_hosts();
    let mut program =
        Program::start(&one, "failover", &["eth0", "51", &format!("{ADDRESS}/24"), "200"]);
    program.says("held");
    assert!(has_address(&one), "it says that it holds the address, and does not");

    program.process.signal(Signal::SIGINT).unwrap();
    let exit = program.process.wait_timeout(SOON).unwrap().expect("it ends");
    assert!(exit.success(), "{exit}");
    program.says("released");
    assert!(!has_address(&one), "it left the address behind");
}

fn custom_backend_assigns_and_unassigns() {
    let (_switch, one, _two) = two_hosts();
    let cloud = cloud::start(&one);
    let mut program = start_custom_backend(&one, &cloud);
    assert!(wait_until(SOON, || cloud.assigned() == Some("one".to_owned())), "{:?}", cloud.calls());

    program.process.signal(Signal::SIGINT).unwrap();
    let exit = program.process.wait_timeout(SOON).unwrap().expect("it ends");
    assert!(exit.success(), "{exit}");
    assert_eq!(cloud.assigned(), None, "{:?}", cloud.calls());
    assert_eq!(cloud.calls().last().map(String::as_str), Some("/ip/7/unassign one"));
}

fn custom_backend_leaves_the_successors() {
    let (_switch, one, _two) = two_hosts();
    let cloud = cloud::start(&one);
    let mut program = start_custom_backend(&one, &cloud);
    assert!(wait_until(SOON, || cloud.assigned() == Some("one".to_owned())), "{:?}", cloud.calls());

    cloud.assign("two");
    program.process.signal(Signal::SIGINT).unwrap();
    let exit = program.process.wait_timeout(SOON).unwrap().expect("it ends");
    assert!(exit.success(), "{exit}");
    assert_eq!(cloud.assigned(), Some("two".to_owned()), "{:?}", cloud.calls());
    assert_eq!(cloud.calls().last().map(String::as_str), Some("/ip/7/unassign one"));
}

fn start_custom_backend(host: &Host, cloud: &cloud::Cloud) -> Program {
    Program::start(host, "custom_backend", &["eth0", "51", ADDRESS, "200", &cloud.url(), "one"])
}

fn loops_elect_one(example: &str) {
    let (_switch, one, two) = two_hosts();
    let mut first = Program::start(&one, example, &["192.0.2.1", "51", ADDRESS]);
    first.says("to: Held");
    // Equal priorities: the one that is active stays active.
    let second = Program::start(&two, example, &["192.0.2.2", "51", ADDRESS]);
    second.says("to: Backup");
    second.says("SamePriority");
    assert_eq!((first.count("from: Held"), second.count("to: Held")), (0, 0));

    first.process.kill().unwrap();
    second.says("to: Held");
}

fn project_of_packages_fails_over() {
    let outsider = outsider::Outsider::build();
    let (_switch, one, two) = two_hosts();
    let cidr = format!("{ADDRESS}/24");
    let start = |host: &Host, priority: &str| {
        Program::run(host, &outsider.program, &["eth0", "51", &cidr, priority])
    };
    let mut strong = start(&one, "200");
    strong.says("held");
    let weak = start(&two, "100");
    weak.says("backup");
    let begun = Instant::now();
    strong.process.kill().unwrap();
    weak.says("held");
    println!("the other one had the address after {:.2} s", begun.elapsed().as_secs_f64());
    assert!(has_address(&two));
}

/// Each round is two hand-overs: one leaves, and comes back with the greater priority.
fn web_services_refuse_nobody() {
    let rounds = if env::var_os("VRRP_TEST_ALL").is_some() { 20 } else { 3 };
    let (switch, one, two) = two_hosts();
    let user = Host::new("user").unwrap();
    Cable::new(&user, "eth0", &switch, &["192.0.2.9/24"]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("written");
    let start = |host: &Host, name: &str, priority: &str| {
        let cidr = format!("{ADDRESS}/24");
        let file = file.to_str().unwrap();
        Program::start(host, "web_service", &["eth0", "51", &cidr, priority, name, file])
    };
    let last_writer = |name: &str| {
        let is_it = || web::writers(&file).last().is_some_and(|(last, _)| last == name);
        assert!(wait_until(SOON, is_it), "{name} does not write: {:?}", web::writers(&file));
    };
    let mut strong = start(&one, "one", "200");
    assert!(wait_until(SOON, || file.exists()));
    last_writer("one");
    let _weak = start(&two, "two", "100");
    let client = web::Client::start(&user, (ADDRESS.parse::<Ipv4Addr>().unwrap(), 8080).into());
    // A lost SYN is sent again after one second, and then two: it may take three to be answered.
    let served_by = |name: &str| {
        let is_it = || matches!(client.counts().last, (last, 20..) if last == name);
        assert!(wait_until(SOON, is_it), "{name} does not serve: {:?}", client.counts());
    };
    served_by("one");
    for _ in 0..rounds {
        strong.process.signal(Signal::SIGINT).unwrap();
        let exit = strong.process.wait_timeout(SOON).unwrap().expect("it ends");
        assert!(exit.success(), "{exit}");
        last_writer("two");
        served_by("two");
        strong = start(&one, "one", "200");
        last_writer("one");
        served_by("one");
    }
    let counts = client.stop();
    let writers = web::writers(&file);
    println!("{rounds} rounds: {counts:?}, {} turns of writing", writers.len());
    assert_eq!(counts.refused, 0, "{counts:?}");
    // Two that write at a time would take turns more often.
    assert_eq!(writers.len(), 2 * rounds + 1, "{writers:?}");
}

fn two_hosts() -> (Switch, Host, Host) {
    let switch = Switch::new().unwrap();
    let (one, two) = (Host::new("one").unwrap(), Host::new("two").unwrap());
    Cable::new(&one, "eth0", &switch, &["192.0.2.1/24"]).unwrap();
    Cable::new(&two, "eth0", &switch, &["192.0.2.2/24"]).unwrap();
    (switch, one, two)
}

fn has_address(host: &Host) -> bool {
    host.run(|| UdpSocket::bind((ADDRESS, 0)).is_ok()).unwrap()
}

/// An example that runs, and what it has printed.
#[derive(Debug)]
struct Program {
    process: Process,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Program {
    fn start(host: &Host, name: &str, arguments: &[&str]) -> Self {
        Self::run(host, &example(name), arguments)
    }

    fn run(host: &Host, program: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).env_clear();
        Self::spawn(host, command)
    }

    fn spawn(host: &Host, mut command: Command) -> Self {
        command.stdout(Stdio::piped());
        let mut process = host.spawn(command).unwrap();
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let (output, into) = (process.stdout().expect("piped"), Arc::clone(&lines));
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                into.lock().unwrap().push(line);
            }
        });
        Self { process, lines }
    }

    fn count(&self, text: &str) -> usize {
        self.lines.lock().unwrap().iter().filter(|line| line.contains(text)).count()
    }

    fn says(&self, text: &str) {
        assert!(wait_until(SOON, || self.count(text) > 0), "it does not say {text:?}: {self:?}");
    }
}

/// Cargo builds examples with the tests, into a directory beside that of the tests.
fn example(name: &str) -> PathBuf {
    let tests = env::current_exe().unwrap();
    let path = tests.ancestors().nth(2).unwrap().join("examples").join(name);
    assert!(path.exists(), "{} is not built: run cargo test -p vrrp-examples", path.display());
    path
}
