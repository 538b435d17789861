//! [`Interface`]: an interface is up.

use std::any::Any;

use async_trait::async_trait;

use super::{Check, blocking::Turn, outcome::Outcome};
use crate::netlink::{Error, Socket, links};

/// Passes while an interface is up and has a carrier, in the network namespace that the checks were
/// started in. One that is not there is not up.
///
/// ```
/// let uplink = vrrp_net::check::Interface::new("eth1");
/// # let _ = uplink;
/// ```
#[derive(Clone, Debug)]
pub struct Interface {
    name: String,
    turn: Turn,
}

impl Interface {
    /// Returns one that looks at the interface of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), turn: Turn::default() }
    }
}

#[async_trait]
impl Check for Interface {
    async fn run(&self) -> Outcome {
        let (Self { name, turn }, asked) = (self, self.name.clone());
        let look = move || links::by_name(&mut Socket::new()?, &asked);
        let found = turn.take(look).await.map_err(|error| Error::Io(std::io::Error::other(error)));
        match found.and_then(|done| done) {
            Ok(Some(link)) if link.is_up() => {
                Outcome::Passed(format!("{name} is up and has a carrier"))
            }
            Ok(Some(_)) => Outcome::Failed(format!("{name} is down or has no carrier")),
            Ok(None) => Outcome::Failed(format!("there is no interface {name}")),
            Err(error) => Outcome::NotRun(format!("the kernel was not heard on {name}: {error}")),
        }
    }

    fn describe(&self) -> String {
        format!("{} is up and has a carrier", self.name)
    }

    fn is_same(&self, other: &dyn Check) -> bool {
        let other = (other as &dyn Any).downcast_ref::<Self>();
        other.is_some_and(|other| other.name == self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_loopback_interface_is_up_and_one_that_is_not_there_is_not() {
        let outcome = Interface::new("lo").run().await;
        assert!(matches!(outcome, Outcome::Passed(_)), "{outcome:?}");
        let outcome = Interface::new("no-such-if").run().await;
        assert_eq!(outcome, Outcome::Failed("there is no interface no-such-if".to_owned()));
        let outcome = Interface::new("a-name-that-no-interface-can-have").run().await;
        assert!(matches!(outcome, Outcome::NotRun(_) | Outcome::Failed(_)), "{outcome:?}");
    }
}
