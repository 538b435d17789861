//! The daemon on a host of the lab: what `status` shows, what the control socket answers, how it
//! stops.

use std::{
    fs,
    io::Read,
    path::PathBuf,
    process::{Command, ExitStatus, Output, Stdio},
    time::Duration,
};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use serde_json::Value;
use tempfile::TempDir;
use vrrp_net::lab::{self, Cable, Host, Process, Signal, Switch, Unavailable, wait_until};

mod announces;
mod checks;
mod drains;
mod events;
#[path = "../program/inconclusive.rs"]
mod inconclusive;
mod page;
mod places;
mod reload;
mod restart;
mod schema;
mod scripts;
mod signals;
mod watchdog;
mod watched;

/// How long anything may take that takes no time on a machine at rest.
const SOON: Duration = Duration::from_secs(20);

type Outcome = Result<(), Failed>;

fn main() {
    let available = lab::enter();
    let test = |name: &str, body: fn() -> Outcome| match &available {
        Ok(()) => Trial::test(name, move || inconclusive::conclude(|_| body())),
        Err(unavailable) => skip(name, unavailable),
    };
    let mut tests = vec![
        test("status_is_what_the_schema_says", status_is_what_the_schema_says),
        test("one_virtual_router_is_asked_for_by_name", one_virtual_router_is_asked_for_by_name),
        test(
            "a_signal_hands_over_and_leaves_nothing_behind",
            a_signal_hands_over_and_leaves_nothing_behind,
        ),
        test(
            "a_second_daemon_does_not_disturb_the_first",
            a_second_daemon_does_not_disturb_the_first,
        ),
        test(
            "a_virtual_router_that_runs_is_not_run_again",
            a_virtual_router_that_runs_is_not_run_again,
        ),
        test("a_dead_daemons_socket_is_replaced", a_dead_daemons_socket_is_replaced),
        test("the_log_has_stable_words", the_log_has_stable_words),
        test("the_environment_of_a_container_is_enough", the_environment_of_a_container_is_enough),
        test("health_fails_for_a_fault", health_fails_for_a_fault),
        test(
            "a_service_that_dies_takes_its_address_along_and_brings_it_back",
            checks::a_service_that_dies_takes_its_address_along_and_brings_it_back,
        ),
        test(
            "the_only_node_is_drained_by_force_alone",
            drains::the_only_node_is_drained_by_force_alone,
        ),
        test(
            "the_program_of_a_check_ends_with_the_daemon",
            checks::the_program_of_a_check_ends_with_the_daemon,
        ),
        test("two_families_are_drained_together", drains::two_families_are_drained_together),
        test(
            "without_a_name_all_are_drained_at_the_same_time",
            drains::without_a_name_all_are_drained_at_the_same_time,
        ),
        test("a_drain_for_a_while_ends_by_itself", drains::a_drain_for_a_while_ends_by_itself),
        test(
            "a_kept_drain_survives_a_restart_until_it_is_resumed",
            drains::a_kept_drain_survives_a_restart_until_it_is_resumed,
        ),
        test(
            "a_kept_drain_is_that_of_the_whole_group",
            drains::a_kept_drain_is_that_of_the_whole_group,
        ),
        test(
            "what_has_ended_is_forgotten_and_what_is_absent_is_not",
            drains::what_has_ended_is_forgotten_and_what_is_absent_is_not,
        ),
        test("what_is_drained_is_not_adopted", drains::what_is_drained_is_not_adopted),
        test("a_drain_hands_over_to_another_node", drains::a_drain_hands_over_to_another_node),
        test(
            "a_broken_file_is_told_once_and_left_alone",
            drains::a_broken_file_is_told_once_and_left_alone,
        ),
        test("what_cannot_be_kept_is_not_drained", drains::what_cannot_be_kept_is_not_drained),
        test(
            "a_handover_is_waited_for_however_long_it_takes",
            drains::a_handover_is_waited_for_however_long_it_takes,
        ),
        test("a_drain_can_be_asked_for_over_http", drains::a_drain_can_be_asked_for_over_http),
        Trial::test("the_schema_check_can_fail", schema::the_schema_check_can_fail),
    ];
    let more =
        events::TESTS.iter().chain(&scripts::TESTS).chain(&places::TESTS).chain(&signals::TESTS);
    let more = more
        .chain(&reload::TESTS)
        .chain(&reload::rows::TESTS)
        .chain(&restart::TESTS)
        .chain(&page::TESTS)
        .chain(&watched::TESTS)
        .chain(&announces::TESTS)
        .chain(&watchdog::TESTS);
    tests.extend(more.map(|(name, body)| test(name, *body)));
    tests.push(match &available {
        Ok(()) => watched::promtool(),
        Err(unavailable) => skip("watched_metrics_pass_promtool", unavailable),
    });
    libtest_mimic::run(&Arguments::from_args(), tests).exit();
}

