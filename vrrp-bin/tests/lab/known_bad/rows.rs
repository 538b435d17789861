//! The packets, a row for each test.

use std::net::{IpAddr, Ipv4Addr};

use super::{
    Fate::{self, Nobodys, Refused, Wins},
    Shot,
    packet::{Form, Packet},
    stage::{EITHER, IDLE, LOCKED, PLAIN, Router, SIX, WEB},
};

/// What forged advertisements claim.
const STRONGEST: u8 = 254;

/// A test: what is refused is sent before what wins. A node may read what its packet filter sorts
/// out before or after the rest, so a virtual router gets messages of one of the two only.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) shots: fn() -> Vec<Shot>,
}

/// Every row. Where a length is named it is that of the message.
pub(super) fn all() -> Vec<Row> {
    let mut rows = lengths();
    rows.extend(headers());
    rows.extend(authentication());
    rows.extend([
        row("a_checksum_that_is_wrong", || {
            refused(&[PLAIN, WEB, SIX], "wrong-checksum", |packet| packet.corrupt(1))
        }),
        row("no_checksum", || {
            refused(&[PLAIN, WEB, SIX], "wrong-checksum", |packet| packet.without_checksum())
        }),
        row("vrrpv3_with_a_checksum_right_for_neither_form", || {
            let wrong = |form| {
                shot(EITHER, Refused("wrong-checksum"), |packet| packet.form(form).corrupt(0x8000))
            };
            vec![wrong(Form::Message), wrong(Form::PseudoHeader)]
        }),
        row("vrrpv3_without_pseudo_header_wins", || {
            vec![shot(EITHER, Wins, |packet| packet.form(Form::Message))]
        }),
        row("vrrpv3_with_pseudo_header_wins", || {
            vec![shot(EITHER, Wins, |packet| packet.form(Form::PseudoHeader))]
        }),
        row("vrrpv3_ipv6_without_pseudo_header", || {
            vec![shot(SIX, Refused("wrong-checksum"), |packet| packet.form(Form::Message))]
        }),
        row("a_vrid_that_nobody_has", || {
            let other =
                |router| shot(router, Nobodys("unknown-vrid"), |packet| packet.octet(1, 99));
            vec![other(WEB), other(SIX), other(PLAIN)]
        }),
        row("vrid_0", || {
            let zero = |router| shot(router, Nobodys("zero-vrid"), |packet| packet.octet(1, 0));
            vec![zero(WEB), zero(SIX), zero(PLAIN)]
        }),
        row("a_vrid_in_initialize", || refused(&[IDLE], "not-listening", |packet| packet)),
        row("vrrpv2_with_another_interval", || {
            refused(&[PLAIN, LOCKED], "wrong-interval", |packet| packet.octet(5, 2))
        }),
        row("vrrpv3_with_another_interval_wins", || {
            vec![shot(WEB, Wins, |packet| packet.octet(5, 50))]
        }),
        row("four_owners_after_an_oversized_message_win", || {
            let owner = |router| Shot { router, packet: Packet::of(router, 255), fate: Wins };
            let long =
                |router| shot(router, Refused("oversized"), |packet| many(packet, 64).length(278));
            vec![long(PLAIN), owner(PLAIN), owner(PLAIN), owner(PLAIN), owner(PLAIN)]
        }),
    ]);
    rows
}

const fn row(name: &'static str, shots: fn() -> Vec<Shot>) -> Row {
    Row { name, shots }
}

fn lengths() -> Vec<Row> {
    vec![
        row("an_empty_message", || short(0)),
        row("1_octet", || short(1)),
        row("4_octets", || short(4)),
        row("7_octets", || short(7)),
        row("8_octets_that_claim_an_address", || short(8)),
        row("8_octets_that_claim_255_addresses", || {
            refused(&[PLAIN, WEB, SIX], "truncated", |packet| packet.octet(3, 255).length(8))
        }),
        row("255_addresses_of_which_one_is_there", || {
            refused(&[PLAIN, WEB, SIX], "truncated", |packet| packet.octet(3, 255))
        }),
        row("vrrpv2_without_authentication_data", || {
            refused(&[PLAIN, LOCKED], "truncated", |packet| packet.length(12))
        }),
        row("no_address", || {
            let none = |packet: Packet| packet.octet(3, 0);
            let with_data = refused(&[PLAIN, WEB, SIX], "zero-count", none);
            let alone = refused(&[WEB, SIX], "zero-count", |packet| packet.addresses(&[]));
            [with_data, alone].concat()
        }),
        row("a_list_with_nothing_in_common", || {
            let old = shot(PLAIN, Refused("no-common-address"), |packet| {
                list(packet, 1, 2).authentication(0, "")
            });
            let new = shot(WEB, Refused("no-common-address"), |packet| list(packet, 1, 2));
            vec![old, new]
        }),
        row("a_signature_of_auth_hmac", || {
            refused(&[WEB], "signature-trailer", |packet| packet.signed())
        }),
        row("3_addresses_win", || vec![shot(PLAIN, Wins, |packet| many(packet, 3))]),
        row("64_addresses_win", || {
            vec![
                shot(PLAIN, Wins, |packet| many(packet, 64)),
                shot(WEB, Wins, |packet| many3(packet, 64)),
            ]
        }),
        row("64_addresses_and_6_octets_more", || {
            let long = |packet: Packet| {
                let length = packet.message.len() + 6;
                packet.length(length)
            };
            let old = shot(PLAIN, Refused("oversized"), |packet| long(many(packet, 64)));
            let new = shot(WEB, Refused("oversized"), |packet| long(many3(packet, 64)));
            vec![old, new]
        }),
        row("a_frame_with_padding_wins", || {
            // 14 octets of Ethernet, 20 of IPv4 and 12 of VRRP make less than 60.
            vec![
                shot(WEB, Wins, |packet| packet.padding(14)),
                shot(PLAIN, Wins, |packet| packet.padding(6)),
            ]
        }),
    ]
}

