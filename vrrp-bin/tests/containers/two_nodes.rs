//! The two deployments that `examples/deploy` describes, and what happens to nodes.

use std::time::Duration;

use libtest_mimic::Failed;
use vrrp_net::lab;

use crate::{
    Outcome,
    engine::Engine,
    examples,
    lan::Lan,
    table::{Table, milliseconds},
    watch::end_of,
};

/// What a node that leaves in good order, or comes back, may cost: a handful of queries.
pub(crate) const NOTHING: Duration = Duration::from_millis(100);
/// How much later than the arithmetic a takeover may be seen by a client: the machine has two
/// processors for all of it, and the engine runs programs on them meanwhile.
pub(crate) const SLACK: Duration = Duration::from_millis(500);
/// After its successor is heard, a node that leaves is gone in this time.
const LINGER: Duration = Duration::from_millis(100);

/// Active_Down_Interval of VRRPv2 with advertisements every second (RFC 3768 6.1).
fn active_down(priority: u8) -> Duration {
    Duration::from_secs(3) + Duration::from_secs(256 - u64::from(priority)) / 256
}

/// Scenario of osixia/keepalived: `docker run` on each node, the same list of peers everywhere, and
/// a node that comes back does not preempt.
pub(crate) fn osixia(engine: &Engine, table: &Table) -> Outcome {
    let lan = Lan::new(engine, "osixia", [192, 168, 9], &[26, 27, 28], 144)?;
    let run = |host, priority| engine.shell(&examples::osixia(&lan, host, priority)?).map(drop);
    run(26, 200)?;
    lan.wait_for_phase(26, "held")?;
    run(27, 150)?;
    lan.wait_for_phase(27, "backup")?;
    lan.client.wait_for(26, lan.client.mark())?;

    let stays = |what: &str, host, act: &dyn Fn() -> Outcome, returned| {
        lan.event(table, what, host, NOTHING, || {
            act()?;
            lan.wait_for_phase(returned, "backup")?;
            lan.client.keep_asking(active_down(100) + SLACK)
        })
    };
    stays("a third, weaker node joins", 26, &|| run(28, 100), 28)?;
    leave(&lan, table, 26, 27)?;
    stays("the node returns", 27, &|| lan.docker("start", 26), 26)?;
    let bound = active_down(200) + SLACK;
    lan.event(table, "docker kill", 26, bound, || lan.docker("kill", 27))?;
    stays("the node returns", 26, &|| lan.docker("start", 27), 27)?;
    lan.event(table, "docker restart", 27, NOTHING, || lan.docker("restart", 26))?;
    lan.wait_for_phase(26, "backup")?;
    lan.event(table, "the node's cable is pulled", 26, bound, || lan.cable(27, &["down"]))?;
    stays("the node returns", 26, &|| lan.cable(27, &["up"]), 27)?;
    // The new process goes on with what the old one held.
    stays("the process dies, and the engine starts it again", 26, &|| lan.crash(26), 27)?;
    lan.wait_for_phase(26, "adopted")
}

/// Scenario of arcts/keepalived: two nodes with unbound, a MASTER, which takes the address back,
/// and a BACKUP.
pub(crate) fn arcts(engine: &Engine, table: &Table) -> Outcome {
    let lan = Lan::new(engine, "arcts", [10, 2, 1], &[10, 11], 12)?;
    examples::unbound(&lan, 10, "first.env")?;
    lan.wait_for_phase(10, "held")?;
    examples::unbound(&lan, 11, "second.env")?;
    lan.wait_for_phase(11, "backup")?;
    lan.client.wait_for(10, lan.client.mark())?;

    leave(&lan, table, 10, 11)?;
    lan.event(table, "the node takes it back", 10, NOTHING, || lan.docker("start", 10))?;
    let bound = active_down(100) + SLACK;
    lan.event(table, "docker kill", 11, bound, || lan.docker("kill", 10))?;
    lan.event(table, "the node takes it back", 10, NOTHING, || lan.docker("start", 10))?;
    lan.event(table, "docker restart, and it is taken back", 10, NOTHING, || {
        lan.docker("restart", 10)?;
        lan.wait_for_phase(10, "held")
    })?;
    lan.event(table, "the network is cut between them", 11, bound, || {
        lan.cable(10, &["nomaster"])
    })?;
    lan.event(table, "the network is whole again", 10, NOTHING, || {
        lan.cable(10, &["master", "arcts"])
    })?;
    lan.event(table, "docker stop of the backup", 10, NOTHING, || lan.docker("stop", 11))?;
    Ok(())
}

/// `docker stop`: the client does not notice, and the process is gone soon after its successor
/// advertised.
pub(crate) fn leave(lan: &Lan<'_>, table: &Table, from: u8, to: u8) -> Result<(), Failed> {
    let ticker = lab::Ticker::start()?;
    let end = end_of(lan.engine.pid(&lan.router(from))?);
    let begun = lab::now();
    lan.event(table, "docker stop", to, NOTHING, || lan.docker("stop", from))?;
    let ended = end.join().ok().flatten().ok_or("the process does not end")?;
    let successor = lan.wire.first(lan.address(to), begun)?;
    let text = format!(
        "{}: after `docker stop` the successor advertised after {}, and the process ended {} later",
        lan.router(from),
        milliseconds(successor - begun),
        milliseconds(ended.saturating_sub(successor)),
    );
    if ended < successor || ended > successor + LINGER + ticker.worst_gap() {
        return Err(text.into());
    }
    table.note(text);
    Ok(())
}
