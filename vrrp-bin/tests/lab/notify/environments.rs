//! The notify scripts of images, told by the variables of their environments.

use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

use libtest_mimic::{Failed, Trial};
use vrrp_net::lab::{Process, Signal, wait_until};

use crate::support::{Node, Outcome, Pair, SOON, check, timed};

pub(super) fn tests() -> Vec<Trial> {
    vec![
        timed("notify_of_osixias_environment_is_told_as_in_its_image", |_| osixia()),
        timed("notify_beside_arcts_environment_is_told_as_by_keepalived", |_| arcts()),
    ]
}

/// As the image's own: it knows three states, fails at every other, and takes what it is told by
/// position. And it sees what else it is given.
const SCRIPT: &str = r#"#!/bin/sh
case $3 in
MASTER | BACKUP | FAULT) echo "I'm the $3 of $1 $2 $4 ${KEEPALIVED_PASSWORD-}${KEEPALIVED_AUTH_PASS-}" ;;
*)
    echo "unknown state $3 of $1 $2 $4"
    exit 1
    ;;
esac >>"${0%/*}/told"
"#;

fn osixia() -> Outcome {
    let script = |folder: &Path| folder.join("notify.sh").display().to_string();
    is_told("VI_1", |folder| {
        vec![
            ("KEEPALIVED_INTERFACE", "eth0".to_owned()),
            ("KEEPALIVED_UNICAST_PEERS", "#PYTHON2BASH:['10.0.0.1', '10.0.0.2']".to_owned()),
            ("KEEPALIVED_VIRTUAL_IPS", "#PYTHON2BASH:['10.0.0.100/24']".to_owned()),
            ("KEEPALIVED_PASSWORD", "s3cret".to_owned()),
            ("KEEPALIVED_NOTIFY", script(folder)),
        ]
    })
}

/// That image has no variable of its own for a script.
fn arcts() -> Outcome {
    let script = |folder: &Path| folder.join("notify.sh").display().to_string();
    is_told("MAIN", |folder| {
        vec![
            ("KEEPALIVED_INTERFACE", "eth0".to_owned()),
            ("KEEPALIVED_STATE", "BACKUP".to_owned()),
            ("KEEPALIVED_PRIORITY", "150".to_owned()),
            ("KEEPALIVED_UNICAST_PEER_0", "10.0.0.2".to_owned()),
            ("KEEPALIVED_VIRTUAL_IPADDRESS_1", "10.0.0.100/24".to_owned()),
            ("KEEPALIVED_AUTH_PASS", "s3cret".to_owned()),
            ("VRRP_NOTIFY", script(folder)),
        ]
    })
}

/// A virtual router of this name is told its start, its takeover and its end, and no secret.
fn is_told(name: &str, variables: impl FnOnce(&Path) -> Vec<(&'static str, String)>) -> Outcome {
    let pair = Pair::new()?;
    let folder = pair.folder.path();
    let script = folder.join("notify.sh");
    fs::write(&script, SCRIPT)?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    let mut daemon = run(&pair.a, folder, variables(folder))?;
    let expected = [
        format!("I'm the BACKUP of INSTANCE {name} 150 "),
        format!("I'm the MASTER of INSTANCE {name} 150 "),
        format!("unknown state STOP of INSTANCE {name} 150"),
    ];
    let log = || fs::read_to_string(folder.join("log")).unwrap_or_default();
    let has_been_told = |lines: &[String]| {
        let is = || told(folder) == lines;
        check(wait_until(SOON, is), format!("{:#?} was told:\n{}", told(folder), log()))
    };
    has_been_told(&expected[..2])?;
    daemon.signal(Signal::SIGTERM)?;
    let status = daemon.wait_timeout(SOON)?;
    check(status.is_some_and(|status| status.success()), "it did not end with status 0")?;
    has_been_told(&expected)?;
    check(log().contains("notify.sh"), format!("that the script failed is not logged:\n{}", log()))
}

fn told(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("told")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Runs the program as an image does: by its environment, which has nothing else.
fn run(
    node: &Node,
    folder: &Path,
    variables: Vec<(&'static str, String)>,
) -> Result<Process, Failed> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vrrp"));
    command.args(["run", "--from-env"]).env_clear().envs(variables);
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("VRRP_CONTROL", node.control());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(folder.join("log"))?);
    Ok(node.host.spawn(command)?)
}
