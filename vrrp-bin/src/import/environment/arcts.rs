//! The variables of arcts/keepalived.

use vrrp_core::{Hear, Preempt};
use vrrp_net::{VirtualAddress, check::Effect};

use super::{
    addresses, apiserver,
    checks::track,
    common::{
        Claim, draft, each_once, interface, is_master, name_of, password, peers, seconds, settle,
        source, vrid,
    },
    reader::{Empty, Reader},
};
use crate::{
    config::{
        CheckDraft, Draft, Found, List, Located, Notation, Plan, Version, Wrong, interface_fault,
        is_name,
    },
    import::heard,
};

const SOURCE: &str = "KEEPALIVED_UNICAST_SRC_IP";
const PEER: &str = "KEEPALIVED_UNICAST_PEER_";
const ADDRESS: &str = "KEEPALIVED_VIRTUAL_IPADDRESS_";
const EXTRA: &str = "KEEPALIVED_VIRTUAL_IPADDRESS_EXCLUDED_";
const TRACK: &str = "KEEPALIVED_TRACK_INTERFACE_";

/// The virtual router that the image would make, and what it tracks.
pub(super) fn read(plan: &mut Plan, reader: &mut Reader) {
    plan.drafts = vec![router(reader)];
    track_interfaces(plan, reader);
    apiserver::track(plan, reader);
}

fn router(reader: &mut Reader) -> Draft {
    let names = reader.numbered(ADDRESS);
    let first = names.first().cloned().unwrap_or_else(|| format!("{ADDRESS}1"));
    let mut draft = draft(&first);
    draft.name = Found::Value(Located::new(draft.place.clone(), "MAIN".to_owned()));
    draft.version = Found::Value(Version::V2);
    draft.interface = interface(reader, Empty::Absent);
    draft.vrid = vrid(reader, "KEEPALIVED_VIRTUAL_ROUTER_ID", Empty::Absent, 1);
    role(&mut draft, reader);
    draft.interval = seconds(reader, "KEEPALIVED_ADVERT_INT");
    draft.addresses = virtual_addresses(reader, &first, &names, name_of(&draft.interface));
    draft.extra = extra(reader, name_of(&draft.interface));
    let public = draft.vrid.value().map_or_else(String::new, |vrid| format!("pwd{}", vrid.value));
    draft.password =
        password(reader, "KEEPALIVED_AUTH_PASS", &public, Empty::Absent, &draft.addresses);
    draft.source = source(reader, SOURCE);
    unicast(&mut draft, reader);
    draft
}

/// The image preempts, and its priority depends on its state.
fn role(draft: &mut Draft, reader: &mut Reader) {
    let claim = Claim::prefixed(Empty::Absent);
    let master = is_master(reader, claim, true);
    let default = if master == Found::Value(false) { 100 } else { 200 };
    settle(draft, reader, claim, default, Preempt::Always);
    if master == Found::Wrong {
        draft.priority = Found::Wrong;
    }
}

fn virtual_addresses(
    reader: &mut Reader,
    first: &str,
    names: &[String],
    interface: &str,
) -> Found<List<VirtualAddress>> {
    let example = format!("192.0.2.10/24 dev {interface}");
    let found = joined(reader, names, &example);
    reader.required(first, found, || format!("this is not set; write for example {example}"))
}

/// Those that are held and not advertised.
fn extra(reader: &mut Reader, interface: &str) -> Found<List<VirtualAddress>> {
    let names = reader.numbered(EXTRA);
    joined(reader, &names, &format!("198.51.100.10/24 dev {interface}"))
}

fn joined(reader: &mut Reader, names: &[String], example: &str) -> Found<List<VirtualAddress>> {
    let lists = names.iter().map(|name| addresses::read(reader, name, example)).collect();
    List::joined(lists)
}

