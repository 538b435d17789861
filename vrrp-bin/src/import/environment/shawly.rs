//! The variables of shawly/keepalived.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZeroU8,
    time::Duration,
};

use vrrp_core::{Announcements, Cidr, Password, Vrid};
use vrrp_net::{VirtualAddress, check::Effect};

use super::{
    checks,
    common::{
        Claim, VRID_RULE, claim_without_preemption, draft, given_vrid, interface_or, program,
    },
    reader::{Empty, Reader},
};
use crate::config::{
    AUTO, CheckDraft, Draft, Found, List, Located, Look, Place, Plan, Program, Tcp, Version, Wrong,
    password,
};

const ADDRESS: &str = "KEEPALIVED_VIRTUAL_IP";
const MASK: &str = "KEEPALIVED_VIRTUAL_MASK";
const VRID: &str = "KEEPALIVED_VRID";
const KIND: &str = "KEEPALIVED_AUTH_TYPE";
const PASSWORD: &str = "KEEPALIVED_AUTH_PASS";
const SCRIPT: &str = "KEEPALIVED_CHECK_SCRIPT";
const HOST: &str = "KEEPALIVED_CHECK_IP";
const PORT: &str = "KEEPALIVED_CHECK_PORT";

/// The names of the virtual router and of the check in the image's file.
const ROUTER: &str = "lb-vips";
const CHECK: &str = "chk_haproxy";
/// How often the image checks, and how long that may take.
const SECOND: Duration = Duration::from_secs(1);
/// How often the image announces an address again.
const REFRESH: Duration = Duration::from_secs(60);

/// The virtual router that the image would make, and what it tracks.
pub(super) fn read(plan: &mut Plan, reader: &mut Reader) {
    let mut draft = router(reader);
    if let Some(looked) = look(reader) {
        checks::track(&mut draft, looked.variable, CHECK, Effect::Hold);
        plan.checks.push(check(looked));
    }
    plan.drafts = vec![draft];
}

fn router(reader: &mut Reader) -> Draft {
    let mut draft = draft(ADDRESS);
    draft.name = Found::Value(Located::new(draft.place.clone(), ROUTER.to_owned()));
    draft.version = Found::Value(Version::V2);
    draft.interface = interface_or(reader, "KEEPALIVED_INTERFACE", Empty::Wrong, AUTO);
    draft.vrid = vrid(reader);
    claim_without_preemption(&mut draft, reader, Claim::prefixed(Empty::Wrong), 100);
    draft.addresses = address(reader);
    draft.password = authentication(reader);
    let announcements = Announcements::new(&[Duration::ZERO, SECOND], Some(REFRESH));
    draft.announcements = announcements.map_err(|_| Wrong).into();
    draft
}

fn vrid(reader: &mut Reader) -> Found<Located<Vrid>> {
    let found = given_vrid(reader, VRID, Empty::Wrong);
    reader.required(VRID, found, || format!("this is not set; {VRID_RULE}"))
}

/// One address, whose length is a variable of its own.
fn address(reader: &mut Reader) -> Found<List<VirtualAddress>> {
    let rule = "write an IP address without a length, such as 192.0.2.10";
    let found = reader.value(ADDRESS, Empty::Wrong, rule, |text| text.parse::<IpAddr>().ok());
    let address = reader.required(ADDRESS, found, || format!("this is not set; {rule}"));
    let rule = "write the length of the address's prefix, such as 24";
    let found = reader.value(MASK, Empty::Wrong, rule, |text| text.parse::<u8>().ok());
    let length = reader.required(MASK, found, || format!("this is not set; {rule}"));
    let (Found::Value(address), Found::Value(length)) = (address, length) else {
        return Found::Wrong;
    };
    let cidr = format!("{}/{}", address.value, length.value);
    match cidr.parse::<Cidr>() {
        Ok(cidr) => {
            let mut list = List::new(address.place.clone());
            list.entries.push(Ok(Located::new(address.place, VirtualAddress::from(cidr))));
            Found::Value(list)
        }
        Err(_) => {
            let message = format!(
                "this is {}, which is no length of {}; {rule}",
                length.value, address.value
            );
            reader.error(MASK, message);
            Found::Wrong
        }
    }
}

