//! Whoever connects and means harm, or forgets to close.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::Duration,
};

use vrrp_net::lab::wait_until;

use super::{
    http::{METRICS, get},
    start,
};
use crate::{Outcome, SOON};

/// Connections that are left open. The daemon keeps 32.
const CROWD: usize = 1000;

/// A thousand connections that say nothing, some that send garbage, and some that ask and never read:
/// the daemon serves its address and the next one who asks.
pub(super) fn it_goes_on() -> Outcome {
    let daemon = start("")?;
    let before = daemon.still("web")?;
    let crowd = daemon.host.run(|| -> io::Result<Vec<TcpStream>> {
        (0..CROWD).map(|_| TcpStream::connect(METRICS)).collect()
    })??;
    let answer = get(&daemon, METRICS, "/healthz")?;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let greedy = daemon.host.run(|| -> io::Result<Vec<TcpStream>> {
        let greedy = |_| {
            let mut stream = TcpStream::connect(METRICS)?;
            // As much as it takes until nothing more is read there.
            stream.set_write_timeout(Some(Duration::from_millis(100)))?;
            let question = format!("GET /metrics HTTP/1.1\r\nHost: {METRICS}\r\n\r\n");
            for _ in 0..1000 {
                if stream.write_all(question.as_bytes()).is_err() {
                    break;
                }
            }
            Ok(stream)
        };
        (0..8).map(greedy).collect()
    })??;
    for garbage in
        [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"[..], &[0xff; 4096], b"GET / HTTP/9.9\r\n\r\n"]
    {
        daemon.host.run(|| -> io::Result<()> {
            let mut stream = TcpStream::connect(METRICS)?;
            stream.set_read_timeout(Some(SOON))?;
            stream.write_all(garbage)?;
            // It is refused, or closed; it may be before all of it was sent.
            match stream.read(&mut [0; 64]) {
                Ok(_) => Ok(()),
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(()),
                Err(error) => Err(error),
            }
        })??;
    }
    let answer = get(&daemon, METRICS, "/metrics")?;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(daemon.still("web")?, before, "the node has noticed it");
    let pid = daemon.process.pid();
    let open = || std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
    assert!(open() < 200, "{} files are open", open());
    // Those who never read are closed like everybody who does nothing.
    drop(crowd);
    let closed = wait_until(SOON, || greedy.iter().all(is_closed));
    assert!(closed, "who never reads is kept for ever");
    Ok(())
}

/// Whether the other end has closed it, whatever has come before that.
fn is_closed(mut stream: &TcpStream) -> bool {
    if stream.set_nonblocking(true).is_err() {
        return false;
    }
    // Nothing is read, as by whoever never reads; a write fails once it was reset.
    matches!(stream.write(b"G"), Err(error) if error.kind() != io::ErrorKind::WouldBlock)
}