/// Without peers the image uses multicast. This is its documented default, so that it stays, but it
/// is said.
fn unicast(draft: &mut Draft, reader: &mut Reader) {
    let names = reader.numbered(PEER);
    let lists: Vec<_> = names.iter().map(|name| reader.hosts(name, "192.0.2.2")).collect();
    draft.peers = match List::joined(lists) {
        Found::Wrong => Found::Wrong,
        Found::Absent => multicast(reader),
        Found::Value(mut hosts) => {
            let place = hosts.place.clone();
            draft.hear = Found::Value(Located::new(place, Hear::Any));
            let twice = |host| format!("{host} is already a peer and counts once");
            each_once(reader, &mut hosts, twice);
            Found::Value(peers(hosts, 1))
        }
    };
}

/// No peer at all, unless it looks as if one was meant.
fn multicast<T>(reader: &mut Reader) -> Found<T> {
    if reader.is_set(SOURCE) {
        let message = format!(
            "this is set, but no peer is, and the image would silently use multicast; set {PEER}1 \
             to the address of the other node, or remove {SOURCE}"
        );
        reader.error(SOURCE, message);
        return Found::Wrong;
    }
    let names = reader.names();
    if let Some(name) = names.iter().find(|name| name.contains("UNICAST_PEER")) {
        let message = format!(
            "this is not the name of a peer variable, and without peers multicast would be used; \
             rename it to {PEER}1"
        );
        reader.error(name, message);
        return Found::Wrong;
    }
    let message = "this is not set, so advertisements are sent by multicast, as the image does; \
        set it to the other node's address if the network does not carry multicast";
    reader.warn(&format!("{PEER}1"), message);
    Found::Absent
}

/// An interface that is tracked is a check: while it is down, the node is held, as it is in FAULT
/// with keepalived. The virtual router's own is watched anyway.
fn track_interfaces(plan: &mut Plan, reader: &mut Reader) {
    let own = plan.drafts.first().and_then(|draft| draft.interface.value());
    let own = own.map(|own| own.value.clone());
    let mut seen = Vec::new();
    for variable in reader.numbered(TRACK) {
        let found = reader.text(&variable, Empty::Absent);
        let found = found.and_then(|found| interface_to_track(found, &variable, reader));
        let Found::Value(interface) = &found else {
            if found == Found::Wrong {
                plan.drafts.iter_mut().for_each(|draft| draft.track = Found::Wrong);
            }
            continue;
        };
        if own.as_deref() == Some(&*interface.value) || seen.contains(&interface.value) {
            continue;
        }
        seen.push(interface.value.clone());
        let check = check(interface);
        let Some(name) = check.name.value().map(|name| name.value.clone()) else { continue };
        plan.drafts.iter_mut().for_each(|draft| track(draft, &variable, &name, Effect::Hold));
        plan.checks.push(check);
    }
}

fn interface_to_track(
    found: Located<String>,
    variable: &str,
    reader: &mut Reader,
) -> Result<Located<String>, Wrong> {
    match interface_fault(&found.value, Notation::Variables) {
        Some(fault) => reader.wrong(variable, format!("this is {:?}, {fault}", found.value)),
        None => Ok(found),
    }
}

/// A check that fails at once, as keepalived's does.
fn check(interface: &Located<String>) -> CheckDraft {
    let Located { place, value: interface } = interface;
    let fit = |c: char| if is_name(c.encode_utf8(&mut [0; 4])) { c } else { '_' };
    let name = format!("link-{}", interface.chars().map(fit).collect::<String>());
    let mut check = heard::interface(interface, place);
    check.name = Found::Value(Located::new(place.clone(), name));
    check
}

/// What only says how keepalived is run.
pub(super) fn leave_out(reader: &mut Reader) {
    if reader.is_set("KEEPALIVED_CMD") {
        reader.warn("KEEPALIVED_CMD", "this is ignored: keepalived is not run here");
    }
    for name in ["KEEPALIVED_DEBUG", "KEEPALIVED_VAR_RUN"] {
        if reader.is_set(name) {
            reader.info(name, "this is for keepalived and is ignored");
        }
    }
}
