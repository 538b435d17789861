//! [`Socket`]: requests to the kernel, one after the other.

use std::{
    collections::BTreeSet,
    io,
    time::{Duration, Instant},
};

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkDeserializable, NetlinkHeader,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::{SocketAddr, protocols::NETLINK_ROUTE};
use socket2::SockRef;

use super::{
    error::{Error, TIMEOUT},
    message::{self, Messages},
};

/// How many messages go out at once: so many acknowledgements fit into a receive buffer of default
/// size.
const BATCH: usize = 255;
/// How often a dump is begun again because the table changed under it, and for how long, whatever
/// takes longer. Others wait meanwhile, for their addresses to be renewed.
const DUMPS: usize = 5;
const PATIENCE: Duration = Duration::from_millis(100);
/// Large enough for every datagram that the kernel makes of a dump.
const DATAGRAM: usize = 64 * 1024;

/// A blocking NETLINK_ROUTE socket in the network namespace of the thread that made it.
///
/// No call blocks for longer than a few seconds. The kernel works on a request within the call and
/// while it holds the lock on its tables, so a call can take milliseconds: never call it from a
/// task that must not wait.
pub struct Socket {
    socket: netlink_sys::Socket,
    filters: bool,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Socket {
    /// A socket in the network namespace of the calling thread.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn new() -> io::Result<Self> {
        let mut socket = netlink_sys::Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        socket.set_cap_ack(true)?;
        socket.set_ext_ack(true)?;
        let filters = socket.set_netlink_get_strict_chk(true).is_ok();
        SockRef::from(&socket).set_read_timeout(Some(TIMEOUT))?;
        SockRef::from(&socket).set_write_timeout(Some(TIMEOUT))?;
        Ok(Self { socket, filters, sequence: 0, buffer: Vec::with_capacity(DATAGRAM) })
    }

    /// Whether the kernel makes a dump of only what the request names, as an interface
    /// (`NETLINK_GET_STRICT_CHK`, since Linux 4.20). An older one lists everything.
    pub(crate) fn filters(&self) -> bool {
        self.filters
    }

    /// Sends one request and waits for its acknowledgement. `NLM_F_REQUEST` and `NLM_F_ACK` are
    /// added to `flags`.
    ///
    /// # Errors
    /// [`Error`], with the error number when the kernel refused.
    pub fn request(&mut self, message: RouteNetlinkMessage, flags: u16) -> Result<(), Error> {
        self.batch(vec![(message, flags)])?.pop().unwrap_or(Err(Error::Malformed))
    }

    /// Sends all requests together, at most 255 in one call of the kernel, and waits until all are
    /// answered. A refused one does not stop the others. The answers are in the order of the
    /// requests.
    ///
    /// # Errors
    /// [`Error`] when the socket failed: what became of the requests is not known then.
    pub fn batch(
        &mut self,
        messages: Vec<(RouteNetlinkMessage, u16)>,
    ) -> Result<Vec<Result<(), Error>>, Error> {
        let mut answers = Vec::with_capacity(messages.len());
        let mut messages = messages.into_iter().peekable();
        while messages.peek().is_some() {
            answers.extend(self.chunk(messages.by_ref().take(BATCH))?);
        }
        Ok(answers)
    }

    /// Asks for a table and returns its entries. Entries that cannot be decoded are left out.
    ///
    /// # Errors
    /// [`Error`], with the error number when the kernel refused.
    pub fn dump(
        &mut self,
        message: RouteNetlinkMessage,
    ) -> Result<Vec<RouteNetlinkMessage>, Error> {
        self.dump_with(&message, |header, payload| {
            RouteNetlinkMessage::deserialize(header, payload).ok()
        })
    }

    /// Asks for a table and decodes its entries with `decode`, which leaves out those that it maps
    /// to `None`.
    pub(crate) fn dump_with<T>(
        &mut self,
        message: &RouteNetlinkMessage,
        decode: impl Fn(&NetlinkHeader, &[u8]) -> Option<T>,
    ) -> Result<Vec<T>, Error> {
        let mut whole = None;
        self.dumps(message, decode, |entries, is_whole| {
            whole = Some(entries).filter(|_| is_whole);
            is_whole
        })?;
        whole.ok_or(Error::Interrupted)
    }

