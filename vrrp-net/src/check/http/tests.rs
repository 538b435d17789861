//! Real servers on loopback.
#![cfg(target_os = "linux")]

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use http_body_util::Full;
use hyper::{server, service::service_fn};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use super::*;

/// How long anything may take that takes milliseconds on an idle machine.
const SOON: Duration = Duration::from_secs(10);

/// Answers with what it was asked, in the body.
async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let asked = format!("{:?}", (request.method(), request.uri(), request.headers()));
    let path = request.uri().path().to_owned();
    let response = Response::builder();
    Ok(match path.as_str() {
        "/moved" => response.status(302).header("location", "/").body(Full::default()),
        "/broken" => response.status(503).body(Full::default()),
        "/big" => response.body(Full::from(format!("{}needle", "x".repeat(BODY - 6)))),
        "/bigger" => response.body(Full::from(format!("{}needle", "x".repeat(BODY)))),
        _ => response.body(Full::from(asked)),
    }
    .unwrap())
}

async fn serve_one(io: impl Read + Write + Unpin) {
    // A client may leave early.
    let _ = server::conn::http1::Builder::new().serve_connection(io, service_fn(answer)).await;
}

async fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve_one(TokioIo::new(stream)));
        }
    });
    address
}

/// A server that writes this to whoever connects, and then leaves the connection open.
async fn say(octets: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut open = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await.unwrap();
            // It may not be read to its end.
            let _ = stream.write_all(octets).await;
            open.push(stream);
        }
    });
    address
}

async fn run(check: Http) -> Outcome {
    timeout(SOON, check.run()).await.unwrap()
}

fn of(address: SocketAddr, path: &str) -> Http {
    Http::new(&format!("http://{address}{path}")).unwrap()
}

#[track_caller]
fn failed(outcome: &Outcome, why: &str) {
    assert!(matches!(outcome, Outcome::Failed(text) if text.contains(why)), "{outcome:?}");
}

#[tokio::test]
async fn the_status_decides() {
    let server = serve().await;
    let passed = run(of(server, "/healthz")).await;
    assert_eq!(passed, Outcome::Passed(format!("http://{server}/healthz answers 200 OK")));
    let broken = run(of(server, "/broken")).await;
    let expected = format!("http://{server}/broken answers 503 Service Unavailable, not 200-299");
    assert_eq!(broken, Outcome::Failed(expected));
    assert!(matches!(run(of(server, "/broken").status(500..=599)).await, Outcome::Passed(_)));
    failed(&run(of(server, "/moved")).await, "302 Found");
    failed(&run(of(server, "/").status(201..=299)).await, "not 201-299");
}

#[tokio::test]
async fn the_request_names_the_host_and_the_path() {
    let server = serve().await;
    for text in
        ["GET", "/a?b=c", &format!("\"host\": \"{server}\""), "\"connection\": \"close\"", "vrrp/"]
    {
        let outcome = run(of(server, "/a?b=c").body(text)).await;
        assert!(matches!(outcome, Outcome::Passed(_)), "{text}: {outcome:?}");
    }
    let by_name = format!("http://localhost:{}/", server.port());
    let check = Http::new(&by_name).unwrap().body(format!("localhost:{}", server.port()));
    assert!(matches!(run(check).await, Outcome::Passed(_)));
}

#[tokio::test]
async fn a_text_has_to_occur_in_what_is_read_of_the_body() {
    let server = serve().await;
    failed(&run(of(server, "/").body("needle")).await, "\"needle\" does not occur in it");
    assert!(matches!(run(of(server, "/big").body("needle")).await, Outcome::Passed(_)));
    failed(&run(of(server, "/bigger").body("needle")).await, "does not occur");
}

#[tokio::test]
async fn a_body_that_comes_in_pieces_is_one_text() {
    let pieces = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nnee\r\n3\r\ndle\r\n";
    let server = say(pieces).await;
    // It passes before the body has ended.
    assert!(matches!(run(of(server, "/").body("needle")).await, Outcome::Passed(_)));
    let other = of(server, "/").body("thread");
    assert!(timeout(Duration::from_millis(200), other.run()).await.is_err());
}

