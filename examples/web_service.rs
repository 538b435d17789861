//! An axum service behind one address, and a writer that only the active node may be.
//!
//! `web_service INTERFACE VRID ADDRESS/PREFIX PRIORITY NAME FILE` serves on port 8080 and appends a
//! line with NAME to FILE each millisecond while it is active. Ctrl-C hands over and ends.

use std::{env, error::Error, fs::File, io::Write, net::Ipv4Addr, time::Duration};

use axum::{Router, extract::State, http::StatusCode, routing::get};
use vrrp_net::{
    Centiseconds, Cidr, Handle, Inactive, Ipv4Addresses, Node, VirtualRouter, backend::Netlink,
};

/// A node that was preempted, and does not get to run, takes itself for the active one until its
/// bound ends: three intervals after it sent last.
const SETTLE: Duration = Duration::from_millis(300);
/// What a write may take after the moment at which this node was still active.
const MARGIN: Duration = Duration::from_millis(50);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [interface, vrid, address, priority, name, file] = arguments.as_slice() else {
        return Err("usage: web_service INTERFACE VRID ADDRESS/PREFIX PRIORITY NAME FILE".into());
    };
    let addresses = Ipv4Addresses::new([address.parse::<Cidr<Ipv4Addr>>()?])?;
    let interval = Centiseconds::try_from(Duration::from_millis(100))?;
    let router =
        VirtualRouter::v3_ipv4(vrid.parse()?, addresses, interval).with_priority(priority.parse()?);

    let node = Node::linux()?;
    let handle = node.add(interface, router, Netlink::new()?).await?;
    if let Some(obstacle) = handle.status().await?.obstacle() {
        println!("{obstacle}");
    }

    // On every address: clients reach this node while it holds the virtual one, and a node that
    // leaves serves until its successor has it.
    let listener = tokio::net::TcpListener::bind("0.0.0.0:8080").await?;
    let name = name.clone();
    let index = move || async move { name };
    let app = Router::new()
        .route("/", get(index))
        .route("/health", get(health))
        .with_state(handle.clone());
    let served = tokio::spawn(async { axum::serve(listener, app).await });
    let writer = tokio::spawn(write(handle, arguments[4].clone(), file.clone()));

    tokio::signal::ctrl_c().await?;
    node.shutdown().await?;
    writer.await??;
    served.abort();
    Ok(())
}

async fn health(State(handle): State<Handle>) -> (StatusCode, String) {
    let phase = handle.phase();
    let is_fit = handle.status().await.is_ok_and(|status| status.obstacle().is_none());
    let status = if is_fit { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, phase.to_string())
}

/// Writes while this node may, and returns when it has stopped.
async fn write(handle: Handle, name: String, file: String) -> std::io::Result<()> {
    let mut file = File::options().create(true).append(true).open(file)?;
    while handle.wait_active(MARGIN).await.is_ok() {
        let lines = async {
            tokio::time::sleep(SETTLE).await;
            loop {
                writeln!(file, "{name}")?;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let ended: Result<std::io::Result<()>, Inactive> = handle.while_active(MARGIN, lines).await;
        ended.unwrap_or(Ok(()))?;
    }
    Ok(())
}
