//! A host with very many addresses, and one that comes and goes.

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use libtest_mimic::Failed;
use nix::net::if_::if_nametoindex;
use vrrp_core::Cidr;
use vrrp_net::{
    lab::Host,
    netlink::{Socket, addresses},
};

/// `NLM_F_CREATE` and `NLM_F_EXCL` of `linux/netlink.h`.
const CREATE: u16 = 0x400 | 0x200;
const ADDRESSES: u32 = 10_000;

/// Puts all the addresses on an interface of their own.
pub(crate) fn fill(host: &Host) -> Result<(), Failed> {
    host.run(put_all)?
}

fn put_all() -> Result<(), Failed> {
    let made = Command::new("ip").args("link add d0 type bridge".split(' ')).status()?;
    if !made.success() {
        return Err("no bridge could be made".into());
    }
    let index = if_nametoindex("d0")?;
    let mut socket = Socket::new()?;
    let number =
        |number: u32| Cidr::from(std::net::IpAddr::from((0x0a64_0000 + number).to_be_bytes()));
    let messages = (0..ADDRESSES).map(|n| (addresses::add_own(index, number(n)), CREATE));
    for answer in socket.batch(messages.collect())? {
        answer?;
    }
    Ok(())
}

/// An address that comes and goes.
pub(crate) struct Flood {
    stop: Arc<AtomicBool>,
    changes: Arc<AtomicU32>,
    thread: JoinHandle<Result<(), String>>,
}

impl Flood {
    /// Starts it, with a pause after each pair of changes.
    pub(crate) fn start(host: &Host, pause: Duration) -> Result<Self, Failed> {
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
                if !pause.is_zero() {
                    thread::sleep(pause);
                }
            }
            Ok(())
        })?;
        Ok(Self { stop, changes, thread })
    }

    /// Returns how many pairs of changes there were.
    pub(crate) fn stop(self) -> Result<u32, Failed> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| "the flood broke off")??;
        Ok(self.changes.load(Ordering::Relaxed))
    }
}
