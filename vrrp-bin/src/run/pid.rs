//! [`PidFile`]: the number of the process, for scripts that read it.

use std::{fs, path::PathBuf, process};

use crate::config::describe;

/// A file that holds the number of this process while the daemon runs.
pub(super) struct PidFile(PathBuf);

impl PidFile {
    /// Writes the file. One that cannot be written is told, and the daemon runs without.
    pub(super) fn write(path: PathBuf) -> Option<Self> {
        match fs::write(&path, format!("{}\n", process::id())) {
            Ok(()) => Some(Self(path)),
            Err(error) => {
                let why = describe(&error);
                tracing::warn!(
                    event = "no-pid-file",
                    "{} cannot be written: {why}; name another file with -p",
                    path.display()
                );
                None
            }
        }
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // Another process may have written its own meanwhile.
        let own = process::id().to_string();
        if fs::read_to_string(&self.0).is_ok_and(|text| text.trim() == own) {
            let _ = fs::remove_file(&self.0);
        }
    }
}
