//! `drains.json`: the file, and how it is replaced so that a power cut leaves either the old one or
//! the new one.

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::Drains;

/// The version of the format.
const SCHEMA: u32 = 1;
const NAME: &str = "drains.json";
/// Where the next one is written. Whatever a power cut left there is overwritten.
const NEW: &str = "drains.json.new";
/// Where one that could not be read is moved to, and with a number if there is one already.
const BAD: &str = "drains.json.bad";
/// How many of those there can be.
const MOST_BAD: u32 = 100;
/// More than 65,000 drains need.
const LONGEST: u64 = 16 << 20;

#[derive(Serialize, Deserialize)]
struct Document<T> {
    schema: u32,
    drains: T,
}

/// The version alone: what else is there depends on it.
#[derive(Deserialize)]
struct Version {
    schema: u32,
}

/// The file in a state directory.
pub(super) struct File {
    directory: PathBuf,
    path: PathBuf,
    /// What is there could not be read, and is not overwritten.
    is_bad: bool,
}

impl File {
    pub(super) fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), path: directory.join(NAME), is_bad: false }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the drains; none where there is a directory and no file in it.
    pub(super) fn read(&mut self) -> io::Result<Drains> {
        let read = self.try_to_read();
        self.is_bad = read.is_err() && fs::symlink_metadata(&self.path).is_ok();
        read
    }

    fn try_to_read(&self) -> io::Result<Drains> {
        let wrong = |message: String| io::Error::new(io::ErrorKind::InvalidData, message);
        let metadata = match fs::metadata(&self.path) {
            // A directory that is not there may be a disk that is not mounted.
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.directory.is_dir() => {
                return Ok(Drains::new());
            }
            metadata => metadata?,
        };
        // What is a pipe would never end.
        if !metadata.is_file() {
            return Err(wrong("it is not a file".to_owned()));
        }
        let mut text = Vec::new();
        fs::File::open(&self.path)?.take(LONGEST).read_to_end(&mut text)?;
        let told = |error: serde_json::Error| wrong(error.to_string());
        let Version { schema } = serde_json::from_slice(&text).map_err(told)?;
        if schema != SCHEMA {
            return Err(wrong(format!("its schema is {schema}; this version reads {SCHEMA}")));
        }
        let Document { drains, .. } = serde_json::from_slice(&text).map_err(told)?;
        Ok(drains)
    }

    /// Replaces the file. One that could not be read is moved out of the way and kept.
    pub(super) fn write(&mut self, drains: &Drains) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(&Document { schema: SCHEMA, drains })?;
        text.push(b'\n');
        let new = self.directory.join(NEW);
        let written = write_through(&new, &text).and_then(|()| {
            self.move_bad()?;
            fs::rename(&new, &self.path)
        });
        if let Err(error) = written {
            // It is overwritten the next time at the latest.
            drop(fs::remove_file(&new));
            return Err(error);
        }
        sync(&self.directory)
    }

    /// Moves what could not be read to a name that nothing has.
    fn move_bad(&mut self) -> io::Result<()> {
        if !self.is_bad {
            return Ok(());
        }
        let numbered = (2..=MOST_BAD).map(|number| format!("{BAD}.{number}"));
        let mut names =
            std::iter::once(BAD.to_owned()).chain(numbered).map(|name| self.directory.join(name));
        let free = names.find(|path| fs::symlink_metadata(path).is_err());
        let free = free.ok_or_else(|| {
            io::Error::other(format!("there are {MOST_BAD} of {BAD}; remove some of them"))
        })?;
        fs::rename(&self.path, &free)?;
        self.is_bad = false;
        let (path, bad) = (self.path.display(), free.display());
        tracing::warn!(
            event = "drains-unreadable",
            %path,
            moved = %bad,
            "{path}, which could not be read, is {bad} from now on; a new one takes its place"
        );
        Ok(())
    }
}

/// Writes a file, and waits until the disk has it.
fn write_through(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(text)?;
    file.sync_all()
}

/// Waits until the disk has the names of a directory. Some file systems cannot be asked.
fn sync(directory: &Path) -> io::Result<()> {
    match fs::File::open(directory)?.sync_all() {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        synced => synced,
    }
}
