//! Real scripts, one at a time.

use std::{env, fs, path::Path, time::Duration};

use super::*;
use crate::{
    Program,
    notify::{Scripts, told::Kind},
    process::watching::SOON,
    written::Written,
};

fn told(name: &str, state: State, generation: u64) -> Told {
    Told {
        subject: Subject { kind: Kind::Instance, name: name.into() },
        state,
        generation,
        priority: 100,
        phase: "held",
        reason: "acquired",
        peer: None,
        details: None,
    }
}

fn setup(text: &str, path: &Path, limit: Duration) -> Arc<Setup> {
    let program = Program::new("/bin/sh").args(["-c", text]).arg(path);
    let scripts = Scripts::default().all(Script::new(program).limit(limit));
    Arc::new(Setup::new().node(scripts))
}

async fn empty(queues: &mut Queues, setup: &Arc<Setup>) {
    while !queues.is_idle() {
        timeout(SOON, queues.next(setup)).await.unwrap();
    }
}

#[tokio::test]
async fn while_one_runs_the_latest_waits_and_what_is_skipped_is_said() {
    let (written, _guard) = Written::begin();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book");
    let setup = setup(r#"sleep 0.05; echo "$2 $3 $VRRP_GENERATION" >> "$0""#, &path, SOON);
    let mut queues = Queues::default();
    let states = [State::Backup, State::Active, State::Fault, State::Backup, State::Active];
    for (state, generation) in states.into_iter().zip(1..) {
        queues.push(told("web", state, generation), &setup);
        queues.push(told("db", state, generation), &setup);
    }
    empty(&mut queues, &setup).await;
    let book = fs::read_to_string(&path).unwrap();
    let of = |name: &str| book.lines().filter(|line| line.starts_with(name)).collect::<Vec<_>>();
    assert_eq!(of("web"), ["web BACKUP 1", "web MASTER 5"]);
    assert_eq!(of("db"), ["db BACKUP 1", "db MASTER 5"]);
    let mut lines = written.lines().into_iter().map(|mut line| line["fields"].take());
    let fields = lines.find(|fields| fields["event"] == "notify-skipped").expect("a line");
    assert_eq!((&fields["state"], &fields["skipped"]), (&"active".into(), &3.into()));
    assert!(fields["message"].as_str().unwrap().contains("active, fault, backup"), "{fields}");
}

#[tokio::test]
async fn a_script_that_fails_holds_nothing_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("book");
    let setup = setup(r#"echo "$3" >> "$0"; exit 1"#, &path, SOON);
    let mut queues = Queues::default();
    for state in [State::Active, State::Backup] {
        queues.push(told("web", state, 1), &setup);
        empty(&mut queues, &setup).await;
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), "MASTER\nBACKUP\n");
    assert!(queues.untold(&setup).is_empty());
}

#[tokio::test]
async fn what_is_not_told_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let setup = setup("sleep 600", &folder.path().join("book"), SOON);
    let mut queues = Queues::default();
    queues.push(told("web", State::Active, 1), &setup);
    assert_eq!(queues.untold(&setup).len(), 1);
    queues.push(told("web", State::Stop, 2), &setup);
    let untold = queues.untold(&setup);
    assert!(untold[0].contains("for active") && untold[1].contains("told stop"), "{untold:?}");
    let nobody = Arc::new(Setup::new());
    queues.push(told("db", State::Active, 1), &nobody);
    assert_eq!(queues.untold(&setup).len(), 2);
}

/// 10,000 states with `VRRP_TEST_ALL`, and 300 else, in a process of its own: other tests have files
/// and threads, too.
#[test]
fn states_leave_nothing_behind() {
    const ALONE: &str = "VRRP_TEST_STATES_ALONE";
    if env::var_os(ALONE).is_some() {
        let states = if env::var_os("VRRP_TEST_ALL").is_some() { 10_000 } else { 300 };
        return leave_nothing_behind(states);
    }
    let name = "notify::queue::tests::states_leave_nothing_behind";
    let mut alone = std::process::Command::new(env::current_exe().unwrap());
    let output = alone.args(["--exact", name, "--nocapture"]).env(ALONE, "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{errors}");
}

fn leave_nothing_behind(states: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("last");
    // Each in its turn hangs, fails, forks, floods, or is well.
    let text = r#"echo "$VRRP_GENERATION" > "$0"
        case $((VRRP_GENERATION % 5)) in
        0) exec sleep 600;; 1) exit 1;; 2) (sleep 0.01) & ;; 3) exec yes >&2;;
        esac"#;
    let hurried = setup(text, &path, Duration::from_millis(50));
    let mut queues = Queues::default();
    let mut tell = |setup: &Arc<Setup>, from: u64, to: u64| {
        runtime.block_on(async {
            for generation in from..=to {
                queues.push(told("web", State::Active, generation), setup);
                // Some are skipped.
                let limit = Duration::from_millis(10);
                drop(timeout(limit, queues.next(setup)).await);
            }
            empty(&mut queues, setup).await;
        });
    };
    tell(&hurried, 1, 21);
    settle(&runtime, None);
    let before = files();
    let last = states / 5 * 5 + 4;
    tell(&hurried, 22, last - 1);
    // What is told last is looked at, however slow this machine is.
    tell(&setup(text, &path, SOON), last, last);
    // What it leaves in the background goes within a moment, and so does what reads of it.
    settle(&runtime, Some(before));
    assert_eq!(fs::read_to_string(&path).unwrap().trim(), last.to_string());
}

/// Waits until no program runs, and as many files are open.
fn settle(runtime: &tokio::runtime::Runtime, wanted: Option<usize>) {
    let begun = std::time::Instant::now();
    while programs() > 0 || wanted.is_some_and(|wanted| files() > wanted) {
        assert!(begun.elapsed() < SOON, "{} programs, {} files", programs(), files());
        runtime.block_on(async { tokio::time::sleep(Duration::from_millis(1)).await });
    }
}

/// How many threads wait for programs.
fn programs() -> usize {
    let threads = fs::read_dir("/proc/self/task").unwrap().flatten();
    let name = |thread: fs::DirEntry| fs::read_to_string(thread.path().join("comm")).ok();
    threads.filter_map(name).filter(|name| name.trim() == "vrrp-command").count()
}

fn files() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}