/// Without a type, the image writes no password.
fn authentication(reader: &mut Reader) -> Found<Located<Password>> {
    let kinds = &[("PASS", true), ("AH", false)];
    match reader.choice(KIND, Empty::Absent, kinds) {
        Found::Absent => {
            if reader.is_set(PASSWORD) {
                let message = format!(
                    "this is not used without {KIND}, as in the image; set that to PASS, or remove this"
                );
                reader.warn(PASSWORD, message);
            }
            Found::Absent
        }
        Found::Wrong => Found::Wrong,
        Found::Value(false) => {
            let message = "advertisements are not signed here (AH), and without that two nodes \
                would hold the address; set this to PASS on all nodes";
            reader.error(KIND, message);
            Found::Wrong
        }
        Found::Value(true) => {
            let found = reader.text(PASSWORD, Empty::Wrong);
            let missing =
                || format!("this is not set, and {KIND} asks for it; write 1 to 8 characters");
            let found = reader.required(PASSWORD, found, missing);
            found.and_then(|Located { place, value }| match password("this", value.as_bytes()) {
                Ok(password) => Ok(Located::new(place, password)),
                Err(message) => reader.wrong(PASSWORD, message),
            })
        }
    }
}

/// What is looked at.
struct Looked {
    variable: &'static str,
    key: &'static str,
    look: Found<Located<Look>>,
}

/// A script, or else a port, as the image has it.
fn look(reader: &mut Reader) -> Option<Looked> {
    match reader.text(SCRIPT, Empty::Absent) {
        Found::Absent => port(reader),
        script => {
            let look = script.map(|script| script.map(|text| Look::Command(command(&text))));
            Some(Looked { variable: SCRIPT, key: "command", look })
        }
    }
}

/// The image's own script looks for rules of Rancher's in iptables that name a port; here it is
/// whether the port accepts a connection.
fn port(reader: &mut Reader) -> Option<Looked> {
    let rule = "write a number from 1 to 65535";
    let number = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    let port = reader.value(PORT, Empty::Absent, rule, number);
    if port == Found::Absent {
        let message = format!(
            "neither this nor {SCRIPT} is set, and nothing is checked: the image looks for rules \
             of Rancher's in iptables then; set one of them, or VRRP_CHECK_TCP or its companions"
        );
        reader.warn(PORT, message);
        return None;
    }
    reader.info(PORT, "the port is checked by a connection, not by rules of Rancher's in iptables");
    let host = host(reader);
    let look = port.and_then(|Located { place, value: port }| {
        let target = SocketAddr::new(host?, port).to_string();
        match Tcp::new(&target) {
            Ok(tcp) => Ok(Located::new(place, Look::Tcp(tcp))),
            Err(error) => reader.wrong(PORT, error.to_string()),
        }
    });
    Some(Looked { variable: PORT, key: "tcp", look })
}

/// Where the port is: on this host, unless an address is named.
fn host(reader: &mut Reader) -> Result<IpAddr, Wrong> {
    let rule = "write an IP address, or any";
    let address = |text: &str| match text {
        "any" => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        text => text.parse().ok(),
    };
    let found = reader.value(HOST, Empty::Absent, rule, address).map(|found| found.value);
    found.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

/// A program by its path, as keepalived runs it; anything else is for the shell.
fn command(text: &str) -> Program {
    match program(text) {
        Ok(program) if !text.contains(['"', '\'', '\\']) => program,
        _ => Program {
            program: "/bin/sh".into(),
            arguments: vec!["-c".to_owned(), text.to_owned()],
            user: None,
        },
    }
}

/// A check as often as the image's.
fn check(looked: Looked) -> CheckDraft {
    let Looked { variable, key, look } = looked;
    let place = Place::variable(variable);
    let twice = Found::Value(NonZeroU8::MIN.saturating_add(1));
    let mut check = CheckDraft::new(place.clone());
    check.name = Found::Value(Located::new(place.clone(), CHECK.to_owned()));
    check.looks = vec![(key, look)];
    check.interval = Found::Value(Located::new(place.clone(), SECOND));
    check.timeout = Found::Value(Located::new(place, SECOND));
    (check.rise, check.fall) = (twice.clone(), twice);
    check
}
