//! Connects checks with a node.

use tokio::sync::broadcast::error::RecvError;
use vrrp_core::Health;

use crate::{
    Error, Node, NodeEvent,
    check::{Change, CheckStatus, Checks},
};

impl Checks {
    /// Tells `node` the health of each virtual router of that name, now and whenever it changes,
    /// and the checks what the virtual routers do. Checks that change their state are among the
    /// events of the node ([`NodeEvent::Check`]). Returns once the node has stopped, or the checks
    /// have ended.
    ///
    /// A virtual router that the node does not have is passed over; one that comes later is told of
    /// once its health changes, and starts with [`Setup::health_at_start`](crate::check::Setup::health_at_start)
    /// by [`Member::health`](crate::Member::health). To drop this future ends the telling: a virtual
    /// router keeps its health.
    pub async fn serve(&self, node: &Node) {
        let (mut events, mut healths) = (node.events(), self.healths());
        let mut changes = self.changes();
        self.look_at_phases(node).await;
        loop {
            tokio::select! {
                health = healths.next() => match health {
                    Some((router, health)) => {
                        if let Err(Error::Stopped) = tell(node, &router, health).await {
                            return;
                        }
                    }
                    None => return,
                },
                change = changes.recv() => match change {
                    Ok(Change { name, state, text }) => {
                        node.publish(NodeEvent::Check { name, state, text });
                    }
                    // Some are lost: told as they are, whether they changed or not.
                    Err(RecvError::Lagged(_)) => self.publish_all(node),
                    Err(RecvError::Closed) => return,
                },
                event = events.next() => match event {
                    Some(Ok(NodeEvent::Transition { name, to, .. })) => self.set_phase(&name, to),
                    Some(Ok(_)) => {}
                    // It may be among those that were lost.
                    Some(Err(_)) => self.look_at_phases(node).await,
                    None => return,
                },
            }
        }
    }

    fn publish_all(&self, node: &Node) {
        for CheckStatus { name, state, outcome, .. } in self.status() {
            let text = outcome.map(|outcome| outcome.text()).unwrap_or_default().into();
            node.publish(NodeEvent::Check { name, state, text });
        }
    }

    /// Looks what each virtual router of `node` does, and tells the checks. [`serve`](Self::serve) does
    /// so by itself, but for names that virtual routers have since
    /// [`Node::configure`](crate::Node::configure).
    ///
    /// To drop this future tells nothing more.
    pub async fn look_at_phases(&self, node: &Node) {
        let Ok(status) = node.status().await else { return };
        self.keep_phases(|name| status.routers.iter().any(|router| *router.name == *name));
        for router in &status.routers {
            self.set_phase(&router.name, router.phase);
        }
    }
}

async fn tell(node: &Node, router: &str, health: Health) -> Result<(), Error> {
    match node.handle(router).await {
        Ok(handle) => match handle.set_health(health).await {
            Err(Error::Stopped) => Err(Error::Stopped),
            // It was removed meanwhile.
            Ok(()) | Err(_) => Ok(()),
        },
        Err(Error::Stopped) => Err(Error::Stopped),
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use vrrp_core::{Centiseconds, Cidr, Condition, Ipv4Addresses, Phase, VirtualRouter};

    use super::*;
    use crate::{
        Member,
        check::{Effect, File, Planned, Schedule, Setup, State, Track, Tracked},
        testing::{INTERFACE, Wire},
    };

    /// A service that is a file, on two nodes.
    #[tokio::test]
    async fn a_service_that_dies_moves_its_address_and_brings_it_back() {
        let folder = tempfile::tempdir().unwrap();
        let service = folder.path().join("service");
        std::fs::write(&service, "").unwrap();
        let schedule = Schedule::default()
            .interval(Duration::from_millis(20))
            .and_then(|schedule| schedule.timeout(Duration::from_millis(500)))
            .unwrap();
        let wire = Wire::new();
        let hosts = ["192.0.2.1", "192.0.2.2"].map(|own| wire.host(own.parse().unwrap()));
        let address: Cidr<_> = "192.0.2.10/24".parse().unwrap();
        let interval = Centiseconds::try_from(Duration::from_millis(50)).unwrap();
        let router = |priority: u8| {
            let addresses = Ipv4Addresses::new([address]).unwrap();
            VirtualRouter::v3_ipv4(51.try_into().unwrap(), addresses, interval)
                .with_priority(priority.try_into().unwrap())
        };
        let setup = Setup::new(
            [Planned::new("service", File::present(&service)).schedule(schedule)],
            [Tracked::new("web").track(Track::new("service", Effect::Hold))],
        )
        .unwrap();
        let backend = std::sync::Arc::new(hosts[0].backend().clone());
        let member = Member::new(INTERFACE, router(200), backend)
            .name("web")
            .health(setup.health_at_start("web"));
        let strong = hosts[0].node().add_member(member).await.unwrap();
        let weak = hosts[1].add(router(100)).await.unwrap();
        let checks = Checks::start(setup).unwrap();
        let served = async { checks.serve(hosts[0].node()).await };
        let seen = async {
            strong.wait_for(Phase::is_active).await.unwrap();
            let mut events = hosts[0].node().events();
            std::fs::remove_file(&service).unwrap();
            let told = loop {
                // Its first result may be told only now.
                if let NodeEvent::Check { name, state: State::Bad, .. } =
                    events.next().await.unwrap().unwrap()
                {
                    break name;
                }
            };
            assert_eq!(told, "service".into());
            weak.wait_for(Phase::is_active).await.unwrap();
            let status = strong.status().await.unwrap();
            assert_eq!(status.health.condition, Condition::Ill);
            std::fs::write(&service, "").unwrap();
            strong.wait_for(Phase::is_active).await.unwrap();
            hosts[0].node().shutdown().await.unwrap();
        };
        let both = async { tokio::join!(served, seen) };
        tokio::time::timeout(Duration::from_secs(30), both).await.unwrap();
    }
}