    /// Asks for a table until it did not change under the dump. Where it never stands still this is
    /// what any of several dumps had, the last one first. A dump leaves out an entry that was there
    /// all the time only if its neighbours changed just then; that all of them leave it out does
    /// not happen. `key` tells entries apart.
    pub(crate) fn dump_merged<T, K: Ord>(
        &mut self,
        message: &RouteNetlinkMessage,
        decode: impl Fn(&NetlinkHeader, &[u8]) -> Option<T>,
        key: impl Fn(&T) -> K,
    ) -> Result<Vec<T>, Error> {
        let mut merged = Vec::new();
        self.dumps(message, decode, |mut entries, is_whole| {
            if !is_whole {
                let keys: BTreeSet<K> = entries.iter().map(&key).collect();
                entries.extend(merged.drain(..).filter(|old| !keys.contains(&key(old))));
            }
            merged = entries;
            is_whole
        })?;
        Ok(merged)
    }

    /// Asks for a table until it did not change under the dump, or what there is `is_enough`; what
    /// the last dump had.
    pub(crate) fn dump_until<T>(
        &mut self,
        message: &RouteNetlinkMessage,
        decode: impl Fn(&NetlinkHeader, &[u8]) -> Option<T>,
        is_enough: impl Fn(&[T]) -> bool,
    ) -> Result<Vec<T>, Error> {
        let mut last = Vec::new();
        self.dumps(message, decode, |entries, is_whole| {
            last = entries;
            is_whole || is_enough(&last)
        })?;
        Ok(last)
    }

    /// Asks for a table, and returns the first entry that `decode` accepts among about the first
    /// `most` of them. What is left of the dump goes with the socket: a table of any length costs
    /// no more.
    pub(crate) fn find_among<T>(
        mut self,
        most: usize,
        message: RouteNetlinkMessage,
        decode: impl Fn(&NetlinkHeader, &[u8]) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        self.send(message, NLM_F_DUMP)?;
        let (found, _) = self.read(&decode, |read, found| read >= most || !found.is_empty())?;
        Ok(found.into_iter().next())
    }

    /// Asks for a table until `is_done`, which is given what a dump had, and whether the table did
    /// not change under it.
    fn dumps<T>(
        &mut self,
        message: &RouteNetlinkMessage,
        decode: impl Fn(&NetlinkHeader, &[u8]) -> Option<T>,
        mut is_done: impl FnMut(Vec<T>, bool) -> bool,
    ) -> Result<(), Error> {
        let begun = Instant::now();
        let mut left = DUMPS;
        while left > 0 || begun.elapsed() < PATIENCE {
            let (entries, is_whole) = self.ask(message.clone(), NLM_F_DUMP, &decode)?;
            if is_done(entries, is_whole) {
                break;
            }
            left = left.saturating_sub(1);
        }
        Ok(())
    }

    /// Asks for one entry of a table.
    pub(crate) fn get_with<T>(
        &mut self,
        message: RouteNetlinkMessage,
        decode: impl Fn(&NetlinkHeader, &[u8]) -> Option<T>,
    ) -> Result<T, Error> {
        let (entries, _) = self.ask(message, NLM_F_ACK, &decode)?;
        entries.into_iter().next().ok_or(Error::Malformed)
    }

    fn chunk(
        &mut self,
        messages: impl Iterator<Item = (RouteNetlinkMessage, u16)>,
    ) -> Result<Vec<Result<(), Error>>, Error> {
        let first = self.sequence.wrapping_add(1);
        let mut datagram = Vec::new();
        let mut answers = Vec::new();
        let mut messages = messages.peekable();
        while let Some((message, flags)) = messages.next() {
            self.sequence = self.sequence.wrapping_add(1);
            // Refusals are always told, and in order: the last answer says that those without one
            // succeeded.
            let ack = if messages.peek().is_none() { NLM_F_ACK } else { 0 };
            message::append(&mut datagram, message, flags | NLM_F_REQUEST | ack, self.sequence);
            answers.push(Ok(()));
        }
        self.socket.send(&datagram, 0)?;
        let deadline = Instant::now() + TIMEOUT;
        let mut done = answers.is_empty();
        while !done {
            self.receive(deadline)?;
            for (header, payload) in Messages(&self.buffer) {
                let number = usize::try_from(header.sequence_number.wrapping_sub(first)).ok();
                let answer = number.and_then(|number| answers.get_mut(number));
                if let (message::ERROR, Some(answer)) = (header.message_type, answer) {
                    *answer = message::verdict(payload, message::TOLD_BY_ERROR);
                    done |= header.sequence_number == self.sequence;
                }
            }
        }
        Ok(answers)
    }

