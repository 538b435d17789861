//! Other processes that have what the daemon of this configuration would need.

use std::{io, os::unix::net::UnixStream};

use vrrp_core::{Family, Vrid};
use vrrp_net::Node;

use super::finding::{Code, Finding};
use crate::config::{Config, RouterConfig};

/// What answers to whoever starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Control {
    Answers,
    Silent,
    /// This user may not ask.
    Unknown,
}

/// Which of the virtual routers run on this host already, by place in the configuration, and what of
/// that would keep a daemon from starting. One that runs them and answers where this configuration has
/// its control socket is its own daemon.
pub(super) fn findings(config: &Config) -> (Vec<bool>, Vec<Finding>) {
    let control = match UnixStream::connect(&config.control) {
        Ok(_) => Control::Answers,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Control::Unknown,
        Err(_) => Control::Silent,
    };
    let who = |router: &RouterConfig| {
        let (family, vrid): (Family, Vrid) = (router.router.family(), router.router.vrid());
        Node::who_runs(&router.interface, family, vrid)
    };
    let holders: Vec<Option<String>> = config.routers.iter().map(who).collect();
    let findings = judge(config, control, &holders);
    (holders.iter().map(Option::is_some).collect(), findings)
}

fn judge(config: &Config, control: Control, holders: &[Option<String>]) -> Vec<Finding> {
    let path = config.control.display();
    let held = config.routers.iter().zip(holders);
    match control {
        Control::Answers if holders.iter().any(Option::is_some) || holders.is_empty() => Vec::new(),
        Control::Answers => {
            let message = format!(
                "a daemon answers on {path} that runs none of these virtual routers, and a second \
                 one does not start there; if it is to run these, `vrrp reload` has it read this \
                 file; otherwise name another path in `control`"
            );
            vec![Finding::warning(Code::ControlInUse, &config.origin, message)]
        }
        Control::Silent => {
            let taken = |(router, holder): (&RouterConfig, &Option<String>)| {
                let message = format!(
                    "{} runs VRID {} on {} already, and does not answer on {path}; `vrrp run` does \
                     not start beside it: stop it, or write its path in `control`",
                    holder.as_ref()?,
                    router.router.vrid(),
                    router.interface
                );
                let place = &router.places.vrid;
                Some(Finding::warning(Code::RunsAlready, place, message).of(router))
            };
            held.filter_map(taken).collect()
        }
        Control::Unknown => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn its_own_daemon_is_none_that_is_in_the_way() {
        let text = "[[virtual_router]]\nname = \"web\"\ninterface = \"eth0\"\nvrid = 51\n\
            addresses = [\"192.0.2.10/24\"]\n[[virtual_router]]\nname = \"db\"\n\
            interface = \"eth0\"\nvrid = 52\naddresses = [\"192.0.2.11/24\"]\n";
        let config = Config::parse(Path::new("f.toml"), text).unwrap();
        let it = || Some("process 7 (vrrp)".to_owned());
        let said = |control, holders: &[Option<String>]| {
            let found = judge(&config, control, holders);
            found.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(said(Control::Silent, &[None, None]), [""; 0]);
        assert_eq!(said(Control::Answers, &[it(), None]), [""; 0], "one is new");
        assert_eq!(said(Control::Unknown, &[it(), None]), [""; 0]);
        let [other] = &*said(Control::Answers, &[None, None]) else { panic!("one") };
        let expected = "f.toml: warning: a daemon answers on /run/vrrp/control.sock that runs none";
        assert!(other.starts_with(expected), "{other}");
        let [taken] = &*said(Control::Silent, &[None, it()]) else { panic!("one") };
        let expected = "f.toml:9:8: warning: process 7 (vrrp) runs VRID 52 on eth0 already, and";
        assert!(taken.starts_with(expected), "{taken}");
    }
}
