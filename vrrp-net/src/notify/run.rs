//! One run of a script.

use std::ffi::OsString;

use super::{Script, told::Told};
use crate::process::{Errand, Turn};

/// Has `script` told, and waits until it has ended. The error is a sentence.
///
/// To drop this future kills it.
pub(super) async fn run(
    script: &Script,
    told: &Told,
    by_arguments: bool,
    without: &[OsString],
    turn: &Turn,
) -> Result<(), String> {
    let Script { program, limit, user } = script;
    let errand = Errand { program, user, limit: *limit };
    let prepare = |command: &mut std::process::Command| {
        for name in without {
            command.env_remove(name);
        }
        told.tell(command, by_arguments);
    };
    errand.run(turn, prepare).await
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use super::*;
    use crate::{
        Program,
        notify::{
            State,
            told::{Kind, Subject},
        },
        process::watching::{SOON, runs, until},
    };

    fn told() -> Told {
        Told {
            subject: Subject { kind: Kind::Instance, name: "web".into() },
            state: State::Active,
            generation: 1,
            priority: 100,
            phase: "held",
            reason: "acquired",
            peer: None,
            details: None,
        }
    }

    fn script(text: &str) -> Script {
        Script::new(Program::new("/bin/sh").args(["-c", text])).limit(SOON)
    }

    async fn end(script: &Script) -> Result<(), String> {
        run(script, &told(), true, &["CARGO_MANIFEST_DIR".into()], &Turn::default()).await
    }

    #[tokio::test]
    async fn a_failure_is_a_sentence() {
        assert_eq!(end(&script("exit 0")).await, Ok(()));
        let failed = |text: &str| Err(format!("/bin/sh {text}"));
        let busy = script("echo first >&2; echo no chat >&2; exit 3");
        assert_eq!(end(&busy).await, failed("ended with exit status 3: no chat"));
        let killed = failed("was ended by signal 15 (SIGTERM)");
        assert_eq!(end(&script("kill -TERM $$")).await, killed);
        let missing = end(&Script::new(Program::new("/no/such/script"))).await.unwrap_err();
        assert!(missing.starts_with("/no/such/script cannot be run: it, or"), "{missing}");
        let nobody = end(&script("exit 0").user("no-such-user")).await.unwrap_err();
        assert!(nobody.contains("there is no user no-such-user"), "{nobody}");
    }

    #[tokio::test]
    async fn it_has_neither_secrets_nor_capabilities() {
        let text = r#"test -z "$CARGO_MANIFEST_DIR" && grep -q 'CapEff:.0*$' /proc/self/status"#;
        assert_eq!(end(&script(text)).await, Ok(()));
    }

    #[tokio::test]
    async fn a_script_that_hangs_or_floods_is_killed_with_its_group() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pid");
        let program = |text: &str| Program::new("/bin/sh").args(["-c", text]).arg(&path);
        for text in [
            r#"sleep 600 & echo $! > "$0"; trap "" TERM; sleep 600"#,
            r#"sleep 600 & echo $! > "$0"; while :; do echo flood >&2; done"#,
        ] {
            let limit = Duration::from_secs(3);
            let hangs = Script::new(program(text)).limit(limit);
            let why = end(&hangs).await.unwrap_err();
            assert!(why.contains("did not end within 3s, and was killed"), "{why}");
            let pid = fs::read_to_string(&path).unwrap();
            until("it to be gone", || !runs(pid.trim())).await;
        }
    }

    #[tokio::test]
    async fn what_is_left_in_the_background_goes_on_and_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("book");
        // It goes on to write where the script wrote.
        let text = r#"(while :; do
            echo tick >&2 && echo $1 >> "$0" || exit
            sleep 0.01
        done) & echo pid $! >> "$0""#;
        let leaves = Script::new(Program::new("/bin/sh").args(["-c", text]).arg(&path));
        let turn = Turn::default();
        for _ in 0..2 {
            run(&leaves, &told(), true, &[], &turn).await.unwrap();
        }
        let book = || fs::read_to_string(&path).unwrap();
        // It is read on long after the script has ended.
        until("it to go on", || book().matches("INSTANCE").count() > 100).await;
        let pids: Vec<String> = book()
            .lines()
            .filter_map(|line| line.strip_prefix("pid "))
            .map(str::to_owned)
            .collect();
        assert!(pids.len() == 2 && pids.iter().all(|pid| runs(pid)), "{pids:?}");
        for pid in pids {
            let pid = nix::unistd::Pid::from_raw(pid.parse().unwrap());
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
        }
    }
}
