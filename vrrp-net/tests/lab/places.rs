//! Other places, extra addresses and routes at run time, by [`Node::configure`]: in place, without a
//! transition, and without a packet lost of what stays.

use std::{
    net::{IpAddr, Ipv4Addr},
    process::Command,
    sync::{Arc, mpsc},
    thread::JoinHandle,
};

use libtest_mimic::{Failed, Trial};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use vrrp_core::{Centiseconds, Cidr, Ipv4Addresses, VirtualRouter, Vrid};
use vrrp_net::{
    Member, Node, NodeEvent, VipBackend, VirtualAddress,
    backend::Netlink,
    lab::{Cable, Client, Host, Switch, wait_until},
};

use crate::{Outcome, SOON, check};

pub(crate) fn tests() -> Vec<Trial> {
    vec![Trial::test("places_change_under_traffic", places_change_under_traffic)]
}

/// What a virtual router holds beside 10.0.0.100 on eth0, and what `ip` shows of it then.
#[derive(Clone, Copy)]
struct Plan {
    /// Where 10.9.9.9 is.
    place: &'static str,
    extra: &'static str,
    routes: &'static [&'static str],
    shown: &'static [&'static str],
    /// What `ip` does not show any more.
    hidden: &'static [&'static str],
}

/// From each to the next: an address moves, an extra one comes for another, a route gets another
/// gateway, one goes, one comes; then back again.
const PLANS: [Plan; 3] = [FIRST, SECOND, FIRST];

const FIRST: Plan = Plan {
    place: "lo",
    extra: "10.0.0.101/24",
    routes: &["198.51.100.0/24 via 10.0.1.9", "blackhole 203.0.113.0/24"],
    shown: &[
        "lo inet 10.9.9.9/32",
        "eth0 inet 10.0.0.101/24",
        "198.51.100.0/24 via 10.0.1.9 ",
        "blackhole 203.0.113.0/24 ",
    ],
    hidden: &["eth1 inet 10.9.9.9/32", "10.0.1.101/24", "via 10.0.0.9 ", "198.18.0.0/15"],
};

const SECOND: Plan = Plan {
    place: "eth1",
    extra: "10.0.1.101/24",
    routes: &["198.51.100.0/24 via 10.0.0.9", "198.18.0.0/15 via 10.0.1.9 metric 7"],
    shown: &[
        "eth1 inet 10.9.9.9/32",
        "eth1 inet 10.0.1.101/24",
        "198.51.100.0/24 via 10.0.0.9 ",
        "198.18.0.0/15 via 10.0.1.9 ",
    ],
    hidden: &["lo inet 10.9.9.9/32", "10.0.0.101/24", "198.51.100.0/24 via 10.0.1.9 ", "blackhole"],
};

impl Plan {
    fn member(self, backend: Arc<dyn VipBackend>) -> Result<Member, Failed> {
        let cidrs: Result<Vec<Cidr<Ipv4Addr>>, _> =
            ["10.0.0.100/24", "10.9.9.9/32"].iter().map(|text| text.parse()).collect();
        let addresses = Ipv4Addresses::new(cidrs?)?;
        let vrid = Vrid::try_from(51)?;
        let router = VirtualRouter::v3_ipv4(vrid, addresses, Centiseconds::ONE_SECOND);
        let moving: Cidr = "10.9.9.9/32".parse()?;
        let extra: Cidr = self.extra.parse()?;
        // An extra address is on the interface of its network.
        let on = if self.extra.starts_with("10.0.1.") { "eth1" } else { "eth0" };
        let mut member = Member::new("eth0", router, backend)
            .place(VirtualAddress::from(moving).on(self.place))
            .extra(VirtualAddress::from(extra).on(on));
        for route in self.routes {
            member = member.route(route.parse()?);
        }
        Ok(member)
    }

    /// Waits until the host has what is to be there, and not what is not.
    fn wait_for(self, host: &Host) -> Outcome {
        let mut found = String::new();
        let is_so = wait_until(SOON, || {
            found = host.run(table).unwrap_or_default();
            self.shown.iter().all(|line| found.contains(line))
                && !self.hidden.iter().any(|line| found.contains(line))
        });
        check(is_so, format!("not {:?} without {:?}:\n{found}", self.shown, self.hidden))
    }
}

