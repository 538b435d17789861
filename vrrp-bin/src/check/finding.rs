//! [`Finding`]: one sentence of `vrrp check`, with all that a program wants to know about it.

use std::fmt;

use serde::Serialize;

use crate::{
    config::{ConfigError, Place, RouterConfig, one_line},
    import::Note,
};

/// What a finding means for whoever is about to start the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Severity {
    /// Good to know.
    Note,
    /// Something will not work as it is meant.
    Warning,
    /// Nothing starts.
    Error,
}

impl Severity {
    /// The word for people.
    const fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Writes the list of codes once: the variants, and all of them with their words.
macro_rules! codes {
    ($($name:ident = $word:literal, $about:literal;)*) => {
        /// What a finding is about. Its word is for programs, and stays.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Code {
            $(#[doc = $about] $name,)*
        }

        impl Code {
            /// Every word, for the tests of what is published.
            #[cfg(test)]
            pub(super) const WORDS: &[&str] = &[$($word,)*];

            /// The word for programs.
            pub(super) const fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

codes! {
    Configuration = "configuration", "The configuration cannot be used.";
    Reading = "reading", "What the reader of keepalived's files and of environments has to say.";
    Unexamined = "unexamined", "This host, or a part of it, cannot be looked at.";
    Capability = "capability", "A right is missing.";
    Kernel = "kernel", "This kernel is too old.";
    Realtime = "realtime", "The priority of the driver's thread is refused.";
    Descriptors = "descriptors", "Too few files may be opened.";
    Container = "container", "This is a container without the network of its host.";
    InterfaceMissing = "interface-missing", "There is no such interface.";
    InterfaceDown = "interface-down", "An interface is down.";
    InterfacePort = "interface-port", "An interface is a port of something else.";
    Source = "source", "There is no address to send from.";
    Ipv6Disabled = "ipv6-disabled", "IPv6 is off on the interface.";
    Mtu = "mtu", "The packets of the interface are too small.";
    RpFilter = "rp-filter", "The kernel drops what others send.";
    Arp = "arp", "The kernel does not answer for the address.";
    AddressPresent = "address-present", "An address is on this host already.";
    AddressMissing = "address-missing", "This host is the owner of an address that it has not.";
    AddressOutside = "address-outside", "An address is in no network of its interface.";
    Label = "label", "A label that old programs do not show.";
    Route = "route", "A route that cannot be put, or outlives the daemon.";
    Peers = "peers", "The list of peers.";
    Program = "program", "A program cannot be run.";
    Fifo = "fifo", "The FIFO cannot be made.";
    State = "state", "The state directory cannot be written to.";
    Check = "check", "A check that cannot be run, or changes nothing.";
    Leftover = "leftover", "An address that an earlier process left behind.";
    RunsAlready = "runs-already", "Another process runs the virtual router.";
    ControlInUse = "control-in-use", "Another daemon has the control socket.";
    Listen = "listen", "An address of `metrics` or `probe` that nothing can listen on.";
    Silence = "silence", "Nobody was heard.";
    VridInUse = "vrid-in-use", "Somebody else uses the VRID for other addresses.";
    VridHere = "vrid-here", "Another program of this host uses the VRID.";
    Unreadable = "unreadable", "A message that no virtual router accepts.";
    VersionDiffers = "version-differs", "A peer speaks another version.";
    PasswordDiffers = "password-differs", "A peer has another password, or signs.";
    IntervalDiffers = "interval-differs", "A peer has another interval.";
    AddressesDiffer = "addresses-differ", "A peer has other addresses.";
    TransportDiffers = "transport-differs", "A peer sends elsewhere.";
    SamePriority = "same-priority", "A peer has the same priority.";
    Ttl = "ttl", "What a peer sends comes from too far away.";
    Firewall = "firewall", "What a peer sends does not reach programs.";
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) severity: Severity,
    pub(super) code: Code,
    /// Where the configuration speaks of it.
    pub(super) place: Place,
    /// The name of the virtual router that it is about, if it is about one.
    pub(super) router: Option<String>,
    /// The interface that it is about, if it is about one.
    pub(super) interface: Option<String>,
    /// What is the case, and what to do.
    pub(super) sentence: String,
}

impl Finding {
    /// Something that will not work as it is meant.
    pub(super) fn warning(code: Code, place: &Place, sentence: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, place, sentence)
    }

    /// Something that is good to know.
    pub(super) fn note(code: Code, place: &Place, sentence: impl Into<String>) -> Self {
        Self::new(Severity::Note, code, place, sentence)
    }

    fn new(severity: Severity, code: Code, place: &Place, sentence: impl Into<String>) -> Self {
        let sentence = one_line(sentence.into()).into_owned();
        Self { severity, code, place: place.clone(), router: None, interface: None, sentence }
    }

    /// It is about this virtual router, and its interface unless it names another.
    pub(super) fn of(self, router: &RouterConfig) -> Self {
        let interface = self.interface.or_else(|| Some(router.interface.clone()));
        Self { router: Some(router.name.clone()), interface, ..self }
    }

    /// It is about this interface.
    pub(super) fn on(self, interface: &str) -> Self {
        Self { interface: Some(interface.to_owned()), ..self }
    }
}

impl From<&Note> for Finding {
    fn from(note: &Note) -> Self {
        let severity = if note.warning { Severity::Warning } else { Severity::Note };
        Self::new(severity, Code::Reading, &note.place, &*note.message)
    }
}

impl From<&ConfigError> for Finding {
    fn from(error: &ConfigError) -> Self {
        Self::new(Severity::Error, Code::Configuration, error.place(), error.message())
    }
}

impl fmt::Display for Finding {
    /// `FILE:LINE:COLUMN: warning: SENTENCE`. That a configuration cannot be used is said as `vrrp run`
    /// says it, without a word for it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { severity, place, sentence, .. } = self;
        match severity {
            Severity::Error => write!(f, "{place}: {sentence}"),
            Severity::Warning | Severity::Note => {
                write!(f, "{place}: {}: {sentence}", severity.word())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_published() {
        let schema: serde_json::Value =
            serde_json::from_str(include_str!("../../schema/check.json")).unwrap();
        let published = schema.pointer("/$defs/finding/properties/code/enum").unwrap();
        assert_eq!(published, &serde_json::json!(Code::WORDS));
    }
}
