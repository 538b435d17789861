//! [`File`]: a file is there, or is not, or has a number in it.

use std::{
    any::Any,
    fs,
    io::{self, ErrorKind, Read},
    path::{Path, PathBuf},
};

use async_trait::async_trait;

use super::{Check, blocking::Turn, outcome::Outcome};

/// How much of a file is read for its number.
const NUMBER: u64 = 64;

/// Looks at a file.
///
/// A file system that hangs delays this check alone: it fails at its timeout.
///
/// ```
/// use vrrp_net::check::File;
///
/// let (ready, maintenance) = (File::present("/run/ok"), File::absent("/run/maintenance"));
/// # let _ = (ready, maintenance);
/// ```
#[derive(Clone, Debug)]
pub struct File {
    path: PathBuf,
    wants: Wants,
    turn: Turn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wants {
    Present,
    Absent,
    Number,
}

impl File {
    /// Returns one that passes while there is something at `path`, of any kind.
    pub fn present(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), wants: Wants::Present, turn: Turn::default() }
    }

    /// Returns one that passes while there is nothing at `path`.
    pub fn absent(path: impl Into<PathBuf>) -> Self {
        Self { wants: Wants::Absent, ..Self::present(path) }
    }

    /// Returns one that reads a whole number from the file: [`Outcome::Number`]. No file, and an
    /// empty one, are zero, as with keepalived's `track_file`.
    pub fn number(path: impl Into<PathBuf>) -> Self {
        Self { wants: Wants::Number, ..Self::present(path) }
    }
}

#[async_trait]
impl Check for File {
    async fn run(&self) -> Outcome {
        let (path, wants) = (self.path.clone(), self.wants);
        let look = move || match wants {
            Wants::Present | Wants::Absent => exists(&path, wants),
            Wants::Number => number(&path),
        };
        self.turn.take(look).await.unwrap_or_else(Outcome::NotRun)
    }

    fn describe(&self) -> String {
        let path = self.path.display();
        match self.wants {
            Wants::Present => format!("{path} is there"),
            Wants::Absent => format!("{path} is not there"),
            Wants::Number => format!("the number in {path} is zero"),
        }
    }

    fn is_same(&self, other: &dyn Check) -> bool {
        let Some(other) = (other as &dyn Any).downcast_ref::<Self>() else { return false };
        let Self { path, wants, turn: _ } = self;
        (path, wants) == (&other.path, &other.wants)
    }
}

fn exists(path: &Path, wants: Wants) -> Outcome {
    let is_there = match fs::metadata(path) {
        Ok(_) => true,
        Err(error) if is_absence(&error) => false,
        Err(error) => return unknown(path, &error),
    };
    let path = path.display();
    match (is_there, wants) {
        (true, Wants::Present | Wants::Number) => Outcome::Passed(format!("{path} is there")),
        (false, Wants::Present | Wants::Number) => Outcome::Failed(format!("{path} is not there")),
        (true, Wants::Absent) => Outcome::Failed(format!("{path} is there")),
        (false, Wants::Absent) => Outcome::Passed(format!("{path} is not there")),
    }
}

fn number(path: &Path) -> Outcome {
    let mut text = String::new();
    let read = fs::File::open(path).and_then(|file| file.take(NUMBER).read_to_string(&mut text));
    match read {
        Ok(_) if text.trim().is_empty() => Outcome::Number(0),
        Ok(_) => text.trim().parse().map_or_else(
            |_| {
                let path = path.display();
                Outcome::NotRun(format!("{path} has no whole number in it; write one, such as -20"))
            },
            Outcome::Number,
        ),
        Err(error) if is_absence(&error) => Outcome::Number(0),
        Err(error) => unknown(path, &error),
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn unknown(path: &Path, error: &io::Error) -> Outcome {
    Outcome::NotRun(format!("{} cannot be looked at: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_there_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ok");
        let (present, absent) = (File::present(&path), File::absent(&path));
        assert!(
            matches!(present.run().await, Outcome::Failed(text) if text.ends_with("not there"))
        );
        assert!(matches!(absent.run().await, Outcome::Passed(_)));
        fs::write(&path, "").unwrap();
        assert!(matches!(present.run().await, Outcome::Passed(_)));
        assert!(matches!(absent.run().await, Outcome::Failed(text) if text.ends_with("is there")));
        let below = File::present(path.join("below"));
        assert!(matches!(below.run().await, Outcome::Failed(_)), "a file has nothing below it");
    }

    #[tokio::test]
    #[cfg(unix)]
    async fn what_cannot_be_looked_at_is_no_failure() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("loop");
        std::os::unix::fs::symlink(&path, &path).unwrap();
        let outcome = File::present(&path).run().await;
        assert!(matches!(outcome, Outcome::NotRun(text) if text.contains("cannot be looked at")));
    }

    #[tokio::test]
    async fn the_number_in_a_file_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weight");
        let check = File::number(&path);
        assert_eq!(check.run().await, Outcome::Number(0));
        for (text, expected) in [("", 0), ("-20\n", -20), (" 7 ", 7), ("0", 0)] {
            fs::write(&path, text).unwrap();
            assert_eq!(check.run().await, Outcome::Number(expected), "{text:?}");
        }
        for text in ["many", "1.5", "99999999999", &"1".repeat(100)] {
            fs::write(&path, text).unwrap();
            assert!(matches!(check.run().await, Outcome::NotRun(_)), "{text:?}");
        }
        fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(matches!(check.run().await, Outcome::NotRun(_)));
    }

    #[test]
    fn it_is_the_same_with_the_same_path_and_wish() {
        assert!(File::present("/a").is_same(&File::present("/a")));
        assert!(!File::present("/a").is_same(&File::absent("/a")));
        assert!(!File::present("/a").is_same(&File::present("/b")));
    }
}
