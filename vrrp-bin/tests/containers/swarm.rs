//! The stack of `examples/deploy/swarm` on a Swarm of one node.

use libtest_mimic::Failed;
use serde_json::Value;
use vrrp_net::lab::wait_until;

use crate::{
    Outcome,
    engine::{Engine, SOON},
    examples,
    images::VRRP,
    lan::Lan,
    table::Table,
};

const NAME: &str = "swarm";

/// The service runs on the network of its host, with two capabilities and a read-only root, and
/// takes its priority from the label that is named as the host.
pub(crate) fn play(engine: &Engine, table: &Table) -> Outcome {
    // The host of a Swarm's node is the engine's own network; the bridge has a carrier while a
    // container is on it.
    let lan = Lan::new(engine, NAME, [172, 31, 0], &[2], 200)?;
    engine.docker(&["swarm", "init", "--advertise-addr", &lan.address(1).to_string()])?;
    let node = engine.docker(&["info", "--format", "{{.Name}}"])?;
    let labelled = deploy(engine, &node).and_then(|()| status(engine));
    let removed = engine.docker(&["stack", "rm", "vrrp"]);
    let gone = wait_until(SOON, || container(engine).is_ok_and(|id| id.is_empty()));
    let other = deploy(engine, "another").and_then(|()| status(engine));
    engine.docker(&["swarm", "leave", "--force"])?;
    removed?;
    let (labelled, other) = (labelled?, other?);
    let text =
        format!("Swarm: priority {labelled} from the label of the host, {other} without one");
    if !gone || (labelled, other) != (150, 100) {
        return Err(format!("{text}; the stack was removed: {gone}").into());
    }
    table.note(text);
    Ok(())
}

fn deploy(engine: &Engine, node: &str) -> Outcome {
    let file = engine.folder().join("stack.yaml");
    std::fs::write(&file, examples::swarm(node)?)?;
    let variables =
        format!("VRRP_IMAGE={VRRP} VRRP_INTERFACE={NAME} VRRP_ADDRESSES=172.31.0.200/24");
    engine
        .shell(&format!("{variables} docker stack deploy --compose-file {} vrrp", file.display()))
        .map(drop)
}

/// The effective priority once the address is held and the container is healthy.
fn status(engine: &Engine) -> Result<u64, Failed> {
    let mut last = Err(Failed::from("there was no time"));
    wait_until(2 * SOON, || {
        last = held(engine);
        last.is_ok()
    });
    last
}

fn held(engine: &Engine) -> Result<u64, Failed> {
    let id = container(engine)?;
    let health = engine.docker(&["inspect", "--format", "{{.State.Health.Status}}", &id])?;
    let status = engine.docker(&["exec", &id, "/vrrp", "status", "--json"])?;
    let status: Value = serde_json::from_str(&status)?;
    let router = &status["virtual_routers"][0];
    let priority = router["effective_priority"].as_u64();
    let well = health == "healthy" && router["phase"] == "held";
    let not = || format!("the service is {health}, its virtual router {}", router["phase"]);
    priority.filter(|_| well).ok_or_else(|| not().into())
}

fn container(engine: &Engine) -> Result<String, Failed> {
    engine.docker(&["ps", "--quiet", "--filter", "name=vrrp_vrrp"])
}
