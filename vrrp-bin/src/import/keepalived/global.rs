//! `global_defs`: what holds for every virtual router that comes after it.

use std::time::Duration;

use vrrp_net::Realtime;

use super::{
    blocks::Statement,
    keywords,
    report::Report,
    values::{number, seconds, switch, text, value},
};
use crate::config::{Located, Version};

/// What it says.
#[derive(Clone, Debug, Default)]
pub(super) struct Global {
    pub(super) version: Option<Version>,
    pub(super) interface: Option<Located<String>>,
    pub(super) startup_delay: Option<Located<Duration>>,
    pub(super) checks_source: bool,
    pub(super) bursts: Bursts,
    /// Whether checksums of VRRPv3 over IPv4 leave the pseudo-header out, as those of VRRPv2 do.
    pub(super) old_checksum: Option<Located<bool>>,
    /// Whom scripts run as.
    pub(super) user: Option<Located<String>>,
    pub(super) fifo: Option<Located<String>>,
    /// Whether scripts are looked at before they are trusted.
    pub(super) is_secure: bool,
    /// The priority of the thread that advertises.
    pub(super) realtime: Option<Located<Realtime>>,
}

/// How an address is announced.
#[derive(Clone, Debug, Default)]
pub(super) struct Bursts {
    /// When the second burst is.
    pub(super) delay: Option<Located<Duration>>,
    /// How often after that; nothing is never.
    pub(super) refresh: Option<Located<Duration>>,
}

impl Global {
    /// Adds what a block says.
    pub(super) fn read(&mut self, block: &Statement, report: &mut Report) {
        for statement in block.inner() {
            self.take(statement, report);
        }
    }

    fn take(&mut self, statement: &Statement, report: &mut Report) {
        match statement.keyword() {
            "vrrp_version" => {
                let version = number(statement, 2..=3, report);
                let version = version.map(|version: Located<u8>| version.value == 3);
                self.version =
                    version.ok().map(|is_3| if is_3 { Version::V3 } else { Version::V2 });
            }
            "default_interface" => {
                self.interface = text(statement, report).ok();
            }
            "vrrp_startup_delay" => {
                self.startup_delay = seconds(statement, 0.0..=86_400.0, report).ok();
            }
            "vrrp_check_unicast_src" => {
                self.checks_source = switch(statement, report).unwrap_or(self.checks_source);
            }
            "vrrp_garp_master_delay" => {
                self.bursts.delay = seconds(statement, 0.0..=60.0, report).ok();
            }
            "vrrp_garp_master_refresh" => {
                self.bursts.refresh = seconds(statement, 0.0..=86_400.0, report).ok();
            }
            "script_user" => {
                self.user = text(statement, report).ok();
            }
            "notify_fifo" | "vrrp_notify_fifo" => {
                self.fifo = text(statement, report).ok();
            }
            "v3_checksum_as_v2" => {
                self.old_checksum = switch(statement, report)
                    .ok()
                    .map(|is_on| Located::new(statement.place(), is_on));
            }
            "vrrp_rt_priority" => {
                let priority = |text: &str| Realtime::try_from(text.parse::<u8>().ok()?).ok();
                let rule = "a real-time priority from 1 to 99";
                self.realtime = value(statement, rule, priority, report).ok();
            }
            "enable_script_security" => self.is_secure = true,
            _ => keywords::other(statement, keywords::GLOBAL, report),
        }
    }
}
