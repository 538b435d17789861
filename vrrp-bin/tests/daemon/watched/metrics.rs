//! What is scraped.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    process::{Command, Stdio},
};

use super::{
    exposition::{Scrape, it_can_refuse},
    http::{METRICS, get, get_as},
    start,
};
use crate::{Daemon, Failed, Outcome, text};

/// A check that passes, so that its series are there.
const CHECK: &str = "[[check]]\nname = \"there\"\nfile = \"/\"\n";
const OPEN_METRICS: &str = "application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1";
/// What each virtual router is told by.
const WEB: &[(&str, &str)] =
    &[("name", "web"), ("interface", "eth0"), ("vrid", "51"), ("family", "ipv4")];

fn scrape(daemon: &Daemon) -> Result<(Scrape, String), Failed> {
    let answer = get(daemon, METRICS, "/metrics")?;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    Ok((Scrape::read(&answer.body, false)?, answer.body))
}

fn with<'a>(
    labels: &[(&'a str, &'a str)],
    name: &'a str,
    value: &'a str,
) -> Vec<(&'a str, &'a str)> {
    [labels, &[(name, value)]].concat()
}

/// Both texts, each read by its rules; the same values, and what is true.
pub(super) fn prometheus_reads_them() -> Outcome {
    it_can_refuse();
    let daemon = start(&format!("keepalived_metrics = true\n{CHECK}"))?;
    let (classic, _) = scrape(&daemon)?;
    let value = |name: &str, labels: &[(&str, &str)]| classic.value(name, labels);
    let state = |state| value("vrrp_state", &with(WEB, "state", state));
    let states = ["initialize", "backup", "acquiring", "active", "resigning"].map(state);
    assert_eq!(states, [Ok(0.0), Ok(0.0), Ok(0.0), Ok(1.0), Ok(0.0)]);
    let transitions = |reason| value("vrrp_transitions_total", &with(WEB, "reason", reason));
    assert_eq!((transitions("silence"), transitions("drain")), (Ok(1.0), Ok(0.0)));
    assert!(value("vrrp_advertisements_sent_total", WEB)? >= 1.0);
    assert_eq!(value("vrrp_advertisements_received_total", WEB), Ok(0.0));
    assert_eq!(value("vrrp_became_active_total", WEB), Ok(1.0));
    assert_eq!(value("vrrp_rejections_total", &with(WEB, "reason", "wrong-ttl")), Ok(0.0));
    let lease = value("vrrp_lease_seconds", WEB)?;
    assert!(lease > 0.0 && lease <= 0.3, "{lease}");
    assert_eq!(value("vrrp_priority", &with(WEB, "kind", "effective")), Ok(100.0));
    assert_eq!(value("vrrp_takeover_seconds_count", WEB), Ok(1.0));
    let took = value("vrrp_last_takeover_seconds", WEB)?;
    assert!(took > 0.0 && took == value("vrrp_takeover_seconds_sum", WEB)?, "{took}");
    assert!(value("vrrp_advertisement_lateness_seconds_count", &[]).is_ok());
    assert_eq!(value("vrrp_build_info", &[("version", env!("CARGO_PKG_VERSION"))]), Ok(1.0));
    assert_eq!(value("vrrp_virtual_routers", &[]), Ok(2.0));
    let open = get_as(&daemon, METRICS, "/metrics", OPEN_METRICS)?;
    let kind = open.header("content-type").unwrap_or_default();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    let open = Scrape::read(&open.body, true)?;
    assert_eq!(series(&open), series(&classic));
    Ok(())
}

/// Every series. Both texts write the same bound in their own way.
fn series(scrape: &Scrape) -> BTreeSet<String> {
    let one = |(name, labels): &(String, BTreeMap<String, String>)| {
        let bound = labels.get("le").and_then(|bound| bound.parse::<f64>().ok());
        let others: Vec<_> = labels.iter().filter(|(label, _)| *label != "le").collect();
        format!("{name} {others:?} {bound:?}")
    };
    scrape.samples.keys().map(one).collect()
}

/// What Prometheus' own tool says of names, types and help.
pub(super) fn promtool_takes_them() -> Outcome {
    let daemon = start(&format!("keepalived_metrics = true\n{CHECK}"))?;
    let (_, metrics) = scrape(&daemon)?;
    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped());
    let mut tool = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    tool.stdin.take().ok_or("no input")?.write_all(metrics.as_bytes())?;
    let output = tool.wait_with_output()?;
    let said = text(&output.stdout) + &text(&output.stderr);
    // The exporter's names are what they are.
    let ours: Vec<&str> = said.lines().filter(|line| !line.starts_with("keepalived_")).collect();
    assert!(ours.is_empty(), "{said}");
    Ok(())
}

