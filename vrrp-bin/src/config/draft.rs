//! A virtual router as a reader found it, and the rules for its values one by one. What the values
//! must be for each other is in [`settled`].

mod addresses;
mod list;
mod settled;
mod unicast;

use std::{net::IpAddr, time::Duration};

use vrrp_core::{
    Announcements, Checksum, Cidr, ConfigError, Hear, Password, Peer, Preempt, Priority, Role, Vrid,
};

use super::{
    backend::Backend,
    found::{Found, Wrong},
    names::{is_interface_name, is_name},
    place::{Located, Place},
    problem::Problems,
    router::RouterConfig,
    sentence::Notation,
};
use addresses::Addresses;
use settled::Settled;
use unicast::Unicast;

pub(crate) use list::List;

/// A virtual router, or two if it has addresses of both families, as a reader found it. What is
/// absent has the default that [`Settled`] names, or is missing.
pub(crate) struct Draft {
    /// How the configuration is written.
    pub(crate) notation: Notation,
    /// Where it starts: the place of whatever is not there.
    pub(crate) place: Place,
    pub(crate) name: Found<Located<String>>,
    pub(crate) interface: Found<Located<String>>,
    pub(crate) vrid: Found<Located<Vrid>>,
    pub(crate) addresses: Found<List<Cidr>>,
    pub(crate) version: Found<Version>,
    pub(crate) interval: Found<Located<Duration>>,
    pub(crate) priority: Found<Located<Rank>>,
    pub(crate) preempt: Found<Located<Preempt>>,
    pub(crate) password: Found<Located<Password>>,
    pub(crate) checksum: Found<Located<Checksum>>,
    pub(crate) lease: Found<Located<bool>>,
    pub(crate) backend: Found<Located<Backend>>,
    pub(crate) announcements: Found<Announcements>,
    pub(crate) peers: Found<List<Peer>>,
    pub(crate) hear: Found<Located<Hear>>,
    pub(crate) source: Found<Located<IpAddr>>,
}

/// The version that IPv4 is advertised in. IPv6 is always advertised in VRRPv3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// RFC 3768.
    V2,
    /// RFC 9568.
    V3,
}

/// What a priority says about a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rank {
    /// It owns the addresses.
    Owner,
    /// It contends with this priority.
    Contender(Priority),
}

impl Draft {
    /// A virtual router of which nothing is known yet.
    pub(crate) const fn new(notation: Notation, place: Place) -> Self {
        Self {
            notation,
            place,
            name: Found::Absent,
            interface: Found::Absent,
            vrid: Found::Absent,
            addresses: Found::Absent,
            version: Found::Absent,
            interval: Found::Absent,
            priority: Found::Absent,
            preempt: Found::Absent,
            password: Found::Absent,
            checksum: Found::Absent,
            lease: Found::Absent,
            backend: Found::Absent,
            announcements: Found::Absent,
            peers: Found::Absent,
            hear: Found::Absent,
            source: Found::Absent,
        }
    }

    /// The virtual routers, IPv4 first: those that keep every rule. What the others break is
    /// reported.
    pub(super) fn finish(self, problems: &mut Problems) -> Vec<RouterConfig> {
        let settled = self.settle(problems);
        settled.map_or_else(|Wrong| Vec::new(), |settled| settled.routers(problems))
    }

    /// Holds each value to its own rules. All of them are looked at before the first that is wrong
    /// ends it.
    fn settle(self, problems: &mut Problems) -> Result<Settled, Wrong> {
        let interface = self.interface(problems);
        let vrid = self.required(&self.vrid, "vrid", "51", problems);
        let addresses = self.addresses(problems);
        let name = self.name(problems);
        let role = self.role(problems);
        let backend = self.backend(problems);
        let unicast = Unicast::settle(&self, problems);
        let one_second = Located::new(self.place.clone(), Duration::from_secs(1));
        Ok(Settled {
            notation: self.notation,
            name: name?,
            interface: interface?,
            vrid: vrid?,
            addresses: addresses?,
            version: self.version.unwrap_or(Version::V3)?,
            interval: self.interval.unwrap_or(one_second)?,
            role: role?,
            password: self.password.optional()?,
            checksum: self.checksum.optional()?,
            backend: backend?,
            announcements: self.announcements.unwrap_or(Announcements::default())?,
            unicast: unicast?,
            place: self.place,
        })
    }

