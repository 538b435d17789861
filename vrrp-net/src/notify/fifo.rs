//! [`Fifo`]: lines as keepalived writes them, for a reader that may be slow or absent.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nix::{errno::Errno, sys::stat::Mode, unistd::mkfifo};

use super::{
    State,
    told::{Subject, Told},
};

/// How often lines that are lost are spoken of.
const PAUSE: Duration = Duration::from_secs(60);

/// A FIFO that is written to. Dropped, it is removed if it was made.
#[derive(Debug)]
pub(super) struct Fifo {
    path: PathBuf,
    file: File,
    was_made: bool,
    /// Lines since the last one that passed.
    lost: u64,
    told_at: Option<Instant>,
}

impl Fifo {
    /// Opens it, and makes it if there is none. It is opened for reading, too: without a reader it
    /// keeps what there is room for.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let explained = |what: &str, error: io::Error| {
            let text = format!("the FIFO {} cannot be {what}: {error}", path.display());
            io::Error::new(error.kind(), text)
        };
        let was_made = match mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR) {
            Ok(()) => true,
            Err(Errno::EEXIST) => false,
            Err(error) => return Err(explained("made", error.into())),
        };
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW)
            .open(path)
            .map_err(|error| explained("opened", error))?;
        if !file.metadata().map_err(|error| explained("opened", error))?.file_type().is_fifo() {
            let other = io::Error::other("it is something else; remove it, or name another path");
            return Err(explained("opened", other));
        }
        Ok(Self { path: path.to_owned(), file, was_made, lost: 0, told_at: None })
    }

    /// A state of a virtual router or a group.
    pub(super) fn state(&mut self, told: &Told) {
        self.write(&told.subject, told.state.keepalived(), told.priority);
    }

    /// The effective priority of a virtual router has changed.
    pub(super) fn priority(&mut self, subject: &Subject, state: State, priority: u8) {
        match state {
            State::Active => self.write(subject, "MASTER_PRIORITY", priority),
            State::Backup => self.write(subject, "BACKUP_PRIORITY", priority),
            State::Fault | State::Stop => {}
        }
    }

    /// Another node is Active, too, and weaker.
    pub(super) fn weaker_active(&mut self, subject: &Subject, priority: u8) {
        self.write(subject, "MASTER_RX_LOWER_PRI", priority);
    }

    fn write(&mut self, subject: &Subject, word: &str, priority: u8) {
        let kind = subject.kind.keepalived();
        // Whatever a name has, it ends neither itself nor the line.
        let plain = |c: char| if c == '"' || c.is_control() { '_' } else { c };
        let name: String = subject.name.chars().map(plain).collect();
        let line = format!("{kind} \"{name}\" {word} {priority}\n");
        // What is longer may be written in part.
        let is_whole = line.len() <= libc::PIPE_BUF;
        let written = if is_whole { self.file.write(line.as_bytes()).ok() } else { None };
        if written == Some(line.len()) { self.passed() } else { self.lost() }
    }

    fn passed(&mut self) {
        let lost = std::mem::take(&mut self.lost);
        if lost == 0 {
            return;
        }
        // The next loss is a new one.
        self.told_at = None;
        let path = self.path.display();
        tracing::warn!(
            event = "fifo-lost",
            lost,
            "{path}: lines are read again; {lost} were lost since it was full"
        );
    }

    fn lost(&mut self) {
        self.lost = self.lost.saturating_add(1);
        if self.told_at.is_some_and(|at| at.elapsed() < PAUSE) {
            return;
        }
        self.told_at = Some(Instant::now());
        let (path, lost) = (self.path.display(), self.lost);
        tracing::warn!(
            event = "fifo-lost",
            lost,
            "{path}: it is full, and lines are lost ({lost} so far); have its reader read faster"
        );
    }
}

impl Drop for Fifo {
    fn drop(&mut self) {
        let is_same = |own: fs::Metadata, there: fs::Metadata| {
            (own.dev(), own.ino()) == (there.dev(), there.ino())
        };
        let there = fs::symlink_metadata(&self.path).ok();
        let ours = self.file.metadata().ok().zip(there).is_some_and(|(own, it)| is_same(own, it));
        if self.was_made && ours {
            // It is of no use to anybody, and does no harm.
            drop(fs::remove_file(&self.path));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::notify::told::Kind;

    fn web() -> Subject {
        Subject { kind: Kind::Instance, name: "web".into() }
    }

    fn read(path: &Path) -> String {
        let mut reader =
            OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).unwrap();
        let mut text = Vec::new();
        // It ends where nothing is left: the writer is there still.
        drop(reader.read_to_end(&mut text));
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn lines_wait_for_a_reader_and_some_are_lost() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        let mut fifo = Fifo::open(&path).unwrap();
        fifo.priority(&web(), State::Active, 90);
        fifo.priority(&web(), State::Backup, 80);
        fifo.priority(&web(), State::Fault, 70);
        fifo.weaker_active(&web(), 100);
        let odd = Subject { kind: Kind::Group, name: "a\"b\nc".into() };
        fifo.write(&odd, "MASTER", 0);
        assert_eq!(
            read(&path),
            "INSTANCE \"web\" MASTER_PRIORITY 90\nINSTANCE \"web\" BACKUP_PRIORITY 80\n\
             INSTANCE \"web\" MASTER_RX_LOWER_PRI 100\nGROUP \"a_b_c\" MASTER 0\n"
        );
        for _ in 0..10_000 {
            fifo.weaker_active(&web(), 100);
        }
        assert!(fifo.lost > 0 && fifo.told_at.is_some());
        let text = read(&path);
        let line = "INSTANCE \"web\" MASTER_RX_LOWER_PRI 100\n";
        let number = text.len() / line.len();
        assert_eq!(text, line.repeat(number), "each line is whole");
        assert_eq!(u64::try_from(number).unwrap() + fifo.lost, 10_000);
        fifo.weaker_active(&web(), 100);
        assert_eq!((fifo.lost, &*read(&path)), (0, line));
        let long = Subject { kind: Kind::Instance, name: "x".repeat(5000).into() };
        fifo.write(&long, "MASTER", 1);
        assert_eq!((fifo.lost, &*read(&path)), (1, ""));
    }

    #[test]
    fn it_is_removed_if_it_was_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        let first = Fifo::open(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let second = Fifo::open(&path).unwrap();
        drop(second);
        assert!(path.exists(), "the second one found it");
        drop(first);
        assert!(!path.exists());
        fs::write(&path, "").unwrap();
        let error = Fifo::open(&path).unwrap_err().to_string();
        assert!(error.contains("something else"), "{error}");
        let missing = Fifo::open(&folder.path().join("no/such")).unwrap_err().to_string();
        assert!(missing.contains("cannot be made"), "{missing}");
    }
}
