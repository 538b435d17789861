//! `vrrp health`: one answer for whoever supervises the daemon.

use crate::{
    cli,
    report::{Status, VirtualRouter},
    status,
};

/// Runs `vrrp health` and returns the exit status.
///
/// A fault at this moment counts, a drained virtual router does not: how often in a row it may be there is the
/// supervisor's choice (`--retries` of HEALTHCHECK).
pub(crate) fn main(arguments: &cli::Health) -> u8 {
    match status::ask(&arguments.control).map_err(|error| error.to_string()).and_then(|status| judge(&status))
    {
        Ok(well) => {
            println!("{well}");
            cli::OK
        }
        Err(why) => {
            println!("{why}");
            cli::FAILED
        }
    }
}

/// One line: that all is well, or what is not.
fn judge(status: &Status) -> Result<String, String> {
    let faults: Vec<String> =
        status.virtual_routers.iter().filter(|router| router.fault).map(describe).collect();
    if faults.is_empty() {
        let states: Vec<String> = status
            .virtual_routers
            .iter()
            .map(|router| format!("{} is {}", router.name, router.phase))
            .collect();
        return Ok(states.join(", "));
    }
    Err(faults.join("; "))
}

fn describe(router: &VirtualRouter) -> String {
    let VirtualRouter { name, interface, since, .. } = router;
    let hold = router.hold.as_deref().unwrap_or("a fault");
    let detail = [&router.socket_error, &router.backend_error].into_iter().flatten().next();
    let detail = detail.map(|detail| format!(" ({detail})")).unwrap_or_default();
    format!("{name} on {interface} does not take part since {since}: {hold}{detail}; see `vrrp status`")
}
