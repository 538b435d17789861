//! Links and addresses in the namespaces of a lab, by netlink.

use std::{fs, net::IpAddr, os::fd::AsRawFd, time::Duration};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    address::{AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage, AddressScope},
    link::{
        BridgePortState, BridgeStpState, InfoBridge, InfoBridgePort, InfoData, InfoKind,
        InfoPortData, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage, State,
    },
};

use super::{Error, error::Doing, namespace::Namespace, wait_until};
use crate::netlink::Socket;

/// How long the kernel may take until a new link carries frames: it does that work in the
/// background.
const READY: Duration = Duration::from_secs(5);

pub(super) fn make_bridge(namespace: &Namespace, name: &str) -> Result<(), Error> {
    let settings =
        vec![InfoBridge::StpState(BridgeStpState::Disabled), InfoBridge::MulticastSnooping(false)];
    let info = vec![LinkInfo::Kind(InfoKind::Bridge), LinkInfo::Data(InfoData::Bridge(settings))];
    let mut link = named(name);
    link.attributes.push(LinkAttribute::LinkInfo(info));
    let message = RouteNetlinkMessage::NewLink(link);
    request(namespace, message, NLM_F_CREATE | NLM_F_EXCL, || format!("making the bridge {name}"))
}

/// Makes a pair of Ethernet interfaces: `name` here and `peer` in the namespace `far`.
pub(super) fn make_pair(
    here: &Namespace,
    name: &str,
    far: &Namespace,
    peer: &str,
) -> Result<(), Error> {
    let mut end = named(peer);
    end.attributes.push(LinkAttribute::NetNsFd(far.as_raw_fd()));
    let peers = InfoData::Veth(InfoVeth::Peer(end));
    let mut link = named(name);
    link.attributes
        .push(LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Veth), LinkInfo::Data(peers)]));
    let message = RouteNetlinkMessage::NewLink(link);
    let making = || format!("making the interfaces {name} and {peer}");
    request(here, message, NLM_F_CREATE | NLM_F_EXCL, making)
}

pub(super) fn delete(namespace: &Namespace, name: &str) -> Result<(), Error> {
    let message = RouteNetlinkMessage::DelLink(named(name));
    request(namespace, message, 0, || format!("deleting the interface {name}"))
}

pub(super) fn set_up(namespace: &Namespace, name: &str, up: bool) -> Result<(), Error> {
    let mut link = named(name);
    link.header.flags = if up { LinkFlags::Up } else { LinkFlags::empty() };
    link.header.change_mask = LinkFlags::Up;
    let state = if up { "up" } else { "down" };
    let setting = || format!("setting the interface {name} {state}");
    request(namespace, RouteNetlinkMessage::SetLink(link), 0, setting)
}

/// Makes an interface a port of a bridge, or of none.
pub(super) fn set_bridge(
    namespace: &Namespace,
    name: &str,
    bridge: Option<&str>,
) -> Result<(), Error> {
    let index = match bridge {
        Some(bridge) => find(namespace, bridge)?.header.index,
        None => 0,
    };
    let mut link = named(name);
    link.attributes.push(LinkAttribute::Controller(index));
    let setting = || format!("setting the bridge of the interface {name}");
    request(namespace, RouteNetlinkMessage::SetLink(link), 0, setting)
}

pub(super) fn add_address(
    namespace: &Namespace,
    name: &str,
    cidr: (IpAddr, u8),
) -> Result<(), Error> {
    let (address, length) = cidr;
    let mut message = AddressMessage::default();
    message.header.index = find(namespace, name)?.header.index;
    message.header.prefix_len = length;
    message.header.family =
        if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    message.attributes = vec![AddressAttribute::Local(address), AddressAttribute::Address(address)];
    if address.is_ipv6() {
        message.attributes.push(AddressAttribute::Flags(AddressFlags::Nodad));
    }
    let message = RouteNetlinkMessage::NewAddress(message);
    let adding = || format!("adding the address {address}/{length} to {name}");
    request(namespace, message, NLM_F_CREATE | NLM_F_EXCL, adding)
}

/// Waits until the bridge forwards what enters and leaves by `port`.
///
/// A port can be forwarding before the kernel has noticed its carrier; what is sent to it is lost
/// until then.
pub(super) fn wait_for_port(namespace: &Namespace, port: &str) -> Result<(), Error> {
    let doing = || format!("waiting for the port {port} to forward");
    wait(doing, || {
        let link = find(namespace, port)?;
        Ok(is_forwarding(&link) && is_active(&link))
    })
}

