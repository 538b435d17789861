//! [`Lan`]: hosts on a network of the engine, each with a DNS server and, beside it, what holds the address.

use std::{net::Ipv4Addr, process::Command, time::Duration};

use libtest_mimic::Failed;
use nix::{
    net::if_::if_indextoname,
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use vrrp_net::lab::{self, wait_until};

use crate::{
    Outcome,
    client::{Client, Loss},
    engine::{Engine, SOON, output},
    images,
    table::Table,
    watch::{Held, Wire, longest_both},
};

/// A network `a.b.c.0/24`. The engine's own network is on it as `.1`, and so is the client.
pub(crate) struct Lan<'a> {
    pub(crate) engine: &'a Engine,
    name: &'static str,
    prefix: [u8; 3],
    hosts: Vec<(u8, Held)>,
    pub(crate) wire: Wire,
    pub(crate) client: Client,
}

impl<'a> Lan<'a> {
    /// A network whose hosts end in these octets. The client asks at `address`.
    pub(crate) fn new(
        engine: &'a Engine,
        name: &'static str,
        prefix: [u8; 3],
        hosts: &[u8],
        address: u8,
    ) -> Result<Self, Failed> {
        Self::with(engine, name, prefix, address, hosts, images::unbound)
    }

    /// The same of hosts on which nothing runs.
    pub(crate) fn of_bare_hosts(
        engine: &'a Engine,
        name: &'static str,
        prefix: [u8; 3],
        hosts: &[u8],
        address: u8,
    ) -> Result<Self, Failed> {
        Self::with(engine, name, prefix, address, hosts, |_| "exec sleep infinity".to_owned())
    }

    /// `script` tells what a host runs, by its address.
    fn with(
        engine: &'a Engine,
        name: &'static str,
        prefix: [u8; 3],
        address: u8,
        hosts: &[u8],
        script: fn(&str) -> String,
    ) -> Result<Self, Failed> {
        let [a, b, c] = prefix;
        let (subnet, gateway) = (format!("{a}.{b}.{c}.0/24"), format!("{a}.{b}.{c}.1"));
        let bridge = format!("com.docker.network.bridge.name={name}");
        engine.docker(&[
            "network",
            "create",
            "--subnet",
            &subnet,
            "--gateway",
            &gateway,
            "--opt",
            &bridge,
            name,
        ])?;
        let address = Ipv4Addr::new(a, b, c, address);
        let (wire, client) = (Wire::watch(engine, name)?, Client::of_dns(&engine.host, address)?);
        let mut lan = Self { engine, name, prefix, hosts: Vec::new(), wire, client };
        for &host in hosts {
            lan.add(host, address, script)?;
        }
        Ok(lan)
    }

    fn add(&mut self, host: u8, address: Ipv4Addr, script: fn(&str) -> String) -> Outcome {
        let (name, own) = (self.host(host), self.address(host).to_string());
        let script = script(&own);
        self.engine.docker(&[
            "run",
            "--detach",
            "--name",
            &name,
            "--network",
            self.name,
            "--ip",
            &own,
            images::HOST,
            "sh",
            "-c",
            &script,
        ])?;
        self.hosts.push((host, Held::watch(self.engine, &name, address)?));
        Ok(())
    }

    pub(crate) fn address(&self, host: u8) -> Ipv4Addr {
        let [a, b, c] = self.prefix;
        Ipv4Addr::new(a, b, c, host)
    }

    /// The container that is a host.
    pub(crate) fn host(&self, host: u8) -> String {
        format!("{}-{host}", self.name)
    }

    /// The container beside it that holds the address.
    pub(crate) fn router(&self, host: u8) -> String {
        format!("{}-{host}-vrrp", self.name)
    }

    /// The container beside it that is a resolver, where the host is bare.
    pub(crate) fn resolver(&self, host: u8) -> String {
        format!("{}-{host}-unbound", self.name)
    }

    /// What `--network` has to be for that one: it is on the host.
    pub(crate) fn beside(&self, host: u8) -> String {
        format!("container:{}", self.host(host))
    }

