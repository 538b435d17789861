//! A DNS server on loopback that answers as it is told.

use std::time::Duration;

use simple_dns::{ResourceRecord, rdata};
use tokio::{net::TcpListener, task::JoinHandle, time::timeout};

use super::*;

/// How long anything may take that takes milliseconds on an idle machine.
const SOON: Duration = Duration::from_secs(10);

fn record<'a>(name: &str, data: rdata::RData<'a>) -> ResourceRecord<'a> {
    ResourceRecord::new(Name::new(name).unwrap().into_owned(), CLASS::IN, 60, data)
}

fn address() -> rdata::RData<'static> {
    rdata::RData::A(rdata::A { address: Ipv4Addr::new(192, 0, 2, 1).into() })
}

/// The answer to a query, as a good server gives it.
fn good(query: &Packet<'_>) -> Packet<'static> {
    let mut answer = Packet::new_reply(query.id());
    answer.questions = query.questions.iter().map(|it| it.clone().into_owned()).collect();
    answer.answers.push(record("web.example", address()));
    answer
}

/// A server whose answers to a query by UDP are what `answers` makes of it, and by TCP what
/// `by_tcp` makes.
async fn serve(
    answers: impl Fn(&Packet<'_>) -> Vec<Vec<u8>> + Send + 'static,
    by_tcp: impl Fn(&Packet<'_>) -> Vec<u8> + Send + 'static,
) -> (SocketAddr, JoinHandle<()>) {
    // The number of a port may be taken by TCP alone.
    let (socket, listener) = loop {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        if let Ok(listener) = TcpListener::bind(socket.local_addr().unwrap()).await {
            break (socket, listener);
        }
    };
    let address = socket.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let mut buffer = [0; 512];
        loop {
            tokio::select! {
                received = socket.recv_from(&mut buffer) => {
                    let (length, client) = received.unwrap();
                    for answer in answers(&Packet::parse(&buffer[..length]).unwrap()) {
                        socket.send_to(&answer, client).await.unwrap();
                    }
                }
                accepted = listener.accept() => {
                    let (mut stream, _) = accepted.unwrap();
                    let length = stream.read_u16().await.unwrap();
                    let mut query = vec![0; length.into()];
                    stream.read_exact(&mut query).await.unwrap();
                    let answer = by_tcp(&Packet::parse(&query).unwrap());
                    stream.write_u16(answer.len().try_into().unwrap()).await.unwrap();
                    stream.write_all(&answer).await.unwrap();
                }
            }
        }
    });
    (address, server)
}

fn octets(packet: Packet<'_>) -> Vec<u8> {
    packet.build_bytes_vec().unwrap()
}

async fn ask(server: SocketAddr) -> Outcome {
    let check = Dns::new(server, "web.example", RecordType::A).unwrap();
    timeout(SOON, check.run()).await.unwrap()
}

fn nothing(_: &Packet<'_>) -> Vec<u8> {
    panic!("nobody asks by TCP")
}

#[tokio::test]
async fn one_record_of_the_type_is_enough() {
    let (server, _task) = serve(|query| vec![octets(good(query))], nothing).await;
    let expected = format!("{server} knows 1 A records of web.example");
    assert_eq!(ask(server).await, Outcome::Passed(expected));
    let upper = Dns::new(server, "WEB.example.", RecordType::A).unwrap();
    assert!(matches!(upper.run().await, Outcome::Passed(_)));
    let other = Dns::new(server, "web.example", RecordType::AAAA).unwrap().run().await;
    assert!(matches!(&other, Outcome::Failed(text) if text.contains("no AAAA record")));
}

#[tokio::test]
async fn an_alias_alone_is_not() {
    let alias = |query: &Packet<'_>| {
        let mut answer = good(query);
        let to = rdata::CNAME(Name::new("other.example").unwrap());
        answer.answers = vec![record("web.example", rdata::RData::CNAME(to))];
        vec![octets(answer)]
    };
    let (server, _task) = serve(alias, nothing).await;
    assert!(matches!(ask(server).await, Outcome::Failed(text) if text.contains("no A record")));
}

