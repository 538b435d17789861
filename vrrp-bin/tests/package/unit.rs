//! The systemd unit, and the example of a configuration.

use std::{fs, process::Command};

use libtest_mimic::Failed;

use crate::{Outcome, Test, output, root};

const ANALYZE: &[(&str, &str)] = &[("systemd-analyze", "systemd")];

pub(crate) const TESTS: [Test; 3] = [
    ("systemd_understands_the_unit", is_understood, ANALYZE),
    ("the_unit_keeps_away_what_the_page_says", is_as_tight_as_written, ANALYZE),
    ("the_example_is_a_configuration", example_is_one, &[]),
];

/// The first that knows `Type=notify-reload`.
const KNOWS_NOTIFY_RELOAD: u32 = 253;

fn unit() -> Result<String, Failed> {
    Ok(fs::read_to_string(root().join("packaging/vrrp.service"))?)
}

fn version() -> Result<u32, Failed> {
    let text = output(Command::new("systemd-analyze").arg("--version"))?;
    let number = text.split_whitespace().nth(1).and_then(|number| number.parse().ok());
    Ok(number.ok_or_else(|| format!("systemd-analyze says {text}"))?)
}

fn is_understood() -> Outcome {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("vrrp.service");
    // It looks for the program.
    fs::write(&file, unit()?.replace("/usr/bin/vrrp ", concat!(env!("CARGO_BIN_EXE_vrrp"), " ")))?;
    let mut command = Command::new("systemd-analyze");
    let found = command.args(["verify", "--man=no"]).arg(&file).output()?;
    let said = String::from_utf8_lossy(&found.stderr);
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("vrrp.service")).collect();
    if version()? >= KNOWS_NOTIFY_RELOAD {
        assert_eq!(ours, [""; 0]);
    } else {
        let [line] = ours[..] else { return Err(said.into()) };
        assert!(line.ends_with("Failed to parse service type, ignoring: notify-reload"), "{line}");
    }
    Ok(())
}

/// The number after these words.
fn number_after(text: &str, words: &str) -> Result<f64, Failed> {
    let (_, rest) = text.split_once(words).ok_or_else(|| format!("no {words:?} in {text}"))?;
    let number = rest.split_whitespace().next().and_then(|number| number.parse().ok());
    Ok(number.ok_or_else(|| format!("no number after {words:?} in {text}"))?)
}

fn is_as_tight_as_written() -> Outcome {
    let mut command = Command::new("systemd-analyze");
    command.args(["security", "--offline=yes", "--no-pager"]);
    let said = output(command.arg(root().join("packaging/vrrp.service")))?;
    let exposure = number_after(&said, "Overall exposure level for vrrp.service: ")?;
    let page = fs::read_to_string(root().join("docs/systemd.md"))?;
    let written = number_after(&page, "Overall exposure level for vrrp.service: ")?;
    assert!(exposure <= written, "the exposure is {exposure}, and docs/systemd.md says {written}");
    Ok(())
}

fn example_is_one() -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vrrp"));
    command.args(["check", "--format", "toml", "-c"]).arg(root().join("packaging/vrrp.toml"));
    let found = command.output()?;
    let said = String::from_utf8_lossy(&found.stderr);
    // That this host lacks what it names is no mistake of the file.
    assert!(matches!(found.status.code(), Some(0 | 3)), "{said}");
    assert!(String::from_utf8_lossy(&found.stdout).contains("192.0.2.10/24"), "{said}");
    Ok(())
}
