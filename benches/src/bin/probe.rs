//! A check as users write one: a small program that ends with 0 when all is well.
//!
//! `beside checks` gives the same one to every daemon.

use std::{
    env,
    error::Error,
    fs::OpenOptions,
    io::Write,
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// How long a connection may take.
const LIMIT: Duration = Duration::from_secs(1);

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        // Passes if somebody accepts a connection.
        (Some("connect"), Some(address)) => {
            TcpStream::connect_timeout(&address.parse::<SocketAddr>()?, LIMIT)?;
        }
        // Passes always, and adds an octet to a file: its size is the number of runs.
        (Some("count"), Some(file)) => {
            OpenOptions::new().append(true).open(file)?.write_all(b".")?;
        }
        (_, _) => return Err("usage: probe connect ADDRESS:PORT, or probe count FILE".into()),
    }
    Ok(())
}
