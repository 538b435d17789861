//! Nodes on a wire in memory, with shell scripts and a FIFO, in real time.

mod names;
mod starts;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use tempfile::TempDir;
use vrrp_core::{Centiseconds, Cidr, Gate, Ipv4Addresses, Phase, VirtualRouter};

use super::{follow::Follower, *};
use crate::{
    Group, Handle, Member, Program,
    process::watching::{SOON, runs, until},
    testing::{Host, INTERFACE, Wire},
};

/// Where scripts write what they are told.
struct Book {
    folder: TempDir,
}

impl Book {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// One that writes its arguments, after `word`, and why.
    fn script(&self, word: &str) -> Script {
        self.script_of(&format!(r#"echo "{word}$@" "$VRRP_REASON" >> "$0""#))
    }

    fn script_of(&self, text: &str) -> Script {
        Script::new(Program::new("/bin/sh").args(["-c", text]).arg(self.path("book"))).limit(SOON)
    }

    fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("book")).unwrap_or_default();
        let one_space = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        text.lines().map(one_space).collect()
    }

    async fn has(&self, number: usize) -> Vec<String> {
        until("scripts to be told", || self.lines().len() >= number).await;
        self.lines()
    }
}

fn router(vrid: u8, priority: u8) -> VirtualRouter {
    let address: Cidr<_> = format!("192.0.2.{vrid}/24").parse().unwrap();
    // Who stands still for two of them is stalled, and that is a state, too.
    let interval = Centiseconds::try_from(Duration::from_millis(300)).unwrap();
    VirtualRouter::v3_ipv4(
        vrid.try_into().unwrap(),
        Ipv4Addresses::new([address]).unwrap(),
        interval,
    )
    .with_priority(priority.try_into().unwrap())
}

fn member(host: &Host, name: &str, vrid: u8, priority: u8) -> Member {
    Member::new(INTERFACE, router(vrid, priority), Arc::new(host.backend().clone())).name(name)
}

async fn web(host: &Host, priority: u8) -> Handle {
    let members = vec![member(host, "web", 51, priority)];
    host.node().configure(members).await.unwrap().remove(0)
}

async fn shut_down(host: &Host, notifier: Notifier) {
    host.node().shutdown().await.unwrap();
    assert_eq!(notifier.finish(SOON).await, [""; 0]);
}

#[tokio::test]
async fn own_scripts_come_first_and_each_state_is_told_in_order() {
    let (book, wire) = (Book::new(), Wire::new());
    let host = wire.host("192.0.2.1".parse().unwrap());
    let own = Scripts::default().all(book.script("own ")).active(book.script("up "));
    let all = Scripts::default().all(book.script("all ")).stop(book.script("down "));
    let notifier = Notifier::start(Setup::new().router("web", own).node(all), host.node()).unwrap();
    let handle = web(&host, 150).await;
    handle.wait_for(Phase::is_active).await.unwrap();
    book.has(5).await;
    host.set_up(false);
    book.has(7).await;
    shut_down(&host, notifier).await;
    let expected = [
        "own INSTANCE web BACKUP 150 startup",
        "all INSTANCE web BACKUP 150 startup",
        "up acquired",
        "own INSTANCE web MASTER 150 acquired",
        "all INSTANCE web MASTER 150 acquired",
        "own INSTANCE web FAULT 150 interface",
        "all INSTANCE web FAULT 150 interface",
        "own INSTANCE web STOP 150 shutdown",
        "down shutdown",
        "all INSTANCE web STOP 150 shutdown",
    ];
    assert_eq!(book.lines(), expected);
}

