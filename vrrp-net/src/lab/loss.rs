//! Frames that a switch loses at a port: nftables in the switch's namespace, one table for each port and
//! direction.

use std::{
    io::{self, Write},
    process::{Command, Output, Stdio},
};

use super::{Direction, Error, error::Doing, namespace::Namespace};

/// Loss is set in steps of one in so many.
const STEPS: f64 = 10_000.0;

pub(super) fn set(switch: &Namespace, port: &str, percent: f64, direction: Direction) -> Result<(), Error> {
    if !(0.0..=100.0).contains(&percent) {
        return Err(Error::Invalid(format!("a loss of {percent} % makes no sense: it is between 0 and 100")));
    }
    let share = (percent / 100.0 * STEPS).round();
    let table = if share >= 1.0 { table(port, share, direction) } else { String::new() };
    nft(switch, &format!("{}\n{table}", removal(port, direction)))
}

/// Removes the losses of both directions.
pub(super) fn clear(switch: &Namespace, port: &str) -> Result<(), Error> {
    let both = [Direction::FromHost, Direction::ToHost].map(|direction| removal(port, direction));
    nft(switch, &both.join("\n"))
}

/// A table must exist before it can be deleted.
fn removal(port: &str, direction: Direction) -> String {
    let name = table_name(port, direction);
    format!("table bridge {name}\ndelete table bridge {name}")
}

/// What the host sends is dropped where it enters the bridge, so that all see the same; what is sent to it
/// where it leaves.
fn table(port: &str, share: f64, direction: Direction) -> String {
    let name = table_name(port, direction);
    let (hook, port) = match direction {
        Direction::FromHost => ("prerouting", format!("iifname \"{port}\"")),
        Direction::ToHost => ("forward", format!("oifname \"{port}\"")),
    };
    format!(
        "table bridge {name} {{\n chain loss {{\n type filter hook {hook} priority 0; policy accept;\n \
         {port} numgen random mod {STEPS} <= {} drop\n }}\n}}",
        share - 1.0
    )
}

/// Names of tables are narrower than names of interfaces: other characters become their codes.
fn table_name(port: &str, direction: Direction) -> String {
    let safe = port
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_string() } else { format!("_{:x}", u32::from(c)) });
    let way = if direction == Direction::FromHost { "from" } else { "to" };
    format!("lab_{way}_{}", safe.collect::<String>())
}

fn nft(switch: &Namespace, rules: &str) -> Result<(), Error> {
    let running = || "running nft".to_owned();
    match switch.run(|| feed(rules)).doing(running)? {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(Error::Nft(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(Error::Nft("the program nft is missing; install the package nftables".to_owned()))
        }
        Err(error) => Err(error).doing(running),
    }
}

fn feed(rules: &str) -> io::Result<Output> {
    let mut command = Command::new("nft");
    command.args(["-f", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(rules.as_bytes())?;
    }
    child.wait_with_output()
}
