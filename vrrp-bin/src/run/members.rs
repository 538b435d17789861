//! The virtual routers of a configuration, as a node takes them.

use vrrp_net::{Member, VirtualAddress, check::Setup};

use super::Predecessor;
use crate::{
    backends::Backends,
    config::{Config, GroupConfig, RouterConfig},
    kept::Kept,
};

/// The virtual routers of `config`. Those that are new to their node start as `setup`, `kept` and
/// `predecessor` say.
pub(super) fn members(
    config: &Config,
    backends: &Backends,
    kept: &Kept,
    setup: &Setup,
    predecessor: &Predecessor,
) -> Vec<Member> {
    let member = |router: &RouterConfig| {
        let member = Member::new(&router.interface, router.router.clone(), backends.of(router))
            .name(&router.name)
            .health(setup.health_at_start(&router.name));
        let member = belongings(member, router);
        let member = match &router.group {
            Some(group) => member.group(group.clone()),
            None => member,
        };
        match kept.get(&router.name) {
            None => match predecessor.until(router) {
                None => member,
                Some(until) => member.succeeding(until),
            },
            Some(drain) => match drain.rest() {
                Some(rest) => member.drained_for(rest),
                None => member.drained(true),
            },
        }
    };
    let mut members: Vec<Member> = config.routers.iter().map(member).collect();
    // The first member of a group decides, and that is the first one that the group names.
    members.sort_by_key(|member| place_in_group(config, &member.name));
    members
}

/// How its addresses are put, of those that are not just put on its interface, and what is held with
/// them.
fn belongings(member: Member, router: &RouterConfig) -> Member {
    let is_placed = |address: &&VirtualAddress| **address != VirtualAddress::from(address.cidr);
    let addresses = router.addresses.iter().map(|address| &address.value);
    let member = addresses.filter(is_placed).cloned().fold(member, Member::place);
    let extra = router.extra.iter().map(|address| address.value.clone());
    let routes = router.routes.iter().map(|route| route.value.clone());
    routes.fold(extra.fold(member, Member::extra), Member::route)
}

fn place_in_group(config: &Config, name: &str) -> usize {
    let place = |group: &GroupConfig| group.members.iter().position(|member| member == name);
    config.groups.iter().find_map(place).unwrap_or_default()
}
