//! What was measured, as a document.

use std::{
    collections::BTreeMap,
    fs, io,
    path::Path,
    process::Command,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use vrrp_net::lab::Keepalived;

use crate::{cases, figures::Figures};

/// What came of one trial.
pub(crate) enum Cell {
    Passed(Figures),
    Failed,
}

#[derive(Default)]
pub(crate) struct Table(Mutex<BTreeMap<&'static str, Cell>>);

const PROSE: &str = include_str!("guarantees.md");

impl Table {
    pub(crate) fn record(&self, case: &'static str, cell: Cell) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(case, cell);
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
        let mut text = format!("{PROSE}\n{}\n", circumstances(cells.len(), took));
        text += "| fault | promised | here | keepalived |\n|---|---|---|---|\n";
        for case in cases() {
            let (ours, theirs) = match cells.get(case.name) {
                None => ("", ""),
                Some(Cell::Failed) => ("**failed**", ""),
                Some(Cell::Passed(figures)) => (figures.ours.as_str(), figures.theirs.as_str()),
            };
            text += &format!("| {} | {} | {ours} | {theirs} |\n", case.fault, case.promise);
        }
        text
    }
}

fn circumstances(trials: usize, took: Duration) -> String {
    let ours = said(Command::new(env!("CARGO_BIN_EXE_vrrp")).arg("--version"));
    let keepalived = Keepalived::version().unwrap_or_else(|| "no keepalived".to_owned());
    let date = said(Command::new("date").args(["-u", "+%F"]));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let kernel = kernel.trim();
    let seconds = took.as_secs();
    format!("{ours}, {keepalived}; Linux {kernel}; {date}; {trials} trials in {seconds} s.\n")
}

fn said(command: &mut Command) -> String {
    let output = command.output().map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).trim().to_owned()
}
