//! A cloud's API for one floating IP, as small as it can be.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use vrrp_net::lab::Host;

/// The API, and what it was asked.
pub(crate) struct Cloud {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    assigned: Option<String>,
    calls: Vec<String>,
}

/// Serves the API on the loopback of `host` for as long as the test runs.
pub(crate) fn start(host: &Host) -> Cloud {
    let listener = host.run(|| TcpListener::bind("127.0.0.1:0")).unwrap().unwrap();
    let address = listener.local_addr().unwrap();
    let state = Arc::<Mutex<State>>::default();
    let shared = Arc::clone(&state);
    std::thread::spawn(move || {
        for connection in listener.incoming().map_while(Result::ok) {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || serve(&connection, &shared));
        }
    });
    Cloud { address, state }
}

impl Cloud {
    pub(crate) fn url(&self) -> String {
        format!("http://{}/ip/7", self.address)
    }

    pub(crate) fn assigned(&self) -> Option<String> {
        self.state.lock().unwrap().assigned.clone()
    }

    pub(crate) fn assign(&self, server: &str) {
        self.state.lock().unwrap().assigned = Some(server.to_owned());
    }

    /// Each call's path and server, in order.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.state.lock().unwrap().calls.clone()
    }
}

fn serve(connection: &TcpStream, state: &Mutex<State>) -> io::Result<()> {
    let mut reader = BufReader::new(connection);
    loop {
        let Some((path, body)) = request(&mut reader)? else { return Ok(()) };
        let body: serde_json::Value = serde_json::from_str(&body)?;
        let server = body["server"].as_str().unwrap_or_default();
        let status = answer(state, &path, server);
        write!(&mut &*connection, "HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n")?;
    }
}

fn answer(state: &Mutex<State>, path: &str, server: &str) -> &'static str {
    state.lock().unwrap().call(path, server)
}

/// The path and the body of the next request; `None` when the connection is closed.
fn request(reader: &mut impl BufRead) -> io::Result<Option<(String, String)>> {
    let (mut line, mut path, mut length) = (String::new(), String::new(), 0);
    while line != "\r\n" {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.split_once(' ') {
            Some(("POST", rest)) => path = rest.split(' ').next().unwrap_or_default().to_owned(),
            Some((name, value)) if name.eq_ignore_ascii_case("content-length:") => {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
            _ => {}
        }
    }
    let mut body = String::new();
    reader.take(length).read_to_string(&mut body)?;
    Ok(Some((path, body)))
}

impl State {
    fn call(&mut self, path: &str, server: &str) -> &'static str {
        self.calls.push(format!("{path} {server}"));
        match path {
            "/ip/7/assign" => self.assigned = Some(server.to_owned()),
            "/ip/7/unassign" if self.assigned.as_deref() == Some(server) => self.assigned = None,
            "/ip/7/unassign" => return "409 Conflict",
            _ => return "404 Not Found",
        }
        "200 OK"
    }
}