    /// `docker stop`, `kill`, `start` or `restart` of what holds the address.
    pub(crate) fn docker(&self, verb: &str, host: u8) -> Outcome {
        self.engine.docker(&[verb, &self.router(host)]).map(drop)
    }

    /// Kills the process behind the engine's back, which takes it for a crash.
    pub(crate) fn crash(&self, host: u8) -> Outcome {
        let pid = i32::try_from(self.engine.pid(&self.router(host))?)?;
        Ok(kill(Pid::from_raw(pid), Signal::SIGKILL)?)
    }

    /// Sets something about the end of the host's cable that is at the bridge: `down` pulls it, and
    /// the host sees that; `nomaster` takes it off the bridge, and the host sees nothing.
    pub(crate) fn cable(&self, host: u8, settings: &[&str]) -> Outcome {
        let index =
            self.engine.docker(&["exec", &self.host(host), "cat", "/sys/class/net/eth0/iflink"])?;
        let index: u32 = index.parse()?;
        self.engine.host.run(|| {
            let name = if_indextoname(index)?;
            let mut command = Command::new("ip");
            command.args(["link", "set", &name.to_string_lossy()]).args(settings);
            output(command).map(drop)
        })?
    }

    /// Waits until the virtual router of our program on `host` is in this phase.
    pub(crate) fn wait_for_phase(&self, host: u8, phase: &str) -> Outcome {
        let mut seen = String::new();
        let is = wait_until(SOON, || {
            seen = self.phase(host).unwrap_or_else(|error| format!("{error:?}"));
            seen == phase
        });
        if is { Ok(()) } else { Err(self.failed(host, &format!("is not {phase} but {seen}"))) }
    }

    fn phase(&self, host: u8) -> Result<String, Failed> {
        Ok(self.status(host)?["phase"].as_str().unwrap_or("none").to_owned())
    }

    /// What the status of our program on `host` says of its virtual router.
    pub(crate) fn status(&self, host: u8) -> Result<Value, Failed> {
        let status =
            self.engine.docker(&["exec", &self.router(host), "/vrrp", "status", "--json"])?;
        let mut status: Value = serde_json::from_str(&status)?;
        Ok(status["virtual_routers"][0].take())
    }

    /// Does something to the network, waits until `host` has answered for a second, and records
    /// what it cost. Its outage must not be longer than `bound`.
    pub(crate) fn event(
        &self,
        table: &Table,
        what: &str,
        host: u8,
        bound: Duration,
        act: impl FnOnce() -> Outcome,
    ) -> Result<Loss, Failed> {
        let (mark, begun) = (self.client.mark(), lab::now());
        act()?;
        let settled = self.client.wait_for(host, mark);
        settled.map_err(|error| self.failed(host, &format!("{what}: {error:?}")))?;
        let (loss, both) = (self.client.since(mark), self.longest_both(begun));
        table.record(self.name, what, loss, both, bound);
        if loss.outage > bound {
            return Err(format!("{what}: {loss:?}; the outage may be {bound:?}").into());
        }
        Ok(loss)
    }

    /// A sentence about what holds the address on `host`, and all that it logged.
    pub(crate) fn failed(&self, host: u8, what: &str) -> Failed {
        let router = self.router(host);
        let script = format!("docker logs {router} 2>&1");
        let log = self.engine.shell(&script).unwrap_or_else(|error| format!("{error:?}"));
        format!("{router} {what}; its log:\n{log}").into()
    }

    /// The longest time after `since` for which two hosts held the address.
    pub(crate) fn longest_both(&self, since: Duration) -> Duration {
        let held: Vec<&Held> = self.hosts.iter().map(|(_, held)| held).collect();
        longest_both(&held, since)
    }
}

impl Drop for Lan<'_> {
    fn drop(&mut self) {
        for (host, _) in &self.hosts {
            for container in [self.router(*host), self.resolver(*host), self.host(*host)] {
                // Some have none; and nobody is left to tell.
                let _ = self.engine.docker(&["rm", "--force", &container]);
            }
        }
        let _ = self.engine.docker(&["network", "rm", self.name]);
    }
}
