//! tshark, which knows nothing of this project: what it reads in the frames of a capture.

use std::{collections::BTreeMap, path::Path, process::Command};

use libtest_mimic::Failed;
use vrrp_net::lab::Capture;

/// The fields that are asked for.
const FIELDS: &[&str] = &[
    "eth.src",
    "eth.dst",
    "ip.src",
    "ip.dst",
    "ip.ttl",
    "ip.dsfield",
    "ip.checksum.status",
    "ipv6.src",
    "ipv6.dst",
    "ipv6.hlim",
    "ipv6.tclass",
    "vrrp.version",
    "vrrp.type",
    "vrrp.virt_rtr_id",
    "vrrp.prio",
    "vrrp.addr_count",
    "vrrp.auth_type",
    "vrrp.auth_string",
    "vrrp.adver_int",
    "vrrp.short_adver_int",
    "vrrp.checksum.status",
    "vrrp.ip_addr",
    "vrrp.ipv6_addr",
    "arp.opcode",
    "arp.isgratuitous",
    "arp.src.hw_mac",
    "arp.src.proto_ipv4",
    "arp.dst.proto_ipv4",
    "icmpv6.type",
    "icmpv6.checksum.status",
    "icmpv6.nd.na.flag.r",
    "icmpv6.nd.na.flag.s",
    "icmpv6.nd.na.flag.o",
    "icmpv6.nd.na.target_address",
    "icmpv6.opt.type",
    "icmpv6.opt.linkaddr",
    "_ws.expert.severity",
    "_ws.expert.message",
    "_ws.malformed",
];

/// What tshark calls a checksum that is right.
pub(super) const GOOD: &str = "1";

/// Why there is no tshark here; `None` when there is.
pub(super) fn missing() -> Option<String> {
    let found = Command::new("tshark")
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success());
    (!found).then(|| "tshark is not installed".to_owned())
}

/// A frame as tshark reads it: the fields that it has, each with its values.
#[derive(Clone, Debug)]
pub(super) struct Dissected(BTreeMap<&'static str, String>);

impl Dissected {
    /// The values of a field, separated by commas; empty when there is none.
    pub(super) fn get(&self, field: &str) -> &str {
        self.0.get(field).map_or("", String::as_str)
    }

    pub(super) fn is_vrrp(&self) -> bool {
        !self.get("vrrp.version").is_empty()
    }

    pub(super) fn is_resignation(&self) -> bool {
        self.get("vrrp.prio") == "0"
    }

    pub(super) fn is_gratuitous_arp(&self) -> bool {
        self.get("arp.isgratuitous") == "1"
    }

    /// Whether it is a Neighbor Advertisement (type 136) to all nodes.
    pub(super) fn is_unsolicited_na(&self) -> bool {
        self.get("icmpv6.type") == "136" && self.get("ipv6.dst") == "ff02::1"
    }

    /// What tshark has to complain about.
    pub(super) fn complaint(&self) -> String {
        let complaints = ["_ws.expert.severity", "_ws.expert.message", "_ws.malformed"];
        complaints.map(|field| self.get(field)).join(" ").trim().to_owned()
    }
}

/// What tshark reads in what was captured so far. `alone` says that VRRPv3 over IPv4 has its
/// checksum over the message alone.
pub(super) fn dissect(
    capture: &Capture,
    folder: &Path,
    alone: bool,
) -> Result<Vec<Dissected>, Failed> {
    let file = folder.join("frames.pcap");
    capture.write_pcap(&file)?;
    let mut command = Command::new("tshark");
    // Nobody's own preferences.
    command
        .env("WIRESHARK_CONFIG_DIR", folder)
        .arg("-n")
        .arg("-r")
        .arg(&file)
        .args(["-T", "fields"]);
    command.args(["-E", "separator=/t", "-E", "occurrence=a", "-E", "aggregator=,"]);
    command.args(["-o", "ip.check_checksum:TRUE", "-o"]);
    command.arg(format!("vrrp.v3_checksum_as_in_v2:{}", if alone { "TRUE" } else { "FALSE" }));
    FIELDS.iter().for_each(|field| {
        command.args(["-e", field]);
    });
    let output = command.output()?;
    if !output.status.success() {
        return Err(format!("tshark: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().map(read).collect())
}

fn read(line: &str) -> Dissected {
    // How a flag is written depends on the version.
    let flag = |value: &str| match value {
        "True" => "1".to_owned(),
        "False" => "0".to_owned(),
        value => value.to_owned(),
    };
    let fields = FIELDS.iter().copied().zip(line.split('\t').map(flag));
    Dissected(fields.filter(|(_, value)| !value.is_empty()).collect())
}
