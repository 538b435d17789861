//! What a test reads of its own log.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::Value;
use tracing::subscriber::DefaultGuard;

/// The log of this thread, as JSON.
#[derive(Clone, Default)]
pub(crate) struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    /// Takes what is logged on this thread, until the guard is dropped.
    pub(crate) fn begin() -> (Self, DefaultGuard) {
        let written = Self::default();
        let to = written.clone();
        let json = tracing_subscriber::fmt().json().with_writer(move || to.clone()).finish();
        (written, tracing::subscriber::set_default(json))
    }

    /// The lines so far.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let octets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        octets
            .split(|octet| *octet == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap_or_default())
            .collect()
    }
}

impl io::Write for Written {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