/// Waits until what is sent by the interface is not lost.
pub(super) fn wait_until_active(namespace: &Namespace, name: &str) -> Result<(), Error> {
    wait(|| format!("waiting for the carrier of {name}"), || Ok(is_active(&find(namespace, name)?)))
}

/// Waits until the interface has its link-local IPv6 address, if it gets one at all.
pub(super) fn wait_for_link_local(namespace: &Namespace, name: &str) -> Result<(), Error> {
    let doing = || format!("waiting for the link-local address of {name}");
    let disabled = format!("/proc/sys/net/ipv6/conf/{name}/disable_ipv6");
    let disabled = namespace.run(|| fs::read_to_string(disabled)).doing(doing)?;
    if !disabled.is_ok_and(|value| value.trim() == "0") {
        return Ok(());
    }
    let index = find(namespace, name)?.header.index;
    wait(doing, || {
        let message = RouteNetlinkMessage::GetAddress(AddressMessage::default());
        let addresses = dump(namespace, message, doing)?;
        Ok(addresses.iter().any(|entry| match entry {
            RouteNetlinkMessage::NewAddress(address) => {
                let header = &address.header;
                let is_usable = !header.flags.contains(AddressHeaderFlags::Tentative);
                let is_link_local =
                    header.scope == AddressScope::Link && header.family == AddressFamily::Inet6;
                header.index == index && is_link_local && is_usable
            }
            _ => false,
        }))
    })
}

/// The entry of an interface in the kernel's table.
pub(super) fn find(namespace: &Namespace, name: &str) -> Result<LinkMessage, Error> {
    let doing = || format!("looking for the interface {name}");
    let links = dump(namespace, RouteNetlinkMessage::GetLink(LinkMessage::default()), doing)?;
    let found = links.into_iter().find_map(|entry| match entry {
        RouteNetlinkMessage::NewLink(link) if name_of(&link) == Some(name) => Some(link),
        _ => None,
    });
    found.ok_or_else(|| Error::Invalid(format!("there is no interface {name}")))
}

/// Whether the interface is a port of a bridge.
pub(super) fn is_port(link: &LinkMessage) -> bool {
    link.attributes.iter().any(|attribute| matches!(attribute, LinkAttribute::Controller(1..)))
}

fn name_of(link: &LinkMessage) -> Option<&str> {
    link.attributes.iter().find_map(|attribute| match attribute {
        LinkAttribute::IfName(name) => Some(name.as_str()),
        _ => None,
    })
}

/// The queue "noop" drops everything; the kernel replaces it in the background after the carrier
/// came.
fn is_active(link: &LinkMessage) -> bool {
    let is_idle = LinkAttribute::Qdisc("noop".to_owned());
    link.attributes.contains(&LinkAttribute::OperState(State::Up))
        && !link.attributes.contains(&is_idle)
}

fn is_forwarding(link: &LinkMessage) -> bool {
    let infos = link.attributes.iter().filter_map(|attribute| match attribute {
        LinkAttribute::LinkInfo(infos) => Some(infos),
        _ => None,
    });
    infos.flatten().any(|info| match info {
        LinkInfo::PortData(InfoPortData::BridgePort(port)) => {
            port.contains(&InfoBridgePort::State(BridgePortState::Forwarding))
        }
        _ => false,
    })
}

fn named(name: &str) -> LinkMessage {
    let mut link = LinkMessage::default();
    link.attributes.push(LinkAttribute::IfName(name.to_owned()));
    link
}

fn request(
    namespace: &Namespace,
    message: RouteNetlinkMessage,
    flags: u16,
    doing: impl Fn() -> String,
) -> Result<(), Error> {
    socket(namespace, &doing)?.request(message, flags).doing(doing)
}

fn dump(
    namespace: &Namespace,
    message: RouteNetlinkMessage,
    doing: impl Fn() -> String,
) -> Result<Vec<RouteNetlinkMessage>, Error> {
    socket(namespace, &doing)?.dump(message).doing(doing)
}

fn socket(namespace: &Namespace, doing: &impl Fn() -> String) -> Result<Socket, Error> {
    namespace.run(Socket::new).doing(doing)?.doing(doing)
}

fn wait(
    doing: impl Fn() -> String,
    mut done: impl FnMut() -> Result<bool, Error>,
) -> Result<(), Error> {
    let mut outcome = Ok(false);
    wait_until(READY, || {
        outcome = done();
        !matches!(outcome, Ok(false))
    });
    match outcome? {
        true => Ok(()),
        false => Err(Error::Late { doing: doing(), within: READY }),
    }
}
