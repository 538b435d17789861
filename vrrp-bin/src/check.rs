//! `vrrp check`: is this configuration good, and good for this host?

mod auto;
mod held;
mod host;
mod keepalived;
mod programs;
mod tracking;
mod wiring;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::IpAddr,
};

use vrrp_core::{Cidr, Family, Role, Transport};
use vrrp_net::{
    backend::{Netlink, netlink::Unfit},
    host::{Capability, Interface},
};

use crate::{
    cli,
    config::{
        Backend, Config, ConfigErrors, Found, Located, Place, Plan, Problems, RouterConfig,
        effective::Effective, family_name,
    },
    descriptors,
    import::{
        self, Beside, Format, Note,
        environment::{self, Reading},
    },
    leftovers, netns,
};
use host::Host;
pub(crate) use keepalived::as_keepalived;
pub(crate) use programs::warnings as unusable_programs;

/// Runs `vrrp check` and returns the exit status.
pub(crate) fn main(arguments: &cli::Check) -> u8 {
    let (config, mut notes) = load(arguments);
    notes.extend(config.as_ref().ok().and_then(kernel));
    for note in &notes {
        eprintln!("{note}");
    }
    let config = match config {
        Ok(config) => config,
        Err(errors) => {
            eprintln!("{errors}");
            return cli::BAD_CONFIGURATION;
        }
    };
    let outside = outside(&config);
    let is_outside = outside.is_some();
    let mut warnings = of_host(&config, outside);
    let others = tracking::warnings(&config).into_iter().chain(programs::warnings(&config));
    let others = others.chain(programs::no_directory(&config));
    warnings.extend(others.map(|(place, message)| Warning { place, message }));
    warnings.extend(realtime(&config));
    warnings.extend(files(&config));
    warnings.extend(state(&config));
    // Where the host cannot be looked at, that was said.
    let left = if is_outside { Vec::new() } else { leftovers::beside(&config).unwrap_or_default() };
    warnings.extend(
        left.iter().map(|left| Warning { place: &config.origin, message: left.to_string() }),
    );
    for warning in &warnings {
        eprintln!("{warning}");
    }
    let count = warnings.len().saturating_add(notes.iter().filter(|note| note.warning).count());
    if let Err(error) = print(&config, arguments.format, count) {
        eprintln!("the configuration cannot be printed: {error}");
        return cli::FAILED;
    }
    match (count == 0, arguments.strict) {
        (true, _) => cli::OK,
        (false, false) => cli::WARNINGS,
        (false, true) => cli::BAD_CONFIGURATION,
    }
}

/// What of `config` does not suit the network of this host, unless this process is outside of it.
fn of_host<'a>(config: &'a Config, outside: Option<(&'a Place, String)>) -> Vec<Warning<'a>> {
    let blind = |place, why: String| {
        let message = format!("{why}; only the configuration itself was checked");
        vec![Warning { place, message }]
    };
    if let Some((place, why)) = outside {
        return blind(place, why);
    }
    match Host::read() {
        Ok(host) => compare(config, &host),
        Err(error) => blind(&config.origin, format!("this host cannot be examined: {error}")),
    }
}

/// Why this process is not in the network namespace of `config`.
fn outside(config: &Config) -> Option<(&Place, String)> {
    let Located { place, value: name } = config.netns.as_ref()?;
    Some((place, netns::enter(name).err()?))
}

/// Reads the file or the environment. What the environment leaves to be said comes with it.
fn load(arguments: &cli::Check) -> (Result<Config, ConfigErrors>, Vec<Note>) {
    let cli::File { file, from_env } = &arguments.config;
    if !from_env {
        let beside = Beside { id: arguments.config_id.clone(), ..Beside::default() };
        let (config, mut notes) = import::read(file, Format::of(file), &beside, look_at);
        let config = config.and_then(fit);
        notes.extend(config.iter().flat_map(chosen));
        return (config, notes);
    }
    let Reading { config, mut notes, foreign } = environment::read(look_at);
    let config = config.and_then(fit);
    notes.extend(config.iter().flat_map(chosen));
    if foreign && config.is_ok() {
        let message = "neither the kernel module ip_vs nor the sysctl net.ipv4.ip_nonlocal_bind, \
            which other images ask for, is needed here";
        notes.push(Note::new(false, Place::Environment, message));
    }
    if config.is_err() {
        notes.retain(|note| note.warning);
    }
    (config, notes)
}

/// What was chosen on this host.
fn chosen(config: &Config) -> Vec<Note> {
    let note = |Located { place, value }: &Located<String>| Note::new(false, place.clone(), value);
    config.chosen.iter().map(note).collect()
}

/// Enters the network namespace of `plan`, and chooses there what is to be chosen on this host.
/// This comes before anything else of the network is touched, and before any thread that does.
pub(crate) fn prepare(plan: &mut Plan, problems: &mut Problems) {
    let entered = match &plan.netns {
        Found::Absent => Ok(()),
        // In another namespace nothing could be chosen.
        Found::Wrong => return,
        Found::Value(Located { place, value: name }) => {
            problems.check(place, netns::enter(name), |message| message)
        }
    };
    if entered.is_ok() {
        auto::choose(plan, problems);
    }
}

fn print(
    config: &Config,
    format: Option<cli::Format>,
    warnings: usize,
) -> Result<(), Box<dyn std::error::Error>> {
    let effective = Effective::from(config);
    match format {
        Some(cli::Format::Toml) => print!("{}", toml::to_string(&effective)?),
        Some(cli::Format::Json) => println!("{}", serde_json::to_string_pretty(&effective)?),
        None => {
            let names: Vec<String> = config
                .routers
                .iter()
                .map(|router| format!("{} on {}", router.name, router.interface))
                .collect();
            let count = match warnings {
                0 => "good".to_owned(),
                1 => "usable, with 1 warning".to_owned(),
                more => format!("usable, with {more} warnings"),
            };
            // A file of keepalived's may have none.
            let what = if names.is_empty() { "no virtual router" } else { &names.join(", ") };
            println!("{}: {count}: {what}", config.origin);
        }
    }
    Ok(())
}

/// Something about this host that does not suit the configuration.
struct Warning<'a> {
    place: &'a Place,
    message: String,
}

