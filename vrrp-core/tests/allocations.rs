//! Nothing is allocated for a packet or a timer: counted by the allocator itself.
#![expect(clippy::unwrap_used, reason = "a test that meets something unexpected fails")]

#[path = "router/world.rs"]
#[expect(dead_code, reason = "shared with the tests of the router, which need more of it")]
mod world;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use vrrp_core::{Advert, ChecksumForm, Input, Output, Phase, Rejected};
use world::*;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is passed on to the system's allocator as it is; counting touches a thread
// local that needs neither allocation nor destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promises are the ones that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from `System` with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: `pointer` came from `System` with this layout, and `size` is the caller's
        // promise.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

/// Polls everything, and encodes what is to be sent, as a driver does.
fn drain(world: &mut World) -> u32 {
    let mut outputs = 0;
    while let Some(output) = world.router.poll_output() {
        outputs += 1;
        if let Output::Transmit(transmit) = output {
            for packet in transmit.packets() {
                let mut out = [0; Advert::MAX_LEN];
                assert!(packet.encode(&mut out).is_ok());
            }
        }
    }
    outputs
}

#[test]
fn the_allocator_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(1)))), 1);
}

#[test]
fn advertisements_and_what_is_rejected_allocate_nothing() {
    let messages: Vec<(Message, Vec<u8>)> = (0..40)
        .map(|index: u8| {
            let mut message = Message::v3(index * 6, &format!("192.0.2.{}", 10 + index));
            if index.is_multiple_of(2) {
                message.form = ChecksumForm::PseudoHeader;
            }
            message.vrid = if index % 10 == 3 { 99 } else { 51 };
            message.meta.ttl = if index % 5 == 4 { 64 } else { 255 };
            let mut bytes = message.bytes();
            bytes.truncate(if index % 7 == 6 { 9 } else { bytes.len() });
            (message, bytes)
        })
        .collect();
    for mut world in [World::new(&[v3()]), World::held(&v3())] {
        let (mut accepted, mut rejected) = (0, 0);
        let count = allocations(|| {
            for (message, bytes) in &messages {
                match world.router.receive(world.now, message.meta, bytes) {
                    Ok(()) => accepted += 1,
                    Err(reason) => {
                        assert_ne!(reason, Rejected::NotListening);
                        rejected += 1;
                    }
                }
                drain(&mut world);
            }
        });
        assert!(accepted > 5 && rejected > 5, "{accepted} accepted, {rejected} rejected");
        assert_eq!(count, 0);
    }
}

#[test]
fn timers_and_answers_of_backends_allocate_nothing() {
    let mut world = World::new(&[v3(), v3_ipv6()]);
    let held = key(&v3());
    while world.phase(held) != Phase::Acquiring {
        world.timeout();
    }
    let generation = world.generations[&held];
    let mut outputs = 0;
    let count = allocations(|| {
        let done = Input::Answer {
            key: held,
            generation,
            answer: vrrp_core::Answer::Held(vrrp_core::Reach::OnLink),
        };
        world.router.handle(world.now, done);
        for _ in 0..200 {
            outputs += drain(&mut world);
            world.now = world.router.next_deadline().unwrap();
            world.router.handle(world.now, Input::Timeout);
        }
    });
    assert!(outputs > 100, "{outputs}");
    assert_eq!(count, 0);
}
