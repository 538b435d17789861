//! The variables of arcts/keepalived.

use std::{net::IpAddr, time::Duration};

use vrrp_core::{Cidr, Hear, Preempt};

use super::{
    draft::{Draft, Unicast},
    osixia::{contender, interface, own_file, password, priority, vrid},
    reader::{Empty, Named, Reader},
};
use crate::config::RouterConfig;

const SOURCE: &str = "KEEPALIVED_UNICAST_SRC_IP";
const PEER: &str = "KEEPALIVED_UNICAST_PEER_";
const ADDRESS: &str = "KEEPALIVED_VIRTUAL_IPADDRESS_";

/// The virtual router that the image would make. Empty if anything is wrong.
pub(super) fn read(reader: &mut Reader) -> Vec<RouterConfig> {
    refuse_unsupported(reader);
    leave_out(reader);
    let interface = interface(reader, Empty::Absent);
    let on = interface.as_ref().map_or("eth0", |interface| &interface.value).to_owned();
    refuse_tracking(reader, &on);
    let vrid = vrid(reader, "KEEPALIVED_VIRTUAL_ROUTER_ID", Empty::Absent, 1);
    let public = vrid.as_ref().map_or_else(String::new, |vrid| format!("pwd{}", vrid.value));
    let master = reader.choice(
        "KEEPALIVED_STATE",
        Empty::Absent,
        true,
        &[("MASTER", true), ("BACKUP", false)],
    );
    let priority = priority(reader, Empty::Absent, if master == Some(false) { 100 } else { 200 });
    let interval = interval(reader);
    let addresses = addresses(reader, &on);
    let password =
        password(reader, "KEEPALIVED_AUTH_PASS", &public, Empty::Absent, addresses.as_deref());
    let role = priority.map(|priority| contender(reader, priority, Preempt::Always));
    let source = source(reader);
    let unicast = unicast(reader);
    let draft = || {
        master?;
        Some(Draft {
            name: Some("MAIN".to_owned()),
            interface: interface?,
            vrid: vrid?,
            addresses: addresses?,
            version: 2,
            interval: interval?,
            role: role?,
            password: Some(password?),
            unicast: unicast?,
            source: source?,
        })
    };
    draft().map(|draft| draft.finish(reader)).unwrap_or_default()
}

fn addresses(reader: &mut Reader, interface: &str) -> Option<Vec<Named<Cidr>>> {
    let example = format!("192.0.2.10/24 dev {interface}");
    let names = reader.numbered(ADDRESS);
    if names.is_empty() {
        reader.missing(
            &format!("{ADDRESS}1"),
            format!("this is not set; write for example {example}"),
        );
        return None;
    }
    let lists: Vec<_> =
        names.iter().map(|name| reader.virtual_addresses(name, interface, &example)).collect();
    Some(lists.into_iter().collect::<Option<Vec<_>>>()?.into_iter().flatten().flatten().collect())
}

/// Without peers the image uses multicast. This is its documented default, so that it stays, but it
/// is said.
fn unicast(reader: &mut Reader) -> Option<Option<Unicast>> {
    let names = reader.numbered(PEER);
    if names.is_empty() {
        if reader.is_set(SOURCE) {
            let message = format!(
                "this is set, but no peer is, and the image would silently use multicast; set \
                 {PEER}1 to the address of the other node, or remove {SOURCE}"
            );
            reader.error(SOURCE, message);
            return None;
        }
        let names = reader.names();
        if let Some(name) = names.iter().find(|name| name.contains("UNICAST_PEER")) {
            let message = format!(
                "this is not the name of a peer, and without peers there would be multicast; name \
                 it {PEER}1"
            );
            reader.error(name, message);
            return None;
        }
        let message = "this is not set, so that advertisements are sent by multicast, as the image \
            does; set it to the address of the other node where the network does not carry \
            multicast";
        reader.warn(&format!("{PEER}1"), message);
        return Some(None);
    }
    let lists: Vec<_> = names.iter().map(|name| reader.hosts(name, "192.0.2.2")).collect();
    let peers = lists.into_iter().collect::<Option<Vec<_>>>()?.into_iter().flatten().flatten();
    let mut unique: Vec<Named<IpAddr>> = Vec::new();
    for peer in peers {
        if unique.iter().any(|other| other.value == peer.value) {
            reader.warn(&peer.name, format!("{} is a peer already, and counts once", peer.value));
        } else {
            unique.push(peer);
        }
    }
    Some(Some(Unicast { peers: unique, hear: Hear::Any, least_hop_limit: 1 }))
}

fn source(reader: &mut Reader) -> Option<Option<Named<IpAddr>>> {
    let rule = "write an IP address of this host, such as 192.0.2.1";
    let source =
        reader.value(SOURCE, Empty::Absent, None, rule, |text| text.parse().ok().map(Some))?;
    Some(source.value.map(|value| Named { name: source.name, value }))
}

fn interval(reader: &mut Reader) -> Option<Named<Duration>> {
    let rule = "write a whole number of seconds from 1 to 255, the same on every node";
    let parse = |text: &str| text.parse::<u8>().ok().filter(|seconds| *seconds > 0);
    let seconds = reader.value("KEEPALIVED_ADVERT_INT", Empty::Absent, 1, rule, parse)?;
    Some(Named { name: seconds.name, value: Duration::from_secs(seconds.value.into()) })
}

/// What changes when this node is active, and cannot be done: leaving it out would fail unseen.
fn refuse_unsupported(reader: &mut Reader) {
    if let Some(Some(auto)) = reader.text("KEEPALIVED_AUTOCONF", Empty::Absent)
        && !auto.value.eq_ignore_ascii_case("true")
    {
        let path =
            reader.plain("KEEPALIVED_CONF").unwrap_or("/etc/keepalived/keepalived.conf").to_owned();
        reader.error("KEEPALIVED_AUTOCONF", own_file(&path));
    }
    if let Some(Some(check)) = reader.text("KEEPALIVED_KUBE_APISERVER_CHECK", Empty::Absent)
        && check.value.eq_ignore_ascii_case("true")
    {
        let message = "checks are not supported in this version, and a node whose API server is \
            dead would stay active; remove this to do without";
        reader.error("KEEPALIVED_KUBE_APISERVER_CHECK", message);
    }
    for name in reader.numbered("KEEPALIVED_VIRTUAL_IPADDRESS_EXCLUDED_") {
        let message = format!(
            "addresses that are held but not advertised are not supported in this version; make it \
             a {ADDRESS}, on every node, or remove it"
        );
        reader.error(&name, message);
    }
}

/// The interface itself is watched anyway.
fn refuse_tracking(reader: &mut Reader, interface: &str) {
    for name in reader.numbered("KEEPALIVED_TRACK_INTERFACE_") {
        if let Some(Some(tracked)) = reader.text(&name, Empty::Absent)
            && tracked.value != interface
        {
            let message = format!(
                "watching {:?} is not supported in this version, only the interface {interface} \
                 itself; remove this to do without",
                tracked.value
            );
            reader.error(&name, message);
        }
    }
}

/// What only says how keepalived is run.
fn leave_out(reader: &mut Reader) {
    if reader.is_set("KEEPALIVED_CMD") {
        reader.warn("KEEPALIVED_CMD", "this is left out: keepalived is not run here");
    }
    for name in ["KEEPALIVED_DEBUG", "KEEPALIVED_VAR_RUN"] {
        if reader.is_set(name) {
            reader.info(name, "this is for keepalived, and is left out");
        }
    }
}
