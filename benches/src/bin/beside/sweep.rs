//! How late the kernel takes addresses away whose leases nobody renews any more.

use std::{
    collections::BTreeMap,
    fmt,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use clap::ValueEnum;
use tokio::time::{sleep, sleep_until, timeout_at};
use vrrp_core::{Cidr, Family, InterfaceId, Key};
use vrrp_net::{
    Lease, VipBackend,
    backend::Netlink,
    lab::{Cable, Host, Switch},
    netlink::{Monitor, MonitorEvent, Socket, addresses},
};

use crate::{Arguments, Failed, figures::median, machine::Ticks};

/// The driver's least time between two rounds of renewals.
const PAUSE: Duration = Duration::from_millis(250);
/// How often each lease is renewed before the renewals stop.
const RENEWALS: u32 = 3;
/// How long the kernel may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// By so much each run begins later than the last one: the kernel looks at whole seconds.
const SHIFT: Duration = Duration::from_millis(137);

/// What else the processors do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Load {
    /// Nothing
    Quiet,
    /// All they can
    Busy,
}

/// What is measured.
#[derive(Clone, Copy, Debug)]
struct Situation {
    load: Load,
    family: Family,
    /// Virtual routers of one address each.
    routers: usize,
    interval: Duration,
    /// In how many batches they are renewed, one after the other; 1: all at once.
    phases: u32,
}

impl fmt::Display for Situation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { load, family, routers, interval, phases } = self;
        let batches =
            if *phases == 1 { "one batch".to_owned() } else { format!("{phases} phases") };
        write!(f, "{load:?}, {family}, {routers}, {batches}, {interval:?}")
    }
}

/// How often an Active's lease is renewed.
fn period(interval: Duration) -> Duration {
    interval.max(PAUSE)
}

/// A line for each situation.
pub(crate) fn sweeps(arguments: &Arguments) -> Result<(), Failed> {
    println!(
        "{:<58} {:>6} {:>8} {:>10} {:>10} {:>8}",
        "sweep: lateness of the kernel (s)", "runs", "n", "median", "worst", "idle %"
    );
    let both = Load::value_variants();
    for load in if arguments.load.is_empty() { both } else { &arguments.load } {
        for interval in arguments.intervals(&[1_000]) {
            for family in [Family::Ipv4, Family::Ipv6] {
                for routers in arguments.routers(&[1, 64, 255]) {
                    for phases in phases(interval, routers) {
                        line(
                            arguments,
                            Situation { load: *load, family, routers, interval, phases },
                        )?;
                    }
                }
            }
        }
    }
    Ok(())
}

/// All at once; and, where there are several and time between their renewals, spread over the
/// interval.
fn phases(interval: Duration, routers: usize) -> Vec<u32> {
    let most = u32::try_from(period(interval).as_millis() / PAUSE.as_millis()).unwrap_or(1).min(4);
    if most > 1 && routers > 1 { vec![1, most] } else { vec![1] }
}

fn line(arguments: &Arguments, situation: Situation) -> Result<(), Failed> {
    let (mut late, ticks) = (Vec::new(), Ticks::now()?);
    for run in 0..u32::try_from(arguments.runs())? {
        match measure(situation, SHIFT * (run % 7)) {
            Ok(more) => late.extend(more),
            Err(why) => println!("no figure of {situation} in this run: {why}"),
        }
    }
    late.sort_unstable_by(f64::total_cmp);
    let (median, worst) =
        (median(&late).unwrap_or_default(), late.last().copied().unwrap_or_default());
    let (what, runs, n) = (situation.to_string(), arguments.runs(), late.len());
    // What others used of the processors is what makes a quiet one less quiet.
    let idle = ticks.idle_since()?;
    println!("    {what:<54} {runs:>6} {n:>8} {median:>10.3} {worst:>10.3} {idle:>8.0}");
    Ok(())
}

/// For each address by how many seconds it was there too long.
fn measure(situation: Situation, shift: Duration) -> Result<Vec<f64>, Failed> {
    let switch = Switch::new()?;
    let host = Host::new("host")?;
    let _cable = Cable::new(&host, "eth0", &switch, &["10.0.0.1/16", "fd00::1/64"])?;
    let _burners = (situation.load == Load::Busy).then(Burners::start);
    host.run(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(watch(situation, shift))
    })?
}

async fn watch(situation: Situation, shift: Duration) -> Result<Vec<f64>, Failed> {
    let Situation { family, routers, interval, phases, .. } = situation;
    let backend = Netlink::new()?;
    let mut monitor = Monitor::new()?;
    monitor.watch("eth0");
    sleep(shift).await;
    let leases = (1..=routers).map(|number| lease(family, number, interval));
    let leases: Vec<Lease> = leases.collect::<Result<_, _>>()?;
    for lease in &leases {
        backend.acquire(lease).await.map_err(|error| error.to_string())?;
    }
    let held = addresses::list(&mut Socket::new()?)?;
    let valid =
        held.iter().filter(|address| address.is_ours()).filter_map(|address| address.valid).max();
    let valid = Duration::from_secs(u64::from(valid.ok_or("the leases have no end")?));

    let begun = tokio::time::Instant::now();
    let mut ends = BTreeMap::new();
    let batches: Vec<&[Lease]> =
        leases.chunks(routers.div_ceil(usize::try_from(phases)?)).collect();
    for round in 0..RENEWALS {
        for (phase, batch) in (0..phases).zip(&batches) {
            sleep_until(begun + period(interval) * round + period(interval) * phase / phases).await;
            backend.renew(batch).await.map_err(|error| error.to_string())?;
            let end = Instant::now() + valid;
            ends.extend(
                batch.iter().flat_map(|lease| lease.cidrs()).map(|cidr| (cidr.address(), end)),
            );
        }
    }
    // From here on nobody renews, as when the process is dead.
    let mut late = Vec::new();
    let patience = tokio::time::Instant::now() + PATIENCE;
    while !ends.is_empty() {
        let event = timeout_at(patience, monitor.next()).await?;
        let now = Instant::now();
        if let MonitorEvent::AddressRemoved { address, .. } = event
            && let Some(end) = ends.remove(&address)
        {
            let late_by = now.saturating_duration_since(end).as_secs_f64();
            late.push(late_by - end.saturating_duration_since(now).as_secs_f64());
        }
    }
    Ok(late)
}

/// The lease of a virtual router of one address.
fn lease(family: Family, number: usize, interval: Duration) -> Result<Lease, Failed> {
    let number = u16::try_from(number)?;
    let address: IpAddr = match family {
        Family::Ipv4 => IpAddr::from([10, 0, 1, u8::try_from(number)?]),
        Family::Ipv6 => Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 1, number).into(),
    };
    let key = Key {
        interface: InterfaceId::new(NonZeroU32::MIN),
        family,
        vrid: u8::try_from(number)?.try_into()?,
    };
    Ok(Lease::new(key, "eth0", &[Cidr::from(address)], 3 * interval))
}

/// Threads that keep every processor busy until this is dropped.
struct Burners {
    ended: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Burners {
    fn start() -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let burn = |ended: Arc<AtomicBool>| while !ended.load(Ordering::Relaxed) {};
        let count = thread::available_parallelism().map_or(1, usize::from);
        let threads = (0..count).map(|_| {
            let ended = ended.clone();
            thread::spawn(move || burn(ended))
        });
        let threads = threads.collect();
        Self { ended, threads }
    }
}

impl Drop for Burners {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
