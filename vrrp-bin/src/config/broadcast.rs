//! The broadcast address of a virtual address, as `ip address` takes it.

use std::net::{IpAddr, Ipv4Addr};

use vrrp_core::Cidr;

/// The longest prefix length of a network that has a broadcast address (RFC 3021).
const LONGEST: u8 = 30;

/// The broadcast address that `text` means for `cidr`: all host bits set (`+`) or none (`-`), or
/// the one that is written.
///
/// # Errors
/// Why it means none, as a sentence.
pub(crate) fn broadcast(text: &str, cidr: Cidr) -> Result<Ipv4Addr, String> {
    let IpAddr::V4(first) = cidr.subnet().address() else {
        return Err("IPv6 addresses have no broadcast address".to_owned());
    };
    let length = cidr.prefix_length();
    let hosts = u32::MAX.checked_shr(length.into()).unwrap_or_default();
    match text {
        "+" | "-" if length > LONGEST => Err(format!(
            "{cidr} has no broadcast address; give it a prefix length of at most {LONGEST}, or \
             write the broadcast address itself"
        )),
        "+" => Ok(Ipv4Addr::from_bits(first.to_bits() | hosts)),
        "-" => Ok(first),
        address => address.parse().map_err(|_| {
            format!("{address:?} is no broadcast address; write \"+\", \"-\" or an IPv4 address")
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broadcast_address_has_all_or_no_host_bits() {
        let of = |text, cidr: &str| broadcast(text, cidr.parse().unwrap());
        let ip = |text: &str| Ok(text.parse().unwrap());
        assert_eq!(of("+", "192.0.2.10/24"), ip("192.0.2.255"));
        assert_eq!(of("-", "192.0.2.10/24"), ip("192.0.2.0"));
        assert_eq!(of("+", "192.0.2.10/30"), ip("192.0.2.11"));
        assert_eq!(of("+", "192.0.2.10/0"), ip("255.255.255.255"));
        assert_eq!(of("192.0.2.127", "192.0.2.10/32"), ip("192.0.2.127"));
        for (text, cidr) in [("+", "192.0.2.10/31"), ("-", "192.0.2.10"), ("x", "192.0.2.10/24")] {
            assert!(of(text, cidr).is_err(), "{text} {cidr}");
        }
        assert!(of("+", "2001:db8::10/64").is_err());
    }
}
