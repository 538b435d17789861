//! Real programs: shell scripts that hang, fork, flood and end.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    time::{Duration, Instant},
};

use nix::unistd::Uid;
use tokio::time::timeout;

use super::*;
use crate::{
    check::{Schedule, State, Tally},
    process::watching::{SOON, runs, until},
};

fn script(text: &str) -> Command {
    Command::new("/bin/sh").arg("-c").arg(text)
}

async fn run(text: &str) -> Outcome {
    timeout(SOON, script(text).run()).await.unwrap()
}

fn written(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.ends_with('\n').then(|| text.trim_end().to_owned())
}

#[tokio::test]
async fn how_a_program_ends_is_the_outcome() {
    let passed = |text: &str| Outcome::Passed(text.to_owned());
    let failed = |text: &str| Outcome::Failed(format!("/bin/sh {text}"));
    assert_eq!(run("exit 0").await, passed("/bin/sh ended with exit status 0"));
    assert_eq!(run("echo first; echo 'OK: 3 ms'; echo").await, passed("OK: 3 ms"));
    assert_eq!(run("exit 1").await, failed("ended with exit status 1"));
    let expected = failed("ended with exit status 2: no replica");
    assert_eq!(run("echo busy; echo no replica >&2; exit 2").await, expected);
    assert_eq!(run("kill -TERM $$").await, failed("was ended by signal 15 (SIGTERM)"));
}

