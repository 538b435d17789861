//! `vrrp completions` and `vrrp man`, beside the programs that read what they print.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use crate::{code, directory, run, stderr, stdout};

/// Runs a program of the host; `None` where it is not installed.
fn installed(program: &str, arguments: &[&str], directory: &Path) -> Option<Output> {
    Command::new(program)
        .args(arguments)
        .current_dir(directory)
        .env("LC_ALL", "C.UTF-8")
        .output()
        .ok()
}

#[test]
fn shells_take_their_completions() {
    for (shell, check) in [
        ("bash", &["-n"][..]),
        ("zsh", &["-n"]),
        ("fish", &["--no-execute"]),
        ("elvish", &["-compileonly"]),
        ("powershell", &[]),
    ] {
        let directory = directory();
        let program = Path::new(env!("CARGO_BIN_EXE_vrrp"));
        let output = run(program, &directory, &["completions", shell]);
        assert_eq!((code(&output), &*stderr(&output)), (0, ""), "{shell}");
        let script = stdout(&output);
        for word in ["completions", "from-env", "resume"] {
            assert!(script.contains(word), "{shell} does not know {word}:\n{script}");
        }
        assert!(!script.contains("try-out"), "{shell} offers what is hidden");
        fs::write(directory.path().join("script"), &script).unwrap();
        if check.is_empty() {
            continue;
        }
        let arguments = [check, &["script"]].concat();
        if let Some(output) = installed(shell, &arguments, directory.path()) {
            assert!(output.status.success() && stderr(&output).is_empty(), "{shell}: {output:?}");
        }
    }
}

/// Completes as a shell would, by the function that the script defines.
#[test]
fn bash_completes_a_command() {
    let directory = directory();
    let program = Path::new(env!("CARGO_BIN_EXE_vrrp"));
    fs::write(
        directory.path().join("script"),
        stdout(&run(program, &directory, &["completions", "bash"])),
    )
    .unwrap();
    let play = "source ./script; COMP_WORDS=(vrrp dr); COMP_CWORD=1; _vrrp vrrp dr vrrp; \
        echo \"${COMPREPLY[@]}\"";
    let output = installed("bash", &["--norc", "-c", play], directory.path()).unwrap();
    assert_eq!(stdout(&output), "drain\n", "{output:?}");
}

#[test]
fn the_manual_page_is_set_without_a_warning() {
    let directory = directory();
    let program = Path::new(env!("CARGO_BIN_EXE_vrrp"));
    let printed = run(program, &directory, &["man"]);
    assert_eq!((code(&printed), &*stderr(&printed)), (0, ""));
    assert_eq!(code(&run(program, &directory, &["man", "--out", "."])), 0);
    let mut pages: Vec<String> = fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".1"))
        .collect();
    pages.sort();
    assert!(pages.contains(&"vrrp.1".to_owned()) && pages.len() > 10, "{pages:?}");
    assert_eq!(fs::read_to_string(directory.path().join("vrrp.1")).unwrap(), stdout(&printed));
    for page in &pages {
        let set = ["-man", "-ww", "-Tutf8", "-Kutf8", page];
        if let Some(output) = installed("groff", &set, directory.path()) {
            assert!(output.status.success() && stderr(&output).is_empty(), "{page}: {output:?}");
            assert!(!stdout(&output).is_empty(), "{page} is empty");
        }
        let lint = ["-Tlint", "-Wwarning", page];
        if let Some(output) = installed("mandoc", &lint, directory.path()) {
            assert!(output.status.success(), "{page}: {output:?}");
        }
    }
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    let program = Path::new(env!("CARGO_BIN_EXE_vrrp"));
    let output = run(program, &directory(), &["man", "--out", "missing"]);
    assert_eq!(code(&output), 1);
    assert!(
        stderr(&output).starts_with("the manual pages cannot be written to missing: "),
        "{output:?}"
    );
}
