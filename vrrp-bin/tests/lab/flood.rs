//! A host with ten thousand addresses, and another one that comes and goes as fast as the kernel can: what is left of the
//! schedule at the shortest interval. Measured, and compared with the same flood next door: not run by default, since it
//! takes the whole machine (`cargo test -p vrrp-bin --test lab -- a8_ --include-ignored`).

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use libtest_mimic::{Failed, Trial};
use nix::net::if_::if_nametoindex;
use tempfile::TempDir;
use vrrp_core::Cidr;
use vrrp_net::{
    lab::{Capture, Host, Switch, Ticker, wait_until},
    netlink::{Socket, addresses},
};

use crate::support::{Node, Outcome, adverts, check, milliseconds, now, timed_alone};

/// `NLM_F_CREATE` and `NLM_F_EXCL` of `linux/netlink.h`.
const CREATE: u16 = 0x400 | 0x200;
const INTERVAL: Duration = Duration::from_millis(10);
const ADDRESSES: u32 = 10_000;
/// For how long advertisements are counted.
const COUNTED: Duration = Duration::from_secs(5);

pub(crate) fn tests() -> Vec<Trial> {
    vec![timed_alone("a8_a_flood_of_changes_elsewhere_on_the_host", flood).with_ignored_flag(true)]
}

fn flood(_: &Ticker) -> Outcome {
    let folder = TempDir::with_prefix("vrrp-test-")?;
    let switch = Switch::new()?;
    let capture = Capture::start(&switch)?;
    let mut node = Node::new("a", &switch, &["10.0.0.1/24"], folder.path())?;
    let next_door = Host::new("next")?;
    for host in [&node.host, &next_door] {
        host.run(fill)??;
    }
    node.start(&format!(
        "[[virtual_router]]\nname = \"web\"\ninterface = \"eth0\"\nvrid = 51\naddresses = [\"10.0.0.100/24\"]\n\
         interval = \"{}ms\"\n",
        INTERVAL.as_millis()
    ))?;
    node.wait_for_phase("held")?;
    let mut kept = [0, 0];
    for _ in 0..3 {
        for (kept, (what, host)) in kept.iter_mut().zip([("here", &node.host), ("next door", &next_door)]) {
            let flood = Flood::start(host)?;
            let begun = now();
            wait_until(COUNTED, || false);
            let sent = adverts(&capture, node.mac, begun);
            let gaps = sent.windows(2).filter_map(|pair| Some(*pair.last()? - *pair.first()?));
            let (count, worst) = (sent.len(), gaps.max().unwrap_or(COUNTED));
            let changes = flood.stop()?;
            println!(
                "a flood {what}: {count} of {} advertisements, worst gap {}, {} pairs of changes a second",
                COUNTED.as_millis() / INTERVAL.as_millis(),
                milliseconds(worst),
                changes / u32::try_from(COUNTED.as_secs())?
            );
            *kept += count;
        }
    }
    let [here, next_door] = kept;
    check(
        here * 10 >= next_door * 9,
        format!("{here} advertisements, and {next_door} with the flood next door"),
    )
}

/// Puts all the addresses on an interface of their own.
fn fill() -> Outcome {
    let made = Command::new("ip").args("link add d0 type bridge".split(' ')).status()?;
    check(made.success(), "no bridge could be made")?;
    let index = if_nametoindex("d0")?;
    let mut socket = Socket::new()?;
    let number = |number: u32| Cidr::from(std::net::IpAddr::from((0x0a64_0000 + number).to_be_bytes()));
    let messages = (0..ADDRESSES).map(|n| (addresses::add_own(index, number(n)), CREATE));
    for answer in socket.batch(messages.collect())? {
        answer?;
    }
    Ok(())
}

/// An address that comes and goes.
struct Flood {
    stop: Arc<AtomicBool>,
    changes: Arc<AtomicU32>,
    thread: JoinHandle<Result<(), String>>,
}

impl Flood {
    fn start(host: &Host) -> Result<Self, Failed> {
        let (stop, changes) = (Arc::<AtomicBool>::default(), Arc::<AtomicU32>::default());
        let (until, count) = (stop.clone(), changes.clone());
        let thread = host.thread("flood", move || {
            let failed = |error: &dyn ToString| error.to_string();
            let mut socket = Socket::new().map_err(|error| failed(&error))?;
            let cidr: Cidr = "203.0.113.1/32".parse().map_err(|error| failed(&error))?;
            while !until.load(Ordering::Relaxed) {
                let put = (addresses::add_own(1, cidr), CREATE);
                let pair = vec![put, (addresses::delete(1, cidr), 0)];
                socket.batch(pair).map_err(|error| failed(&error))?;
                count.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        })?;
        Ok(Self { stop, changes, thread })
    }

    /// Returns how many pairs of changes there were.
    fn stop(self) -> Result<u32, Failed> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| "the flood broke off")??;
        Ok(self.changes.load(Ordering::Relaxed))
    }
}
