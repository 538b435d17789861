//! What was measured, as a document.

use std::{
    fmt::Write as _,
    fs, io,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{Outcome, client::Loss, images, support};

#[derive(Default)]
pub(crate) struct Table {
    rows: Mutex<Vec<String>>,
    /// Sizes, times: one sentence each.
    notes: Mutex<Vec<String>>,
}

impl Table {
    pub(crate) fn record(
        &self,
        network: &str,
        event: &str,
        loss: Loss,
        both: Duration,
        bound: Duration,
    ) {
        let Loss { asked, lost, outage } = loss;
        let row = format!(
            "| {network} | {event} | {lost} of {asked} | {} | {} | {} |",
            milliseconds(outage),
            milliseconds(bound),
            milliseconds(both)
        );
        println!("{row}");
        lock(&self.rows).push(row);
    }

    pub(crate) fn note(&self, sentence: String) {
        println!("{sentence}");
        lock(&self.notes).push(sentence);
    }

    /// Runs a test that measures time, and again if the machine paused while it failed; what a
    /// failure recorded goes.
    pub(crate) fn conclude(&self, test: impl Fn() -> Outcome) -> Outcome {
        support::conclude(|_| {
            let kept = (lock(&self.rows).len(), lock(&self.notes).len());
            let outcome = test();
            if outcome.is_err() {
                lock(&self.rows).truncate(kept.0);
                lock(&self.notes).truncate(kept.1);
            }
            outcome
        })
    }

    /// Prints it, and leaves it in `target/containers/table.md`.
    pub(crate) fn publish(&self) -> io::Result<()> {
        let rows = lock(&self.rows);
        let notes = lock(&self.notes);
        if rows.is_empty() && notes.is_empty() {
            return Ok(());
        }
        let mut text =
            "| network | event | lost | outage | bound | both held |\n|---|---|---|---|---|---|\n"
                .to_owned();
        for row in rows.iter() {
            let _ = writeln!(text, "{row}");
        }
        text.push('\n');
        for note in notes.iter() {
            let _ = writeln!(text, "- {note}");
        }
        println!("\n{text}");
        fs::write(images::root().join("target/containers/table.md"), text)
    }
}

fn lock(lines: &Mutex<Vec<String>>) -> MutexGuard<'_, Vec<String>> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}