#[tokio::test]
async fn an_end_is_told_once_the_addresses_are_gone() {
    let setups: [fn(Scripts) -> Setup; 2] = [
        |scripts| Setup::new().router("web", scripts),
        |scripts| Setup::new().group("all", scripts),
    ];
    for setup in setups {
        let (book, wire) = (Book::new(), Wire::new());
        let host = wire.host("192.0.2.1".parse().unwrap());
        let scripts = Scripts::default().fault(book.script("")).stop(book.script(""));
        let notifier = Notifier::start(setup(scripts), host.node()).unwrap();
        let web = member(&host, "web", 51, 150).group(Group::all("all"));
        let handle = host.node().configure(vec![web]).await.unwrap().remove(0);
        handle.wait_for(Phase::holds_addresses).await.unwrap();
        host.backend().delay(Duration::from_millis(200));
        host.set_up(false);
        let lines = book.has(1).await;
        assert!(!host.backend().holds(), "told while the address is there: {lines:?}");
        host.backend().delay(Duration::ZERO);
        host.set_up(true);
        handle.wait_for(Phase::holds_addresses).await.unwrap();
        // One that cannot be taken away is not waited for without end.
        host.backend().delay(Duration::from_secs(4));
        host.set_up(false);
        book.has(2).await;
        assert!(host.backend().holds());
        host.backend().work();
        shut_down(&host, notifier).await;
    }
}

#[tokio::test]
async fn a_group_has_a_queue_of_its_own() {
    let (book, wire) = (Book::new(), Wire::new());
    let host = wire.host("192.0.2.1".parse().unwrap());
    let scripts = Scripts::default().all(book.script(""));
    let notifier = Notifier::start(Setup::new().group("both", scripts), host.node()).unwrap();
    let of = |name, vrid| member(&host, name, vrid, 100).group(Group::all("both"));
    let handles = host.node().configure(vec![of("lan", 51), of("wan", 52)]).await.unwrap();
    for handle in &handles {
        handle.wait_for(Phase::is_active).await.unwrap();
    }
    book.has(2).await;
    shut_down(&host, notifier).await;
    let expected = ["BACKUP 0 startup", "MASTER 0 acquired"];
    let lines = book.lines();
    assert_eq!(lines[..2], expected.map(|rest| format!("GROUP both {rest}")));
    assert!(lines.len() == 3 && lines[2].starts_with("GROUP both STOP 0"), "{lines:?}");
}

#[tokio::test]
async fn whoever_stays_active_after_two_were_is_told_so_last() {
    let (book, wire) = (Book::new(), Wire::new());
    let hosts = ["192.0.2.1", "192.0.2.2"].map(|own| wire.host(own.parse().unwrap()));
    let start = |host: &Host, word| {
        let scripts = Scripts::default().all(book.script(word));
        Notifier::start(Setup::new().router("web", scripts), host.node()).unwrap()
    };
    let notifiers = [start(&hosts[0], "strong "), start(&hosts[1], "weak ")];
    let (strong, weak) = (web(&hosts[0], 200).await, web(&hosts[1], 100).await);
    strong.wait_for(Phase::is_active).await.unwrap();
    book.has(3).await;
    hosts[0].cut();
    weak.wait_for(Phase::is_active).await.unwrap();
    book.has(4).await;
    hosts[0].mend();
    weak.wait_for(|phase| phase == Phase::Backup).await.unwrap();
    let lines = book.has(6).await;
    // Two write into this book.
    let last = lines.iter().rfind(|line| line.starts_with("strong ")).unwrap();
    assert_eq!(last, "strong INSTANCE web MASTER 200 reasserted", "{lines:?}");
    for (host, notifier) in hosts.iter().zip(notifiers) {
        shut_down(host, notifier).await;
    }
}

#[tokio::test]
async fn events_that_were_lost_hide_no_state() {
    let (book, wire) = (Book::new(), Wire::new());
    let host = wire.host("192.0.2.1".parse().unwrap());
    let events = host.node().events();
    let handle = web(&host, 100).await;
    for _ in 0..1200 {
        host.set_up(false);
        handle.wait_for(|phase| matches!(phase, Phase::Initialize(_))).await.unwrap();
        host.set_up(true);
        handle.wait_for(|phase| !matches!(phase, Phase::Initialize(_))).await.unwrap();
    }
    host.set_up(false);
    handle.wait_for(|phase| matches!(phase, Phase::Initialize(_))).await.unwrap();
    let setup = Setup::new().router("web", Scripts::default().all(book.script("")));
    let (requests, receiver) = mpsc::unbounded_channel();
    let follower = Follower::new(host.node().clone(), events, receiver, setup, None);
    let follower = tokio::spawn(follower.run());
    // Of what was not lost the first is told, and the last: the script lags behind all between.
    let lines = book.has(2).await;
    assert_eq!(lines, ["INSTANCE web FAULT 100 interface"; 2]);
    host.set_up(true);
    handle.wait_for(Phase::is_active).await.unwrap();
    until("the last state to be told", || {
        book.lines().last().is_some_and(|line| line.contains("MASTER"))
    })
    .await;
    drop(requests);
    follower.await.unwrap();
}

