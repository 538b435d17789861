//! The lab itself: its cables, faults, measurements, and that nothing of it outlives the process.

mod claims;
mod fifty;
mod health;
mod peers;
mod places;
mod reload;

use std::{
    env, fs,
    io::{BufRead, BufReader, Read},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket},
    os::fd::AsRawFd,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use vrrp_net::lab::{
    self, Cable, Capture, Client, Direction, Error, Host, Injector, Loss, Signal, Switch, Ticker,
    VrrpFrame, wait_until,
};

/// Tells this program that it is a child of one of its own tests.
const ROLE: &str = "VRRP_LAB_TEST_ROLE";
/// How long anything may take that takes no time on a machine at rest.
const SOON: Duration = Duration::from_secs(5);
const A4: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const A6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1);

type Outcome = Result<(), Failed>;

fn main() {
    let available = lab::enter();
    match env::var(ROLE).as_deref() {
        Ok("keeper") => return say(keep_a_process().map_err(|error| error.to_string())),
        Ok("pinger") => return say(ping_as_anybody(available)),
        _ => {}
    }
    let arguments = Arguments::from_args();
    let mut tests = vec![
        Trial::test("two_hosts_reach_each_other", two_hosts_reach_each_other),
        Trial::test("addresses_are_usable_at_once", addresses_are_usable_at_once),
        Trial::test("a_thread_stays_on_its_host", a_thread_stays_on_its_host),
        Trial::test(
            "a_cut_cable_loses_packets_but_not_the_carrier",
            a_cut_cable_loses_packets_but_not_the_carrier,
        ),
        Trial::test("an_unplugged_cable_loses_the_carrier", an_unplugged_cable_loses_the_carrier),
        Trial::test("a_destroyed_interface_can_be_restored", a_destroyed_interface_can_be_restored),
        needs_nft("a_lossy_cable_loses_some", a_lossy_cable_loses_some),
        needs_nft("a_cable_can_be_blocked_one_way", a_cable_can_be_blocked_one_way),
        Trial::test("a_frame_is_captured_once_and_in_order", a_frame_is_captured_once_and_in_order),
        Trial::test("a_capture_at_a_cable_sees_both_ways", a_capture_at_a_cable_sees_both_ways),
        Trial::test(
            "what_a_cut_host_sends_is_captured_at_its_port_alone",
            what_a_cut_host_sends_is_captured_at_its_port_alone,
        ),
        Trial::test(
            "a_capture_can_be_written_for_wireshark",
            a_capture_can_be_written_for_wireshark,
        ),
        Trial::test("an_injector_sends_what_was_asked_for", an_injector_sends_what_was_asked_for),
        Trial::test(
            "a_process_is_on_its_host_and_dies_with_it",
            a_process_is_on_its_host_and_dies_with_it,
        ),
        Trial::test(
            "a_process_can_be_signalled_and_waited_for",
            a_process_can_be_signalled_and_waited_for,
        ),
        Trial::test("labs_with_the_same_names_do_not_meet", labs_with_the_same_names_do_not_meet),
        Trial::test("what_makes_no_sense_is_refused", what_makes_no_sense_is_refused),
        Trial::test("a_ticker_measures", a_ticker_measures),
        Trial::test("a_killed_lab_leaves_nothing", a_killed_lab_leaves_nothing),
        Trial::ignorable_test("anybody_can_have_a_lab", anybody_can_have_a_lab),
    ];
    tests.extend(claims::tests());
    tests.extend(fifty::tests());
    tests.extend(health::tests());
    tests.extend(peers::tests());
    tests.extend(places::tests());
    tests.extend(reload::tests());
    if let Err(reason) = available {
        println!("every test is ignored: {reason}");
        tests = tests.into_iter().map(|test| test.with_ignored_flag(true)).collect();
    }
    libtest_mimic::run(&arguments, tests).exit();
}

/// Tells the test whose child this program is.
fn say(outcome: Result<&str, String>) {
    println!("{}", outcome.unwrap_or_else(|error| panic!("{error}")));
}

fn needs_nft(name: &str, test: fn() -> Outcome) -> Trial {
    Trial::ignorable_test(name, move || {
        if Command::new("nft").arg("--version").output().is_err() {
            return Ok(Completion::ignored_with("the program nft is missing"));
        }
        test().map(|()| Completion::Completed)
    })
}

