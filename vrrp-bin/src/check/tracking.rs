//! What a configuration says of checks and does not mean.

use vrrp_core::{Preempt, Role};
use vrrp_net::check::{Effect, Track};

use super::{
    finding::{Code, Finding},
    programs,
};
use crate::config::{Config, Located, Look, Place, RouterConfig};

/// What is to be said of checks.
pub(super) fn findings(config: &Config) -> Vec<Finding> {
    let finding = |(place, message): (&Place, String)| {
        let router = config.routers.iter().find(|router| {
            let is_here = |track: &Located<Track>| track.place == *place;
            router.places.last.as_ref() == Some(place) || router.tracks.iter().any(is_here)
        });
        let finding = Finding::warning(Code::Check, place, message);
        match router {
            Some(router) => finding.of(router),
            None => finding,
        }
    };
    warnings(config).into_iter().map(finding).collect()
}

/// Sentences about checks, each with its place.
fn warnings(config: &Config) -> Vec<(&Place, String)> {
    let tracks = || config.routers.iter().flat_map(|router| &router.tracks);
    let mut warnings = Vec::new();
    for check in &config.checks {
        let name = &check.name;
        if !tracks().any(|track| *track.value.check == **name) {
            let message = format!(
                "no virtual router tracks the check {name}, so that it changes nothing; name it in \
                 `track`, or remove it"
            );
            warnings.push((&check.place, message));
        }
        if let Look::Command(program) = &check.look
            && let Some(fault) = programs::fault(&program.program, program.user.as_deref())
        {
            warnings.push((&check.look_place, format!("{fault}; the check {name} finds nothing")));
        }
    }
    for router in config.routers.iter().filter(|router| never_preempts(router)) {
        for track in &router.tracks {
            let is_told = warnings.iter().any(|(place, _)| **place == track.place);
            if let (Effect::Weight(_), false) = (track.value.effect, is_told) {
                let message = format!(
                    "{} has preempt = false, and a backup that does not preempt takes no address \
                     for the weight of {1}; leave `weight` out: a check without one makes an ill \
                     node resign, which works with preempt = false",
                    router.name, track.value.check
                );
                warnings.push((&track.place, message));
            }
        }
    }
    for router in config.routers.iter().filter(|router| router.tracks.is_empty()) {
        let Some(place) = &router.places.last else { continue };
        // Two families of one virtual router say it once.
        if !warnings.iter().any(|(told, _)| *told == place) {
            let message = format!(
                "{} tracks no check, so that `last` has no effect; name a check in `track`, or \
                 remove `last`",
                router.name
            );
            warnings.push((place, message));
        }
    }
    warnings
}

fn never_preempts(router: &RouterConfig) -> bool {
    matches!(router.router.role(), Role::Contender { preempt: Preempt::Never, .. })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn said(text: &str) -> Vec<String> {
        let config = Config::parse(Path::new("f.toml"), text).unwrap();
        let warnings = warnings(&config);
        warnings.iter().map(|(place, message)| format!("{place}: {message}")).collect()
    }

    #[test]
    fn what_has_no_effect_is_told_once() {
        let text = r#"
[[virtual_router]]
name = "web"
interface = "eth0"
vrid = 51
addresses = ["192.0.2.10/24", "2001:db8::10"]
preempt = false
track = ["a", { check = "b", weight = -50 }]

[[check]]
name = "a"
command = ["/nonexistent/program"]

[[check]]
name = "b"
process = "nginx"

[[check]]
name = "c"
process = "nginx"
"#;
        let [program, untracked, weight] = &*said(text) else { panic!("{:?}", said(text)) };
        assert!(
            program.starts_with("f.toml:12:11: /nonexistent/program cannot be run: no such file"),
            "{program}"
        );
        assert!(
            untracked.starts_with("f.toml:19:8: no virtual router tracks the check c"),
            "{untracked}"
        );
        assert!(weight.starts_with("f.toml:8:25: web has preempt = false"), "{weight}");
        assert!(weight.contains("makes an ill node resign"), "{weight}");
        assert_eq!(said(&text.replace("preempt = false", "preempt = true")).len(), 2);
    }

    #[test]
    fn whoever_tracks_nothing_is_told_that_last_says_nothing() {
        let text = r#"
[[virtual_router]]
name = "web"
interface = "eth0"
vrid = 51
addresses = ["192.0.2.10/24", "2001:db8::10"]
track = []
last = "stay"

[[virtual_router]]
name = "db"
interface = "eth0"
vrid = 52
addresses = ["192.0.2.11/24"]
track = ["postgres"]
last = "leave"

[[check]]
name = "postgres"
process = "postgres"
"#;
        let [told] = &*said(text) else { panic!("{:?}", said(text)) };
        let expected = "f.toml:8:8: web tracks no check, so that `last` has no effect; name a check \
            in `track`, or remove `last`";
        assert_eq!(told, expected);
        assert!(said(&text.replace("last = \"stay\"\n", "")).is_empty());
    }
}