    /// Sends one request and reads what is told, up to the end of a dump or the acknowledgement;
    /// and whether the table did not change under the dump.
    fn ask<T>(
        &mut self,
        message: RouteNetlinkMessage,
        flags: u16,
        decode: &impl Fn(&NetlinkHeader, &[u8]) -> Option<T>,
    ) -> Result<(Vec<T>, bool), Error> {
        self.send(message, flags)?;
        self.read(decode, |_, _| false)
    }

    fn send(&mut self, message: RouteNetlinkMessage, flags: u16) -> Result<(), Error> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut datagram = Vec::new();
        message::append(&mut datagram, message, NLM_F_REQUEST | flags, self.sequence);
        self.socket.send(&datagram, 0)?;
        Ok(())
    }

    /// Reads what is told of the last request; or as much as `is_enough`, which is given how many
    /// entries were read, and those that `decode` accepted.
    fn read<T>(
        &mut self,
        decode: &impl Fn(&NetlinkHeader, &[u8]) -> Option<T>,
        is_enough: impl Fn(usize, &[T]) -> bool,
    ) -> Result<(Vec<T>, bool), Error> {
        let deadline = Instant::now() + TIMEOUT;
        let (mut entries, mut read, mut interrupted) = (Vec::new(), 0_usize, false);
        while !is_enough(read, &entries) {
            self.receive(deadline)?;
            for (header, payload) in Messages(&self.buffer) {
                if header.sequence_number != self.sequence {
                    continue;
                }
                interrupted |= header.flags & NLM_F_DUMP_INTR != 0;
                match header.message_type {
                    message::ERROR => {
                        message::verdict(payload, message::TOLD_BY_ERROR)?;
                        return Ok((entries, true));
                    }
                    message::DONE => {
                        message::verdict(payload, size_of::<i32>())?;
                        return Ok((entries, !interrupted));
                    }
                    _ => {
                        read += 1;
                        entries.extend(decode(&header, payload));
                    }
                }
            }
        }
        Ok((entries, false))
    }

    /// Fills the buffer with the next datagram.
    fn receive(&mut self, deadline: Instant) -> Result<(), Error> {
        if Instant::now() >= deadline {
            return Err(Error::Timeout);
        }
        self.buffer.clear();
        match self.socket.recv(&mut self.buffer, 0) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(Error::Timeout),
            Err(error) => Err(Error::Io(error)),
        }
    }
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Socket").field("sequence", &self.sequence).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use netlink_packet_route::link::LinkMessage;

    use super::*;

    #[test]
    fn a_dump_lists_the_loopback_interface() {
        let links = Socket::new()
            .unwrap()
            .dump(RouteNetlinkMessage::GetLink(LinkMessage::default()))
            .unwrap();
        let is_first = |link: &RouteNetlinkMessage| matches!(link, RouteNetlinkMessage::NewLink(link) if link.header.index == 1);
        assert!(links.iter().any(is_first), "{links:?}");
    }

    #[test]
    fn of_a_long_table_only_the_beginning_is_read() {
        let addresses = || {
            let all = netlink_packet_route::address::AddressMessage::default();
            RouteNetlinkMessage::GetAddress(all)
        };
        let find = |most, wanted: &dyn Fn() -> bool| {
            let decode = |_: &_, _: &_| wanted().then_some(());
            Socket::new().unwrap().find_among(most, addresses(), decode).unwrap()
        };
        assert_eq!(find(0, &|| true), None);
        assert_eq!(find(1, &|| true), Some(()));
        assert_eq!(find(usize::MAX, &|| false), None, "there is none");
    }

    #[test]
    fn each_request_of_a_batch_has_its_own_answer() {
        let mut socket = Socket::new().unwrap();
        let request = |number| {
            let mut link = LinkMessage::default();
            link.header.index = if number % 2 == 0 { i32::MAX.unsigned_abs() } else { 0 };
            (RouteNetlinkMessage::GetLink(link), 0)
        };
        let answers = socket.batch((0..600).map(request).collect()).unwrap();
        assert_eq!(answers.len(), 600);
        for (number, answer) in answers.iter().enumerate() {
            let expected = if number % 2 == 0 { libc::ENODEV } else { libc::EINVAL };
            let errno = answer.as_ref().err().and_then(Error::errno);
            assert_eq!(errno, Some(expected), "{number}: {answer:?}");
        }
        assert!(socket.dump(RouteNetlinkMessage::GetLink(LinkMessage::default())).is_ok());
    }
}