fn check(holds: bool, what: impl std::fmt::Display) -> Outcome {
    if holds { Ok(()) } else { Err(what.to_string().into()) }
}

/// Hosts a (10.0.0.1, fd00::1) and b (.2) on a switch.
struct Pair {
    a: Host,
    b: Host,
    switch: Switch,
    cable_a: Cable,
    cable_b: Cable,
}

impl Pair {
    fn new() -> Result<Self, Error> {
        let switch = Switch::new()?;
        let (a, b) = (Host::new("a")?, Host::new("b")?);
        let cable_a = Cable::new(&a, "eth0", &switch, &["10.0.0.1/24", "fd00::1/64"])?;
        let cable_b = Cable::new(&b, "eth0", &switch, &["10.0.0.2/24", "fd00::2/64"])?;
        Ok(Self { a, b, switch, cable_a, cable_b })
    }

    /// A client on b of an address of a, once it is answered.
    fn client(&self, address: impl Into<IpAddr>) -> Result<Client, Failed> {
        let client = Client::start(&self.b, address.into(), 1_000)?;
        is_answered(&client, "at first")?;
        Ok(client)
    }
}

fn is_answered(client: &Client, when: &str) -> Outcome {
    check(client.wait_for_reply(client.mark(), SOON), format!("no reply {when}"))
}

/// Waits until the client's report since now is as wanted.
fn expect(client: &Client, what: &str, wanted: impl Fn(&Loss) -> bool) -> Outcome {
    let mark = client.mark();
    check(
        wait_until(SOON, || wanted(&client.since(mark))),
        format!("{what}: {:?}", client.since(mark)),
    )
}

/// Waits until 100 packets in a row are answered: on a busy machine, and when a neighbour has to be
/// looked for again, that can take a second.
fn loses_nothing(client: &Client, when: &str) -> Outcome {
    let is_flawless = || {
        let mark = client.mark();
        wait_until(SOON, || client.since(mark).answered >= 100 || client.since(mark).lost > 0);
        client.since(mark).lost == 0
    };
    check(wait_until(SOON, is_flawless), format!("packets are lost {when}: {:?}", client.report()))
}

fn advert(number: u8) -> Result<Vec<u8>, Error> {
    VrrpFrame::new(A4.into(), Ipv4Addr::new(224, 0, 0, 18).into(), vec![number; 8]).encode()
}

fn count_adverts(capture: &Capture) -> usize {
    capture.frames().iter().filter(|frame| frame.vrrp().is_some()).count()
}

fn two_hosts_reach_each_other() -> Outcome {
    let pair = Pair::new()?;
    for address in [IpAddr::from(A4), A6.into()] {
        let mut client = Client::start(&pair.b, address, 1_000)?;
        loses_nothing(&client, "at first")?;
        let begun = client.mark();
        expect(&client, "answered", |loss| loss.answered >= 200)?;
        client.stop();
        let loss = client.since(begun);
        check(
            loss.lost == 0 && loss.pending == 0 && loss.duplicates == 0,
            format!("{address}: {loss:?}"),
        )?;
        check(
            loss.sent == loss.answered && loss.first_reply.is_some(),
            format!("{address}: {loss:?}"),
        )?;
    }
    Ok(())
}

fn addresses_are_usable_at_once() -> Outcome {
    let pair = Pair::new()?;
    for address in [IpAddr::from(A4), A6.into()] {
        pair.a.run(|| UdpSocket::bind((address, 0)))??;
        check(
            pair.b.run(|| UdpSocket::bind((address, 0)))?.is_err(),
            format!("{address} is on b too"),
        )?;
    }
    // Address, index, prefix length, scope, flags and name, all in hexadecimal.
    let table = pair.a.run(|| fs::read_to_string("/proc/thread-self/net/if_inet6"))??;
    let lines = || table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let link_local =
        lines().find(|fields| fields.first().is_some_and(|address| address.starts_with("fe80")));
    let flags = u32::from_str_radix(
        link_local.ok_or("no link-local address")?.get(4).ok_or("no flags")?,
        16,
    )?;
    check(flags & libc::IFA_F_TENTATIVE == 0, table)
}

