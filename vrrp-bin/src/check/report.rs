//! What `vrrp check` prints: sentences for people, or one object of JSON for programs.

use std::io::{self, IsTerminal};

use serde::Serialize;

use super::finding::{Code, Finding, Severity};
use crate::{
    cli::{self, Format},
    config::{Config, effective::Effective},
    output::print,
    wire::Heard,
};

/// The version of the JSON: it grows when a field is renamed, removed or means something else.
const SCHEMA: u32 = 1;
/// How wide lines are on a terminal, and by how much those that go on are moved to the right.
const WIDTH: usize = 80;
const INDENT: &str = "    ";

/// Everything that was found.
#[derive(Default)]
pub(super) struct Report {
    pub(super) findings: Vec<Finding>,
    /// Who was heard, if somebody listened.
    pub(super) heard: Option<Heard>,
}

/// The outcome of it all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Verdict {
    Good,
    Warnings,
    Unusable,
}

#[derive(Serialize)]
struct Json<'a> {
    schema: u32,
    verdict: Verdict,
    findings: Vec<JsonFinding<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    heard: Option<&'a Heard>,
}

#[derive(Serialize)]
struct JsonFinding<'a> {
    severity: Severity,
    code: Code,
    place: String,
    virtual_router: Option<&'a str>,
    interface: Option<&'a str>,
    sentence: &'a str,
}

impl<'a> From<&'a Finding> for JsonFinding<'a> {
    fn from(finding: &'a Finding) -> Self {
        Self {
            severity: finding.severity,
            code: finding.code,
            place: finding.place.to_string(),
            virtual_router: finding.router.as_deref(),
            interface: finding.interface.as_deref(),
            sentence: &finding.sentence,
        }
    }
}

impl Report {
    /// Prints it as `arguments` say, and returns the exit status. There is no `config` if it cannot be
    /// used.
    pub(super) fn show(&self, config: Option<&Config>, arguments: &cli::Check) -> u8 {
        let verdict = self.verdict(arguments.strict);
        let printed = if arguments.json {
            self.print_json(verdict)
        } else {
            self.say();
            config.map_or(Ok(()), |config| self.print(config, arguments.format))
        };
        if let Err(error) = printed {
            eprintln!("the configuration cannot be printed: {error}");
            return cli::FAILED;
        }
        match verdict {
            Verdict::Good => cli::OK,
            Verdict::Warnings => cli::WARNINGS,
            Verdict::Unusable => cli::BAD_CONFIGURATION,
        }
    }

    fn verdict(&self, strict: bool) -> Verdict {
        match self.findings.iter().map(|finding| finding.severity).max() {
            None | Some(Severity::Note) => Verdict::Good,
            Some(Severity::Warning) if !strict => Verdict::Warnings,
            Some(Severity::Warning | Severity::Error) => Verdict::Unusable,
        }
    }

    /// Every sentence is a line, but on a terminal.
    fn say(&self) {
        let on_terminal = io::stderr().is_terminal();
        for finding in &self.findings {
            let line = finding.to_string();
            eprintln!("{}", if on_terminal { wrapped(&line) } else { line });
        }
    }

    fn print(
        &self,
        config: &Config,
        format: Option<Format>,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let effective = Effective::from(config);
        let text = match format {
            Some(Format::Toml) => toml::to_string(&effective)?,
            Some(Format::Json) => serde_json::to_string_pretty(&effective)? + "\n",
            None => {
                let speakers = self.heard.iter().flat_map(|heard| &heard.speakers);
                let lines = speakers.map(ToString::to_string).chain([self.summary(config)]);
                let on_terminal = io::stdout().is_terminal();
                lines.map(|line| if on_terminal { wrapped(&line) } else { line } + "\n").collect()
            }
        };
        Ok(print(text)?)
    }

    fn summary(&self, config: &Config) -> String {
        let names: Vec<String> = config
            .routers
            .iter()
            .map(|router| format!("{} on {}", router.name, router.interface))
            .collect();
        let is_warning = |finding: &&Finding| finding.severity == Severity::Warning;
        let count = match self.findings.iter().filter(is_warning).count() {
            0 => "good".to_owned(),
            1 => "usable, with 1 warning".to_owned(),
            more => format!("usable, with {more} warnings"),
        };
        // A file of keepalived's may have none.
        let what = if names.is_empty() { "no virtual router" } else { &names.join(", ") };
        format!("{}: {count}: {what}", config.origin)
    }

    fn print_json(&self, verdict: Verdict) -> Result<(), Box<dyn std::error::Error>> {
        let findings = self.findings.iter().map(JsonFinding::from).collect();
        let json = Json { schema: SCHEMA, verdict, findings, heard: self.heard.as_ref() };
        Ok(print(serde_json::to_string_pretty(&json)? + "\n")?)
    }
}

/// The line in lines of [`WIDTH`] at most, where it has spaces.
fn wrapped(line: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in line.split(' ') {
        match lines.last_mut() {
            Some(last) if last.chars().count() + 1 + word.chars().count() <= WIDTH => {
                last.push(' ');
                last.push_str(word);
            }
            Some(_) => lines.push(format!("{INDENT}{word}")),
            None => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_finding_decides() {
        let place = crate::config::Place::Environment;
        let report = |severities: &[Severity]| {
            let finding = |severity: &Severity| Finding {
                severity: *severity,
                ..Finding::note(Code::Silence, &place, "somebody")
            };
            Report { findings: severities.iter().map(finding).collect(), heard: None }
        };
        use Severity::{Error, Note, Warning};
        for (found, plain, strict) in [
            (&[][..], Verdict::Good, Verdict::Good),
            (&[Note], Verdict::Good, Verdict::Good),
            (&[Note, Warning, Note], Verdict::Warnings, Verdict::Unusable),
            (&[Error, Note], Verdict::Unusable, Verdict::Unusable),
        ] {
            assert_eq!(report(found).verdict(false), plain);
            assert_eq!(report(found).verdict(true), strict);
        }
    }

    #[test]
    fn long_lines_go_on_below_and_keep_every_word() {
        let line = "vrrp.toml:4:13: warning: eth0 is down or has no carrier, and web waits until \
            it is up, which may take as long as it likes";
        let wrapped = wrapped(line);
        assert!(wrapped.lines().all(|line| line.chars().count() <= WIDTH), "{wrapped}");
        let again: Vec<&str> = wrapped.split_whitespace().collect();
        assert_eq!(again.join(" "), line);
        assert_eq!(super::wrapped("short"), "short");
    }
}
