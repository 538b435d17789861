//! Checks that could not be made at run time, found by making each of them once.

use std::{fs::File, time::Duration};

use tokio::{runtime::Builder, task::JoinSet, time::timeout};
use vrrp_net::check::{Outcome, When};

use super::finding::{Code, Finding};
use crate::config::{CheckConfig, Config, Look, Place, describe};

/// How long one is waited for, whatever its own timeout: one that hangs could be made.
const PATIENCE: Duration = Duration::from_secs(2);

/// Makes every check once, but for programs, which may change something, and for what is looked at on
/// the active node alone. That one fails is no fault of the configuration.
pub(super) fn findings(config: &Config) -> Vec<Finding> {
    let (mut findings, mut tried) = (Vec::new(), Vec::new());
    for check in &config.checks {
        if let Some(why) = unreadable(&check.look) {
            findings.push(not_run(&check.look_place, &check.name, &why));
        } else if !matches!(check.look, Look::Command(_)) && check.schedule.when == When::Always {
            tried.push(check);
        }
    }
    findings.extend(tried_out(&tried));
    findings
}

/// That the file of authorities cannot be read: nobody sees that while the service does not answer.
fn unreadable(look: &Look) -> Option<String> {
    let Look::Http(http) = look else { return None };
    let file = http.ca.as_ref()?;
    let error = File::open(file).err()?;
    Some(format!("the certificates in {} cannot be read: {}", file.display(), describe(&error)))
}

fn tried_out(tried: &[&CheckConfig]) -> Vec<Finding> {
    if tried.is_empty() {
        return Vec::new();
    }
    // Without threads nothing else can be done either, and that is told where it matters.
    let Ok(runtime) = Builder::new_current_thread().enable_all().build() else {
        return Vec::new();
    };
    let mut found = runtime.block_on(async {
        let mut runs = JoinSet::new();
        for (at, check) in tried.iter().enumerate() {
            let look = check.look.check(&[]);
            let within = check.schedule.timeout.min(PATIENCE);
            runs.spawn(async move { (at, timeout(within, look.run()).await) });
        }
        let mut found = Vec::new();
        while let Some(run) = runs.join_next().await {
            if let Ok((at, Ok(Outcome::NotRun(why)))) = run {
                found.push((at, why));
            }
        }
        found
    });
    // A name that nobody looks up in time is not waited for.
    runtime.shutdown_background();
    found.sort_unstable();
    let finding = |(at, why): (usize, String)| {
        let check = tried.get(at)?;
        Some(not_run(&check.look_place, &check.name, &why))
    };
    found.into_iter().filter_map(finding).collect()
}

fn not_run(place: &Place, name: &str, why: &str) -> Finding {
    let message = format!("{why}; as it is, the check {name} finds nothing");
    Finding::warning(Code::Check, place, message)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_check_that_fails_is_none_that_cannot_be_made() {
        let folder = tempfile::tempdir().unwrap();
        let (ca, word) = (folder.path().join("ca.pem"), folder.path().join("word"));
        std::fs::write(&word, "many").unwrap();
        let text = format!(
            r#"
[[check]]
name = "refused"
tcp = "127.0.0.1:1"
[[check]]
name = "absent"
file = "/nonexistent/file"
[[check]]
name = "uncertified"
http = {{ url = "https://127.0.0.1:1/", ca = {ca:?} }}
[[check]]
name = "later"
http = {{ url = "https://127.0.0.1:1/", ca = {ca:?} }}
while = "active"
[[check]]
name = "number"
file = {{ path = {word:?}, number = true }}
[[check]]
name = "program"
command = ["/nonexistent/program"]
[[virtual_router]]
interface = "eth0"
vrid = 51
addresses = ["192.0.2.10/24"]
"#
        );
        let config = Config::parse(Path::new("f.toml"), &text).unwrap();
        let found: Vec<String> = findings(&config).iter().map(ToString::to_string).collect();
        let [uncertified, later, number] = &*found else { panic!("{found:#?}") };
        for (said, check) in [(uncertified, "uncertified"), (later, "later"), (number, "number")] {
            assert!(
                said.ends_with(&format!("; as it is, the check {check} finds nothing")),
                "{said}"
            );
        }
        assert!(
            uncertified.starts_with("f.toml:10:8: warning: the certificates in "),
            "{uncertified}"
        );
        assert!(uncertified.contains("ca.pem cannot be read: no such file"), "{uncertified}");
        assert!(number.contains("has no whole number in it"), "{number}");
    }
}