fn a_thread_stays_on_its_host() -> Outcome {
    let pair = Pair::new()?;
    let receiver = pair.a.run(|| UdpSocket::bind((A4, 5_000)))??;
    receiver.set_read_timeout(Some(SOON))?;
    let sender =
        pair.b.thread("sender", || UdpSocket::bind("0.0.0.0:0")?.send_to(b"hello", (A4, 5_000)))?;
    let (length, from) = receiver.recv_from(&mut [0; 16])?;
    check(length == 5 && from.ip() == Ipv4Addr::new(10, 0, 0, 2), from)?;
    check(sender.join().is_ok_and(|sent| sent.is_ok()), "the thread failed")
}

fn a_cut_cable_loses_packets_but_not_the_carrier() -> Outcome {
    let pair = Pair::new()?;
    let client = pair.client(A4)?;
    let before = client.mark();
    pair.cable_a.cut()?;
    expect(&client, "lost after the cut", |loss| loss.lost >= 50 && loss.answered == 0)?;
    check(pair.cable_a.has_carrier()?, "the host lost its carrier")?;
    pair.cable_a.mend()?;
    let mended = client.mark();
    check(client.wait_for_reply(mended, SOON), "no reply after mending")?;
    loses_nothing(&client, "after mending")?;
    let cut = client.between(before, mended);
    check(cut.lost >= 50 && cut.longest_gap >= Duration::from_millis(50), format!("{cut:?}"))
}

fn an_unplugged_cable_loses_the_carrier() -> Outcome {
    let pair = Pair::new()?;
    let client = pair.client(A4)?;
    check(pair.cable_a.has_carrier()?, "no carrier at first")?;
    pair.cable_a.unplug()?;
    let is_down = || pair.cable_a.has_carrier().is_ok_and(|carrier| !carrier);
    check(wait_until(SOON, is_down), "the carrier stays")?;
    expect(&client, "lost while unplugged", |loss| loss.lost > 0)?;
    pair.cable_a.plug()?;
    check(pair.cable_a.has_carrier()?, "the carrier does not come back")?;
    is_answered(&client, "after plugging it in")
}

fn a_destroyed_interface_can_be_restored() -> Outcome {
    let pair = Pair::new()?;
    let client = pair.client(A4)?;
    let mac = pair.cable_a.mac()?;
    pair.cable_a.destroy()?;
    check(pair.cable_a.mac().is_err(), "the interface is still there")?;
    expect(&client, "lost without the interface", |loss| loss.lost > 0)?;
    pair.cable_a.restore()?;
    check(pair.cable_a.mac()? != mac, "the interface is not a new one")?;
    drop(client);
    // The neighbour still knows the old MAC address; IPv6 has not been used yet.
    pair.client(A6).map(drop)
}

fn a_lossy_cable_loses_some() -> Outcome {
    let pair = Pair::new()?;
    let client = pair.client(A4)?;
    pair.cable_a.lose(50.0, Direction::ToHost)?;
    expect(&client, "half of them lost", |loss| loss.lost >= 50 && loss.answered >= 50)?;
    // The other way nothing is lost: what a sends arrives.
    let injector = Injector::new(&pair.a, "eth0")?;
    let capture = Capture::cable(&pair.cable_b)?;
    for number in 0..200 {
        injector.send(&advert(number)?)?;
    }
    let is_complete = wait_until(SOON, || count_adverts(&capture) == 200);
    check(is_complete, format!("{} of 200 arrived", count_adverts(&capture)))?;
    pair.cable_a.mend()?;
    loses_nothing(&client, "after mending")
}

fn a_cable_can_be_blocked_one_way() -> Outcome {
    let pair = Pair::new()?;
    let client = pair.client(A6)?;
    for direction in [Direction::FromHost, Direction::ToHost] {
        pair.cable_a.block(direction)?;
        let capture = Capture::cable(&pair.cable_a)?;
        expect(&client, "all lost", |loss| loss.lost >= 20 && loss.answered == 0)?;
        // Requests still come to a when the block is on the way back.
        let sees_requests =
            capture.frames().iter().any(|frame| frame.direction == Direction::ToHost);
        check(
            sees_requests == (direction == Direction::FromHost),
            format!("{direction:?}: {sees_requests}"),
        )?;
        pair.cable_a.lose(0.0, direction)?;
        is_answered(&client, "after unblocking")?;
    }
    Ok(())
}

