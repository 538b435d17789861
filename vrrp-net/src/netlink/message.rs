//! Datagrams of netlink messages, as bytes.

use netlink_packet_core::{
    Emitable, NetlinkBuffer, NetlinkHeader, NetlinkMessage, NetlinkPayload, NlasIterator, Parseable,
};
use netlink_packet_route::RouteNetlinkMessage;

use super::error::Error;

/// `NLMSG_ERROR` of `linux/netlink.h`: an acknowledgement or a refusal.
pub(super) const ERROR: u16 = 2;
/// `NLMSG_DONE` of `linux/netlink.h`: the end of a dump.
pub(super) const DONE: u16 = 3;
/// The length of `struct nlmsghdr`.
const HEADER: usize = 16;
/// `NLMSGERR_ATTR_MSG` of `linux/netlink.h`: the kernel's own words about a refusal.
const ERROR_TEXT: u16 = 1;

/// The messages in one datagram. It ends at the first one whose length cannot be.
pub(crate) struct Messages<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for Messages<'a> {
    type Item = (NetlinkHeader, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let buffer = NetlinkBuffer::new_checked(self.0).ok()?;
        let header = NetlinkHeader::parse(&buffer).ok()?;
        let length = usize::try_from(header.length).ok()?;
        let payload = self.0.get(HEADER..length)?;
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((header, payload))
    }
}

/// What a message reports of an entry of one of the kernel's tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change<T> {
    /// It is there, as of now or as it is now (`RTM_NEW*`).
    New(T),
    /// It is gone (`RTM_DEL*`).
    Gone(T),
}

impl<T> Change<T> {
    /// The entry, whatever became of it.
    pub(super) fn entry(self) -> T {
        match self {
            Self::New(entry) | Self::Gone(entry) => entry,
        }
    }

    /// The same of another entry.
    pub(crate) fn map<U>(self, other: impl FnOnce(T) -> U) -> Change<U> {
        match self {
            Self::New(entry) => Change::New(other(entry)),
            Self::Gone(entry) => Change::Gone(other(entry)),
        }
    }
}

/// Appends a request to a datagram.
pub(super) fn append(
    datagram: &mut Vec<u8>,
    message: RouteNetlinkMessage,
    flags: u16,
    sequence: u32,
) {
    let mut header = NetlinkHeader::default();
    header.flags = flags;
    header.sequence_number = sequence;
    let mut message = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(message));
    message.finalize();
    let start = datagram.len();
    datagram.resize(start + message.buffer_len().next_multiple_of(4), 0);
    if let Some(space) = datagram.get_mut(start..start + message.buffer_len()) {
        message.emit(space);
    }
}

/// What the payload of an [`ERROR`] or [`DONE`] says; `told` is what precedes the kernel's words.
pub(super) fn verdict(payload: &[u8], told: usize) -> Result<(), Error> {
    let code = match payload.first_chunk() {
        Some(code) => i32::from_ne_bytes(*code),
        None if payload.is_empty() => 0,
        None => return Err(Error::Malformed),
    };
    if code == 0 {
        return Ok(());
    }
    let text = payload.get(told..).and_then(text).unwrap_or_default();
    Err(Error::Refused { errno: code.saturating_abs(), text })
}

/// What precedes the kernel's words in an [`ERROR`] of a socket with `NETLINK_CAP_ACK`: the code,
/// and the header of the request.
pub(super) const TOLD_BY_ERROR: usize = 4 + HEADER;

fn text(attributes: &[u8]) -> Option<String> {
    let text =
        NlasIterator::new(attributes).flatten().find(|attribute| attribute.kind() == ERROR_TEXT)?;
    Some(String::from_utf8_lossy(text.value()).trim_end_matches('\0').to_owned())
}

/// The value of an attribute that is a number of 32 bits.
pub(super) fn number(value: &[u8]) -> Option<u32> {
    value.try_into().ok().map(u32::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_with_an_impossible_length_ends_the_datagram() {
        let mut datagram = Vec::new();
        for sequence in [1, 2] {
            append(&mut datagram, RouteNetlinkMessage::GetAddress(Default::default()), 0, sequence);
        }
        let sequences = |bytes: &[u8]| {
            Messages(bytes).map(|(header, _)| header.sequence_number).collect::<Vec<_>>()
        };
        assert_eq!(sequences(&datagram), [1, 2]);
        assert_eq!(sequences(&datagram[..datagram.len() - 1]), [1]);
        for length in [0, 15, u8::MAX] {
            datagram[0] = length;
            assert_eq!(sequences(&datagram), [0_u32; 0], "a length of {length}");
        }
    }

    #[test]
    fn a_refusal_carries_the_errno_and_the_words_of_the_kernel() {
        let mut payload = (-19_i32).to_ne_bytes().to_vec();
        payload.extend([0; HEADER]);
        payload.extend([8, 0, 1, 0, b'h', b'e', b'y', 0]);
        let error = verdict(&payload, TOLD_BY_ERROR).unwrap_err();
        assert_eq!(error.errno(), Some(19));
        assert!(error.to_string().contains("hey"), "{error}");
        assert!(verdict(&[0; 4], TOLD_BY_ERROR).is_ok());
        assert!(matches!(verdict(&[1, 2], TOLD_BY_ERROR), Err(Error::Malformed)));
    }
}
