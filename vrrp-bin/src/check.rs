//! `vrrp check`: is this configuration good, and good for this host?

mod auto;
mod capabilities;
mod compare;
mod container;
mod engine;
mod finding;
mod held;
mod host;
mod keepalived;
mod kernel;
mod listening;
mod mtu;
mod probe;
mod programs;
mod report;
mod running;
mod settings;
mod tracking;
mod wire;
mod wiring;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Duration,
};

use vrrp_core::Cidr;

use crate::{
    cli,
    config::{Config, ConfigErrors, Found, Located, Place, Plan, Problems},
    descriptors,
    import::{
        self, Beside, Format, Note,
        environment::{self, Reading},
    },
    leftovers, netns,
};
use compare::compare;
use finding::{Code, Finding};
use host::Host;
pub(crate) use keepalived::as_keepalived;
pub(crate) use programs::warnings as unusable_programs;
use report::Report;

/// Runs `vrrp check` and returns the exit status.
pub(crate) fn main(arguments: &cli::Check) -> u8 {
    let (config, notes) = load(arguments);
    let mut report = Report { findings: notes.iter().map(Finding::from).collect(), heard: None };
    match &config {
        Ok(config) => look(config, arguments.listen, &mut report),
        Err(errors) => report.findings.extend(errors.iter().map(Finding::from)),
    }
    report.show(config.as_ref().ok(), arguments)
}

/// Adds to `report` what does not suit this host, and whom one hears there if one listens.
fn look(config: &Config, listen: Option<Duration>, report: &mut Report) {
    let mut found: Vec<Finding> = kernel::findings(config).into_iter().collect();
    found.extend(tracking::findings(config));
    let finding =
        |code| move |(place, message): (&Place, _)| Finding::warning(code, place, message);
    found.extend(programs::warnings(config).into_iter().map(finding(Code::Program)));
    found.extend(programs::no_directory(config).map(finding(Code::Fifo)));
    found.extend([realtime(config), files(config), state(config)].into_iter().flatten());
    let blind = |place, why: String| {
        let message = format!("{why}; only the configuration itself was checked");
        Finding::warning(Code::Unexamined, place, message)
    };
    match (outside(config), Host::read()) {
        (Some((place, why)), _) => found.push(blind(place, why)),
        (None, Err(error)) => {
            found.push(blind(&config.origin, format!("this host cannot be examined: {error}")));
        }
        (None, Ok(host)) => {
            found.extend(compare(config, &host));
            found.extend(probe::findings(config));
            // Where the host cannot be looked at, that was said.
            let left = leftovers::beside(config).unwrap_or_default();
            found.extend(left.iter().map(|left| {
                Finding::warning(Code::Leftover, &config.origin, left.to_string())
                    .on(&left.interface)
            }));
            let (runs, in_the_way) = running::findings(config);
            found.extend(in_the_way);
            found.extend(listening::findings(config, runs.contains(&true)));
            if let Some(time) = listen {
                let (heard, judged) = wire::listen(config, &host, &runs, time);
                report.heard = Some(heard);
                found.extend(judged);
            }
        }
    }
    // In the order of the file, and what is about all of it first.
    found.sort_by_key(|finding| finding.place.position());
    report.findings.extend(found);
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

/// What `config` names as an interface and cannot be used as one, each sentence once, with the
/// name: for the log of a daemon that starts. `None` when this host cannot be looked at.
pub(crate) fn unusable_interfaces(config: &Config) -> Option<BTreeMap<&str, BTreeSet<String>>> {
    let host = Host::read().ok()?;
    let mut found: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for router in &config.routers {
        if let Some(interface) = host.interface(&router.interface) {
            let faults = wiring::faults(router, interface, &host);
            let faults = faults.into_iter().map(|fault| fault.sentence);
            found.entry(&router.interface).or_default().extend(faults);
        }
        for name in router.held().filter_map(|held| held.value.interface.as_deref()) {
            let port = host.interface(name).and_then(|interface| wiring::port(interface, &host));
            found.entry(name).or_default().extend(port);
        }
    }
    Some(found)
}

/// Whether this user would be refused the priority of the driver's thread.
fn realtime(config: &Config) -> Option<Finding> {
    let (priority, place) = config.realtime.as_ref()?;
    let refused = priority.try_out().err()?;
    Some(Finding::warning(Code::Realtime, place, refused.to_string()))
}

/// Whether this user would be refused the files that the configuration needs.
fn files(config: &Config) -> Option<Finding> {
    let (_, hard) = descriptors::limits()?;
    let message = descriptors::shortage(config, hard)?;
    Some(Finding::warning(Code::Descriptors, &config.origin, message))
}

/// Whether no drain could be kept in the state directory.
fn state(config: &Config) -> Option<Finding> {
    let (path, place) = config.state.as_ref()?;
    let refused = host::writable(path).err()?;
    let message = format!(
        "nothing can be written to the state directory {}: {}; make it, and let vrrp write there, \
         or `vrrp drain --keep` is refused",
        path.display(),
        refused.desc().to_lowercase()
    );
    Some(Finding::warning(Code::State, place, message))
}

/// Whether it is an address without a network.
fn is_alone(cidr: &Cidr) -> bool {
    *cidr == Cidr::from(cidr.address())
}

fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local())
}

#[cfg(test)]
mod tests;