#[tokio::test]
async fn the_fifo_has_every_state_and_each_priority() {
    let (book, wire) = (Book::new(), Wire::new());
    let host = wire.host("192.0.2.1".parse().unwrap());
    let path = book.path("fifo");
    let notifier = Notifier::start(Setup::new().fifo(&path), host.node()).unwrap();
    let reader = fs::File::options().read(true).write(true).open(&path).unwrap();
    let handle = web(&host, 150).await;
    handle.wait_for(Phase::is_active).await.unwrap();
    let weight = vrrp_core::Weight::try_from(-50).unwrap();
    let health = vrrp_core::Health { weight, ..Default::default() };
    let (told, lines) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let lines = io::BufRead::lines(io::BufReader::new(reader));
        lines.take(4).for_each(|line| told.send(line.unwrap()).unwrap());
    });
    let mut all = Vec::new();
    let mut has = async |number: usize| {
        let mut reads = || {
            all.extend(lines.try_iter());
            all.len() >= number
        };
        until("lines", &mut reads).await;
    };
    has(2).await;
    handle.set_health(health).await.unwrap();
    has(3).await;
    shut_down(&host, notifier).await;
    has(4).await;
    let expected = ["BACKUP 150", "MASTER 150", "MASTER_PRIORITY 100", "STOP 100"];
    assert_eq!(all, expected.map(|rest| format!("INSTANCE \"web\" {rest}")));
    assert!(!path.exists());
}

#[tokio::test]
async fn to_finish_kills_what_hangs_and_says_what_was_not_told() {
    let (book, wire) = (Book::new(), Wire::new());
    let host = wire.host("192.0.2.1".parse().unwrap());
    let hangs = book.script_of(r#"echo $$ >> "$0"; sleep 600"#).limit(Duration::from_secs(60));
    let setup = Setup::new().router("web", Scripts::default().active(hangs.clone()).stop(hangs));
    let notifier = Notifier::start(setup, host.node()).unwrap();
    let handle = web(&host, 150).await;
    handle.wait_for(Phase::is_active).await.unwrap();
    let pid = book.has(1).await.remove(0);
    host.node().shutdown().await.unwrap();
    let untold = notifier.finish(Duration::from_millis(200)).await;
    assert_eq!(untold.len(), 2, "{untold:?}");
    assert!(untold[0].contains("active") && untold[1].contains("stop"), "{untold:?}");
    until("it to be gone", || !runs(&pid)).await;
}

#[tokio::test]
async fn another_configuration_is_told_from_then_on() {
    let (book, wire) = (Book::new(), Wire::new());
    let host = wire.host("192.0.2.1".parse().unwrap());
    let setup = |word| Setup::new().router("web", Scripts::default().all(book.script(word)));
    let notifier = Notifier::start(setup("old "), host.node()).unwrap();
    let handle = web(&host, 150).await;
    handle.wait_for(Phase::is_active).await.unwrap();
    book.has(2).await;
    notifier.configure(setup("new ")).unwrap();
    let no_fifo = setup("new ").fifo(Path::new("/no/such/folder/fifo"));
    assert!(notifier.configure(no_fifo).is_err());
    shut_down(&host, notifier).await;
    let lines = book.lines();
    assert!(lines[1].starts_with("old INSTANCE web MASTER"), "{lines:?}");
    assert!(lines.len() == 3 && lines[2].starts_with("new INSTANCE web STOP 150"), "{lines:?}");
}
