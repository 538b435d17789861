//! [`Capture`]: every frame, with the time at which it passed.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufWriter, Write},
    mem::size_of,
    os::fd::AsRawFd,
    path::Path,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use bytes::Bytes;
use libc::{BPF_ABS, BPF_B, BPF_H, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W};
use nix::{
    net::if_::{if_indextoname, if_nametoindex},
    sys::socket::LinkAddr,
};
use socket2::{SockFilter, Socket};

use super::{
    Cable, Direction, Error, Frame, Switch,
    error::Doing,
    namespace::Namespace,
    raw::{self, Received},
    switch::BRIDGE,
};

/// All protocols (`ETH_P_ALL` of `linux/if_ether.h`).
const EVERYTHING: u16 = 3;
/// The longest frame.
const LONGEST: usize = 65_536 + 14;
/// What a packet socket calls a frame that leaves (`PACKET_OUTGOING`).
const OUTGOING: u8 = 4;
/// Where a packet filter finds that (`SKF_AD_OFF + SKF_AD_PKTTYPE` of `linux/filter.h`).
const KIND: u32 = (libc::SKF_AD_OFF + libc::SKF_AD_PKTTYPE).cast_unsigned();
/// Where a frame has its type, and the IPv4 packet in it its protocol.
const ETHERTYPE: u32 = 12;
const PROTOCOL: u32 = 14 + 9;
/// The type of ARP's frames, and the protocol of VRRP (RFC 9568 5.1.1.4).
const ARP: u32 = 0x0806;
const VRRP: u32 = 112;

/// How long [`Capture::frames`] waits for the reader: in a flood there is always more.
const CATCHING_UP: Duration = Duration::from_millis(100);

/// The names of the interfaces by their index.
type Names = HashMap<usize, Arc<str>>;

/// What a capture keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kinds {
    /// What enters and what leaves the switch.
    Everything,
    /// What enters it.
    Sent,
    /// Of that, who says that an address is his.
    Claims,
}

/// A sniffer at a switch. It ends when it is dropped.
///
/// It sits in front of the switch's faults: what a host sends is seen even when its cable is cut or
/// the frame is then lost (but not when the cable is unplugged).
#[derive(Debug)]
pub struct Capture {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    socket: Socket,
    frames: Mutex<Vec<Frame>>,
    arrived: Condvar,
    dropped: AtomicU64,
    ended: AtomicBool,
}

impl Capture {
    /// Captures what the hosts send, each frame once, where it enters the switch.
    ///
    /// # Errors
    /// [`Error`] with what the operating system says.
    pub fn start(switch: &Switch) -> Result<Self, Error> {
        Self::begin(switch.namespace(), None, Kinds::Sent)
    }

    /// Captures what the hosts say about IPv4 addresses, VRRP and ARP alone: beside clients that is
    /// much less than what [`start`](Self::start) captures.
    ///
    /// # Errors
    /// [`Error`] with what the operating system says.
    pub fn claims(switch: &Switch) -> Result<Self, Error> {
        Self::begin(switch.namespace(), None, Kinds::Claims)
    }

    /// Captures what the host at the end of one cable sends: where much else passes, much less than
    /// [`start`](Self::start) would.
    ///
    /// # Errors
    /// [`Error`] with what the operating system says.
    pub fn sent(cable: &Cable) -> Result<Self, Error> {
        Self::begin(cable.switch(), Some(cable.port()), Kinds::Sent)
    }

    /// Captures what passes one cable, both ways. The cable's interface must exist.
    ///
    /// # Errors
    /// [`Error`] with what the operating system says.
    pub fn cable(cable: &Cable) -> Result<Self, Error> {
        Self::begin(cable.switch(), Some(cable.port()), Kinds::Everything)
    }

