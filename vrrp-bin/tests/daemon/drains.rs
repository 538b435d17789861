//! Drains: what operators ask for, what survives what, and what is said about it.

use std::{
    fs,
    io::{Read, Write},
    os::unix::net::UnixStream,
    process::{Command, Stdio},
    time::Instant,
};

use libtest_mimic::Failed;
use serde_json::{Value, json};
use vrrp_net::lab::{Cable, Host, Signal, wait_until};

use super::{CONFIG, Daemon, Outcome, SOON, run, schema, text, vrrp};

/// A daemon with a state directory, and the path of the file in it.
fn with_state() -> Result<Daemon, Failed> {
    Daemon::start_with(APART, |directory| {
        let state = directory.path().join("state");
        fs::create_dir(&state)?;
        Ok(format!("state = {:?}\n", state.display().to_string()))
    })
}

impl Daemon {
    /// Runs `vrrp drain` or `resume`, and returns its exit status and what it said.
    fn ask(&self, arguments: &[&str]) -> Result<(Option<i32>, String), Failed> {
        let output = self.vrrp(&[arguments, &["-c", "vrrp.toml"]].concat())?;
        Ok((output.status.code(), text(&output.stdout) + &text(&output.stderr)))
    }

    fn health(&self) -> Result<(Option<i32>, String), Failed> {
        let control = self.control().display().to_string();
        let output = self.vrrp(&["health", "--control", &control])?;
        Ok((output.status.code(), text(&output.stdout)))
    }

    fn wait_for(&self, name: &str, field: &str, wanted: &Value) -> Outcome {
        let mut last = Value::Null;
        let is_so = wait_until(SOON, || {
            last = self.status(&[name]).unwrap_or_default();
            last[field] == *wanted
        });
        if is_so { Ok(()) } else { Err(format!("{field} is not {wanted}: {last}").into()) }
    }

    /// Starts it anew, and waits until it answers.
    fn start_again(&mut self, command: Command) -> Outcome {
        self.process = self.host.spawn(command)?;
        let answers = wait_until(SOON, || self.status(&[]).is_ok());
        if answers { Ok(()) } else { Err("it does not answer".into()) }
    }

    fn kept(&self) -> Result<Value, Failed> {
        let file = fs::read_to_string(self.directory.path().join("state/drains.json"))?;
        Ok(serde_json::from_str(&file)?)
    }

