//! [`enter`]: the right to make namespaces.

use std::{fs, io};

use nix::{
    errno::Errno,
    sched::{CloneFlags, unshare},
    unistd::{getegid, geteuid},
};

use super::namespace::Namespace;

/// `CAP_NET_ADMIN`, `CAP_NET_RAW` and `CAP_SYS_ADMIN` of `linux/capability.h`.
const NEEDED: u64 = 1 << 12 | 1 << 13 | 1 << 21;

/// Why this process cannot have a lab, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("this process may not make network namespaces: {reason}; {remedy}")]
pub struct Unavailable {
    reason: String,
    remedy: String,
}

/// Gives this process the right to make namespaces: call it first in `main`, before any thread is
/// started.
///
/// A process with the capabilities of root has the right. Any other becomes root of a user
/// namespace of its own, in which its user and group are the only ones and are called 0; outside it
/// may do what it might do before. A second call does nothing.
///
/// # Errors
/// [`Unavailable`]: a sentence that names the setting that forbids it and what to do.
pub fn enter() -> Result<(), Unavailable> {
    if !is_capable() {
        enter_user_namespace().map_err(|(step, error)| diagnose(step, &error))?;
    }
    Namespace::new().map(drop).map_err(|error| diagnose("a network namespace", &error))
}

fn is_capable() -> bool {
    let effective = status("CapEff:").and_then(|text| u64::from_str_radix(&text, 16).ok());
    effective.is_some_and(|effective| effective & NEEDED == NEEDED)
}

/// A line of `/proc/self/status`.
fn status(field: &str) -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix(field)).map(|value| value.trim().to_owned())
}

fn enter_user_namespace() -> Result<(), (&'static str, io::Error)> {
    let (user, group) = (geteuid(), getegid());
    unshare(CloneFlags::CLONE_NEWUSER).map_err(|errno| ("a user namespace", errno.into()))?;
    let write =
        |path: &'static str, text: String| fs::write(path, text).map_err(|error| (path, error));
    // Without this the kernel lets nobody map a group (user_namespaces(7)).
    write("/proc/self/setgroups", "deny".to_owned())?;
    write("/proc/self/uid_map", format!("0 {user} 1"))?;
    write("/proc/self/gid_map", format!("0 {group} 1"))
}

fn diagnose(step: &str, error: &io::Error) -> Unavailable {
    let setting = |name: &str| fs::read_to_string(format!("/proc/sys/{name}")).ok();
    let is = |name: &str, value: &str| setting(name).is_some_and(|text| text.trim() == value);
    let forbidden = |name: &str, value: &str, better: &str| Unavailable {
        reason: format!("{name} = {value} forbids it"),
        remedy: format!("run this as root, or set it as root: sysctl -w {name}={better}"),
    };
    for limit in ["user.max_user_namespaces", "user.max_net_namespaces"] {
        if is(&limit.replace('.', "/"), "0") {
            return forbidden(limit, "0", "10000");
        }
    }
    if is("kernel/unprivileged_userns_clone", "0") {
        return forbidden("kernel.unprivileged_userns_clone", "0", "1");
    }
    if is("kernel/apparmor_restrict_unprivileged_userns", "1") {
        return forbidden("kernel.apparmor_restrict_unprivileged_userns", "1", "0");
    }
    let errno = error.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw);
    let (reason, remedy) = match errno {
        Errno::EINVAL => (
            "the process has several threads already, or the kernel has no user namespaces \
             (CONFIG_USER_NS)",
            "call lab::enter first in main, or run this as root",
        ),
        Errno::ENOSPC | Errno::EUSERS => (
            "there are too many namespaces already (user.max_user_namespaces, \
             user.max_net_namespaces)",
            "end other programs that use namespaces, or raise the limits",
        ),
        Errno::EPERM | Errno::EACCES if status("Seccomp:").is_some_and(|mode| mode != "0") => (
            "a seccomp filter forbids it, as in a container",
            "run this outside the container, or start the container with --privileged",
        ),
        Errno::EPERM | Errno::EACCES => {
            ("a security module or a chroot forbids it", "run this as root, outside of a chroot")
        }
        _ => ("the kernel refused", "run this as root"),
    };
    Unavailable { reason: format!("{reason} ({step}: {error})"), remedy: remedy.to_owned() }
}
