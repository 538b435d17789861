//! Scripts and readers of the FIFO that are told what becomes of a node.

mod beside;
mod conntrackd;
mod environments;
mod last;
mod many;
mod radvd;

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use libtest_mimic::Trial;
use nix::{fcntl::OFlag, sys::stat::Mode, unistd::mkfifo};

use crate::support::milliseconds;

pub(crate) fn tests() -> Vec<Trial> {
    let all = [
        beside::tests(),
        last::tests(),
        many::tests(),
        environments::tests(),
        conntrackd::tests(),
        radvd::tests(),
    ];
    all.into_iter().flatten().collect()
}

/// Writes what the kernel says of its process, and its arguments, into a file: one line each time
/// that it is run.
const SCRIPT: &str = "log=$1\nshift\nread -r stat </proc/$$/stat
printf '%s|%s\\n' \"$stat\" \"$*\" >>\"$log\"\n";

/// A script that writes down what it was told, and a FIFO that is read.
pub(crate) struct Record {
    script: PathBuf,
    folder: PathBuf,
    reader: Mutex<(File, String)>,
}

impl Record {
    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        let script = folder.join("record.sh");
        fs::write(&script, SCRIPT)?;
        let fifo = folder.join("fifo");
        mkfifo(&fifo, Mode::from_bits_truncate(0o600))?;
        // For writing, too: a reader that has no writer yet is at the end.
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(OFlag::O_NONBLOCK.bits());
        let reader = Mutex::new((options.open(&fifo)?, String::new()));
        Ok(Self { script, folder: folder.to_owned(), reader })
    }

    /// The words of the command that writes down what `who` is told by `key`.
    fn command(&self, who: &str, key: &str) -> [String; 4] {
        let text = |path: &Path| path.display().to_string();
        ["/bin/sh".to_owned(), text(&self.script), text(&self.log(who)), key.to_owned()]
    }

    fn fifo(&self) -> PathBuf {
        self.folder.join("fifo")
    }

    fn log(&self, who: &str) -> PathBuf {
        self.folder.join(format!("{who}.told"))
    }

    /// What the scripts of `who` were told, in the order in which they were started, since what runs
    /// at once writes in any order.
    pub(crate) fn told(&self, who: &str) -> Vec<String> {
        let text = fs::read_to_string(self.log(who)).unwrap_or_default();
        let lines = text.lines().filter_map(|line| line.split_once('|'));
        let mut lines: Vec<((u64, u32), &str)> =
            lines.filter_map(|(stat, told)| Some((started(stat)?, told))).collect();
        lines.sort_by_key(|(started, _)| *started);
        lines.into_iter().map(|(_, told)| told.to_owned()).collect()
    }

    /// The lines that came through the FIFO so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, text) = &mut *reader;
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = file.read(&mut buffer) {
            *text += &String::from_utf8_lossy(buffer.get(..length).unwrap_or_default());
        }
        text.lines().map(str::to_owned).collect()
    }
}

/// When a process was started, in ticks, and its number: in one tick the greater number is the later
/// one, and over longer times numbers begin anew (proc_pid_stat(5)).
fn started(stat: &str) -> Option<(u64, u32)> {
    let (pid, rest) = stat.split_once(' ')?;
    let since = rest.rsplit(')').next()?.split_whitespace().nth(19)?;
    Some((since.parse().ok()?, pid.parse().ok()?))
}

/// Sorts durations, and says how they are spread.
fn spread(durations: &mut [Duration]) -> String {
    durations.sort_unstable();
    let at = |thousandths| milliseconds(at(durations, thousandths));
    let (least, middle, p99, most) = (at(0), at(500), at(990), at(1000));
    let number = durations.len();
    format!("{number}, {least} at least, {middle} in the middle, {p99} at p99, {most} at most")
}

/// Of sorted durations the one that so many thousandths of them are not above.
fn at(sorted: &[Duration], thousandths: usize) -> Duration {
    let rank = (sorted.len() * thousandths).div_ceil(1000).saturating_sub(1);
    sorted.get(rank).copied().unwrap_or_default()
}
