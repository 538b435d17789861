//! The words of keepalived's that are not read elsewhere, and what becomes of them.

use super::{blocks::Statement, report::Report};
use crate::config::nearest;

/// The words of one kind of block.
pub(super) struct Keywords {
    /// Those that are read.
    read: &'static [&'static str],
    /// Those that are left out, and what that means.
    told: &'static [(&'static str, &'static str)],
    /// Those that mean nothing here, or nothing for VRRP: one line names all of them.
    skipped: &'static [&'static str],
}

/// What a statement is about that is not read, or not there.
pub(super) fn other(statement: &Statement, keywords: &Keywords, report: &mut Report) {
    let (word, place) = (statement.keyword(), statement.place());
    if keywords.skipped.contains(&word) {
        return report.skip_word(&place, word);
    }
    if let Some((_, sentence)) = keywords.told.iter().find(|(known, _)| *known == word) {
        return report.warn(&place, format!("`{word}` is left out: {sentence}"));
    }
    if !report.is_new(&place, word) {
        return;
    }
    let told = keywords.told.iter().map(|(known, _)| *known);
    let known: Vec<&str> =
        keywords.read.iter().chain(keywords.skipped).copied().chain(told).collect();
    let advice = match nearest(word, &known) {
        Some(known) => format!("did you mean `{known}`?"),
        None if ROOT.read.contains(&word) => {
            "it begins a block of its own; a } before it is missing".to_owned()
        }
        None => "remove it".to_owned(),
    };
    let with_block = if statement.block.is_some() { " with its block" } else { "" };
    report.warn(
        &place,
        format!("there is no keyword `{word}` here, it is left out{with_block}; {advice}"),
    );
}

/// What is not in a block.
pub(super) const ROOT: &Keywords = &Keywords {
    read: &[
        "global_defs",
        "vrrp_instance",
        "vrrp_script",
        "vrrp_sync_group",
        "vrrp_track_file",
        "track_file",
        "vrrp_track_process",
        "net_namespace",
        "instance",
    ],
    told: &[
        ("virtual_server", LVS),
        ("virtual_server_group", LVS),
        ("static_ipaddress", STATIC),
        ("static_routes", STATIC),
        ("static_rules", STATIC),
        ("bfd_instance", "BFD is not supported"),
        ("net_namespace_ipvs", LVS),
    ],
    skipped: &[
        "SSL",
        "track_group",
        "garp_group",
        "interface_up_down_delays",
        "linkbeat_interfaces",
        "linkbeat_use_polling",
        "use_pid_dir",
        "child_wait_time",
        "namespace_with_ipsets",
        "daemon_stop_timeout",
        "daemon_stop_signal",
        "include_check",
    ],
};

const LVS: &str = "load balancing is not done here; HAProxy or nftables do it";
const STATIC: &str =
    "what a host always has is its network configuration's affair, such as systemd-networkd's";
const MAC: &str = "addresses move with the MAC address of the interface that they are on, and \
    neighbours are told so";

