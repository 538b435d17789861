//! What a reload changes, and what it leaves alone: the rows of `docs/reload.md`.

pub(crate) mod rows;
mod told;

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::{Value, json};
use vrrp_net::lab::{Signal, wait_until};

use crate::{CONFIG, Daemon, Outcome, SOON, text};

/// A test, and its name.
type Test = (&'static str, fn() -> Outcome);

/// The tests of reloads.
pub(crate) const TESTS: [Test; 9] = [
    ("a_reload_of_the_same_is_noticed_by_nobody", the_same_is_noticed_by_nobody),
    ("a_reload_that_is_refused_changes_nothing", what_is_refused_changes_nothing),
    ("a_reload_changes_each_thing_in_place", each_thing_changes_in_place),
    ("a_reload_adds_and_removes", it_adds_and_removes),
    ("a_reload_moves_the_control_socket", it_moves_the_control_socket),
    ("a_reload_misses_no_signal", it_misses_no_signal),
    ("a_reload_and_a_stop_go_together", a_reload_and_a_stop_go_together),
    ("a_reload_takes_states_along", told::states_go_along),
    ("a_reload_takes_the_rest_along", told::the_rest_goes_along),
];

impl Daemon {
    /// Writes another file in place of the configuration.
    fn write(&self, config: &str) -> Outcome {
        let control = self.control();
        let text = format!("{config}[daemon]\ncontrol = \"{}\"\n", control.display());
        Ok(fs::write(self.directory.path().join("vrrp.toml"), text)?)
    }

    /// `vrrp reload`: its exit status, what it printed, and what it complained of.
    pub(crate) fn reload(&self) -> Result<(Option<i32>, String, String), crate::Failed> {
        let control = self.control().display().to_string();
        let output = self.vrrp(&["reload", "--control", &control])?;
        Ok((output.status.code(), text(&output.stdout), text(&output.stderr)))
    }

    /// Writes `config`, reloads, and returns what has changed.
    fn becomes(&self, config: &str) -> Result<Vec<String>, crate::Failed> {
        self.write(config)?;
        let (status, printed, complaint) = self.reload()?;
        assert_eq!((status, complaint.as_str()), (Some(0), ""), "{printed}");
        Ok(printed.lines().skip(1).map(|line| line.trim().to_owned()).collect())
    }

    /// What `status` says of a virtual router, without what counts on.
    pub(crate) fn still(&self, name: &str) -> Result<Value, crate::Failed> {
        let control = self.control().display().to_string();
        let output = self.vrrp(&["status", "--json", "--control", &control, name])?;
        let mut status: serde_json::Map<String, Value> = serde_json::from_slice(&output.stdout)?;
        for key in ["counters", "lease_seconds"] {
            status.remove(key);
        }
        let transitions = status.get_mut("transitions").and_then(Value::as_array_mut);
        for transition in transitions.into_iter().flatten() {
            transition.as_object_mut().map(|transition| transition.remove("seconds_ago"));
        }
        Ok(status.into())
    }

    /// The sockets of the process, by their numbers; but for those of clients, whose last one it may
    /// not have closed yet.
    fn sockets(&self) -> Result<Vec<String>, crate::Failed> {
        let (pid, control) = (self.process.pid(), self.control().display().to_string());
        let clients = clients(&fs::read_to_string(format!("/proc/{pid}/net/unix"))?, &control);
        let links = fs::read_dir(format!("/proc/{pid}/fd"))?
            .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        let mut sockets: Vec<String> = links
            .map(|link| link.display().to_string())
            .filter(|link| link.starts_with("socket:") && !clients.contains(link))
            .collect();
        sockets.sort();
        Ok(sockets)
    }

    fn log_until_end(&mut self) -> Result<String, crate::Failed> {
        self.process.signal(Signal::SIGTERM)?;
        let (status, log) = self.end()?;
        assert_eq!(status.code(), Some(0), "{log}");
        Ok(log)
    }
}

/// The connections to `control`, out of `/proc/net/unix`: its own socket alone listens (the flag
/// `__SO_ACCEPTCON`).
fn clients(table: &str, control: &str) -> Vec<String> {
    let number = |line: &str| match line.split_whitespace().collect::<Vec<_>>()[..] {
        [_, _, _, "00000000", _, _, number, path] if path == control => {
            Some(format!("socket:[{number}]"))
        }
        _ => None,
    };
    table.lines().filter_map(number).collect()
}

fn router(more: &str) -> String {
    format!("{}{more}\n", CONFIG.replace(", \"2001:db8::10/64\"", ""))
}

fn the_same_is_noticed_by_nobody() -> Outcome {
    let mut daemon = Daemon::start()?;
    let (before, sockets) = (daemon.still("web")?, daemon.sockets()?);
    let (status, printed, complaint) = daemon.reload()?;
    assert_eq!((status, complaint.as_str()), (Some(0), ""));
    assert_eq!(printed, "the configuration was read again, and nothing in it has changed\n");
    // Twice in a row, and by a signal.
    assert_eq!(daemon.reload()?.0, Some(0));
    daemon.process.signal(Signal::SIGHUP)?;
    assert_eq!(daemon.reload()?.0, Some(0));
    assert_eq!(daemon.still("web")?, before);
    let left: Vec<_> = daemon.sockets()?;
    assert!(sockets.iter().all(|socket| left.contains(socket)), "{sockets:?} {left:?}");
    let log = daemon.log_until_end()?;
    let reloads = log.matches("event=reloaded").count();
    assert!((3..=4).contains(&reloads), "{log}");
    assert_eq!(log.matches("event=transition name=web ").count(), 5, "{log}");
    Ok(())
}

/// One sentence for each mistake, with its place; and everything goes on.
fn what_is_refused_changes_nothing() -> Outcome {
    let mut daemon = Daemon::start()?;
    let (path, before) = (daemon.directory.path().join("vrrp.toml"), daemon.still("web")?);
    let whole = fs::read_to_string(&path)?;
    let half = whole.split_at(whole.len() / 2).0;
    let huge = format!("{whole}# {}\n", "x".repeat(10 << 20));
    let refused = |content: Option<&str>, expected: &str| -> Outcome {
        if let Some(content) = content {
            fs::write(&path, content)?;
        }
        let (status, printed, complaint) = daemon.reload()?;
        assert_eq!((status, printed.as_str()), (Some(1), ""), "{complaint}");
        assert!(complaint.contains(expected), "{complaint:?} is not about {expected:?}");
        assert!(complaint.ends_with("nothing was changed; correct this and reload again\n"));
        assert_eq!(complaint.lines().count(), 2, "{complaint}");
        assert_eq!(daemon.still("web")?, before);
        let control = daemon.control().display().to_string();
        let status = text(&daemon.vrrp(&["status", "--control", &control])?.stdout);
        let told = |line: &str| line.starts_with("reload: ");
        assert!(status.lines().any(told), "{status}");
        assert!(status.lines().all(|line| line.chars().count() <= 80), "{status}");
        Ok(())
    };
    refused(Some(half), "vrrp.toml:6:")?;
    refused(Some(&whole.replace("vrid = 51", "vrid = 256")), "vrrp.toml:5:8: ")?;
    refused(Some(&whole.replace("vrid = 51", "vird = 51\nvrid = 51")), "did you mean `vrid`?")?;
    refused(Some(&huge), "larger than 8 MB")?;
    fs::remove_file(&path)?;
    refused(None, "vrrp.toml: the configuration cannot be read: no such file")?;
    fs::create_dir(&path)?;
    refused(None, "vrrp.toml: the configuration cannot be read: is a directory")?;
    fs::remove_dir(&path)?;
    let netns = format!("{whole}netns = \"other\"\n");
    refused(Some(&netns), "vrrp.toml")?;
    fs::write(&path, &whole)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644))?;
    assert_eq!(daemon.reload()?.0, Some(0));
    let status = daemon.status(&[])?;
    assert_eq!(status["reload"]["done"], true, "{status}");
    crate::schema::check(&crate::schema::load()?, &status)?;
    let log = daemon.log_until_end()?;
    assert!(log.matches("event=reload-refused").count() >= 7, "{log}");
    Ok(())
}

