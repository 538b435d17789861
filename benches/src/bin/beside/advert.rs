//! Advertisements of a peer that does not exist: the same for every program.

use std::time::Duration;

use vrrp_core::{
    Advert, Authentication, Centiseconds, ChecksumForm, Cidr, Claim, IPV4_GROUP, Interval, Ipv4Addresses,
    Vrid,
};
use vrrp_net::lab::VrrpFrame;

use crate::{Failed, config};

/// The peer's host number.
pub(crate) const PEER: u8 = 2;
/// Its priority, which wins every election.
const PRIORITY: u8 = 200;

/// A valid advertisement of the peer for a virtual router of `eth0`, which each of the programs accepts.
pub(crate) fn message(vrid: u8, interval: Duration) -> Result<VrrpFrame, Failed> {
    let addresses = Ipv4Addresses::new([Cidr::from(config::address(0, vrid))])?;
    let advert = Advert {
        vrid: Vrid::try_from(vrid)?,
        claim: Claim::from(PRIORITY),
        interval: Interval::V3(Centiseconds::try_from(interval)?),
        authentication: Authentication::None,
        addresses: (&addresses).into(),
    };
    let (source, group) = (config::host_address(0, PEER).into(), IPV4_GROUP.into());
    let mut message = vec![0; Advert::MAX_LEN];
    // keepalived and FRR know this checksum alone.
    let length = advert.encode(source, group, ChecksumForm::PseudoHeader, &mut message)?;
    message.truncate(length);
    let mut frame = VrrpFrame::new(source, group, message);
    frame.source_mac = [0, 0, 0x5e, 0, 1, vrid];
    Ok(frame)
}
