//! Fifty virtual routers of both families in one program, whose priorities, addresses and members
//! change at run time, as `ip monitor` sees it.

mod world;

use std::{collections::BTreeSet, fs, net::IpAddr, process::Command, time::Duration};

use libtest_mimic::Trial;
use tokio::time::sleep;
use vrrp_core::Phase;
use vrrp_net::{
    Events, Handle, Node,
    backend::Netlink,
    lab::{Cable, Host, Signal, Switch},
};

use crate::{Outcome, SOON, check};
use world::{deleted, ipv4, ipv6, moved, router};

/// Of each family.
const HALF: u8 = 25;
/// How long fifty of them may take to be active.
const ELECTION: Duration = Duration::from_secs(20);
/// Longer than two intervals: whatever a change leads to has come by then.
const SETTLED: Duration = Duration::from_millis(2_500);

pub(crate) fn tests() -> Vec<Trial> {
    vec![Trial::test("fifty_virtual_routers_change_at_run_time", fifty_change_at_run_time)]
}

fn fifty_change_at_run_time() -> Outcome {
    let switch = Switch::new()?;
    let host = Host::new("a")?;
    let _cable = Cable::new(&host, "eth0", &switch, &["10.0.0.1/24", "fd00::1/64"])?;
    let mut command = Command::new("ip");
    // More than a pipe holds.
    let told = tempfile::NamedTempFile::new()?;
    command.args(["-o", "monitor", "address"]).stdout(told.reopen()?);
    let mut monitor = host.spawn(command)?;
    host.run(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(live())
    })??;
    monitor.signal(Signal::SIGTERM)?;
    monitor.wait_timeout(SOON)?.ok_or("ip monitor does not end")?;
    let gone = deleted(&fs::read_to_string(told.path())?);
    // What was taken off one of each family, and both of what was removed; each once.
    let demanded: BTreeSet<IpAddr> =
        [7, 3].into_iter().flat_map(|vrid| [ipv4(vrid, 1), ipv6(vrid, 1)]).collect();
    let demanded: BTreeSet<IpAddr> = demanded.into_iter().chain([ipv4(3, 0), ipv6(3, 0)]).collect();
    println!("went: {gone:?}");
    let once: BTreeSet<IpAddr> = gone.iter().copied().collect();
    check(once == demanded && gone.len() == demanded.len(), format!("what went: {gone:?}"))
}

/// What of a virtual router a program remembers.
struct Running {
    vrid: u8,
    is_ipv6: bool,
    handle: Handle,
}

async fn live() -> Outcome {
    let node = Node::linux()?;
    let backend = Netlink::new()?;
    let mut all = Vec::new();
    for is_ipv6 in [false, true] {
        for vrid in 1..=HALF {
            let router = router(vrid, is_ipv6, &[0], 200)?;
            // Each is given a clone: it is the same backend.
            let handle = node.add("eth0", router, backend.clone()).await?;
            all.push(Running { vrid, is_ipv6, handle });
        }
    }
    let active = async {
        for running in &all {
            running.handle.wait_for(Phase::is_active).await?;
        }
        Ok::<_, vrrp_net::Error>(())
    };
    tokio::time::timeout(ELECTION, active).await??;
    // A phase is there a moment before its event.
    let mut events = node.events();
    sleep(SETTLED).await;
    moved(&mut events)?;

    for running in &all {
        running.handle.set_priority((100 + running.vrid).try_into()?).await?;
    }
    still(&mut events, "fifty priorities").await?;
    for running in all.iter().filter(|running| running.vrid % 2 == 1) {
        let (vrid, is_ipv6) = (running.vrid, running.is_ipv6);
        running.handle.reconfigure(router(vrid, is_ipv6, &[0, 1], 100 + vrid)?).await?;
    }
    still(&mut events, "one address more for every second one").await?;
    for running in all.iter().filter(|running| running.vrid == 7) {
        running.handle.reconfigure(router(7, running.is_ipv6, &[0], 107)?).await?;
    }
    still(&mut events, "one address less for one of each family").await?;

    for place in [2, 26] {
        let removed = all.remove(place);
        check(removed.vrid == 3, "another one")?;
        removed.handle.remove().await?;
    }
    let left: Vec<_> = moved(&mut events)?;
    check(left.iter().all(|name| name.contains("-3-")), format!("moved: {left:?}"))?;
    for running in &all {
        check(running.handle.active().is_some(), running.handle.name())?;
    }
    // The others keep their addresses when the process is replaced, and nobody sees them go.
    Ok(node.abandon().await?)
}

/// Fails if a change led to a transition.
async fn still(events: &mut Events, change: &str) -> Outcome {
    sleep(SETTLED).await;
    let moved = moved(events)?;
    check(moved.is_empty(), format!("{change}: {moved:?}"))
}
