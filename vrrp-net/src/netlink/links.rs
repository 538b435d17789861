//! The kernel's interfaces.

mod details;

use netlink_packet_core::{NetlinkHeader, NlasIterator};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    link::{LinkAttribute, LinkFlags, LinkHeader, LinkMessage},
};
use vrrp_core::MacAddr;

use super::{
    Error, Socket,
    message::{Change, number},
    routes::MAIN_TABLE,
};
pub use details::{Details, details};

const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_MASTER: u16 = 10;
const IFLA_LINKINFO: u16 = 18;
/// In `IFLA_LINKINFO`: what belongs to the kind of the interface. Of a VRF that is its routing
/// table.
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const IFLA_VRF_TABLE: u16 = 1;
/// The length of `struct ifinfomsg`.
const HEADER: usize = 16;

/// An interface.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostLink {
    /// The kernel's index of it.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// The kernel's flags (`IFF_*`).
    pub flags: LinkFlags,
    /// Its hardware address; zeros when it has none of six octets.
    pub mac: MacAddr,
    /// The index of the bridge, bond or VRF that it is a port of.
    pub master: Option<u32>,
    /// The routing table of its ports, if it is a VRF.
    pub vrf_table: Option<u32>,
}

impl HostLink {
    /// Whether it is up, has a carrier, and is not waiting for something like 802.1X.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.flags.contains(LinkFlags::Up | LinkFlags::LowerUp)
            && !self.flags.contains(LinkFlags::Dormant)
    }
}

#[cfg(test)]
impl HostLink {
    /// An interface that is up and a port of nothing.
    pub(crate) fn eth0() -> Self {
        Self {
            index: 1,
            name: "eth0".to_owned(),
            flags: LinkFlags::Up | LinkFlags::LowerUp,
            mac: MacAddr([2; 6]),
            master: None,
            vrf_table: None,
        }
    }
}

/// All interfaces of the socket's network namespace. While they keep changing it may name some that
/// have just gone, behind the others.
///
/// # Errors
/// [`Error`] when the kernel did not answer.
pub fn list(socket: &mut Socket) -> Result<Vec<HostLink>, Error> {
    let all = RouteNetlinkMessage::GetLink(LinkMessage::default());
    socket.dump_merged(
        &all,
        |header, payload| decode(header, payload).map(Change::entry),
        |link| link.index,
    )
}

/// The routing table of the interface `index`: its VRF's, or the main one.
pub(crate) fn routing_table(socket: &mut Socket, index: u32) -> Result<u32, Error> {
    let Some(master) = get(socket, index)?.master else { return Ok(MAIN_TABLE) };
    Ok(get(socket, master)?.vrf_table.unwrap_or(MAIN_TABLE))
}

fn get(socket: &mut Socket, index: u32) -> Result<HostLink, Error> {
    let mut request = LinkMessage::default();
    request.header.index = index;
    let request = RouteNetlinkMessage::GetLink(request);
    socket.get_with(request, |header, payload| decode(header, payload).map(Change::entry))
}

/// The interface of this name; `None` if there is none.
///
/// # Errors
/// [`Error`] when the kernel did not answer, or knows no such name to ask for.
pub(crate) fn by_name(socket: &mut Socket, name: &str) -> Result<Option<HostLink>, Error> {
    let mut request = LinkMessage::default();
    request.attributes.push(LinkAttribute::IfName(name.to_owned()));
    let request = RouteNetlinkMessage::GetLink(request);
    match socket.get_with(request, |header, payload| decode(header, payload).map(Change::entry)) {
        Ok(link) => Ok(Some(link)),
        Err(error) if error.errno() == Some(libc::ENODEV) => Ok(None),
        Err(error) => Err(error),
    }
}

/// RTM_SETLINK that sets an existing interface up or down.
#[must_use]
pub fn set_up(index: u32, up: bool) -> RouteNetlinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = index;
    message.header.flags.set(LinkFlags::Up, up);
    message.header.change_mask = LinkFlags::Up;
    RouteNetlinkMessage::SetLink(message)
}

/// RTM_SETLINK that renames an existing interface. Old kernels want it to be down.
#[must_use]
pub fn rename(index: u32, name: &str) -> RouteNetlinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = index;
    message.attributes.push(LinkAttribute::IfName(name.to_owned()));
    RouteNetlinkMessage::SetLink(message)
}

/// RTM_DELLINK.
#[must_use]
pub fn delete(index: u32) -> RouteNetlinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = index;
    RouteNetlinkMessage::DelLink(message)
}

