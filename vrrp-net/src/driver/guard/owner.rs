//! Who has a socket that says nothing about itself, by the tables of the kernel.

use std::{fs, path::Path};

use super::{
    holder::{Holder, judge},
    name::Name,
};

/// Judges whoever has `name` without listening there, or lets nobody connect. A virtual router's
/// process has its socket to itself: so every socket of that name must be one of a powerless
/// process, or it is believed.
pub(super) fn of(name: &Name, proc: &Path, otherwise: &str) -> Holder {
    let believed = || Holder::Believed(otherwise.to_owned());
    let Ok(table) = fs::read(proc.join("thread-self/net/unix")) else { return believed() };
    let mut found = None;
    for inode in inodes(name, &String::from_utf8_lossy(&table)) {
        match owner(inode, proc).map(|(pid, uid)| judge(pid, uid, proc, |_| false)) {
            Some(powerless @ Holder::Powerless { .. }) => found = Some(powerless),
            Some(other @ Holder::Believed(_)) => return other,
            None => return believed(),
        }
    }
    found.unwrap_or_else(believed)
}

/// The sockets of a name: Num RefCount Protocol Flags Type St Inode Path. One that waits to be
/// accepted has no inode.
fn inodes<'a>(name: &Name, table: &'a str) -> impl Iterator<Item = u64> + use<'a> {
    let path = format!("@{name}");
    table.lines().filter_map(move |line| {
        let mut fields = line.split_whitespace().skip(6);
        let inode = fields.next()?.parse().ok()?;
        (fields.next() == Some(path.as_str()) && inode != 0).then_some(inode)
    })
}

/// The process that has this socket open, and its user, if this process may look.
fn owner(inode: u64, proc: &Path) -> Option<(i32, u32)> {
    let wanted = format!("socket:[{inode}]");
    let has = |pid: i32| {
        let files =
            fs::read_dir(proc.join(pid.to_string()).join("fd")).into_iter().flatten().flatten();
        files
            .filter_map(|file| fs::read_link(file.path()).ok())
            .any(|link| link.as_os_str() == &*wanted)
    };
    let processes = fs::read_dir(proc).ok()?.flatten();
    let pid = processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .find(|pid| has(*pid))?;
    let status = fs::read_to_string(proc.join(pid.to_string()).join("status")).ok()?;
    let users = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    Some((pid, users.split_whitespace().nth(1)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;
    use vrrp_core::{Family, Vrid};

    use super::*;

    const ALL: &str = "         0          0 4294967295\n";
    const LINE: &str =
        "0000000000000000: 00000002 00000000 00000000 0001 01  1001 @vrrp/eth0/ipv4/51\n";
    const WAITING: &str =
        "0000000000000000: 00000002 00000000 00000000 0001 02     0 @vrrp/eth0/ipv4/51\n";

    /// A /proc with the sockets of processes, each of which has a number, capabilities and an
    /// inode.
    fn proc(table: &str, processes: &[(i32, u64, u64)]) -> TempDir {
        let proc = tempfile::tempdir().unwrap();
        let put = |file: String, text: &str| {
            let path = proc.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put("thread-self/net/unix".to_owned(), table);
        put("self/uid_map".to_owned(), ALL);
        for (pid, capabilities, inode) in processes {
            put(format!("{pid}/comm"), "sh\n");
            put(format!("{pid}/uid_map"), ALL);
            put(
                format!("{pid}/status"),
                &format!("Uid:\t0\t65534\t0\t0\nCapPrm:\t{capabilities:016x}\n"),
            );
            fs::create_dir(proc.path().join(format!("{pid}/fd"))).unwrap();
            symlink(format!("socket:[{inode}]"), proc.path().join(format!("{pid}/fd/3"))).unwrap();
        }
        proc
    }

    fn judged(table: &str, processes: &[(i32, u64, u64)]) -> Holder {
        let name = Name::first("eth0", Family::Ipv4, Vrid::try_from(51).unwrap());
        of(&name, proc(table, processes).path(), "somebody")
    }

    #[test]
    fn a12_a_silent_holder_is_found_by_its_socket() {
        let powerless =
            Holder::Powerless { pid: 7, uid: 65534, process: "process 7 (sh)".to_owned() };
        assert_eq!(judged(&format!("{WAITING}{LINE}"), &[(6, !0, 1), (7, 0, 1001)]), powerless);
        let able = Holder::Believed("process 7 (sh)".to_owned());
        assert_eq!(judged(LINE, &[(7, !0, 1001)]), able);
        // A table can be made to name a socket that is another's.
        let forged = LINE.replace("1001", "1002");
        assert_eq!(judged(&format!("{forged}{LINE}"), &[(6, 0, 1002), (7, !0, 1001)]), able);
    }

    #[test]
    fn a12_a_silent_holder_that_is_not_found_is_believed() {
        let believed = Holder::Believed("somebody".to_owned());
        assert_eq!(judged(LINE, &[(7, 0, 1)]), believed);
        assert_eq!(judged("", &[(7, 0, 1001)]), believed);
        assert_eq!(judged(&LINE.replace("/51", "/5"), &[(7, 0, 1001)]), believed);
    }
}
