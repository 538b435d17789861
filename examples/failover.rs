//! An address that moves to this node when the other one dies, and the phases on the way.
//!
//! `failover INTERFACE VRID ADDRESS[/PREFIX] PRIORITY`, such as `failover eth0 51 192.0.2.10/24
//! 150`; another node runs the same with another priority. Ctrl-C hands over and ends.

use std::{env, error::Error, net::Ipv4Addr, pin::pin};

use vrrp_net::{Centiseconds, Cidr, Ipv4Addresses, Node, VirtualRouter, backend::Netlink};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [interface, vrid, address, priority] = arguments.as_slice() else {
        return Err("usage: failover INTERFACE VRID ADDRESS[/PREFIX] PRIORITY".into());
    };
    let addresses = Ipv4Addresses::new([address.parse::<Cidr<Ipv4Addr>>()?])?;
    let router = VirtualRouter::v3_ipv4(vrid.parse()?, addresses, Centiseconds::ONE_SECOND)
        .with_priority(priority.parse()?);

    let node = Node::linux()?;
    let mut handle = node.add(interface, router, Netlink::new()?).await?;
    let mut interrupt = pin!(tokio::signal::ctrl_c());
    println!("{}", handle.phase());
    loop {
        tokio::select! {
            phase = handle.changed() => println!("{}", phase?),
            interrupted = &mut interrupt => break interrupted?,
        }
    }
    node.shutdown().await?;
    println!("released");
    Ok(())
}
