//! What is kept reads back, and whatever stands in its place is neither believed nor lost.

use std::{fs, thread::sleep};

use tempfile::TempDir;

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open(directory: &TempDir) -> Kept {
    Kept::open(Some(directory.path()))
}

fn text(directory: &TempDir) -> String {
    fs::read_to_string(directory.path().join("drains.json")).unwrap()
}

fn files(directory: &TempDir) -> Vec<String> {
    let names = fs::read_dir(directory.path()).unwrap();
    let mut names: Vec<_> =
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn moment(text: &str) -> Moment {
    Moment::try_from(text.to_owned()).unwrap()
}

#[test]
fn what_is_kept_is_there_after_a_restart() {
    let directory = directory();
    let (ended, endless) = (Drain::new(Some(HOUR)), Drain::new(None));
    let kept = open(&directory);
    kept.begin(&["web", "web/v6"], ended, true).unwrap();
    kept.begin(&["db"], endless, true).unwrap();
    let again = open(&directory);
    assert_eq!(again.get("web"), Some(ended));
    assert_eq!(again.get("db"), Some(endless));
    assert_eq!(Vec::from_iter(again.names()), ["db", "web", "web/v6"]);
    let rest = again.get("web").unwrap().rest().unwrap();
    assert!(rest <= HOUR && rest > HOUR - Duration::from_secs(60), "{rest:?}");
    assert_eq!(endless.rest(), None);

    again.forget(&["web", "db"]).unwrap();
    assert_eq!(Vec::from_iter(open(&directory).names()), ["web/v6"]);
    let value: serde_json::Value = serde_json::from_str(&text(&directory)).unwrap();
    let expected = serde_json::json!({ "schema": 1, "drains": { "web/v6": {
        "since": ended.since.to_string(), "until": ended.until.unwrap().to_string(),
    } } });
    assert_eq!(value, expected);
    assert_eq!(files(&directory), ["drains.json"]);
}

#[test]
fn without_a_state_directory_nothing_can_be_kept() {
    let kept = Kept::open(None);
    let error = kept.begin(&["web"], Drain::new(None), true).unwrap_err().to_string();
    assert!(error.contains("set `state` in [daemon]"), "{error}");
    kept.begin(&["web"], Drain::new(None), false).unwrap();
    kept.forget(&["web"]).unwrap();
    assert!(kept.names().is_empty());
}

#[test]
fn what_is_not_to_be_kept_is_not_written() {
    let directory = directory();
    let kept = open(&directory);
    kept.begin(&["web"], Drain::new(None), false).unwrap();
    kept.forget(&["web"]).unwrap();
    assert!(files(&directory).is_empty());
}

#[test]
fn a_kept_drain_stays_kept_and_has_the_end_of_the_last_one() {
    let directory = directory();
    let kept = open(&directory);
    kept.begin(&["web"], Drain::new(None), true).unwrap();
    let last = Drain::new(Some(HOUR));
    kept.begin(&["web", "db"], last, false).unwrap();
    assert_eq!(open(&directory).get("web"), Some(last));
    assert_eq!(open(&directory).get("db"), None);
}

#[test]
fn a_drain_that_did_not_come_about_is_taken_back() {
    let directory = directory();
    let kept = open(&directory);
    let before = Drain::new(Some(2 * HOUR));
    kept.begin(&["db"], before, true).unwrap();
    let undo = kept.begin(&["web", "db"], Drain::new(Some(HOUR)), true).unwrap();
    kept.undo(&undo, &["web".to_owned()]).unwrap();
    kept.undo(&undo, &["db".to_owned()]).unwrap();
    kept.undo(&undo, &["other".to_owned()]).unwrap();
    assert_eq!((kept.get("web"), kept.get("db")), (None, Some(before)));
    assert_eq!(Vec::from_iter(open(&directory).names()), ["db"]);
    // One that was asked for since is another one.
    let undo = kept.begin(&["web"], Drain::new(Some(HOUR)), true).unwrap();
    let other = Drain::new(Some(3 * HOUR));
    kept.begin(&["web"], other, true).unwrap();
    kept.undo(&undo, &["web".to_owned()]).unwrap();
    assert_eq!(open(&directory).get("web"), Some(other));
}

#[test]
fn what_has_ended_is_dropped_at_the_start() {
    let directory = directory();
    let (past, future) = (moment("2026-01-01T00:00:00Z"), Moment::now().after(HOUR));
    let drains = serde_json::json!({
        "over": { "since": past, "until": past.after(HOUR) },
        "web": { "since": past, "until": future },
    });
    let document = serde_json::json!({ "schema": 1, "drains": drains });
    fs::write(directory.path().join("drains.json"), document.to_string()).unwrap();
    let kept = open(&directory);
    assert_eq!(Vec::from_iter(kept.names()), ["web"]);
    assert!(!text(&directory).contains("over"), "{}", text(&directory));
}

#[test]
fn what_ends_while_the_daemon_runs_is_over_by_any_clock() {
    let directory = directory();
    let kept = open(&directory);
    kept.begin(&["short"], Drain::new(Some(Duration::from_millis(1))), true).unwrap();
    kept.begin(&["web", "db"], Drain::new(Some(HOUR)), true).unwrap();
    kept.begin(&["db"], Drain::new(None), true).unwrap();
    let begun = std::time::Instant::now();
    while kept.get("short").is_some() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it does not end");
        sleep(Duration::from_millis(10));
    }
    kept.forget_ended();
    assert!(!text(&directory).contains("short"), "{}", text(&directory));
    // The wall clock says that there is an hour left.
    kept.end("web");
    kept.end("db");
    assert_eq!(Vec::from_iter(open(&directory).names()), ["db"]);
}

