//! How many files the daemon may open, and how many it needs.
//!
//! Every socket is a file to the kernel, and one socket stands for each virtual router. The usual
//! limit of a process, 1,024, is soft: whoever needs more may raise it up to the hard one.

use std::{
    collections::BTreeSet,
    io,
    os::fd::{AsFd, OwnedFd},
};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::config::{Backend, Config, Scripts};

/// The limit is raised to this at most, unless more is needed: there are programs that close every
/// file that they might have, one by one, and the hard limit of a container is often a thousand
/// million.
const ENOUGH: u64 = 65_536;
/// How many connections of the control socket are kept. One more, and the one that has been idle for longest is closed
/// for it.
pub(crate) const CONNECTIONS: usize = 32;
/// How many connections are kept at the address of the metrics, and how many at the one of the probe.
pub(crate) const WATCHERS: usize = 32;
/// What stands for a virtual router.
const EACH: usize = 1;
/// The sockets of an interface and family: two raw ones, and what sees who else has the addresses.
const PORT: usize = 3;
/// What runs a program and talks to it.
const PROGRAM: usize = 6;
/// What scripts have left in the background, and is listened to: as many at most.
const LEFT: usize = 64;
/// The runtimes, netlink, the timer, the log, what announces, the control socket, and some to
/// spare.
const REST: usize = 64;
/// What a daemon of one virtual router cannot start without.
pub(crate) const DAEMON: usize = 32;
/// What it takes to ask a daemon.
pub(crate) const CLIENT: usize = 12;

/// There are too few.
#[derive(Debug, thiserror::Error)]
#[error("this process may open {limit} files, which is too few; {REMEDY}")]
pub(crate) struct TooFew {
    limit: u64,
}

/// What to do.
const REMEDY: &str = "raise its limit (LimitNOFILE= of systemd, --ulimit nofile= of a container \
    engine, `ulimit -n` of a shell)";

/// Tries whether `count` more files may be opened: where too few are left, tokio panics.
pub(crate) fn require(count: usize) -> Result<(), TooFew> {
    let stderr = io::stderr();
    let files: io::Result<Vec<OwnedFd>> =
        (0..count).map(|_| stderr.as_fd().try_clone_to_owned()).collect();
    match files {
        Err(error) if error.raw_os_error() == Some(nix::errno::Errno::EMFILE as i32) => {
            Err(TooFew { limit: limits().map_or(0, |(soft, _)| soft) })
        }
        // Whatever else is wrong is told where it matters.
        _ => Ok(()),
    }
}

/// Raises the soft limit as far as the hard one allows.
pub(crate) fn raise() {
    raise_to(ENOUGH);
}

/// Raises it for what `config` needs, and says in a sentence if the hard one does not allow that.
pub(crate) fn provide(config: &Config) -> Option<String> {
    raise_to(needed(config));
    shortage(config, limits()?.1)
}

fn raise_to(count: u64) {
    let Some((soft, hard)) = limits() else { return };
    let wanted = hard.min(count);
    if soft >= wanted {
        return;
    }
    match setrlimit(Resource::RLIMIT_NOFILE, wanted, hard) {
        Ok(()) => {
            tracing::debug!(
                event = "files",
                soft,
                wanted,
                hard,
                "may open {wanted} files, {soft} before"
            )
        }
        Err(error) => {
            tracing::debug!(event = "files", soft, wanted, hard, "may not raise its limit: {error}")
        }
    }
}

/// What is to be said of a limit that cannot be raised as far as `config` needs it.
pub(crate) fn shortage(config: &Config, hard: u64) -> Option<String> {
    let needed = needed(config);
    (hard < needed).then(|| {
        format!(
            "a process here may open {hard} files, and this configuration needs {needed}, or some \
             virtual routers may not take part; {REMEDY}"
        )
    })
}

/// The soft and the hard limit of this process.
pub(crate) fn limits() -> Option<(u64, u64)> {
    getrlimit(Resource::RLIMIT_NOFILE).ok()
}

/// How many files `config` needs.
fn needed(config: &Config) -> u64 {
    let routers = &config.routers;
    let ports: BTreeSet<_> =
        routers.iter().map(|router| (router.interface.as_str(), router.router.family())).collect();
    let programs =
        routers.iter().filter(|router| matches!(router.backend, Backend::Command(_))).count();
    // A check may run a program, or look up a name and connect.
    let scripts = scripts(config);
    let programs = programs + config.checks.len() + scripts;
    let left = if scripts > 0 { LEFT } else { 0 };
    let watch = [&config.watch.metrics, &config.watch.probe].into_iter().flatten().count();
    let count = routers.len() * EACH
        + ports.len() * PORT
        + programs * PROGRAM
        + left
        + CONNECTIONS
        + watch * WATCHERS
        + REST;
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// How many scripts may run at the same time: one for each that is told of, and what comes before
/// a promotion.
fn scripts(config: &Config) -> usize {
    let of_routers = config.routers.iter().map(|router| &router.scripts);
    let of_groups = config.groups.iter().map(|group| &group.scripts);
    let is_told = |scripts: &&Scripts| !scripts.is_empty() || !config.scripts.is_empty();
    let before = config.routers.iter().filter(|router| router.before.is_some());
    of_routers.chain(of_groups).filter(is_told).count() + before.count()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a6_what_a_configuration_needs_is_counted() {
        let base = CONNECTIONS + REST;
        let router = |vrid, interface, more: &str| {
            format!(
                "[[virtual_router]]\ninterface = \"{interface}\"\nvrid = {vrid}\naddresses = \
                 [\"10.0.0.1{vrid}/24\", \"2001:db8::1{vrid}\"]\n{more}\n"
            )
        };
        let count =
            |text: &str| needed(&Config::parse(Path::new("f.toml"), text).unwrap()) as usize - base;
        // Each has both families, and so has each interface.
        assert_eq!(count(&router(1, "eth0", "")), 2 * EACH + 2 * PORT);
        let two = router(1, "eth0", "") + &router(2, "eth0", "");
        assert_eq!(count(&two), 4 * EACH + 2 * PORT);
        let three = two + &router(3, "eth1", "backend = { command = [\"/bin/true\"] }");
        assert_eq!(count(&three), 6 * EACH + 4 * PORT + 2 * PROGRAM);
        let check = "[[check]]\nname = \"it\"\nfile = \"/run/ok\"\n";
        assert_eq!(count(&(router(1, "eth0", "") + check)), 2 * EACH + 2 * PORT + PROGRAM);
        let told = router(1, "eth0", "notify = [\"/bin/true\"]\nbefore_active = [\"/bin/true\"]");
        assert_eq!(count(&told), 2 * EACH + 2 * PORT + 4 * PROGRAM + LEFT);
        // Its two families are a group.
        let all = router(1, "eth0", "[daemon]\nnotify = [\"/bin/true\"]");
        assert_eq!(count(&all), 2 * EACH + 2 * PORT + 3 * PROGRAM + LEFT);
    }

    #[test]
    fn a6_a_shortage_is_a_sentence() {
        let text =
            "[[virtual_router]]\ninterface = \"eth0\"\nvrid = 1\naddresses = [\"10.0.0.1\"]\n";
        let config = Config::parse(Path::new("f.toml"), text).unwrap();
        let needed = needed(&config);
        assert_eq!(shortage(&config, needed), None);
        let said = shortage(&config, needed - 1).unwrap();
        assert!(said.contains(&format!("may open {} files", needed - 1)), "{said}");
        assert!(said.contains("LimitNOFILE="), "{said}");
    }
}
