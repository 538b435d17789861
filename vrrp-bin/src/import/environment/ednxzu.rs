//! The variables of ednxzu/keepalived, whose names have no prefix.

use vrrp_core::{Hear, Peer};
use vrrp_net::VirtualAddress;

use super::{
    addresses,
    common::{
        Claim, claim_without_preemption, draft, each_once, named_interface, password, peers,
        seconds, source, vrid,
    },
    reader::{Empty, Reader},
    scripts,
};
use crate::config::{Draft, Found, List, Located, Place, Version, is_name};

const ADDRESSES: &str = "VIRTUAL_IPS";
const ADDRESSES_EXAMPLE: &str = "192.0.2.10/24,192.0.2.11/24";
const PEERS: &str = "UNICAST_PEERS";
const PEERS_EXAMPLE: &str = "192.0.2.2,192.0.2.3";
const SOURCE: &str = "UNICAST_SRC_IP";
const NAME: &str = "VRRP_INSTANCE";

/// The virtual router that the image would make.
pub(super) fn read(reader: &mut Reader) -> Draft {
    let mut draft = draft(ADDRESSES);
    draft.name = name(reader);
    draft.version = Found::Value(Version::V2);
    draft.interface = named_interface(reader, "INTERFACE", Empty::Absent);
    draft.vrid = vrid(reader, "ROUTER_ID", Empty::Absent, 50);
    let claim = Claim { state: "STATE", priority: "PRIORITY", empty: Empty::Absent };
    claim_without_preemption(&mut draft, reader, claim, 100);
    draft.interval = seconds(reader, "ADVERTISE_INTERVAL");
    draft.addresses = virtual_addresses(reader);
    draft.password = password(reader, "PASSWORD", "password", Empty::Absent, &draft.addresses);
    draft.peers = unicast(reader);
    if let Some(peers) = draft.peers.value() {
        draft.hear = Found::Value(Located::new(peers.place.clone(), Hear::Any));
        draft.source = source(reader, SOURCE);
    }
    draft.scripts = scripts::ednxzu(reader);
    draft
}

/// What says how keepalived is run.
pub(super) fn leave_out(reader: &mut Reader) {
    let name = "ARGUMENTS";
    if let Found::Value(arguments) = reader.text(name, Empty::Absent) {
        reader.info(name, format!("{:?} is for keepalived and is ignored", arguments.value));
    }
}

/// The name of the host, as far as it can be one, unless there is another.
fn name(reader: &mut Reader) -> Found<Located<String>> {
    let host = reader.plain("HOSTNAME").filter(|host| is_name(host)).map(str::to_owned);
    match (reader.text(NAME, Empty::Absent), host) {
        (Found::Absent, Some(host)) => Found::Value(Located::new(Place::variable(NAME), host)),
        (found, _) => found,
    }
}

/// The image claims 192.168.2.100 when it is told nothing.
fn virtual_addresses(reader: &mut Reader) -> Found<List<VirtualAddress>> {
    let addresses = addresses::read(reader, ADDRESSES, ADDRESSES_EXAMPLE);
    reader.required(ADDRESSES, addresses, || {
        format!(
            "this is not set, and the image's default, 192.168.2.100, is not claimed; write for \
             example {ADDRESSES_EXAMPLE}"
        )
    })
}

/// Without peers the image uses multicast.
fn unicast(reader: &mut Reader) -> Found<List<Peer>> {
    if reader.is_empty(PEERS) {
        if reader.is_set(SOURCE) {
            reader.warn(SOURCE, format!("this is not used without {PEERS}, as in the image"));
        }
        let message = "this is not set, so advertisements are sent by multicast, as the image \
            does; set it to the other node's address if the network does not carry multicast";
        reader.warn(PEERS, message);
        return Found::Absent;
    }
    reader.hosts(PEERS, PEERS_EXAMPLE).map(|mut hosts| {
        each_once(reader, &mut hosts, |host| format!("{host} is listed twice and counts once"));
        peers(hosts, 1)
    })
}
