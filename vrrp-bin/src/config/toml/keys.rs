//! The keys of each section: those that work, those that are planned, and what other programs call
//! them.

use crate::config::names::nearest;

/// A section's name in sentences, and its keys.
pub(super) struct Keys {
    /// As in "unknown key `x` in a virtual router".
    pub(super) section: &'static str,
    /// The keys that work.
    pub(super) known: &'static [&'static str],
    /// The keys that have a meaning already but do not work in this version.
    pub(super) planned: &'static [&'static str],
}

/// The file itself.
pub(super) const FILE: Keys = Keys {
    section: "the file",
    known: &["virtual_router", "check", "group", "daemon"],
    planned: &[],
};

/// `[[virtual_router]]`.
pub(super) const VIRTUAL_ROUTER: Keys = Keys {
    section: "a virtual router",
    known: &[
        "name",
        "interface",
        "vrid",
        "addresses",
        "extra_addresses",
        "routes",
        "version",
        "priority",
        "interval",
        "preempt",
        "peers",
        "hear",
        "source",
        "password",
        "password_file",
        "checksum",
        "lease",
        "backend",
        "announce",
        "startup_delay",
        "up_delay",
        "look",
        "track",
        "last",
        "notify",
        "notify_active",
        "notify_backup",
        "notify_fault",
        "notify_stop",
        "before_active",
    ],
    planned: &["accept", "virtual_mac"],
};

/// `[[check]]`.
pub(super) const CHECK: Keys = Keys {
    section: "a check",
    known: &[
        "name",
        "http",
        "tcp",
        "dns",
        "command",
        "file",
        "process",
        "interface",
        "route",
        "interval",
        "timeout",
        "rise",
        "fall",
        "initial",
        "while",
        "grace",
        "user",
        "not_run",
    ],
    planned: &[],
};

/// `http` of a check as a table.
pub(super) const HTTP: Keys =
    Keys { section: "`http`", known: &["url", "status", "body", "ca"], planned: &[] };

/// `dns` of a check.
pub(super) const DNS: Keys =
    Keys { section: "`dns`", known: &["server", "name", "type"], planned: &[] };

/// `file` of a check as a table.
pub(super) const FILE_CHECK: Keys =
    Keys { section: "`file`", known: &["path", "exists", "number"], planned: &[] };

/// `process` of a check as a table.
pub(super) const PROCESS: Keys =
    Keys { section: "`process`", known: &["name", "at_least", "at_most"], planned: &[] };

/// An entry of `track` as a table.
pub(super) const TRACK: Keys =
    Keys { section: "an entry of `track`", known: &["check", "weight", "reverse"], planned: &[] };

/// `[[group]]`.
pub(super) const GROUP: Keys = Keys {
    section: "a group",
    known: &[
        "name",
        "members",
        "policy",
        "notify",
        "notify_active",
        "notify_backup",
        "notify_fault",
        "notify_stop",
    ],
    planned: &[],
};

/// An address written as a table.
pub(super) const ADDRESS: Keys = Keys {
    section: "an address",
    known: &["address", "interface", "label", "scope", "broadcast"],
    planned: &[],
};

/// A peer written as a table.
pub(super) const PEER: Keys =
    Keys { section: "a peer", known: &["address", "min_ttl", "min_ttl_routed"], planned: &[] };

/// `backend` as a table.
pub(super) const BACKEND: Keys =
    Keys { section: "`backend`", known: &["command", "timeout", "reach"], planned: &[] };

/// `notify` and its companions as a table.
pub(super) const NOTIFY: Keys =
    Keys { section: "`notify`", known: &["command", "timeout", "user"], planned: &[] };

/// `before_active` as a table.
pub(super) const BEFORE: Keys =
    Keys { section: "`before_active`", known: &["command", "timeout"], planned: &[] };

/// `announce`.
pub(super) const ANNOUNCE: Keys =
    Keys { section: "`announce`", known: &["repeat", "refresh"], planned: &[] };

/// `[daemon]`.
pub(super) const DAEMON: Keys = Keys {
    section: "`[daemon]`",
    known: &[
        "control",
        "state",
        "netns",
        "realtime",
        "script_security",
        "notify",
        "notify_active",
        "notify_backup",
        "notify_fault",
        "notify_stop",
        "notify_fifo",
        "metrics",
        "probe",
        "keepalived_metrics",
    ],
    planned: &[],
};

/// What people who come from other programs write, and what it is called here.
const ELSEWHERE: &[(&str, &str)] = &[
    ("virtual_router_id", "vrid"),
    ("id", "vrid"),
    ("iface", "interface"),
    ("device", "interface"),
    ("virtual_ipaddress", "addresses"),
    ("virtual_addresses", "addresses"),
    ("vips", "addresses"),
    ("vip", "addresses"),
    ("ips", "addresses"),
    ("virtual_ipaddress_excluded", "extra_addresses"),
    ("virtual_routes", "routes"),
    ("dev", "interface"),
    ("brd", "broadcast"),
    ("net_namespace", "netns"),
    ("namespace", "netns"),
    ("advert_int", "interval"),
    ("advertisement_interval", "interval"),
    ("nopreempt", "preempt"),
    ("preempt_delay", "preempt"),
    ("unicast_peer", "peers"),
    ("unicast_peers", "peers"),
    ("unicast_src_ip", "source"),
    ("mcast_src_ip", "source"),
    ("vrrp_version", "version"),
    ("auth_pass", "password"),
    ("virtual_routers", "virtual_router"),
    ("vrrp_instance", "virtual_router"),
    ("router", "virtual_router"),
    ("checks", "check"),
    ("vrrp_script", "check"),
    ("script", "command"),
    ("track_script", "track"),
    ("track_interface", "track"),
    ("groups", "group"),
    ("vrrp_sync_group", "group"),
    ("notify_master", "notify_active"),
    ("vrrp_notify_fifo", "notify_fifo"),
    ("enable_script_security", "script_security"),
];

impl Keys {
    /// What is wrong with `key`, if anything.
    pub(super) fn judge(&self, key: &str) -> Result<(), String> {
        if self.known.contains(&key) {
            return Ok(());
        }
        if self.planned.contains(&key) {
            return Err(format!(
                "`{key}` in {} is not supported in this version; remove it",
                self.section
            ));
        }
        let advice = match self.meant(key) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("the keys here are {}", self.known.join(", ")),
        };
        Err(format!("unknown key `{}` in {}; {advice}", key.escape_default(), self.section))
    }

    /// The known key that `key` was probably meant to be.
    pub(super) fn meant(&self, key: &str) -> Option<&'static str> {
        let elsewhere =
            ELSEWHERE.iter().find(|(theirs, ours)| *theirs == key && self.known.contains(ours));
        elsewhere.map(|(_, ours)| *ours).or_else(|| nearest(key, self.known))
    }
}
