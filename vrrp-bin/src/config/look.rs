//! [`Look`]: what a check looks at.

use std::{
    ffi::OsString,
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    path::PathBuf,
    sync::Arc,
};

use vrrp_core::Cidr;
use vrrp_net::check::{
    self, Check, TargetError,
    dns::{NameError, RecordType},
    http::UrlError,
};

/// The statuses of HTTP that pass, unless others are named.
const GOOD: RangeInclusive<u16> = 200..=299;
/// The port of a DNS server.
const DNS: u16 = 53;

/// What a check looks at, as it was written and as it is looked at.
#[derive(Clone, Debug)]
pub(crate) enum Look {
    /// An HTTP server answers.
    Http(Box<Http>),
    /// A connection is accepted.
    Tcp(Tcp),
    /// A DNS server answers.
    Dns(Dns),
    /// A program ends well.
    Command(Program),
    /// There is a file, or none, or it has a number in it.
    File {
        /// Its absolute path.
        path: PathBuf,
        /// What is wanted of it.
        wants: Wants,
    },
    /// Processes of this name run.
    Process {
        /// The name.
        name: String,
        /// How many pass.
        count: RangeInclusive<u32>,
    },
    /// The interface of this name is up.
    Interface(String),
    /// There is a route to this subnet.
    Route(Cidr),
}

/// How many processes pass unless something else is said.
pub(crate) const ONE_OR_MORE: RangeInclusive<u32> = 1..=u32::MAX;

/// What a check wants of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wants {
    /// That it is there.
    Present,
    /// That it is not there.
    Absent,
    /// The whole number in it, which counts as often as it says.
    Number,
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    /// The URL.
    pub(crate) url: String,
    /// The statuses that pass.
    pub(crate) status: RangeInclusive<u16>,
    /// What has to occur in the body.
    pub(crate) body: Option<String>,
    /// The file of the authorities that may vouch for the server, in place of the host's.
    pub(crate) ca: Option<PathBuf>,
    request: check::Http,
}

/// A host and a port.
#[derive(Clone, Debug)]
pub(crate) struct Tcp {
    /// As it was written.
    pub(crate) target: String,
    connection: check::Tcp,
}

/// A question.
#[derive(Clone, Debug)]
pub(crate) struct Dns {
    /// Who is asked.
    pub(crate) server: SocketAddr,
    /// What is asked for.
    pub(crate) name: String,
    /// The type of its records.
    pub(crate) record: RecordType,
    question: check::Dns,
}

/// A program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    /// Its absolute path.
    pub(crate) program: PathBuf,
    /// Its arguments.
    pub(crate) arguments: Vec<String>,
    /// Whom it runs as, if not as this daemon.
    pub(crate) user: Option<String>,
}

impl Look {
    /// What looks. A program does not see the variables of the environment in `secrets`.
    pub(crate) fn check(&self, secrets: &[OsString]) -> Arc<dyn Check> {
        match self {
            Self::Http(http) => Arc::new(http.check()),
            Self::Tcp(tcp) => Arc::new(tcp.connection.clone()),
            Self::Dns(dns) => Arc::new(dns.question.clone()),
            Self::Command(program) => Arc::new(program.check(secrets)),
            Self::File { path, wants: Wants::Present } => Arc::new(check::File::present(path)),
            Self::File { path, wants: Wants::Absent } => Arc::new(check::File::absent(path)),
            Self::File { path, wants: Wants::Number } => Arc::new(check::File::number(path)),
            Self::Process { name, count } => {
                Arc::new(check::Process::new(name).count(count.clone()))
            }
            Self::Interface(name) => Arc::new(check::Interface::new(name)),
            Self::Route(prefix) => Arc::new(check::Route::new(*prefix)),
        }
    }
}

impl Http {
    /// A request for `url` that passes with a status of 200 to 299.
    pub(crate) fn new(url: &str) -> Result<Self, UrlError> {
        let request = check::Http::new(url)?;
        Ok(Self { url: url.to_owned(), status: GOOD, body: None, ca: None, request })
    }

    fn check(&self) -> check::Http {
        let mut check = self.request.clone().status(self.status.clone());
        if let Some(text) = &self.body {
            check = check.body(text);
        }
        if let Some(file) = &self.ca {
            check = check.authorities(file);
        }
        check
    }
}

impl Tcp {
    /// A connection to `target`, a host and a port.
    pub(crate) fn new(target: &str) -> Result<Self, TargetError> {
        let connection = check::Tcp::new(target)?;
        Ok(Self { target: target.to_owned(), connection })
    }
}

impl Dns {
    /// A question for records of type `record` of `name`.
    pub(crate) fn new(
        server: SocketAddr,
        name: &str,
        record: RecordType,
    ) -> Result<Self, NameError> {
        let question = check::Dns::new(server, name, record)?;
        Ok(Self { server, name: name.to_owned(), record, question })
    }
}

impl Program {
    fn check(&self, secrets: &[OsString]) -> check::Command {
        let command = check::Command::new(&self.program).args(&self.arguments);
        let command = secrets.iter().fold(command, check::Command::env_remove);
        match &self.user {
            Some(user) => command.user(user),
            None => command,
        }
    }
}

/// The address of a DNS server, with a port or without.
pub(crate) fn dns_server(text: &str) -> Option<SocketAddr> {
    let alone = || Some(SocketAddr::new(text.parse::<IpAddr>().ok()?, DNS));
    text.parse().ok().or_else(alone)
}

/// The statuses of HTTP that pass: one, or two with a hyphen between them.
pub(crate) fn statuses(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let status = |text: &str| text.parse().ok().filter(|status| (100..=599).contains(status));
    let (first, last) = (status(first)?, status(last)?);
    (first <= last).then_some(first..=last)
}
