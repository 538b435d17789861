//! One `[[virtual_router]]` of the file: one virtual router, or two if it has addresses of both families.

use std::{path::Path, time::Duration};

use vrrp_core::{
    Announcements, Centiseconds, Checksum, Cidr, ConfigError, Family, Ipv4Addresses, Ipv6Addresses, Password,
    Preempt, Priority, Protocol, Role, Seconds, VirtualRouter, Vrid,
};

use super::{
    addresses::{self, Addresses},
    keys,
    problem::{At, Problems, describe},
    section::{Item, Section},
    unicast::{self, Unicast},
};

/// A virtual router that was understood, with the places of what it may clash in with others.
pub(super) struct Draft {
    pub(super) name: At<String>,
    pub(super) interface: At<String>,
    pub(super) vrid_at: usize,
    pub(super) addresses: Vec<At<Cidr>>,
    pub(super) peers_at: usize,
    pub(super) source_at: usize,
    pub(super) lease: bool,
    pub(super) router: VirtualRouter,
}

/// What a `[[virtual_router]]` says, before it is known to fit together.
struct Settings<'a> {
    at: usize,
    name: Option<At<&'a str>>,
    interface: At<&'a str>,
    vrid: At<Vrid>,
    addresses: Addresses,
    version: u8,
    interval: At<Duration>,
    role: Role,
    password: Option<At<Password>>,
    checksum: Option<At<Checksum>>,
    lease: bool,
    announcements: Announcements,
    unicast: Unicast,
}

/// Reads one `[[virtual_router]]` of a file in `directory`. Empty if anything is wrong with it.
pub(super) fn read(section: &Section<'_>, directory: &Path, problems: &mut Problems) -> Vec<Draft> {
    let Some(settings) = Settings::read(section, directory, problems) else { return Vec::new() };
    settings.check_families(problems);
    let drafts: Vec<_> =
        settings.addresses.families().filter_map(|family| settings.draft(family, problems)).collect();
    drafts
}

impl<'a> Settings<'a> {
    fn read(section: &Section<'a>, directory: &Path, problems: &mut Problems) -> Option<Self> {
        let interface =
            required(section, "interface", "\"eth0\"", problems).and_then(|item| interface(item, problems));
        let vrid = required(section, "vrid", "51", problems)
            .and_then(|item| item.number(problems, &sentence(ConfigError::Vrid), 51));
        let addresses = required(section, "addresses", "[\"192.0.2.10/24\"]", problems)
            .and_then(|item| addresses::read(item, problems));
        let name = section.get("name").map(|item| name(item, addresses.as_ref(), problems));
        let version = section.get("version").map_or(Some(3), |item| version(item, problems));
        let default_interval = At { at: section.at, value: Duration::from_secs(1) };
        let interval =
            section.get("interval").map_or(Some(default_interval), |item| item.duration(problems, "250ms"));
        let role = role(section, problems);
        let password = password(section, directory, problems);
        let checksum = section.get("checksum").map(|item| item.choice(problems, CHECKSUMS));
        let lease = section.get("lease").map_or(Some(true), |item| item.bool(problems));
        let backend = section.get("backend").map_or(Some(()), |item| backend(item, problems));
        let announcements = announcements(section, problems);
        let unicast = unicast::read(section, problems);
        backend?;
        Some(Self {
            at: section.at,
            name: present(name)?,
            interface: interface?,
            vrid: vrid?,
            addresses: addresses?,
            version: version?,
            interval: interval?,
            role: role?,
            password: present(password)?,
            checksum: present(checksum)?,
            lease: lease?,
            announcements: announcements?,
            unicast: unicast?,
        })
    }

    /// Reports what none of the families that there are addresses of can use.
    fn check_families(&self, problems: &mut Problems) {
        let ipv4 = self.addresses.families().any(|family| family == Family::Ipv4);
        if let Some(password) = &self.password
            && !(ipv4 && self.version == 2)
        {
            problems.add(
                password.at,
                "a password belongs to VRRPv2 for IPv4, which this virtual router does not speak; set version = 2 \
                 or remove the password",
            );
        }
        if let Some(checksum) = &self.checksum
            && checksum.value != Checksum::Auto
            && !(ipv4 && self.version == 3)
        {
            problems.add(
                checksum.at,
                "`checksum` is a choice for VRRPv3 for IPv4 only, which this virtual router does not speak; remove it",
            );
        }
        self.unicast.check_families(&self.addresses, problems);
    }