impl fmt::Display for Warning<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: warning: {}", self.place, self.message)
    }
}

/// What of `config` does not suit `host`, in the order of the file.
fn compare<'a>(config: &'a Config, host: &Host) -> Vec<Warning<'a>> {
    let mut warnings = Warnings::default();
    let kernel =
        config.routers.iter().any(|router| matches!(router.backend, Backend::Kernel { .. }));
    for (capability, needed) in [(Capability::NetRaw, true), (Capability::NetAdmin, kernel)] {
        if needed && !host.capabilities.has(capability) {
            let message = format!(
                "this user lacks {capability}, which `vrrp run` needs to {}; run it as root or \
                 grant {capability}",
                capability.purpose()
            );
            warnings.add(&config.origin, message);
        }
    }
    for router in &config.routers {
        match host.interface(&router.interface) {
            Some(interface) => warnings.compare_interface(router, interface, host),
            None => {
                let follows = format!("{} waits until there is", router.name);
                let message = held::missing(&router.interface, &follows, host);
                warnings.add(&router.places.interface, message);
            }
        }
        // What a program holds, and where, is its own affair.
        if matches!(router.backend, Backend::Kernel { .. }) {
            for (place, message) in held::warnings(router, host) {
                warnings.add(place, message);
            }
        }
        if let Backend::Command(command) = &router.backend
            && let Some(fault) = programs::fault(&command.program, None)
        {
            let message = format!("{fault}; {} cannot become active", router.name);
            warnings.add(&router.places.backend, message);
        }
    }
    warnings.0
}

/// What `config` names as an interface and cannot be used as one, each sentence once, with the
/// name: for the log of a daemon that starts. `None` when this host cannot be looked at.
pub(crate) fn unusable_interfaces(config: &Config) -> Option<BTreeMap<&str, BTreeSet<String>>> {
    let host = Host::read().ok()?;
    let mut found: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for router in &config.routers {
        if let Some(interface) = host.interface(&router.interface) {
            let faults = wiring::faults(router, interface, &host).into_iter().map(|(_, why)| why);
            found.entry(&router.interface).or_default().extend(faults);
        }
        for name in router.held().filter_map(|held| held.value.interface.as_deref()) {
            let port = host.interface(name).and_then(|interface| wiring::port(interface, &host));
            found.entry(name).or_default().extend(port);
        }
    }
    Some(found)
}

/// The same for a look at the configuration, not a run: that a namespace is missing yet is told
/// when everything else has been looked at.
pub(crate) fn look_at(plan: &mut Plan, problems: &mut Problems) {
    match &plan.netns {
        Found::Value(Located { value: name, .. }) if netns::enter(name).is_err() => {}
        _ => prepare(plan, problems),
    }
}

/// The configuration, if nothing in it is known by now to be of no use on this host.
///
/// # Errors
/// What is there in place of a FIFO, and interfaces that have another name.
pub(crate) fn fit(config: Config) -> Result<Config, ConfigErrors> {
    let config = programs::fit(config)?;
    if outside(&config).is_some() {
        return Ok(config);
    }
    // Where the host cannot be looked at, that is said elsewhere.
    match Host::read() {
        Ok(host) => wiring::named(&config, &host).map(|()| config),
        Err(_) => Ok(config),
    }
}

