//! A pair with keepalived becomes a pair with ours, one node at a time, under traffic.

use std::{fs, time::Duration};

use vrrp_net::lab;

use crate::{
    Outcome,
    engine::Engine,
    examples, images,
    lan::Lan,
    table::{Table, milliseconds},
    two_nodes::leave,
};

/// When keepalived leaves, the address is nowhere for Skew_Time of the other (156/256 s); ours
/// serves meanwhile.
const SKEW: Duration = Duration::from_millis(610);
const SLACK: Duration = Duration::from_millis(500);
const NOTHING: Duration = Duration::from_millis(100);

pub(crate) fn play(engine: &Engine, table: &Table) -> Outcome {
    let lan = Lan::new(engine, "replaced", [10, 2, 1], &[10, 11], 12)?;
    run_keepalived(&lan, 10, 11, "MASTER", 200)?;
    run_keepalived(&lan, 11, 10, "BACKUP", 100)?;
    lan.client.wait_for(10, lan.client.mark())?;

    let begun = lab::now();
    let bound = SKEW + SLACK;
    lan.event(table, "keepalived stops beside keepalived", 11, bound, || remove(&lan, 10))?;
    lan.event(table, "ours takes over from keepalived", 10, NOTHING, || {
        examples::unbound(&lan, 10, "first.env")
    })?;
    lan.event(table, "keepalived, the backup, stops", 10, NOTHING, || remove(&lan, 11))?;
    lan.event(table, "ours joins as backup", 10, NOTHING, || {
        examples::unbound(&lan, 11, "second.env")?;
        lan.wait_for_phase(11, "backup")
    })?;
    leave(&lan, table, 10, 11)?;
    let both = lan.longest_both(begun);
    table.note(format!(
        "one node replaced at a time: both held the address for at most {}",
        milliseconds(both)
    ));
    if both > SLACK {
        return Err(format!("both held the address for {both:?}").into());
    }
    Ok(())
}

fn remove(lan: &Lan<'_>, host: u8) -> Outcome {
    lan.docker("stop", host)?;
    lan.docker("rm", host)
}

/// What arcts/keepalived would run with the same variables.
pub(crate) fn run_keepalived(
    lan: &Lan<'_>,
    own: u8,
    other: u8,
    state: &str,
    priority: u8,
) -> Outcome {
    let (router, beside) = (lan.router(own), lan.beside(own));
    let config = format!(
        "vrrp_instance MAIN {{
  state {state}
  interface eth0
  virtual_router_id 2
  priority {priority}
  advert_int 1
  unicast_src_ip {}
  unicast_peer {{
    {}
  }}
  authentication {{
    auth_type PASS
    auth_pass pwd2
  }}
  virtual_ipaddress {{
    10.2.1.12/24 dev eth0
  }}
}}
",
        lan.address(own),
        lan.address(other)
    );
    let file = lan.engine.folder().join(format!("{router}.conf"));
    fs::write(&file, config)?;
    let volume = format!("{}:/etc/keepalived/keepalived.conf:ro", file.display());
    let keepalived = ["keepalived", "--dont-fork", "--vrrp", "--log-console"];
    let mut arguments =
        vec!["run", "--detach", "--name", &router, "--network", &beside, "--volume", &volume];
    arguments.extend(["--cap-add=NET_ADMIN", images::KEEPALIVED]);
    arguments.extend(keepalived);
    lan.engine.docker(&arguments).map(drop)
}