#[tokio::test]
async fn what_cannot_be_run_is_not_run() {
    let outcome = Command::new("/no/such/program").run().await;
    assert!(
        matches!(&outcome, Outcome::NotRun(text) if text.starts_with("/no/such/program cannot be run: it, or the interpreter")),
        "{outcome:?}"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("check");
    fs::write(&path, "#!/bin/sh\nexit 0\n").unwrap();
    let outcome = Command::new(&path).run().await;
    assert!(
        matches!(&outcome, Outcome::NotRun(text) if text.contains("make it executable")),
        "{outcome:?}"
    );
    fs::write(&path, "#!/no/such/interpreter\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let outcome = Command::new(&path).run().await;
    assert!(
        matches!(&outcome, Outcome::NotRun(text) if text.contains("interpreter")),
        "{outcome:?}"
    );
    for (text, status) in [("no-such-program-here", 127), ("exit 126", 126)] {
        let outcome = run(text).await;
        let told = format!("ended with exit status {status}");
        assert!(matches!(&outcome, Outcome::NotRun(text) if text.contains(&told)), "{outcome:?}");
    }
    let outcome = script("exit 0").user("no-such-user").run().await;
    let expected = "/bin/sh cannot be run: there is no user no-such-user; add it, or name another";
    assert_eq!(outcome, Outcome::NotRun(expected.to_owned()));
}

#[tokio::test]
async fn the_timeout_ends_the_whole_group() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pids");
    let text = r#"trap "" TERM; sleep 600 & echo $$ $! > "$0"; sleep 600"#;
    let check = script(text).arg(&path);
    let begin = async || {
        tokio::select! {
            outcome = check.run() => panic!("it ended: {outcome:?}"),
            () = until("the script to begin", || written(&path).is_some()) => {}
        }
    };
    begin().await;
    let pids = written(&path).unwrap();
    for pid in pids.split(' ') {
        until("both to be gone", || !runs(pid)).await;
    }
    // The next run waits for the group, and is run.
    fs::remove_file(&path).unwrap();
    begin().await;
}

#[tokio::test]
async fn what_is_left_in_the_background_ends_with_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pid");
    let check = script(r#"sleep 600 & echo $! > "$0""#).arg(&path);
    assert!(matches!(timeout(SOON, check.run()).await.unwrap(), Outcome::Passed(_)));
    let pid = written(&path).unwrap();
    until("it to be gone", || !runs(&pid)).await;
}

#[tokio::test]
async fn a_flood_is_bounded_and_starves_nobody() {
    let check = script("while :; do echo 0123456789012345678901234567890123456789; done");
    let begun = Instant::now();
    let mut ticks = 0;
    let ticking = async {
        loop {
            tokio::time::sleep(Duration::from_millis(1)).await;
            ticks += 1;
        }
    };
    tokio::select! {
        biased;
        outcome = check.run() => panic!("it ended: {outcome:?}"),
        () = ticking => {}
        () = tokio::time::sleep(Duration::from_millis(500)) => {}
    }
    assert!(ticks > 20, "others had {ticks} turns in {:?}", begun.elapsed());
    let long = run("head -c 3000000 /dev/zero | tr '\\0' x; echo; echo the end").await;
    assert_eq!(long, Outcome::Passed("the end".to_owned()));
}

#[tokio::test]
async fn it_has_neither_capabilities_nor_secrets() {
    let text =
        r#"grep -E "^(Cap(Inh|Prm|Eff|Amb)|NoNewPrivs):" /proc/self/status | tr -s '\t\n' ' '"#;
    let none = "0".repeat(16);
    let expected =
        format!("CapInh: {none} CapPrm: {none} CapEff: {none} CapAmb: {none} NoNewPrivs: 1");
    assert_eq!(run(text).await, Outcome::Passed(expected));
    // Every test has this one.
    assert!(env::var_os("PATH").is_some());
    let secret = |check: Command| check.env_remove("CARGO_MANIFEST_DIR");
    let text = r#"echo "${CARGO_MANIFEST_DIR-unset}""#;
    assert!(env::var_os("CARGO_MANIFEST_DIR").is_some());
    assert_eq!(secret(script(text)).run().await, Outcome::Passed("unset".to_owned()));
}

/// Whatever may be done for a program, this process keeps what it has, and so does each thread.
#[tokio::test]
async fn what_it_may_not_do_this_process_still_may() {
    let own = || {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let wanted = ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:", "NoNewPrivs:"];
        let is_wanted = |line: &&str| wanted.iter().any(|name| line.starts_with(name));
        status.lines().filter(is_wanted).map(str::to_owned).collect::<Vec<_>>()
    };
    let before = own();
    assert_eq!(before.len(), 6);
    assert!(matches!(run("exit 0").await, Outcome::Passed(_)));
    assert_eq!(own(), before);
}

#[tokio::test]
async fn programs_that_hang_keep_no_other_from_its_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut hanging = Vec::new();
    // More than are started at once.
    for number in 0..40 {
        let path = folder.path().join(number.to_string());
        let check = script(r#"echo > "$0"; sleep 600"#).arg(&path);
        hanging.push(tokio::spawn(async move { check.run().await }));
        until("it to run", || path.exists()).await;
    }
    assert_eq!(run("echo fine").await, Outcome::Passed("fine".to_owned()));
    assert!(hanging.iter().all(|task| !task.is_finished()));
    hanging.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn it_runs_as_the_user_that_is_named() {
    let text = "echo $(id -u) $(id -g) $(id -G)";
    let outcome = script(text).user("nobody").run().await;
    if Uid::effective().is_root() {
        let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
        let (uid, gid) = (nobody.uid, nobody.gid);
        assert_eq!(outcome, Outcome::Passed(format!("{uid} {gid} {gid}")));
        let none = script("grep CapPrm: /proc/self/status").user("nobody").run().await;
        assert_eq!(none, Outcome::Passed(format!("CapPrm: {}", "0".repeat(16))));
        // Supplementary groups are those of the user, not of this process.
        let root = script(text).user("root").run().await;
        assert!(matches!(&root, Outcome::Passed(text) if text.starts_with("0 0 0")), "{root:?}");
    } else {
        assert!(
            matches!(&outcome, Outcome::NotRun(text) if text.contains("may not become the user")),
            "{outcome:?}"
        );
    }
}

#[test]
fn it_is_the_same_if_it_is_started_in_the_same_way() {
    let of = || Command::new("/bin/ok").arg("-q").user("nobody").env_remove("SECRET");
    assert!(of().is_same(&of()));
    assert!(!of().is_same(&of().arg("-v")));
    assert!(!of().is_same(&of().user("daemon")));
    assert!(!of().is_same(&of().env_remove("OTHER")));
    assert!(!of().is_same(&super::super::File::present("/bin/ok")));
}

/// 10,000 runs with `VRRP_TEST_ALL`, and 200 else. Other tests run meanwhile in this process, which
/// have files, threads and programs of their own: so this one is done again in a process of its own.
#[test]
fn runs_leave_nothing_behind() {
    const ALONE: &str = "VRRP_TEST_RUNS_ALONE";
    if env::var_os(ALONE).is_some() {
        let runs = if env::var_os("VRRP_TEST_ALL").is_some() { 10_000 } else { 200 };
        return leave_nothing_behind(runs);
    }
    let name = "check::command::tests::runs_leave_nothing_behind";
    let mut alone = std::process::Command::new(env::current_exe().unwrap());
    let output = alone.args(["--exact", name, "--nocapture"]).env(ALONE, "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{errors}");
}

fn leave_nothing_behind(runs: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let threads = threads();
    let check = script(r#"sleep 600 & echo "$0"; exit 0"#);
    let once = || assert!(matches!(runtime.block_on(check.run()), Outcome::Passed(_)));
    let cut = || {
        let run = async { timeout(Duration::from_millis(1), check.run()).await };
        drop(runtime.block_on(run));
    };
    // What is allocated once is there after a few.
    for _ in 0..20 {
        once();
        cut();
    }
    settle(threads);
    let before = (files(), memory());
    let mut misfits = [Misfit::cut("sleep 600"), Misfit::cut("exec yes"), Misfit::wavering()];
    for (number, which) in (0..runs).zip((0..misfits.len()).cycle()) {
        once();
        misfits[which].run(&runtime);
        if number % 10 == 0 {
            cut();
        }
    }
    settle(threads);
    assert_eq!(files(), before.0);
    let grown = memory().saturating_sub(before.1);
    assert!(grown < 4 * 1024, "{runs} runs took {grown} KiB of memory");
    // Its first result decided, and after that no row of results was long enough for another change.
    let known = misfits.map(|misfit| (misfit.tally.state(), misfit.changes));
    assert_eq!(known, [(State::Bad, 1), (State::Bad, 1), (State::Good, 1)]);
}

/// A program that hangs, or floods its output, or has another result each time.
struct Misfit {
    /// Which take turns.
    checks: [Command; 2],
    limit: Duration,
    turns: usize,
    tally: Tally,
    /// How often it became another state.
    changes: u32,
}

impl Misfit {
    fn new(checks: [Command; 2], limit: Duration) -> Self {
        let tally = Tally::new(&Schedule::default());
        Self { checks, limit, turns: 0, tally, changes: 0 }
    }

    /// One that does not end by itself.
    fn cut(text: &str) -> Self {
        Self::new([script(text), script(text)], Duration::from_millis(10))
    }

    fn wavering() -> Self {
        Self::new(["0", "1"].map(|status| script(r#"exit "$0""#).arg(status)), SOON)
    }

    fn run(&mut self, runtime: &tokio::runtime::Runtime) {
        let check = &self.checks[self.turns % 2];
        self.turns += 1;
        let run = runtime.block_on(async { timeout(self.limit, check.run()).await });
        let outcome = run.unwrap_or_else(|_| Outcome::Failed("there was no result".to_owned()));
        let before = self.tally.state();
        self.changes += u32::from(self.tally.judge(&outcome) != before);
    }
}

/// Waits until this process has no child any more, and no thread that is to wait for one.
fn settle(threads: usize) {
    let children = || {
        let ours = format!(" {} ", std::process::id());
        let all = fs::read_dir("/proc").unwrap().flatten();
        let stats = all.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
        stats
            .filter(|stat| {
                let fields = stat.rsplit(')').next().unwrap_or_default();
                fields.get(2..).is_some_and(|rest| rest.starts_with(&ours))
            })
            .count()
    };
    let begun = Instant::now();
    while children() > 0 || self::threads() > threads {
        assert!(begun.elapsed() < SOON, "{} children, {} threads", children(), self::threads());
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn threads() -> usize {
    fs::read_dir("/proc/self/task").unwrap().count()
}

fn files() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// The memory that is this process's own, in KiB.
fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
