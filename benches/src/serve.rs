//! The other end of the checks: it accepts, and answers each request in the same way.

use std::{error::Error, fmt, io, str::FromStr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
};

/// Where it answers, of 127.0.0.1.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// It accepts, and closes.
    pub tcp: u16,
    /// It answers a query with one address (UDP).
    pub dns: u16,
    /// It answers 200, without TLS.
    pub http: u16,
}

impl FromStr for Ports {
    type Err = Box<dyn Error>;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut ports = text.split_whitespace().map(str::parse);
        let mut next = || Ok::<_, Self::Err>(ports.next().ok_or("a port is missing")??);
        Ok(Self { tcp: next()?, dns: next()?, http: next()? })
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.tcp, self.dns, self.http)
    }
}

/// Prints the ports and answers until this process is killed.
///
/// # Errors
/// What the operating system says when a port cannot be had.
pub fn serve() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let accepts = TcpListener::bind("127.0.0.1:0").await?;
        let dns = UdpSocket::bind("127.0.0.1:0").await?;
        let http = TcpListener::bind("127.0.0.1:0").await?;
        let port = |address: io::Result<std::net::SocketAddr>| address.map(|it| it.port());
        let (tcp, named) = (port(accepts.local_addr())?, port(dns.local_addr())?);
        println!("{}", Ports { tcp, dns: named, http: port(http.local_addr())? });
        tokio::spawn(async move { while accepts.accept().await.is_ok() {} });
        tokio::spawn(async move { while answer_one(&dns).await.is_ok() {} });
        loop {
            let (stream, _) = http.accept().await?;
            tokio::spawn(respond(stream));
        }
    })
}

/// Answers a query with one address.
async fn answer_one(socket: &UdpSocket) -> io::Result<()> {
    /// A reference to the name of the question, A, IN, 60 s, and 192.0.2.1.
    const RECORD: [u8; 16] = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1];
    let mut buffer = [0; 512];
    let (length, client) = socket.recv_from(&mut buffer).await?;
    let mut answer = buffer.get(..length).unwrap_or_default().to_vec();
    if let Some([flags, _, _, _, _, answers]) = answer.get_mut(2..8) {
        *flags |= 0x80;
        *answers = 1;
    }
    answer.extend(RECORD);
    socket.send_to(&answer, client).await.map(drop)
}

async fn respond(mut stream: TcpStream) -> io::Result<()> {
    const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    stream.write_all(RESPONSE).await
}
