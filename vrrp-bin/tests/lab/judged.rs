//! Files of keepalived's, judged by `keepalived -t` and by this program under its name: what one
//! accepts, warns of or refuses, the other does, but for what a case lists with its reason.

use std::{
    fmt::Write as _,
    fs,
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Output},
    time::Duration,
};

use libtest_mimic::{Failed, Trial};
use vrrp_net::lab::{Cable, Host, Keepalived, Switch};

use crate::support::Outcome;

/// How long a judgement may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// Small files, each about one thing.
const CASES: &str = include_str!("judged/cases.txt");
/// Of what files of the fuzz target's corpus this program says something else, and why.
const OTHERWISE: &[(&str, Verdict, &str)] = &[
    ("bad-signed", Verdict::Refused, "unsigned advertisements beside signed ones make two holders"),
    ("good-unicast-ipv6", Verdict::Warned, "`max_ttl` and `-nodad` are left out, which is told"),
];
/// What is around the lines of a case.
const BEFORE: &str = "vrrp_instance VI_1 {\n interface eth0\n virtual_router_id 51\n \
    virtual_ipaddress {\n  10.0.0.100/24\n }\n";

pub(crate) fn tests() -> Vec<Trial> {
    let trial = Trial::test("judged_as_keepalived_judges", judged_as_keepalived_judges);
    match Keepalived::missing() {
        None => vec![trial],
        Some(reason) => {
            println!("skipped: files judged beside keepalived: {reason}");
            vec![trial.with_ignored_flag(true)]
        }
    }
}

/// What is said of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Accepted,
    Warned,
    Refused,
    /// The program ended otherwise, or not at all.
    Lost,
}

/// A file.
struct Case {
    name: String,
    text: String,
    /// What this program says of it, and why not what keepalived says.
    otherwise: Option<(Verdict, String)>,
}

fn judged_as_keepalived_judges() -> Outcome {
    let (host, switches) = (Host::new("judge")?, [Switch::new()?, Switch::new()?]);
    let _cables = [
        Cable::new(&host, "eth0", &switches[0], &["10.0.0.1/24", "fe80::1/64"])?,
        Cable::new(&host, "eth1", &switches[1], &["10.0.1.1/24"])?,
    ];
    let folder = tempfile::tempdir()?;
    let name = folder.path().join("keepalived");
    symlink(env!("CARGO_BIN_EXE_vrrp"), &name)?;
    let mut table = String::from("| file | keepalived | here | why |\n|---|---|---|---|\n");
    let mut wrong = Vec::new();
    for case in cases()? {
        let path = folder.path().join("file.conf");
        fs::write(&path, &case.text)?;
        let (theirs, said) = judge(&host, Path::new("keepalived"), &path)?;
        let (ours, we_said) = judge(&host, &name, &path)?;
        let why = case.otherwise.as_ref().map_or("", |(_, why)| why);
        writeln!(table, "| {} | {theirs:?} | {ours:?} | {why} |", case.name)?;
        if theirs == Verdict::Lost && ours != Verdict::Lost {
            continue;
        }
        let expected = case.otherwise.as_ref().map_or(theirs, |(verdict, _)| *verdict);
        if ours != expected || case.otherwise.is_some() && ours == theirs {
            wrong.push(format!("{}:\nkeepalived: {said}\nhere: {we_said}", case.name));
        }
    }
    println!("{table}");
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

fn cases() -> Result<Vec<Case>, Failed> {
    let mut cases: Vec<Case> = CASES.split("\n## ").skip(1).map(Case::read).collect();
    assert!(cases.len() >= 60, "cases are missing: {}", cases.len());
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/keepalived");
    let mut paths =
        fs::read_dir(corpus)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, Failed>>()?;
    paths.sort();
    for path in paths {
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into());
        let otherwise = OTHERWISE.iter().find(|(file, ..)| *file == name);
        let otherwise = otherwise.map(|(_, verdict, why)| (*verdict, (*why).to_owned()));
        cases.push(Case { name, text: fs::read_to_string(path)?, otherwise });
    }
    Ok(cases)
}

impl Case {
    /// `NAME`, or `NAME: VERDICT: WHY`, and the lines: a whole file if they have a block of their
    /// own at the beginning of a line, and else those of a virtual router.
    fn read(text: &str) -> Self {
        let (head, lines) = text.split_once('\n').unwrap_or((text, ""));
        let mut parts = head.splitn(3, ": ");
        let name = parts.next().unwrap_or_default().to_owned();
        let otherwise = match (parts.next(), parts.next()) {
            (Some(verdict), Some(why)) => Some((Verdict::read(verdict), why.to_owned())),
            _ => None,
        };
        let text = match lines.strip_prefix("FILE\n") {
            Some(whole) => whole.replace("VI_1", &format!("{BEFORE}}}\n")),
            None => format!("{BEFORE}{lines}\n}}\n"),
        };
        Self { name, text, otherwise }
    }
}

impl Verdict {
    fn read(word: &str) -> Self {
        match word {
            "accepted" => Self::Accepted,
            "warned" => Self::Warned,
            "refused" => Self::Refused,
            other => panic!("{other} is no verdict"),
        }
    }

    const fn of(status: Option<i32>) -> Self {
        match status {
            Some(0) => Self::Accepted,
            Some(5 | 6) => Self::Warned,
            Some(2) => Self::Refused,
            _ => Self::Lost,
        }
    }
}

/// What `PROGRAM -t -f FILE` says.
fn judge(host: &Host, program: &Path, file: &Path) -> Result<(Verdict, String), Failed> {
    let mut command = Command::new("timeout");
    command.arg(PATIENCE.as_secs().to_string()).arg(program).args(["-t", "-f"]).arg(file);
    command.env_remove("RUST_LOG").env_remove("VRRP_CONTROL");
    let Output { status, stderr, stdout } = host.run(move || command.output())??;
    let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    Ok((Verdict::of(status.code()), said))
}
