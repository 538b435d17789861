//! What this kernel cannot do.

use std::fs;

use vrrp_net::backend::{Netlink, netlink::Unfit};

use super::finding::{Code, Finding};
use crate::config::{Backend, Config};

/// The first kernel that keeps the metric of an address, by which vrrp tells its own.
const NEEDED: (u32, u32) = (4, 18);
/// The first one that keeps the protocol of an address, which is for people who look.
const SHOWS: (u32, u32) = (5, 18);

/// Whether this kernel can hold addresses, and shows whose they are.
pub(super) fn findings(config: &Config) -> Option<Finding> {
    let holds = |backend: &Backend| matches!(backend, Backend::Kernel { .. });
    if !config.routers.iter().any(|router| holds(&router.backend)) {
        return None;
    }
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    judge(config, release.trim(), Netlink::try_kernel())
}

/// What is to be said of a kernel of this release that was tried, or could not be: that takes rights
/// that a daemon does not need.
fn judge(config: &Config, release: &str, tried: Result<(), Unfit>) -> Option<Finding> {
    let origin = &config.origin;
    match (tried, version(release)) {
        (Err(unfit @ Unfit::MarkNotKept(_)), _) => {
            let message = format!("{unfit}, and this is Linux {release}");
            Some(Finding::warning(Code::Kernel, origin, message))
        }
        (Err(_), Some(version)) if version < NEEDED => {
            let message = format!(
                "this is Linux {release}, which does not keep the metric of an address, by which \
                 vrrp tells its own addresses; Linux 4.18 or newer is needed"
            );
            Some(Finding::warning(Code::Kernel, origin, message))
        }
        (Err(unfit), None) => Some(Finding::note(Code::Kernel, origin, unfit.to_string())),
        (_, Some(version)) if version < SHOWS => {
            let message = format!(
                "this is Linux {release}, which does not show that an address is vrrp's (`ip \
                 address show proto 112`, from Linux 5.18 on); everything else works"
            );
            Some(Finding::note(Code::Kernel, origin, message))
        }
        (_, _) => None,
    }
}

/// The first two numbers of a release: `6.1.0-56-amd64`.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn said(release: &str, tried: Result<(), Unfit>) -> String {
        let text = "[[virtual_router]]\ninterface = \"eth0\"\nvrid = 51\naddresses = \
            [\"192.0.2.10/24\"]\n";
        let config = Config::parse(Path::new("f.toml"), text).unwrap();
        judge(&config, release, tried).map(|finding| finding.to_string()).unwrap_or_default()
    }

    fn not_tried() -> Result<(), Unfit> {
        Err(Unfit::NotTried("that needs CAP_SYS_ADMIN".to_owned()))
    }

    #[test]
    fn a_kernel_is_judged_by_a_try_or_else_by_its_release() {
        for release in ["6.18.0", "5.18.0-rc1", "7.0"] {
            assert_eq!((said(release, Ok(())), said(release, not_tried())), Default::default());
        }
        for release in ["4.18.0-147.el8", "5.10.0-46-amd64", "5.17.15"] {
            let expected = format!("f.toml: note: this is Linux {release}, which does not show");
            assert!(said(release, Ok(())).starts_with(&expected), "{}", said(release, Ok(())));
            assert!(said(release, not_tried()).starts_with(&expected));
        }
        for release in ["4.17.3", "3.10.0-1160.el7"] {
            let said = said(release, not_tried());
            assert!(said.starts_with(&format!("f.toml: warning: this is Linux {release}")));
            assert!(said.ends_with("Linux 4.18 or newer is needed"), "{said}");
        }
        // A release says less than a try.
        let unfit = said("6.18.0", Err(Unfit::MarkNotKept("IPv4")));
        assert!(unfit.starts_with("f.toml: warning: this kernel cannot do it"), "{unfit}");
        assert!(unfit.ends_with("and this is Linux 6.18.0"), "{unfit}");
        assert!(said("unknown", not_tried()).starts_with("f.toml: note: whether this kernel"));
    }
}
