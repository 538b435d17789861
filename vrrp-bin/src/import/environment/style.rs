//! Whose variables these are, and which there are.

use super::{
    reader::{Reader, is_number},
    values::{Raw, Variables},
};
use crate::config::{Place, nearest};

/// Whose contract is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// osixia/keepalived 1.x to 2.1.5, and 2.3.4: the notations of both are understood everywhere.
    Osixia,
    /// arcts/keepalived.
    Arcts,
    /// shawly/keepalived.
    Shawly,
    /// ednxzu/keepalived, whose names have no prefix.
    Ednxzu,
    /// This program's own.
    Own,
}

/// The variable that decides when the others do not.
const CHOICE: &str = "VRRP_ENV_STYLE";

const STYLES: &[(&str, Style)] = &[
    ("osixia", Style::Osixia),
    ("osixia-2.3", Style::Osixia),
    ("arcts", Style::Arcts),
    ("shawly", Style::Shawly),
    ("ednxzu", Style::Ednxzu),
    ("vrrp", Style::Own),
];

/// The names of a style.
pub(super) struct Names {
    /// As they stand.
    pub(super) fixed: &'static [&'static str],
    /// Those that a number follows.
    pub(super) numbered: &'static [&'static str],
    /// Those whose presence tells the style.
    marks: &'static [&'static str],
    /// Those that tell it where no mark does: others may have them, too, or they say which file is
    /// read.
    hints: &'static [&'static str],
}

pub(super) const OSIXIA: Names = Names {
    fixed: &[
        "KEEPALIVED_INTERFACE",
        "KEEPALIVED_STATE",
        "KEEPALIVED_ROUTER_ID",
        "KEEPALIVED_PRIORITY",
        "KEEPALIVED_PASSWORD",
        "KEEPALIVED_UNICAST_PEERS",
        "KEEPALIVED_VIRTUAL_IPS",
        "KEEPALIVED_NOTIFY",
        "KEEPALIVED_NOTIFY_SCRIPT",
        "KEEPALIVED_COMMAND_LINE_ARGUMENTS",
        "KEEPALIVED_CONF",
        "KEEPALIVED_CONF_TEMPLATE",
        "KEEPALIVED_CONF_RELOAD_SCRIPT",
    ],
    numbered: &[],
    marks: &["KEEPALIVED_VIRTUAL_IPS", "KEEPALIVED_UNICAST_PEERS"],
    hints: &["KEEPALIVED_CONF", "KEEPALIVED_CONF_TEMPLATE"],
};

pub(super) const ARCTS: Names = Names {
    fixed: &[
        "KEEPALIVED_AUTOCONF",
        "KEEPALIVED_CONF",
        "KEEPALIVED_CMD",
        "KEEPALIVED_DEBUG",
        "KEEPALIVED_VAR_RUN",
        "KEEPALIVED_STATE",
        "KEEPALIVED_PRIORITY",
        "KEEPALIVED_INTERFACE",
        "KEEPALIVED_VIRTUAL_ROUTER_ID",
        "KEEPALIVED_ADVERT_INT",
        "KEEPALIVED_AUTH_PASS",
        "KEEPALIVED_UNICAST_SRC_IP",
        "KEEPALIVED_KUBE_APISERVER_CHECK",
        "KUBE_APISERVER_ADDRESS",
        "KUBE_APISERVER_CHK_FALL",
        "KUBE_APISERVER_CHK_INTERVAL",
        "KUBE_APISERVER_CHK_RISE",
        "KUBE_APISERVER_CHK_WEIGHT",
        "KUBE_APISERVER_PORT",
    ],
    numbered: &[
        "KEEPALIVED_UNICAST_PEER_",
        "KEEPALIVED_VIRTUAL_IPADDRESS_",
        "KEEPALIVED_VIRTUAL_IPADDRESS_EXCLUDED_",
        "KEEPALIVED_TRACK_INTERFACE_",
    ],
    marks: &["KEEPALIVED_VIRTUAL_IPADDRESS_"],
    hints: &["KEEPALIVED_AUTOCONF"],
};

