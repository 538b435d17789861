//! Advertisements of a peer that does not exist: the same for every program.

use vrrp_core::{
    Advert, Authentication, Centiseconds, ChecksumForm, Cidr, Claim, Family, IPV4_GROUP, Interval,
    Ipv4Addresses, Seconds, Vrid,
};
use vrrp_net::lab::VrrpFrame;

use crate::{
    Failed,
    config::{self, PASSWORD, Plan, Version},
};

/// The peer's host number.
pub(crate) const PEER: u8 = 2;
/// Its priority, which wins every election.
const PRIORITY: u8 = 200;

/// An advertisement of the peer for a virtual router of `eth0`. Each of the programs accepts it,
/// unless its password is to be the wrong one.
pub(crate) fn message(vrid: u8, plan: Plan, wrong_password: bool) -> Result<VrrpFrame, Failed> {
    let addresses = Ipv4Addresses::new([Cidr::from(config::address(0, vrid))])?;
    let mut password = [0; 8];
    password.iter_mut().zip(PASSWORD.bytes()).for_each(|(octet, byte)| *octet = byte);
    if wrong_password {
        password.reverse();
    }
    let advert = Advert {
        vrid: Vrid::try_from(vrid)?,
        claim: Claim::from(PRIORITY),
        interval: match plan.version {
            Version::V3 => Interval::V3(Centiseconds::try_from(plan.interval)?),
            Version::V2WithPassword => Interval::V2(Seconds::try_from(plan.interval)?),
        },
        authentication: match plan.version {
            Version::V3 => Authentication::None,
            Version::V2WithPassword => Authentication::SimpleText(password),
        },
        addresses: (&addresses).into(),
    };
    let (source, group) = (config::host_address(0, PEER).into(), IPV4_GROUP.into());
    let mut message = vec![0; Advert::MAX_LEN];
    let form = match plan.version {
        // keepalived and FRR know this one alone.
        Version::V3 => ChecksumForm::PseudoHeader,
        Version::V2WithPassword => ChecksumForm::MessageOnly,
    };
    let length = advert.encode(source, group, form, &mut message)?;
    message.truncate(length);
    let mut frame = VrrpFrame::new(source, group, message);
    frame.source_mac = advert.vrid.virtual_mac(Family::Ipv4);
    Ok(frame)
}
