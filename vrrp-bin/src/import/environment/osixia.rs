//! The variables of osixia/keepalived: those of 1.x to 2.1.5, and the few that 2.3.4 has instead.

use vrrp_core::{Hear, Peer};
use vrrp_net::VirtualAddress;

use super::{
    addresses,
    common::{Claim, claim_without_preemption, draft, each_once, interface, password, peers, vrid},
    reader::{Empty, Reader},
    scripts,
};
use crate::config::{Draft, Found, List, Located, Place, Version};

const PEERS: &str = "KEEPALIVED_UNICAST_PEERS";
const ADDRESSES: &str = "KEEPALIVED_VIRTUAL_IPS";
const PASSWORD: &str = "KEEPALIVED_PASSWORD";
const PEERS_EXAMPLE: &str = "#PYTHON2BASH:['192.0.2.2', '192.0.2.3'] or 192.0.2.2 192.0.2.3";
const ADDRESSES_EXAMPLE: &str = "192.0.2.10 or #PYTHON2BASH:['192.0.2.10/24', '192.0.2.11']";

/// The virtual router that the image would make.
pub(super) fn read(reader: &mut Reader) -> Draft {
    let mut draft = draft(ADDRESSES);
    scripts::osixia(&mut draft, reader);
    draft.name = Found::Value(Located::new(draft.place.clone(), "VI_1".to_owned()));
    draft.version = Found::Value(Version::V2);
    draft.interface = interface(reader, Empty::Wrong);
    draft.vrid = vrid(reader, "KEEPALIVED_ROUTER_ID", Empty::Wrong, 51);
    claim_without_preemption(&mut draft, reader, Claim::prefixed(Empty::Wrong), 150);
    draft.addresses = virtual_addresses(reader);
    draft.password = password(reader, PASSWORD, "d0cker", Empty::Wrong, &draft.addresses);
    draft.peers = unicast(reader);
    draft.hear = Found::Value(Located::new(Place::variable(PEERS), Hear::Any));
    draft
}

/// The image claims 192.168.1.231 and .232 when it is told nothing.
fn virtual_addresses(reader: &mut Reader) -> Found<List<VirtualAddress>> {
    let addresses = addresses::read(reader, ADDRESSES, ADDRESSES_EXAMPLE);
    reader.required(ADDRESSES, addresses, || {
        format!(
            "this is not set, and the image's defaults, 192.168.1.231 and 192.168.1.232, are not \
             claimed; write for example {ADDRESSES_EXAMPLE}"
        )
    })
}

/// The image speaks to 192.168.1.10 and .11 when it is told nothing, and by multicast when it is
/// told nonsense.
fn unicast(reader: &mut Reader) -> Found<List<Peer>> {
    let hosts = reader.hosts(PEERS, PEERS_EXAMPLE);
    let hosts = reader.required(PEERS, hosts, || {
        format!(
            "this is not set, and the image's defaults, 192.168.1.10 and 192.168.1.11, are \
             probably not what you want; write for example {PEERS_EXAMPLE}"
        )
    });
    hosts.map(|mut hosts| {
        each_once(reader, &mut hosts, |host| format!("{host} is listed twice and counts once"));
        peers(hosts, 1)
    })
}

/// What says how the image is run.
pub(super) fn leave_out(reader: &mut Reader) {
    if reader.is_set("KEEPALIVED_CONF_RELOAD_SCRIPT") {
        reader.warn(
            "KEEPALIVED_CONF_RELOAD_SCRIPT",
            "this is not run: the configuration is read once, at the start; restart the container \
             when it has changed",
        );
    }
    let name = "KEEPALIVED_COMMAND_LINE_ARGUMENTS";
    if let Found::Value(arguments) = reader.text(name, Empty::Absent) {
        reader.info(name, format!("{:?} is for keepalived and is ignored", arguments.value));
    }
}
