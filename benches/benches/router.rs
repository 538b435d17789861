//! One input into a router of many virtual routers, and what comes out of it, packets written.

#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up has nothing to measure")]

use divan::{AllocProfiler, Bencher};
use vrrp_benches::{World, traffic};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

const COUNTS: [u32; 3] = [1, 100, 10_000];

/// Samples are short, so that few are disturbed by other programs, and together they are ten rounds
/// of the largest router.
const SAMPLES: u32 = 1000;
const SAMPLE: u32 = 100;

/// A Backup hears its Active; the virtual routers take turns in a shuffled order. The datagrams are
/// got ready outside of what is measured: a driver has just received them, so they are in the
/// cache.
#[divan::bench(args = COUNTS, sample_count = SAMPLES, sample_size = SAMPLE)]
fn backup_hears_advertisement(bencher: Bencher<'_, '_>, virtual_routers: u32) {
    let mut world = World::of_backups(virtual_routers);
    let mut traffic = traffic(virtual_routers);
    bencher
        .with_inputs(|| traffic.next().expect("it goes on for ever"))
        .bench_local_refs(|datagram| world.hear(datagram));
}

/// An Active's timer runs out: it advertises.
#[divan::bench(args = COUNTS, sample_count = SAMPLES, sample_size = SAMPLE)]
fn active_advertises(bencher: Bencher<'_, '_>, virtual_routers: u32) {
    let mut world = World::of_actives(virtual_routers);
    bencher.bench_local(|| world.advertise());
}
