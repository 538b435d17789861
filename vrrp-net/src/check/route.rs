//! [`Route`]: there is a route.

use std::any::Any;

use async_trait::async_trait;
use vrrp_core::Cidr;

use super::{Check, blocking::Turn, outcome::Outcome};
use crate::netlink::{Error, Socket, routes};

/// Passes while the main table has a route to exactly this prefix, by a gateway or not, in the
/// network namespace that the checks were started in. One that refuses (`unreachable`, `blackhole`),
/// one whose interface is down, and one that this program put beside a virtual address count as
/// none.
///
/// Each run has the kernel list the table: beside a million routes that takes about a second.
///
/// ```
/// let way_out = vrrp_net::check::Route::new("0.0.0.0/0".parse()?);
/// # let _ = way_out;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Route {
    prefix: Cidr,
    turn: Turn,
}

impl Route {
    /// Returns one that looks for a route to the subnet of `prefix`.
    #[must_use]
    pub fn new(prefix: Cidr) -> Self {
        Self { prefix: prefix.subnet(), turn: Turn::default() }
    }
}

#[async_trait]
impl Check for Route {
    async fn run(&self) -> Outcome {
        let prefix = self.prefix;
        let look = move || routes::is_present(&mut Socket::new()?, prefix);
        let found = self.turn.take(look).await;
        match found.map_err(|error| Error::Io(std::io::Error::other(error))).and_then(|done| done) {
            Ok(true) => Outcome::Passed(format!("there is a route to {prefix}")),
            Ok(false) => Outcome::Failed(format!("there is no route to {prefix}")),
            Err(error) => Outcome::NotRun(format!("the routes cannot be listed: {error}")),
        }
    }

    fn describe(&self) -> String {
        format!("there is a route to {}", self.prefix)
    }

    fn is_same(&self, other: &dyn Check) -> bool {
        let other = (other as &dyn Any).downcast_ref::<Self>();
        other.is_some_and(|other| other.prefix == self.prefix)
    }
}
