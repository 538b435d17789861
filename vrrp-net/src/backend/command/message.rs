//! What a program is told on its standard input.

use std::{
    fmt,
    fs::File,
    io::{self, Seek, Write},
    net::IpAddr,
};

use nix::{
    errno::Errno,
    sys::memfd::{MFdFlags, memfd_create},
};
use serde::Serialize;

use crate::{Lease, Release};

/// The version of the message: fields may be added to it, and none renamed or removed.
const SCHEMA: u8 = 1;
/// `MFD_NOEXEC_SEAL` of `linux/memfd.h`.
const NOEXEC_SEAL: u32 = 8;

/// What a program is asked to do.
#[derive(Clone, Copy, Debug)]
pub(super) enum Action<'a> {
    Acquire,
    Release(&'a Release),
    Inspect,
}

impl Action<'_> {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Acquire => "acquire",
            Self::Release(_) => "release",
            Self::Inspect => "inspect",
        }
    }
}

impl fmt::Display for Action<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Serialize)]
struct Message<'a> {
    schema: u8,
    action: &'static str,
    name: &'a str,
    interface: &'a str,
    vrid: u8,
    family: String,
    addresses: Vec<String>,
    generation: u64,
    owner: bool,
    #[serde(flatten)]
    release: Option<Farewell>,
}

/// What only a release says.
#[derive(Serialize)]
struct Farewell {
    reason: &'static str,
    successor: Option<IpAddr>,
}

impl<'a> Message<'a> {
    fn new(action: Action<'_>, lease: &'a Lease) -> Self {
        let release = match action {
            Action::Release(release) => {
                Some(Farewell { reason: release.reason.as_str(), successor: release.successor })
            }
            Action::Acquire | Action::Inspect => None,
        };
        Self {
            schema: SCHEMA,
            action: action.as_str(),
            name: &lease.name,
            interface: &lease.interface,
            vrid: lease.key.vrid.get(),
            family: lease.key.family.to_string(),
            addresses: lease.cidrs().map(|cidr| cidr.to_string()).collect(),
            generation: lease.generation.get(),
            owner: lease.owner,
            release,
        }
    }
}

/// A file in memory that holds the message, to be read from its beginning. Unlike a pipe it is
/// never too full for a program that does not read.
pub(super) fn file(action: Action<'_>, lease: &Lease) -> io::Result<File> {
    let mut text = serde_json::to_vec(&Message::new(action, lease))?;
    text.push(b'\n');
    // Some hosts allow files in memory only where nothing can be executed; kernels before 6.3 do
    // not know of that.
    let create = |flags| memfd_create(c"vrrp-command", MFdFlags::MFD_CLOEXEC | flags);
    let made = match create(MFdFlags::from_bits_retain(NOEXEC_SEAL)) {
        Err(Errno::EINVAL) => create(MFdFlags::empty()),
        made => made,
    };
    let mut file = File::from(made?);
    file.write_all(&text)?;
    file.rewind()?;
    Ok(file)
}
