//! Any sequence of inputs into a router of three virtual routers, judged as the property test of the
//! core judges it. A failing input is a test: put it into `corpus/inputs`.
#![no_main]

#[path = "../../vrrp-core/tests/router/observer.rs"]
mod observer;

use libfuzzer_sys::fuzz_target;
use vrrp_core::play::SmallWorld;

fuzz_target!(|world: SmallWorld| {
    let mut observer = observer::Observer::default();
    for step in &world.steps {
        observer.play(step);
    }
    observer.end();
});
