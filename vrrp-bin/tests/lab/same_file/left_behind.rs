//! What a keepalived that was killed leaves on its host, and what a program of ours makes of it.

use libtest_mimic::Trial;

use super::{
    file::File,
    site::{Make, Site, Who},
};
use crate::{
    interfaces::{ip, wait_for_hold},
    support::{Outcome, timed},
};

const FILE: File = File(include_str!("files/fast.conf"));
const ADDRESSES: [&str; 3] = ["10.0.0.100/24", "10.0.0.101/24", "10.0.0.102/32"];
const ADDRESS: &str = "10.0.0.100";

pub(super) fn test() -> Trial {
    timed("same_file_after_a_keepalived_that_was_killed", |_| {
        let mut site = Site::new(FILE, [Make::Keepalived; 2])?;
        stays(&mut site).map_err(|failed| {
            format!("{}{}", failed.message().unwrap_or("no message"), site.evidence()).into()
        })
    })
}

/// The addresses have no mark: they are somebody else's, and never taken over. The node takes no
/// part until they are gone, and then it does by itself.
fn stays(site: &mut Site) -> Outcome {
    let member = site.member_mut(Who::A);
    member.start()?;
    member.wait_for_address(ADDRESS, true)?;
    member.kill()?;
    member.become_of(Make::Ours);
    member.start()?;
    wait_for_hold(&member.node, "address-present")?;
    member.wait_for_address(ADDRESS, true)?;
    for address in ADDRESSES {
        ip(member.host(), &format!("address del {address} dev eth0"))?;
    }
    member.node.wait_for_phase("held")
}
