//! What scripts, the FIFO and the state directory make of a reload.

use std::{fs, path::Path};

use serde_json::Value;
use vrrp_net::lab::wait_until;

use super::router;
use crate::{Daemon, Failed, Outcome, SOON, text};

/// A script that writes down what it is told.
fn notify(book: &Path) -> String {
    let line = format!("echo \"$2 $3\" >> {}", book.display());
    format!("notify = [\"/bin/sh\", \"-c\", '{line}', \"sh\"]")
}

fn waits_for(book: &Path, expected: &[&str]) -> Outcome {
    let mut last = String::new();
    let is_so = wait_until(SOON, || {
        last = fs::read_to_string(book).unwrap_or_default();
        last.lines().eq(expected.iter().copied())
    });
    if is_so { Ok(()) } else { Err(format!("{last} is not {expected:?}").into()) }
}

/// States go along with the name, and nothing is told twice; what is another virtual router is told
/// from its start.
pub(super) fn states_go_along() -> Outcome {
    let mut daemon = Daemon::start_with(&router(""), |_| Ok(String::new()))?;
    let book = daemon.directory.path().join("book");
    let web = router(&notify(&book));
    assert_eq!(daemon.becomes(&web)?.len(), 1);
    let www = web.replace("\"web\"", "\"www\"");
    daemon.becomes(&www)?;
    let control = daemon.control().display().to_string();
    for (verb, expected) in
        [("drain", &["www BACKUP"][..]), ("resume", &["www BACKUP", "www MASTER"])]
    {
        let arguments: &[&str] = if verb == "drain" { &["drain", "--force"] } else { &[verb] };
        let output = daemon.vrrp(&[arguments, &["--control", &control]].concat())?;
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        waits_for(&book, expected)?;
    }
    assert_eq!(
        daemon.becomes(&www.replace("vrid = 51", "vrid = 53"))?,
        ["www: removed", "www: added"]
    );
    daemon.wait_until_it_serves()?;
    let read = || fs::read_to_string(&book).unwrap_or_default();
    wait_until(SOON, || read().matches("www MASTER").count() == 2);
    let told = read();
    // There is one of the name, and it is the new one.
    let is_alone = wait_until(SOON, || {
        let status = daemon.status(&[]).unwrap_or_default();
        let routers = status["virtual_routers"].as_array().cloned().unwrap_or_default();
        routers.len() == 1 && routers.iter().all(|router| router["vrid"] == 53)
    });
    let log = daemon.log_until_end()?;
    assert!(is_alone, "the old one stays:\n{log}");
    let expected = ["www BACKUP", "www MASTER", "www BACKUP", "www MASTER"];
    // A script that has not ended lets a state pass, and that is said.
    let is_short = told.lines().eq(["www BACKUP", "www MASTER", "www MASTER"]);
    let is_skipped = is_short && log.contains("event=notify-skipped");
    assert!(told.lines().eq(expected) || is_skipped, "{told}\n{log}");
    Ok(())
}

/// Another FIFO, another directory for what is kept, another priority of the driver's thread.
pub(super) fn the_rest_goes_along() -> Outcome {
    let mut daemon = Daemon::start_with(&router(""), |directory| {
        let (one, two) = (directory.path().join("one"), directory.path().join("two"));
        fs::create_dir(&one)?;
        fs::create_dir(&two)?;
        Ok(format!("state = {one:?}\n"))
    })?;
    let path = daemon.directory.path().join("vrrp.toml");
    let (control, whole) = (daemon.control().display().to_string(), fs::read_to_string(&path)?);
    let drained = daemon.vrrp(&["drain", "--force", "--keep", "--control", &control])?;
    assert_eq!(drained.status.code(), Some(0), "{}", text(&drained.stderr));
    let fifo = daemon.directory.path().join("fifo");
    let more = format!("notify_fifo = {fifo:?}\nrealtime = 5\n");
    let other = whole.replace("/one\"", "/two\"").replace("\"web\"", "\"www\"") + &more;
    fs::write(&path, &other)?;
    let (status, printed, complaint) = daemon.reload()?;
    assert_eq!((status, complaint.as_str()), (Some(0), ""), "{printed}");
    assert_eq!(printed.lines().filter(|line| line.contains("[daemon]: ")).count(), 3, "{printed}");
    assert!(fifo.exists(), "there is no FIFO");
    let kept = |directory: &str| -> Result<Value, Failed> {
        let file = daemon.directory.path().join(directory).join("drains.json");
        let kept: Value = serde_json::from_slice(&fs::read(file)?)?;
        Ok(kept["drains"].clone())
    };
    assert_eq!(kept("one")?, serde_json::json!({}));
    assert!(kept("two")?["www"].is_object(), "{}", kept("two")?);
    let policy = || scheduling(daemon.process.pid());
    let is_realtime = wait_until(SOON, || policy() == Some(("5".into(), "2".into())));
    // What cannot be opened is refused, and the FIFO that is there stays.
    fs::write(&path, other.replace("/fifo\"", "/no/such/place\""))?;
    let (status, _, complaint) = daemon.reload()?;
    assert_eq!(status, Some(1), "{complaint}");
    assert!(complaint.contains("notify_fifo cannot be opened"), "{complaint}");
    assert!(fifo.exists(), "the FIFO went");
    fs::write(&path, other.replace("realtime = 5", "realtime = 0"))?;
    assert_eq!(daemon.reload()?.0, Some(0));
    assert!(wait_until(SOON, || policy() == Some(("0".into(), "0".into()))), "{:?}", policy());
    let log = daemon.log_until_end()?;
    assert!(is_realtime || log.contains("event=realtime-refused"), "{log}");
    Ok(())
}

/// The real-time priority and the policy of the driver's thread (proc_pid_stat(5), fields 40 and
/// 41).
fn scheduling(pid: u32) -> Option<(String, String)> {
    for task in fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten() {
        let stat = fs::read_to_string(task.path().join("stat")).ok()?;
        if stat.contains("(vrrp-driver)") {
            let fields: Vec<&str> = stat.rsplit(") ").next()?.split(' ').collect();
            return Some(((*fields.get(37)?).to_owned(), (*fields.get(38)?).to_owned()));
        }
    }
    None
}