    /// What is answered to a request, its status first.
    pub(super) fn http(&self, request: &str, body: &str) -> Result<(String, Value), Failed> {
        let mut stream = UnixStream::connect(self.control())?;
        stream.set_read_timeout(Some(SOON))?;
        let length = body.len();
        write!(
            stream,
            "{request} HTTP/1.1\r\nHost: vrrp\r\nConnection: close\r\nContent-Length: {length}\r\n\
             \r\n{body}"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or("no body")?;
        let status = head.split(' ').nth(1).ok_or("no status")?;
        Ok((status.to_owned(), serde_json::from_str(body)?))
    }
}

/// Two virtual routers that are no group, as the two families of one are. A handover that nobody
/// answers can be taken back for three intervals, on a busy machine, too.
const APART: &str = r#"
[[virtual_router]]
name = "web"
interface = "eth0"
vrid = 51
addresses = ["192.0.2.10/24"]
interval = "300ms"

[[virtual_router]]
name = "web/v6"
interface = "eth0"
vrid = 51
addresses = ["2001:db8::10/64"]
interval = "300ms"
"#;

/// The same for the two families of one.
fn slower() -> String {
    CONFIG.replace("100ms", "300ms")
}

fn apart() -> Result<Daemon, Failed> {
    Daemon::start_with(APART, |_| Ok(String::new()))
}

pub(crate) fn two_families_are_drained_together() -> Outcome {
    let daemon = Daemon::start()?;
    let (code, said) = daemon.ask(&["drain", "web", "--force"])?;
    assert_eq!(code, Some(0), "{said}");
    daemon.wait_for("web/v6", "hold", &json!("drained"))?;
    let (code, said) = daemon.ask(&["resume", "web/v6"])?;
    assert_eq!(code, Some(0), "{said}");
    daemon.wait_until_it_serves()
}

/// Nobody else is there: nobody takes over.
pub(crate) fn the_only_node_is_drained_by_force_alone() -> Outcome {
    let daemon = apart()?;
    let (code, said) = daemon.ask(&["drain", "web"])?;
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.starts_with("web is not drained: no other node took over") && said.contains("--force"),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
    daemon.wait_until_it_serves()?;
    let (code, said) = daemon.ask(&["drain", "web", "--force"])?;
    assert_eq!((code, said.as_str()), (Some(0), "web is drained; `vrrp resume web` ends that\n"));
    let router = daemon.status(&["web"])?;
    assert_eq!((&router["hold"], &router["fault"]), (&json!("drained"), &json!(false)));
    assert_eq!((&router["drained_until"], &router["drain_kept"]), (&Value::Null, &json!(false)));
    let (code, said) = daemon.health()?;
    assert_eq!((code, said.as_str()), (Some(0), "web is drained, web/v6 is active\n"));
    let (code, said) = daemon.ask(&["resume", "web"])?;
    assert_eq!((code, said.as_str()), (Some(0), "web is not drained any more\n"));
    daemon.wait_until_it_serves()
}

pub(crate) fn without_a_name_all_are_drained_at_the_same_time() -> Outcome {
    let mut daemon = Daemon::start_with(&slower(), |_| Ok(String::new()))?;
    let (code, said) = daemon.ask(&["drain", "--force"])?;
    let drained = |name: &str| format!("{name} is drained; `vrrp resume {name}` ends that\n");
    assert_eq!((code, said), (Some(0), drained("web") + &drained("web/v6")));
    let (code, said) = daemon.ask(&["resume"])?;
    let expected = "web is not drained any more\nweb/v6 is not drained any more\n";
    assert_eq!((code, said.as_str()), (Some(0), expected));
    daemon.wait_until_it_serves()?;
    let (code, said) = daemon.ask(&["drain"])?;
    assert_eq!((code, said.matches("--force").count()), (Some(1), 2), "{said}");
    daemon.process.signal(Signal::SIGTERM)?;
    let (_, log) = daemon.end()?;
    let at = |words: &str| log.find(words).ok_or_else(|| format!("no {words} in:\n{log}"));
    let ends = "from=resigning to=initialize";
    let begun = ["web", "web/v6"]
        .map(|name| at(&format!("name={name} interface=eth0 from=held to=resigning reason=drain")));
    for begun in begun {
        assert!(begun? < at(ends)?, "one after the other:\n{log}");
    }
    Ok(())
}

pub(crate) fn a_drain_for_a_while_ends_by_itself() -> Outcome {
    let mut daemon = apart()?;
    let asked = Instant::now();
    let (code, said) = daemon.ask(&["drain", "web/v6", "--for", "4s", "--force"])?;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with("web/v6 is drained until 20"), "{said}");
    let router = daemon.status(&["web/v6"])?;
    assert!(router["drained_until"].is_string(), "{router}");
    schema::check_part(&schema::load()?, "virtual_router", &router)?;
    let (code, said) = daemon.health()?;
    assert!(said.starts_with("web is active, web/v6 is drained until 20"), "{said}");
    assert_eq!(code, Some(0));
    daemon.wait_for("web/v6", "phase", &json!("held"))?;
    assert!(asked.elapsed().as_secs() >= 4, "{:?}", asked.elapsed());
    assert_eq!(daemon.status(&["web/v6"])?["drained_until"], Value::Null);
    daemon.process.signal(Signal::SIGTERM)?;
    let (_, log) = daemon.end()?;
    assert!(log.contains("event=drain name=web/v6 until=20"), "{log}");
    assert!(log.contains("event=drain-over name=web/v6"), "{log}");
    Ok(())
}

pub(crate) fn a_kept_drain_survives_a_restart_until_it_is_resumed() -> Outcome {
    let mut daemon = with_state()?;
    let (code, said) = daemon.ask(&["drain", "--keep"])?;
    assert_eq!(code, Some(1), "{said}");
    assert_eq!(daemon.kept()?["drains"], json!({}), "what was refused is kept");
    let (code, said) = daemon.ask(&["drain", "web", "--keep", "--for", "1h", "--force"])?;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(", over restarts too; `vrrp resume web` ends that"), "{said}");
    let until = daemon.kept()?["drains"]["web"]["until"].clone();
    assert!(until.is_string(), "{}", daemon.kept()?);
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        daemon.process.signal(signal)?;
        daemon.end()?;
        let command = run(&daemon.directory);
        daemon.start_again(command)?;
        // Adopted, where the lease of the one that was killed has not run out yet.
        daemon.wait_for("web/v6", "state", &json!("active"))?;
        let router = daemon.status(&["web"])?;
        assert_eq!((&router["hold"], &router["drain_kept"]), (&json!("drained"), &json!(true)));
        assert!(router["drained_until"].is_string(), "{router}");
        assert!(daemon.health()?.1.contains(", over restarts too"), "{}", daemon.health()?.1);
        let table = daemon.ask(&["status", "web"])?.1;
        assert!(table.contains("\n  drain     drained until 20"), "{table}");
    }
    let (code, said) = daemon.ask(&["resume", "web"])?;
    assert_eq!((code, said.as_str()), (Some(0), "web is not drained any more\n"));
    assert_eq!(daemon.kept()?, json!({ "schema": 1, "drains": {} }));
    daemon.process.signal(Signal::SIGTERM)?;
    let (_, log) = daemon.end()?;
    let told = log.lines().find(|line| line.contains("event=drain name=web")).ok_or("no line")?;
    assert!(told.contains("WARN") && told.contains("`vrrp resume web` ends that"), "{told}");
    let command = run(&daemon.directory);
    daemon.start_again(command)?;
    daemon.wait_until_it_serves()
}

