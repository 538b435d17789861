//! A router in a program that has no standard library, an allocator of its own, and a C runtime.
#![no_std]
#![no_main]

use core::{
    alloc::{GlobalAlloc, Layout},
    cell::UnsafeCell,
    net::Ipv4Addr,
    panic::PanicInfo,
    sync::atomic::{AtomicUsize, Ordering},
};

use vrrp_core::{
    Centiseconds, Desired, Input, Instant, InterfaceDetails, InterfaceId, InterfaceStatus, Ipv4Addresses, Output,
    Reach, Router, VirtualRouter, Vrid,
};

// The C runtime starts the program, and has memcpy.
#[link(name = "c")]
unsafe extern "C" {}

const ROOM: usize = 1 << 20;

/// Gives out what it has, and takes nothing back.
struct Arena {
    octets: UnsafeCell<[u8; ROOM]>,
    used: AtomicUsize,
}

// SAFETY: `used` gives each allocation octets of its own.
unsafe impl Sync for Arena {}

// SAFETY: what is returned is aligned, within the arena, and given out once.
unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let room = layout.size() + layout.align();
        let start = self.used.fetch_add(room, Ordering::Relaxed);
        if start + room > ROOM {
            return core::ptr::null_mut();
        }
        // SAFETY: `start` lies within the arena.
        let start = unsafe { self.octets.get().cast::<u8>().add(start) };
        // SAFETY: there is room for the alignment, too.
        unsafe { start.add(start.align_offset(layout.align())) }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ARENA: Arena = Arena { octets: UnsafeCell::new([0; ROOM]), used: AtomicUsize::new(0) };

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}

/// The compiled `alloc` names it, and nothing unwinds here.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// Returns how many advertisements were sent, which is one.
#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    play().unwrap_or(100)
}

fn play() -> Option<i32> {
    let eth0 = InterfaceId::new(1.try_into().ok()?);
    let addresses = Ipv4Addresses::new([Ipv4Addr::new(192, 0, 2, 1)]).ok()?;
    let vrid = Vrid::try_from(51).ok()?;
    let router = VirtualRouter::v3_ipv4(vrid, addresses, Centiseconds::ONE_SECOND);
    let mut desired = Desired::new();
    let key = desired.insert(eth0, router).ok()?;
    let (mut router, mut now) = (Router::new(), Instant::EPOCH);
    let own = Some(Ipv4Addr::new(192, 0, 2, 2));
    let status =
        InterfaceStatus::Up(InterfaceDetails { ipv4: own, ..InterfaceDetails::default() });
    router.handle(now, Input::Interface { id: eth0, status });
    router.handle(now, Input::Configure(&desired));
    let mut sent = 0;
    for _ in 0..4 {
        let mut answer = None;
        while let Some(output) = router.poll_output() {
            match output {
                Output::Transmit(transmit) => {
                    sent += i32::try_from(transmit.packets().count()).ok()?
                }
                Output::Lease(request) => {
                    answer = request.want.done(Reach::OnLink).map(|it| (request.generation, it));
                }
                _ => {}
            }
        }
        match answer {
            Some((generation, answer)) => {
                router.handle(now, Input::Answer { key, generation, answer });
            }
            None => {
                now = router.next_deadline()?;
                router.handle(now, Input::Timeout);
            }
        }
    }
    while let Some(output) = router.poll_output() {
        if let Output::Transmit(transmit) = output {
            sent += i32::try_from(transmit.packets().count()).ok()?;
        }
    }
    Some(sent)
}
