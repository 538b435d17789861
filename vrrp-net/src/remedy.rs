//! What to do about errors of the operating system that name a symptom and not the cause.

#[cfg(target_os = "linux")]
use std::path::Path;
use std::{fmt, io};

/// What to do about `error` where it is a limit that was reached, as half a sentence.
///
/// ```
/// let error = std::io::Error::from_raw_os_error(24);
/// assert!(vrrp_net::remedy(&error).is_some_and(|remedy| remedy.contains("LimitNOFILE=")));
/// ```
#[must_use]
pub fn remedy(error: &io::Error) -> Option<&'static str> {
    match error.raw_os_error()? {
        libc::EMFILE => Some(
            "raise the limit on open files of this process (LimitNOFILE= of systemd, --ulimit \
             nofile= of a container engine, `ulimit -n` of a shell)",
        ),
        libc::ENFILE => Some("raise the limit on open files of this host (sysctl fs.file-max)"),
        // Of the requests whose errors are explained, only a new thread or process is answered by
        // it.
        libc::EAGAIN => Some(
            "no further thread may be started: raise the limit on them (TasksMax= of systemd, \
             --pids-limit of a container engine, `ulimit -u` of a shell)",
        ),
        _ => None,
    }
}

/// An error with what to do about it, if that is known.
pub(crate) struct Explained<'a>(pub(crate) &'a io::Error);

impl fmt::Display for Explained<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        remedy(self.0).map_or(Ok(()), |remedy| write!(f, "; {remedy}"))
    }
}

/// Why whatever has to do with IPv6 is an invalid argument on this interface, in the network
/// namespace of this thread: the kernel takes IPv6 off an interface while its MTU is below that of
/// RFC 8200, 5.
#[cfg(target_os = "linux")]
pub(crate) fn without_ipv6(interface: &str) -> Option<String> {
    let settings = Path::new("/proc/sys/net/ipv6/conf");
    (settings.join("all").exists() && !settings.join(interface).exists()).then(|| {
        format!(
            "the kernel keeps no IPv6 on {interface}, as long as its MTU is below 1280; raise it \
             (ip link set dev {interface} mtu 1280)"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a12_each_limit_has_a_remedy_of_its_own() {
        let explained = |errno| Explained(&io::Error::from_raw_os_error(errno)).to_string();
        assert!(
            explained(libc::EMFILE)
                .contains("(os error 24); raise the limit on open files of this process")
        );
        assert!(explained(libc::ENFILE).contains("fs.file-max"));
        assert!(explained(libc::EAGAIN).contains("TasksMax="));
        assert!(explained(libc::EPERM).ends_with("(os error 1)"));
        let error = crate::Error::Io {
            what: "cannot start the driver".to_owned(),
            source: io::Error::from_raw_os_error(libc::EMFILE),
        };
        assert!(error.to_string().contains("LimitNOFILE="), "{error}");
    }

    #[test]
    fn a12_an_interface_with_ipv6_is_not_blamed() {
        assert_eq!(without_ipv6("lo"), None);
    }
}