    fn draft(&self, family: Family, problems: &mut Problems) -> Option<Draft> {
        let protocol = self.protocol(family, problems)?;
        let router =
            VirtualRouter::new(self.vrid.value, protocol).role(self.role).announcements(self.announcements);
        let router = self.unicast.apply(router, &self.addresses, problems)?;
        Some(Draft {
            name: self.name(family),
            interface: At { at: self.interface.at, value: self.interface.value.to_owned() },
            vrid_at: self.vrid.at,
            addresses: self.addresses.of(family).collect(),
            peers_at: self.unicast.peers.as_ref().map_or(self.at, |peers| peers.at),
            source_at: self.unicast.source.as_ref().map_or(self.interface.at, |source| source.at),
            lease: self.lease,
            router,
        })
    }

    fn protocol(&self, family: Family, problems: &mut Problems) -> Option<Protocol> {
        let (at, every) = (self.interval.at, self.interval.value);
        let unfit = |error: ConfigError| {
            let who = if self.version == 2 && family == Family::Ipv6 { " (IPv6 stays VRRPv3)" } else { "" };
            format!("`interval` is {:?}; {error}{who}", super::duration::format(every))
        };
        let addresses_at = self.addresses.at;
        match (family, self.version) {
            (Family::Ipv4, 2) => Some(Protocol::V2 {
                addresses: problems.check(addresses_at, self.ipv4(), sentence)?,
                interval: problems.check(at, Seconds::try_from(every), unfit)?,
                password: self.password.map(|password| password.value),
            }),
            (Family::Ipv4, _) => Some(Protocol::V3Ipv4 {
                addresses: problems.check(addresses_at, self.ipv4(), sentence)?,
                interval: problems.check(at, Centiseconds::try_from(every), unfit)?,
                checksum: self.checksum.map_or(Checksum::Auto, |checksum| checksum.value),
            }),
            (Family::Ipv6, _) => Some(Protocol::V3Ipv6 {
                addresses: problems.check(addresses_at, self.ipv6(), sentence)?,
                interval: problems.check(at, Centiseconds::try_from(every), unfit)?,
            }),
        }
    }

    fn ipv4(&self) -> Result<Ipv4Addresses, ConfigError> {
        Ipv4Addresses::new(self.addresses.ipv4.iter().map(|address| address.value))
    }

    fn ipv6(&self) -> Result<Ipv6Addresses, ConfigError> {
        Ipv6Addresses::new(self.addresses.ipv6.iter().map(|address| address.value))
    }

    /// NAME, and NAME/v6 for the second of two; INTERFACE-VRID-FAMILY if there is no name.
    fn name(&self, family: Family) -> At<String> {
        let both = self.addresses.families().count() == 2;
        let value = match self.name {
            Some(name) if both && family == Family::Ipv6 => format!("{}/v6", name.value),
            Some(name) => name.value.to_owned(),
            None => format!("{}-{}-{family}", self.interface.value, self.vrid.value),
        };
        At { at: self.name.map_or(self.at, |name| name.at), value }
    }
}

const CHECKSUMS: &[(&str, Checksum)] =
    &[("auto", Checksum::Auto), ("rfc9568", Checksum::Rfc9568), ("rfc5798", Checksum::Rfc5798)];

/// Turns a value that is optional, and may be wrong, inside out: the outer `None` means wrong.
#[expect(clippy::option_option, reason = "absent is fine, wrong is not")]
fn present<T>(value: Option<Option<T>>) -> Option<Option<T>> {
    match value {
        None => Some(None),
        Some(None) => None,
        Some(Some(value)) => Some(Some(value)),
    }
}

fn sentence(error: ConfigError) -> String {
    error.to_string()
}

