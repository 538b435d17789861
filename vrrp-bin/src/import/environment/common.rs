//! What the styles have in common: all three, or the two images.

use std::{collections::HashSet, net::IpAddr, time::Duration};

use vrrp_core::{Family, Password, Peer, Preempt, Priority, Vrid};
use vrrp_net::VirtualAddress;

use super::reader::{Empty, Reader};
use crate::config::{AUTO, Draft, Found, List, Located, Notation, Place, Program, Rank, Wrong};

/// A virtual router whose addresses are in `addresses`, as the environment describes it.
pub(super) fn draft(addresses: &str) -> Draft {
    Draft::new(Notation::Variables, Place::variable(addresses))
}

/// `KEEPALIVED_INTERFACE`.
pub(super) fn interface(reader: &mut Reader, empty: Empty) -> Found<Located<String>> {
    named_interface(reader, "KEEPALIVED_INTERFACE", empty)
}

/// The interface that `name` names, eth0 if it is absent.
pub(super) fn named_interface(
    reader: &mut Reader,
    name: &str,
    empty: Empty,
) -> Found<Located<String>> {
    interface_or(reader, name, empty, "eth0")
}

/// The interface that `name` names, or else `default`.
pub(super) fn interface_or(
    reader: &mut Reader,
    name: &str,
    empty: Empty,
    default: &str,
) -> Found<Located<String>> {
    reader.text(name, empty).or(Located::new(Place::variable(name), default.to_owned()))
}

/// An interval of whole seconds.
pub(super) fn seconds(reader: &mut Reader, name: &str) -> Found<Located<Duration>> {
    let rule = "write a whole number of seconds from 1 to 255, the same on every node";
    let seconds = |text: &str| text.parse::<u8>().ok().filter(|seconds| *seconds > 0);
    let interval = |text: &str| Some(Duration::from_secs(seconds(text)?.into()));
    reader.value(name, Empty::Absent, rule, interval)
}

/// The address that advertisements are sent from.
pub(super) fn source(reader: &mut Reader, name: &str) -> Found<Located<IpAddr>> {
    let rule = "write an IP address of this host, such as 192.0.2.1";
    reader.value(name, Empty::Absent, rule, |text| text.parse().ok())
}

/// The name in `interface`, for the examples of others.
pub(super) fn name_of(interface: &Found<Located<String>>) -> &str {
    let name = interface.value().map(|interface| interface.value.as_str());
    name.filter(|name| *name != AUTO).unwrap_or("eth0")
}

/// What a VRID is.
pub(super) const VRID_RULE: &str = "write a number from 1 to 255, the same on every node";

/// A VRID, or else `default`.
pub(super) fn vrid(
    reader: &mut Reader,
    name: &str,
    empty: Empty,
    default: u8,
) -> Found<Located<Vrid>> {
    let found = given_vrid(reader, name, empty);
    match Vrid::try_from(default) {
        Ok(default) => found.or(Located::new(Place::variable(name), default)),
        Err(_) => found,
    }
}

/// A VRID, if there is one.
pub(super) fn given_vrid(reader: &mut Reader, name: &str, empty: Empty) -> Found<Located<Vrid>> {
    let vrid = |text: &str| Vrid::try_from(text.parse::<u8>().ok()?).ok();
    reader.value(name, empty, VRID_RULE, vrid)
}

/// The variables of a claim.
#[derive(Clone, Copy)]
pub(super) struct Claim {
    pub(super) state: &'static str,
    pub(super) priority: &'static str,
    pub(super) empty: Empty,
}

impl Claim {
    /// Those of the images whose names have a prefix.
    pub(super) const fn prefixed(empty: Empty) -> Self {
        Self { state: "KEEPALIVED_STATE", priority: "KEEPALIVED_PRIORITY", empty }
    }
}

/// Whether the state is MASTER.
pub(super) fn is_master(reader: &mut Reader, claim: Claim, default: bool) -> Found<bool> {
    let states = &[("MASTER", true), ("BACKUP", false)];
    reader.choice(claim.state, claim.empty, states).or(default)
}

/// The priority, and preemption of an image that always writes `nopreempt`, which keepalived clears
/// for `state MASTER`.
pub(super) fn claim_without_preemption(
    draft: &mut Draft,
    reader: &mut Reader,
    claim: Claim,
    default: u8,
) {
    let master = is_master(reader, claim, false);
    let preempt = if master == Found::Value(true) { Preempt::Always } else { Preempt::Never };
    settle(draft, reader, claim, default, preempt);
    match master {
        Found::Value(true) => reader.info(
            claim.state,
            "with MASTER this node preempts, because keepalived then ignores nopreempt",
        ),
        Found::Value(false) | Found::Absent => {}
        Found::Wrong => draft.preempt = Found::Wrong,
    }
}

