//! Other addresses at run time, under traffic: by [`Node::configure`], and beside it keepalived
//! that reads another file.

use std::{
    io::Read,
    net::{IpAddr, Ipv4Addr},
    process::{Command, Stdio},
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use libtest_mimic::{Failed, Trial};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use vrrp_core::{Centiseconds, Cidr, Ipv4Addresses, Preempt, Priority, Role, VirtualRouter, Vrid};
use vrrp_net::{
    Member, Node, NodeEvent, VipBackend,
    backend::Netlink,
    lab::{Cable, Client, Host, Keepalived, Process, Signal, Switch, Watch, wait_until},
};

use crate::{Outcome, SOON, check};

/// How long a lone node may take to be Active.
const ELECTION: Duration = Duration::from_secs(15);
/// The lists, one after the other: another order, one more, one less, one replaced. The first of
/// all stays.
const FIRST: &[u8] = &[100, 101];
const LISTS: &[&[u8]] = &[&[101, 100], &[101, 102, 100], &[102, 100], &[100, 103]];

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        Trial::test("b02_addresses_change_under_traffic", addresses_change_under_traffic),
        Trial::ignorable_test("b02_addresses_change_under_traffic_of_keepalived", || {
            match Keepalived::missing() {
                Some(why) => Ok(libtest_mimic::Completion::ignored_with(why)),
                None => change_keepalived().map(|()| libtest_mimic::Completion::Completed),
            }
        }),
    ]
}

/// What is asked of a node that runs on a host.
enum Order {
    Configure {
        list: &'static [u8],
        done: mpsc::Sender<Result<(), String>>,
    },
    /// How many transitions there were since it was asked last.
    Transitions {
        count: mpsc::Sender<usize>,
    },
}

/// A node of this library, on a host of its own.
struct Embedded {
    orders: Option<UnboundedSender<Order>>,
    thread: Option<JoinHandle<Result<(), String>>>,
}

impl Embedded {
    fn start(host: &Host, priority: u8) -> Result<Self, Failed> {
        let (orders, queue) = unbounded_channel();
        let thread = host.thread("node", move || run(priority, queue))?;
        Ok(Self { orders: Some(orders), thread: Some(thread) })
    }

    fn ask<T>(&self, order: impl FnOnce(mpsc::Sender<T>) -> Order) -> Result<T, Failed> {
        let (answer, answered) = mpsc::channel();
        let orders = self.orders.as_ref().ok_or("the node has ended")?;
        orders.send(order(answer)).map_err(|_| "the node has ended")?;
        Ok(answered.recv_timeout(SOON)?)
    }

    fn configure(&self, list: &'static [u8]) -> Outcome {
        Ok(self.ask(|done| Order::Configure { list, done })??)
    }

    fn transitions(&self) -> Result<usize, Failed> {
        self.ask(|count| Order::Transitions { count })
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(Err(error)) = self.thread.take().and_then(|thread| thread.join().ok()) {
            eprintln!("{error}");
        }
    }
}

fn run(priority: u8, mut orders: UnboundedReceiver<Order>) -> Result<(), String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(text)?;
    runtime.block_on(async {
        let node = Node::linux().map_err(text)?;
        let backend: Arc<dyn VipBackend> = Arc::new(Netlink::new().map_err(text)?);
        let mut events = node.events();
        while let Some(order) = orders.recv().await {
            match order {
                Order::Configure { list, done } => {
                    let member = Member::new("eth0", router(priority, list)?, backend.clone());
                    let _ = done.send(node.configure(vec![member]).await.map(drop).map_err(text));
                }
                Order::Transitions { count } => {
                    let mut transitions = 0;
                    while let Some(Ok(event)) = events.try_next() {
                        transitions += usize::from(matches!(event, NodeEvent::Transition { .. }));
                    }
                    let _ = count.send(transitions);
                }
            }
        }
        node.shutdown().await.map_err(text)
    })
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

fn router(priority: u8, list: &[u8]) -> Result<VirtualRouter, String> {
    let addresses: Result<Vec<Cidr<Ipv4Addr>>, _> =
        list.iter().map(|octet| format!("10.0.0.{octet}/24").parse()).collect();
    let addresses = Ipv4Addresses::new(addresses.map_err(text)?).map_err(text)?;
    let vrid = Vrid::try_from(51).map_err(text)?;
    let priority = Priority::try_from(priority).map_err(text)?;
    let role = Role::Contender { priority, preempt: Preempt::Always };
    Ok(VirtualRouter::v3_ipv4(vrid, addresses, Centiseconds::ONE_SECOND).with_role(role))
}

/// A host that holds the addresses, and a client of the one that stays.
struct World {
    host: Host,
    peer: Host,
    client: Host,
    _switch: Switch,
    _cables: [Cable; 3],
}

impl World {
    fn new() -> Result<Self, Failed> {
        let switch = Switch::new()?;
        let (host, peer, client) = (Host::new("a")?, Host::new("b")?, Host::new("c")?);
        let _cables = [
            Cable::new(&host, "eth0", &switch, &["10.0.0.1/24"])?,
            Cable::new(&peer, "eth0", &switch, &["10.0.0.2/24"])?,
            Cable::new(&client, "eth0", &switch, &["10.0.0.3/24"])?,
        ];
        Ok(Self { host, peer, client, _switch: switch, _cables })
    }

