//! What users see, as data: words and numbers as they stand in logs, never the names of variants.

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{
    Address, Cidr, Claim, Condition, Counters, Family, Gate, Gates, GroupPolicy, Hold, Holds,
    LeaseFailure, Loss, MacAddr, Notice, Phase, Priority, Reach, Reason, Rejected, RivalCause,
    Version, Vrid,
};

/// By its stable word: what `Display` says may be a sentence.
macro_rules! by_word {
    ($($name:ident),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    )*};
}

by_word!(
    Condition,
    Gate,
    GroupPolicy,
    Hold,
    LeaseFailure,
    Loss,
    Notice,
    Phase,
    Reach,
    Reason,
    Rejected,
    RivalCause
);

/// As the octet on the wire.
macro_rules! by_octet {
    ($($name:ident: $octet:expr),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let octet: fn(Self) -> u8 = $octet;
                serializer.serialize_u8(octet(*self))
            }
        }
    )*};
}

by_octet!(Claim: u8::from, Priority: Self::get, Version: Self::get, Vrid: Self::get);

impl Serialize for Family {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for MacAddr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<A: Address> Serialize for Cidr<A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Holds {
    /// A list of words.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl Serialize for Gates {
    /// A list of words.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl Serialize for Counters {
    /// Each by its name, and `rejected` with each reason by its word, zeros included.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, count) in self.iter() {
            map.serialize_entry(name, &count)?;
        }
        map.serialize_entry("rejected", &Rejections(self))?;
        map.end()
    }
}

/// What was rejected, by reason.
struct Rejections<'a>(&'a Counters);

impl Serialize for Rejections<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.rejections())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::string::String;

    use super::*;
    use crate::{InterfaceId, Key, Sender};

    fn json(value: &impl Serialize) -> String {
        serde_json::to_string(value).unwrap()
    }

    #[test]
    fn names_are_the_words_of_the_logs() {
        assert_eq!(json(&Phase::Held), r#""held""#);
        assert_eq!(json(&Phase::Initialize(Hold::LinkDown)), r#""initialize""#);
        assert_eq!(json(&Hold::Backend(LeaseFailure::TimedOut)), r#""backend-timeout""#);
        assert_eq!(json(&Reason::StrongerClaim), r#""stronger-claim""#);
        assert_eq!(json(&Notice::Refused(Rejected::Ttl)), r#""refused""#);
        assert_eq!(json(&Rejected::Ttl), r#""wrong-ttl""#);
        assert_eq!(json(&[Reach::OnLink, Reach::Routed]), r#"["on-link","routed"]"#);
        assert_eq!(json(&[Loss::Deleted, Loss::Lapsed]), r#"["deleted","lapsed"]"#);
    }

    #[test]
    fn values_are_written_as_they_are_configured() {
        assert_eq!(json(&[Claim::Resign, Claim::Own]), "[0,255]");
        assert_eq!(json(&Priority::DEFAULT), "100");
        assert_eq!(json(&"192.0.2.10/24".parse::<Cidr>().unwrap()), r#""192.0.2.10/24""#);
        let interface = InterfaceId::new(2.try_into().unwrap());
        let key = Key { interface, family: Family::Ipv6, vrid: 51.try_into().unwrap() };
        assert_eq!(json(&key), r#"{"interface":2,"family":"ipv6","vrid":51}"#);
        let sender = Sender { source: "192.0.2.1".parse().unwrap(), claim: Claim::Own };
        assert_eq!(json(&sender), r#"{"source":"192.0.2.1","claim":255}"#);
    }

    #[test]
    fn a_set_is_a_list_of_its_words() {
        let holds: Holds = [Hold::LinkDown, Hold::Drained].into_iter().collect();
        assert_eq!(json(&holds), r#"["drained","link-down"]"#);
        assert_eq!(json(&Gates::from_iter([Gate::Asking])), r#"["asking"]"#);
    }

    #[test]
    fn every_counter_and_every_reason_is_there() {
        let mut counters = Counters::default();
        counters.count_rejected(Rejected::Ttl);
        let value = serde_json::to_value(counters).unwrap();
        let names: usize = counters.iter().filter(|(name, _)| value[name] == 0).count();
        assert_eq!(names, counters.iter().count(), "{value}");
        assert_eq!(value["rejected"]["wrong-ttl"], 1);
        assert_eq!(value["rejected"].as_object().unwrap().len(), Rejected::ALL.len());
    }
}
