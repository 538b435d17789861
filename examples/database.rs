//! A program that writes to the database of its host while that host has the address, and never
//! else.
//!
//! `database INTERFACE VRID ADDRESS/PREFIX PRIORITY`; another host runs the same with another
//! priority. Ctrl-C hands over and ends.

use std::{env, error::Error, net::Ipv4Addr, num::NonZeroU8, sync::Arc, time::Duration};

use tokio::{process, time};
use vrrp_net::{
    Centiseconds, Cidr, Handle, Ipv4Addresses, Member, Node, Preempt, Role, VirtualRouter,
    backend::Netlink,
    check::{Checks, Command, Effect, File, Last, Planned, Schedule, Setup, Track, Tracked},
};

/// What a write may take after the moment at which this node was still active.
const MARGIN: Duration = Duration::from_secs(1);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [interface, vrid, address, priority] = arguments.as_slice() else {
        return Err("usage: database INTERFACE VRID ADDRESS/PREFIX PRIORITY".into());
    };
    let addresses = Ipv4Addresses::new([address.parse::<Cidr<Ipv4Addr>>()?])?;
    let role = Role::Contender { priority: priority.parse()?, preempt: Preempt::Never };
    let router =
        VirtualRouter::v3_ipv4(vrid.parse()?, addresses, Centiseconds::ONE_SECOND).with_role(role);

    let ready = Command::new("/usr/bin/pg_isready").args(["-q", "-h", "/run/postgresql"]);
    let schedule = Schedule::default().interval(Duration::from_secs(2))?;
    let postgres = Planned::new("postgres", ready.user("postgres")).schedule(schedule);
    let once = NonZeroU8::MIN;
    let schedule = Schedule::default().interval(Duration::from_secs(1))?.rise(once).fall(once);
    let flag = File::absent("/run/maintenance");
    let maintenance = Planned::new("maintenance", flag).schedule(schedule);
    let tracked = Tracked::new("db")
        .track(Track::new("postgres", Effect::Hold))
        .track(Track::new("maintenance", Effect::Hold))
        .last(Last::Leave);
    let setup = Setup::new([postgres, maintenance], [tracked])?;

    let node = Node::linux()?;
    let member = Member::new(interface, router, Arc::new(Netlink::new()?))
        .name("db")
        .health(setup.health_at_start("db"));
    let handle = node.add_member(member).await?;
    let checks = Checks::start(setup)?;
    tokio::select! {
        () = checks.serve(&node) => {}
        () = write(&handle) => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    node.shutdown().await?;
    Ok(())
}

/// Writes a row each second, and asks before each whether this node still may.
async fn write(handle: &Handle) {
    let mut second = time::interval(Duration::from_secs(1));
    loop {
        second.tick().await;
        if handle.active().is_none_or(|until| until.remaining() < MARGIN) {
            continue;
        }
        let mut insert = process::Command::new("/usr/bin/psql");
        insert.args(["-q", "-h", "/run/postgresql", "-c", "INSERT INTO jobs DEFAULT VALUES"]);
        // The database itself gives up on a statement that takes too long.
        insert.env("PGOPTIONS", "-c statement_timeout=500ms").kill_on_drop(true);
        match time::timeout(MARGIN, insert.status()).await {
            Ok(Ok(status)) if status.success() => println!("wrote a row"),
            outcome => println!("wrote nothing: {outcome:?}"),
        }
    }
}
