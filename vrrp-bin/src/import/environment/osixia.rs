//! The variables of osixia/keepalived: those of 1.x to 2.1.5, and the few that 2.3.4 has instead.

use std::{net::IpAddr, time::Duration};

use vrrp_core::{Cidr, Hear, Password, Preempt, Priority, Role, Vrid};

use super::{
    draft::{Draft, Unicast},
    reader::{Empty, Named, Reader},
};
use crate::config::{RouterConfig, is_interface_name};

const PEERS: &str = "KEEPALIVED_UNICAST_PEERS";
const ADDRESSES: &str = "KEEPALIVED_VIRTUAL_IPS";
const PASSWORD: &str = "KEEPALIVED_PASSWORD";
const PEERS_EXAMPLE: &str = "#PYTHON2BASH:['192.0.2.2', '192.0.2.3'] or 192.0.2.2 192.0.2.3";
const ADDRESSES_EXAMPLE: &str = "192.0.2.10 or #PYTHON2BASH:['192.0.2.10/24', '192.0.2.11']";
const DEFAULT_NOTIFY: &str = "/container/service/keepalived/assets/notify.sh";

/// The virtual router that the image would make. Empty if anything is wrong.
pub(super) fn read(reader: &mut Reader) -> Vec<RouterConfig> {
    refuse_files(reader);
    notify(reader);
    ignore_arguments(reader);
    let interface = interface(reader, Empty::Wrong);
    let vrid = vrid(reader, "KEEPALIVED_ROUTER_ID", Empty::Wrong, 51);
    let role = role(reader);
    let on = interface.as_ref().map_or("eth0", |interface| &interface.value).to_owned();
    let addresses = addresses(reader, &on);
    let password = password(reader, PASSWORD, "d0cker", Empty::Wrong, addresses.as_deref());
    let peers = peers(reader);
    let draft = || {
        Some(Draft {
            name: Some("VI_1".to_owned()),
            interface: interface?,
            vrid: vrid?,
            addresses: addresses?,
            version: 2,
            interval: Named::new(ADDRESSES, Duration::from_secs(1)),
            role: role?,
            password: Some(password?),
            unicast: Some(Unicast { peers: peers?, hear: Hear::Any, least_hop_limit: 1 }),
            source: None,
        })
    };
    draft().map(|draft| draft.finish(reader)).unwrap_or_default()
}

/// The image claims 192.168.1.231 and .232 when it is told nothing.
fn addresses(reader: &mut Reader, interface: &str) -> Option<Vec<Named<Cidr>>> {
    let addresses = reader.virtual_addresses(ADDRESSES, interface, ADDRESSES_EXAMPLE)?;
    if addresses.is_none() {
        let message = format!(
            "this is not set, and the image's defaults, 192.168.1.231 and 192.168.1.232, are not \
             claimed; write for example {ADDRESSES_EXAMPLE}"
        );
        reader.missing(ADDRESSES, message);
    }
    addresses
}

/// The image speaks to 192.168.1.10 and .11 when it is told nothing, and by multicast when it is
/// told nonsense.
fn peers(reader: &mut Reader) -> Option<Vec<Named<IpAddr>>> {
    let peers = reader.hosts(PEERS, PEERS_EXAMPLE)?;
    if peers.is_none() {
        let message = format!(
            "this is not set, and the image's defaults, 192.168.1.10 and 192.168.1.11, are probably \
             not what you want; write for example {PEERS_EXAMPLE}"
        );
        reader.missing(PEERS, message);
    }
    peers
}

/// keepalived clears `nopreempt`, which the image always writes, for `state MASTER`.
fn role(reader: &mut Reader) -> Option<Role> {
    let master = reader.choice(
        "KEEPALIVED_STATE",
        Empty::Wrong,
        false,
        &[("MASTER", true), ("BACKUP", false)],
    );
    let priority = priority(reader, Empty::Wrong, 150);
    let preempt = if master? {
        reader.info(
            "KEEPALIVED_STATE",
            "with MASTER this node preempts: keepalived drops nopreempt then",
        );
        Preempt::Always
    } else {
        Preempt::Never
    };
    Some(contender(reader, priority?, preempt))
}

fn notify(reader: &mut Reader) {
    for name in ["KEEPALIVED_NOTIFY", "KEEPALIVED_NOTIFY_SCRIPT"] {
        match reader.text(name, Empty::Absent) {
            Some(Some(path)) if path.value == DEFAULT_NOTIFY => {
                reader.info(
                    name,
                    "the script of the image only logs, and is not run: transitions \
                    are logged here",
                );
            }
            Some(Some(path)) => reader.error(
                name,
                format!(
                    "notify scripts are not supported in this version, and {:?} would not be run; \
                     set {name} to an empty value to run without a script",
                    path.value
                ),
            ),
            Some(None) | None => {}
        }
    }
}