/// Decodes RTM_NEWLINK and RTM_DELLINK of an interface.
///
/// Only what is needed is looked at: an attribute that a newer kernel lays out differently may not
/// hide an interface.
pub(super) fn decode(header: &NetlinkHeader, payload: &[u8]) -> Option<Change<HostLink>> {
    let change = match header.message_type {
        RTM_NEWLINK => Change::New(()),
        RTM_DELLINK => Change::Gone(()),
        _ => return None,
    };
    let header = LinkHeader::parse(payload).ok()?;
    // A bridge says with AF_BRIDGE that a port has left it, and that is no RTM_DELLINK of the
    // interface.
    if header.interface_family != AddressFamily::Unspec {
        return None;
    }
    let (mut name, mut mac, mut master, mut vrf_table) = (None, MacAddr::default(), None, None);
    for attribute in NlasIterator::new(payload.get(HEADER..)?).flatten() {
        match attribute.kind() {
            IFLA_IFNAME => {
                name = Some(
                    String::from_utf8_lossy(attribute.value()).trim_end_matches('\0').to_owned(),
                );
            }
            IFLA_ADDRESS => mac = attribute.value().try_into().map_or(mac, MacAddr),
            IFLA_MASTER => master = number(attribute.value()),
            IFLA_LINKINFO => vrf_table = table_of_vrf(attribute.value()),
            _ => {}
        }
    }
    let LinkHeader { index, flags, .. } = header;
    let link = HostLink { index, name: name?, flags, mac, master, vrf_table };
    Some(change.map(|()| link))
}

fn table_of_vrf(info: &[u8]) -> Option<u32> {
    let (mut is_vrf, mut table) = (false, None);
    for attribute in NlasIterator::new(info).flatten() {
        match attribute.kind() {
            IFLA_INFO_KIND => is_vrf = attribute.value().strip_suffix(b"\0") == Some(b"vrf"),
            IFLA_INFO_DATA => {
                let mut data = NlasIterator::new(attribute.value()).flatten();
                table = data
                    .find(|data| data.kind() == IFLA_VRF_TABLE)
                    .and_then(|data| number(data.value()));
            }
            _ => {}
        }
    }
    table.filter(|_| is_vrf)
}

#[cfg(test)]
mod tests {
    use netlink_packet_core::{DefaultNla, Emitable};
    use netlink_packet_route::link::{InfoData, InfoKind, InfoVrf, LinkInfo};

    use super::*;

    fn bytes(message: &LinkMessage) -> Vec<u8> {
        let mut bytes = vec![0; message.buffer_len()];
        message.emit(&mut bytes);
        bytes
    }

    fn header(message_type: u16) -> NetlinkHeader {
        let mut header = NetlinkHeader::default();
        header.message_type = message_type;
        header
    }

    #[test]
    fn an_attribute_that_cannot_be_decoded_does_not_hide_the_interface() {
        let mut message = LinkMessage::default();
        message.header.index = 9;
        message.attributes = vec![
            LinkAttribute::Other(DefaultNla::new(4, vec![1])),
            LinkAttribute::IfName("eth0".to_owned()),
            LinkAttribute::Address(vec![2, 0, 0, 0, 0, 1]),
        ];
        let Some(Change::New(link)) = decode(&header(RTM_NEWLINK), &bytes(&message)) else {
            panic!("no new interface")
        };
        assert_eq!(
            (link.index, link.name.as_str(), link.mac),
            (9, "eth0", MacAddr([2, 0, 0, 0, 0, 1]))
        );
    }

    #[test]
    fn a_vrf_has_a_table_for_its_ports() {
        let mut message = LinkMessage::default();
        let vrf = LinkInfo::Data(InfoData::Vrf(vec![InfoVrf::TableId(1000)]));
        message.attributes = vec![
            LinkAttribute::IfName("red".to_owned()),
            LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Vrf), vrf]),
        ];
        let red = decode(&header(RTM_NEWLINK), &bytes(&message)).unwrap().entry();
        assert_eq!((red.master, red.vrf_table), (None, Some(1000)));
        message.attributes.push(LinkAttribute::Controller(9));
        // The same number means something else of another kind.
        message.attributes[1] = LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Other("other".to_owned())),
            LinkInfo::Data(InfoData::Vrf(vec![InfoVrf::TableId(1000)])),
        ]);
        let port = decode(&header(RTM_NEWLINK), &bytes(&message)).unwrap().entry();
        assert_eq!((port.master, port.vrf_table), (Some(9), None));
    }

    #[test]
    fn a_port_that_leaves_its_bridge_is_not_deleted() {
        let mut message = LinkMessage::default();
        message.attributes = vec![LinkAttribute::IfName("eth0".to_owned())];
        assert!(decode(&header(RTM_DELLINK), &bytes(&message)).is_some());
        message.header.interface_family = AddressFamily::Bridge;
        assert!(decode(&header(RTM_DELLINK), &bytes(&message)).is_none());
    }

    #[test]
    fn up_means_carrier_too() {
        let link = |flags| HostLink { flags, ..HostLink::eth0() };
        assert!(link(LinkFlags::Up | LinkFlags::LowerUp).is_up());
        assert!(!link(LinkFlags::Up).is_up());
        assert!(!link(LinkFlags::LowerUp).is_up());
        assert!(!link(LinkFlags::Up | LinkFlags::LowerUp | LinkFlags::Dormant).is_up());
    }
}
