//! How many instructions decoding, a packet, an advertisement, a turn of the driver and a page of its
//! status take, as valgrind counts them: a figure that other load on the machine does not change.
//!
//! The status of a thousand virtual routers is sixteen such pages, and no turn of the driver is longer
//! than one of them.
//!
//! `instructions` counts them of itself, `instructions --beside OTHER` of another build's binary in
//! the same run, too. Counts of different compilers do not compare: it prints which one is here.

use std::{
    env,
    error::Error,
    hint::black_box,
    io,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use tokio::runtime::{Builder, Runtime};
use vrrp_benches::{World, messages::Message, traffic};
use vrrp_core::{
    Advert, Centiseconds, ChecksumForm, Cidr, InterfaceDetails, InterfaceStatus, Ipv4Addresses,
    Phase, VirtualRouter,
};
use vrrp_net::{
    Member, Node, VipBackend,
    backend::Memory,
    clock::TokioClock,
    link::memory::Hub,
    monitor::{self, HostEvent, Snapshot},
};

/// What is counted, each with how often it is done at least: the more is taken off again.
const WORKS: [(&str, u32); 5] = [
    ("decode", 2000),
    ("backup hears", 2000),
    ("active advertises", 2000),
    ("driver turn", 200),
    ("status page", 100),
];
/// How many virtual routers there are on a page, with a port.
const ON_A_PAGE: u8 = 62;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--work", work, times] => work_on(work, times.parse()?),
        [] => compare(&[env::current_exe()?]),
        ["--beside", other] => compare(&[env::current_exe()?, PathBuf::from(other)]),
        _ => Err("usage: instructions [--beside OTHER]".into()),
    }
}

fn compare(binaries: &[PathBuf]) -> Result<(), Box<dyn Error>> {
    let rustc = Command::new("rustc").arg("--version").output()?;
    print!("{}", String::from_utf8_lossy(&rustc.stdout));
    for (work, times) in WORKS {
        let counts: Vec<String> = binaries
            .iter()
            .map(|binary| Ok(count(binary, work, times)?.to_string()))
            .collect::<Result<_, Box<dyn Error>>>()?;
        println!("{work}: {}", counts.join(" beside "));
    }
    Ok(())
}

/// Instructions for one: the difference between doing it some times and three times as often.
fn count(binary: &Path, work: &str, times: u32) -> Result<u64, Box<dyn Error>> {
    let few = collected(binary, work, times)?;
    let many = collected(binary, work, times * 3)?;
    Ok((many - few) / u64::from(times * 2))
}

fn collected(binary: &Path, work: &str, times: u32) -> Result<u64, Box<dyn Error>> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(binary);
    let output = valgrind.args(["--work", work, &times.to_string()]).output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    let line = text.lines().find_map(|line| line.split_once("Collected : "));
    let (_, count) = line.ok_or_else(|| format!("valgrind did not count: {text}"))?;
    Ok(count.trim().parse()?)
}

fn work_on(work: &str, times: u32) -> Result<(), Box<dyn Error>> {
    match work {
        "decode" => {
            let message = Message::v3_ipv4(1, ChecksumForm::MessageOnly);
            let octets = message.octets();
            for _ in 0..times {
                let _ = black_box(Advert::decode(black_box(&message.meta), black_box(&octets)));
            }
        }
        "backup hears" => {
            let (mut world, mut traffic) = (World::of_backups(100), traffic(100));
            for _ in 0..times {
                world.hear(&traffic.next().ok_or("it goes on for ever")?);
            }
        }
        "active advertises" => {
            let mut world = World::of_actives(100);
            (0..times).for_each(|_| world.advertise());
        }
        "driver turn" => turn_driver(times)?,
        "status page" => take_stock(times)?,
        _ => return Err(format!("there is no {work}").into()),
    }
    Ok(())
}

/// An Active on a network in memory, and a turn of its driver for each advertisement.
fn turn_driver(times: u32) -> Result<(), Box<dyn Error>> {
    paused()?.block_on(async {
        let node = node()?;
        let mut web = node.add("eth0", router(51)?, Memory::new()).await?;
        while !web.changed().await?.is_active() {}
        tokio::time::sleep(Duration::from_secs(times.into())).await;
        Ok(())
    })
}

/// Virtual routers on a network in memory, as many as a turn of the driver looks at, and a look at
/// them.
fn take_stock(times: u32) -> Result<(), Box<dyn Error>> {
    paused()?.block_on(async {
        let node = node()?;
        let backend: Arc<dyn VipBackend> = Arc::new(Memory::new());
        let member = |vrid| Ok(Member::new("eth0", router(vrid)?, backend.clone()));
        let members: Result<_, Box<dyn Error>> = (1..=ON_A_PAGE).map(member).collect();
        let handles = node.configure(members?).await?;
        for handle in &handles {
            handle.wait_for(Phase::is_active).await?;
        }
        for _ in 0..times {
            black_box(node.status().await?);
        }
        Ok(())
    })
}

fn paused() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().start_paused(true).build()
}

/// A node on a network in memory, its interface up.
fn node() -> Result<Node, Box<dyn Error>> {
    let (monitor, events) = monitor::channel();
    let own: Ipv4Addr = "192.0.2.1".parse()?;
    let status = InterfaceStatus::Up(InterfaceDetails { ipv4: Some(own), ..Default::default() });
    let snapshot = Snapshot { index: 2, status, ..Snapshot::default() };
    monitor.send(HostEvent::Interface { name: "eth0".to_owned(), snapshot })?;
    Ok(Node::with_parts(Hub::new().link(&[own.into()]), TokioClock::new(), events))
}

fn router(vrid: u8) -> Result<VirtualRouter, Box<dyn Error>> {
    let addresses = Ipv4Addresses::new(["192.0.2.10/24".parse::<Cidr<_>>()?])?;
    Ok(VirtualRouter::v3_ipv4(vrid.try_into()?, addresses, Centiseconds::ONE_SECOND))
}
