//! Names that change, of virtual routers that are told nothing yet.

use super::*;

/// How long a backend takes to answer at a start.
const SLOW: Duration = Duration::from_millis(400);

/// A node that is active for both VRIDs, and one whose virtual routers start behind it, with `names`,
/// whose backend is slow, and which have the names `then` before it has answered. Returns what the
/// second node's scripts are told.
async fn told(names: [&str; 2], then: [&str; 2]) -> Vec<String> {
    let (book, wire) = (Book::new(), Wire::new());
    let [strong, weak] = ["192.0.2.1", "192.0.2.2"].map(|own| wire.host(own.parse().unwrap()));
    let members = |host: &Host, [one, two]: [&str; 2], priority| {
        vec![member(host, one, 51, priority), member(host, two, 52, priority)]
    };
    for handle in strong.node().configure(members(&strong, ["one", "two"], 200)).await.unwrap() {
        handle.wait_for(Phase::is_active).await.unwrap();
    }
    let scripts = Scripts::default().all(book.script_of(r#"echo "$2 $3" >> "$0""#));
    let notifier = Notifier::start(Setup::new().node(scripts), weak.node()).unwrap();
    weak.backend().delay(SLOW);
    let handles = weak.node().configure(members(&weak, names, 100)).await.unwrap();
    let renamed = weak.node().configure(members(&weak, then, 100)).await.unwrap();
    let status = weak.node().status().await.unwrap();
    let is_asking = status.routers.iter().all(|router| router.gates.contains(Gate::Asking));
    assert!(is_asking, "the backend has answered too early: {status:?}");
    drop((handles, renamed));
    let mut lines = book.has(2).await;
    lines.sort();
    for host in [&weak, &strong] {
        host.node().shutdown().await.unwrap();
    }
    notifier.finish(SOON).await;
    lines
}

/// They stay Backup, so that nothing else would say it.
#[tokio::test]
async fn a_start_is_told_under_the_name_that_it_has_by_then() {
    assert_eq!(told(["web", "db"], ["www", "db"]).await, ["db BACKUP", "www BACKUP"]);
    assert_eq!(told(["web", "db"], ["db", "web"]).await, ["db BACKUP", "web BACKUP"]);
}
