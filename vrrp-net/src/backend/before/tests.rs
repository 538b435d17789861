//! A backend in memory, and shell scripts before it.

use std::{fs, path::Path};

use vrrp_core::Reason;

use super::*;
use crate::{
    backend::{Memory, memory::Call},
    process::watching::{SOON, runs, until},
};

fn before(inner: &Memory, text: &str, path: &Path) -> Before {
    let program = Program::new("/bin/sh").args(["-c", text]).arg(path);
    Before::new(Arc::new(inner.clone()), program).limit(SOON)
}

fn lines(path: &Path) -> usize {
    fs::read_to_string(path).unwrap_or_default().lines().count()
}

#[tokio::test]
async fn it_runs_before_a_promotion_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs");
    let (inner, lease) = (Memory::new(), Lease::of_eth0());
    let backend = before(&inner, r#"echo "$VRRP_NAME $VRRP_INTERFACE $VRRP_VRID" >> "$0""#, &path);
    let release = Release::new(Reason::StrongerClaim, None);
    backend.inspect(&lease).await.unwrap();
    backend.repair(&lease).await.unwrap();
    assert_eq!(lines(&path), 0);
    backend.acquire(&lease).await.unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{} eth0 51\n", lease.name));
    // A handover that is taken back.
    backend.leaving(&lease).await.unwrap();
    backend.acquire(&lease).await.unwrap();
    backend.repair(&lease).await.unwrap();
    backend.renew(std::slice::from_ref(&lease)).await.unwrap();
    assert_eq!(lines(&path), 1);
    backend.release(&lease, &release).await.unwrap();
    assert_eq!(lines(&path), 1);
    backend.acquire(&lease).await.unwrap();
    assert_eq!(lines(&path), 2);
    backend.release(&lease, &release).await.unwrap();
    inner.leave_behind(Duration::from_secs(1));
    assert!(backend.adopt(&lease).await.unwrap().is_some());
    backend.acquire(&lease).await.unwrap();
    assert_eq!(lines(&path), 2);
    assert!(inner.calls().contains(&Call::Adopt(lease.key)));
}

#[tokio::test]
async fn a_program_that_fails_keeps_nobody_from_the_addresses() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pid");
    let (inner, lease) = (Memory::new(), Lease::of_eth0());
    before(&inner, "echo no >&2; exit 3", &path).acquire(&lease).await.unwrap();
    let missing = Before::new(Arc::new(inner.clone()), Program::new("/no/such/program"));
    missing.acquire(&lease).await.unwrap();
    let text = r#"sleep 600 & echo $$ > "$0"; sleep 600"#;
    let hanging = before(&inner, text, &path).limit(Duration::from_secs(3));
    hanging.acquire(&lease).await.unwrap();
    let pid = fs::read_to_string(&path).unwrap();
    until("it to be gone", || !runs(pid.trim())).await;
    assert_eq!(inner.calls().len(), 3);
}

#[tokio::test]
async fn a_promotion_that_is_not_wanted_any_more_ends_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pid");
    let (inner, lease) = (Memory::new(), Lease::of_eth0());
    let hanging = before(&inner, r#"echo $$ > "$0"; sleep 600"#, &path);
    let began = || lines(&path) == 1;
    tokio::select! {
        done = hanging.acquire(&lease) => panic!("it ended: {done:?}"),
        () = until("it to begin", began) => {}
    }
    let pid = fs::read_to_string(&path).unwrap();
    until("it to be gone", || !runs(pid.trim())).await;
    assert!(inner.calls().is_empty());
}

#[test]
fn it_passes_on_what_the_other_backend_says() {
    let (inner, lease) = (Memory::new(), Lease::of_eth0());
    let backend = before(&inner, "exit 0", Path::new("/")).limit(Duration::from_secs(2));
    inner.set_timeout(Duration::from_secs(1));
    inner.run_to_end();
    inner.set_watched(true);
    assert_eq!(backend.timeout(Method::Acquire), Duration::from_millis(3500));
    assert_eq!(backend.timeout(Method::Release), Duration::from_secs(1));
    assert_eq!(backend.when_unwanted(Method::Acquire), Unwanted::RunToEnd);
    assert_eq!(backend.watched(&lease).as_deref(), Some("eth0"));
    assert_eq!(backend.pace(), inner.pace());
    let same = before(&inner, "exit 0", Path::new("/")).limit(Duration::from_secs(2));
    assert!(backend.is_same(&same));
    assert!(!backend.is_same(&same.limit(Duration::from_secs(1))));
    assert!(!backend.is_same(&before(&inner, "exit 1", Path::new("/")).limit(LIMIT)));
    assert!(!backend.is_same(&before(&Memory::new(), "exit 0", Path::new("/")).limit(LIMIT)));
    assert!(!backend.is_same(&inner));
}
