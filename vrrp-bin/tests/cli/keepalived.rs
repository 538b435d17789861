//! Files of keepalived's, and its command line: `convert`, `-t`, `--strict`.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    process::Output,
};

use tempfile::TempDir;

use crate::{code, directory, run, stderr, stdout};

const GOOD: &str = "global_defs {
 enable_script_security
}
vrrp_script chk {
 script \"/bin/true\"
 weight -20
}
vrrp_instance VI_1 {
 interface vrrp-missing0
 virtual_router_id 51
 priority 150
 nopreempt
 authentication {
  auth_type PASS
  auth_pass s3cret
 }
 virtual_ipaddress {
  192.0.2.10/24
 }
 track_script {
  chk
 }
 notify \"/bin/true VI_1\"
}
";

/// Runs the program under this name, in a directory that holds `keepalived.conf`.
fn program(name: &str, directory: &TempDir, text: &str, arguments: &[&str]) -> Output {
    fs::write(directory.path().join("keepalived.conf"), text).unwrap();
    let path = directory.path().join(name);
    if !path.exists() {
        symlink(env!("CARGO_BIN_EXE_vrrp"), &path).unwrap();
    }
    run(&path, directory, arguments)
}

#[test]
fn what_is_converted_means_the_same() {
    let directory = directory();
    let vrrp = |arguments: &[&str]| program("vrrp", &directory, GOOD, arguments);
    let converted = vrrp(&["convert", "keepalived.conf"]);
    assert_eq!((code(&converted), stderr(&converted)), (0, String::new()));
    let text = stdout(&converted);
    assert!(text.contains("password = \"s3cret\"") && !text.contains("announce"), "{text}");
    fs::write(directory.path().join("vrrp.toml"), &text).unwrap();
    let effective = |file| {
        let output = vrrp(&["check", "-c", file, "--format", "toml"]);
        assert_eq!(code(&output), 3, "{}", stderr(&output));
        stdout(&output)
    };
    assert_eq!(effective("vrrp.toml"), effective("keepalived.conf"));
}

#[test]
fn a_file_is_read_as_the_node_that_is_named() {
    let directory = directory();
    let text = GOOD.replace(" priority 150", "@a priority 150\n@b priority 90");
    for (name, priority) in [("a", "150"), ("b", "90")] {
        let convert =
            program("vrrp", &directory, &text, &["convert", "-i", name, "keepalived.conf"]);
        let line = format!("priority = {priority}\n");
        assert!(stdout(&convert).contains(&line), "{}", stdout(&convert));
        let check = ["check", "-c", "keepalived.conf", "-i", name, "--format", "toml"];
        let check = program("vrrp", &directory, &text, &check);
        assert!(stdout(&check).contains(&line), "{}", stdout(&check));
    }
}

#[test]
fn what_cannot_be_converted_is_told() {
    let directory = directory();
    let convert = |text: &str, strict: &[&str]| {
        program("vrrp", &directory, text, &[&["convert", "keepalived.conf"], strict].concat())
    };
    let lame = GOOD.replace("nopreempt", "nopremt");
    let output = convert(&lame, &[]);
    let expected = "keepalived.conf:12:2: warning: there is no keyword `nopremt` here, it is left \
        out; did you mean `nopreempt`?\n";
    assert_eq!((code(&output), stderr(&output)), (3, expected.to_owned()));
    assert_eq!(code(&convert(&lame, &["--strict"])), 2);
    let broken = convert(&GOOD.replace("s3cret", ""), &[]);
    assert_eq!((code(&broken), stdout(&broken)), (2, String::new()), "{}", stderr(&broken));
    let cut = convert(&GOOD.replace("s3cret", "s3cret\u{e4}\u{e4}"), &[]);
    assert_eq!(code(&cut), 0, "{}", stderr(&cut));
    let within = convert(&GOOD.replace("s3cret", "s3crets\u{e4}"), &[]);
    assert_eq!((code(&within), stdout(&within)), (2, String::new()));
    assert!(stderr(&within).contains("the password of VI_1 ends within a letter"));
}

#[test]
fn a_test_has_the_exit_statuses_of_keepalived() {
    let directory = directory();
    let test = |text: &str| {
        let output = program("keepalived", &directory, text, &["-t", "-f", "keepalived.conf"]);
        (code(&output), stderr(&output))
    };
    assert_eq!(test(GOOD), (0, String::new()));
    let (status, said) = test(&GOOD.replace("priority 150", "priority 1500"));
    assert!(status == 5 && said.contains("keepalived.conf:11:11: warning: "), "{status}: {said}");
    let (status, said) = test(&GOOD.replace("enable_script_security", ""));
    assert!(status == 6 && said.contains("write `enable_script_security`"), "{status}: {said}");
    let (status, said) = test(&GOOD.replace("priority 150", "priority"));
    assert!(status == 2 && said.contains("`priority` has no value"), "{status}: {said}");
    let same = ["run", "-n", "-l", "-f", "keepalived.conf", "--config-test=log"];
    let output = program("vrrp", &directory, &GOOD.replace("150", "1500"), &same);
    assert_eq!((code(&output), stderr(&output)), (5, String::new()));
    assert!(fs::read_to_string(directory.path().join("log")).unwrap().contains("1500"));
}

#[test]
fn a_program_that_others_may_change_is_left_out() {
    let directory = directory();
    let script = directory.path().join("notify");
    fs::write(&script, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o777)).unwrap();
    let text = GOOD.replace("/bin/true VI_1", &script.display().to_string());
    let output = program("keepalived", &directory, &text, &["-t", "-f", "keepalived.conf"]);
    let said = stderr(&output);
    assert!(code(&output) == 5 && said.contains("may change"), "{said}");
    assert!(
        said.contains("keepalived.conf:23:9: warning: ") && said.contains("left out"),
        "{said}"
    );
}

#[test]
fn options_of_keepalived_are_known() {
    let directory = directory();
    let keepalived = |arguments: &[&str]| program("keepalived", &directory, GOOD, arguments);
    for (name, number) in [("STOP", "15\n"), ("RELOAD", "1\n"), ("DATA", "10\n"), ("JSON", "36\n")]
    {
        let output = keepalived(&[&format!("--signum={name}")]);
        assert_eq!((code(&output), stdout(&output)), (0, number.to_owned()));
    }
    assert!(stdout(&keepalived(&["-v"])).starts_with("keepalived "));
    let unknown = keepalived(&["--dont-frok"]);
    assert_eq!(code(&unknown), 2);
    assert!(stderr(&unknown).contains("--dont-fork"), "{}", stderr(&unknown));
    let balancing = keepalived(&["-C"]);
    assert_eq!(code(&balancing), 2);
    assert!(stderr(&balancing).contains("load balancing"), "{}", stderr(&balancing));
}

#[test]
fn in_strict_mode_nothing_starts_with_a_warning() {
    let directory = directory();
    let text = GOOD.replace("nopreempt", "nopremt");
    let run = ["run", "-c", "keepalived.conf", "--strict"];
    let output = program("vrrp", &directory, &text, &run);
    assert_eq!(code(&output), 2, "{}", stderr(&output));
    assert!(stderr(&output).contains("did you mean `nopreempt`?"), "{}", stderr(&output));
    assert!(stderr(&output).contains("--strict takes warnings for errors"), "{}", stderr(&output));
}
