//! The core without tokio: one socket, one loop, and a backend that holds nothing and always
//! agrees. `blocking_loop OWN_ADDRESS VRID ADDRESS` prints what happens, on the interface that has
//! OWN_ADDRESS.
use std::{env, error::Error, io::Read, net::SocketAddr, num::NonZeroU32, time};

use socket2::{Domain, Socket, Type};
use vrrp_core::*;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let mut argument = || arguments.next().ok_or("usage: blocking_loop OWN_ADDRESS VRID ADDRESS");
    let (own, vrid) = (argument()?.parse()?, argument()?.parse()?);
    let addresses = Ipv4Addresses::new([argument()?.parse::<std::net::Ipv4Addr>()?])?;
    let config = VirtualRouter::v3_ipv4(vrid, addresses, Centiseconds::ONE_SECOND);
    let mut desired = Desired::new();
    let key = desired.insert(InterfaceId::new(NonZeroU32::MIN), config)?;
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(112.into()))?;
    socket.join_multicast_v4(&IPV4_GROUP, &own)?;
    socket.set_multicast_if_v4(&own)?;
    socket.set_multicast_loop_v4(false)?;
    socket.set_multicast_ttl_v4(255)?;
    let (begun, mut router) = (time::Instant::now(), Router::new());
    let (mut buffer, mut looked) = ([0; 65_536], false);
    let now = || Instant::EPOCH + begun.elapsed();
    let status =
        InterfaceStatus::Up(InterfaceDetails { ipv4: Some(own), ..InterfaceDetails::default() });
    // The interface first: a configuration on one that is missing cannot adopt what a crash left.
    router.handle(now(), Input::Interface { id: key.interface, status });
    router.handle(now(), Input::Configure(&desired));
    loop {
        let mut asked = None;
        while let Some(output) = router.poll_output() {
            match output {
                Output::Transmit(transmit) => {
                    for packet in transmit.packets() {
                        let len = packet.encode(&mut buffer)?;
                        socket.send_to(
                            &buffer[..len],
                            &SocketAddr::new(packet.destination(), 0).into(),
                        )?;
                    }
                }
                Output::Lease(LeaseRequest { generation, want, .. }) => {
                    asked = want.done(Reach::OnLink).map(|answer| (generation, answer));
                }
                other => println!("{other:?}"),
            }
        }
        let left = router.next_deadline().map(|at| at - now());
        if let Some((generation, answer)) = asked {
            router.handle(now(), Input::Answer { key, generation, answer });
        } else if looked && left == Some(time::Duration::ZERO) {
            router.handle(now(), Input::Timeout);
            looked = false;
        } else {
            // What has arrived comes before what is due, one at a time, so that no flood holds
            // timers up.
            socket.set_read_timeout(left.map(|left| left.max(time::Duration::from_micros(1))))?;
            let len = (&socket).read(&mut buffer).unwrap_or(0);
            looked = true;
            if let [head, _, _, _, _, _, _, _, ttl, _, _, _, a, b, c, d, e, f, g, h, ..] =
                buffer[..len]
            {
                let (source, destination) = ([a, b, c, d].into(), [e, f, g, h].into());
                let meta = RxMeta { interface: key.interface, source, destination, ttl };
                let bytes = buffer.get(usize::from(head & 15) * 4..len).unwrap_or_default();
                router.handle(now(), Input::Datagram { meta, bytes });
            }
        }
    }
}
