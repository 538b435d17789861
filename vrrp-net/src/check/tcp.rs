//! [`Tcp`]: something accepts connections.

use std::any::Any;

use async_trait::async_trait;

use super::{
    Check,
    blocking::Turn,
    outcome::Outcome,
    target::{Target, TargetError},
};

/// Passes if a TCP connection is accepted, and closes it.
///
/// ```
/// use vrrp_net::check::Tcp;
///
/// let database = Tcp::new("127.0.0.1:5432")?;
/// assert!(Tcp::new("5432").is_err());
/// # Ok::<(), vrrp_net::check::TargetError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Tcp {
    target: Target,
    turn: Turn,
}

impl Tcp {
    /// Returns one that connects to `target`: an address and a port, or a name and a port. A name is
    /// looked up at each run, and each of its addresses is tried. If it has none that can be found,
    /// the check [could not be run](Outcome::NotRun).
    ///
    /// # Errors
    /// [`TargetError`] if it is neither.
    pub fn new(target: &str) -> Result<Self, TargetError> {
        Ok(Self { target: target.parse()?, turn: Turn::default() })
    }
}

#[async_trait]
impl Check for Tcp {
    async fn run(&self) -> Outcome {
        match self.target.connect(&self.turn).await {
            Ok(_) => Outcome::Passed(format!("{} accepts a connection", self.target)),
            Err(outcome) => outcome,
        }
    }

    fn describe(&self) -> String {
        format!("{} accepts a connection", self.target)
    }

    fn is_same(&self, other: &dyn Check) -> bool {
        let other = (other as &dyn Any).downcast_ref::<Self>();
        other.is_some_and(|other| other.target == self.target)
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn it_passes_while_somebody_listens() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let check = Tcp::new(&address.to_string()).unwrap();
        let by_name = Tcp::new(&format!("localhost:{}", address.port())).unwrap();
        for check in [&check, &by_name] {
            assert!(matches!(check.run().await, Outcome::Passed(_)), "{}", check.describe());
        }
        drop(listener);
        for check in [&check, &by_name] {
            let outcome = check.run().await;
            assert!(
                matches!(&outcome, Outcome::Failed(text) if text.contains("refused")),
                "{outcome:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_name_without_an_address_is_no_failure() {
        let outcome = Tcp::new("there-is-no-such-host.invalid:80").unwrap().run().await;
        assert!(matches!(outcome, Outcome::NotRun(text) if text.contains("no-such-host")));
    }

    #[test]
    fn it_is_the_same_with_the_same_target() {
        let of = |target| Tcp::new(target).unwrap();
        assert!(of("127.0.0.1:80").is_same(&of("127.0.0.1:80")));
        assert!(!of("127.0.0.1:80").is_same(&of("127.0.0.1:81")));
    }
}