/// Each family has its line in the page, and each line its family.
pub(super) fn the_page_has_each_of_them() -> Outcome {
    let daemon = start(&format!("keepalived_metrics = true\n{CHECK}"))?;
    let (scraped, _) = scrape(&daemon)?;
    let page = include_str!("../../../../docs/metrics.md");
    let named = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let named: BTreeSet<&str> =
        named.filter(|name| name.starts_with("vrrp_") || name.starts_with("keepalived_")).collect();
    let there: BTreeSet<&str> = scraped.families.keys().map(String::as_str).collect();
    assert_eq!(named, there);
    // Without the key, there are none of keepalived's names.
    let path = daemon.directory.path().join("vrrp.toml");
    let config = std::fs::read_to_string(&path)?;
    std::fs::write(&path, config.replace("keepalived_metrics = true", ""))?;
    let reload = daemon.vrrp(&["reload", "-c", "vrrp.toml"])?;
    assert_eq!(reload.status.code(), Some(0), "{}", text(&reload.stderr));
    let (scraped, _) = scrape(&daemon)?;
    assert!(scraped.families.keys().all(|name| name.starts_with("vrrp_")));
    Ok(())
}

/// What the exporter's dashboard asks for, each with the labels that its legends have.
const QUERIES: [(&str, &[&str]); 23] = [
    ("keepalived_up", &[]),
    ("keepalived_exporter_build_info", &["version"]),
    ("keepalived_vrrp_state", &["iname", "intf", "vrid", "ip_address"]),
    ("keepalived_vrrp_excluded_state", &["iname", "intf", "vrid", "ip_address"]),
    ("keepalived_exporter_check_script_status", &["iname", "intf", "vrid", "ip_address"]),
    ("keepalived_check_script_status", &["iname", "intf", "vrid", "ip_address"]),
    ("keepalived_script_status", &["name"]),
    ("keepalived_script_state", &["name"]),
    ("keepalived_gratuitous_arp_delay_total", &["iname", "intf", "vrid"]),
    ("keepalived_advertisements_received_total", &["iname", "intf", "vrid"]),
    ("keepalived_advertisements_sent_total", &["iname", "intf", "vrid"]),
    ("keepalived_become_master_total", &["iname", "intf", "vrid"]),
    ("keepalived_release_master_total", &["iname", "intf", "vrid"]),
    ("keepalived_packet_length_errors_total", &["iname", "intf", "vrid"]),
    ("keepalived_advertisements_interval_errors_total", &["iname", "intf", "vrid"]),
    ("keepalived_ip_ttl_errors_total", &["iname", "intf", "vrid"]),
    ("keepalived_invalid_type_received_total", &["iname", "intf", "vrid"]),
    ("keepalived_address_list_errors_total", &["iname", "intf", "vrid"]),
    ("keepalived_authentication_invalid_total", &["iname", "intf", "vrid"]),
    ("keepalived_authentication_mismatch_total", &["iname", "intf", "vrid"]),
    ("keepalived_authentication_failure_total", &["iname", "intf", "vrid"]),
    ("keepalived_priority_zero_received_total", &["iname", "intf", "vrid"]),
    ("keepalived_priority_zero_sent_total", &["iname", "intf", "vrid"]),
];

/// Every query of the exporter's dashboard has an answer.
pub(super) fn they_have_keepaliveds_names() -> Outcome {
    let config =
        crate::CONFIG.replace("addresses", "extra_addresses = [\"192.0.2.20/24\"]\naddresses");
    let config = format!("{config}track = [\"there\"]\n{CHECK}");
    let daemon = Daemon::start_with(&config, |_| {
        Ok(format!("metrics = \"{METRICS}\"\nkeepalived_metrics = true\n"))
    })?;
    let (scraped, _) = scrape(&daemon)?;
    for (query, labels) in QUERIES {
        let answers: Vec<_> =
            scraped.samples.keys().filter(|(name, _)| name == query).map(|(_, it)| it).collect();
        assert!(!answers.is_empty(), "{query} has no answer");
        for answer in answers {
            let own: BTreeSet<&str> = answer.keys().map(String::as_str).collect();
            assert_eq!(own, labels.iter().copied().collect(), "{query}");
        }
    }
    let theirs = scraped.names().into_iter().filter(|name| name.starts_with("keepalived_"));
    assert_eq!(theirs.count(), QUERIES.len());
    let labels =
        [("iname", "web"), ("intf", "eth0"), ("vrid", "51"), ("ip_address", "192.0.2.10/24")];
    assert_eq!(scraped.value("keepalived_vrrp_state", &labels), Ok(2.0));
    let extra = with(labels.split_at(3).0, "ip_address", "192.0.2.20/24");
    assert_eq!(scraped.value("keepalived_vrrp_excluded_state", &extra), Ok(2.0));
    assert_eq!(scraped.value("keepalived_script_status", &[("name", "there")]), Ok(1.0));
    assert_eq!(scraped.value("keepalived_become_master_total", labels.split_at(3).0), Ok(1.0));
    assert_eq!(scraped.value("keepalived_release_master_total", labels.split_at(3).0), Ok(0.0));
    Ok(())
}
