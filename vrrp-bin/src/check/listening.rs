//! The addresses at which the daemon would be watched over TCP, found by taking each for a moment.

use std::io;

use super::finding::{Code, Finding};
use crate::{config::Config, watched::Socket};

/// What would keep the daemon from listening there. Where it runs already (`runs`), it has them itself.
pub(super) fn findings(config: &Config, runs: bool) -> Vec<Finding> {
    let addresses = [&config.watch.metrics, &config.watch.probe].into_iter().flatten();
    let found = addresses.filter_map(|at| {
        let refused = Socket::bind(at).err()?;
        let is_its_own = runs && refused.error.kind() == io::ErrorKind::AddrInUse;
        let message = format!("{}; until then vrrp does not start", refused.sentence());
        (!is_its_own).then(|| Finding::warning(Code::Listen, &at.place, message))
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, path::Path};

    use super::*;

    #[test]
    fn what_is_taken_or_not_here_is_found() {
        let theirs = TcpListener::bind("127.0.0.1:0").unwrap();
        let taken = theirs.local_addr().unwrap();
        let text = format!(
            "[[virtual_router]]\ninterface = \"eth0\"\nvrid = 51\naddresses = [\"192.0.2.10/24\"]\n\
             [daemon]\nmetrics = \"{taken}\"\nprobe = \"192.0.2.99:8111\"\n"
        );
        let config = Config::parse(Path::new("f.toml"), &text).unwrap();
        let said = |runs| {
            let found = findings(&config, runs);
            found.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let [in_use, not_here] = &*said(false) else { panic!("both") };
        let expected = format!(
            "f.toml:6:11: warning: nothing can listen on {taken}: address already in use; "
        );
        assert!(in_use.starts_with(&expected), "{in_use}");
        assert!(
            not_here.starts_with("f.toml:7:9: warning: nothing can listen on 192.0.2.99:8111: ")
        );
        assert_eq!(said(true), std::slice::from_ref(not_here), "its own daemon has it");
        drop(theirs);
    }
}
