//! How files are read that a configuration names.

use std::{fs, io, path::Path};

/// Reads a whole file. It is a parameter so that a fuzz target can open none of the system's.
pub(crate) type ReadFile = fn(&Path) -> io::Result<Vec<u8>>;

/// Reads a file of this system.
pub(crate) fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    fs::read(path)
}
