//! The screen of the documentation: a network with two nodes of keepalived's that do not hear each
//! other, and are at odds.
//!
//! With `VRRP_SCREENS=DIRECTORY` it is written there as a file, from which `.ci/screens` puts it into
//! the documentation.

use std::{env, fs, path::PathBuf, process::Command};

use tempfile::TempDir;
use vrrp_net::lab::{Cable, Host, Keepalived, Switch, wait_until};

use crate::{
    checking::site::run,
    holders::silence,
    support::{Outcome, SOON, check},
};

const COMMAND: &str = "vrrp scan --for 5s";
/// What a terminal is wide.
const WIDTH: usize = 80;

/// A node of keepalived's with two virtual routers.
fn config(priority: u8, version: u8, authentication: &str) -> String {
    format!(
        "vrrp_instance web {{\n interface eth0\n version {version}\n virtual_router_id 51\n priority \
         {priority}\n advert_int 1\n virtual_ipaddress {{\n 192.0.2.100/24\n }}\n}}\nvrrp_instance db \
         {{\n interface eth0\n version 2\n virtual_router_id 52\n priority {priority}\n advert_int \
         1\n authentication {{\n auth_type {authentication}\n auth_pass d0cker\n }}\n \
         virtual_ipaddress {{\n 192.0.2.101/24\n }}\n}}\n"
    )
}

pub(super) fn screens() -> Outcome {
    if let Some(missing) = Keepalived::missing() {
        println!("{missing}");
        return Ok(());
    }
    let switch = Switch::new()?;
    let [a, b, c] = [Host::new("a")?, Host::new("b")?, Host::new("c")?];
    let _cables = [
        Cable::new(&a, "eth0", &switch, &["192.0.2.1/24"])?,
        Cable::new(&b, "eth0", &switch, &["192.0.2.2/24"])?,
        Cable::new(&c, "eth0", &switch, &["192.0.2.3/24"])?,
    ];
    let folder = TempDir::with_prefix("vrrp-test-")?;
    // Neither hears the other, and so is active for good: who hears a node that it refuses goes to
    // and fro.
    for host in [&b, &c] {
        silence(host, "inet", "input", "ip protocol { 51, 112 }")?;
    }
    let _running = [
        Keepalived::start(&b, folder.path(), &config(150, 3, "AH"))?,
        Keepalived::start(&c, folder.path(), &config(100, 2, "PASS"))?,
    ];
    let scan = |time: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vrrp"));
        command.args(["scan", "--for", time]);
        run(&a, command)
    };
    // After three intervals and Skew_Time each.
    let are_active = || {
        let output = scan("3s");
        output
            .is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("are both active"))
    };
    let said = wait_until(SOON, are_active);
    let output = scan("5s")?;
    check(said, format!("they are not both active:\n{}", String::from_utf8_lossy(&output.stdout)))?;
    let text = String::from_utf8(output.stdout)?;
    let screen = format!("$ {COMMAND}\n{text}");
    println!("{screen}");
    let is_narrow = screen.lines().all(|line| line.chars().count() <= WIDTH);
    check(is_narrow, format!("it is wider than {WIDTH} columns:\n{screen}"))?;
    check(output.status.code() == Some(3), format!("{:?}", output.status))?;
    for words in ["are both active", "speaks VRRPv", "IP Authentication Header", "password"] {
        check(screen.contains(words), format!("{words}:\n{screen}"))?;
    }
    if let Some(directory) = env::var_os("VRRP_SCREENS").map(PathBuf::from) {
        fs::write(directory.join("scan.txt"), screen)?;
    }
    Ok(())
}
