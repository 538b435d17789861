//! A cloud's floating IP, moved by an HTTP call: one type and two methods.
//!
//! `custom_backend INTERFACE VRID ADDRESS PRIORITY URL SERVER`. Advertisements go over INTERFACE;
//! the active node assigns the floating IP at URL to its SERVER.

use std::{env, error::Error, net::Ipv4Addr, pin::pin, time::Duration};

use reqwest::{Response, StatusCode};
use vrrp_core::{Centiseconds, Ipv4Addresses, Preempt, Reach, Role, VirtualRouter};
use vrrp_net::{
    BackendError, Lease, Node, Release, VipBackend,
    backend::{Method, Unwanted},
};

struct FloatingIp {
    http: reqwest::Client,
    url: String,
    server: String,
}

impl FloatingIp {
    async fn post(&self, action: &str) -> reqwest::Result<Response> {
        let body = serde_json::json!({ "server": self.server });
        self.http.post(format!("{}/{action}", self.url)).json(&body).send().await
    }
}

#[async_trait::async_trait]
impl VipBackend for FloatingIp {
    async fn acquire(&self, _lease: &Lease) -> Result<Reach, BackendError> {
        self.post("assign").await?.error_for_status()?;
        Ok(Reach::Routed)
    }

    /// The API compares: it answers 409 if another server is assigned by now, which is left alone.
    async fn release(&self, _lease: &Lease, _release: &Release) -> Result<(), BackendError> {
        let answer = self.post("unassign").await?;
        if answer.status() != StatusCode::CONFLICT {
            answer.error_for_status()?;
        }
        Ok(())
    }

    /// A request that was sent is carried out, whoever still waits for the answer: the release
    /// that follows waits for it. The client gives up after ten seconds.
    fn when_unwanted(&self, _: Method) -> Unwanted {
        Unwanted::RunToEnd
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [interface, vrid, address, priority, url, server] = arguments.as_slice() else {
        return Err("usage: custom_backend INTERFACE VRID ADDRESS PRIORITY URL SERVER".into());
    };
    let addresses = Ipv4Addresses::new([address.parse::<Ipv4Addr>()?])?;
    let role = Role::Contender { priority: priority.parse()?, preempt: Preempt::Never };
    let router =
        VirtualRouter::v3_ipv4(vrid.parse()?, addresses, Centiseconds::ONE_SECOND).with_role(role);
    let http = reqwest::Client::builder().timeout(Duration::from_secs(10)).build()?;
    let backend = FloatingIp { http, url: url.clone(), server: server.clone() };

    let node = Node::linux()?;
    let interrupt = pin!(tokio::signal::ctrl_c());
    let _handle = node.add(interface, router, backend).await?;
    interrupt.await?;
    Ok(node.shutdown().await?)
}
