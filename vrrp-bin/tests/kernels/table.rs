//! What was measured, as a document.

use std::{collections::BTreeSet, fs, io, path::Path, process::Command, sync::Arc, time::Duration};

use crate::{
    guest::Guest,
    packages::KERNELS,
    root,
    scenarios::{Check, SCENARIOS, Scenario},
};

const PROSE: &str = include_str!("kernels.md");

/// Writes it to `path`, which begins at the workspace's root if it is relative.
pub(crate) fn write(path: &Path, guests: &[Arc<Guest>], took: Duration) -> io::Result<()> {
    let path = root().join(path);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text(guests, took))
}

fn text(guests: &[Arc<Guest>], took: Duration) -> String {
    let mut text = format!("{PROSE}\n{}\n\n| | promised |", circumstances(guests, took));
    for kernel in &KERNELS {
        text += &format!(" Linux {} |", kernel.version);
    }
    text += &format!("\n|---|---|{}\n", "---|".repeat(KERNELS.len()));
    for scenario in &SCENARIOS {
        for check in scenario.checks {
            text += &row(guests, scenario, check);
        }
    }
    text
}

fn row(guests: &[Arc<Guest>], scenario: &Scenario, check: &Check) -> String {
    let cell = |kernel: &str| {
        let guest = guests.iter().find(|guest| guest.is_of(kernel, scenario.name));
        guest.map(|guest| guest.cell(check.name, scenario.checks)).unwrap_or_default()
    };
    let cells: Vec<String> = KERNELS.iter().map(|kernel| cell(kernel.version)).collect();
    format!("| {} | {} | {} |\n", check.event, check.promise, cells.join(" | "))
}

fn circumstances(guests: &[Arc<Guest>], took: Duration) -> String {
    let kernels: BTreeSet<String> = guests.iter().filter_map(|guest| guest.release()).collect();
    let kernels: Vec<String> = kernels.iter().map(|release| format!("Linux {release}")).collect();
    let date = said(Command::new("date").args(["-u", "+%F"]));
    let qemu = said(Command::new("qemu-system-x86_64").arg("--version"));
    let qemu = qemu.lines().next().unwrap_or_default().replace(" emulator version", "");
    let (kernels, guests, seconds) = (kernels.join(", "), guests.len(), took.as_secs());
    let ours = said(Command::new(env!("CARGO_BIN_EXE_vrrp")).arg("--version"));
    format!("{ours}; {kernels}; {qemu}; {date}; {guests} guests in {seconds} s.")
}

fn said(command: &mut Command) -> String {
    let output = command.output().map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).trim().to_owned()
}