fn required<'a>(
    section: &Section<'a>,
    key: &'a str,
    example: &str,
    problems: &mut Problems,
) -> Option<Item<'a>> {
    let missing = || format!("this virtual router has no `{key}`; add for example {key} = {example}");
    section.required(key, missing, problems)
}

/// An interface name as the kernel allows it.
fn interface<'a>(item: Item<'a>, problems: &mut Problems) -> Option<At<&'a str>> {
    let name = item.text(problems, "eth0")?;
    if name.value == "auto" {
        problems.add(item.at, "interface = \"auto\" is not supported in this version; name the interface");
        return None;
    }
    let wrong = |c: char| c == '/' || c == ':' || c.is_whitespace() || c.is_control();
    if name.value.is_empty()
        || name.value.len() > 15
        || name.value.contains(wrong)
        || [".", ".."].contains(&name.value)
    {
        let message = format!(
            "`interface` is {:?}, which cannot be an interface; write its name as `ip link` shows it",
            name.value
        );
        problems.add(item.at, message);
        return None;
    }
    Some(name)
}

/// A name that fits into a line of a log and into the path of a URL.
fn name<'a>(item: Item<'a>, addresses: Option<&Addresses>, problems: &mut Problems) -> Option<At<&'a str>> {
    let name = item.text(problems, "web")?;
    let only_ipv6 = addresses.is_some_and(|addresses| addresses.ipv4.is_empty());
    let stem = if only_ipv6 { name.value.strip_suffix("/v6").unwrap_or(name.value) } else { name.value };
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-:@".contains(c);
    if stem.is_empty() || stem.len() > 64 || !stem.chars().all(fits) {
        let message = format!(
            "`name` is {:?}; write 1 to 64 letters, digits and any of . _ - : @, such as \"web\"",
            name.value
        );
        problems.add(item.at, message);
        return None;
    }
    Some(name)
}

fn version(item: Item<'_>, problems: &mut Problems) -> Option<u8> {
    if item.as_text() == Some("2+3") {
        problems.add(item.at, "version = \"2+3\" is not supported in this version; write 2 or 3");
        return None;
    }
    let version: At<u8> = item.number(problems, "write 2 or 3", 3)?;
    if !matches!(version.value, 2 | 3) {
        problems.add(item.at, format!("`version` is {}; write 2 or 3", version.value));
        return None;
    }
    Some(version.value)
}

/// `priority` and `preempt`, which do not go together for the owner.
fn role(section: &Section<'_>, problems: &mut Problems) -> Option<Role> {
    let preempt = section.get("preempt").map(|item| preempt(item, problems));
    let Some(item) = section.get("priority") else {
        let preempt = present(preempt)?.unwrap_or_default();
        return Some(Role::Contender { priority: Priority::DEFAULT, preempt });
    };
    match item.as_text() {
        Some("owner") => {
            let preempt = present(preempt)?.unwrap_or_default();
            if preempt != Preempt::Always {
                let at = section.get("preempt").map_or(item.at, |item| item.at);
                problems
                    .add(at, "the owner of the addresses always preempts (RFC 9568 6.1); remove `preempt`");
                return None;
            }
            Some(Role::Owner)
        }
        Some(text) => {
            problems
                .add(item.at, format!("`priority` is {text:?}; write a number from 1 to 254, or \"owner\""));
            None
        }
        None if item.is_integer() => {
            let rule = "write a number from 1 to 254, or \"owner\" (255) if this host owns the addresses";
            let priority: At<Priority> = item.number(problems, rule, 100)?;
            Some(Role::Contender { priority: priority.value, preempt: present(preempt)?.unwrap_or_default() })
        }
        None => {
            item.wrong_type(problems, "a number from 1 to 254, or \"owner\"", "100");
            None
        }
    }
}

fn preempt(item: Item<'_>, problems: &mut Problems) -> Option<Preempt> {
    match (item.as_bool(), item.as_text()) {
        (Some(true), _) => Some(Preempt::Always),
        (Some(false), _) => Some(Preempt::Never),
        (None, Some(_)) => match item.duration(problems, "30s")?.value {
            Duration::ZERO => Some(Preempt::Always),
            delay => Some(Preempt::After(delay)),
        },
        (None, None) => {
            item.wrong_type(problems, "true, false or a delay", "\"30s\"");
            None
        }
    }
}