/// `global_defs`.
pub(super) const GLOBAL: &Keywords = &Keywords {
    read: &[
        "vrrp_version",
        "default_interface",
        "vrrp_startup_delay",
        "vrrp_check_unicast_src",
        "vrrp_garp_master_delay",
        "vrrp_garp_master_refresh",
        "script_user",
        "enable_script_security",
        "vrrp_rt_priority",
        "notify_fifo",
        "vrrp_notify_fifo",
        "v3_checksum_as_v2",
    ],
    told: &[
        ("vrrp_strict", "nothing of what it forbids is forbidden here, and the addresses answer"),
        ("vrrp_mcast_group4", "advertisements go to 224.0.0.18 (RFC 9568 5.1.1.2)"),
        ("vrrp_mcast_group6", "advertisements go to ff02::12 (RFC 9568 5.1.2.2)"),
        ("notify_fifo_script", "start the reader of the FIFO as a service of its own"),
        ("vrrp_notify_fifo_script", "start the reader of the FIFO as a service of its own"),
        ("startup_script", "start it before this program, such as by ExecStartPre"),
        ("shutdown_script", "start it after this program, such as by ExecStopPost"),
    ],
    skipped: &[
        "router_id",
        "notification_email",
        "notification_email_from",
        "smtp_server",
        "smtp_helo_name",
        "smtp_connect_timeout",
        "smtp_alert",
        "smtp_alert_vrrp",
        "smtp_alert_checker",
        "no_email_faults",
        "no_checker_emails",
        "vrrp_skip_check_adv_addr",
        "vrrp_garp_master_repeat",
        "vrrp_garp_master_refresh_repeat",
        "vrrp_garp_lower_prio_delay",
        "vrrp_garp_lower_prio_repeat",
        "vrrp_garp_interval",
        "vrrp_gna_interval",
        "vrrp_min_garp",
        "vrrp_garp_extra_if",
        "vrrp_lower_prio_no_advert",
        "vrrp_higher_prio_send_advert",
        "vrrp_down_timer_adverts",
        "vrrp_notify_priority_changes",
        "vrrp_iptables",
        "vrrp_ipsets",
        "nftables",
        "nftables_priority",
        "nftables_counters",
        "nftables_ifindex",
        "nftables_ipvs",
        "dynamic_interfaces",
        "enable_traps",
        "enable_snmp_keepalived",
        "enable_snmp_vrrp",
        "enable_snmp_checker",
        "enable_snmp_rfc",
        "enable_snmp_rfcv2",
        "enable_snmp_rfcv3",
        "snmp_socket",
        "enable_dbus",
        "dbus_service_name",
        "dbus_no_interface_name",
        "process_names",
        "process_name",
        "vrrp_process_name",
        "checker_process_name",
        "bfd_process_name",
        "use_symlink_paths",
        "startup_script_timeout",
        "shutdown_script_timeout",
        "reload_time_file",
        "reload_repeat",
        "reload_check_config",
        "reload_file",
        "config_save_dir",
        "tmp_config_directory",
        "data_use_instance",
        "state_dump_file",
        "stats_dump_file",
        "json_dump_file",
        "json_version",
        "umask",
        "random_seed",
        "log_unknown_vrids",
        "max_auto_priority",
        "min_auto_priority_delay",
        "vrrp_priority",
        "checker_priority",
        "bfd_priority",
        "checker_rt_priority",
        "bfd_rt_priority",
        "vrrp_rlimit_rtime",
        "vrrp_rlimit_rttime",
        "checker_rlimit_rtime",
        "checker_rlimit_rttime",
        "bfd_rlimit_rtime",
        "bfd_rlimit_rttime",
        "vrrp_cpu_affinity",
        "checker_cpu_affinity",
        "bfd_cpu_affinity",
        "vrrp_no_swap",
        "checker_no_swap",
        "bfd_no_swap",
        "vrrp_netlink_cmd_rcv_bufs",
        "vrrp_netlink_cmd_rcv_bufs_force",
        "vrrp_netlink_monitor_rcv_bufs",
        "vrrp_netlink_monitor_rcv_bufs_force",
        "lvs_netlink_cmd_rcv_bufs",
        "lvs_netlink_cmd_rcv_bufs_force",
        "lvs_netlink_monitor_rcv_bufs",
        "lvs_netlink_monitor_rcv_bufs_force",
        "rs_init_notifies",
        "process_monitor_rcv_bufs",
        "process_monitor_rcv_bufs_force",
        "vrrp_rx_bufs_policy",
        "vrrp_rx_bufs_multiplier",
        "lvs_sync_daemon",
        "lvs_timeouts",
        "lvs_flush",
        "lvs_flush_on_stop",
        "lvs_flush_onstop",
        "lvs_notify_fifo",
        "lvs_notify_fifo_script",
        "checker_log_all_failures",
        "vmac_prefix",
        "vmac_addr_prefix",
        "disable_local_igmp",
        "fifo_write_vrrp_states_on_reload",
        "iproute_usr_dir",
        "iproute_etc_dir",
        "set_supplementary_groups",
        "vrrp_delay_after_boot",
        "nftables_ipvs_start_fwmark",
        "snmp_rs_stats_update_interval",
        "snmp_vs_stats_update_interval",
        "vrrp_owner_ignore_adverts",
        "plugin_dir",
        "instance",
        "net_namespace",
        "use_pid_dir",
        "child_wait_time",
        "namespace_with_ipsets",
        "linkbeat_use_polling",
    ],
};

