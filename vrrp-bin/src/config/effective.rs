//! The effective configuration: every key with the value that is in force, secrets masked unless
//! they are asked for.

mod addresses;
mod checks;
mod scripts;

use std::{
    borrow::Cow,
    iter,
    net::{IpAddr, SocketAddr},
    path::Path,
    time::Duration,
};

use serde::Serialize;
use vrrp_core::{Checksum, Hear, Password, Preempt, Protocol, Role, Transport};

use super::{
    backend::{self, Backend},
    check::{self, LASTS},
    duration,
    names::is_router_name,
    plan::Config,
    router::RouterConfig,
};
use addresses::Address;
use checks::{Check, Group, Tracked};
use scripts::{Notify, Script};

/// What stands for a password. It has the length of the longest one, so that it parses.
const MASKED: &str = "********";

/// What becomes of passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Secrets {
    /// Something else stands for them: people show this to others.
    Masked,
    /// They are written: the file is to be used.
    Written,
}

/// The file that means the same with no default left out. It can be read back, but for passwords
/// that are masked.
#[derive(Serialize)]
pub(crate) struct Effective<'a> {
    virtual_router: Vec<Router<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    check: Vec<Check<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    group: Vec<Group<'a>>,
    daemon: Daemon<'a>,
}

#[derive(Serialize)]
struct Daemon<'a> {
    control: &'a Path,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'a Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    netns: Option<&'a str>,
    realtime: u8,
    script_security: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    notify_fifo: Option<&'a Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<SocketAddr>,
    /// Without metrics it says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    keepalived_metrics: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    probe: Option<SocketAddr>,
    #[serde(flatten)]
    notify: Notify<'a>,
}

#[derive(Serialize)]
struct Router<'a> {
    /// Absent if it was made of an interface's name and could not be written here. It is made of
    /// that again.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    interface: &'a str,
    vrid: u8,
    addresses: Vec<Address<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extra_addresses: Vec<Address<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    routes: Vec<String>,
    version: u8,
    priority: Priority,
    interval: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    preempt: Option<PreemptMode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hear: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lease: Option<bool>,
    backend: BackendChoice<'a>,
    announce: Announce,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    peers: Vec<Peer>,
    startup_delay: String,
    up_delay: String,
    /// An owner does not wait for silence.
    #[serde(skip_serializing_if = "Option::is_none")]
    look: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    track: Vec<Tracked<'a>>,
    /// Without a check it says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<&'static str>,
    #[serde(flatten)]
    notify: Notify<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before_active: Option<Script<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Priority {
    Number(u8),
    Word(&'static str),
}

#[derive(Serialize)]
#[serde(untagged)]
enum PreemptMode {
    Switch(bool),
    Delay(String),
}

#[derive(Serialize)]
#[serde(untagged)]
enum BackendChoice<'a> {
    Word(&'static str),
    Command(Command<'a>),
}

#[derive(Serialize)]
struct Command<'a> {
    command: Vec<Cow<'a, str>>,
    timeout: String,
    reach: &'static str,
}

#[derive(Serialize)]
struct Announce {
    repeat: Vec<String>,
    refresh: String,
}

#[derive(Serialize)]
struct Peer {
    address: IpAddr,
    min_ttl: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_ttl_routed: Option<u8>,
}

impl<'a> From<&'a Config> for Effective<'a> {
    fn from(config: &'a Config) -> Self {
        Self::new(config, Secrets::Masked)
    }
}

impl<'a> Effective<'a> {
    /// What is in force by this configuration.
    pub(crate) fn new(config: &'a Config, secrets: Secrets) -> Self {
        let realtime = config.realtime.as_ref().map_or(0, |(priority, _)| priority.get());
        let router = |router| Router::new(router, secrets);
        let virtual_router = config.routers.iter().map(router).collect();
        let state = config.state.as_ref().map(|(path, _)| path.as_path());
        Self {
            virtual_router,
            check: config.checks.iter().map(Check::from).collect(),
            group: config.groups.iter().map(Group::from).collect(),
            daemon: Daemon {
                control: &config.control,
                state,
                netns: config.netns.as_ref().map(|netns| netns.value.as_str()),
                realtime,
                script_security: config.is_secure,
                notify_fifo: config.fifo.as_ref().map(|fifo| fifo.value.as_path()),
                metrics: config.watch.metrics.as_ref().map(|metrics| metrics.value),
                keepalived_metrics: config
                    .watch
                    .metrics
                    .is_some()
                    .then_some(config.watch.keepalived),
                probe: config.watch.probe.as_ref().map(|probe| probe.value),
                notify: (&config.scripts).into(),
            },
        }
    }
}

