//! The thread, in real time, with files and programs.

use std::{fs, sync::atomic::AtomicBool};

use super::*;

/// Waits until a check says so, in real time.
async fn until(checks: &Checks, what: &str, is_it: impl Fn(&[CheckStatus]) -> bool) {
    let begun = std::time::Instant::now();
    while !is_it(&checks.status()) {
        assert!(begun.elapsed() < SOON, "still waiting for {what}: {:?}", checks.status());
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_file_decides_on_a_virtual_router() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("maintenance");
    let one = NonZeroU8::MIN;
    let fast = Schedule::default().interval(Duration::from_millis(20)).unwrap().rise(one).fall(one);
    let check = Planned::new("maintenance", File::absent(&path)).schedule(fast);
    let web = holds(&["maintenance"]).last(Last::Leave);
    let setup = Setup::new([check], [web]).unwrap();
    assert_eq!(setup.health_at_start("web").condition, Condition::Unproven);
    let checks = Checks::start(setup).unwrap();
    let mut healths = checks.healths();
    let mut is = async |expected: Condition| loop {
        let (router, health) = timeout(SOON, healths.next()).await.unwrap().unwrap();
        assert_eq!(&*router, "web");
        if health.condition == expected {
            return;
        }
    };
    is(Condition::Good).await;
    fs::write(&path, "").unwrap();
    is(Condition::Out).await;
    fs::remove_file(&path).unwrap();
    is(Condition::Good).await;
    assert_eq!(checks.health("web").condition, Condition::Good);
    timeout(SOON, checks.stop()).await.unwrap();
    assert_eq!(timeout(SOON, healths.next()).await.unwrap(), None);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_file_system_that_hangs_delays_nobody_and_neither_does_the_end() {
    let folder = tempfile::tempdir().unwrap();
    // Whoever opens it waits for somebody who writes.
    let pipe = folder.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let fast = Schedule::default().interval(Duration::from_millis(20)).unwrap();
    let fast = fast.timeout(Duration::from_millis(20)).unwrap();
    let hangs = Planned::new("hangs", File::number(&pipe)).schedule(fast);
    let well = Planned::new("well", File::present(folder.path())).schedule(fast);
    let setup = Setup::new([hangs, well], [holds(&["hangs", "well"])]).unwrap();
    let checks = Checks::start(setup).unwrap();
    until(&checks, "both", |all| {
        all[0].state == State::Bad && all[1].state == State::Good && all[1].runs > 20
    })
    .await;
    assert!(checks.status()[0].outcome.as_ref().unwrap().text().contains("no result within"));
    let threads = fs::read_dir("/proc/self/task").unwrap().flatten();
    let names = threads.filter_map(|it| fs::read_to_string(it.path().join("comm")).ok());
    assert!(names.filter(|name| name.trim_end() == "vrrp-checks").count() > 1);
    timeout(SOON, checks.stop()).await.unwrap();
    // The thread that hangs is let go.
    fs::OpenOptions::new().write(true).open(&pipe).unwrap();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_programs_of_checks_end_with_them() {
    let folder = tempfile::tempdir().unwrap();
    let check = |name: &str| {
        let check = crate::check::Command::new("/bin/sh").arg("-c");
        let check = check.arg(r#"echo $$ > "$0"; sleep 600"#).arg(folder.path().join(name));
        let schedule = Schedule::default().timeout(Duration::from_secs(600)).unwrap();
        let schedule = schedule.interval(Duration::from_millis(20)).unwrap();
        Planned::new(name, check).schedule(schedule)
    };
    let pid = async |name: &str| {
        let begun = std::time::Instant::now();
        loop {
            let text = fs::read_to_string(folder.path().join(name)).unwrap_or_default();
            if let Some(pid) = text.strip_suffix('\n') {
                return std::path::PathBuf::from(format!("/proc/{pid}"));
            }
            assert!(begun.elapsed() < SOON, "{name} did not begin");
            sleep(Duration::from_millis(5)).await;
        }
    };
    let gone = async |process: &std::path::Path| {
        let begun = std::time::Instant::now();
        while process.exists() {
            assert!(begun.elapsed() < SOON, "{} is still there", process.display());
            sleep(Duration::from_millis(5)).await;
        }
    };
    let checks = Checks::start(Setup::new([check("a"), check("b")], []).unwrap()).unwrap();
    let (a, b) = (pid("a").await, pid("b").await);
    checks.configure(Setup::new([check("b")], []).unwrap());
    gone(&a).await;
    assert!(b.exists(), "the one that is the same goes on");
    drop(checks);
    gone(&b).await;
}

/// Ends with its thread.
struct Late(Arc<AtomicBool>);

#[async_trait]
impl Check for Late {
    async fn run(&self) -> Outcome {
        struct Ends(Arc<AtomicBool>);
        impl Drop for Ends {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let _ends = Ends(self.0.clone());
        std::future::pending().await
    }

    fn describe(&self) -> String {
        "it ends".to_owned()
    }
}

#[tokio::test]
async fn who_stops_them_knows_that_they_have_ended() {
    let ended = Arc::new(AtomicBool::new(false));
    let fast = Schedule::default().interval(Duration::from_millis(10)).unwrap();
    let late = Planned::new("late", Late(ended.clone()));
    let late = late.schedule(fast.timeout(Duration::from_secs(600)).unwrap());
    let well = Planned::new("well", Puppet::new(Does::Pass)).schedule(fast);
    let checks = Checks::start(Setup::new([late, well], []).unwrap()).unwrap();
    until(&checks, "some runs", |all| all[1].runs > 5).await;
    assert!(!ended.load(Ordering::Relaxed));
    timeout(SOON, checks.stop()).await.unwrap();
    assert!(ended.load(Ordering::Relaxed));
}