    fn client(&self) -> Result<Client, Failed> {
        let client = Client::start(&self.client, IpAddr::from([10, 0, 0, 100]), 1_000)?;
        check(client.wait_for_reply(client.mark(), ELECTION), "the address is not answered for")?;
        Ok(client)
    }

    /// Waits until exactly these addresses of `all` are there.
    fn wait_for(&self, watches: &[(u8, Watch)], list: &[u8]) -> Outcome {
        let is_right = || {
            watches.iter().all(|(octet, watch)| {
                let is_there = watch.held().last().is_some_and(|held| held.until.is_none());
                is_there == list.contains(octet)
            })
        };
        check(wait_until(SOON, is_right), format!("{list:?} is not what is there"))
    }

    fn watches(&self) -> Result<Vec<(u8, Watch)>, Failed> {
        let watch = |octet| Ok((octet, Watch::start(&self.host, IpAddr::from([10, 0, 0, octet]))?));
        [100, 101, 102, 103].into_iter().map(watch).collect()
    }

    /// `ip monitor`, as an operator would look at it.
    fn monitor(&self) -> Result<Process, Failed> {
        let mut command = Command::new("ip");
        command.args(["-o", "monitor", "address"]).stdout(Stdio::piped());
        Ok(self.host.spawn(command)?)
    }
}

/// The last octets of the addresses that went, and of all that came or were renewed.
fn changes(mut monitor: Process) -> Result<(Vec<u8>, Vec<u8>), Failed> {
    let mut stdout = monitor.stdout().ok_or("no output of ip monitor")?;
    monitor.signal(Signal::SIGTERM)?;
    let mut lines = String::new();
    stdout.read_to_string(&mut lines)?;
    let octet = |line: &str| -> Option<u8> {
        let address = line.split("inet ").nth(1)?.split('/').next()?;
        address.strip_prefix("10.0.0.")?.parse().ok()
    };
    let (gone, there): (Vec<&str>, Vec<&str>) =
        lines.lines().partition(|line| line.contains("Deleted"));
    Ok((
        gone.into_iter().filter_map(octet).collect(),
        there.into_iter().filter_map(octet).collect(),
    ))
}

fn addresses_change_under_traffic() -> Outcome {
    let world = World::new()?;
    let active = Embedded::start(&world.host, 200)?;
    active.configure(FIRST)?;
    let client = world.client()?;
    let backup = Embedded::start(&world.peer, 100)?;
    backup.configure(FIRST)?;
    let watches = world.watches()?;
    world.wait_for(&watches, FIRST)?;
    let (monitor, mark) = (world.monitor()?, client.mark());
    // It listens once it has seen a renewal.
    let renewed = client.mark();
    check(
        wait_until(SOON, || client.since(renewed).answered > 1_500),
        "the client is not answered",
    )?;
    for node in [&active, &backup] {
        node.transitions()?;
    }
    for list in LISTS {
        active.configure(list)?;
        backup.configure(list)?;
        world.wait_for(&watches, list)?;
    }
    let settled = client.mark();
    check(
        wait_until(SOON, || client.since(settled).answered > 3_000),
        "the client is not answered",
    )?;
    let lost = client.since(mark).lost;
    let transitions = (active.transitions()?, backup.transitions()?);
    let (gone, there) = changes(monitor)?;
    println!(
        "{} reloads: here {lost} packets lost, transitions {transitions:?}, gone {gone:?}",
        LISTS.len()
    );
    check(lost == 0, format!("{lost} packets lost"))?;
    check(transitions == (0, 0), format!("transitions {transitions:?}"))?;
    check(gone == [101, 102], format!("what went: {gone:?}"))?;
    check([102, 103].iter().all(|new| there.contains(new)), format!("what came: {there:?}"))?;
    let (_, kept) = watches.first().ok_or("no watch")?;
    check(kept.held().len() == 1, format!("{:?}", kept.held()))
}

fn keepalived_conf(list: &[u8]) -> String {
    let addresses: Vec<String> =
        list.iter().map(|octet| format!("  10.0.0.{octet}/24\n")).collect();
    format!(
        "vrrp_instance web {{\n interface eth0\n virtual_router_id 51\n version 3\n priority 200\n \
         virtual_ipaddress {{\n{} }}\n}}\n",
        addresses.concat()
    )
}

/// What the same costs there: measured, not judged.
fn change_keepalived() -> Outcome {
    let (world, folder) = (World::new()?, TempDir::with_prefix("vrrp-lab-")?);
    let keepalived = Keepalived::start(&world.host, folder.path(), &keepalived_conf(FIRST))?;
    let client = world.client()?;
    let watches = world.watches()?;
    world.wait_for(&watches, FIRST)?;
    let mark = client.mark();
    for list in LISTS {
        keepalived.reload(&world.host, folder.path(), &keepalived_conf(list))?;
        world.wait_for(&watches, list)?;
    }
    let settled = client.mark();
    check(
        wait_until(SOON, || client.since(settled).answered > 1_000),
        "the client is not answered",
    )?;
    let entered = keepalived.log().matches("Entering MASTER STATE").count();
    println!(
        "{} reloads: keepalived {} packets lost, MASTER entered {entered} times",
        LISTS.len(),
        client.since(mark).lost
    );
    Ok(())
}