fn headers() -> Vec<Row> {
    vec![
        row("type_2", || {
            vec![
                shot(PLAIN, Refused("wrong-type"), |packet| packet.octet(0, 0x22)),
                shot(WEB, Refused("wrong-type"), |packet| packet.octet(0, 0x32)),
                shot(SIX, Refused("wrong-type"), |packet| packet.octet(0, 0x32)),
            ]
        }),
        row("version_4", || {
            refused(&[PLAIN, WEB, SIX], "unknown-version", |packet| packet.octet(0, 0x41))
        }),
        row("vrrpv3_to_a_router_of_vrrpv2", || {
            let new = Router { vrid: PLAIN.vrid, ..WEB };
            vec![Shot {
                router: PLAIN,
                packet: Packet::of(new, STRONGEST),
                fate: Refused("wrong-version"),
            }]
        }),
        row("vrrpv2_to_a_router_of_vrrpv3", || {
            let old = Router { vrid: WEB.vrid, ..PLAIN };
            vec![Shot {
                router: WEB,
                packet: Packet::of(old, STRONGEST),
                fate: Refused("wrong-version"),
            }]
        }),
        row("vrrpv2_over_ipv6", || {
            vec![shot(SIX, Refused("unknown-version"), |packet| packet.octet(0, 0x21))]
        }),
        row("ttl_1", || refused(&[PLAIN, WEB, SIX], "wrong-ttl", |packet| packet.ttl(1))),
        row("ttl_254", || refused(&[PLAIN, WEB, SIX], "wrong-ttl", |packet| packet.ttl(254))),
        row("ip_options_win", || {
            // IHL 15; the message begins behind them.
            vec![
                shot(WEB, Wins, |packet| packet.options(40)),
                shot(PLAIN, Wins, |packet| packet.options(40)),
            ]
        }),
        row("ip_options_before_what_is_refused", || {
            vec![
                shot(WEB, Refused("wrong-checksum"), |packet| packet.options(40).corrupt(1)),
                shot(PLAIN, Refused("truncated"), |packet| packet.options(40).length(4)),
                shot(PLAIN, Refused("wrong-type"), |packet| packet.options(4).octet(0, 0x22)),
            ]
        }),
    ]
}

fn authentication() -> Vec<Row> {
    vec![
        row("a_password_where_there_is_none", || {
            vec![shot(PLAIN, Refused("wrong-authentication-type"), |packet| {
                packet.authentication(1, "d0cker")
            })]
        }),
        row("no_password_where_there_is_one", || {
            vec![shot(LOCKED, Refused("wrong-authentication-type"), |packet| {
                packet.authentication(0, "")
            })]
        }),
        row("a_wrong_password", || {
            let wrong = |text| {
                shot(LOCKED, Refused("wrong-password"), |packet| packet.authentication(1, text))
            };
            vec![wrong("d0ckers"), wrong("d0cke"), wrong("D0cker"), wrong("")]
        }),
        row("an_authentication_type_that_nobody_knows", || {
            let kind = |router, kind| {
                let name = "unknown-authentication-type";
                shot(router, Refused(name), |packet| packet.authentication(kind, "d0cker"))
            };
            vec![kind(PLAIN, 2), kind(LOCKED, 2), kind(PLAIN, 255)]
        }),
    ]
}

fn shot(router: Router, fate: Fate, change: impl FnOnce(Packet) -> Packet) -> Shot {
    Shot { router, packet: change(Packet::of(router, STRONGEST)), fate }
}

fn refused(
    routers: &[Router],
    reason: &'static str,
    change: impl Fn(Packet) -> Packet,
) -> Vec<Shot> {
    routers.iter().map(|router| shot(*router, Refused(reason), &change)).collect()
}

/// The first octets of an advertisement. One that is too short for a VRID is nobody's.
fn short(octets: usize) -> Vec<Shot> {
    let fate = if octets < 2 { Nobodys("truncated") } else { Refused("truncated") };
    [PLAIN, WEB, SIX].map(|router| shot(router, fate, |packet| packet.length(octets))).to_vec()
}

/// So many addresses, of which the first is the one of [`PLAIN`].
fn many(packet: Packet, count: u8) -> Packet {
    list(packet, 110, count).authentication(0, "")
}

/// So many addresses, of which the first is the one of [`WEB`].
fn many3(packet: Packet, count: u8) -> Packet {
    list(packet, 100, count)
}

fn list(packet: Packet, first: u8, count: u8) -> Packet {
    let address = |last| IpAddr::V4(Ipv4Addr::new(10, 0, 0, last));
    let addresses: Vec<IpAddr> = (0..count).map(|number| address(first + number)).collect();
    packet.addresses(&addresses)
}
