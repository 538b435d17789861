//! A cloud that answers late, out of order, throttles, and loses replies.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

/// An address that one server has. Requests are carried out after a while, whoever still waits.
#[derive(Default)]
pub(crate) struct Cloud {
    pub(crate) assigned: Mutex<Option<&'static str>>,
    pub(crate) random: Mutex<u64>,
    pub(crate) calm: Mutex<bool>,
}

#[derive(Clone, Copy)]
pub(crate) enum Ask {
    Assign,
    /// Compares: another server's assignment stays.
    Unassign,
    Holder,
}

impl Cloud {
    /// Uniform below `bound`.
    pub(crate) fn random(&self, bound: u64) -> u64 {
        let mut state = self.random.lock().unwrap();
        *state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 33) % bound
    }

    pub(crate) async fn ask(
        self: &Arc<Self>,
        server: &'static str,
        ask: Ask,
    ) -> io::Result<Option<&'static str>> {
        let calm = *self.calm.lock().unwrap();
        let (luck, before, after) = (self.random(10), self.random(6000), self.random(3000));
        if luck == 0 && !calm {
            return Err(io::Error::other("429 Too Many Requests"));
        }
        let wait = move |longest| Duration::from_millis(if calm { 5 } else { longest });
        let cloud = self.clone();
        // A request that was sent is carried out, also when its connection is gone.
        let carried_out = tokio::spawn(async move {
            tokio::time::sleep(wait(before)).await;
            let mut assigned = cloud.assigned.lock().unwrap();
            match ask {
                Ask::Assign => *assigned = Some(server),
                Ask::Unassign if *assigned == Some(server) => *assigned = None,
                Ask::Unassign | Ask::Holder => {}
            }
            *assigned
        });
        let answer = carried_out.await.map_err(io::Error::other)?;
        tokio::time::sleep(wait(after)).await;
        if luck == 1 && !calm { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(answer) }
    }
}