fn skip(name: &str, unavailable: &Unavailable) -> Trial {
    let reason = unavailable.to_string();
    Trial::ignorable_test(name, move || Ok(Completion::ignored_with(reason)))
}

/// A host with one interface, and the daemon that runs on it.
struct Daemon {
    host: Host,
    switch: Switch,
    cable: Cable,
    directory: TempDir,
    process: Process,
}

const CONFIG: &str = r#"
[[virtual_router]]
name = "web"
interface = "eth0"
vrid = 51
addresses = ["192.0.2.10/24", "2001:db8::10/64"]
interval = "100ms"
"#;

/// A start has three intervals' time to adopt, on a busy machine, too.
fn slowly(config: &str) -> String {
    config.replace("100ms", "1s")
}

impl Daemon {
    /// Starts the daemon and waits until its virtual routers hold their addresses.
    fn start() -> Result<Self, Failed> {
        Self::start_with(CONFIG, |_| Ok(String::new()))
    }

    /// The same with another configuration, and with more in `[daemon]`.
    fn start_with(
        config: &str,
        more: impl FnOnce(&TempDir) -> Result<String, Failed>,
    ) -> Result<Self, Failed> {
        let daemon = Self::launch(config, more)?;
        daemon.wait_until_it_serves()?;
        Ok(daemon)
    }

    /// Starts it with another configuration, and does not wait until it serves.
    fn start_alone(config: &str) -> Result<Self, Failed> {
        Self::launch(config, |_| Ok(String::new()))
    }

    fn launch(
        config: &str,
        more: impl FnOnce(&TempDir) -> Result<String, Failed>,
    ) -> Result<Self, Failed> {
        let switch = Switch::new()?;
        let host = Host::new("node")?;
        let cable = Cable::new(&host, "eth0", &switch, &["192.0.2.1/24"])?;
        let directory = tempfile::tempdir()?;
        let control = directory.path().join("run/control.sock");
        let more = more(&directory)?;
        fs::write(
            directory.path().join("vrrp.toml"),
            format!("{config}[daemon]\ncontrol = \"{}\"\n{more}", control.display()),
        )?;
        let mut command = run(&directory);
        // The programs that it runs do not see it.
        command.env("VRRP_SECRET_PASSWORD", "secret");
        let process = host.spawn(command)?;
        Ok(Self { host, switch, cable, directory, process })
    }

    fn wait_until_it_serves(&self) -> Outcome {
        let mut last = String::new();
        let serves = |router: &Value| router["phase"] == "held" || router["phase"] == "adopted";
        let all_serve = wait_until(SOON, || {
            let Ok(status) = self.status(&[]) else { return false };
            last = status.to_string();
            let routers = status.pointer("/virtual_routers").and_then(Value::as_array);
            routers.is_some_and(|routers| !routers.is_empty() && routers.iter().all(serves))
        });
        if all_serve { Ok(()) } else { Err(format!("it does not serve: {last}").into()) }
    }

    fn vrrp(&self, arguments: &[&str]) -> Result<Output, Failed> {
        let mut command = vrrp(&self.directory);
        command.args(arguments);
        Ok(self.host.run(move || command.output())??)
    }

