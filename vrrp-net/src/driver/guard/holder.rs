//! [`Holder`]: who has a name, and whether that can be a process that runs a virtual router.

use std::{fs, path::Path};

use nix::{errno::Errno, sys::signal::kill, unistd::Pid};

/// `CAP_NET_RAW` of `linux/capability.h`. Who has not got it cannot open the sockets that VRRP is
/// spoken by. `CAP_NET_ADMIN` is another matter: where a program moves the addresses, a process
/// does without.
const CAP_NET_RAW: u64 = 1 << 13;

/// Who listens on a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// It may run the virtual router. What it is, in words.
    Believed(String),
    /// It certainly does not.
    Powerless { pid: i32, uid: u32, process: String },
}

impl Holder {
    /// What it is in words, if it may run the virtual router.
    pub(super) fn believed(self) -> Option<String> {
        match self {
            Self::Believed(who) => Some(who),
            Self::Powerless { .. } => None,
        }
    }
}

/// Judges the process that began to listen. Who cannot be judged is believed: two that run one
/// virtual router are worse than one that does not start.
pub(super) fn judge(pid: i32, uid: u32, proc: &Path, has_ended: impl Fn(i32) -> bool) -> Holder {
    if pid == 0 {
        return Holder::Believed("a process of another container".to_owned());
    }
    let of = |file: &str| fs::read_to_string(proc.join(pid.to_string()).join(file));
    let Ok(name) = of("comm") else {
        let why = if has_ended(pid) {
            "which has ended and left its socket to another"
        } else {
            "of which /proc tells nothing"
        };
        return Holder::Believed(format!("process {pid}, {why},"));
    };
    let process = format!("process {pid} ({})", name.trim());
    let capable = of("status").ok().and_then(|status| may_speak(&status));
    let (its_users, our_users) = (of("uid_map"), fs::read_to_string(proc.join("self/uid_map")));
    match (capable, its_users, our_users) {
        (Some(false), _, _) => Holder::Powerless { pid, uid, process },
        // What it may do in a user namespace of its own it may not do in this network namespace.
        (Some(true), Ok(its), Ok(ours)) if its != ours => Holder::Powerless { pid, uid, process },
        _ => Holder::Believed(process),
    }
}

/// Whether a process of this status has `CAP_NET_RAW`, or may take it up: a program may keep it for
/// when it is needed.
fn may_speak(status: &str) -> Option<bool> {
    let mask = status.lines().find_map(|line| line.strip_prefix("CapPrm:"))?;
    let mask = u64::from_str_radix(mask.trim(), 16).ok()?;
    Some(mask & CAP_NET_RAW != 0)
}

pub(super) fn has_ended(pid: i32) -> bool {
    kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    const ALL: &str = "         0          0 4294967295\n";
    const ROOT: &str = "Name:\tvrrp\nCapPrm:\t000001ffffffffff\nCapEff:\t0000000000000000\n";
    const NOBODY: &str = "Name:\tsh\nCapPrm:\t0000000000001000\nCapEff:\t0000000000001000\n";

    /// A /proc of this process and of process 7, of which it tells these files.
    fn proc(files: &[(&str, &str)]) -> TempDir {
        let proc = tempfile::tempdir().unwrap();
        for pid in ["self", "7"] {
            fs::create_dir(proc.path().join(pid)).unwrap();
        }
        fs::write(proc.path().join("self/uid_map"), ALL).unwrap();
        for (file, text) in files {
            fs::write(proc.path().join("7").join(file), text).unwrap();
        }
        proc
    }

    fn judged(files: &[(&str, &str)], ended: bool) -> Holder {
        judge(7, 65534, proc(files).path(), |_| ended)
    }

    fn believed(words: &str) -> Holder {
        Holder::Believed(words.to_owned())
    }

    #[test]
    fn a12_who_may_not_speak_is_passed_over() {
        let powerless =
            Holder::Powerless { pid: 7, uid: 65534, process: "process 7 (sh)".to_owned() };
        assert_eq!(
            judged(&[("comm", "sh\n"), ("status", NOBODY), ("uid_map", ALL)], false),
            powerless
        );
        let elsewhere = [("comm", "sh\n"), ("status", ROOT), ("uid_map", "0 1000 1\n")];
        assert_eq!(judged(&elsewhere, false), powerless);
    }

    #[test]
    fn a12_who_may_speak_is_believed() {
        let vrrp = [("comm", "vrrp\n"), ("status", ROOT), ("uid_map", ALL)];
        assert_eq!(judged(&vrrp, false), believed("process 7 (vrrp)"));
    }

    #[test]
    fn a12_who_cannot_be_judged_is_believed_and_the_truth_is_told() {
        assert_eq!(
            judge(0, 65534, proc(&[]).path(), |_| false),
            believed("a process of another container")
        );
        let ended = believed("process 7, which has ended and left its socket to another,");
        assert_eq!(judged(&[], true), ended);
        assert_eq!(judged(&[], false), believed("process 7, of which /proc tells nothing,"));
        // No status, or one without a word of capabilities.
        assert_eq!(
            judged(&[("comm", "sh\n"), ("uid_map", ALL)], false),
            believed("process 7 (sh)")
        );
        let mute = [("comm", "sh\n"), ("status", "Name:\tsh\n"), ("uid_map", ALL)];
        assert_eq!(judged(&mute, false), believed("process 7 (sh)"));
        // No uid_map.
        assert_eq!(
            judged(&[("comm", "sh\n"), ("status", ROOT)], false),
            believed("process 7 (sh)")
        );
    }
}
