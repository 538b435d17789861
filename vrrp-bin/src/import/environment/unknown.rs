//! Variables that look like ours and mean nothing.

use super::{
    reader::{Reader, is_number},
    style::{ALWAYS, ARCTS, OSIXIA, OWN, SHAWLY, Style, is_known, number_of, unnumbered},
};
use crate::config::nearest;

/// What two images call the same thing.
const ELSEWHERE: &[(&str, &str)] = &[
    ("KEEPALIVED_ROUTER_ID", "KEEPALIVED_VIRTUAL_ROUTER_ID"),
    ("KEEPALIVED_PASSWORD", "KEEPALIVED_AUTH_PASS"),
    ("KEEPALIVED_UNICAST_PEERS", "KEEPALIVED_UNICAST_PEER_1"),
    ("KEEPALIVED_VIRTUAL_IPS", "KEEPALIVED_VIRTUAL_IPADDRESS_1"),
];

/// Reports them. The images ignore them, so that this is a warning; in
/// our own form it is an error, as it is in the file, and so is a check or a script in every form.
pub(super) fn report(style: Option<Style>, reader: &mut Reader) {
    let names = reader.names();
    for name in &names {
        let known = style.map_or_else(|| is_known(name), |style| style.knows(name));
        if known
            || ALWAYS.contains(&name.as_str())
            || is_service_link(name, &names)
            || !looks_like_ours(name)
        {
            continue;
        }
        let advice = match meant(name, style) {
            Some(meant) => format!("did you mean {meant}?"),
            None => "remove it, or see docs/containers.md".to_owned(),
        };
        // A check that was asked for and is not made leaves an ill node active, in every style; a
        // script that is not run leaves undone what belongs to a failover.
        let is_check = name.starts_with("VRRP_CHECK_") || name.starts_with("VRRP_NOTIFY");
        match style {
            Some(Style::Own) if name.starts_with("VRRP_") => {
                reader.error(name, format!("there is no such variable; {advice}"));
            }
            _ if is_check => {
                reader.error(name, format!("there is no such variable; {advice}"));
            }
            _ if is_known(name) => reader
                .warn(name, format!("this belongs to another image and does nothing; {advice}")),
            _ => reader.warn(name, format!("this is unknown and does nothing; {advice}")),
        }
    }
}

/// The variable of `style` that `name` was probably meant to be.
fn meant(name: &str, style: Option<Style>) -> Option<String> {
    let fits = |name: &str| style.map_or_else(|| is_known(name), |style| style.knows(name));
    let elsewhere = ELSEWHERE.iter().flat_map(|(one, other)| [(*one, *other), (*other, *one)]);
    let mut elsewhere = elsewhere.filter(|(theirs, ours)| *theirs == name && fits(ours));
    if let Some((_, ours)) = elsewhere.next() {
        return Some(ours.to_owned());
    }
    numbered_meant(name, style).or_else(|| fixed_meant(name, style))
}

/// The name without a number at its end that `name` was probably meant to be.
fn fixed_meant(name: &str, style: Option<Style>) -> Option<String> {
    let mut names = match style {
        Some(style) => style.names().fixed.to_vec(),
        None => [OSIXIA.fixed, ARCTS.fixed, SHAWLY.fixed, OWN.fixed].concat(),
    };
    // Last, where another name is as near: of those that are for all, none has a number.
    names.extend(ALWAYS);
    // What they all start with is no likeness.
    let stem = |name| str::split_once(name, '_').map_or(name, |(_, stem)| stem);
    let stems: Vec<&str> = names.iter().copied().map(stem).collect();
    let wanted = unnumbered(name);
    let near = nearest(stem(&wanted), &stems)?;
    let found = names.into_iter().find(|name| stem(name) == near)?;
    Some(match number_of(name) {
        Some(number) if !ALWAYS.contains(&found) => {
            found.replacen("VRRP_", &format!("VRRP_{number}_"), 1)
        }
        _ => found.to_owned(),
    })
}

/// Whether somebody who wrote `name` meant us: by its first word, or a slip away from it, or by the
/// whole of a numbered name, which the arcts image finds in the middle of others too.
fn looks_like_ours(name: &str) -> bool {
    let first = name.split('_').next().unwrap_or_default();
    let slip = |ours: &str| strsim::damerau_levenshtein(first, ours) <= 1;
    first == "VRRP"
        || slip("KEEPALIVED")
        || ARCTS.numbered.iter().any(|prefix| name.contains(prefix))
}

/// The numbered name that `name` was probably meant to be.
fn numbered_meant(name: &str, style: Option<Style>) -> Option<String> {
    if style.is_some_and(|style| style != Style::Arcts) {
        return None;
    }
    let (stem, number) = name.split_at(name.rfind('_')?.checked_add(1)?);
    let within = ARCTS
        .numbered
        .iter()
        .filter(|prefix| stem.ends_with(**prefix))
        .max_by_key(|prefix| prefix.len());
    let prefix = within.copied().or_else(|| nearest(stem, ARCTS.numbered))?;
    let number = if is_number(number) { number } else { "1" };
    Some(format!("{prefix}{number}"))
}

/// Whether Kubernetes set `name` because there is a service called vrrp or keepalived.
fn is_service_link(name: &str, names: &[String]) -> bool {
    let mut services = names.iter().filter_map(|name| name.strip_suffix("_SERVICE_HOST"));
    services.any(|service| {
        let rest = name.strip_prefix(service).unwrap_or_default();
        rest.starts_with("_SERVICE_") || rest.starts_with("_PORT")
    })
}
