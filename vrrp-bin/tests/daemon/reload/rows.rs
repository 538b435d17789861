//! Every row of the table in `docs/reload.md`, by name.

mod checks;
mod kernel;
mod sources;
mod states;
mod watched;
mod wire;

use std::process::Command;

use serde_json::Value;
use vrrp_net::lab::wait_until;

use super::{Test, router};
use crate::{Daemon, Failed, Outcome, SOON, text};

/// Which test is of which row.
const ROWS: [(&str, &str); 33] = [
    ("nothing", "a_reload_of_the_same_is_noticed_by_nobody"),
    ("`priority`, `preempt`", "reload_row_priority"),
    ("`interval`", "reload_row_interval"),
    ("`version`", "reload_row_version"),
    ("`password`, `checksum`", "reload_row_password_and_checksum"),
    ("`addresses`, `extra_addresses`, `routes`", "reload_row_addresses_and_routes"),
    (
        "an address that another virtual router of this node has now",
        "reload_row_an_address_that_another_has_now",
    ),
    ("`peers`, `hear`, `source`", "reload_row_peers_hear_and_source"),
    ("`announce`", "reload_row_announce"),
    ("`startup_delay`, `up_delay`", "reload_row_delays"),
    ("`track`, `last`", "reload_row_track_and_last"),
    ("a check is new", "reload_row_a_new_check"),
    (
        "a check is another one of the same name, or has another schedule",
        "reload_row_another_check_of_the_name",
    ),
    ("a check is gone", "reload_row_a_check_that_is_gone"),
    ("`notify` and its companions", "a_reload_takes_states_along"),
    ("`notify_fifo`", "reload_row_notify_fifo"),
    ("`before_active`", "reload_row_before_active"),
    ("`lease`", "reload_row_lease"),
    ("`backend`", "reload_row_backend"),
    ("`name`", "reload_row_name"),
    ("`interface`, `vrid`", "reload_row_interface"),
    ("a virtual router is new", "a_reload_adds_and_removes"),
    ("a virtual router is gone", "reload_row_gone"),
    ("`group`: members, policy", "reload_row_group"),
    ("`[daemon]` `control`", "a_reload_moves_the_control_socket"),
    ("`[daemon]` `state`", "a_reload_takes_the_rest_along"),
    ("`[daemon]` `realtime`", "a_reload_takes_the_rest_along"),
    ("`[daemon]` `metrics`", "reload_row_metrics"),
    ("`[daemon]` `probe`", "reload_row_probe"),
    ("`[daemon]` `keepalived_metrics`", "reload_row_keepalived_metrics"),
    ("`netns`", "a_reload_that_is_refused_changes_nothing"),
    ("`interface`, `vrid`", "reload_row_vrid"),
    ("`interface`, `vrid`", "lab reload_swaps_two_vrids_in_one_step"),
];

/// The tests of the rows, and of what else is read than a file of our own.
pub(crate) const TESTS: [Test; 27] = [
    ("reload_each_row_has_a_test", each_row_has_a_test),
    ("reload_row_priority", wire::priority),
    ("reload_row_interval", wire::interval),
    ("reload_row_version", wire::version),
    ("reload_row_password_and_checksum", wire::password_and_checksum),
    ("reload_row_peers_hear_and_source", wire::peers_hear_and_source),
    ("reload_row_announce", wire::announce),
    ("reload_row_addresses_and_routes", kernel::addresses_and_routes),
    ("reload_row_an_address_that_another_has_now", kernel::an_address_that_another_has_now),
    ("reload_row_lease", kernel::lease),
    ("reload_row_backend", kernel::backend),
    ("reload_row_interface", kernel::interface),
    ("reload_row_vrid", kernel::vrid),
    ("reload_row_delays", states::delays),
    ("reload_row_notify_fifo", states::notify_fifo),
    ("reload_row_before_active", states::before_active),
    ("reload_row_name", states::name),
    ("reload_row_gone", states::gone),
    ("reload_row_group", states::group),
    ("reload_row_track_and_last", checks::track_and_last),
    ("reload_row_a_new_check", checks::new),
    ("reload_row_another_check_of_the_name", checks::another),
    ("reload_row_a_check_that_is_gone", checks::gone),
    ("reload_row_metrics", watched::metrics),
    ("reload_row_probe", watched::probe),
    ("reload_row_keepalived_metrics", watched::keepalived_metrics),
    ("reload_reads_what_a_file_includes_and_the_environment_names", sources::all),
];

fn each_row_has_a_test() -> Outcome {
    let table = include_str!("../../../../docs/reload.md");
    let (_, table) = table.split_once("| what changes | what happens |").ok_or("no table")?;
    let rows = table.lines().skip(2).take_while(|line| line.starts_with("| "));
    let rows: Vec<&str> = rows.filter_map(|row| row.split(" | ").next()?.get(2..)).collect();
    assert!(rows.len() > 20, "{rows:?}");
    for row in &rows {
        assert!(ROWS.iter().any(|(of, _)| of == row), "the row {row:?} has no test");
    }
    for (row, test) in ROWS {
        assert!(rows.contains(&row), "there is no row {row:?}");
        let is_there = match test.strip_prefix("lab ") {
            Some(test) => include_str!("../../lab/reload.rs").contains(&format!("\"{test}\"")),
            None => super::TESTS.iter().chain(&TESTS).any(|(name, _)| *name == test),
        };
        assert!(is_there, "there is no test {test}");
    }
    Ok(())
}

/// What `ip` prints on the host.
fn ip(daemon: &Daemon, arguments: &str) -> Result<String, Failed> {
    let words: Vec<&str> = arguments.split(' ').collect();
    let output = daemon.host.run(move || Command::new("ip").args(words).output())??;
    let said = text(&output.stderr);
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(said.into()) }
}

/// Waits until what `look` sees is as `wanted`.
fn waits<T: std::fmt::Debug>(
    mut look: impl FnMut() -> Result<T, Failed>,
    wanted: impl Fn(&T) -> bool,
) -> Result<T, Failed> {
    let mut last = look();
    let came = wait_until(SOON, || {
        last = look();
        last.as_ref().is_ok_and(&wanted)
    });
    match last {
        Ok(last) if !came => Err(format!("it is still {last:?}").into()),
        last => last,
    }
}

/// Waits until `status` of a virtual router has this value.
fn becomes(daemon: &Daemon, name: &str, key: &str, value: impl Into<Value>) -> Outcome {
    let value = value.into();
    waits(|| daemon.status(&[name]), |status| status[key] == value).map(drop)
}

/// Since when a virtual router is as it is.
fn since(daemon: &Daemon, name: &str) -> Result<Value, Failed> {
    Ok(daemon.status(&[name])?["since"].clone())
}

/// A second virtual router.
fn second(more: &str) -> String {
    router(more)
        .replace("\"web\"", "\"db\"")
        .replace("vrid = 51", "vrid = 52")
        .replace(".10/", ".20/")
}
