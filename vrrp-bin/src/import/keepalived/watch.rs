//! Where the daemon is watched over TCP, which a file of keepalived's cannot say: variables of the
//! environment do.

use super::Planned;
use crate::config::{Found, Located, Place, WatchDraft};

/// The variable that asks for metrics under keepalived's names.
const KEEPALIVED: &str = "VRRP_KEEPALIVED_METRICS";

/// Fills in what `environment` says of it.
pub(super) fn fill(planned: &mut Planned, environment: impl Fn(&str) -> Option<String>) {
    let text = |name: &str| {
        let text = environment(name);
        Found::of(Ok(text.map(|text| Located::new(Place::variable(name), text))))
    };
    let keepalived =
        text(KEEPALIVED).and_then(|Located { place, value: text }| match text.as_str() {
            "true" => Ok(Located::new(place, true)),
            "false" => Ok(Located::new(place, false)),
            _ => {
                let message = format!("this is {text:?}; write true or false");
                planned.problems.wrong(&place, message)
            }
        });
    planned.plan.watch =
        WatchDraft { metrics: text("VRRP_METRICS"), probe: text("VRRP_PROBE"), keepalived };
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{
        config::{Config, ConfigErrors, anywhere, read_file},
        import::Beside,
    };

    const FILE: &str = "vrrp_instance web {\n interface eth0\n virtual_router_id 51\n \
        virtual_ipaddress {\n  192.0.2.10/24\n }\n}\n";

    fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
        let path = Path::new("keepalived.conf");
        let mut planned = super::super::plan(path, FILE, &Beside::default(), &[], read_file);
        let value = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        fill(&mut planned, value);
        super::super::finish(planned, anywhere).config
    }

    #[test]
    fn variables_say_where_it_is_watched() {
        let metrics = ("VRRP_METRICS", "127.0.0.1:9112");
        let watch = read(&[metrics, (KEEPALIVED, "true"), ("VRRP_PROBE", "[::]:8111")]);
        let watch = watch.unwrap().watch;
        assert_eq!(watch.metrics.unwrap().value.to_string(), "127.0.0.1:9112");
        assert_eq!(watch.probe.unwrap().value.to_string(), "[::]:8111");
        assert!(watch.keepalived);
        assert_eq!(read(&[]).unwrap().watch, Default::default());
        let said = |variables: &[(&str, &str)]| read(variables).unwrap_err().to_string();
        let expected = "VRRP_KEEPALIVED_METRICS: this is \"yes\"; write true or false";
        assert_eq!(said(&[metrics, (KEEPALIVED, "yes")]), expected);
        let expected =
            "VRRP_METRICS: `metrics` is \"9112\"; write the address, too: 127.0.0.1:9112 ";
        assert!(said(&[("VRRP_METRICS", "9112")]).starts_with(expected));
    }
}