/// A configuration, what is said to be another in it, and what `status` shows then.
type Row = (String, &'static [&'static str], Vec<(&'static str, Value)>);

/// Without a transition, and each with the sentence that says it.
fn each_thing_changes_in_place() -> Outcome {
    let daemon = Daemon::start_with(&router(""), |_| Ok(String::new()))?;
    let since = daemon.status(&["web"])?["since"].clone();
    let check = "[[check]]\nname = \"up\"\nfile = \"/\"\n";
    let rows: [Row; 11] = [
        (
            router("priority = 150"),
            &["web: priority 100 -> 150"],
            vec![("effective_priority", json!(150))],
        ),
        (
            router("priority = \"owner\""),
            &["web: look warn -> none", "web: preempt true -> none", "web: priority 150 -> owner"],
            vec![("effective_priority", json!(255))],
        ),
        (
            router("preempt = \"30s\""),
            &["web: look none -> warn", "web: preempt none -> 30s", "web: priority owner -> 100"],
            vec![("effective_priority", json!(100))],
        ),
        (
            router("").replace("100ms", "200ms"),
            &["web: interval 100ms -> 200ms", "web: preempt 30s -> true"],
            vec![],
        ),
        (
            router("version = 2").replace("100ms", "1s"),
            &["web: checksum auto -> none", "web: interval 200ms -> 1s", "web: version 3 -> 2"],
            vec![("version", json!(2))],
        ),
        (
            router("version = 2\npassword = \"secret\"").replace("100ms", "1s"),
            &["web: password is another"],
            vec![],
        ),
        (
            router("peers = [\"192.0.2.2\"]"),
            &[
                "web: checksum none -> auto",
                "web: hear none -> peers",
                "web: interval 1s -> 100ms",
                "web: password is another",
                "web: peers none -> [{\"address\":\"192.0.2.2\",\"min_ttl\":255}]",
                "web: version 2 -> 3",
            ],
            vec![],
        ),
        (
            router("").replace("192.0.2.10/24", "192.0.2.11/24\", \"192.0.2.10/24"),
            &[
                "web: addresses [\"192.0.2.10/24\"] -> [\"192.0.2.11/24\",\"192.0.2.10/24\"]",
                "web: hear peers -> none",
                "web: peers [{\"address\":\"192.0.2.2\",\"min_ttl\":255}] -> none",
            ],
            vec![("addresses_held", json!(["192.0.2.11/24", "192.0.2.10/24"]))],
        ),
        (
            router("").replace("192.0.2.10/24", "192.0.2.11/24"),
            &["web: addresses [\"192.0.2.11/24\",\"192.0.2.10/24\"] -> [\"192.0.2.11/24\"]"],
            vec![("addresses_held", json!(["192.0.2.11/24"]))],
        ),
        (
            router("track = [\"up\"]").replace("192.0.2.10", "192.0.2.11") + check,
            &["web: last none -> stay", "web: track none -> [\"up\"]", "check up: added"],
            vec![],
        ),
        (
            router("notify = [\"/bin/true\"]\nstartup_delay = \"5s\"")
                .replace("192.0.2.10", "192.0.2.11"),
            &[
                "web: last stay -> none",
                "web: notify none -> {\"command\":[\"/bin/true\"],\"timeout\":\"30s\"}",
                "web: startup_delay 0s -> 5s",
                "web: track [\"up\"] -> none",
                "check up: removed",
            ],
            vec![],
        ),
    ];
    for (config, changes, expected) in rows {
        assert_eq!(daemon.becomes(&config)?, changes);
        for (key, value) in expected {
            let mut last = Value::Null;
            let is_so = wait_until(SOON, || {
                last = daemon.status(&["web"]).unwrap_or_default();
                last[key] == value
            });
            assert!(is_so, "{key} is not {value}: {last}");
        }
        let status = daemon.status(&["web"])?;
        assert_eq!((&status["phase"], &status["since"]), (&json!("held"), &since), "{config}");
    }
    // Its name, with the same states behind it.
    let renamed = router("").replace("\"web\"", "\"www\"").replace("192.0.2.10", "192.0.2.11");
    assert!(daemon.becomes(&renamed)?.contains(&"www: name web -> www".to_owned()));
    assert_eq!(daemon.status(&["www"])?["since"], since);
    Ok(())
}

fn it_adds_and_removes() -> Outcome {
    let mut daemon = Daemon::start_with(&router(""), |_| Ok(String::new()))?;
    let since = daemon.status(&["web"])?["since"].clone();
    let second =
        router("").replace("web", "db").replace("vrid = 51", "vrid = 52").replace(".10/", ".20/");
    assert_eq!(daemon.becomes(&format!("{}{second}", router("")))?, ["db: added"]);
    daemon.wait_until_it_serves()?;
    assert_eq!(daemon.status(&["db"])?["addresses_held"], json!(["192.0.2.20/24"]));
    assert_eq!(daemon.becomes(&router(""))?, ["db: removed"]);
    let let_go = || daemon.addresses().is_ok_and(|shown| !shown.contains("192.0.2.20"));
    let is_gone = wait_until(SOON, let_go);
    assert!(is_gone, "the address of what was removed stays");
    assert_eq!(daemon.status(&["web"])?["since"], since);
    let log = daemon.log_until_end()?;
    assert!(log.contains("INFO db: removed event=changed"), "{log}");
    assert!(log.contains("event=removed name=db"), "{log}");
    Ok(())
}

fn it_moves_the_control_socket() -> Outcome {
    let daemon = Daemon::start()?;
    let (old, new) = (daemon.control(), daemon.directory.path().join("other.sock"));
    let path = daemon.directory.path().join("vrrp.toml");
    let text = fs::read_to_string(&path)?;
    fs::write(&path, text.replace("run/control.sock", "other.sock"))?;
    let (status, printed, complaint) = daemon.reload()?;
    assert_eq!(status, Some(0), "{complaint}");
    assert!(printed.contains("[daemon]: control "), "{printed}");
    assert!(new.exists() && !old.exists());
    assert_eq!(daemon.status(&["web"])?["phase"], "held");
    // Where another daemon could be, nothing is taken over.
    fs::write(&old, "precious")?;
    fs::write(&path, text)?;
    let refused = daemon.vrrp(&["reload", "--control", &new.display().to_string()])?;
    assert_eq!(refused.status.code(), Some(1));
    let said = crate::text(&refused.stderr);
    assert!(said.contains("exists and is not a socket"), "{said}");
    assert!(new.exists() && fs::read_to_string(&old)? == "precious");
    Ok(())
}

/// Each comes while the one before is under way, more often than not.
fn it_misses_no_signal() -> Outcome {
    let mut daemon = Daemon::start_with(&router(""), |_| Ok(String::new()))?;
    let path = daemon.directory.path().join("vrrp.toml");
    let (whole, new) = (fs::read_to_string(&path)?, path.with_extension("new"));
    for priority in 101..=150 {
        // None of them sees half a file.
        fs::write(&new, whole.replace("vrid", &format!("priority = {priority}\nvrid")))?;
        fs::rename(&new, &path)?;
        daemon.process.signal(Signal::SIGHUP)?;
    }
    let mut last = Value::Null;
    let is_last = wait_until(SOON, || {
        last = daemon.status(&["web"]).unwrap_or_default();
        last["effective_priority"] == 150
    });
    let log = daemon.log_until_end()?;
    assert!(is_last, "{last}\n{log}");
    assert!(!log.contains("event=reload-refused"), "{log}");
    Ok(())
}

/// A second reload in the same moment, one of what is drained, and one that comes too late.
fn a_reload_and_a_stop_go_together() -> Outcome {
    let mut daemon = Daemon::start_with(&router(""), |_| Ok(String::new()))?;
    let control = daemon.control().display().to_string();
    let drained = daemon.vrrp(&["drain", "--force", "--control", &control])?;
    assert_eq!(drained.status.code(), Some(0), "{}", text(&drained.stderr));
    assert_eq!(daemon.becomes(&router("priority = 200"))?, ["web: priority 100 -> 200"]);
    let status = daemon.status(&["web"])?;
    assert_eq!(status["holds"], json!(["drained"]), "{status}");
    let resumed = daemon.vrrp(&["resume", "--control", &control])?;
    assert_eq!(resumed.status.code(), Some(0), "{}", text(&resumed.stderr));
    // It acquires, or waits to.
    assert_eq!(daemon.becomes(&router("priority = 201"))?, ["web: priority 200 -> 201"]);
    daemon.wait_until_it_serves()?;
    for _ in 0..20 {
        daemon.process.signal(Signal::SIGHUP)?;
    }
    daemon.process.signal(Signal::SIGTERM)?;
    daemon.process.signal(Signal::SIGHUP)?;
    let (status, log) = daemon.end()?;
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("event=stopped"), "{log}");
    Ok(())
}
