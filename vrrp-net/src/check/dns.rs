//! [`Dns`]: a DNS server knows a name.

mod record;
#[cfg(test)]
mod tests;

use std::{
    any::Any,
    fmt,
    hash::{BuildHasher, RandomState},
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
};

use async_trait::async_trait;
use simple_dns::{
    CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, TYPE, header_buffer,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
};

pub use record::{RecordType, RecordTypeError};

use super::{Check, outcome::Outcome};

/// The largest answer by UDP to who does not ask for more (RFC 1035 4.2.1); a server that sends more
/// is heard all the same.
const DATAGRAM: usize = 4096;

/// Passes if a DNS server answers with at least one record of a type for a name.
///
/// It asks once by UDP, and again by TCP if the answer did not fit (RFC 1035, RFC 7766). An answer
/// counts only if it comes from that server and repeats the random number of the query and the
/// question; others are passed over. A `CNAME` that is answered with what it leads to is enough; it
/// is not followed.
///
/// ```
/// use vrrp_net::check::{Dns, dns::RecordType};
///
/// let check = Dns::new("127.0.0.1:53".parse()?, "example.org", RecordType::A)?;
/// # let _ = check;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Dns {
    server: SocketAddr,
    name: Name<'static>,
    record: RecordType,
}

/// Why a name cannot be asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is no name of the DNS: {why}")]
#[non_exhaustive]
pub struct NameError {
    given: String,
    why: String,
}

impl Dns {
    /// Returns one that asks `server` for records of this type of `name`.
    ///
    /// # Errors
    /// [`NameError`] if that can be no name.
    pub fn new(server: SocketAddr, name: &str, record: RecordType) -> Result<Self, NameError> {
        let absolute = name.strip_suffix('.').unwrap_or(name);
        let read = Name::new(absolute).map_err(|error| error.to_string());
        let read = read.and_then(|read| {
            let fits = absolute.is_empty() || !absolute.split('.').any(str::is_empty);
            fits.then(|| read.into_owned()).ok_or_else(|| "a part of it is empty".to_owned())
        });
        match read {
            Ok(name) => Ok(Self { server, name, record }),
            Err(why) => Err(NameError { given: name.to_owned(), why }),
        }
    }

    async fn ask(&self) -> Result<Answer, Failure> {
        let query = Query::of(self)?;
        match self.ask_by_udp(&query).await? {
            Answer::Truncated => self.ask_by_tcp(&query).await,
            answer @ (Answer::Refused(_) | Answer::Records(_)) => Ok(answer),
        }
    }

    async fn ask_by_udp(&self, query: &Query<'_>) -> Result<Answer, Failure> {
        let any: SocketAddr = match self.server {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(any).await?;
        // From then on the kernel passes on what comes from there alone.
        socket.connect(self.server).await?;
        socket.send(&query.octets).await?;
        let mut buffer = [0; DATAGRAM];
        loop {
            let length = socket.recv(&mut buffer).await?;
            if let Some(answer) = query.read(buffer.get(..length).unwrap_or_default()) {
                return Ok(answer);
            }
        }
    }

    async fn ask_by_tcp(&self, query: &Query<'_>) -> Result<Answer, Failure> {
        let mut stream = TcpStream::connect(self.server).await?;
        let length = u16::try_from(query.octets.len()).map_err(|_| Failure::Query)?;
        // Both at once: some servers want them in one segment.
        stream.write_all(&[&length.to_be_bytes(), query.octets.as_slice()].concat()).await?;
        let length = stream.read_u16().await?;
        let mut answer = vec![0; length.into()];
        stream.read_exact(&mut answer).await?;
        query.read(&answer).ok_or(Failure::Answer)
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("the answer by TCP is none to what was asked")]
    Answer,
    #[error("the query cannot be written")]
    Query,
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// It did not fit.
    Truncated,
    Refused(RCODE),
    /// As many of the type that was asked for.
    Records(usize),
}

struct Query<'a> {
    number: u16,
    question: Question<'a>,
    record: TYPE,
    octets: Vec<u8>,
}