#[tokio::test]
async fn a_refusal_is_told_by_its_name() {
    let refuse = |query: &Packet<'_>| {
        let mut answer = good(query);
        *answer.rcode_mut() = RCODE::NameError;
        vec![octets(answer)]
    };
    let (server, _task) = serve(refuse, nothing).await;
    let expected = format!("{server} answers NXDOMAIN for web.example");
    assert_eq!(ask(server).await, Outcome::Failed(expected));
}

#[tokio::test]
async fn what_does_not_fit_is_asked_for_by_tcp() {
    let cut = |query: &Packet<'_>| {
        let mut answer = good(query);
        answer.set_flags(PacketFlag::TRUNCATION);
        let mut octets = octets(answer);
        // In the middle of a record.
        octets.truncate(octets.len() - 3);
        vec![octets]
    };
    let (server, _task) = serve(cut, |query| octets(good(query))).await;
    assert!(matches!(ask(server).await, Outcome::Passed(_)));
    let wrong = |query: &Packet<'_>| {
        let mut answer = good(query);
        answer.set_id(query.id().wrapping_add(1));
        octets(answer)
    };
    let (server, _task) = serve(cut, wrong).await;
    assert!(matches!(ask(server).await, Outcome::Failed(text) if text.contains("by TCP is none")));
}

#[tokio::test]
async fn only_an_answer_to_the_query_counts() {
    let others = |query: &Packet<'_>| {
        let mut wrong_number = good(query);
        wrong_number.set_id(query.id().wrapping_add(1));
        let mut wrong_name = good(query);
        wrong_name.questions[0].qname = Name::new("evil.example").unwrap();
        let mut without_question = good(query);
        without_question.questions.clear();
        let mut the_query = good(query);
        the_query.remove_flags(PacketFlag::RESPONSE);
        let mut all: Vec<Vec<u8>> =
            [wrong_number, wrong_name, without_question, the_query].map(octets).into();
        all.extend([vec![], vec![0; 5], octets(good(query))[..20].to_vec()]);
        all
    };
    let (server, _task) = serve(others, nothing).await;
    let check = Dns::new(server, "web.example", RecordType::A).unwrap();
    assert!(timeout(Duration::from_millis(300), check.run()).await.is_err());
    let then_ours = move |query: &Packet<'_>| [others(query), vec![octets(good(query))]].concat();
    let (server, _task) = serve(then_ours, nothing).await;
    assert!(matches!(ask(server).await, Outcome::Passed(_)));
}

#[tokio::test]
async fn an_answer_of_somebody_else_does_not_count() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let other = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let check = Dns::new(socket.local_addr().unwrap(), "web.example", RecordType::A).unwrap();
    let answer = async {
        let mut buffer = [0; 512];
        let (length, client) = socket.recv_from(&mut buffer).await.unwrap();
        let answer = octets(good(&Packet::parse(&buffer[..length]).unwrap()));
        other.send_to(&answer, client).await.unwrap();
        tokio::time::sleep(SOON).await;
    };
    tokio::select! {
        outcome = check.run() => panic!("{outcome:?}"),
        () = answer => panic!("nobody waits for so long"),
        () = tokio::time::sleep(Duration::from_millis(300)) => {}
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_fails_at_once() {
    let (server, task) = serve(|_| vec![], nothing).await;
    task.abort();
    // Its sockets close once the task is gone.
    assert!(task.await.unwrap_err().is_cancelled());
    assert!(matches!(ask(server).await, Outcome::Failed(text) if text.contains("refused")));
}

#[test]
fn each_query_has_a_number_of_its_own() {
    let check = Dns::new("127.0.0.1:53".parse().unwrap(), "web.example", RecordType::A).unwrap();
    let numbers: std::collections::BTreeSet<u16> =
        (0..100).map(|_| Query::of(&check).unwrap().number).collect();
    assert!(numbers.len() > 90, "{} numbers", numbers.len());
}

#[test]
fn what_is_no_name_is_told() {
    let server = "127.0.0.1:53".parse().unwrap();
    for name in ["a..b", &"x".repeat(64), &"long.".repeat(60)] {
        let error = Dns::new(server, name, RecordType::A).unwrap_err().to_string();
        assert!(error.contains("is no name of the DNS"), "{name}: {error}");
    }
    assert!(Dns::new(server, ".", RecordType::NS).is_ok(), "the root");
}
