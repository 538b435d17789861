//! Words that sentences about a configuration share.

use std::io;

use vrrp_core::{ConfigError, Family};

/// How a configuration is written, as far as sentences about it depend on that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notation {
    /// `key = "value"` in a file.
    Toml,
    /// `keyword value` in a file of keepalived.
    Keepalived,
    /// A variable for each value.
    Variables,
}

impl Notation {
    /// How a sentence at the value of `key` calls that value.
    pub(crate) fn subject(self, key: &str) -> String {
        match self {
            Self::Toml => format!("`{key}`"),
            Self::Keepalived => format!("`{}`", keyword(key)),
            Self::Variables => "this".to_owned(),
        }
    }

    /// How a text is written.
    pub(crate) fn text(self, text: &str) -> String {
        match self {
            Self::Toml => format!("{text:?}"),
            Self::Keepalived | Self::Variables => text.to_owned(),
        }
    }

    /// How a list of one text is written.
    pub(crate) fn list(self, text: &str) -> String {
        match self {
            Self::Toml => format!("[{text:?}]"),
            Self::Keepalived => format!("{{ {text} }}"),
            Self::Variables => text.to_owned(),
        }
    }

    /// How a sentence quotes that `key` is `text`, where that is said.
    pub(crate) fn quote(self, key: &str, text: &str) -> String {
        match self {
            Self::Toml => format!("{key} = {text:?}"),
            Self::Keepalived => format!("{} {text}", keyword(key)),
            Self::Variables => format!("{text:?}"),
        }
    }

    /// What to set, after "set".
    pub(crate) fn setting(self, key: &str, value: &str) -> String {
        match self {
            Self::Toml => format!("{key} = {value}"),
            Self::Keepalived => format!("{} {value}", keyword(key)),
            Self::Variables => format!("VRRP_{} to {value}", key.to_uppercase()),
        }
    }

    /// That a virtual router has no `key`; `example` is a value of TOML.
    pub(crate) fn missing(self, key: &str, example: &str) -> String {
        match self {
            Self::Toml => {
                format!("this virtual router has no `{key}`; add for example {key} = {example}")
            }
            Self::Keepalived => format!("this vrrp_instance has no `{}`; add it", keyword(key)),
            Self::Variables => format!("this virtual router has no {key}; set it"),
        }
    }
}

/// What keepalived calls a key.
fn keyword(key: &str) -> &str {
    const KEYWORDS: &[(&str, &str)] = &[
        ("vrid", "virtual_router_id"),
        ("addresses", "virtual_ipaddress"),
        ("extra_addresses", "virtual_ipaddress_excluded"),
        ("routes", "virtual_routes"),
        ("interval", "advert_int"),
        ("password", "auth_pass"),
        ("peers", "unicast_peer"),
        ("source", "unicast_src_ip"),
        ("hear", "check_unicast_src"),
        ("startup_delay", "vrrp_startup_delay"),
        ("name", "vrrp_instance"),
    ];
    KEYWORDS.iter().find(|(known, _)| *known == key).map_or(key, |(_, keyword)| keyword)
}

/// A family as people write it in a sentence.
pub(crate) const fn family_name(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "IPv4",
        Family::Ipv6 => "IPv6",
    }
}

/// Why `text` cannot stand in a list of addresses.
pub(crate) fn unfit(text: &str, error: ConfigError) -> String {
    match error {
        ConfigError::Address => {
            format!("{text:?} is not an IP address; write for example \"192.0.2.10/24\"")
        }
        ConfigError::AddressTwice => format!("{text} is listed twice; remove one of them"),
        ConfigError::UnusableAddress => {
            format!(
                "{text} is unspecified, loopback, multicast or broadcast; write an address that a \
                 host can have"
            )
        }
        other => format!("{text} cannot be used; {other}"),
    }
}

/// What the system reported, in lower case and without its number.
pub(crate) fn describe(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
