//! What a program does by saying how its service is.

use std::time::Duration;

use tokio::time::timeout;
use vrrp_core::{
    Centiseconds, Cidr, Condition, Gate, Health, Hold, Ipv4Addresses, Phase, Reason, VirtualRouter,
    Weight,
};
use vrrp_net::{
    Events, Handle, Member, NodeEvent,
    testing::{Host, INTERFACE, Wire},
};

const LONG: Duration = Duration::from_secs(60);

fn router(priority: u8) -> VirtualRouter {
    let address: Cidr<_> = "192.0.2.10/24".parse().unwrap();
    let addresses = Ipv4Addresses::new([address]).unwrap();
    VirtualRouter::v3_ipv4(51.try_into().unwrap(), addresses, Centiseconds::ONE_SECOND)
        .with_priority(priority.try_into().unwrap())
}

fn is(condition: Condition) -> Health {
    Health { condition, ..Health::default() }
}

/// A strong node that is active, and a weak one.
async fn pair() -> (Wire, [Host; 2], [Handle; 2]) {
    let wire = Wire::new();
    let hosts = ["192.0.2.1", "192.0.2.2"].map(|own| wire.host(own.parse().unwrap()));
    let strong = hosts[0].add(router(200)).await.unwrap();
    let weak = hosts[1].add(router(100)).await.unwrap();
    active(&strong).await;
    (wire, hosts, [strong, weak])
}

async fn active(handle: &Handle) {
    timeout(LONG, handle.wait_for(Phase::is_active)).await.unwrap().unwrap();
}

async fn unrelieved(events: &mut Events) {
    let told = async {
        loop {
            if let NodeEvent::Unrelieved { .. } = events.next().await.unwrap().unwrap() {
                return;
            }
        }
    };
    timeout(LONG, told).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_ill_service_is_handed_over_and_comes_back_once_it_is_well() {
    let (_wire, hosts, [strong, weak]) = pair().await;
    let seen = tokio::spawn({
        let (strong, weak) = (strong.clone(), weak.clone());
        async move {
            // Somebody holds the addresses at every moment of the handover.
            while !weak.phase().is_active() {
                assert!(strong.phase().holds_addresses(), "{} {}", strong.phase(), weak.phase());
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    });
    strong.set_health(is(Condition::Ill)).await.unwrap();
    timeout(LONG, seen).await.unwrap().unwrap();
    timeout(LONG, strong.wait_for(|phase| phase == Phase::Backup)).await.unwrap().unwrap();
    let status = strong.status().await.unwrap();
    assert_eq!((status.reason, status.health), (Reason::Successor, is(Condition::Ill)));
    assert!(status.gates.contains(Gate::Ill));

    strong.set_health(Health::default()).await.unwrap();
    active(&strong).await;
    drop(hosts);
}

#[tokio::test(start_paused = true)]
async fn all_ill_stay_say_so_and_a_crash_is_survived() {
    let (_wire, hosts, [strong, weak]) = pair().await;
    weak.set_health(is(Condition::Ill)).await.unwrap();
    let mut events = hosts[0].node().events();
    strong.set_health(is(Condition::Ill)).await.unwrap();
    unrelieved(&mut events).await;
    active(&strong).await;
    assert_eq!(strong.status().await.unwrap().claim, 1.into());

    hosts[0].cut();
    active(&weak).await;
    assert_eq!(weak.status().await.unwrap().claim, 1.into());
    // A healthy one is before both.
    hosts[0].mend();
    strong.set_health(Health::default()).await.unwrap();
    active(&strong).await;
}

#[tokio::test(start_paused = true)]
async fn an_ill_active_asks_until_a_peer_that_does_not_preempt_is_well() {
    let wire = Wire::new();
    let hosts = ["192.0.2.1", "192.0.2.2"].map(|own| wire.host(own.parse().unwrap()));
    let strong = hosts[0].add(router(200)).await.unwrap();
    active(&strong).await;
    let shy = vrrp_core::Role::Contender {
        priority: 100.try_into().unwrap(),
        preempt: vrrp_core::Preempt::Never,
    };
    let weak = hosts[1].add(router(100).with_role(shy)).await.unwrap();
    weak.set_health(is(Condition::Ill)).await.unwrap();
    let mut events = hosts[0].node().events();
    strong.set_health(is(Condition::Ill)).await.unwrap();
    unrelieved(&mut events).await;
    weak.set_health(Health::default()).await.unwrap();
    active(&weak).await;
    assert_eq!(strong.phase(), Phase::Backup);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_must_not_be_reached_is_let_go_even_if_nobody_takes_it() {
    let wire = Wire::new();
    let host = wire.host("192.0.2.1".parse().unwrap());
    let handle = host.add(router(100)).await.unwrap();
    active(&handle).await;
    handle.set_health(is(Condition::Out)).await.unwrap();
    let out = Phase::Initialize(Hold::Check);
    timeout(LONG, handle.wait_for(|phase| phase == out)).await.unwrap().unwrap();
    assert!(handle.status().await.unwrap().obstacle().unwrap().contains("a check fails"));
    handle.set_health(Health::default()).await.unwrap();
    active(&handle).await;
}

#[tokio::test(start_paused = true)]
async fn a_weight_moves_the_address_and_back() {
    let (_wire, _hosts, [strong, weak]) = pair().await;
    let weight = Weight::try_from(-150).unwrap();
    strong.set_health(Health { weight, ..Health::default() }).await.unwrap();
    active(&weak).await;
    assert_eq!(strong.status().await.unwrap().claim, 50.into());
    strong.set_health(Health::default()).await.unwrap();
    active(&strong).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_unknown_at_the_start_is_no_preemption_and_no_silence() {
    let wire = Wire::new();
    let hosts = ["192.0.2.1", "192.0.2.2"].map(|own| wire.host(own.parse().unwrap()));
    let weak = hosts[1].add(router(100)).await.unwrap();
    active(&weak).await;
    let member = || {
        let backend = std::sync::Arc::new(hosts[0].backend().clone());
        Member::new(INTERFACE, router(200), backend).health(is(Condition::Unknown))
    };
    let handles = hosts[0].node().configure(vec![member()]).await.unwrap();
    let [strong] = &handles[..] else { panic!("one handle") };
    tokio::time::sleep(LONG).await;
    assert_eq!((strong.phase(), weak.phase()), (Phase::Backup, Phase::Held));
    hosts[1].cut();
    active(strong).await;
    // Configured again it keeps its health.
    hosts[0].node().configure(vec![member().health(is(Condition::Out))]).await.unwrap();
    assert_eq!(strong.status().await.unwrap().health, is(Condition::Unknown));
}