fn a_frame_is_captured_once_and_in_order() -> Outcome {
    let pair = Pair::new()?;
    let third = Host::new("c")?;
    Cable::new(&third, "eth0", &pair.switch, &["10.0.0.3/24"])?;
    let capture = Capture::start(&pair.switch)?;
    let injector = Injector::new(&pair.a, "eth0")?;
    let begun = lab::now();
    for number in 0..100 {
        injector.send(&advert(number)?)?;
    }
    let last =
        capture.wait_for(SOON, |frame| frame.vrrp().is_some_and(|vrrp| vrrp.payload == [99; 8]));
    let last = last.ok_or("the last frame was not captured")?;
    let frames: Vec<_> =
        capture.frames().into_iter().filter(|frame| frame.vrrp().is_some()).collect();
    let numbers: Vec<u8> =
        frames.iter().filter_map(|frame| frame.vrrp()?.payload.first().copied()).collect();
    check(numbers == (0..100).collect::<Vec<u8>>(), format!("captured {numbers:?}"))?;
    check(frames.iter().all(|frame| &*frame.port == pair.cable_a.port()), "another port")?;
    check(frames.is_sorted_by_key(|frame| frame.at), "times out of order")?;
    let first = frames.first().map(|frame| frame.at).unwrap_or_default();
    check(begun <= first && last.at <= lab::now(), format!("{begun:?} {first:?} {last:?}"))?;
    check(capture.dropped() == 0, "frames were dropped")
}

fn a_capture_at_a_cable_sees_both_ways() -> Outcome {
    let pair = Pair::new()?;
    let capture = Capture::cable(&pair.cable_a)?;
    let _client = pair.client(A4)?;
    for direction in [Direction::FromHost, Direction::ToHost] {
        // Ethernet and IPv4 headers, and an echo with 16 bytes.
        let seen =
            capture.wait_for(SOON, |frame| frame.direction == direction && frame.bytes.len() == 58);
        check(seen.is_some(), format!("no echo {direction:?}"))?;
    }
    let foreign = capture.frames().into_iter().find(|frame| &*frame.port != pair.cable_a.port());
    check(foreign.is_none(), format!("{foreign:?}"))
}

fn what_a_cut_host_sends_is_captured_at_its_port_alone() -> Outcome {
    let pair = Pair::new()?;
    let (all, at_b) = (Capture::start(&pair.switch)?, Capture::cable(&pair.cable_b)?);
    let injector = Injector::new(&pair.a, "eth0")?;
    pair.cable_a.cut()?;
    injector.send(&advert(1)?)?;
    pair.cable_a.mend()?;
    injector.send(&advert(2)?)?;
    let is_second = |frame: &lab::Frame| frame.vrrp().is_some_and(|vrrp| vrrp.payload == [2; 8]);
    for capture in [&all, &at_b] {
        check(capture.wait_for(SOON, is_second).is_some(), "the frame after mending is missing")?;
    }
    check(count_adverts(&all) == 2, format!("{} frames entered the switch", count_adverts(&all)))?;
    check(count_adverts(&at_b) == 1, format!("{} frames reached b", count_adverts(&at_b)))
}

fn a_capture_can_be_written_for_wireshark() -> Outcome {
    let pair = Pair::new()?;
    let capture = Capture::start(&pair.switch)?;
    let advert = advert(7)?;
    Injector::new(&pair.a, "eth0")?.send(&advert)?;
    let frame = capture.wait_for(SOON, |frame| frame.bytes == advert).ok_or("not captured")?;
    let path = env::temp_dir().join(format!("vrrp-lab-{}.pcap", std::process::id()));
    capture.write_pcap(&path)?;
    let written = fs::read(&path)?;
    fs::remove_file(&path)?;
    check(written.starts_with(&0xa1b2_3c4d_u32.to_ne_bytes()), "the magic number is wrong")?;
    let mut record = u32::try_from(frame.at.as_secs())?.to_ne_bytes().to_vec();
    record.extend(frame.at.subsec_nanos().to_ne_bytes());
    record.extend([u32::try_from(advert.len())?.to_ne_bytes(); 2].concat());
    record.extend(&advert);
    check(
        written.windows(record.len()).any(|window| window == record),
        "the frame is not in the file",
    )
}

