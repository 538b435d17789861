//! arcts' check of the API server of Kubernetes.

use std::{num::NonZeroU8, time::Duration};

use vrrp_core::Weight;
use vrrp_net::check::Effect;

use super::{
    checks,
    reader::{Empty, Reader},
};
use crate::{
    config::{CheckDraft, Found, Located, Look, Place, Plan, Tcp},
    import::heard,
};

const CHECK: &str = "KEEPALIVED_KUBE_APISERVER_CHECK";
const ADDRESS: &str = "KUBE_APISERVER_ADDRESS";
const PORT: &str = "KUBE_APISERVER_PORT";
const INTERVAL: &str = "KUBE_APISERVER_CHK_INTERVAL";
const FALL: &str = "KUBE_APISERVER_CHK_FALL";
const RISE: &str = "KUBE_APISERVER_CHK_RISE";
const WEIGHT: &str = "KUBE_APISERVER_CHK_WEIGHT";

/// The name of the check.
const NAME: &str = "kube-apiserver";
/// How long the script of the image waits for an answer.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Has the virtual router track the API server of this host, where that is asked for.
pub(super) fn track(plan: &mut Plan, reader: &mut Reader) {
    let is_asked =
        reader.text(CHECK, Empty::Absent).map(|word| word.value.eq_ignore_ascii_case("true"));
    if is_asked != Found::Value(true) {
        return;
    }
    tell(reader);
    let place = Place::variable(CHECK);
    let mut check = CheckDraft::new(place.clone());
    check.name = Found::Value(Located::new(place.clone(), NAME.to_owned()));
    check.looks = vec![("tcp", look(reader))];
    check.interval = interval(reader);
    check.timeout = Found::Value(Located::new(place, TIMEOUT));
    check.fall = count(FALL, 10, reader);
    check.rise = count(RISE, 2, reader);
    plan.checks.push(check);
    let effect = effect(reader);
    for draft in &mut plan.drafts {
        match effect {
            Found::Value(effect) => checks::track(draft, CHECK, NAME, effect),
            Found::Absent => {}
            Found::Wrong => draft.track = Found::Wrong,
        }
    }
}

/// What is not as in the image.
fn tell(reader: &mut Reader) {
    reader.warn(
        CHECK,
        "only whether the API server of this host accepts connections is checked, not what \
         https://localhost answers: its certificate is hardly ever one for localhost, and no check \
         here leaves a certificate unverified; for one that asks, set VRRP_CHECK_HTTP or \
         VRRP_CHECK_COMMAND",
    );
    if reader.is_set(ADDRESS) {
        reader.info(ADDRESS, "this is ignored: the API server of this host is checked alone");
    }
}

/// A connection to the API server of this host.
fn look(reader: &mut Reader) -> Found<Located<Look>> {
    let rule = "write the port of the API server, from 1 to 65535";
    let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    let port = reader.value(PORT, Empty::Absent, rule, port);
    let port = port.or(Located::new(Place::variable(CHECK), 6443));
    port.and_then(|Located { place, value: port }| match Tcp::new(&format!("localhost:{port}")) {
        Ok(tcp) => Ok(Located::new(place, Look::Tcp(tcp))),
        Err(error) => reader.wrong(PORT, error.to_string()),
    })
}

fn interval(reader: &mut Reader) -> Found<Located<Duration>> {
    let rule = "write a whole number of seconds from 1 to 86400";
    let seconds = |text: &str| text.parse().ok().filter(|seconds| (1..=86_400).contains(seconds));
    let interval = |text: &str| Some(Duration::from_secs(seconds(text)?));
    let found = reader.value(INTERVAL, Empty::Absent, rule, interval);
    found.or(Located::new(Place::variable(CHECK), Duration::from_secs(3)))
}

fn count(name: &str, default: u8, reader: &mut Reader) -> Found<NonZeroU8> {
    let rule = "write a number from 1 to 255";
    let found = reader.value(name, Empty::Absent, rule, |text| text.parse().ok());
    found.map(|count| count.value).or(NonZeroU8::new(default).unwrap_or(NonZeroU8::MIN))
}

/// What it does to the priority.
fn effect(reader: &mut Reader) -> Found<Effect> {
    let rule = "write a whole number from -253 to 253";
    let found = reader.value(WEIGHT, Empty::Absent, rule, heard::weight).map(|weight| weight.value);
    let weight = match Weight::try_from(-50) {
        Ok(default) => found.or(default),
        Err(_) => found,
    };
    weight.map(heard::effect)
}
