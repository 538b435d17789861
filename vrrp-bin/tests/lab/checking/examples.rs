//! Every whole configuration of the documentation is good on a host that suits it.

use std::{fs, path::Path, process::Command};

use libtest_mimic::Failed;
use serde_json::Value;
use vrrp_net::lab::{Cable, Host, Switch};

use super::site::{Found, run};
use crate::support::{Outcome, check};

/// What a host of a test lacks, or the documentation means to be warned of: a program that is not
/// installed here, and a route that outlives a daemon that is killed.
const MEANT: [&str; 2] = ["program", "route"];

pub(super) fn good() -> Outcome {
    let (host, _cables, folder) = host()?;
    let mut count = 0;
    for (file, text) in examples()? {
        let path = folder.path().join("example.toml");
        fs::write(&path, &text)?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_vrrp"));
        command.args(["check", "--json", "-c"]).arg(&path);
        let found = Found::of(&run(&host, command)?)?;
        let is_meant = |finding: &&Value| {
            let code = finding["code"].as_str().unwrap_or_default();
            let is_program =
                finding["sentence"].as_str().unwrap_or_default().contains("cannot be run");
            MEANT.contains(&code) || is_program
        };
        let other: Vec<&Value> = found.findings().iter().filter(|it| !is_meant(it)).collect();
        check(other.is_empty(), format!("{file}:\n{text}\n{other:#?}"))?;
        count += 1;
    }
    check(count >= 8, format!("only {count} examples"))
}

/// A host that has what the examples speak of.
fn host() -> Result<(Host, [Cable; 2], tempfile::TempDir), Failed> {
    let switch = Switch::new()?;
    let host = Host::new("a")?;
    let first = ["192.0.2.1/24", "10.0.0.1/24", "192.168.1.2/24", "2001:db8::7/64"];
    let second = ["198.51.100.1/24", "203.0.113.2/24"];
    let eth0 = Cable::new(&host, "eth0", &switch, &first)?;
    let eth1 = Cable::new(&host, "eth1", &switch, &second)?;
    Ok((host, [eth0, eth1], tempfile::TempDir::with_prefix("vrrp-test-")?))
}

/// The blocks that begin with a virtual router, each with where it is.
fn examples() -> Result<Vec<(String, String)>, Failed> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = vec![root.join("README.md")];
    files.extend(fs::read_dir(root.join("docs"))?.filter_map(|entry| Some(entry.ok()?.path())));
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|it| it == "md")) {
        let text = fs::read_to_string(file)?;
        for block in text.split("\n```toml\n").skip(1) {
            let block = block.split("\n```").next().unwrap_or_default();
            if block.starts_with("[[virtual_router]]") {
                found.push((file.display().to_string(), format!("{block}\n")));
            }
        }
    }
    Ok(found)
}
