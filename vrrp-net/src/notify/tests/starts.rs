//! How a start is told, again and again: 10 times, and 200 with `VRRP_TEST_ALL`.

use super::*;

fn times() -> u32 {
    if std::env::var_os("VRRP_TEST_ALL").is_some() { 200 } else { 10 }
}

async fn once(prepare: impl FnOnce(&Host), priority: u8) -> Vec<String> {
    let (book, wire) = (Book::new(), Wire::new());
    let host = wire.host("192.0.2.1".parse().unwrap());
    prepare(&host);
    let path = book.path("fifo");
    let notifier = Notifier::start(Setup::new().fifo(&path), host.node()).unwrap();
    let reader = fs::File::options().read(true).write(true).open(&path).unwrap();
    let handle = web(&host, priority).await;
    handle.wait_for(Phase::is_active).await.unwrap();
    shut_down(&host, notifier).await;
    // The end of the lines is the last one.
    let lines = io::BufRead::lines(io::BufReader::new(reader)).map(Result::unwrap);
    let mut told = Vec::new();
    for line in lines {
        let (state, told_priority) = line.rsplit_once(' ').unwrap();
        assert_eq!(told_priority, priority.to_string(), "{line}");
        told.push(state.split(' ').nth(2).unwrap().to_owned());
        if told.last().is_some_and(|state| state == "STOP") {
            break;
        }
    }
    told
}

#[tokio::test]
async fn a_plain_start_is_told_backup_once() {
    for _ in 0..times() {
        assert_eq!(once(|_| (), 100).await, ["BACKUP", "MASTER", "STOP"]);
    }
}

#[tokio::test]
async fn a_start_that_adopts_is_told_active_alone() {
    for _ in 0..times() {
        let told = once(|host| host.backend().leave_behind(Duration::from_millis(1)), 100).await;
        assert_eq!(told, ["MASTER", "STOP"]);
        let told = once(
            |host| {
                host.backend().leave_behind(Duration::from_millis(1));
                host.backend().delay(Duration::from_millis(20));
            },
            100,
        );
        assert_eq!(told.await.last().map(String::as_str), Some("STOP"));
    }
}

/// What has happened before the thread gets to run is told as it happened.
#[tokio::test]
async fn a_thread_that_is_late_tells_a_start_in_order() {
    for (adopts, expected) in [(true, &["MASTER"][..]), (false, &["BACKUP", "MASTER"])] {
        let (book, wire) = (Book::new(), Wire::new());
        let host = wire.host("192.0.2.1".parse().unwrap());
        if adopts {
            host.backend().leave_behind(Duration::from_millis(1));
        }
        let events = host.node().events();
        web(&host, 100).await.wait_for(Phase::is_active).await.unwrap();
        let script = book.script_of(r#"echo "$3" >> "$0""#);
        let setup = Setup::new().router("web", Scripts::default().all(script));
        let (requests, receiver) = mpsc::unbounded_channel();
        let follower = Follower::new(host.node().clone(), events, receiver, setup, None);
        let follower = tokio::spawn(follower.run());
        assert_eq!(book.has(expected.len()).await, expected);
        host.node().shutdown().await.unwrap();
        let told = [expected, &["STOP"]].concat();
        assert_eq!(book.has(told.len()).await, told);
        drop(requests);
        follower.await.unwrap();
    }
}