fn an_injector_sends_what_was_asked_for() -> Outcome {
    let pair = Pair::new()?;
    let capture = Capture::cable(&pair.cable_b)?;
    let injector = Injector::new(&pair.a, "eth0")?;
    let advert = advert(0)?;
    let (rate, duration) = (50_000, Duration::from_millis(400));
    let injected = injector.inject(rate, duration, |_| advert.clone())?;
    // Fewer only where this machine could not keep up for a second more.
    let was_slow = injected.took >= duration + Duration::from_secs(1);
    check(injected.sent == 20_000 || was_slow, format!("{injected:?}"))?;
    check(injected.took >= duration, format!("faster than asked for: {injected:?}"))?;
    let seen = || count_adverts(&capture) as u64 + capture.dropped();
    let all = wait_until(SOON, || seen() >= injected.sent);
    check(all, format!("{} of {} arrived", seen(), injected.sent))
}

fn a_process_is_on_its_host_and_dies_with_it() -> Outcome {
    let pair = Pair::new()?;
    let mut command = Command::new("sh");
    command.args(["-c", "cat /proc/self/net/dev; echo; exec sleep 1000"]).stdout(Stdio::piped());
    let mut process = pair.a.spawn(command)?;
    let pid = process.pid();
    let lines = BufReader::new(process.stdout().ok_or("no pipe")?).lines().map_while(Result::ok);
    let interfaces: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    check(
        interfaces.iter().any(|line| line.trim().starts_with("eth0:")),
        format!("{interfaces:?}"),
    )?;
    check(process.try_wait()?.is_none(), "it ended too early")?;
    drop(pair.a);
    let exit = process.wait_timeout(SOON)?.ok_or("the process outlives its host")?;
    check(!is_alive(pid) && !exit.success(), exit)
}

fn a_process_can_be_signalled_and_waited_for() -> Outcome {
    let host = Host::new("a")?;
    let sleep = || {
        let mut command = Command::new("sleep");
        command.arg("1000");
        host.spawn(command)
    };
    let mut process = sleep()?;
    check(process.wait_timeout(Duration::ZERO)?.is_none(), "it ended too early")?;
    process.signal(Signal::SIGTERM)?;
    let exit = process.wait_timeout(SOON)?.ok_or("SIGTERM did not end it")?;
    check(exit.to_string().contains("15"), exit)?;
    check(process.signal(Signal::SIGTERM).is_err(), "a signal reached a process that is gone")?;
    let dropped = sleep()?;
    let pid = dropped.pid();
    check(is_alive(pid), "it does not run")?;
    drop(dropped);
    check(!is_alive(pid), "it outlives its handle")?;
    let missing = host.spawn(Command::new("/nonexistent/program"));
    check(
        missing.is_err_and(|error| error.to_string().contains("/nonexistent/program")),
        "no error names it",
    )
}

fn labs_with_the_same_names_do_not_meet() -> Outcome {
    let (one, other) = (Pair::new()?, Pair::new()?);
    let (in_one, in_other) = (one.client(A4)?, other.client(A4)?);
    one.cable_a.cut()?;
    expect(&in_one, "lost in the one", |loss| loss.lost >= 20)?;
    loses_nothing(&in_other, "in the other")
}

fn what_makes_no_sense_is_refused() -> Outcome {
    let pair = Pair::new()?;
    let says = |outcome: Result<(), Error>, words: &str| match outcome {
        Err(error) if error.to_string().contains(words) => Ok(()),
        outcome => Err(Failed::from(format!("{outcome:?} does not say {words}"))),
    };
    let cable =
        |name: &str, address: &str| Cable::new(&pair.a, name, &pair.switch, &[address]).map(drop);
    says(cable("eth1", "10.0.0.1"), "10.0.0.1 is not an address")?;
    says(cable("eth0", "10.0.0.9/24"), "eth0")?;
    says(cable("quite-a-long-name", "10.0.0.9/24"), "longer than 15")?;
    says(pair.cable_a.lose(101.0, Direction::ToHost), "101")?;
    says(Client::start(&pair.a, A4.into(), 0).map(drop), "0 packets")?;
    says(Injector::new(&pair.a, "eth7").map(drop), "eth7")
}

fn a_ticker_measures() -> Outcome {
    let ticker = Ticker::start()?;
    check(wait_until(SOON, || ticker.worst_gap() >= Duration::from_millis(1)), "no gap of a tick")?;
    let running = ticker.worst_gap();
    check(ticker.worst_gap() >= running, "the worst gap became better")?;
    let answered = wait_until(SOON, || ticker.worst_answer() > Duration::ZERO);
    check(
        answered && ticker.worst_answer() < SOON,
        format!("the kernel answered in {:?}", ticker.worst_answer()),
    )
}