#[tokio::test]
async fn what_speaks_no_http_fails() {
    let server = say(b"SSH-2.0-OpenSSH_9.2\r\n").await;
    failed(&run(of(server, "/")).await, "invalid HTTP version");
    let endless = vec![b'a'; 200_000];
    let head = [b"HTTP/1.1 200 OK\r\nx: ".as_slice(), &endless].concat().leak();
    failed(&run(of(say(head).await, "/")).await, "too large");
}

#[tokio::test]
async fn a_server_that_leaves_or_is_not_there_fails() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let leave = async {
        drop(listener.accept().await.unwrap());
        std::future::pending::<Infallible>().await
    };
    tokio::select! {
        outcome = run(of(address, "/")) => {
            assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
        }
        never = leave => match never {},
    }
    drop(listener);
    failed(&run(of(address, "/")).await, "refused");
}

/// An authority, and a server with a certificate of it for these names.
async fn serve_tls(names: &[&str]) -> (String, SocketAddr) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // Some do not believe it.
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve_one(TokioIo::new(stream)).await;
                }
            });
        }
    });
    (authority.pem(), address)
}

#[tokio::test]
async fn a_certificate_of_the_authority_that_is_named_is_believed() {
    let (pem, server) = serve_tls(&["127.0.0.1", "localhost"]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, pem).unwrap();
    for host in ["127.0.0.1", "localhost"] {
        let url = format!("https://{host}:{}/", server.port());
        let check = Http::new(&url).unwrap().authorities(&file).body("GET");
        let outcome = run(check).await;
        assert!(matches!(outcome, Outcome::Passed(_)), "{outcome:?}");
    }
}

#[tokio::test]
async fn any_other_certificate_fails() {
    let (pem, server) = serve_tls(&["web.example"]).await;
    let (other, _) = serve_tls(&["127.0.0.1"]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let check = || Http::new(&format!("https://{server}/")).unwrap().authorities(&file);
    std::fs::write(&file, pem).unwrap();
    failed(&run(check()).await, "TLS: invalid peer certificate: certificate not valid for name");
    std::fs::write(&file, other).unwrap();
    failed(&run(check()).await, "TLS: invalid peer certificate");
    // There is no TLS where plain text is spoken.
    let plain = serve().await;
    let check = Http::new(&format!("https://{plain}/")).unwrap().authorities(&file);
    failed(&run(check).await, "TLS:");
}

#[tokio::test]
async fn authorities_that_cannot_be_read_are_no_failure_of_the_server() {
    let (_, server) = serve_tls(&["127.0.0.1"]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let check = || Http::new(&format!("https://{server}/")).unwrap().authorities(&file);
    let not_run = |outcome: &Outcome, why: &str| {
        assert!(matches!(outcome, Outcome::NotRun(text) if text.contains(why)), "{outcome:?}");
    };
    not_run(&run(check()).await, "cannot be read");
    std::fs::write(&file, "nothing").unwrap();
    not_run(&run(check()).await, "no certificate in");
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    std::fs::write(&file, broken).unwrap();
    not_run(&run(check()).await, "cannot be used");
}

#[tokio::test]
async fn the_hosts_authorities_do_not_vouch_for_a_stranger() {
    let (_, server) = serve_tls(&["127.0.0.1"]).await;
    let outcome = run(Http::new(&format!("https://{server}/")).unwrap()).await;
    // A host without any says so.
    let told = match &outcome {
        Outcome::Failed(text) => text.contains("invalid peer certificate: UnknownIssuer"),
        Outcome::NotRun(text) => text.contains("no certificates of authorities"),
        _ => false,
    };
    assert!(told, "{outcome:?}");
}

#[test]
fn it_is_the_same_if_it_asks_the_same() {
    let of = |url| Http::new(url).unwrap();
    let one = "http://127.0.0.1/a";
    assert!(of(one).is_same(&of(one)));
    assert!(!of(one).is_same(&of("http://127.0.0.1/b")));
    assert!(!of(one).is_same(&of(one).status(200..=200)));
    assert!(!of(one).is_same(&of(one).body("x")));
    assert!(!of(one).is_same(&of(one).authorities("/ca.pem")));
}
