//! As whom a program runs, and what it may do.

use std::{
    ffi::CString,
    io::{self, ErrorKind},
    os::unix::process::CommandExt,
    process::Command,
};

use caps::CapSet;
use nix::{
    errno::Errno,
    sys::prctl,
    unistd::{self, Gid, Uid, getgrouplist, setgid, setgroups, setuid},
};

use super::Program;
use crate::blocking::Turn;

/// As whom a program runs: as this process does, or as the user of a name.
#[derive(Clone, Debug, Default)]
pub(crate) struct User {
    pub(crate) name: Option<String>,
    looking_up: Turn,
}

impl User {
    pub(crate) fn named(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), looking_up: Turn::default() }
    }

    /// Looks up who that is; `None` is whoever this process is. The error is why `program` is not
    /// run, as a sentence.
    pub(crate) async fn account(&self, program: &Program) -> Result<Option<Account>, String> {
        let Some(name) = self.name.clone() else { return Ok(None) };
        let looked_up = self.looking_up.take(move || Account::of(&name)).await;
        looked_up.and_then(|done| done).map(Some).map_err(|error| program.not_run(error))
    }

    /// Why `program` could not be started, as a sentence with what to do.
    pub(crate) fn unstarted(&self, program: &Program, error: &io::Error) -> String {
        let why = match (&self.name, error.raw_os_error().map(Errno::from_raw)) {
            (Some(name), Some(Errno::EPERM)) => format!(
                "this process may not become the user {name}; run it as root, or with CAP_SETUID \
                 and CAP_SETGID"
            ),
            // A cut is no fault: nobody hears of this.
            _ if error.kind() == ErrorKind::Interrupted => "it was not wanted any more".to_owned(),
            _ => return program.unstarted(error),
        };
        program.not_run(why)
    }
}

/// A user, with all groups.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    uid: Uid,
    gid: Gid,
    groups: Vec<Gid>,
}

impl Account {
    /// The user of this name. Whoever answers for names may take a while.
    fn of(name: &str) -> Result<Self, String> {
        let unknown =
            |error: nix::Error| format!("who the user {name} is cannot be looked up: {error}");
        let user = unistd::User::from_name(name).map_err(unknown)?;
        let unistd::User { uid, gid, .. } =
            user.ok_or_else(|| format!("there is no user {name}; add it, or name another"))?;
        let of_c = CString::new(name).map_err(|error| error.to_string())?;
        let groups = getgrouplist(&of_c, gid).map_err(unknown)?;
        Ok(Self { uid, gid, groups })
    }

    /// Becomes this user. Who is it already needs no right for it.
    fn assume(&self) -> io::Result<()> {
        if Uid::effective() == self.uid && !self.uid.is_root() {
            return Ok(());
        }
        setgroups(&self.groups)?;
        setgid(self.gid)?;
        Ok(setuid(self.uid)?)
    }
}

/// Has a program run as `account`, and without any capability. It cannot gain one by what it
/// executes either, not even as root: with `no_new_privs` the kernel gives no more than there was.
///
/// This thread has to start it, and should do nothing else afterwards.
pub(super) fn restrict(command: &mut Command, account: Option<Account>) {
    // What is done between fork and exec costs a copy of this process's memory map, which is most of
    // the cost of a start. Without that, the program is started by vfork.
    if account.is_none() && bound_this_thread().is_ok() {
        return;
    }
    let restrict = move || {
        account.as_ref().map_or(Ok(()), Account::assume)?;
        prctl::set_no_new_privs()?;
        // Those that are ambient go with the inheritable ones (capabilities(7)).
        for set in [CapSet::Inheritable, CapSet::Permitted] {
            let dropped = caps::clear(None, set);
            dropped.map_err(|_| io::Error::from_raw_os_error(libc::EPERM))?;
        }
        Ok(())
    };
    // SAFETY: between fork and exec only setgroups(2), setgid(2), setuid(2), prctl(2), capget(2) and
    // capset(2) are called, with memory that was there before the fork. Nothing is allocated unless
    // the kernel refuses that a capability is dropped, which it grants everybody.
    unsafe { command.pre_exec(restrict) };
}

/// Leaves no capability to whatever this thread executes: what it inherits is none, and what root or
/// a file may gain is bounded by none. It takes `CAP_SETPCAP`.
///
/// The thread itself keeps what it is permitted: a program without capabilities could trace a thread
/// without any, and so get at the memory of this process.
fn bound_this_thread() -> io::Result<()> {
    prctl::set_no_new_privs()?;
    // The ambient ones go with them.
    caps::clear(None, CapSet::Inheritable).map_err(io::Error::other)?;
    for capability in 0..u64::from(u8::MAX) {
        // SAFETY: PR_CAPBSET_DROP takes a number, and no memory.
        let dropped = unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
        match Errno::result(dropped) {
            Ok(_) => {}
            // That was the last one that this kernel has.
            Err(Errno::EINVAL) if capability > 0 => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
    Err(Errno::EOVERFLOW.into())
}