/// The two families of one are a group: whichever is named, both are kept, and both are resumed.
pub(crate) fn a_kept_drain_is_that_of_the_whole_group() -> Outcome {
    let mut daemon = Daemon::start_with(&slower(), |directory| {
        Ok(format!("state = {:?}\n", directory.path().display().to_string()))
    })?;
    let kept = |daemon: &Daemon| -> Result<Vec<String>, Failed> {
        let file = fs::read_to_string(daemon.directory.path().join("drains.json"))?;
        let file: Value = serde_json::from_str(&file)?;
        let drains = file["drains"].as_object().ok_or("no drains")?;
        Ok(drains.keys().cloned().collect())
    };
    let (code, said) = daemon.ask(&["drain", "web", "--keep"])?;
    assert_eq!(code, Some(1), "{said}");
    assert_eq!(kept(&daemon)?, [""; 0], "what was refused is kept");
    let (code, said) = daemon.ask(&["drain", "web/v6", "--keep", "--for", "1h", "--force"])?;
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(kept(&daemon)?, ["web", "web/v6"]);
    daemon.process.signal(Signal::SIGTERM)?;
    daemon.end()?;
    let command = run(&daemon.directory);
    daemon.start_again(command)?;
    for name in ["web", "web/v6"] {
        let router = daemon.status(&[name])?;
        assert_eq!((&router["hold"], &router["drain_kept"]), (&json!("drained"), &json!(true)));
        assert!(router["drained_until"].is_string(), "{router}");
        assert_eq!((&router["group"], &router["group_policy"]), (&json!("web"), &json!("any")));
        assert_eq!(router["group_first"], json!(name == "web"));
    }
    assert_eq!(daemon.ask(&["resume", "web"])?.0, Some(0));
    assert_eq!(kept(&daemon)?, [""; 0], "it would be drained at the next start");
    daemon.wait_until_it_serves()
}

/// A drain that ends while the daemon runs is gone from the file, and one of a virtual router that
/// is not there stays in it until somebody resumes it.
pub(crate) fn what_has_ended_is_forgotten_and_what_is_absent_is_not() -> Outcome {
    let mut daemon = with_state()?;
    daemon.process.signal(Signal::SIGTERM)?;
    daemon.end()?;
    let absent = json!({ "since": "2026-01-01T00:00:00Z", "until": null });
    let document = json!({ "schema": 1, "drains": { "old": absent } });
    fs::write(daemon.directory.path().join("state/drains.json"), document.to_string())?;
    let command = run(&daemon.directory);
    daemon.start_again(command)?;
    daemon.wait_until_it_serves()?;
    let (code, said) = daemon.ask(&["drain", "web", "--keep", "--for", "2s", "--force"])?;
    assert_eq!(code, Some(0), "{said}");
    daemon.wait_for("web", "phase", &json!("held"))?;
    let forgotten = wait_until(SOON, || daemon.kept().is_ok_and(|kept| kept == document));
    assert!(forgotten, "{}", daemon.kept()?);
    let (code, said) = daemon.ask(&["resume", "old"])?;
    let expected = "there is no virtual router old, and its drain is not kept any more\n";
    assert_eq!((code, said.as_str()), (Some(0), expected));
    assert_eq!(daemon.kept()?["drains"], json!({}));
    assert_eq!(daemon.ask(&["resume", "old"])?.0, Some(1));
    daemon.process.signal(Signal::SIGTERM)?;
    let (_, log) = daemon.end()?;
    assert_eq!(log.matches("event=drain-unknown name=old").count(), 1, "{log}");
    Ok(())
}