impl<'a> Router<'a> {
    fn new(config: &'a RouterConfig, secrets: Secrets) -> Self {
        let router = &config.router;
        let (priority, preempt) = role(router.role());
        let (password, checksum) = options(router.protocol(), secrets);
        let (peers, hear) = transport(router.transport());
        let (lease, backend) = match &config.backend {
            Backend::Kernel { lease } => (Some(*lease), BackendChoice::Word("kernel")),
            Backend::Command(command) => (None, BackendChoice::Command(command.into())),
        };
        let family = router.family();
        let announcements = router.announcements();
        let repeat =
            (0..).map_while(|step| announcements.delay(step)).map(duration::format).collect();
        let refresh = duration::format(announcements.refresh().unwrap_or(Duration::ZERO));
        Self {
            name: Some(config.name.as_str()).filter(|name| is_router_name(name, family)),
            interface: &config.interface,
            vrid: router.vrid().get(),
            addresses: config.addresses.iter().map(|address| (&address.value).into()).collect(),
            extra_addresses: config.extra.iter().map(|address| (&address.value).into()).collect(),
            routes: config.routes.iter().map(|route| route.value.to_string()).collect(),
            version: router.version().get(),
            priority,
            interval: duration::format(router.interval().duration()),
            preempt,
            hear,
            source: router.source(),
            password,
            checksum,
            lease,
            backend,
            announce: Announce { repeat, refresh },
            peers,
            startup_delay: duration::format(router.startup_delay()),
            up_delay: duration::format(router.up_delay()),
            look: (router.role() != Role::Owner).then_some(router.look().as_str()),
            track: config.tracks.iter().map(|track| (&track.value).into()).collect(),
            last: (!config.tracks.is_empty()).then(|| check::word(LASTS, config.last)),
            notify: (&config.scripts).into(),
            before_active: config.before.as_ref().map(|script| (&script.value).into()),
        }
    }
}

fn role(role: Role) -> (Priority, Option<PreemptMode>) {
    match role {
        Role::Owner => (Priority::Word("owner"), None),
        Role::Contender { priority, preempt } => {
            (Priority::Number(priority.get()), Some(preempt.into()))
        }
    }
}

/// The password and the checksum, of which a protocol has one at most.
fn options(protocol: &Protocol, secrets: Secrets) -> (Option<String>, Option<&'static str>) {
    match protocol {
        Protocol::V2 { password, .. } => {
            (password.map(|password| written(password, secrets)), None)
        }
        Protocol::V3Ipv4 { checksum, .. } => (None, Some(checksum_word(*checksum))),
        Protocol::V3Ipv6 { .. } => (None, None),
    }
}

fn written(password: Password, secrets: Secrets) -> String {
    match secrets {
        Secrets::Masked => MASKED.to_owned(),
        // The octets behind its end are zeros (RFC 2338 5.3.10).
        Secrets::Written => {
            String::from_utf8_lossy(&password.octets()).trim_end_matches('\0').to_owned()
        }
    }
}

fn transport(transport: &Transport) -> (Vec<Peer>, Option<&'static str>) {
    let Transport::Unicast { peers, hear } = transport else { return (Vec::new(), None) };
    let peer = |peer: &vrrp_core::Peer| Peer {
        address: peer.address,
        min_ttl: peer.min_ttl,
        min_ttl_routed: peer.min_ttl_routed,
    };
    (peers.iter().map(peer).collect(), Some(hear_word(*hear)))
}

impl<'a> From<&'a backend::Command> for Command<'a> {
    fn from(command: &'a backend::Command) -> Self {
        let program = command.program.to_string_lossy();
        let arguments = command.arguments.iter().map(Into::into);
        Self {
            command: iter::once(program).chain(arguments).collect(),
            timeout: duration::format(command.timeout),
            reach: backend::reach_word(command.reach),
        }
    }
}

impl From<Preempt> for PreemptMode {
    fn from(preempt: Preempt) -> Self {
        match preempt {
            Preempt::Always => Self::Switch(true),
            Preempt::Never => Self::Switch(false),
            Preempt::After(delay) => Self::Delay(duration::format(delay)),
        }
    }
}

const fn checksum_word(checksum: Checksum) -> &'static str {
    match checksum {
        Checksum::Auto => "auto",
        Checksum::Rfc9568 => "rfc9568",
        Checksum::Rfc5798 => "rfc5798",
    }
}

const fn hear_word(hear: Hear) -> &'static str {
    match hear {
        Hear::Peers => "peers",
        Hear::Any => "any",
    }
}