/// `vrrp_instance`.
pub(super) const INSTANCE: &Keywords = &Keywords {
    read: &[
        "interface",
        "virtual_router_id",
        "state",
        "priority",
        "advert_int",
        "virtual_ipaddress",
        "virtual_ipaddress_excluded",
        "virtual_routes",
        "authentication",
        "nopreempt",
        "preempt",
        "preempt_delay",
        "version",
        "unicast_src_ip",
        "mcast_src_ip",
        "unicast_peer",
        "check_unicast_src",
        "track_script",
        "track_interface",
        "track_file",
        "track_process",
        "garp_master_delay",
        "garp_master_refresh",
        "notify",
        "notify_master",
        "notify_backup",
        "notify_fault",
        "notify_stop",
        "native_ipv6",
        "v3_checksum_as_v2",
    ],
    told: &[
        ("use_vmac", MAC),
        ("use_vmac_addr", MAC),
        ("vmac_xmit_base", MAC),
        ("use_ipvlan", MAC),
        ("no_accept", "the addresses answer, as they do with `accept`"),
        ("virtual_rules", "rules of routing are not supported in this version"),
        ("track_bfd", "BFD is not supported; use `track_script`"),
        ("dont_track_primary", "a node that cannot advertise is not active"),
        ("strict_mode", "nothing of what it forbids is forbidden here, and the addresses answer"),
        ("mcast_dst_ip", "advertisements go to the group of RFC 9568"),
        ("notify_master_rx_lower_pri", "`notify_master` runs again for that"),
        ("notify_deleted", "nothing is deleted while the program runs"),
    ],
    skipped: &[
        "smtp_alert",
        "smtp_alerts",
        "accept",
        "garp_master_repeat",
        "garp_master_refresh_repeat",
        "garp_lower_prio_delay",
        "garp_lower_prio_repeat",
        "garp_extra_if",
        "vmac_garp_intvl",
        "lower_prio_no_advert",
        "higher_prio_send_advert",
        "down_timer_adverts",
        "notify_priority_changes",
        "unicast_ttl",
        "unicast_fault_no_peer",
        "track_src_ip",
        "skip_check_adv_addr",
        "promote_secondaries",
        "vrf",
        "linkbeat_use_polling",
        "no_virtual_ipaddress",
        "old_unicast_checksum",
        "thread_timer_expired",
        "timer_expired_backup",
        "owner_ignore_adverts",
        "kernel_rx_buf_size",
        "debug",
        "lvs_sync_daemon_interface",
    ],
};

/// `vrrp_sync_group`.
pub(super) const GROUP: &Keywords = &Keywords {
    read: &[
        "group",
        "track_script",
        "track_interface",
        "track_file",
        "track_process",
        "sync_group_tracking_weight",
        "global_tracking",
        "notify",
        "notify_master",
        "notify_backup",
        "notify_fault",
        "notify_stop",
    ],
    told: &[("track_bfd", "BFD is not supported; use `track_script`")],
    skipped: &["smtp_alert", "notify_priority_changes", "notify_deleted"],
};

/// `vrrp_script`.
pub(super) const SCRIPT: &Keywords = &Keywords {
    read: &["script", "interval", "timeout", "weight", "rise", "fall", "user", "init_fail"],
    told: &[],
    skipped: &[],
};

/// `vrrp_track_file`.
pub(super) const FILE: &Keywords = &Keywords {
    read: &["file", "weight"],
    told: &[("init_file", "write the file before the program starts")],
    skipped: &[],
};

/// `vrrp_track_process`.
pub(super) const PROCESS: &Keywords = &Keywords {
    read: &["process", "weight", "quorum", "quorum_max", "delay", "fork_delay", "terminate_delay"],
    told: &[
        ("param_match", "a process is known by its name"),
        ("full_command", "a process is known by its name"),
    ],
    skipped: &[],
};