pub(super) const SHAWLY: Names = Names {
    fixed: &[
        "KEEPALIVED_AUTH_PASS",
        "KEEPALIVED_AUTH_TYPE",
        "KEEPALIVED_CHECK_IP",
        "KEEPALIVED_CHECK_PORT",
        "KEEPALIVED_CHECK_SCRIPT",
        "KEEPALIVED_CUSTOM_CONFIG",
        "KEEPALIVED_INTERFACE",
        "KEEPALIVED_PRIORITY",
        "KEEPALIVED_STATE",
        "KEEPALIVED_VIRTUAL_IP",
        "KEEPALIVED_VIRTUAL_MASK",
        "KEEPALIVED_VRID",
    ],
    numbered: &[],
    marks: &[],
    // One letter away from the mark of osixia's.
    hints: &["KEEPALIVED_CUSTOM_CONFIG", "KEEPALIVED_VIRTUAL_IP", "KEEPALIVED_VRID"],
};

pub(super) const EDNXZU: Names = Names {
    fixed: &[
        "ADVERTISE_INTERVAL",
        "ARGUMENTS",
        "CONFIG",
        "INTERFACE",
        "NOTIFY",
        "PASSWORD",
        "PRIORITY",
        "ROUTER_ID",
        "STATE",
        "UNICAST_PEERS",
        "UNICAST_SRC_IP",
        "VIRTUAL_IPS",
        "VRRP_INSTANCE",
    ],
    numbered: &[],
    marks: &[],
    hints: &["VIRTUAL_IPS"],
};

pub(super) const OWN: Names = Names {
    fixed: &[
        "VRRP_ADDRESSES",
        "VRRP_INTERFACE",
        "VRRP_INTERVAL",
        "VRRP_NAME",
        "VRRP_PASSWORD",
        "VRRP_PEERS",
        "VRRP_PREEMPT",
        "VRRP_PRIORITY",
        "VRRP_SOURCE",
        "VRRP_VERSION",
        "VRRP_VRID",
    ],
    numbered: &[],
    marks: &["VRRP_ADDRESSES"],
    hints: &[],
};

/// Those that every style has.
pub(super) const ALWAYS: &[&str] = &[
    CHOICE,
    "VRRP_CHECK_COMMAND",
    "VRRP_CHECK_DNS",
    "VRRP_CHECK_FALL",
    "VRRP_CHECK_HTTP",
    "VRRP_CHECK_INTERVAL",
    "VRRP_CHECK_LAST",
    "VRRP_CHECK_RISE",
    "VRRP_CHECK_TCP",
    "VRRP_CHECK_TIMEOUT",
    "VRRP_CONTROL",
    "VRRP_KEEPALIVED_METRICS",
    "VRRP_METRICS",
    "VRRP_NOTIFY",
    "VRRP_NOTIFY_FIFO",
    "VRRP_PROBE",
    "VRRP_STATE",
];

impl Style {
    pub(super) const fn names(self) -> &'static Names {
        match self {
            Self::Osixia => &OSIXIA,
            Self::Arcts => &ARCTS,
            Self::Shawly => &SHAWLY,
            Self::Ednxzu => &EDNXZU,
            Self::Own => &OWN,
        }
    }

    /// What the image is called.
    pub(super) const fn image(self) -> &'static str {
        match self {
            Self::Osixia => "osixia/keepalived",
            Self::Arcts => "arcts/keepalived",
            Self::Shawly => "shawly/keepalived",
            Self::Ednxzu => "ednxzu/keepalived",
            Self::Own => "vrrp",
        }
    }

    pub(super) fn knows(self, name: &str) -> bool {
        let names = self.names();
        let name = match self {
            // VRRP_2_PEERS is the VRRP_PEERS of a second virtual router.
            Self::Own => &unnumbered(name),
            _ => name,
        };
        names.fixed.contains(&name)
            || names.numbered.iter().any(|prefix| name.strip_prefix(prefix).is_some_and(is_number))
    }

    /// The first variable that tells this style.
    fn mark(self, names: &[String]) -> Option<&str> {
        let is_mark = |name: &&String| {
            self.knows(name)
                && self.names().marks.iter().any(|mark| match self {
                    Self::Own => unnumbered(name) == *mark,
                    Self::Arcts => name.strip_prefix(mark).is_some_and(is_number),
                    Self::Osixia | Self::Shawly | Self::Ednxzu => name == mark,
                })
        };
        names.iter().find(is_mark).map(String::as_str)
    }
}

