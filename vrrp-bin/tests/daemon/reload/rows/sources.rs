//! What else a reload reads than a file of our own.

use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
};

use super::since;
use crate::{CONFIG, Daemon, Failed, Outcome, vrrp};

/// A file of keepalived's that includes another one, and an environment that names a file.
pub(super) fn all() -> Outcome {
    includes()?;
    environment()
}

/// Starts the program anew, with other arguments.
fn start(command: impl FnOnce(&Path, &mut Command) -> Outcome) -> Result<Daemon, Failed> {
    let mut daemon = Daemon::start_alone(CONFIG)?;
    daemon.process.kill()?;
    let mut program = vrrp(&daemon.directory);
    program.env("VRRP_CONTROL", daemon.control()).stderr(Stdio::piped());
    command(daemon.directory.path(), &mut program)?;
    daemon.process = daemon.host.spawn(program)?;
    daemon.wait_until_it_serves()?;
    Ok(daemon)
}

/// Another priority in `file`, and then what is refused for these reasons.
fn follows(daemon: &Daemon, file: &str, good: &str, bad: &[(&str, &str)]) -> Outcome {
    let begun = since(daemon, "web")?;
    let path = daemon.directory.path().join(file);
    fs::write(&path, good)?;
    let (status, printed, complaint) = daemon.reload()?;
    assert_eq!((status, complaint.as_str()), (Some(0), ""), "{printed}");
    assert!(printed.contains("web: priority 100 -> 150"), "{printed}");
    for (content, why) in bad {
        fs::write(&path, content)?;
        let (status, printed, complaint) = daemon.reload()?;
        assert_eq!(status, Some(1), "{content:?} is taken: {printed}");
        assert!(complaint.contains(why), "{complaint}");
        // Nor does a program make room for one that would take it.
        let (status, printed, complaint) = daemon.restart()?;
        assert_eq!(status, Some(1), "{content:?} is taken: {printed}");
        assert!(complaint.contains(why), "{complaint}");
    }
    let router = daemon.status(&["web"])?;
    assert_eq!((&router["effective_priority"], &router["since"]), (&150.into(), &begun));
    fs::write(&path, good)?;
    // The second one is told of the first.
    for _ in 0..2 {
        let (status, _, complaint) = daemon.restart()?;
        assert_eq!(status, Some(0), "{complaint}");
        daemon.wait_until_it_serves()?;
        assert_eq!(daemon.status(&["web"])?["phase"], "adopted");
    }
    Ok(())
}

/// What is left out of a file of keepalived's is a warning; one that ends too early is not taken.
fn includes() -> Outcome {
    let instance = |priority: u8| {
        format!(
            "vrrp_instance web {{\n interface eth0\n virtual_router_id 52\n priority {priority}\n \
             advert_int 1\n virtual_ipaddress {{\n  192.0.2.20/24\n }}\n}}\n"
        )
    };
    let daemon = start(|folder, program| {
        let main = "global_defs {\n vrrp_version 3\n}\ninclude web.conf\n";
        fs::write(folder.join("keepalived.conf"), main)?;
        fs::write(folder.join("web.conf"), instance(100))?;
        program.args(["run", "-c", "keepalived.conf"]);
        Ok(())
    })?;
    let whole = instance(150);
    let half = whole.strip_suffix(" }\n}\n").ok_or("no end")?;
    let bad = [
        (half, "web.conf:1:1: nothing ends the block of `vrrp_instance`"),
        ("", "keepalived.conf: there is no virtual router here"),
    ];
    follows(&daemon, "web.conf", &whole, &bad)
}

fn environment() -> Outcome {
    let daemon = start(|folder, program| {
        let file = folder.join("priority");
        fs::write(&file, "100\n")?;
        // What this test itself was told: no variable that the program does not know may be there.
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("VRRP_TEST_")
                || name.to_string_lossy().ends_with("_TABLE")
            {
                program.env_remove(name);
            }
        }
        program.args(["run", "--from-env"]).env("VRRP_PRIORITY_FILE", file);
        for (name, value) in [
            ("NAME", "web"),
            ("INTERFACE", "eth0"),
            ("VRID", "52"),
            ("ADDRESSES", "192.0.2.20/24"),
            ("INTERVAL", "1s"),
        ] {
            program.env(format!("VRRP_{name}"), value);
        }
        Ok(())
    })?;
    follows(&daemon, "priority", "150\n", &[("many\n", "VRRP_PRIORITY: this is \"many\"")])
}
