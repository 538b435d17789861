//! One request on a connection of its own.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::Duration,
};

/// Asks for the page, and returns the last octet of the address on it; nothing without an answer.
pub(super) fn ask(server: Ipv4Addr, patience: Duration) -> Option<u8> {
    let mut stream = TcpStream::connect_timeout(&SocketAddr::from((server, 80)), patience).ok()?;
    stream.set_read_timeout(Some(patience)).ok()?;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: who.test\r\nconnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, page) = answer.split_once("\r\n\r\n")?;
    if !head.starts_with("HTTP/1.1 200 ") {
        return None;
    }
    page.trim().parse::<Ipv4Addr>().ok()?.octets().last().copied()
}
