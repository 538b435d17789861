//! A configuration as it is kept here: one text for both hosts and both programs, in which a line
//! says whom it is for, if it is not for everybody.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::site::{Make, Who};

/// What stands for the name of a process that no other host has: all hosts share their processes.
const SERVED: &str = "SERVED";
/// What begins another file, followed by its path.
const NEXT: &str = "=== ";

/// The files of one configuration.
#[derive(Clone, Copy, Debug)]
pub(super) struct File(pub(super) &'static str);

impl File {
    /// Writes the files for one host and one program into a folder, and says which is the first.
    pub(super) fn write(
        self,
        folder: &Path,
        (who, make): (Who, Make),
        served: &str,
    ) -> io::Result<PathBuf> {
        let first = folder.join(format!("{}-keepalived.conf", who.name()));
        let (main, others) = self.parts();
        fs::write(&first, lines(main, who, make, served))?;
        for (path, text) in others {
            let path = folder.join(path);
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            fs::write(path, lines(text, who, make, served))?;
        }
        Ok(first)
    }

    fn parts(self) -> (&'static str, impl Iterator<Item = (&'static str, &'static str)>) {
        let mut parts = self.0.split(NEXT);
        let main = parts.next().unwrap_or_default();
        (main, parts.filter_map(|part| part.split_once('\n')))
    }
}

/// The lines that are for this host and this program.
fn lines(text: &str, who: Who, make: Make, served: &str) -> String {
    let mut all = String::new();
    for line in text.lines() {
        if let Some(line) = for_these(line, who, make) {
            all += &line.replace(SERVED, served);
            all.push('\n');
        }
    }
    all
}

/// A line without whom it is for; `None`: for somebody else.
fn for_these(line: &str, who: Who, make: Make) -> Option<&str> {
    let Some((whom, rest)) = line.split_once(':') else { return Some(line) };
    match whom {
        "a" => (who == Who::A).then_some(rest),
        "b" => (who == Who::B).then_some(rest),
        "ours" => (make == Make::Ours).then_some(rest),
        "keepalived" => (make == Make::Keepalived).then_some(rest),
        _ => Some(line),
    }
}
