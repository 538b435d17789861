//! What a reload changes of the states of virtual routers, and of who is told.

use std::{
    fs,
    process::{Command, Stdio},
};

use serde_json::json;
use vrrp_net::lab::{Cable, wait_until};

use super::{becomes, ip, router, second, since, waits};
use crate::{Daemon, Failed, Outcome, SOON, text};

fn start(config: &str) -> Result<Daemon, Failed> {
    Daemon::start_with(config, |_| Ok(String::new()))
}

impl Daemon {
    fn asks(&self, arguments: &[&str]) -> Outcome {
        let control = self.control().display().to_string();
        let output = self.vrrp(&[arguments, &["--control", &control]].concat())?;
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        Ok(())
    }
}

/// What is there does not wait; what starts, or whose link comes back, does.
pub(super) fn delays() -> Outcome {
    let daemon = start(&router(""))?;
    let begun = since(&daemon, "web")?;
    let slow = "startup_delay = \"1h\"\nup_delay = \"1h\"";
    daemon.becomes(&format!("{}{}", router(slow), second(slow)))?;
    becomes(&daemon, "db", "gates", json!(["startup-delay"]))?;
    assert_eq!(since(&daemon, "web")?, begun);
    for (state, phase) in [("down", "initialize"), ("up", "backup")] {
        ip(&daemon, &format!("link set eth0 {state}"))?;
        becomes(&daemon, "web", "phase", phase)?;
    }
    becomes(&daemon, "web", "gates", json!(["up-delay"]))
}

/// Whoever reads the old one sees it end; the next state is in the new one.
pub(super) fn notify_fifo() -> Outcome {
    let daemon = start(&router(""))?;
    let path = daemon.directory.path().join("vrrp.toml");
    let whole = fs::read_to_string(&path)?;
    let file = |name: &str| daemon.directory.path().join(name);
    let moves = |name: &str| -> Result<std::process::Child, Failed> {
        fs::write(&path, format!("{whole}notify_fifo = {:?}\n", file(name)))?;
        assert_eq!(daemon.reload()?.0, Some(0));
        let book = fs::File::create(file(&format!("{name}.told")))?;
        Ok(Command::new("cat").arg(file(name)).stdin(Stdio::null()).stdout(book).spawn()?)
    };
    let mut old = moves("one")?;
    let mut new = moves("two")?;
    assert!(wait_until(SOON, || matches!(old.try_wait(), Ok(Some(_)))), "the old one is open");
    assert!(!file("one").exists(), "the old one is there still");
    daemon.asks(&["drain", "--force"])?;
    let told = |name: &str| Ok(fs::read_to_string(file(&format!("{name}.told")))?);
    waits(|| told("two"), |told| told == "INSTANCE \"web\" BACKUP 100\n")?;
    assert_eq!(told("one")?, "");
    fs::write(&path, whole)?;
    assert_eq!(daemon.reload()?.0, Some(0));
    assert!(wait_until(SOON, || matches!(new.try_wait(), Ok(Some(_)))), "it is open still");
    Ok(())
}

pub(super) fn before_active() -> Outcome {
    let daemon = start(&router(""))?;
    let (begun, book) = (since(&daemon, "web")?, daemon.directory.path().join("before"));
    daemon.becomes(&router("before_active = [\"/bin/sh\", \"-c\", \"echo it >> before\"]"))?;
    daemon.asks(&["drain", "--force"])?;
    assert!(!book.exists(), "it ran for one that was active already");
    assert_ne!(since(&daemon, "web")?, begun);
    daemon.asks(&["resume"])?;
    daemon.wait_until_it_serves()?;
    assert_eq!(fs::read_to_string(book)?, "it\n");
    Ok(())
}

/// Two that swap their names: what is behind each stays where it is.
pub(super) fn name() -> Outcome {
    let daemon = start(&format!("{}{}", router(""), second("")))?;
    let of = |name: &str| {
        let status = daemon.status(&[name])?;
        let sent = status["counters"]["adverts_sent"].as_u64();
        Ok::<_, Failed>(((status["vrid"].clone(), status["since"].clone()), sent))
    };
    let ((web, _), (db, sent)) = (of("web")?, of("db")?);
    let swapped = format!("{}{}", router("").replace("web", "db"), second("").replace("db", "web"));
    assert_eq!(daemon.becomes(&swapped)?, ["db: name web -> db", "web: name db -> web"]);
    let ((new, counted), (other, _)) = (of("web")?, of("db")?);
    assert_eq!((new, other), (db, web));
    assert!(sent > Some(0) && counted >= sent, "{counted:?} after {sent:?}");
    Ok(())
}

/// It hands over, and its own scripts are told.
pub(super) fn gone() -> Outcome {
    let told = "notify = [\"/bin/sh\", \"-c\", \"echo $2 $3 >> told\", \"sh\"]";
    let daemon = start(&format!("{}{}", router(""), second(told)))?;
    let book = daemon.directory.path().join("told");
    let told = || Ok(fs::read_to_string(&book).unwrap_or_default());
    waits(told, |told: &String| told.ends_with("db MASTER\n"))?;
    assert_eq!(daemon.becomes(&router(""))?, ["db: removed"]);
    waits(told, |told: &String| told.ends_with("db STOP\n"))?;
    waits(|| ip(&daemon, "address show dev eth0"), |said| !said.contains("192.0.2.20/")).map(drop)
}

/// One that is active stays so beside a member that starts, and not beside one that is held.
pub(super) fn group() -> Outcome {
    let daemon = start(&router(""))?;
    let begun = since(&daemon, "web")?;
    let _cable = Cable::new(&daemon.host, "eth1", &daemon.switch, &["198.51.100.1/24"])?;
    let both = |policy: &str| {
        let group = format!(
            "[[group]]\nname = \"both\"\nmembers = [\"web\", \"db\"]\npolicy = \"{policy}\"\n"
        );
        router("") + &second("").replace("eth0", "eth1") + &group
    };
    daemon.becomes(&both("all"))?;
    becomes(&daemon, "db", "phase", "held")?;
    assert_eq!(since(&daemon, "web")?, begun);
    ip(&daemon, "link set eth1 down")?;
    becomes(&daemon, "web", "hold", "group")?;
    daemon.becomes(&both("any"))?;
    becomes(&daemon, "web", "phase", "held")?;
    daemon.becomes(&both("all"))?;
    becomes(&daemon, "web", "hold", "group")?;
    daemon.becomes(&(router("") + &second("").replace("eth0", "eth1")))?;
    becomes(&daemon, "web", "phase", "held")
}