/// The priority, and preemption as keepalived has it: the owner, whose priority is 255, always
/// preempts.
pub(super) fn settle(
    draft: &mut Draft,
    reader: &mut Reader,
    claim: Claim,
    default: u8,
    preempt: Preempt,
) {
    let Claim { priority: name, empty, .. } = claim;
    let place = Place::variable(name);
    let rule = "write a number from 1 to 254";
    let parse = |text: &str| text.parse().ok().filter(|priority: &u8| *priority > 0);
    let priority = reader.value(name, empty, rule, parse);
    let priority = priority.or(Located::new(place.clone(), default));
    draft.priority = priority.map(|priority| priority.map(rank));
    draft.preempt = match draft.priority.value().map(|rank| rank.value) {
        Some(Rank::Owner) => {
            let message = "255 is the priority of the owner of the addresses, which never gives \
                way; write 254 or less if this host is not the owner";
            reader.info(name, message);
            Found::Absent
        }
        _ => Found::Value(Located::new(place, preempt)),
    };
}

fn rank(priority: u8) -> Rank {
    Priority::try_from(priority).map_or(Rank::Owner, Rank::Contender)
}

/// The password as it is on the wire of keepalived, which reads one word of it, and of that eight
/// octets. Of `addresses`, those of IPv6 are advertised in VRRPv3, which has none.
pub(super) fn password(
    reader: &mut Reader,
    name: &str,
    default: &str,
    empty: Empty,
    addresses: &Found<List<VirtualAddress>>,
) -> Found<Located<Password>> {
    let is_used = !addresses.value().is_some_and(List::is_only_ipv6);
    let password = match reader.text(name, empty) {
        Found::Wrong => return Found::Wrong,
        Found::Absent => public_password(reader, name, default, is_used),
        Found::Value(given) => given_password(reader, name, &given.value, is_used),
    };
    // Where it is not used it is left out, but it has to be one all the same.
    match password {
        Ok(_) if !is_used => Found::Absent,
        password => password.map(|password| Located::new(Place::variable(name), password)).into(),
    }
}

fn public_password(
    reader: &mut Reader,
    name: &str,
    default: &str,
    is_used: bool,
) -> Result<Password, Wrong> {
    if is_used {
        reader.info(
            name,
            format!("the password is {default:?}, the image's default, which is publicly known"),
        );
    }
    // The default is right, unless it is made of a VRID that is wrong.
    Password::try_from(default.as_bytes()).map_err(|_| Wrong)
}

fn given_password(
    reader: &mut Reader,
    name: &str,
    given: &str,
    is_used: bool,
) -> Result<Password, Wrong> {
    if !is_used {
        reader.info(name, "this is ignored: IPv6 is advertised in VRRPv3, which has no passwords");
    }
    // Between quotes it is one word, whatever is in it.
    let word = if reader.is_quoted(name) { given } else { first_word(reader, name, given) };
    if word.len() > 8 {
        reader.warn(name, "only the first 8 octets are used, as keepalived does");
    }
    let octets = word.as_bytes();
    let password = Password::try_from(octets.get(..8).unwrap_or(octets));
    password.or_else(|_| unusable_password(reader, name))
}

/// What keepalived reads of a password that is not between quotes.
pub(super) fn first_word<'t>(reader: &mut Reader, name: &str, given: &'t str) -> &'t str {
    let ends = |c: char| c.is_whitespace() || c == '#' || c == '!';
    let word = given.split(ends).next().unwrap_or(given);
    if word.len() < given.len() {
        reader
            .warn(name, "only the part before the first space, # or ! is used, as keepalived does");
    }
    word
}

fn unusable_password(reader: &mut Reader, name: &str) -> Result<Password, Wrong> {
    reader.wrong(name, "this holds no usable password; write 1 to 8 characters")
}

/// The peers of `hosts`, each once, as the images take a host that is listed twice. `twice` is the
/// sentence about such a host.
pub(super) fn each_once(
    reader: &mut Reader,
    hosts: &mut List<IpAddr>,
    twice: impl Fn(IpAddr) -> String,
) {
    let mut seen = HashSet::new();
    hosts.entries.retain(|entry| match entry {
        Ok(host) if !seen.insert(host.value) => {
            reader.warn(&host.place.to_string(), twice(host.value));
            false
        }
        _ => true,
    });
}

/// `hosts` as peers. These contracts do not say where a peer is, and the programs that they are
/// from do not look at the TTL: no TTL is too small, nor any hop limit from `least_hop_limit` on.
pub(super) fn peers(hosts: List<IpAddr>, least_hop_limit: u8) -> List<Peer> {
    hosts.map(|host| {
        let least = if Family::of(host) == Family::Ipv6 { least_hop_limit } else { u8::MAX };
        Peer::from(host).min_ttl(least).min_ttl_routed(1)
    })
}

/// The words of a program, which no shell reads.
///
/// # Errors
/// What is wrong with them, as a sentence.
pub(super) fn program(text: &str) -> Result<Program, String> {
    let mut words = text.split_whitespace().map(str::to_owned);
    let program = words.next().filter(|program| program.starts_with('/')).ok_or_else(|| {
        format!(
            "this is {text:?}; write the absolute path of a program and its arguments, such as \
             /usr/local/bin/ok --quick"
        )
    })?;
    Ok(Program { program: program.into(), arguments: words.collect(), user: None })
}