/// Whether this kernel can hold addresses.
fn kernel(config: &Config) -> Option<Note> {
    if !config.routers.iter().any(|router| matches!(router.backend, Backend::Kernel { .. })) {
        return None;
    }
    let unfit = Netlink::try_kernel().err()?;
    // That it was not tried is no warning: nearly every kernel in use is new enough, and a
    // container may make no namespaces.
    let warning = !matches!(unfit, Unfit::NotTried(_));
    Some(Note::new(warning, config.origin.clone(), &unfit.to_string()))
}

/// Whether this user would be refused the priority of the driver's thread.
fn realtime(config: &Config) -> Option<Warning<'_>> {
    let (priority, place) = config.realtime.as_ref()?;
    let refused = priority.try_out().err()?;
    Some(Warning { place, message: refused.to_string() })
}

/// Whether this user would be refused the files that the configuration needs.
fn files(config: &Config) -> Option<Warning<'_>> {
    let (_, hard) = descriptors::limits()?;
    let message = descriptors::shortage(config, hard)?;
    Some(Warning { place: &config.origin, message })
}

/// Whether no drain could be kept in the state directory.
fn state(config: &Config) -> Option<Warning<'_>> {
    let (path, place) = config.state.as_ref()?;
    let refused = host::writable(path).err()?;
    let message = format!(
        "nothing can be written to the state directory {}: {}; make it, and let vrrp write there, \
         or `vrrp drain --keep` is refused",
        path.display(),
        refused.desc().to_lowercase()
    );
    Some(Warning { place, message })
}

#[derive(Default)]
struct Warnings<'a>(Vec<Warning<'a>>);

impl<'a> Warnings<'a> {
    fn add(&mut self, place: &'a Place, message: String) {
        self.0.push(Warning { place, message });
    }

    fn compare_interface(&mut self, config: &'a RouterConfig, interface: &Interface, host: &Host) {
        let (name, places) = (&interface.name, &config.places);
        let owner = config.router.role() == Role::Owner;
        if !interface.is_up {
            let message = format!(
                "{name} is down or has no carrier, and {} waits until it is up",
                config.name
            );
            self.add(&places.interface, message);
        }
        // A port that has no address needs none: its master does.
        if wiring::port(interface, host).is_none() {
            self.compare_source(config, interface, owner);
        }
        for (place, message) in wiring::faults(config, interface, host) {
            self.add(place, message);
        }
        self.compare_peers(config, interface, host);
    }

    fn compare_source(&mut self, config: &'a RouterConfig, interface: &Interface, owner: bool) {
        let (name, places) = (&interface.name, &config.places);
        let is_virtual = |ip: IpAddr| config.router.addresses().any(|cidr| cidr.address() == ip);
        let family = config.router.family();
        // RFC 9568 5.1.2.1: over IPv6 multicast it is sent from a link-local address.
        let link_local =
            family == Family::Ipv6 && *config.router.transport() == Transport::Multicast;
        let own = |ip: &IpAddr| {
            Family::of(*ip) == family
                && (owner || !is_virtual(*ip))
                && (!link_local || is_link_local(*ip))
        };
        match config.router.source() {
            Some(source) if !interface.has_own(source) => {
                let message = format!(
                    "the source {source} is not an address of {name}, so nothing can be sent; add \
                     it to {name} or correct `source`"
                );
                self.add(&places.source, message);
            }
            None if !interface.own().any(|cidr| own(&cidr.address())) => {
                let message = format!(
                    "{name} has no {}{} address of its own to send from, and {} waits until it has \
                     one",
                    if link_local { "link-local " } else { "" },
                    family_name(family),
                    config.name
                );
                self.add(&places.interface, message);
            }
            _ => {}
        }
    }

    fn compare_peers(&mut self, config: &'a RouterConfig, interface: &Interface, host: &Host) {
        let (name, places) = (&interface.name, &config.places);
        let Transport::Unicast { peers, .. } = config.router.transport() else { return };
        let networks: Vec<Cidr> = interface.own().collect();
        for peer in peers.iter().filter(|peer| peer.is_behind_router(&networks)) {
            let message = format!(
                "the peer {} is on no network of {name}: it is heard through routers, so filter IP \
                 protocol 112 at the edge of your network",
                peer.address
            );
            self.add(&places.peers, message);
        }
        if peers.iter().all(|peer| host.has_own(peer.address)) {
            let message = "`peers` lists only addresses of this host, so no other node is reached; \
                list the other nodes";
            self.add(&places.peers, message.to_owned());
        }
    }
}

fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local())
}

#[cfg(test)]
mod tests;
