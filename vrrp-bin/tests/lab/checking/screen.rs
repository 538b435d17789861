//! What a person sees of a file with several mistakes, on a terminal: the documentation has it from
//! here.
//!
//! With `VRRP_SCREENS=DIRECTORY` it is written there as a file, from which `.ci/screens` puts it into
//! the documentation.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use libtest_mimic::Failed;
use tempfile::TempDir;
use vrrp_net::lab::{Cable, Host, Switch};

use super::{heard, site::run};
use crate::{
    interfaces::ip,
    support::{Outcome, check},
};

/// What precedes the screen in the documentation, and what it begins with.
const MARK: &str = "<!-- screen check -->\n```console\n";
const COMMAND: &str = "vrrp check -c vrrp.toml --listen 1s";
const MISTAKES: &str = include_str!("mistakes.toml");
/// What a terminal is wide.
const WIDTH: usize = 80;

pub(super) fn as_documented() -> Outcome {
    let screen = screen()?;
    let is_narrow = screen.lines().all(|line| line.chars().count() <= WIDTH);
    check(is_narrow, format!("it is wider than {WIDTH} columns:\n{screen}"))?;
    if let Some(directory) = env::var_os("VRRP_SCREENS").map(PathBuf::from) {
        return Ok(fs::write(directory.join("check.txt"), screen)?);
    }
    for file in ["README.md", "docs/check.md"] {
        let text = fs::read_to_string(root().join(file))?;
        let Some((_, after)) = text.split_once(MARK) else {
            return Err(format!("{file} has no {MARK}").into());
        };
        let (shown, _) = after.split_once("```\n").ok_or("the screen has no end")?;
        check(shown == screen, format!("{file} shows:\n{shown}\nand it looks so:\n{screen}"))?;
    }
    Ok(())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A host with two networks, of which one is behind a bridge, beside somebody who has the VRID.
fn screen() -> Result<String, Failed> {
    let switch = Switch::new()?;
    let (host, other) = (Host::new("a")?, Host::new("b")?);
    let _eth0 = Cable::new(&host, "eth0", &switch, &["192.0.2.1/24"])?;
    let _eth1 = Cable::new(&host, "eth1", &switch, &[])?;
    let _far = Cable::new(&other, "eth0", &switch, &["192.0.2.7/24"])?;
    for change in [
        "link add br0 type bridge",
        "link set br0 up",
        "link set eth1 master br0",
        "address add 198.51.100.1/24 dev br0",
    ] {
        ip(&host, change)?;
    }
    let folder = TempDir::with_prefix("vrrp-test-")?;
    fs::write(folder.path().join("vrrp.toml"), MISTAKES)?;
    let shown = heard::while_another_cluster_speaks(&other, || {
        // It makes a terminal.
        let mut command = Command::new("script");
        let checked = COMMAND.replacen("vrrp", env!("CARGO_BIN_EXE_vrrp"), 1);
        command.args(["--quiet", "--return", "--command", &checked, "/dev/null"]);
        command.current_dir(folder.path());
        run(&host, command)
    })?;
    let text = String::from_utf8_lossy(&shown.stdout).replace('\r', "");
    check(shown.status.code() == Some(3), format!("{shown:?}"))?;
    Ok(format!("$ {COMMAND}\n{text}"))
}