/// `password` or the content of `password_file`. Neither is ever repeated in a message.
#[expect(clippy::option_option, reason = "absent is fine, wrong is not")]
fn password(
    section: &Section<'_>,
    directory: &Path,
    problems: &mut Problems,
) -> Option<Option<At<Password>>> {
    let (inline, file) = (section.get("password"), section.get("password_file"));
    let (item, octets) = match (inline, file) {
        (None, None) => return None,
        (Some(_), Some(file)) => {
            problems.add(file.at, "there is a `password` and a `password_file`; remove one of them");
            return Some(None);
        }
        (Some(item), None) => {
            (item, item.text(problems, "secret").map(|text| text.value.as_bytes().to_vec()))
        }
        (None, Some(item)) => (item, password_file(item, directory, problems)),
    };
    let Some(octets) = octets else { return Some(None) };
    let message = |error: ConfigError| format!("`{}` holds {} octets; {error}", item.name, octets.len());
    let password = problems.check(item.at, Password::try_from(octets.as_slice()), message);
    Some(password.map(|value| At { at: item.at, value }))
}

fn password_file(item: Item<'_>, directory: &Path, problems: &mut Problems) -> Option<Vec<u8>> {
    let path = directory.join(item.text(problems, "/etc/vrrp/password")?.value);
    let message = |error: std::io::Error| {
        format!(
            "`password_file` {} cannot be read: {}; create it or correct the path",
            path.display(),
            describe(&error)
        )
    };
    let mut octets = problems.check(item.at, std::fs::read(&path), message)?;
    while octets.last().is_some_and(|octet| matches!(octet, b'\n' | b'\r')) {
        octets.pop();
    }
    Some(octets)
}

fn backend(item: Item<'_>, problems: &mut Problems) -> Option<()> {
    match item.as_text() {
        Some("kernel") => return Some(()),
        Some(text) => {
            problems.add(item.at, format!("`backend` is {text:?}; this version has \"kernel\" only"))
        }
        None => problems
            .add(item.at, "a `backend` other than \"kernel\" is not supported in this version; remove it"),
    }
    None
}

/// `announce = { repeat = [...], refresh = "..." }`; a refresh of "0s" is none.
fn announcements(section: &Section<'_>, problems: &mut Problems) -> Option<Announcements> {
    let defaults = Announcements::default();
    let Some(item) = section.get("announce") else { return Some(defaults) };
    let Some(announce) = item.as_section(&keys::ANNOUNCE, problems) else {
        item.wrong_type(problems, "a table", "{ repeat = [\"0s\", \"1s\", \"5s\"], refresh = \"60s\" }");
        return None;
    };
    let refresh = match announce.get("refresh") {
        Some(item) => refresh(item, problems),
        None => Some(defaults.refresh()),
    };
    let Some(item) = announce.get("repeat") else {
        let repeat: Vec<Duration> = (0..).map_while(|step| defaults.delay(step)).collect();
        return Announcements::new(&repeat, refresh?).ok();
    };
    let delays = item.list(problems, "[\"0s\", \"1s\", \"5s\"]")?;
    let repeat: Option<Vec<Duration>> =
        delays.iter().map(|delay| Some(delay.duration(problems, "1s")?.value)).collect();
    problems.check(item.at, Announcements::new(&repeat?, refresh?), |error| {
        format!("`repeat` cannot be used; {error}")
    })
}

#[expect(clippy::option_option, reason = "no refresh is a choice, a wrong one is not")]
fn refresh(item: Item<'_>, problems: &mut Problems) -> Option<Option<Duration>> {
    let every = item.duration(problems, "60s")?.value;
    if every > Duration::ZERO && every < Duration::from_secs(1) {
        problems
            .add(item.at, "`refresh` is shorter than a second; write \"1s\" or more, or \"0s\" for never");
        return None;
    }
    Some((every > Duration::ZERO).then_some(every))
}

/// A family as people write it in a sentence.
pub(crate) const fn family_name(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "IPv4",
        Family::Ipv6 => "IPv6",
    }
}
