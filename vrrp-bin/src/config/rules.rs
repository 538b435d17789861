//! The rules that a virtual router must keep, whoever reads it. Here are those for its values one
//! by one; what the values must be for each other is in [`settled`].

mod addresses;
mod routes;
mod settled;
mod unicast;

use std::time::Duration;

use vrrp_core::{Announcements, ConfigError, Family, Look, Password, Preempt, Priority, Role};
use vrrp_net::check::Track;

use super::{
    backend::Backend,
    draft::{Draft, List, Rank, Version},
    duration,
    found::{Found, Wrong},
    names::{interface_fault, is_router_name},
    place::Located,
    problem::Problems,
    router::RouterConfig,
    script::Scripts,
};
use addresses::Addresses;
use settled::Settled;
use unicast::Unicast;

/// The longest delay before a virtual router contends.
const LONGEST_DELAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Draft {
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
        let addresses = self.addresses(interface.as_ref().ok(), problems);
        let routes = routes::settle(self.routes.clone(), problems);
        let name = self.name(problems);
        let role = self.role(problems);
        let backend = self.backend(problems);
        let unicast = Unicast::settle(&self, problems);
        let startup_delay = self.delay("startup_delay", &self.startup_delay, problems);
        let up_delay = self.delay("up_delay", &self.up_delay, problems);
        let one_second = Located::new(self.place.clone(), Duration::from_secs(1));
        Ok(Settled {
            notation: self.notation,
            name: name?,
            interface: interface?,
            vrid: vrid?,
            addresses: addresses?,
            routes: routes?,
            version: self.version.unwrap_or(Version::V3)?,
            interval: self.interval.unwrap_or(one_second)?,
            role: role?,
            password: self.password.optional()?,
            checksum: self.checksum.optional()?,
            backend: backend?,
            announcements: self.announcements.unwrap_or(Announcements::default())?,
            unicast: unicast?,
            startup_delay: startup_delay?,
            up_delay: up_delay?,
            look: self.look.unwrap_or(Look::default())?,
            tracks: tracks(self.track)?,
            last: self.last.optional()?,
            scripts: self.scripts.unwrap_or(Scripts::default())?,
            before: self.before.optional()?,
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

    /// How long to wait, which nobody does for more than a day.
    fn delay(
        &self,
        key: &str,
        found: &Found<Located<Duration>>,
        problems: &mut Problems,
    ) -> Result<Duration, Wrong> {
        let Some(delay) = found.clone().optional()? else { return Ok(Duration::ZERO) };
        if delay.value > LONGEST_DELAY {
            let message = format!(
                "{} is {:?}; write at most \"24h\"",
                self.notation.subject(key),
                duration::format(delay.value)
            );
            return problems.wrong(&delay.place, message);
        }
        Ok(delay.value)
    }

    /// A name that the kernel allows.
    fn interface(&self, problems: &mut Problems) -> Result<Located<String>, Wrong> {
        let interface = self.required(&self.interface, "interface", "\"eth0\"", problems)?;
        let Located { place, value: name } = &interface;
        match interface_fault(name, self.notation) {
            Some(fault) => {
                let subject = self.notation.subject("interface");
                problems.wrong(place, format!("{subject} is {name:?}, {fault}"))
            }
            None => Ok(interface),
        }
    }

    /// At least one address, each once, that a host can have; and those that are not advertised.
    /// `interface` is the one of the virtual router, if it is known.
    fn addresses(
        &self,
        interface: Option<&Located<String>>,
        problems: &mut Problems,
    ) -> Result<Addresses, Wrong> {
        let list = self.required(&self.addresses, "addresses", "[\"192.0.2.10/24\"]", problems)?;
        let extra = self.extra.clone().optional()?;
        let interface = interface.map(|interface| interface.value.as_str());
        Addresses::settle(list, extra, interface, self.notation, problems)
    }

    /// A name that fits everywhere.
    fn name(&self, problems: &mut Problems) -> Result<Option<Located<String>>, Wrong> {
        let Some(name) = self.name.clone().optional()? else { return Ok(None) };
        let only_ipv6 = self.addresses.value().is_some_and(List::is_only_ipv6);
        let family = if only_ipv6 { Family::Ipv6 } else { Family::Ipv4 };
        if !is_router_name(&name.value, family) {
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

/// What checks mean to it: nothing if it says nothing.
fn tracks(track: Found<List<Track>>) -> Result<Vec<Located<Track>>, Wrong> {
    let list = track.optional()?.map(List::complete).transpose()?;
    Ok(list.map(|list| list.value).unwrap_or_default())
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
