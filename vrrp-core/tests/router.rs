//! [`Router`](vrrp_core::Router) through its public door only: inputs with real octets, outputs in
//! order.
#![expect(clippy::unwrap_used, reason = "a test that meets something unexpected fails")]

#[path = "router/at_run_time.rs"]
mod at_run_time;
#[path = "router/checksums.rs"]
mod checksums;
#[path = "router/configure.rs"]
mod configure;
#[path = "router/disagreement.rs"]
mod disagreement;
#[path = "router/edges.rs"]
mod edges;
#[path = "router/interfaces.rs"]
mod interfaces;
#[path = "router/leaving.rs"]
mod leaving;
#[path = "router/machine.rs"]
mod machine;
#[path = "router/many.rs"]
mod many;
#[path = "router/notices.rs"]
mod notices;
#[path = "router/once_an_hour.rs"]
mod once_an_hour;
#[path = "router/outputs.rs"]
mod outputs;
#[path = "router/properties.rs"]
mod properties;
#[path = "router/rejected.rs"]
mod rejected;
#[path = "router/senders.rs"]
mod senders;
#[path = "router/startup.rs"]
mod startup;
#[path = "router/timing.rs"]
mod timing;
#[path = "router/unicast.rs"]
mod unicast;
#[path = "router/world.rs"]
mod world;
