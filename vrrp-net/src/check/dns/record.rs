//! [`RecordType`]: a type of records.

use std::{fmt, str::FromStr};

/// A type of records of the DNS (RFC 1035 3.2.2).
///
/// ```
/// use vrrp_net::check::dns::RecordType;
///
/// assert_eq!("aaaa".parse(), Ok(RecordType::AAAA));
/// assert_eq!("TYPE65".parse::<RecordType>()?.to_string(), "TYPE65");
/// # Ok::<(), vrrp_net::check::dns::RecordTypeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordType(u16);

/// The types that have a name here.
const NAMES: [(RecordType, &str); 10] = [
    (RecordType::A, "A"),
    (RecordType::AAAA, "AAAA"),
    (RecordType::CAA, "CAA"),
    (RecordType::CNAME, "CNAME"),
    (RecordType::MX, "MX"),
    (RecordType::NS, "NS"),
    (RecordType::PTR, "PTR"),
    (RecordType::SOA, "SOA"),
    (RecordType::SRV, "SRV"),
    (RecordType::TXT, "TXT"),
];

impl RecordType {
    /// An IPv4 address.
    pub const A: Self = Self(1);
    /// An IPv6 address (RFC 3596).
    pub const AAAA: Self = Self(28);
    /// Who may issue certificates (RFC 8659).
    pub const CAA: Self = Self(257);
    /// Another name.
    pub const CNAME: Self = Self(5);
    /// Who takes mail.
    pub const MX: Self = Self(15);
    /// A name server.
    pub const NS: Self = Self(2);
    /// The name of an address.
    pub const PTR: Self = Self(12);
    /// The beginning of a zone.
    pub const SOA: Self = Self(6);
    /// Where a service is (RFC 2782).
    pub const SRV: Self = Self(33);
    /// Text.
    pub const TXT: Self = Self(16);

    /// Returns its number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl FromStr for RecordType {
    type Err = RecordTypeError;

    /// Reads a name such as `AAAA`, in any case, or `TYPE` and a number (RFC 3597 5).
    fn from_str(text: &str) -> Result<Self, RecordTypeError> {
        let error = || RecordTypeError { given: text.to_owned() };
        let upper = text.to_ascii_uppercase();
        if let Some((record, _)) = NAMES.iter().find(|(_, name)| *name == upper) {
            return Ok(*record);
        }
        let number = upper.strip_prefix("TYPE").ok_or_else(error)?;
        number.parse().ok().filter(|number| *number != 0).map(Self).ok_or_else(error)
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(record, _)| record == self) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "TYPE{}", self.0),
        }
    }
}

/// Why a type of records cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{given:?} is no type of DNS records; A, AAAA, CAA, CNAME, MX, NS, PTR, SOA, SRV and TXT are, \
     and TYPE with a number"
)]
#[non_exhaustive]
pub struct RecordTypeError {
    given: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_read_as_it_is_written() {
        for (record, name) in NAMES {
            assert_eq!((name.parse(), record.to_string()), (Ok(record), name.to_owned()));
        }
        for text in ["", "B", "TYPE", "TYPE0", "TYPE65536", "1"] {
            assert!(text.parse::<RecordType>().unwrap_err().to_string().contains("AAAA"), "{text}");
        }
    }
}
