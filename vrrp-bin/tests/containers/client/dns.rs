//! One query and one answer, on a socket that is open all the while.

use std::{
    net::{SocketAddr, UdpSocket},
    time::Duration,
};

use libtest_mimic::Failed;
use vrrp_net::lab::Host;

/// `who.test A IN`, recursion desired, without its number.
const QUESTION: &[u8] =
    b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03who\x04test\x00\x00\x01\x00\x01";
/// The number of a query has 16 bits; then they repeat.
const NUMBERS: usize = 65_536;

/// A resolver's socket. A read ends after a tenth of a second without an answer.
pub(super) fn open(host: &Host) -> Result<UdpSocket, Failed> {
    let socket = host.run(|| UdpSocket::bind("0.0.0.0:0"))??;
    socket.set_read_timeout(Some(Duration::from_millis(100)))?;
    Ok(socket)
}

pub(super) fn ask(socket: &UdpSocket, server: SocketAddr, index: usize) {
    let number = u16::try_from(index % NUMBERS).unwrap_or_default();
    // What cannot be sent is lost.
    let _ = socket.send_to(&[&number.to_be_bytes(), QUESTION].concat(), server);
}

/// Reads an answer, which ends in the address that it tells: the query that it answers, and the
/// last octet of the address. An unreachable host is what this is about, and no error.
pub(super) fn answer(
    socket: &UdpSocket,
    server: SocketAddr,
    newest: &dyn Fn() -> usize,
) -> Option<(usize, u8)> {
    let mut buffer = [0; 512];
    let (length, source) = socket.recv_from(&mut buffer).ok()?;
    let answer = buffer.get(..length)?;
    let (&[high, low, flags, code], &node) = (answer.first_chunk()?, answer.last()?);
    // An answer from another address than the one that was asked is none.
    if source != server || flags & 0x80 == 0 || code & 0x0f != 0 {
        return None;
    }
    let (newest, number) = (newest(), usize::from(u16::from_be_bytes([high, low])));
    Some((newest - (newest.wrapping_sub(number) % NUMBERS).min(newest), node))
}
