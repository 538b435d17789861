//! [`Router`](vrrp_core::Router) through its public door only: inputs with real octets, outputs in
//! order.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that meets something unexpected fails"
)]

mod at_run_time;
mod checksums;
mod configure;
mod disagreement;
mod edges;
mod groups;
mod interfaces;
mod leaving;
mod machine;
mod many;
mod notices;
mod observer;
mod once_an_hour;
mod outputs;
mod pair;
mod properties;
mod rejected;
mod rivals;
mod said;
mod senders;
mod startup;
mod timing;
mod unicast;
mod world;
