//! Frames that a switch loses: nftables in the switch's namespace, one table for each way.

use std::{
    io::{self, Write},
    process::{Command, Output, Stdio},
};

use super::{Error, error::Doing, namespace::Namespace};

/// Loss is set in steps of one in so many.
const STEPS: f64 = 10_000.0;

/// A way along a cable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a cable has two ends")]
pub enum Direction {
    /// From the host into the switch.
    FromHost,
    /// From the switch to the host.
    ToHost,
}

/// A way through a switch.
pub(super) enum Way<'a> {
    /// By this port, to or from everybody.
    Port(&'a str, Direction),
    /// In by the first port and out by the second.
    Between(&'a str, &'a str),
}

/// Sets the loss of a way, and returns the name of the table that it is in.
pub(super) fn set(switch: &Namespace, way: &Way<'_>, percent: f64) -> Result<String, Error> {
    if !(0.0..=100.0).contains(&percent) {
        return Err(Error::Invalid(format!(
            "a loss of {percent} % makes no sense: it is between 0 and 100"
        )));
    }
    let name = way.table_name();
    let share = (percent / 100.0 * STEPS).round();
    let table = if share >= 1.0 { table(&name, way, share) } else { String::new() };
    nft(switch, &format!("{}\n{table}", removal(&name)))?;
    Ok(name)
}

/// Removes these tables.
pub(super) fn clear(switch: &Namespace, tables: &[String]) -> Result<(), Error> {
    let removals: Vec<String> = tables.iter().map(|name| removal(name)).collect();
    nft(switch, &removals.join("\n"))
}

/// A table must exist before it can be deleted.
fn removal(name: &str) -> String {
    format!("table bridge {name}\ndelete table bridge {name}")
}

fn table(name: &str, way: &Way<'_>, share: f64) -> String {
    let (hook, ports) = way.rule();
    format!(
        "table bridge {name} {{\n chain loss {{\n type filter hook {hook} priority 0; policy \
         accept;\n {ports} numgen random mod {STEPS} <= {} drop\n }}\n}}",
        share - 1.0
    )
}

impl Way<'_> {
    fn table_name(&self) -> String {
        match self {
            Self::Port(port, Direction::FromHost) => format!("lab_from_{}", safe(port)),
            Self::Port(port, Direction::ToHost) => format!("lab_to_{}", safe(port)),
            Self::Between(from, to) => format!("lab_{}_to_{}", safe(from), safe(to)),
        }
    }

    /// What the host sends is dropped where it enters the bridge, so that all see the same; what is
    /// sent to it where it leaves, each copy of a broadcast for itself.
    fn rule(&self) -> (&'static str, String) {
        match self {
            Self::Port(port, Direction::FromHost) => ("prerouting", format!("iifname \"{port}\"")),
            Self::Port(port, Direction::ToHost) => ("forward", format!("oifname \"{port}\"")),
            Self::Between(from, to) => ("forward", format!("iifname \"{from}\" oifname \"{to}\"")),
        }
    }
}

/// Names of tables are narrower than names of interfaces: other characters become their codes.
fn safe(port: &str) -> String {
    let code = |c: char| {
        if c.is_ascii_alphanumeric() { c.to_string() } else { format!("_{:x}", u32::from(c)) }
    };
    port.chars().map(code).collect()
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