/// The earlier process was killed and left its addresses. A process without the drain goes on with
/// them; one with it lets them go.
pub(crate) fn what_is_drained_is_not_adopted() -> Outcome {
    let slow = APART.replace("300ms", "2s");
    let mut daemon = Daemon::start_with(&slow, |directory| {
        Ok(format!("state = {:?}\n", directory.path().display().to_string()))
    })?;
    daemon.process.kill()?;
    let command = run(&daemon.directory);
    daemon.start_again(command)?;
    daemon.wait_for("web", "phase", &json!("adopted"))?;
    daemon.wait_for("web/v6", "phase", &json!("adopted"))?;

    let drain = json!({ "since": "2026-01-01T00:00:00Z", "until": null });
    let document = json!({ "schema": 1, "drains": { "web": drain } });
    fs::write(daemon.directory.path().join("drains.json"), document.to_string())?;
    daemon.process.kill()?;
    let command = run(&daemon.directory);
    daemon.start_again(command)?;
    daemon.wait_for("web/v6", "phase", &json!("adopted"))?;
    assert_eq!(daemon.status(&["web"])?["hold"], "drained");
    // The two are of two backend tasks.
    let is_gone = || daemon.addresses().is_ok_and(|addresses| !addresses.contains("192.0.2.10/24"));
    let is_gone = wait_until(SOON, is_gone);
    let addresses = daemon.addresses()?;
    assert!(is_gone && addresses.contains("2001:db8::10"), "{addresses}");
    daemon.process.signal(Signal::SIGTERM)?;
    let (_, log) = daemon.end()?;
    assert!(!log.contains("name=web interface=eth0 from=initialize to=backup"), "{log}");
    assert_eq!(log.matches("to=adopted").count(), 1, "{log}");
    Ok(())
}

/// The other node follows, takes over, and this one needs no force.
pub(crate) fn a_drain_hands_over_to_another_node() -> Outcome {
    let daemon = Daemon::start_with(&slower(), |_| Ok(String::new()))?;
    let host = Host::new("other")?;
    let _cable = Cable::new(&host, "eth0", &daemon.switch, &["192.0.2.2/24"])?;
    let directory = tempfile::tempdir()?;
    let control = directory.path().join("control.sock");
    let config = slower().replace("vrid = 51", "vrid = 51\npriority = 50");
    let config = format!("{config}[daemon]\ncontrol = {:?}\n", control.display().to_string());
    fs::write(directory.path().join("vrrp.toml"), config)?;
    let _other = host.spawn(run(&directory))?;
    let state = |state: &str| {
        let mut last = String::new();
        let all_are = wait_until(SOON, || {
            let mut command = vrrp(&directory);
            command.args(["health", "--control", "control.sock"]);
            let Ok(Ok(output)) = host.run(move || command.output()) else { return false };
            last = text(&output.stdout);
            last.lines().next() == Some(&*format!("web is {state}, web/v6 is {state}"))
        });
        if all_are { Ok(()) } else { Err(Failed::from(format!("not {state}: {last}"))) }
    };
    state("backup")?;
    let (code, said) = daemon.ask(&["drain"])?;
    assert_eq!((code, said.lines().count()), (Some(0), 2), "{said}");
    state("active")?;
    assert_eq!(daemon.ask(&["resume"])?.0, Some(0));
    daemon.wait_until_it_serves()?;
    state("backup")
}

/// Whatever is in the file, the daemon starts, says once what is wrong, and leaves it alone.
pub(crate) fn a_broken_file_is_told_once_and_left_alone() -> Outcome {
    let mut daemon = with_state()?;
    daemon.process.signal(Signal::SIGTERM)?;
    daemon.end()?;
    let path = daemon.directory.path().join("state/drains.json");
    fs::write(&path, "{ \"schema\": 1, \"dra")?;
    let command = run(&daemon.directory);
    daemon.start_again(command)?;
    daemon.wait_until_it_serves()?;
    assert_eq!(fs::read_to_string(&path)?, "{ \"schema\": 1, \"dra");
    assert_eq!(daemon.ask(&["drain", "web", "--keep", "--force"])?.0, Some(0));
    assert_eq!(daemon.kept()?["drains"]["web"]["until"], Value::Null);
    let moved = fs::read_to_string(daemon.directory.path().join("state/drains.json.bad"))?;
    assert_eq!(moved, "{ \"schema\": 1, \"dra");
    daemon.process.signal(Signal::SIGTERM)?;
    let (_, log) = daemon.end()?;
    let told: Vec<&str> = log.lines().filter(|line| line.contains("drains-unreadable")).collect();
    let [read, moved] = told.as_slice() else { return Err(log.into()) };
    let path = path.display().to_string();
    assert!(read.contains(&path) && read.contains("EOF while parsing"), "{read}");
    assert!(moved.contains("drains.json.bad from now on"), "{moved}");
    Ok(())
}

