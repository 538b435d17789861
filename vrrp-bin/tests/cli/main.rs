//! The program as scripts see it: exit statuses, and what is said where. Needs no rights and no
//! network.

#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests")]

mod keepalived;
mod manual;
#[path = "../program/output.rs"]
mod output;

use std::{
    fs,
    io::pipe,
    path::Path,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

use output::{code, stderr, stdout};

const GOOD: &str = r#"
[[virtual_router]]
name = "web"
interface = "vrrp-missing0"
vrid = 51
addresses = ["192.0.2.10/24"]
version = 2
password = "s3cret"
"#;

/// Runs the program in a directory of its own that holds `vrrp.toml`.
fn vrrp(directory: &TempDir, text: &str, arguments: &[&str]) -> Output {
    fs::write(directory.path().join("vrrp.toml"), text).unwrap();
    run(Path::new(env!("CARGO_BIN_EXE_vrrp")), directory, arguments)
}

/// Runs `program` in this directory, with nothing that the environment of the tests would say.
fn run(program: &Path, directory: &TempDir, arguments: &[&str]) -> Output {
    Command::new(program)
        .args(arguments)
        .current_dir(directory)
        .env_remove("VRRP_CONTROL")
        .env_remove("RUST_LOG")
        .output()
        .unwrap()
}

fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn control(directory: &TempDir) -> String {
    format!("[daemon]\ncontrol = \"{}/run/control.sock\"\n", directory.path().display())
}

#[test]
fn a_bad_configuration_starts_nothing() {
    let directory = directory();
    let bad = format!("{GOOD}intervall = \"1s\"\n{}", control(&directory));
    let output = vrrp(&directory, &bad, &["run", "-c", "vrrp.toml"]);
    assert_eq!(code(&output), 2);
    let expected =
        "vrrp.toml:9:1: unknown key `intervall` in a virtual router; did you mean `interval`?\n";
    assert_eq!(stderr(&output), expected);
    assert_eq!(stdout(&output), "");
    assert!(!directory.path().join("run").exists(), "the control socket was made");
}

#[test]
fn json_logs_say_it_in_json() {
    let output = vrrp(&directory(), "vrid = 1\n", &["run", "-c", "vrrp.toml", "--log", "json"]);
    assert_eq!(code(&output), 2);
    let lines = stderr(&output);
    let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(first.get("event").unwrap(), "bad-configuration");
    assert!(
        first.get("message").unwrap().as_str().unwrap().starts_with("vrrp.toml:1:1: "),
        "{first}"
    );
}

#[test]
fn every_mistake_is_a_line_with_its_place() {
    let bad = "[[virtual_router]]\nvrid = 0\ninterface = 7\naddresses = [\"192.0.2.300\"]\n";
    let output = vrrp(&directory(), bad, &["check", "-c", "vrrp.toml"]);
    assert_eq!(code(&output), 2);
    let errors = stderr(&output);
    let places: Vec<&str> = errors.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(places, ["vrrp.toml:2:8:", "vrrp.toml:3:13:", "vrrp.toml:4:14:"]);
}

#[test]
fn check_warns_of_what_this_host_lacks() {
    let output = vrrp(&directory(), GOOD, &["check", "-c", "vrrp.toml"]);
    assert_eq!(code(&output), 3, "{}", stderr(&output));
    let expected = "vrrp.toml:4:13: warning: there is no interface vrrp-missing0 on this host";
    assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    assert!(stdout(&output).starts_with("vrrp.toml: usable, with "), "{}", stdout(&output));
}

#[test]
fn check_speaks_json_whatever_it_finds() {
    let json = |text: &str, more: &[&str]| {
        let arguments = [&["check", "-c", "vrrp.toml", "--json"], more].concat();
        let output = vrrp(&directory(), text, &arguments);
        assert_eq!(stderr(&output), "");
        let json: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
        assert_eq!(json["schema"], 1);
        (code(&output), json)
    };
    let (status, warnings) = json(GOOD, &[]);
    assert_eq!((status, &warnings["verdict"]), (3, &"warnings".into()));
    let findings = warnings["findings"].as_array().unwrap();
    let missing = findings.iter().find(|finding| finding["code"] == "interface-missing").unwrap();
    assert_eq!(missing["place"], "vrrp.toml:4:13");
    assert_eq!(
        (&missing["virtual_router"], &missing["severity"]),
        (&"web".into(), &"warning".into())
    );
    let (status, strict) = json(GOOD, &["--strict"]);
    assert_eq!((status, &strict["verdict"]), (2, &"unusable".into()));
    let (status, bad) = json("vrid = 1\n", &[]);
    assert_eq!((status, &bad["verdict"]), (2, &"unusable".into()));
    assert_eq!(bad["findings"][0]["severity"], "error");
    assert_eq!(bad["findings"][0]["code"], "configuration");
    assert_eq!(bad["findings"][0]["virtual_router"], serde_json::Value::Null);
}

#[test]
fn check_takes_one_output_and_a_time_that_ends() {
    let refused = |arguments: &[&str]| {
        let output = vrrp(&directory(), GOOD, &[&["check", "-c", "vrrp.toml"], arguments].concat());
        assert_eq!(code(&output), 2, "{}", stderr(&output));
        stderr(&output)
    };
    assert!(refused(&["--json", "--format", "toml"]).contains("cannot be used with"));
    for time in ["0s", "1ms", "2h", "soon", "3"] {
        let said = refused(&["--listen", time]);
        assert!(said.contains("write a time from 100ms to 1h, such as 3s"), "{said}");
    }
}

#[test]
fn every_code_of_check_is_documented() {
    let schema: serde_json::Value =
        serde_json::from_str(include_str!("../../schema/check.json")).unwrap();
    let codes = schema.pointer("/$defs/finding/properties/code/enum").unwrap();
    let document = include_str!("../../../docs/check.md");
    for code in codes.as_array().unwrap() {
        let code = code.as_str().unwrap();
        assert!(document.contains(&format!("`{code}`")), "{code} is not in docs/check.md");
    }
}

#[test]
fn check_warns_of_a_state_directory_that_is_not_there() {
    let directory = directory();
    let state = |path: &str| {
        let text = format!("{GOOD}[daemon]\nstate = \"{path}\"\n");
        stderr(&vrrp(&directory, &text, &["check", "-c", "vrrp.toml"]))
    };
    let missing = state("/nonexistent/vrrp");
    let expected = "vrrp.toml:10:9: warning: nothing can be written to the state directory \
        /nonexistent/vrrp: no such file or directory; ";
    assert!(missing.contains(expected), "{missing}");
    let file = state(&directory.path().join("vrrp.toml").display().to_string());
    assert!(file.contains("vrrp.toml: not a directory; "), "{file}");
    let good = state(&directory.path().display().to_string());
    assert!(!good.contains("state directory"), "{good}");
}

#[test]
fn nobody_is_drained_without_a_daemon_or_for_no_time() {
    let directory = directory();
    let text = format!("{GOOD}{}", control(&directory));
    for verb in ["drain", "resume"] {
        let output = vrrp(&directory, &text, &[verb, "-c", "vrrp.toml"]);
        assert_eq!(code(&output), 4, "{}", stderr(&output));
        assert!(stderr(&output).starts_with("no vrrp answers on "), "{}", stderr(&output));
    }
    for time in ["0s", "soon", "10", "9000h"] {
        let output = vrrp(&directory, &text, &["drain", "-c", "vrrp.toml", "--for", time]);
        assert_eq!(code(&output), 2, "{}", stderr(&output));
        assert!(stderr(&output).contains("such as 10m"), "{}", stderr(&output));
    }
}

#[test]
fn strict_makes_warnings_errors() {
    let output = vrrp(&directory(), GOOD, &["check", "-c", "vrrp.toml", "--strict"]);
    assert_eq!(code(&output), 2);
}

#[test]
fn check_prints_the_effective_configuration_without_secrets() {
    let directory = directory();
    let json = vrrp(&directory, GOOD, &["check", "-c", "vrrp.toml", "--format", "json"]);
    let effective: serde_json::Value = serde_json::from_str(&stdout(&json)).unwrap();
    let router = effective.pointer("/virtual_router/0").unwrap();
    assert_eq!(router.get("interval").unwrap(), "1s");
    assert_eq!(router.get("password").unwrap(), "********");
    let toml = stdout(&vrrp(&directory, GOOD, &["check", "-c", "vrrp.toml", "--format", "toml"]));
    assert!(!toml.contains("s3cret"), "{toml}");
    let again = stdout(&vrrp(&directory, &toml, &["check", "-c", "vrrp.toml", "--format", "toml"]));
    assert_eq!(toml, again);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let output = vrrp(&directory(), GOOD, &["check", "-c", "other.toml"]);
    assert_eq!(code(&output), 2);
    assert!(
        stderr(&output).starts_with("other.toml: the configuration cannot be read: "),
        "{}",
        stderr(&output)
    );
}

#[test]
fn who_asks_without_a_daemon_exits_with_4() {
    let directory = directory();
    for arguments in [
        ["status", "--control", "none.sock"],
        ["status", "-c", "vrrp.toml"],
        ["events", "--control", "none.sock"],
        ["events", "-c", "vrrp.toml"],
    ] {
        let output = vrrp(&directory, &format!("{GOOD}{}", control(&directory)), &arguments);
        assert_eq!(code(&output), 4, "{}", stderr(&output));
        let error = stderr(&output);
        assert!(error.starts_with("no vrrp answers on ") && error.lines().count() == 1, "{error}");
    }
}

#[test]
fn a_socket_that_somebody_else_owns_stops_the_start() {
    let directory = directory();
    fs::create_dir(directory.path().join("run")).unwrap();
    fs::write(directory.path().join("run/control.sock"), "precious").unwrap();
    let output =
        vrrp(&directory, &format!("{GOOD}{}", control(&directory)), &["run", "-c", "vrrp.toml"]);
    assert_eq!(code(&output), 1);
    assert!(stderr(&output).contains("exists and is not a socket"), "{}", stderr(&output));
    let kept = fs::read_to_string(Path::new(directory.path()).join("run/control.sock")).unwrap();
    assert_eq!(kept, "precious");
}

#[test]
fn an_output_that_takes_no_more_is_no_panic() {
    let directory = directory();
    fs::write(directory.path().join("vrrp.toml"), GOOD).unwrap();
    let keepalived = "vrrp_instance a { interface eth0\n virtual_router_id 1\n \
                      virtual_ipaddress { 192.0.2.1/24 } }";
    fs::write(directory.path().join("keepalived.conf"), keepalived).unwrap();
    let commands: [(&str, &[&str]); 8] = [
        ("check", &["-c", "vrrp.toml"]),
        ("check", &["-c", "vrrp.toml", "--json"]),
        ("check", &["-c", "vrrp.toml", "--format", "toml"]),
        ("check", &["-c", "vrrp.toml", "--format", "json"]),
        ("convert", &["keepalived.conf"]),
        ("completions", &["bash"]),
        ("man", &[]),
        ("health", &["--control", "/nowhere/control.sock"]),
    ];
    let printed = |command: &str, arguments: &[&str], out: Stdio| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_vrrp"));
        program.arg(command).args(arguments).current_dir(&directory).env_remove("VRRP_CONTROL");
        program.stdout(out).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap()
    };
    for (command, arguments) in commands {
        let whole = printed(command, arguments, Stdio::piped());
        // Nobody reads it.
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let unread = printed(command, arguments, writer.into());
        assert_eq!(stderr(&unread), stderr(&whole), "{command} {arguments:?}");
        assert_eq!(code(&unread), code(&whole), "{command} {arguments:?}");
        let full = printed(command, arguments, fs::File::create("/dev/full").unwrap().into());
        assert_eq!(code(&full), 1, "{command} {arguments:?}: {}", stderr(&full));
        assert!(stderr(&full).contains("o space left"), "{command}: {}", stderr(&full));
    }
}
