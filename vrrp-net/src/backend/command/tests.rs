//! Real programs: shell scripts that note what they were asked.

use std::{
    fs,
    future::Future,
    num::NonZeroU32,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    pin::pin,
    task::{Context, Waker},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;
use tokio::time::timeout;
use vrrp_core::{Family, InterfaceId, Reason, Vrid};

use super::*;
use crate::process::watching::{SOON, runs, until};

/// A script whose `$0` is a folder that it writes to.
struct Script {
    folder: TempDir,
    text: &'static str,
}

impl Script {
    fn new(text: &'static str) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), text }
    }

    fn backend(&self) -> Command {
        Command::new("/bin/sh").arg("-c").arg(self.text).arg(self.folder.path())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Waits until the script has written a line to this file, and gives it without the newline.
    async fn wrote(&self, name: &str) -> String {
        until(name, || self.read(name).ends_with('\n')).await;
        self.read(name).trim_end().to_owned()
    }
}

fn exists(pid: &str) -> bool {
    PathBuf::from(format!("/proc/{pid}")).exists()
}

fn lease() -> Lease {
    let interface = InterfaceId::new(NonZeroU32::MIN);
    let key = Key { interface, family: Family::Ipv4, vrid: Vrid::try_from(51).unwrap() };
    let addresses = ["192.0.2.10/24".parse().unwrap(), "192.0.2.11".parse().unwrap()];
    Lease::new(key, "eth0", &addresses, Duration::from_secs(3))
}

fn farewell() -> Release {
    Release::new(Reason::Successor, Some("192.0.2.2".parse().unwrap()))
}

#[tokio::test]
async fn the_program_is_told_everything_and_may_say_that_it_is_done() {
    let script = Script::new(r#"cat > "$0/$1"; echo "$#" "$@" > "$0/arguments""#);
    let (backend, lease) = (script.backend(), lease());
    assert_eq!(backend.acquire(&lease).await.unwrap(), Reach::Routed);
    assert_eq!(script.read("arguments"), "1 acquire\n");
    let told = r#"{"schema":1,"action":"acquire","name":"interface 1/ipv4/51","interface":"eth0","vrid":51,"family":"ipv4","addresses":["192.0.2.10/24","192.0.2.11/32"],"generation":0,"owner":false}"#;
    let told = told.replace("interface 1/ipv4/51", &lease.name);
    assert_eq!(script.read("acquire"), format!("{told}\n"));

    backend.release(&lease, &farewell()).await.unwrap();
    let end = r#""owner":false,"reason":"successor","successor":"192.0.2.2"}"#;
    let told = told.replace("acquire", "release").replace(r#""owner":false}"#, end);
    assert_eq!(script.read("release"), format!("{told}\n"));
    backend.release(&lease, &Release::new(Reason::Startup, None)).await.unwrap();
    assert!(script.read("release").ends_with("\"reason\":\"startup\",\"successor\":null}\n"));

    backend.inspect(&lease).await.unwrap();
    assert!(script.read("inspect").contains(r#""action":"inspect""#));
    assert_eq!(script.backend().reach(Reach::OnLink).repair(&lease).await.unwrap(), Reach::OnLink);
}

#[tokio::test]
async fn how_it_ends_is_told_in_a_sentence() {
    let script = Script::new(
        r#"case "$1" in
            acquire) echo 'quota exceeded' >&2; echo >&2; exit 3;;
            inspect) exit 1;;
            release) kill -TERM $$;;
        esac"#,
    );
    let (backend, lease) = (script.backend(), lease());
    let error = backend.acquire(&lease).await.unwrap_err();
    assert_eq!(error.kind(), LeaseFailure::Failed);
    assert_eq!(error.to_string(), "/bin/sh acquire ended with exit status 3: quota exceeded");
    let error = backend.release(&lease, &farewell()).await.unwrap_err();
    let said =
        "/bin/sh release was ended by signal 15 (SIGTERM): it wrote nothing to its standard error";
    assert_eq!(error.to_string(), said);
    let error = backend.inspect(&lease).await.unwrap_err();
    let said = "/bin/sh inspect ended with exit status 1 (a program without this action ends with \
        exit status 64): it wrote nothing to its standard error";
    assert_eq!(error.to_string(), said);
}

#[tokio::test]
async fn two_exit_statuses_have_a_meaning() {
    let lease = lease();
    let denied = Script::new("echo 'not authorised' >&2; exit 77").backend();
    assert_eq!(denied.acquire(&lease).await.unwrap_err().kind(), LeaseFailure::Denied);
    assert_eq!(denied.inspect(&lease).await.unwrap_err().kind(), LeaseFailure::Denied);
    let unknown = Script::new("exit 64").backend();
    assert!(unknown.inspect(&lease).await.is_ok());
    assert_eq!(unknown.acquire(&lease).await.unwrap_err().kind(), LeaseFailure::Failed);
}

#[tokio::test]
async fn a_program_that_cannot_be_run_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (path, lease) = (folder.path().join("move-ip"), lease());
    let shown = path.display().to_string();
    let backend = Command::new(&path);
    let error = backend.acquire(&lease).await.unwrap_err();
    assert_eq!(error.kind(), LeaseFailure::Failed);
    assert!(
        error.to_string().starts_with(&format!("{shown} cannot be run: it, or the interpreter")),
        "{error}"
    );
    fs::write(&path, "no program\n").unwrap();
    let error = backend.acquire(&lease).await.unwrap_err();
    assert_eq!(error.kind(), LeaseFailure::Denied);
    assert!(
        error.to_string().starts_with(&format!("{shown} cannot be run: this user may not")),
        "{error}"
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let error = backend.acquire(&lease).await.unwrap_err();
    assert!(
        error.to_string().starts_with(&format!("{shown} cannot be run: it is no program")),
        "{error}"
    );
}

#[tokio::test]
async fn neither_input_nor_output_makes_it_wait() {
    // More than any pipe holds, in both directions.
    let script = Script::new(
        r#"i=0; while [ $i -lt 2000 ]; do
            printf '%0100d\n' $i; printf '%0100d\n' $i >&2; i=$((i+1))
        done; exit 1"#,
    );
    let mut lease = lease();
    lease.name = "x".repeat(1 << 20).into();
    let asked = timeout(SOON, async { script.backend().acquire(&lease).await });
    let error = asked.await.expect("it answers").unwrap_err();
    assert!(error.to_string().ends_with("01999"), "{error}");
}

#[tokio::test]
async fn it_inherits_no_file() {
    let script = Script::new(
        r#"for fd in /proc/$$/fd/*; do echo "$fd $(readlink "$fd")"; done > "$0/files""#,
    );
    let open = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    script.backend().acquire(&lease()).await.unwrap();
    let files = script.read("files");
    assert!(files.contains("/fd/0 /memfd:") && files.contains("/fd/2 pipe:"), "{files}");
    assert!(!files.contains("socket:") && !files.contains("anon_inode"), "{files}");
    drop(open);
}

#[tokio::test]
async fn a12_it_inherits_no_variable_that_was_taken_from_it() {
    let script = Script::new(r#"env > "$0/variables""#);
    let names: Vec<_> =
        std::env::vars_os().map(|(name, _)| name).filter(|name| name != "PATH").collect();
    let taken = names.first().expect("this process has variables");
    script.backend().env_remove(taken).acquire(&lease()).await.unwrap();
    let variables = script.read("variables");
    let has = |name: &str| variables.lines().any(|line| line.starts_with(&format!("{name}=")));
    assert!(has("PATH") && !has(&taken.to_string_lossy()), "{variables}");
}

const BACKGROUND: &str = r#"
    sleep 1000 & echo $! > "$0/child"
    echo $$ > "$0/leader"
    wait
"#;

#[tokio::test]
async fn a_call_that_is_dropped_takes_the_whole_group_along() {
    let script = Script::new(BACKGROUND);
    let (backend, lease) = (script.backend(), lease());
    let leader = {
        let acquire = pin!(backend.acquire(&lease));
        tokio::select! {
            _ = acquire => panic!("it does not end"),
            leader = script.wrote("leader") => leader,
        }
    };
    until("both are gone", || !exists(&leader) && !runs(script.read("child").trim())).await;
}

#[tokio::test]
async fn a_call_that_is_dropped_before_its_program_started_leaves_nothing() {
    let script = Script::new(r#"echo $$ > "$0/leader"; sleep 1000"#);
    let (backend, lease) = (script.backend(), lease());
    for _ in 0..20 {
        let mut acquire = pin!(backend.acquire(&lease));
        assert!(acquire.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    // The next one begins when all are gone.
    drop(timeout(SOON, backend.turn(lease.key).lock_owned()).await.unwrap());
    let leader = script.read("leader");
    assert!(leader.is_empty() || !exists(leader.trim()), "{leader} runs");
}

#[test]
fn a_runtime_that_ends_takes_the_program_along() {
    let script = Script::new(BACKGROUND);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let backend = script.backend();
    drop(runtime.spawn(async move { backend.acquire(&lease()).await }));
    let leader = runtime.block_on(script.wrote("leader"));
    drop(runtime);
    let begun = Instant::now();
    while exists(&leader) || runs(script.read("child").trim()) {
        assert!(begun.elapsed() < SOON, "it goes on without a runtime");
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn what_it_leaves_in_the_background_ends_with_it() {
    let script = Script::new(r#"sleep 1000 & echo $! > "$0/child"; exit 0"#);
    script.backend().acquire(&lease()).await.unwrap();
    assert!(!runs(script.wrote("child").await.trim()));
}

#[tokio::test]
async fn a_process_that_left_the_group_does_not_hold_up_the_answer() {
    let script = Script::new(
        r#"setsid sh -c 'echo $$ > "$0/child"; exec sleep 1000' "$0" & 
        while ! [ -s "$0/child" ]; do sleep 0.01; done; echo last >&2; exit 1"#,
    );
    let error = timeout(SOON, async { script.backend().acquire(&lease()).await });
    let error = error.await.expect("it answers").unwrap_err();
    assert!(error.to_string().ends_with(": last"), "{error}");
    let child = script.wrote("child").await;
    assert!(runs(&child));
    kill(Pid::from_raw(child.parse().unwrap()), Signal::SIGKILL).unwrap();
}

#[tokio::test]
async fn two_programs_never_run_at_once_for_one_virtual_router() {
    // It ignores what can be ignored, and so do its children.
    let script = Script::new(
        r#"if [ "$1" = acquire ]; then
            trap '' TERM INT HUP
            (while :; do sleep 0.01; done) & echo $! > "$0/child"
            echo $$ > "$0/leader"
            wait
        else
            for pid in $(cat "$0/leader" "$0/child"); do
                grep -qs '^State:.[^ZX]' /proc/$pid/status && echo "$pid runs" >&2 && exit 1
            done
            exit 0
        fi"#,
    );
    let (backend, lease) = (script.backend(), lease());
    for _ in 0..10 {
        let leader = {
            let acquire = pin!(backend.acquire(&lease));
            tokio::select! {
                _ = acquire => panic!("it does not end"),
                leader = script.wrote("leader") => leader,
            }
        };
        drop(timeout(SOON, backend.turn(lease.key).lock_owned()).await.unwrap());
        assert!(!exists(&leader) && !runs(script.read("child").trim()), "the turn came too early");
        backend.release(&lease, &farewell()).await.unwrap();
        fs::remove_file(script.path("leader")).unwrap();
    }
}

#[tokio::test]
async fn virtual_routers_do_not_wait_for_each_other() {
    let script = Script::new(r#"[ "$1" = release ] || { echo $$ > "$0/leader"; sleep 1000; }"#);
    let (backend, lease) = (script.backend(), lease());
    let mut other = lease.clone();
    other.key.vrid = Vrid::try_from(52).unwrap();
    let acquire = pin!(backend.acquire(&lease));
    tokio::select! {
        _ = acquire => panic!("it does not end"),
        released = async {
            script.wrote("leader").await;
            backend.release(&other, &farewell()).await
        } => released.unwrap(),
    }
}

/// The pipe is never empty, so that nothing but the program's reader would ever run.
#[test]
fn a_program_that_floods_its_standard_error_is_given_up_in_time() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let call = runtime.spawn(async {
        let script = Script::new("for n in 1 2 3 4 5 6 7 8; do yes >&2 & done; wait");
        timeout(Duration::from_millis(200), script.backend().acquire(&lease())).await.is_err()
    });
    let given_up = runtime.block_on(async { timeout(SOON, call).await });
    runtime.shutdown_background();
    assert!(given_up.expect("it never came back").unwrap());
}