    fn begin(switch: &Namespace, port: Option<&str>, kinds: Kinds) -> Result<Self, Error> {
        let starting = || "starting a capture".to_owned();
        let open = || {
            let index = port.map_or(Ok(0), if_nametoindex)?;
            let socket = raw::packet_socket(index, EVERYTHING)?;
            match kinds {
                Kinds::Everything => {}
                Kinds::Sent => socket.attach_filter(&only_arriving())?,
                Kinds::Claims => socket.attach_filter(&only_claims())?,
            }
            raw::wait_for_stamps().map(|()| socket)
        };
        let shared = Arc::new(Shared {
            socket: switch.run(open).doing(starting)?.doing(starting)?,
            frames: Mutex::default(),
            arrived: Condvar::new(),
            dropped: AtomicU64::new(0),
            ended: AtomicBool::new(false),
        });
        let reader = Arc::clone(&shared);
        let thread = switch.thread("capture", move || reader.read(kinds)).doing(starting)?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// What has passed so far, in the order of [`Frame::at`].
    #[must_use]
    pub fn frames(&self) -> Vec<Frame> {
        let mut frames = self.shared.caught_up().clone();
        // A processor may be late to hand over what it has stamped.
        frames.sort_by_key(|frame| frame.at);
        frames
    }

    /// The first captured frame that `wanted` accepts: one that is there already, or one that comes
    /// `within` this time. For a frame after some event let `wanted` look at [`Frame::at`].
    pub fn wait_for(
        &self,
        within: Duration,
        mut wanted: impl FnMut(&Frame) -> bool,
    ) -> Option<Frame> {
        let begun = Instant::now();
        let mut seen = 0;
        let mut frames = self.shared.lock();
        loop {
            if let Some(frame) = frames.iter().skip(seen).find(|frame| wanted(frame)) {
                return Some(frame.clone());
            }
            seen = frames.len();
            let left = within.checked_sub(begun.elapsed())?;
            let waited = self.shared.arrived.wait_timeout(frames, left);
            frames = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// How many frames were missed because they came faster than they were read.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.shared.count_dropped()
    }

    /// Writes what was captured so far into a file for Wireshark and tshark (pcap with
    /// nanoseconds).
    ///
    /// # Errors
    /// [`Error`] when the file cannot be written.
    pub fn write_pcap(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        write_pcap(path, &self.frames()).doing(|| format!("writing {}", path.display()))
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// Runs in the switch's namespace, where the ports have their names.
    fn read(&self, kinds: Kinds) {
        let mut buffer = vec![0; LONGEST];
        let mut names = Names::new();
        while !self.ended.load(Ordering::Relaxed) {
            if let Err(error) = self.read_one(&mut buffer, kinds, &mut names) {
                tracing::error!(%error, "the capture ended");
                return;
            }
        }
    }

    fn read_one(&self, buffer: &mut [u8], kinds: Kinds, names: &mut Names) -> io::Result<()> {
        if !raw::is_readable(&self.socket, raw::PATIENCE)? {
            return Ok(());
        }
        // Whoever has the lock finds a frame in the socket or among the frames.
        let mut frames = self.lock();
        let received = raw::receive::<LinkAddr>(&self.socket, buffer)?;
        if let Some(frame) = received.and_then(|received| frame(buffer, &received, kinds, names)) {
            frames.push(frame);
            self.arrived.notify_all();
        }
        Ok(())
    }

    /// The frames, once the reader has read what has passed, or has had time to.
    fn caught_up(&self) -> MutexGuard<'_, Vec<Frame>> {
        let begun = Instant::now();
        let mut frames = self.lock();
        while begun.elapsed() < CATCHING_UP
            && raw::is_readable(&self.socket, Duration::ZERO).unwrap_or_default()
        {
            let waited = self.arrived.wait_timeout(frames, CATCHING_UP / 10);
            frames = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        frames
    }

    /// The kernel forgets its count when it tells it.
    fn count_dropped(&self) -> u64 {
        let mut statistics = libc::tpacket_stats { tp_packets: 0, tp_drops: 0 };
        let mut length = size_of::<libc::tpacket_stats>() as libc::socklen_t;
        // SAFETY: the kernel writes at most `length` bytes, which is the size of `statistics`.
        let result = unsafe {
            libc::getsockopt(
                self.socket.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                (&raw mut statistics).cast(),
                &raw mut length,
            )
        };
        let new = if result == 0 { u64::from(statistics.tp_drops) } else { 0 };
        self.dropped.fetch_add(new, Ordering::Relaxed) + new
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Frame>> {
        self.frames.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn frame(
    buffer: &[u8],
    received: &Received<LinkAddr>,
    kinds: Kinds,
    names: &mut Names,
) -> Option<Frame> {
    let (from, bytes) = (received.from.as_ref()?, buffer.get(..received.length)?);
    let direction =
        if from.pkttype() == OUTGOING { Direction::ToHost } else { Direction::FromHost };
    if direction == Direction::ToHost && kinds != Kinds::Everything {
        return None;
    }
    let port = names.entry(from.ifindex()).or_insert_with(|| port_name(from.ifindex()));
    // The bridge sees again what entered by a port; the loopback is nobody's.
    if &**port == BRIDGE || &**port == "lo" {
        return None;
    }
    let (port, bytes) = (Arc::clone(port), Bytes::copy_from_slice(bytes));
    Some(Frame { at: received.at, port, direction, bytes })
}

/// A packet filter (classic BPF): spares the reader what leaves, which it would throw away.
fn only_arriving() -> [SockFilter; 4] {
    [load(BPF_W, KIND), jump(OUTGOING.into(), 0, 1), answer(0), answer(u32::MAX)]
}

/// The same, and of what arrives it lets through ARP and IPv4 packets with VRRP.
fn only_claims() -> [SockFilter; 8] {
    [
        load(BPF_W, KIND),
        jump(OUTGOING.into(), 4, 0),
        load(BPF_H, ETHERTYPE),
        jump(ARP, 3, 0),
        load(BPF_B, PROTOCOL),
        jump(VRRP, 1, 0),
        answer(0),
        answer(u32::MAX),
    ]
}

fn load(width: u32, offset: u32) -> SockFilter {
    SockFilter::new((BPF_LD | width | BPF_ABS) as u16, 0, 0, offset)
}

/// Skips so many instructions if the value is `equal`, and so many if it is not.
fn jump(equal: u32, if_true: u8, if_false: u8) -> SockFilter {
    SockFilter::new((BPF_JMP | BPF_JEQ | BPF_K) as u16, if_true, if_false, equal)
}

/// Ends the program: so much of the frame is let through.
fn answer(octets: u32) -> SockFilter {
    SockFilter::new((BPF_RET | BPF_K) as u16, 0, 0, octets)
}

fn port_name(index: usize) -> Arc<str> {
    let name = u32::try_from(index).ok().and_then(|index| if_indextoname(index).ok());
    name.map_or_else(|| format!("({index})"), |name| name.to_string_lossy().into_owned()).into()
}

/// The format of libpcap: a header, then each frame with its time and length, all in this machine's
/// order.
fn write_pcap(path: &Path, frames: &[Frame]) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let word = |file: &mut BufWriter<File>, value: u32| file.write_all(&value.to_ne_bytes());
    word(&mut file, 0xa1b2_3c4d)?;
    file.write_all(&2_u16.to_ne_bytes())?;
    file.write_all(&4_u16.to_ne_bytes())?;
    // Offset from UTC, accuracy, longest frame, and Ethernet as the kind of link.
    for value in [0, 0, u32::try_from(LONGEST).unwrap_or(u32::MAX), 1] {
        word(&mut file, value)?;
    }
    for frame in frames {
        let seconds = u32::try_from(frame.at.as_secs()).map_err(io::Error::other)?;
        let length = u32::try_from(frame.bytes.len()).map_err(io::Error::other)?;
        for value in [seconds, frame.at.subsec_nanos(), length, length] {
            word(&mut file, value)?;
        }
        file.write_all(&frame.bytes)?;
    }
    file.flush()
}