    /// `vrrp status --json` with these arguments.
    fn status(&self, arguments: &[&str]) -> Result<Value, Failed> {
        let output = self.vrrp(&[&["status", "--json", "-c", "vrrp.toml"], arguments].concat())?;
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    fn control(&self) -> PathBuf {
        self.directory.path().join("run/control.sock")
    }

    /// The addresses of its host, as `ip address` shows them.
    fn addresses(&self) -> Result<String, Failed> {
        let output = self.host.run(|| Command::new("ip").args(["address", "show"]).output())??;
        Ok(text(&output.stdout))
    }

    /// Waits for the end, and returns its exit status and its log.
    fn end(&mut self) -> Result<(ExitStatus, String), Failed> {
        let status = self.process.wait_timeout(SOON)?.ok_or("the daemon did not end")?;
        let mut log = String::new();
        self.process.stderr().ok_or("no log")?.read_to_string(&mut log)?;
        Ok((status, log))
    }
}

fn vrrp(directory: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vrrp"));
    command.current_dir(directory).env_remove("RUST_LOG").env_remove("VRRP_CONTROL");
    command
}

fn run(directory: &TempDir) -> Command {
    let mut command = vrrp(directory);
    command.args(["run", "-c", "vrrp.toml"]).stderr(Stdio::piped());
    command
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

fn status_is_what_the_schema_says() -> Outcome {
    let daemon = Daemon::start()?;
    let status = daemon.status(&[])?;
    schema::check(&schema::load()?, &status)?;
    assert_eq!(
        status.pointer("/virtual_routers/0/addresses_held/0"),
        Some(&Value::from("192.0.2.10/24"))
    );
    assert_eq!(status.pointer("/virtual_routers/1/name"), Some(&Value::from("web/v6")));
    let table = daemon.vrrp(&["status", "-c", "vrrp.toml"])?;
    let table = text(&table.stdout);
    let lines: Vec<&str> = table.lines().take(3).collect();
    assert!(
        matches!(lines.as_slice(), [header, v4, v6]
            if header.starts_with("NAME ") && v4.starts_with("web ") && v6.starts_with("web/v6 ")),
        "{table}"
    );
    Ok(())
}

fn one_virtual_router_is_asked_for_by_name() -> Outcome {
    let daemon = Daemon::start()?;
    let schema = schema::load()?;
    for name in ["web", "web/v6"] {
        let router = daemon.status(&[name])?;
        assert_eq!(router["name"], name);
        schema::check_part(&schema, "virtual_router", &router)?;
    }
    let unknown = daemon.vrrp(&["status", "-c", "vrrp.toml", "wev"])?;
    assert_eq!(unknown.status.code(), Some(1));
    assert_eq!(text(&unknown.stderr), "there is no virtual router wev; did you mean web?\n");
    Ok(())
}

fn a_signal_hands_over_and_leaves_nothing_behind() -> Outcome {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut daemon = Daemon::start()?;
        daemon.process.signal(signal)?;
        let (status, log) = daemon.end()?;
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(!daemon.control().exists(), "the control socket is left behind");
        let words =
            ["event=started", "event=stopping", "to=resigning reason=shutdown", "event=stopped"];
        let mut rest = log.as_str();
        for word in words {
            rest = rest
                .split_once(word)
                .ok_or_else(|| format!("no {word} in its place in:\n{log}"))?
                .1;
        }
        let addresses = daemon.addresses()?;
        assert!(!addresses.contains("192.0.2.10"), "{addresses}");
    }
    Ok(())
}

fn a_second_daemon_does_not_disturb_the_first() -> Outcome {
    let daemon = Daemon::start()?;
    let before = daemon.status(&["web"])?;
    let second = daemon.vrrp(&["run", "-c", "vrrp.toml"])?;
    assert_eq!(second.status.code(), Some(1));
    let expected = format!("another vrrp answers on {}", daemon.control().display());
    assert!(text(&second.stderr).contains(&expected), "{}", text(&second.stderr));
    let after = daemon.status(&["web"])?;
    assert_eq!((&before["phase"], &before["since"]), (&after["phase"], &after["since"]));
    Ok(())
}

/// With another control socket, which would be no obstacle.
fn a_virtual_router_that_runs_is_not_run_again() -> Outcome {
    let daemon = Daemon::start()?;
    let before = daemon.status(&["web"])?;
    let other = daemon.directory.path().join("other.sock");
    let config = format!("{CONFIG}[daemon]\ncontrol = \"{}\"\n", other.display());
    fs::write(daemon.directory.path().join("other.toml"), config)?;
    let second = daemon.vrrp(&["run", "-c", "other.toml"])?;
    assert_eq!(second.status.code(), Some(1));
    let said = text(&second.stderr);
    let expected =
        format!("eth0 for ipv4 is run by process {} (vrrp) already; stop it", daemon.process.pid());
    assert!(said.contains(&expected), "{said}");
    let after = daemon.status(&["web"])?;
    assert_eq!((&before["phase"], &before["since"]), (&after["phase"], &after["since"]));
    Ok(())
}

fn a_dead_daemons_socket_is_replaced() -> Outcome {
    let mut daemon = Daemon::start()?;
    daemon.process.kill()?;
    assert!(daemon.control().exists());
    let status = daemon.vrrp(&["status", "-c", "vrrp.toml"])?;
    assert_eq!(status.status.code(), Some(4), "{}", text(&status.stderr));
    daemon.process = daemon.host.spawn(run(&daemon.directory))?;
    daemon.wait_until_it_serves()
}

fn the_log_has_stable_words() -> Outcome {
    let mut daemon = Daemon::start()?;
    let control = daemon.control().display().to_string();
    assert_eq!(daemon.vrrp(&["reload", "--control", &control])?.status.code(), Some(0));
    daemon.process.signal(Signal::SIGTERM)?;
    let (_, log) = daemon.end()?;
    for words in [
        "event=transition name=web interface=eth0 from=initialize to=backup reason=startup",
        "event=transition name=web interface=eth0 from=backup to=acquiring reason=silence",
        "event=transition name=web interface=eth0 from=acquiring to=held reason=acquired",
        "event=reloaded",
    ] {
        assert!(log.contains(words), "no {words} in:\n{log}");
    }
    Ok(())
}

fn the_environment_of_a_container_is_enough() -> Outcome {
    let mut daemon = Daemon::start()?;
    daemon.process.kill()?;
    let mut command = vrrp(&daemon.directory);
    command
        .args(["run", "--from-env", "--copy-service", "--loglevel", "debug"])
        .stderr(Stdio::piped());
    command
        .env("KEEPALIVED_UNICAST_PEERS", "#PYTHON2BASH:['192.0.2.1', '192.0.2.2']")
        .env("KEEPALIVED_VIRTUAL_IPS", "192.0.2.20")
        .env("VRRP_CONTROL", daemon.control());
    daemon.process = daemon.host.spawn(command)?;
    daemon.wait_until_it_serves()?;
    let router = daemon.status(&["VI_1"])?;
    assert_eq!(router["addresses_held"], serde_json::json!(["192.0.2.20/32"]));
    assert_eq!(
        (&router["version"], &router["effective_priority"]),
        (&Value::from(2), &Value::from(150))
    );
    daemon.process.signal(Signal::SIGTERM)?;
    let (status, log) = daemon.end()?;
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("--copy-service is for another image"), "{log}");
    Ok(())
}

fn health_fails_for_a_fault() -> Outcome {
    let daemon = Daemon::start()?;
    let control = daemon.control();
    let health = || daemon.vrrp(&["health", "--control", &control.display().to_string()]);
    let well = health()?;
    assert_eq!(well.status.code(), Some(0), "{}", text(&well.stdout));
    assert!(text(&well.stdout).starts_with("web is "), "{}", text(&well.stdout));
    daemon.host.run(|| Command::new("ip").args(["link", "set", "eth0", "down"]).status())??;
    let mut last = String::new();
    let fails = wait_until(SOON, || {
        let Ok(output) = health() else { return false };
        last = text(&output.stdout);
        output.status.code() == Some(1)
    });
    assert!(fails, "{last}");
    assert!(
        last.starts_with("web on eth0 has not taken part since ") && last.contains(": link-down"),
        "{last}"
    );
    assert_eq!(last.lines().count(), 1, "{last}");
    Ok(())
}
