//! `--from-env` as a container runs it: the environment goes in, exit statuses and sentences come
//! out. Needs no rights and no network.

#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests")]

mod golden;
#[path = "../program/output.rs"]
mod output;

use std::{
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

use output::{code, stderr, stdout};

/// Two nodes with the same list, as in many a Swarm guide.
const OSIXIA: &[(&str, &str)] = &[
    ("KEEPALIVED_UNICAST_PEERS", "#PYTHON2BASH:['192.0.2.26', '192.0.2.27']"),
    ("KEEPALIVED_VIRTUAL_IPS", "192.0.2.144"),
    ("KEEPALIVED_PRIORITY", "200"),
    ("KEEPALIVED_INTERFACE", "vrrp-missing0"),
    ("KEEPALIVED_PASSWORD", "s3cret"),
];

/// Runs the program with nothing else in its environment.
fn vrrp(environment: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mounted = Path::new("/etc/keepalived/keepalived.conf");
    assert!(!mounted.exists(), "it would be read in place of variables: {}", mounted.display());
    let mut command = Command::new(env!("CARGO_BIN_EXE_vrrp"));
    command.args(arguments).env_clear().envs(environment.iter().copied());
    command.output().unwrap()
}

#[test]
fn check_compares_the_environment_with_this_host() {
    let output = vrrp(OSIXIA, &["check", "--from-env"]);
    assert_eq!(code(&output), 3, "{}", stderr(&output));
    let said = stderr(&output);
    assert!(
        said.contains("KEEPALIVED_INTERFACE: warning: there is no interface vrrp-missing0"),
        "{said}"
    );
    assert!(said.contains("the environment: note: neither the kernel module ip_vs nor"), "{said}");
    assert!(stdout(&output).starts_with("the environment: usable, with "), "{}", stdout(&output));
    assert_eq!(code(&vrrp(OSIXIA, &["check", "--from-env", "--strict"])), 2);
}

#[test]
fn warnings_about_variables_count() {
    let count = |environment: &[(&str, &str)]| {
        let said = stdout(&vrrp(environment, &["check", "--from-env"]));
        let number = said.split(' ').find_map(|word| word.parse::<u32>().ok());
        number.unwrap_or_else(|| panic!("{said}"))
    };
    assert_eq!(count(&[OSIXIA, &[("KEEPALIVED_PRIORTY", "150")]].concat()), count(OSIXIA) + 1);
}

/// As in an image without a shell, or without what the script is written for.
#[test]
fn a_script_that_cannot_be_run_is_named_with_its_interpreter() {
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("notify.sh");
    let path = script.to_str().unwrap();
    let said = |path: &str| {
        let notify = [("KEEPALIVED_NOTIFY", path)];
        let output = vrrp(&[OSIXIA, &notify].concat(), &["check", "--from-env"]);
        assert_eq!(code(&output), 3);
        let said = stderr(&output);
        said.lines().filter(|line| line.starts_with("KEEPALIVED_NOTIFY: ")).collect::<String>()
    };
    let missing = format!(
        "KEEPALIVED_NOTIFY: warning: {path} cannot be run: no such file or directory; VI_1 tells \
         it nothing"
    );
    assert_eq!(said(path), missing);
    std::fs::write(&script, "#!/nonexistent/bash\n").unwrap();
    assert!(said(path).contains("cannot be run: permission denied; "), "{}", said(path));
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let interpreter = "cannot be run: its interpreter /nonexistent/bash: no such file or directory";
    assert!(said(path).contains(interpreter), "{}", said(path));
    std::fs::write(&script, "#!/bin/sh\n").unwrap();
    assert_eq!(said(path), "");
    let fifo = vrrp(&[OSIXIA, &[("VRRP_NOTIFY_FIFO", path)]].concat(), &["check", "--from-env"]);
    assert_eq!(code(&fifo), 2);
    let no_fifo = format!(
        "VRRP_NOTIFY_FIFO: {path} is there and is no FIFO; remove it, or name another path\n"
    );
    assert_eq!(stderr(&fifo), no_fifo);
}

#[test]
fn check_prints_the_file_that_means_the_same() {
    let toml = stdout(&vrrp(OSIXIA, &["check", "--from-env", "--format", "toml"]));
    assert!(!toml.contains("s3cret"), "{toml}");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("vrrp.toml");
    std::fs::write(&file, &toml).unwrap();
    let again = vrrp(&[], &["check", "-c", file.to_str().unwrap(), "--format", "toml"]);
    assert_eq!(stdout(&again), toml);
    let json = stdout(&vrrp(OSIXIA, &["check", "--from-env", "--format", "json"]));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json.pointer("/virtual_router/0/priority").unwrap(), 200);
    assert_eq!(json.pointer("/virtual_router/0/preempt").unwrap(), false);
    assert_eq!(json.pointer("/virtual_router/0/peers/1/address").unwrap(), "192.0.2.27");
}

#[test]
fn what_is_wrong_starts_nothing() {
    for arguments in [["check", "--from-env"], ["run", "--from-env"]] {
        let output = vrrp(&[("KEEPALIVED_VIRTUAL_IPS", "192.0.2.144")], &arguments);
        assert_eq!(code(&output), 2);
        assert!(
            stderr(&output).starts_with("KEEPALIVED_UNICAST_PEERS: this is not set"),
            "{}",
            stderr(&output)
        );
        assert_eq!(stdout(&output), "");
    }
    let nothing = vrrp(&[], &["run", "--from-env", "--log", "json", "--copy-service"]);
    assert_eq!(code(&nothing), 2);
    let said = stderr(&nothing);
    let lines: Vec<serde_json::Value> =
        said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events: Vec<&str> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["environment", "bad-configuration"]);
}

#[test]
fn options_of_other_images_belong_to_the_environment() {
    let run = |arguments: &[&str]| {
        let output = vrrp(&[], arguments);
        assert_eq!(code(&output), 2, "{arguments:?}");
        stderr(&output)
    };
    let said = run(&["run", "--from-env", "--copy-service", "bash"]);
    assert_eq!(
        said,
        "the command line: a command such as \"bash\" cannot be run here; remove it\n"
    );
    assert!(run(&["run", "--copy-service"]).contains("--from-env"));
    assert!(run(&["run", "-c", "vrrp.toml", "--from-env"]).contains("cannot be used with"));
}

#[test]
fn health_without_a_daemon_fails_in_one_line() {
    let output = vrrp(&[("VRRP_CONTROL", "/nonexistent/control.sock")], &["health"]);
    assert_eq!(code(&output), 1);
    assert!(
        stdout(&output).starts_with("no vrrp answers on /nonexistent/control.sock: "),
        "{}",
        stdout(&output)
    );
    assert_eq!(stdout(&output).lines().count(), 1);
}
