//! One process for each virtual router, guarded on a real host.

use std::process;

use vrrp_core::{Centiseconds, Cidr, Ipv4Addresses, VirtualRouter};
use vrrp_net::{Error, Node, backend::Memory};

use crate::world::{Test, World};

pub(crate) const TESTS: &[(&str, Test)] =
    &[("a_virtual_router_is_run_once_on_a_host", a_virtual_router_is_run_once_on_a_host)];

fn router(vrid: u8) -> VirtualRouter {
    let address: Cidr<_> = format!("192.0.2.{vrid}/24").parse().unwrap();
    let addresses = Ipv4Addresses::new([address]).unwrap();
    VirtualRouter::v3_ipv4(vrid.try_into().unwrap(), addresses, Centiseconds::ONE_SECOND)
}

fn a_virtual_router_is_run_once_on_a_host(_: &mut World) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (one, other) = (Node::linux().unwrap(), Node::linux().unwrap());
        let handle = one.add("eth0", router(51), Memory::new()).await.unwrap();
        let error = other.add("eth0", router(51), Memory::new()).await.unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, Error::Taken { vrid: 51, .. }), "{text}");
        assert!(
            text.contains(&format!("process {} (", process::id())) && text.contains("eth0"),
            "{text}"
        );
        // Another VRID, another interface.
        other.add("eth0", router(52), Memory::new()).await.unwrap();
        other.add("eth1", router(51), Memory::new()).await.unwrap();
        // Nothing was taken by the attempt that failed, and what is removed is free again.
        drop(handle);
        one.configure(Vec::new()).await.unwrap();
        one.shutdown().await.unwrap();
        other.add("eth0", router(51), Memory::new()).await.unwrap();
        other.shutdown().await.unwrap();
        // It is free as soon as the shutdown is over.
        for _ in 0..20 {
            let node = Node::linux().unwrap();
            node.add("eth0", router(51), Memory::new()).await.unwrap();
            node.shutdown().await.unwrap();
        }
    });
}
