//! What interfaces are beside what a node follows: their other names, and what they are ports of.

use netlink_packet_core::{NetlinkHeader, NlasIterator};
use netlink_packet_route::{
    RouteNetlinkMessage,
    link::{LinkHeader, LinkMessage},
};

use super::{HEADER, IFLA_INFO_KIND, IFLA_LINKINFO, IFLA_MASTER, RTM_NEWLINK};
use crate::netlink::{Error, Socket, message::number};

const IFLA_MTU: u16 = 4;
const IFLA_LINK_NETNSID: u16 = 37;
const IFLA_PROP_LIST: u16 = 52;
/// In `IFLA_PROP_LIST`.
const IFLA_ALT_IFNAME: u16 = 53;
/// In `IFLA_LINKINFO`.
const IFLA_INFO_SLAVE_KIND: u16 = 4;

/// What is known of an interface beside [`HostLink`](super::HostLink).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Details {
    /// The kernel's index of it.
    pub index: u32,
    /// Its kind as `ip -details link` shows it, such as `bridge`; none of a network card.
    pub kind: Option<String>,
    /// Whether what it is linked to, as the other end of a veth, is in another network namespace.
    pub leads_elsewhere: bool,
    /// The largest packet that it sends, in octets; 0 if that is not told.
    pub mtu: u32,
    /// The index of the interface that it is a port of.
    pub master: Option<u32>,
    /// The kind of that one.
    pub master_kind: Option<String>,
    /// Its alternative names (`ip link property add altname`).
    pub other_names: Vec<String>,
}

/// The details of all interfaces of the socket's network namespace.
///
/// # Errors
/// [`Error`] when the kernel did not answer.
pub fn details(socket: &mut Socket) -> Result<Vec<Details>, Error> {
    let all = RouteNetlinkMessage::GetLink(LinkMessage::default());
    socket.dump_merged(&all, decode, |details| details.index)
}

fn decode(header: &NetlinkHeader, payload: &[u8]) -> Option<Details> {
    if header.message_type != RTM_NEWLINK {
        return None;
    }
    let mut details =
        Details { index: LinkHeader::parse(payload).ok()?.index, ..Details::default() };
    for attribute in NlasIterator::new(payload.get(HEADER..)?).flatten() {
        let value = attribute.value();
        match attribute.kind() {
            IFLA_MTU => details.mtu = number(value).unwrap_or_default(),
            IFLA_LINK_NETNSID => details.leads_elsewhere = true,
            IFLA_MASTER => details.master = number(value),
            IFLA_LINKINFO => {
                details.kind = text_in(value, IFLA_INFO_KIND).next();
                details.master_kind = text_in(value, IFLA_INFO_SLAVE_KIND).next();
            }
            IFLA_PROP_LIST => details.other_names = text_in(value, IFLA_ALT_IFNAME).collect(),
            _ => {}
        }
    }
    Some(details)
}

/// The texts of this kind in a nested attribute.
fn text_in(nested: &[u8], kind: u16) -> impl Iterator<Item = String> + '_ {
    let found =
        NlasIterator::new(nested).flatten().filter(move |attribute| attribute.kind() == kind);
    found.map(|attribute| {
        String::from_utf8_lossy(attribute.value()).trim_end_matches('\0').to_owned()
    })
}

#[cfg(test)]
mod tests {
    use netlink_packet_core::Emitable;
    use netlink_packet_route::link::{InfoKind, InfoPortKind, LinkAttribute, LinkInfo, Prop};

    use super::*;

    fn decoded(attributes: Vec<LinkAttribute>) -> Details {
        let mut message = LinkMessage::default();
        message.header.index = 9;
        message.attributes = attributes;
        let mut bytes = vec![0; message.buffer_len()];
        message.emit(&mut bytes);
        let mut header = NetlinkHeader::default();
        header.message_type = RTM_NEWLINK;
        decode(&header, &bytes).unwrap()
    }

    #[test]
    fn a_port_names_its_master_and_the_kind_of_that() {
        let port = decoded(vec![
            LinkAttribute::IfName("eth0".to_owned()),
            LinkAttribute::Mtu(1500),
            LinkAttribute::LinkNetNsId(0),
            LinkAttribute::Controller(4),
            LinkAttribute::LinkInfo(vec![
                LinkInfo::Kind(InfoKind::Veth),
                LinkInfo::PortKind(InfoPortKind::Bridge),
            ]),
        ]);
        let expected = Details {
            index: 9,
            kind: Some("veth".to_owned()),
            leads_elsewhere: true,
            mtu: 1500,
            master: Some(4),
            master_kind: Some("bridge".to_owned()),
            other_names: Vec::new(),
        };
        assert_eq!(port, expected);
    }

    #[test]
    fn other_names_are_all_listed() {
        let names = ["enp3s0", "a-name-that-is-longer-than-an-interface-name"];
        let properties = names.map(|name| Prop::AltIfName(name.to_owned()));
        assert_eq!(decoded(vec![LinkAttribute::PropList(properties.to_vec())]).other_names, names);
        assert_eq!(decoded(Vec::new()), Details { index: 9, ..Details::default() });
    }

    #[test]
    fn the_kernel_lists_the_loopback_interface() {
        let all = details(&mut Socket::new().unwrap()).unwrap();
        assert!(
            all.iter().any(|details| {
                (details.index, details.master, details.leads_elsewhere) == (1, None, false)
                    && details.mtu > 0
            }),
            "{all:?}"
        );
    }
}