impl<'a> Query<'a> {
    fn of(check: &'a Dns) -> Result<Self, Failure> {
        // The keys of a `RandomState` come from the operating system's randomness.
        let [high, low, ..] = RandomState::new().hash_one(check.server).to_ne_bytes();
        let (number, record) = (u16::from_ne_bytes([high, low]), TYPE::from(check.record.get()));
        let (kind, class) = (QTYPE::TYPE(record), QCLASS::CLASS(CLASS::IN));
        let question = Question::new(check.name.clone(), kind, class, false);
        let mut packet = Packet::new_query(number);
        packet.set_flags(PacketFlag::RECURSION_DESIRED);
        packet.questions.push(question.clone());
        let octets = packet.build_bytes_vec().map_err(|_| Failure::Query)?;
        Ok(Self { number, question, record, octets })
    }

    /// Reads an answer to this query; `None` if it is none.
    fn read(&self, octets: &[u8]) -> Option<Answer> {
        let is_ours = header_buffer::id(octets).ok()? == self.number
            && header_buffer::has_flags(octets, PacketFlag::RESPONSE).ok()?;
        if !is_ours {
            return None;
        }
        // What was cut off need not be readable; whoever asks again by TCP finds out.
        if header_buffer::has_flags(octets, PacketFlag::TRUNCATION).ok()? {
            return Some(Answer::Truncated);
        }
        let packet = Packet::parse(octets).ok()?;
        let [question] = packet.questions.as_slice() else { return None };
        let repeats = question.qtype == self.question.qtype
            && question.qclass == self.question.qclass
            && is_same_name(&question.qname, &self.question.qname);
        if !repeats {
            return None;
        }
        if packet.rcode() != RCODE::NoError {
            return Some(Answer::Refused(packet.rcode()));
        }
        let matching = packet.answers.iter().filter(|it| it.rdata.type_code() == self.record);
        Some(Answer::Records(matching.count()))
    }
}

/// Names are compared without regard to case (RFC 4343).
fn is_same_name(one: &Name<'_>, other: &Name<'_>) -> bool {
    one.to_string().eq_ignore_ascii_case(&other.to_string())
}

#[async_trait]
impl Check for Dns {
    async fn run(&self) -> Outcome {
        let Self { server, name, record } = self;
        match self.ask().await {
            Ok(Answer::Records(0)) => {
                Outcome::Failed(format!("{server} knows no {record} record of {name}"))
            }
            Ok(Answer::Records(count)) => {
                Outcome::Passed(format!("{server} knows {count} {record} records of {name}"))
            }
            Ok(Answer::Refused(code)) => {
                Outcome::Failed(format!("{server} answers {} for {name}", Code(code)))
            }
            Ok(Answer::Truncated) => {
                Outcome::Failed(format!("the answer of {server} is cut off by TCP, too"))
            }
            Err(Failure::Io(error)) => Outcome::of_error(server, &error),
            Err(error @ Failure::Answer) => Outcome::Failed(format!("{server}: {error}")),
            Err(error @ Failure::Query) => Outcome::NotRun(format!("{name}: {error}")),
        }
    }

    fn describe(&self) -> String {
        format!("{} knows a record of the type {} of {}", self.server, self.record, self.name)
    }

    fn is_same(&self, other: &dyn Check) -> bool {
        let Some(other) = (other as &dyn Any).downcast_ref::<Self>() else { return false };
        let Self { server, name, record } = self;
        (server, record) == (&other.server, &other.record) && is_same_name(name, &other.name)
    }
}

/// The name of a response code (RFC 1035 4.1.1).
struct Code(RCODE);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            RCODE::FormatError => f.write_str("FORMERR"),
            RCODE::ServerFailure => f.write_str("SERVFAIL"),
            RCODE::NameError => f.write_str("NXDOMAIN"),
            RCODE::NotImplemented => f.write_str("NOTIMP"),
            RCODE::Refused => f.write_str("REFUSED"),
            other => write!(f, "{other:?}"),
        }
    }
}