/// The clock of a host without a battery begins in 1970.
#[test]
fn a_clock_that_was_set_back_makes_no_drain_longer() {
    let since = Moment::now().after(1000 * HOUR);
    let drain = Drain { since, until: Some(since.after(HOUR)) };
    assert_eq!(drain.rest(), Some(HOUR));
}

#[test]
fn a_power_cut_between_write_and_rename_leaves_the_old_one() {
    let directory = directory();
    open(&directory).begin(&["web"], Drain::new(None), true).unwrap();
    fs::write(directory.path().join("drains.json.new"), r#"{ "schema": 1, "dra"#).unwrap();
    let kept = open(&directory);
    assert_eq!(Vec::from_iter(kept.names()), ["web"]);
    kept.begin(&["db"], Drain::new(None), true).unwrap();
    assert_eq!(Vec::from_iter(open(&directory).names()), ["db", "web"]);
    assert_eq!(files(&directory), ["drains.json"]);
}

#[test]
fn what_cannot_be_read_drains_nothing_and_is_moved_by_the_next_write() {
    for bad in [
        "",
        "drained",
        "[]",
        r#"{ "schema": 2, "drains": {} }"#,
        r#"{ "drains": {} }"#,
        r#"{ "schema": 1 }"#,
        r#"{ "schema": 1, "drains": { "web": true } }"#,
        r#"{ "schema": 1, "drains": { "web": { "since": "now", "until": null } } }"#,
        r#"{ "schema": 1, "drains": { "web": { "since": "2026-01-31T12:00:00Z", "until": 7 } } }"#,
        "{ \"schema\": 1, \"drains\": { \"\u{fffd}",
    ] {
        let directory = directory();
        let path = directory.path().join("drains.json");
        fs::write(&path, bad).unwrap();
        let mut file = File::new(directory.path());
        assert!(file.read().is_err(), "{bad:?}");
        let kept = open(&directory);
        assert!(kept.names().is_empty(), "{bad:?}");
        kept.forget(&["web"]).unwrap();
        assert_eq!(text(&directory), bad, "it was not left alone");

        kept.begin(&["web"], Drain::new(None), true).unwrap();
        assert_eq!(Vec::from_iter(open(&directory).names()), ["web"]);
        assert_eq!(fs::read_to_string(directory.path().join("drains.json.bad")).unwrap(), bad);
        assert_eq!(files(&directory), ["drains.json", "drains.json.bad"]);
    }
}

#[test]
fn a_second_bad_file_does_not_replace_the_first() {
    let directory = directory();
    for bad in ["one", "two"] {
        fs::write(directory.path().join("drains.json"), bad).unwrap();
        open(&directory).begin(&["web"], Drain::new(None), true).unwrap();
    }
    assert_eq!(files(&directory), ["drains.json", "drains.json.bad", "drains.json.bad.2"]);
}

#[test]
fn a_directory_in_place_of_the_file_is_moved_too() {
    let directory = directory();
    fs::create_dir(directory.path().join("drains.json")).unwrap();
    fs::write(directory.path().join("drains.json/precious"), "").unwrap();
    let kept = open(&directory);
    assert!(kept.names().is_empty());
    kept.begin(&["web"], Drain::new(None), true).unwrap();
    assert!(directory.path().join("drains.json.bad/precious").exists());
    assert_eq!(Vec::from_iter(open(&directory).names()), ["web"]);
}

/// A pipe has no end, and a daemon that reads it would not start.
#[test]
fn a_pipe_in_place_of_the_file_is_not_read() {
    let directory = directory();
    let path = directory.path().join("drains.json");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert!(open(&directory).names().is_empty());
}

/// `/proc` takes no files, whoever makes them.
#[test]
fn where_nothing_can_be_written_nothing_is_drained() {
    let directory = directory();
    fs::write(directory.path().join("file"), "").unwrap();
    for state in
        [Path::new("/proc"), &directory.path().join("none"), &directory.path().join("file")]
    {
        let kept = Kept::open(Some(state));
        let error = kept.begin(&["web"], Drain::new(None), true).unwrap_err();
        let path = state.join("drains.json");
        let expected = format!("{} cannot be written: ", path.display());
        assert!(error.to_string().starts_with(&expected), "{error}");
        assert!(kept.names().is_empty());
    }
    assert_eq!(files(&directory), ["file"]);
}

/// The rename fails last: by then all else is there.
#[test]
fn a_write_that_fails_at_its_end_changes_nothing() {
    let directory = directory();
    let kept = open(&directory);
    kept.begin(&["web"], Drain::new(None), true).unwrap();
    fs::remove_file(directory.path().join("drains.json")).unwrap();
    fs::create_dir(directory.path().join("drains.json")).unwrap();
    kept.begin(&["db"], Drain::new(None), true).unwrap_err();
    assert_eq!(Vec::from_iter(kept.names()), ["web"]);
    assert_eq!(files(&directory), ["drains.json"]);
    fs::remove_dir(directory.path().join("drains.json")).unwrap();
    kept.begin(&["db"], Drain::new(None), true).unwrap();
    assert_eq!(Vec::from_iter(open(&directory).names()), ["db", "web"]);
}