/// The addresses and routes of the calling thread's host, by single blanks.
fn table() -> String {
    let shown = ["-o -4 address show", "-4 route show table all"].map(|arguments| {
        let output = Command::new("ip").args(arguments.split(' ')).output();
        let text = output.map(|output| output.stdout).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        // A line has to end where a word ends.
        lines.map(|line| line + " \n").collect::<String>()
    });
    shown.concat()
}

/// A node on a host, which is told what to hold.
struct Embedded {
    orders: Option<UnboundedSender<Order>>,
    thread: Option<JoinHandle<Outcome>>,
}

/// A plan to follow; the answer is how many transitions there were since the one before.
type Order = (Plan, mpsc::Sender<Result<usize, String>>);

impl Embedded {
    fn start(host: &Host) -> Result<Self, Failed> {
        let (orders, queue) = unbounded_channel();
        let thread = host.thread("node", move || run(queue))?;
        Ok(Self { orders: Some(orders), thread: Some(thread) })
    }

    fn follow(&self, plan: Plan) -> Result<usize, Failed> {
        let (answer, answered) = mpsc::channel();
        let orders = self.orders.as_ref().ok_or("the node has ended")?;
        orders.send((plan, answer)).map_err(|_| "the node has ended")?;
        Ok(answered.recv_timeout(SOON)??)
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(Err(error)) = self.thread.take().and_then(|thread| thread.join().ok()) {
            eprintln!("{}", error.message().unwrap_or_default());
        }
    }
}

fn run(mut orders: UnboundedReceiver<Order>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let node = Node::linux()?;
        let backend: Arc<dyn VipBackend> = Arc::new(Netlink::new()?);
        let mut events = node.events();
        while let Some((plan, answer)) = orders.recv().await {
            let mut transitions = 0;
            while let Some(Ok(event)) = events.try_next() {
                transitions += usize::from(matches!(event, NodeEvent::Transition { .. }));
            }
            let member = plan.member(Arc::clone(&backend))?;
            let configured = node.configure(vec![member]).await;
            let _ = answer.send(configured.map(|_| transitions).map_err(|error| error.to_string()));
        }
        Ok(node.shutdown().await?)
    })
}

fn places_change_under_traffic() -> Outcome {
    let switches = [Switch::new()?, Switch::new()?];
    let [front, back] = &switches;
    let (host, user) = (Host::new("a")?, Host::new("c")?);
    Cable::new(&host, "eth0", front, &["10.0.0.1/24"])?;
    Cable::new(&host, "eth1", back, &["10.0.1.1/24"])?;
    Cable::new(&user, "eth0", front, &["10.0.0.9/24"])?;
    let [first, others @ ..] = PLANS;
    let node = Embedded::start(&host)?;
    node.follow(first)?;
    let client = Client::start(&user, IpAddr::from([10, 0, 0, 100]), 1_000)?;
    check(client.wait_for_reply(client.mark(), 3 * SOON), "the address is not answered for")?;
    first.wait_for(&host)?;
    // It became active: backup, acquiring, held. The last one is told after the address is there.
    let mut before = 0;
    let is_told = || {
        before += node.follow(first).unwrap_or_default();
        before >= 3
    };
    check(wait_until(SOON, is_told), "it does not tell that it became active")?;
    let mark = client.mark();
    for plan in others {
        let moved = node.follow(plan)?;
        check(moved == 0, format!("{moved} transitions"))?;
        plan.wait_for(&host)?;
    }
    let moved = node.follow(first)?;
    check(moved == 0, format!("{moved} transitions at the end"))?;
    let end = client.mark();
    check(wait_until(SOON, || client.between(mark, end).pending == 0), "packets are pending")?;
    let loss = client.between(mark, end);
    println!("places changed twice: {loss}");
    check(loss.lost == 0, format!("{} packets lost", loss.lost))
}
