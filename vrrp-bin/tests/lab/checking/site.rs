//! Two hosts on a switch, and what `vrrp check` finds on the first.

use std::{
    path::PathBuf,
    process::{Command, Output},
};

use libtest_mimic::Failed;
use serde_json::Value;
use tempfile::TempDir;
use vrrp_net::lab::{Cable, Host, Switch};

use crate::support::{Outcome, check};

pub(crate) struct Site {
    pub(crate) a: Host,
    pub(crate) b: Host,
    pub(super) folder: TempDir,
    _cables: [Cable; 2],
}

impl Site {
    /// 10.0.0.1 and fd00::1, 10.0.0.2 and fd00::2.
    pub(crate) fn new() -> Result<Self, Failed> {
        let switch = Switch::new()?;
        let (a, b) = (Host::new("a")?, Host::new("b")?);
        let first = Cable::new(&a, "eth0", &switch, &["10.0.0.1/24", "fd00::1/64"])?;
        let second = Cable::new(&b, "eth0", &switch, &["10.0.0.2/24", "fd00::2/64"])?;
        let folder = TempDir::with_prefix("vrrp-test-")?;
        Ok(Self { a, b, folder, _cables: [first, second] })
    }

    pub(super) fn set(&self, setting: &str, value: &str) -> Outcome {
        Ok(self.a.run(|| std::fs::write(format!("/proc/sys/net/{setting}"), value))??)
    }

    /// The file of this configuration. Its control socket is nobody's.
    pub(super) fn write(&self, config: &str) -> Result<PathBuf, Failed> {
        let file = self.folder.path().join("checked.toml");
        let section = if config.contains("[daemon]") { "" } else { "[daemon]\n" };
        let control = self.folder.path().join("control.sock");
        std::fs::write(&file, format!("{config}\n{section}control = {control:?}\n"))?;
        Ok(file)
    }

    /// What is found, and checked against the published schema.
    pub(super) fn check(&self, config: &str, arguments: &[&str]) -> Result<Found, Failed> {
        let arguments = [&["--json"], arguments].concat();
        Found::of(&self.say(config, &arguments)?)
    }

    /// What is said.
    pub(super) fn say(&self, config: &str, arguments: &[&str]) -> Result<Output, Failed> {
        let file = self.write(config)?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_vrrp"));
        command.args(["check", "-c"]).arg(file).args(arguments);
        run(&self.a, command)
    }
}

pub(crate) fn run(host: &Host, mut command: Command) -> Result<Output, Failed> {
    Ok(host.run(move || command.output())??)
}

/// The JSON of `vrrp check`.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) status: i32,
    pub(super) json: Value,
}

impl Found {
    pub(super) fn of(output: &Output) -> Result<Self, Failed> {
        let status = output.status.code().ok_or("it was killed")?;
        let json: Value = serde_json::from_slice(&output.stdout)
            .map_err(|error| format!("{error}: {output:?}"))?;
        let schema = serde_json::from_str(include_str!("../../../schema/check.json"))?;
        crate::schema::check(&schema, &json).map_err(|error| format!("{error}: {json:#}"))?;
        check(output.stderr.is_empty(), format!("beside the JSON: {output:?}"))?;
        Ok(Self { status, json })
    }

    pub(super) fn verdict(&self) -> &str {
        self.json["verdict"].as_str().unwrap_or_default()
    }

    pub(super) fn findings(&self) -> &[Value] {
        self.json["findings"].as_array().map_or(&[], Vec::as_slice)
    }

    /// The findings that are no notes, each with its code and a part of `LINE:COLUMN: SENTENCE`.
    pub(super) fn is_exactly(&self, expected: &[(&str, &str)]) -> Outcome {
        let serious: Vec<&Value> =
            self.findings().iter().filter(|finding| finding["severity"] != "note").collect();
        let are_all = serious.len() == expected.len()
            && serious.iter().zip(expected).all(|(finding, (code, words))| {
                finding["code"] == *code && line(finding).contains(words)
            });
        check(are_all, format!("{expected:#?} were expected:\n{:#}", self.json))
    }

    /// The first finding with this code.
    pub(super) fn one(&self, code: &str) -> Option<&Value> {
        self.findings().iter().find(|finding| finding["code"] == code)
    }
}

/// `LINE:COLUMN: SENTENCE`, as far as there is a line.
pub(super) fn line(finding: &Value) -> String {
    let place = finding["place"].as_str().unwrap_or_default();
    let place = place.split_once(".toml:").map(|(_, place)| place).unwrap_or_default();
    format!("{place}: {}", finding["sentence"].as_str().unwrap_or_default())
}