/// A lab that is killed: its process must be gone.
fn a_killed_lab_leaves_nothing() -> Outcome {
    let mut command = Command::new(env::current_exe()?);
    let mut keeper =
        Reaped(command.env(ROLE, "keeper").stdout(Stdio::piped()).stdin(Stdio::null()).spawn()?);
    let mut line = String::new();
    BufReader::new(keeper.0.stdout.take().ok_or("no pipe")?).read_line(&mut line)?;
    let pid: u32 = line.trim().parse().map_err(|_| format!("the child said {line:?}"))?;
    check(is_alive(pid), "the grandchild does not run")?;
    let namespace = fs::read_link(format!("/proc/{pid}/ns/net"))?;
    check(namespace != fs::read_link("/proc/self/ns/net")?, "the grandchild is in our namespace")?;
    keeper.0.kill()?;
    keeper.0.wait()?;
    check(wait_until(SOON, || !is_alive(pid)), "the grandchild outlives the lab")?;
    check(!is_in_use(&namespace), "the namespace is still in use")
}

/// The child of [`a_killed_lab_leaves_nothing`].
fn keep_a_process() -> Result<&'static str, Error> {
    let pair = Pair::new()?;
    let mut command = Command::new("sleep");
    command.arg("1000");
    let process = pair.a.spawn(command)?;
    println!("{}", process.pid());
    loop {
        std::thread::park();
    }
}

/// This program again as nobody, through a file descriptor: nobody may not be allowed to find its
/// file.
fn anybody_can_have_a_lab() -> Result<Completion, Failed> {
    let is_own_namespace =
        fs::read_to_string("/proc/self/uid_map")?.split_whitespace().nth(2) == Some("1");
    if !nix::unistd::geteuid().is_root() || is_own_namespace {
        return Ok(Completion::ignored_with("the tests run as an ordinary user already"));
    }
    let program = fs::File::open(env::current_exe()?)?;
    fcntl(&program, FcntlArg::F_SETFD(FdFlag::empty()))?;
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    command
        .arg(format!("/proc/self/fd/{}", program.as_raw_fd()))
        .env(ROLE, "pinger")
        .current_dir("/");
    let mut child =
        match command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Completion::ignored_with("the program setpriv is missing"));
            }
            child => Reaped(child?),
        };
    let (mut said, mut complained) = (String::new(), String::new());
    child.0.stdout.take().ok_or("no pipe")?.read_to_string(&mut said)?;
    child.0.stderr.take().ok_or("no pipe")?.read_to_string(&mut complained)?;
    let exit = child.0.wait()?;
    if let Some(reason) = said.strip_prefix("unavailable: ") {
        return Ok(Completion::ignored_with(reason.trim()));
    }
    check(exit.success() && said.trim() == "answered", format!("{exit}: {said} {complained}"))?;
    Ok(Completion::Completed)
}

/// The child of [`anybody_can_have_a_lab`]. It may do nothing outside of its own namespaces.
fn ping_as_anybody(available: Result<(), lab::Unavailable>) -> Result<&'static str, String> {
    if let Err(reason) = available {
        println!("unavailable: {reason}");
        return Ok("");
    }
    lab::enter().map_err(|reason| format!("a second time: {reason}"))?;
    use_every_part().map_err(|failed| failed.message().unwrap_or_default().to_owned())?;
    Ok("answered")
}

fn use_every_part() -> Outcome {
    let pair = Pair::new()?;
    let capture = Capture::start(&pair.switch)?;
    Injector::new(&pair.a, "eth0")?.send(&advert(1)?)?;
    check(capture.wait_for(SOON, |frame| frame.vrrp().is_some()).is_some(), "no frame captured")?;
    let mut client = pair.client(A6)?;
    match pair.cable_a.block(Direction::ToHost) {
        Err(Error::Nft(text)) if text.contains("missing") => {}
        blocked => blocked?,
    }
    pair.cable_a.mend()?;
    is_answered(&client, "after mending")?;
    check(client.stop().answered > 0, "nothing was answered")
}

/// A child that is gone when this is dropped.
struct Reaped(Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether a process runs: one that nobody has waited for yet does not.
fn is_alive(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    status.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// Whether any process is in this network namespace.
fn is_in_use(namespace: &Path) -> bool {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut links = processes.map(|process| process.path().join("ns/net"));
    links.any(|link| fs::read_link(link).is_ok_and(|to| to == namespace))
}