/// The image would have taken its configuration from there.
fn refuse_files(reader: &mut Reader) {
    for name in ["KEEPALIVED_CONF", "KEEPALIVED_CONF_TEMPLATE"] {
        if let Some(Some(path)) = reader.text(name, Empty::Absent) {
            reader.error(name, own_file(&path.value));
        }
    }
    if reader.is_set("KEEPALIVED_CONF_RELOAD_SCRIPT") {
        reader.warn(
            "KEEPALIVED_CONF_RELOAD_SCRIPT",
            "this is left out: no file is watched in this version",
        );
    }
}

fn ignore_arguments(reader: &mut Reader) {
    let name = "KEEPALIVED_COMMAND_LINE_ARGUMENTS";
    if let Some(Some(arguments)) = reader.text(name, Empty::Absent) {
        reader.info(name, format!("{:?} is for keepalived, and is left out", arguments.value));
    }
}

/// Why a configuration file of keepalived cannot stand in.
pub(super) fn own_file(path: &str) -> String {
    format!(
        "keepalived's format is not supported in this version, so that {path:?} cannot be used; \
         remove this variable, or write TOML and name it with -c FILE"
    )
}

/// `KEEPALIVED_INTERFACE`, which both images have.
pub(super) fn interface(reader: &mut Reader, empty: Empty) -> Option<Named<String>> {
    let rule = "write the name of an interface as `ip link` shows it";
    reader.value("KEEPALIVED_INTERFACE", empty, "eth0".to_owned(), rule, |text| {
        (is_interface_name(text) && text != "auto").then(|| text.to_owned())
    })
}

pub(super) fn vrid(
    reader: &mut Reader,
    name: &str,
    empty: Empty,
    default: u8,
) -> Option<Named<Vrid>> {
    let default = Vrid::try_from(default).ok()?;
    let rule = "write a number from 1 to 255, the same on every node";
    reader.value(name, empty, default, rule, |text| Vrid::try_from(text.parse::<u8>().ok()?).ok())
}

/// `KEEPALIVED_PRIORITY`; 255 is that of the owner.
pub(super) fn priority(reader: &mut Reader, empty: Empty, default: u8) -> Option<u8> {
    let rule = "write a number from 1 to 254";
    let parse = |text: &str| text.parse().ok().filter(|priority: &u8| *priority > 0);
    reader.value("KEEPALIVED_PRIORITY", empty, default, rule, parse).map(|priority| priority.value)
}

/// What keepalived makes of a priority.
pub(super) fn contender(reader: &mut Reader, priority: u8, preempt: Preempt) -> Role {
    Priority::try_from(priority).map_or_else(
        |_| {
            let message = "255 is the priority of the owner of the addresses, who never makes way; \
                write 254 or less if this host is not";
            reader.info("KEEPALIVED_PRIORITY", message);
            Role::Owner
        },
        |priority| Role::Contender { priority, preempt },
    )
}

/// The password as it is on the wire of keepalived, which reads one word of it, and of that eight
/// octets. Of `addresses`, those of IPv6 are advertised in VRRPv3, which has none.
pub(super) fn password(
    reader: &mut Reader,
    name: &str,
    default: &str,
    empty: Empty,
    addresses: Option<&[Named<Cidr>]>,
) -> Option<Password> {
    let used = addresses
        .is_none_or(|addresses| addresses.iter().any(|cidr| cidr.value.address().is_ipv4()));
    let Some(given) = reader.text(name, empty)? else {
        if used {
            reader.info(
                name,
                format!("the password is {default:?}, the one of the image, which everybody knows"),
            );
        }
        return Password::try_from(default.as_bytes()).ok();
    };
    if !used {
        reader.info(name, "this is left out: IPv6 is advertised in VRRPv3, which has no passwords");
    }
    let ends = |c: char| c.is_whitespace() || c == '#' || c == '!';
    // Between quotes it is one word, whatever is in it.
    let word = match given.value.split(ends).next() {
        Some(word) if !reader.is_quoted(name) => word,
        _ => &given.value,
    };
    if word.len() < given.value.len() {
        reader
            .warn(name, "only the part before the first space, # or ! is used, as keepalived does");
    }
    if word.len() > 8 {
        reader.warn(name, "only the first 8 octets are used, as keepalived does");
    }
    let octets = word.as_bytes();
    let password = Password::try_from(octets.get(..8).unwrap_or(octets));
    password
        .map_err(|_| reader.error(name, "this holds no usable password; write 1 to 8 characters"))
        .ok()
}
