//! How files are read that a configuration names.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// Reads a whole file. It is a parameter so that a fuzz target can open none of the system's.
pub(crate) type ReadFile = fn(&Path) -> io::Result<Vec<u8>>;

/// The most that a file may have: more than 65,000 virtual routers need. What is larger is something
/// else, such as a log, and would only cost memory.
const LONGEST: u64 = 8 << 20;

/// Reads a file of this system.
pub(crate) fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    let length = File::open(path)?.take(LONGEST.saturating_add(1)).read_to_end(&mut octets)?;
    match u64::try_from(length) {
        Ok(length) if length <= LONGEST => Ok(octets),
        Ok(_) | Err(_) => {
            Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 8 MB"))
        }
    }
}