    /// The value of `key`, which has no default; `example` is one in TOML.
    fn required<T: Clone>(
        &self,
        found: &Found<T>,
        key: &str,
        example: &str,
        problems: &mut Problems,
    ) -> Result<T, Wrong> {
        let missing = self.notation.missing(key, example);
        found.clone().optional()?.map_or_else(|| problems.wrong(&self.place, missing), Ok)
    }

    /// A name that the kernel allows.
    fn interface(&self, problems: &mut Problems) -> Result<Located<String>, Wrong> {
        let interface = self.required(&self.interface, "interface", "\"eth0\"", problems)?;
        let Located { place, value: name } = &interface;
        if name == "auto" {
            let quote = self.notation.quote("interface", name);
            let message = format!("{quote} is not supported in this version; name the interface");
            return problems.wrong(place, message);
        }
        if !is_interface_name(name) {
            let message = format!(
                "{} is {name:?}, which cannot be the name of an interface; write it as `ip link` \
                 shows it",
                self.notation.subject("interface")
            );
            return problems.wrong(place, message);
        }
        Ok(interface)
    }

    /// At least one address, each once, that a host can have.
    fn addresses(&self, problems: &mut Problems) -> Result<Addresses, Wrong> {
        let list = self.required(&self.addresses, "addresses", "[\"192.0.2.10/24\"]", problems)?;
        Addresses::settle(list, self.notation, problems)
    }

    /// A name that fits everywhere. Where there is IPv6 only, it may end in /v6, as it does when
    /// the two families of one are written apart.
    fn name(&self, problems: &mut Problems) -> Result<Option<Located<String>>, Wrong> {
        let Some(name) = self.name.clone().optional()? else { return Ok(None) };
        let only_ipv6 = self.addresses.value().is_some_and(List::is_only_ipv6);
        let stem = name.value.strip_suffix("/v6").filter(|_| only_ipv6).unwrap_or(&name.value);
        if !is_name(stem) {
            let message = format!(
                "{} is {:?}; write 1 to 64 letters, digits and any of . _ - : @, such as {}",
                self.notation.subject("name"),
                name.value,
                self.notation.text("web")
            );
            return problems.wrong(&name.place, message);
        }
        Ok(Some(name))
    }

    /// Priority and preemption, of which the owner has no choice.
    fn role(&self, problems: &mut Problems) -> Result<Role, Wrong> {
        let priority = self.priority.clone().optional()?.map(|priority| priority.value);
        let preempt = self.preempt.clone().optional()?;
        match (priority.unwrap_or(Rank::Contender(Priority::DEFAULT)), preempt) {
            (Rank::Owner, Some(preempt)) if preempt.value != Preempt::Always => {
                let message = format!(
                    "the owner of the addresses always preempts (RFC 9568 6.1); remove {}",
                    self.notation.subject("preempt")
                );
                problems.wrong(&preempt.place, message)
            }
            (Rank::Owner, _) => Ok(Role::Owner),
            (Rank::Contender(priority), preempt) => {
                let preempt = preempt.map_or(Preempt::Always, |preempt| preempt.value);
                Ok(Role::Contender { priority, preempt })
            }
        }
    }

    /// The backend, with the lease that only the kernel can give.
    fn backend(&self, problems: &mut Problems) -> Result<Located<Backend>, Wrong> {
        let lease = self.lease.clone().optional()?;
        let kernel = || Located::new(self.place.clone(), Backend::Kernel { lease: true });
        let backend = self.backend.clone().optional()?.unwrap_or_else(kernel);
        match (&backend.value, lease) {
            (_, None) => Ok(backend),
            (Backend::Kernel { .. }, Some(lease)) => {
                Ok(backend.map(|_| Backend::Kernel { lease: lease.value }))
            }
            (Backend::Command(_), Some(lease)) => {
                let message = "`lease` applies to addresses that the kernel holds; what a \
                    command holds never expires by itself, so remove it";
                problems.wrong(&lease.place, message)
            }
        }
    }
}

/// The password of these octets, which no sentence ever repeats. `subject` is what the sentence
/// calls them.
///
/// # Errors
/// That sentence.
pub(crate) fn password(subject: &str, octets: &[u8]) -> Result<Password, String> {
    let message = |error: ConfigError| format!("{subject} holds {} octets; {error}", octets.len());
    Password::try_from(octets).map_err(message)
}

/// What a delay of preemption means: none is no wait.
pub(crate) const fn preempt_after(delay: Duration) -> Preempt {
    if delay.is_zero() { Preempt::Always } else { Preempt::After(delay) }
}
