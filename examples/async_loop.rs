//! The core on another executor: smol, one socket, and a backend that is a task. `async_loop
//! OWN_ADDRESS VRID ADDRESS` prints what happens, on the interface that has OWN_ADDRESS.
use std::{env, error::Error, io, net::SocketAddr, num::NonZeroU32, time};

use smol::{Async, Task, Timer, channel, future::FutureExt};
use socket2::{Domain, Socket, Type};
use vrrp_core::*;

/// How many datagrams are read before a deadline that has come: no flood holds timers up.
const BATCH: usize = 64;

/// What the loop waits for.
enum Turn {
    Heard,
    Answered(Generation, Answer),
    Due,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let mut argument = || arguments.next().ok_or("usage: async_loop OWN_ADDRESS VRID ADDRESS");
    let (own, vrid) = (argument()?.parse()?, argument()?.parse()?);
    let addresses = Ipv4Addresses::new([argument()?.parse::<std::net::Ipv4Addr>()?])?;
    let config = VirtualRouter::v3_ipv4(vrid, addresses, Centiseconds::ONE_SECOND);
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(112.into()))?;
    socket.join_multicast_v4(&IPV4_GROUP, &own)?;
    socket.set_multicast_if_v4(&own)?;
    socket.set_multicast_loop_v4(false)?;
    socket.set_multicast_ttl_v4(255)?;
    smol::block_on(run(own, config, Async::new(socket)?))
}

async fn run(
    own: std::net::Ipv4Addr,
    config: VirtualRouter,
    socket: Async<Socket>,
) -> Result<(), Box<dyn Error>> {
    let mut desired = Desired::new();
    let key = desired.insert(InterfaceId::new(NonZeroU32::MIN), config)?;
    let (begun, mut router) = (time::Instant::now(), Router::new());
    let now = || Instant::EPOCH + begun.elapsed();
    let (answers, answered) = channel::bounded(1);
    // Assigning another one drops it, which cancels it: the latest wish wins.
    let mut _asked: Option<Task<()>> = None;
    let mut buffer = [0; 65_536];
    let details = InterfaceDetails { ipv4: Some(own), ..InterfaceDetails::default() };
    let status = InterfaceStatus::Up(details);
    // The interface first: a configuration on one that is missing cannot adopt what a crash left.
    router.handle(now(), Input::Interface { id: key.interface, status });
    router.handle(now(), Input::Configure(&desired));
    loop {
        while let Some(output) = router.poll_output() {
            match output {
                Output::Transmit(transmit) => {
                    for packet in transmit.packets() {
                        let to = SocketAddr::new(packet.destination(), 0).into();
                        let len = packet.encode(&mut buffer)?;
                        socket.get_ref().send_to(&buffer[..len], &to)?;
                    }
                }
                Output::Lease(LeaseRequest { generation, want, .. }) => {
                    let (done, answers) = (want.done(Reach::OnLink), answers.clone());
                    _asked = Some(smol::spawn(async move {
                        Timer::after(time::Duration::from_millis(20)).await;
                        if let Some(answer) = done {
                            // A loop that has ended asks for nothing.
                            answers.send((generation, answer)).await.ok();
                        }
                    }));
                }
                other => println!("{other:?}"),
            }
        }
        let deadline = router.next_deadline();
        let heard = async { socket.readable().await.map(|()| Turn::Heard) };
        let answer = async {
            let (generation, answer) = answered.recv().await.map_err(io::Error::other)?;
            Ok(Turn::Answered(generation, answer))
        };
        let due = async {
            match deadline {
                Some(at) => drop(Timer::after(at - now()).await),
                None => std::future::pending().await,
            }
            Ok(Turn::Due)
        };
        let turn = heard.or(answer).or(due).await?;
        // Whatever woke it: what has arrived comes before what is due.
        for _ in 0..BATCH {
            let Some(len) = receive(socket.get_ref(), &mut buffer)? else { break };
            if let [head, _, _, _, _, _, _, _, ttl, _, _, _, a, b, c, d, e, f, g, h, ..] =
                buffer[..len]
            {
                let (source, destination) = ([a, b, c, d].into(), [e, f, g, h].into());
                let meta = RxMeta { interface: key.interface, source, destination, ttl };
                let bytes = buffer.get(usize::from(head & 15) * 4..len).unwrap_or_default();
                router.handle(now(), Input::Datagram { meta, bytes });
            }
        }
        match turn {
            Turn::Answered(generation, answer) => {
                router.handle(now(), Input::Answer { key, generation, answer });
            }
            Turn::Heard | Turn::Due if deadline.is_some_and(|at| at <= now()) => {
                router.handle(now(), Input::Timeout);
            }
            Turn::Heard | Turn::Due => {}
        }
    }
}

/// The next datagram that has arrived already.
fn receive(mut socket: &Socket, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    match io::Read::read(&mut socket, buffer) {
        Ok(len) => Ok(Some(len)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}