pub(crate) fn what_cannot_be_kept_is_not_drained() -> Outcome {
    let daemon = Daemon::start()?;
    let (code, said) = daemon.ask(&["drain", "--keep", "--force"])?;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.starts_with("nothing is drained: ") && said.contains("set `state`"), "{said}");
    daemon.wait_until_it_serves()?;

    let mut daemon = with_state()?;
    daemon.process.signal(Signal::SIGTERM)?;
    daemon.end()?;
    // In a mount namespace of its own, where nobody can write to the state directory.
    let read_only = |last: &str| {
        let mut command = Command::new("unshare");
        let script = format!(
            "mount --bind state state && mount -o remount,bind,ro state && exec '{}' {last} -c \
             vrrp.toml",
            env!("CARGO_BIN_EXE_vrrp")
        );
        command.args(["--mount", "sh", "-c", &script]).current_dir(&daemon.directory);
        command.env_remove("RUST_LOG").env_remove("VRRP_CONTROL").stderr(Stdio::piped());
        command
    };
    let mut check = read_only("check");
    let checked = daemon.host.run(move || check.output())??;
    assert_eq!(checked.status.code(), Some(3), "{}", text(&checked.stderr));
    let expected = "nothing can be written to the state directory ";
    assert!(text(&checked.stderr).contains(expected), "{}", text(&checked.stderr));
    let command = read_only("run");
    daemon.start_again(command)?;
    daemon.wait_until_it_serves()?;
    let before = daemon.status(&["web"])?;
    let (code, said) = daemon.ask(&["drain", "web", "--keep", "--force"])?;
    assert_eq!(code, Some(1), "{said}");
    let expected = "state/drains.json cannot be written: read-only file system";
    assert!(said.starts_with("nothing is drained: ") && said.contains(expected), "{said}");
    let after = daemon.status(&["web"])?;
    assert_eq!((&before["phase"], &before["since"]), (&after["phase"], &after["since"]));
    let (code, said) = daemon.ask(&["drain", "web", "--force"])?;
    assert_eq!(code, Some(0), "a drain that is not to be kept needs no file: {said}");
    Ok(())
}

/// Longer than any other answer may take: the program that lets the addresses go is slow.
pub(crate) fn a_handover_is_waited_for_however_long_it_takes() -> Outcome {
    let script = "read said; case $said in *no-successor*) sleep 12;; esac";
    let backend = format!("backend = {{ command = [\"/bin/sh\", \"-c\", {script:?}] }}\n");
    let daemon = Daemon::start_with(&format!("{CONFIG}{backend}"), |_| Ok(String::new()))?;
    let asked = Instant::now();
    let (code, said) = daemon.ask(&["drain", "--force"])?;
    assert_eq!((code, said.lines().count()), (Some(0), 2), "{said}");
    let took = asked.elapsed().as_secs();
    assert!((12..24).contains(&took), "both at the same time take 12 s, and not {took} s");
    Ok(())
}

/// As curl and other programs ask.
pub(crate) fn a_drain_can_be_asked_for_over_http() -> Outcome {
    let daemon = apart()?;
    let schema = schema::load()?;
    let body = r#"{ "for": "10m", "force": true, "keep": false }"#;
    let (status, answer) = daemon.http("POST /virtual-routers/web/v6/drain", body)?;
    assert_eq!(status, "200", "{answer}");
    schema::check_part(&schema, "outcome", &answer)?;
    assert_eq!((&answer["name"], &answer["done"]), (&json!("web/v6"), &json!(true)));
    let (status, answer) = daemon.http("POST /virtual-routers/web/drain", "")?;
    assert_eq!(status, "409", "{answer}");
    assert!(answer["error"].as_str().is_some_and(|said| said.contains("--force")), "{answer}");
    let (status, answer) = daemon.http("POST /virtual-routers/wev/drain", "")?;
    assert_eq!(
        (status.as_str(), &answer["error"]),
        ("404", &json!("there is no virtual router wev; did you mean web?"))
    );
    let (status, answer) = daemon.http("POST /virtual-routers/web/drain", "{ \"fore\": 1 }")?;
    assert_eq!(status, "400", "{answer}");
    let (status, answer) = daemon.http("POST /virtual-routers/web%2Fv6/resume", "")?;
    assert_eq!(status, "200", "{answer}");
    let (status, answer) = daemon.http("POST /resume", "")?;
    assert_eq!(status, "200", "{answer}");
    schema::check_part(&schema, "outcomes", &answer)?;
    daemon.wait_until_it_serves()
}
