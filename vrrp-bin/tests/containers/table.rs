//! What was measured, as a document.

use std::{
    fmt::Write as _,
    fs, io,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{client::Loss, images};

#[derive(Default)]
pub(crate) struct Table {
    rows: Mutex<Vec<String>>,
    /// Sizes, times: one sentence each.
    notes: Mutex<Vec<String>>,
}

impl Table {
    pub(crate) fn record(&self, network: &str, event: &str, loss: Loss, both: Duration, bound: Duration) {
        let Loss { asked, lost, outage } = loss;
        let row = format!(
            "| {network} | {event} | {lost} of {asked} | {} | {} | {} |",
            milliseconds(outage),
            milliseconds(bound),
            milliseconds(both)
        );
        println!("{row}");
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).push(row);
    }

    pub(crate) fn note(&self, sentence: String) {
        println!("{sentence}");
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(sentence);
    }

    /// Prints it, and leaves it in `target/containers/table.md`.
    pub(crate) fn publish(&self) -> io::Result<()> {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        if rows.is_empty() && notes.is_empty() {
            return Ok(());
        }
        let mut text =
            "| network | event | lost | outage | bound | both held |\n|---|---|---|---|---|---|\n".to_owned();
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

pub(crate) fn milliseconds(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}
