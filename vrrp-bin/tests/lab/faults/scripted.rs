//! Backends that fail in the worst way: an inspection says that they would work.

use std::{net::Ipv4Addr, time::Duration};

use libtest_mimic::Failed;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use vrrp_core::{
    Centiseconds, Cidr, Ipv4Addresses, LeaseFailure, Phase, Preempt, Role, VirtualRouter, Vrid,
};
use vrrp_net::{
    Handle, Node,
    backend::Memory,
    lab::{Client, Host},
};

use super::{QUICK, number, watch};
use crate::support::{Outcome, Pair, SOON, check, milliseconds, now};

/// How long the nodes are watched: three attempts fit in, 10 s and 20 s of probation apart.
const WATCH: Duration = Duration::from_secs(40);
/// How long the hanging backend may take.
const PATIENCE: Duration = Duration::from_millis(300);

/// A virtual router whose backend on the stronger node fails.
struct Case {
    vrid: u8,
    name: &'static str,
    /// How often the stronger node tries to be Active.
    attempts: usize,
    script: fn(&Memory),
}

const CASES: [Case; 3] = [
    Case {
        vrid: 51,
        name: "fails",
        attempts: 3,
        script: |backend| backend.fail_always(LeaseFailure::Failed),
    },
    Case { vrid: 52, name: "hangs", attempts: 3, script: hang },
    Case {
        vrid: 53,
        name: "once",
        attempts: 2,
        script: |backend| backend.fail_next(1, LeaseFailure::Failed),
    },
];

fn hang(backend: &Memory) {
    backend.set_timeout(PATIENCE);
    backend.hang();
}

impl Case {
    fn address(&self) -> Ipv4Addr {
        Ipv4Addr::new(10, 0, 0, 100 + self.vrid)
    }

    fn config(&self) -> String {
        let Self { vrid, name, .. } = self;
        format!(
            "[[virtual_router]]\nname = \"{name}\"\ninterface = \"eth0\"\nvrid = {vrid}\npriority \
             = 100\n\
             addresses = [\"{}/24\"]\ninterval = \"{}ms\"\n",
            self.address(),
            QUICK.as_millis()
        )
    }

    fn router(&self) -> Result<VirtualRouter, Failed> {
        let address: Cidr<Ipv4Addr> = format!("{}/24", self.address()).parse()?;
        let role = Role::Contender { priority: 200.try_into()?, preempt: Preempt::Always };
        let (vrid, interval) = (Vrid::try_from(self.vrid)?, Centiseconds::try_from(QUICK)?);
        Ok(VirtualRouter::v3_ipv4(vrid, Ipv4Addresses::new([address])?, interval).with_role(role))
    }
}

/// A node inside this process, on a host of the lab. Its backends run on `runtime`.
struct Library {
    runtime: Runtime,
    node: Node,
    handles: Vec<Handle>,
}

impl Library {
    fn start(host: &Host) -> Result<Self, Failed> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let start = || {
            let _entered = runtime.enter();
            Node::linux()
        };
        let node = host.run(start)??;
        Ok(Self { runtime, node, handles: Vec::new() })
    }

    fn add(&mut self, case: &Case) -> Outcome {
        let backend = Memory::new();
        (case.script)(&backend);
        self.handles.push(self.runtime.block_on(self.node.add("eth0", case.router()?, backend))?);
        Ok(())
    }

    fn phase(&self, index: usize) -> Option<Phase> {
        self.handles.get(index).map(Handle::phase)
    }
}

/// Three virtual routers at once. The weaker node, which works, runs the program.
pub(super) fn faults() -> Outcome {
    let mut pair = Pair::new()?;
    pair.b.start(&CASES.map(|case| case.config()).concat())?;
    pair.b.wait_for_phase("held")?;
    let client = |case: &Case| Client::start(&pair.user, case.address().into(), 1000);
    let clients = CASES.iter().take(2).map(client).collect::<Result<Vec<_>, _>>()?;
    for client in &clients {
        check(client.wait_for_reply(client.mark(), SOON), "the client got no answer from b")?;
    }

    let begun = now();
    let mut a = Library::start(&pair.a.host)?;
    CASES.iter().try_for_each(|case| a.add(case))?;
    watch(&pair.capture, pair.b.mac, begun + WATCH)?;
    for (index, case) in CASES.iter().enumerate() {
        judge(case, &pair, a.phase(index), begun)?;
    }
    for (case, client) in CASES.iter().zip(&clients) {
        println!("{}: the client: {}", case.name, client.report());
    }
    Ok(a.runtime.block_on(a.node.shutdown())?)
}

fn judge(case: &Case, pair: &Pair, phase: Option<Phase>, begun: Duration) -> Outcome {
    let Case { vrid, name, attempts, .. } = case;
    let bursts = bursts(pair, *vrid);
    let when: Vec<String> = bursts.iter().map(|at| milliseconds(*at - begun)).collect();
    println!("{name}: active on the wire after {}", when.join(", "));
    check(bursts.len() == *attempts, format!("{name}: {} attempts in {WATCH:?}", bursts.len()))?;
    // Every attempt but one that succeeds takes the address from b, and b gets it back.
    let router = healthy(pair, name)?;
    let (taken, holds) =
        if *name == "once" { (1, phase == Some(Phase::Held)) } else { (*attempts, false) };
    let became_active = number(&router, "/counters/became_active");
    check(
        became_active == (1 + taken) as f64,
        format!("{name}: b became active {became_active} times"),
    )?;
    let expected = if holds { "backup" } else { "held" };
    check(router["phase"] == expected, format!("{name}: a is {phase:?}, b is {router:#}"))
}

/// When the stronger node began to advertise for this virtual router: each time the first after a
/// resignation.
fn bursts(pair: &Pair, vrid: u8) -> Vec<Duration> {
    let mut bursts = Vec::new();
    let mut is_active = false;
    for frame in pair.capture.frames() {
        let Some(vrrp) = frame.vrrp().filter(|vrrp| vrrp.source_mac == pair.a.mac) else {
            continue;
        };
        if vrrp.payload.get(1) != Some(&vrid) {
            continue;
        }
        let claims = vrrp.payload.get(2).is_some_and(|priority| *priority > 0);
        if claims && !is_active {
            bursts.push(frame.at);
        }
        is_active = claims;
    }
    bursts
}

/// The virtual router of this name on the node that works.
fn healthy(pair: &Pair, name: &str) -> Result<Value, Failed> {
    let routers =
        pair.b.status().map(|status| status["virtual_routers"].clone()).unwrap_or_default();
    let mut routers = routers.as_array().cloned().unwrap_or_default().into_iter();
    routers.find(|router| router["name"] == name).ok_or_else(|| format!("b has no {name}").into())
}
