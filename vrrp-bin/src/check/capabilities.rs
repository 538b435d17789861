//! Rights that this process has not and the daemon needs.

use nix::unistd::{Uid, User};
use vrrp_net::host::Capability;

use super::{
    finding::{Code, Finding},
    host::Host,
};
use crate::config::{Backend, Config, Place, programs};

/// What becoming another user takes, and ending what runs as another user.
const OF_OTHERS: [Capability; 3] = [Capability::SetUid, Capability::SetGid, Capability::Kill];

/// Every capability that is missing, each with what it is needed for.
pub(super) fn missing(config: &Config, host: &Host) -> Vec<Finding> {
    let kernel =
        config.routers.iter().any(|router| matches!(router.backend, Backend::Kernel { .. }));
    let mut needed = vec![(&config.origin, Capability::NetRaw)];
    needed.extend(kernel.then_some((&config.origin, Capability::NetAdmin)));
    if let Some(place) = runs_as_another(config) {
        needed.extend(OF_OTHERS.map(|capability| (place, capability)));
    }
    needed.retain(|(_, capability)| !host.capabilities.has(*capability));
    let sentence = |capability: Capability| {
        format!(
            "this user lacks {capability}, which `vrrp run` needs to {}; run it as root or grant \
             {capability}",
            capability.purpose()
        )
    };
    needed
        .into_iter()
        .map(|(place, capability)| Finding::warning(Code::Capability, place, sentence(capability)))
        .collect()
}

/// Where the first program is named that runs as another user than this one.
fn runs_as_another(config: &Config) -> Option<&Place> {
    let is_another = |name: &str| {
        let user = User::from_name(name).ok().flatten();
        // That there is none of this name is said with the program.
        user.is_some_and(|user| user.uid != Uid::effective())
    };
    programs(config)
        .find(|(_, program)| program.user.as_deref().is_some_and(is_another))
        .map(|(place, _)| place)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn said(more: &str, has: &[Capability]) -> Vec<String> {
        let text = format!(
            "[[virtual_router]]\nname = \"web\"\ninterface = \"eth0\"\nvrid = 51\naddresses = \
             [\"192.0.2.10/24\"]\n{more}"
        );
        let config = Config::parse(Path::new("f.toml"), &text).unwrap();
        let mut host = Host::of(Vec::new());
        host.capabilities = has.iter().copied().collect();
        missing(&config, &host).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn programs_of_another_user_need_more() {
        let network = [Capability::NetRaw, Capability::NetAdmin];
        let user = User::from_uid(Uid::effective()).unwrap().unwrap().name;
        let as_user =
            |user: &str| format!("notify = {{ command = [\"/bin/sh\"], user = \"{user}\" }}\n");
        assert_eq!(said(&as_user(&user), &network), [""; 0]);
        assert_eq!(said(&as_user("no-such-user"), &network), [""; 0]);
        let other = if Uid::effective().is_root() { "nobody" } else { "root" };
        let [uid, gid, kill] = &*said(&as_user(other), &network) else { panic!("three") };
        let expected = "f.toml:6:10: warning: this user lacks CAP_SETUID, which `vrrp run` needs to \
            run programs as another user; run it as root or grant CAP_SETUID";
        assert_eq!(uid, expected);
        assert!(gid.contains("CAP_SETGID") && kill.contains("CAP_KILL"), "{gid} {kill}");
        let all: Vec<Capability> = network.into_iter().chain(OF_OTHERS).collect();
        assert_eq!(said(&as_user(other), &all), [""; 0]);
    }
}
