//! What came of a run, as a document.

use std::{
    collections::BTreeMap,
    fs, io,
    path::Path,
    process::Command,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use vrrp_net::lab::{Frr, Keepalived};

use crate::{mode::Mode, scenario::Scenario};

/// What came of one trial.
pub(crate) enum Cell {
    /// It passed; the takeover was so many milliseconds later than the arithmetic, where there was
    /// one.
    Passed(Option<f64>),
    Failed,
    /// It could not be played, and why.
    Missing(String),
}

#[derive(Default)]
pub(crate) struct Table(Mutex<BTreeMap<(Mode, Scenario), Cell>>);

const PROSE: &str = "# Beside keepalived and FRR

Every way in which this program and another one can share an address, in every situation in which they have to agree.
The nodes are network namespaces on a bridge, the programs are what a distribution ships, the interval is 1 s, and every
time is taken from the frames. In each trial, once it has settled, exactly one node advertises, the address is on exactly
that node, our backups name it as the one that they follow, and our nodes have refused no message.

A row is a way to share, named after the other program; \"pass\" is the simple password of VRRPv2. A cell is `ok`,
`failed`, or empty where the run did not come to it; a number is by how many milliseconds a takeover came later than the
RFC's arithmetic. The limit is 20 ms for ours and 50 ms for others, each with the longest pause of the machine added.

What they do in their own way, and how the trials take it:

- Ours resigns twice, a sixteenth of a second apart. Others start their timer anew at the second, from which it is
  measured.
- FRR 8.4 over IPv6 loses its first advertisement when it becomes active, as it cannot bind to its address yet, so that
  up to an interval is added to its takeovers.
- After a partition a loser of another make that hears the winner first yields without a word. The winner cannot know
  then that neighbours have to be told, and its `refresh` tells them: here 5 s, by default 60 s.
- FRR tells neighbours when it becomes active and never again, so that its announcement after a partition is not asked
  for.

The whole file is written by

```
VRRP_TEST_ALL=1 VRRP_INTEROP_TABLE=docs/interop.md cargo test -p vrrp-bin --test interop
```
";

impl Table {
    pub(crate) fn record(&self, mode: Mode, scenario: Scenario, cell: Cell) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((mode, scenario), cell);
    }

    /// Writes it to `path`, which begins at the workspace's root if it is relative.
    pub(crate) fn write(&self, path: &Path, took: Duration) -> io::Result<()> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let path = root.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, self.text(took))
    }

    fn text(&self, took: Duration) -> String {
        let cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut notes: Vec<String> = Vec::new();
        let mut text = format!("{PROSE}\n{}\n", circumstances(cells.len(), took));
        let names: Vec<String> =
            Scenario::ALL.iter().map(|scenario| scenario.name().replace('_', " ")).collect();
        text += &format!("| | {} |\n|---|{}\n", names.join(" | "), "---|".repeat(names.len()));
        for mode in Mode::ALL {
            let row = Scenario::ALL.map(|scenario| show(cells.get(&(mode, scenario)), &mut notes));
            text += &format!("| {} | {} |\n", mode.name().replace('_', " "), row.join(" | "));
        }
        text.push('\n');
        for (index, note) in notes.iter().enumerate() {
            text += &format!("{}. {note}\n", index + 1);
        }
        text += "\nThe scenarios:\n\n";
        for scenario in Scenario::ALL {
            text += &format!("- {}: {}.\n", scenario.name().replace('_', " "), scenario.meaning());
        }
        text
    }
}

/// A cell's text. Reasons become notes, each once.
fn show(cell: Option<&Cell>, notes: &mut Vec<String>) -> String {
    match cell {
        None => String::new(),
        Some(Cell::Passed(None)) => "ok".to_owned(),
        Some(Cell::Passed(Some(beyond))) => format!("ok {beyond:+.1}"),
        Some(Cell::Failed) => "**failed**".to_owned(),
        Some(Cell::Missing(why)) => {
            let known = notes.iter().position(|note| note == why);
            let index = known.unwrap_or_else(|| {
                notes.push(why.clone());
                notes.len() - 1
            });
            format!("- ({})", index + 1)
        }
    }
}

fn circumstances(trials: usize, took: Duration) -> String {
    let ours = said(Command::new(env!("CARGO_BIN_EXE_vrrp")).arg("--version"));
    let keepalived = Keepalived::version().unwrap_or_else(|| "no keepalived".to_owned());
    let frr = Frr::version().unwrap_or_else(|| "no FRR".to_owned());
    let date = said(Command::new("date").args(["-u", "+%F"]));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let kernel = kernel.trim();
    let seconds = took.as_secs();
    format!(
        "{ours}, {keepalived}, {frr}; Linux {kernel}; {date}; {trials} trials in {seconds} s.\n"
    )
}

fn said(command: &mut Command) -> String {
    let output = command.output().map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).trim().to_owned()
}