/// `VRRP_2_PEERS` without its number.
pub(super) fn unnumbered(name: &str) -> String {
    match number_of(name) {
        Some(number) => name.replacen(&format!("_{number}_"), "_", 1),
        None => name.to_owned(),
    }
}

/// The 2 of `VRRP_2_PEERS`.
pub(super) fn number_of(name: &str) -> Option<&str> {
    let (number, _) = name.strip_prefix("VRRP_")?.split_once('_')?;
    is_number(number).then_some(number)
}

/// Whether any style knows `name`. The names of ednxzu's are words that anybody uses: they count
/// where that image is meant.
pub(super) fn is_known(name: &str) -> bool {
    let of_prefix = STYLES.iter().filter(|(_, style)| *style != Style::Ednxzu);
    ALWAYS.contains(&name) || of_prefix.into_iter().any(|(_, style)| style.knows(name))
}

/// Whether the image of ednxzu is meant, so that its names count.
pub(super) fn is_ednxzu(variables: &Variables) -> bool {
    match variables.get(CHOICE) {
        Some(Raw::Text(choice)) => choice.trim() == "ednxzu",
        Some(Raw::Literal(_)) => false,
        None => {
            let is_set = |hint: &&str| {
                variables.contains_key(*hint) || variables.contains_key(&format!("{hint}_FILE"))
            };
            let names: Vec<String> = variables.keys().cloned().collect();
            EDNXZU.hints.iter().any(is_set)
                && STYLES.iter().all(|(_, style)| style.mark(&names).is_none())
        }
    }
}

/// Whose variables are set. `None`: nobody's, or that of two. A file of keepalived's that is there
/// counts where no variable tells.
pub(super) fn detect(reader: &mut Reader, has_file: impl FnOnce() -> bool) -> Option<Style> {
    if let Some(text) = reader.plain(CHOICE) {
        let (text, words) =
            (text.to_owned(), STYLES.iter().map(|(word, _)| *word).collect::<Vec<_>>());
        let style = STYLES.iter().find(|(word, _)| *word == text).map(|(_, style)| *style);
        if style.is_none() {
            let advice = match nearest(&text, &words) {
                Some(word) => format!("did you mean {word}?"),
                None => format!("write one of {}", words.join(", ")),
            };
            reader.error(CHOICE, format!("this is {text:?}; {advice}"));
        }
        return style;
    }
    let names = reader.names();
    let marks: Vec<(Style, &str)> = [Style::Osixia, Style::Arcts, Style::Own]
        .into_iter()
        .filter_map(|style| Some((style, style.mark(&names)?)))
        .collect();
    match marks.as_slice() {
        [] => hinted(reader, has_file),
        [(style, _)] => Some(*style),
        [(_, one), (_, other), ..] => {
            reader.error_at(
                &Place::Environment,
                format!(
                    "{one} and {other} belong to different images; remove one of them, or set \
                     {CHOICE} to the one to follow: osixia, arcts, shawly, ednxzu or vrrp"
                ),
            );
            None
        }
    }
}

/// The style where no mark tells it. A variable goes before a file, and one that says which file is
/// written before one that only names it.
fn hinted(reader: &mut Reader, has_file: impl FnOnce() -> bool) -> Option<Style> {
    let in_order = [Style::Arcts, Style::Shawly, Style::Osixia, Style::Ednxzu];
    let hint = |style: &Style| style.names().hints.iter().any(|name| reader.is_set(name));
    if let Some(style) = in_order.into_iter().find(hint) {
        return Some(style);
    }
    if has_file() {
        return Some(Style::Osixia);
    }
    reader.error_at(
        &Place::Environment,
        "there is no virtual address in it; set VRRP_ADDRESSES (see docs/containers.md), \
         KEEPALIVED_VIRTUAL_IPS with KEEPALIVED_UNICAST_PEERS as for osixia/keepalived, \
         KEEPALIVED_VIRTUAL_IPADDRESS_1 as for arcts/keepalived, or the variables of another image; \
         mount keepalived.conf where these images have it; or name a file with -c FILE instead of \
         --from-env",
    );
    None
}
