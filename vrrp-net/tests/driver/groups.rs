//! Virtual routers that move together.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;
use vrrp_core::{
    Centiseconds, Cidr, Condition, Gate, GroupPolicy, Health, Hold, Ipv4Addresses, LeaseFailure,
    Phase, VirtualRouter,
};
use vrrp_net::{
    Drained, Error, Group, Handle, Member,
    backend::Memory,
    testing::{Host, INTERFACE, Wire},
};

const LONG: Duration = Duration::from_secs(60);

fn router(vrid: u8, priority: u8) -> VirtualRouter {
    let address: Cidr<_> = format!("192.0.2.{vrid}/24").parse().unwrap();
    let addresses = Ipv4Addresses::new([address]).unwrap();
    VirtualRouter::v3_ipv4(vrid.try_into().unwrap(), addresses, Centiseconds::ONE_SECOND)
        .with_priority(priority.try_into().unwrap())
}

fn member(vrid: u8, priority: u8, backend: &Memory, group: &Group) -> Member {
    Member::new(INTERFACE, router(vrid, priority), Arc::new(backend.clone())).group(group.clone())
}

/// A host with two virtual routers in a group, each with a backend of its own.
async fn host(
    wire: &Wire,
    own: &str,
    priority: u8,
    group: &Group,
) -> (Host, [Memory; 2], Vec<Handle>) {
    let host = wire.host(own.parse().unwrap());
    let backends = [Memory::new(), Memory::new()];
    let members =
        [51, 52].into_iter().zip(&backends).map(|(vrid, own)| member(vrid, priority, own, group));
    let handles = host.node().configure(members.collect()).await.unwrap();
    (host, backends, handles)
}

async fn all_are(handles: &[Handle], wanted: impl Fn(Phase) -> bool) {
    for handle in handles {
        let reached = timeout(LONG, handle.wait_for(&wanted)).await;
        assert!(reached.is_ok(), "{}: {}", handle.name(), handle.phase());
    }
}

/// Has the second member's backend fail, so that it takes part no more.
async fn leave_out(backend: &Memory, member: &[Handle]) {
    backend.fail_always(LeaseFailure::Failed);
    member[0].report_lost(vrrp_core::Loss::Deleted).await.unwrap();
    all_are(member, |phase| matches!(phase, Phase::Initialize(_))).await;
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_fails_for_one_moves_all_and_they_come_back_together() {
    let wire = Wire::new();
    let group = Group::all("lan-and-wan");
    let (_strong, backends, strong) = host(&wire, "192.0.2.1", 200, &group).await;
    let (_weak, _, weak) = host(&wire, "192.0.2.2", 100, &group).await;
    all_are(&strong, Phase::is_active).await;
    backends[1].fail_always(LeaseFailure::Failed);
    strong[1].report_lost(vrrp_core::Loss::Deleted).await.unwrap();
    all_are(&weak, Phase::is_active).await;
    all_are(&strong[..1], |phase| phase == Phase::Initialize(Hold::Group)).await;
    let group = strong[0].status().await.unwrap().group.unwrap();
    assert_eq!(
        (&*group.name, group.policy, group.is_first),
        ("lan-and-wan", GroupPolicy::All, true)
    );
    assert_eq!(group.cause.as_deref(), Some(strong[1].name()));
    let group = strong[1].status().await.unwrap().group.unwrap();
    assert_eq!((group.is_first, group.cause), (false, None));
    backends[1].work();
    all_are(&strong, Phase::is_active).await;
}

#[tokio::test(start_paused = true)]
async fn a_member_that_is_left_out_moves_nobody() {
    let wire = Wire::new();
    let group = Group::any("both-families");
    let (_host, backends, handles) = host(&wire, "192.0.2.1", 200, &group).await;
    all_are(&handles, Phase::is_active).await;
    leave_out(&backends[1], &handles[1..]).await;
    tokio::time::sleep(LONG).await;
    assert_eq!(handles[0].phase(), Phase::Held);
}

#[tokio::test(start_paused = true)]
async fn a_drain_and_an_ill_service_of_one_move_all() {
    let wire = Wire::new();
    let group = Group::all("lan-and-wan");
    let (_strong, _, strong) = host(&wire, "192.0.2.1", 200, &group).await;
    let (_weak, _, weak) = host(&wire, "192.0.2.2", 100, &group).await;
    all_are(&strong, Phase::is_active).await;
    assert_eq!(strong[1].drain(false).await.unwrap(), Drained::Done);
    all_are(&weak, Phase::is_active).await;
    all_are(&strong, |phase| phase == Phase::Initialize(Hold::Drained)).await;
    strong[0].resume().await.unwrap();
    all_are(&strong, Phase::is_active).await;

    let ill = Health { condition: Condition::Ill, ..Health::default() };
    strong[0].set_health(ill).await.unwrap();
    all_are(&weak, Phase::is_active).await;
    assert!(strong[1].status().await.unwrap().gates.contains(Gate::Ill));
}

#[tokio::test(start_paused = true)]
async fn members_agree_on_the_policy_and_keep_their_group_when_they_change() {
    let wire = Wire::new();
    let (host, backends, handles) = host(&wire, "192.0.2.1", 200, &Group::all("both")).await;
    let members = [
        member(51, 200, &backends[0], &Group::all("both")),
        member(52, 200, &backends[1], &Group::any("both")),
    ];
    let refused = host.node().configure(members.into()).await;
    assert!(matches!(refused, Err(Error::GroupPolicies(name)) if name == "both"));
    all_are(&handles, Phase::is_active).await;
    handles[0].set_priority(150.try_into().unwrap()).await.unwrap();
    assert_eq!(handles[1].drain(true).await.unwrap(), Drained::Done);
    all_are(&handles, |phase| phase == Phase::Initialize(Hold::Drained)).await;
}

/// A program that drains one member is told what becomes of all of them, and an end is the end of
/// all.
#[tokio::test(start_paused = true)]
async fn a_drain_is_one_for_all_its_end_and_its_refusal_too() {
    let wire = Wire::new();
    let group = Group::any("both-families");
    let (_host, backends, handles) = host(&wire, "192.0.2.1", 200, &group).await;
    all_are(&handles, Phase::is_active).await;
    // One is left out, and would be drained at once.
    leave_out(&backends[1], &handles[1..]).await;
    assert_eq!(handles[1].drain_for(LONG, false).await.unwrap(), Drained::Refused);
    assert_eq!(handles[0].phase(), Phase::Held);
    for handle in &handles {
        let status = handle.status().await.unwrap();
        assert!(!status.holds.contains(Hold::Drained), "{}: {}", status.name, status.holds);
        assert_eq!(status.drained_until, None);
    }
    backends[1].work();
    all_are(&handles, Phase::is_active).await;

    assert_eq!(handles[0].drain_for(LONG, true).await.unwrap(), Drained::Done);
    let until = handles[1].status().await.unwrap().drained_until;
    assert!(until.is_some());
    // The end of the second drain is the end of the first one, too.
    assert_eq!(handles[1].drain_for(2 * LONG, true).await.unwrap(), Drained::Done);
    let [first, second] = [handles[0].status().await, handles[1].status().await]
        .map(|status| status.unwrap().drained_until);
    assert!(first > until && first == second, "{first:?} and {second:?} after {until:?}");
    tokio::time::sleep(LONG + LONG / 2).await;
    all_are(&handles, |phase| phase == Phase::Initialize(Hold::Drained)).await;
    all_are(&handles, Phase::is_active).await;
}
