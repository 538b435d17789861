//! The writer to a database, each on a host with a PostgreSQL of its own.

use std::{fs, path::Path};

use tempfile::TempDir;
use vrrp_net::lab::{Host, Signal, wait_until};

use super::{
    ADDRESS, Program, SOON, example,
    postgres::{self, Postgres},
    two_hosts,
};

/// `docs/health.md` shows the program, but for what it says of itself at its beginning.
pub(crate) fn page() {
    let (_, program) = include_str!("../../database.rs").split_once("\n\n").unwrap();
    let block = format!("```rust,no_run\n{program}```\n");
    assert!(
        include_str!("../../../docs/health.md").contains(&block),
        "docs/health.md does not have examples/database.rs as it is"
    );
}

/// The database of the one that writes crashes, and comes back; then an operator takes the other
/// one out. Nobody writes while the other one may.
pub(crate) fn play() {
    let (_switch, one, two) = two_hosts();
    let folder = TempDir::with_prefix("vrrp-test-").unwrap();
    let runs = ["one", "two"].map(|name| folder.path().join(name));
    let (mut first, mut second) = (database(&runs[0], &one), database(&runs[1], &two));
    let writer = start(&one, &runs[0], "200");
    writer.says("wrote a row");
    let mut other = start(&two, &runs[1], "100");

    first.kill().unwrap();
    other.says("wrote a row");
    // What was written is still there after the crash.
    first.start(&one).unwrap();
    let (rows, last) = (number(&first, "count(*)"), number(&first, LAST));
    let next = number(&second, FIRST);
    println!(
        "the other database had its first row {:.3} s after the last of this one",
        next - last
    );
    assert!(rows > 0.0 && last < next, "both wrote: {last} and {next}");

    // It is well again, and the other one goes on.
    let goes_on = other.count("wrote a row") + 5;
    assert!(wait_until(SOON, || other.count("wrote a row") >= goes_on), "{other:?}");
    let now = number(&first, "count(*)");
    assert!(now.total_cmp(&rows).is_eq(), "it wrote {now} rows, and not {rows}");

    fs::write(runs[1].join("maintenance"), "").unwrap();
    let back = writer.count("wrote a row") + 1;
    assert!(wait_until(SOON, || writer.count("wrote a row") >= back), "{writer:?}");
    let last_there = number(&second, LAST);
    let again = number(&first, &format!("min({MOMENT}) FILTER (WHERE {MOMENT} > {last})"));
    println!(
        "this database had its next row {:.3} s after the last of the other",
        again - last_there
    );
    assert!(last_there < again, "both wrote: {last_there} and {again}");

    other.process.signal(Signal::SIGINT).unwrap();
    assert!(other.process.wait_timeout(SOON).unwrap().unwrap().success());
    // Both are ended before what they write to.
    drop((writer, other));
    second.kill().unwrap();
}

const MOMENT: &str = "extract(epoch FROM at)";
const FIRST: &str = "min(extract(epoch FROM at))";
const LAST: &str = "max(extract(epoch FROM at))";

fn database(run: &Path, host: &Host) -> Postgres {
    let mut database = Postgres::new(run).unwrap();
    database.start(host).unwrap();
    let table = "CREATE TABLE jobs (at timestamptz NOT NULL DEFAULT clock_timestamp())";
    database.sql(table).unwrap();
    database
}

fn number(database: &Postgres, what: &str) -> f64 {
    database.sql(&format!("SELECT {what} FROM jobs")).unwrap().parse().unwrap()
}

fn start(host: &Host, run: &Path, priority: &str) -> Program {
    let mut command = postgres::within(run, example("database"));
    let address = format!("{ADDRESS}/24");
    command.args(["eth0", "54", &address, priority]).env("PGUSER", "postgres");
    Program::spawn(host, command)
}
