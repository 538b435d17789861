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

/// A sniffer at a switch. It ends when it is dropped.
///
/// It sits in front of the switch's faults: what a host sends is seen even when its cable is cut or the frame
/// is then lost (but not when the cable is unplugged).
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
        Self::begin(switch.namespace(), None, false)
    }

    /// Captures what the host at the end of one cable sends: where much else passes, much less than
    /// [`start`](Self::start) would.
    ///
    /// # Errors
    /// [`Error`] with what the operating system says.
    pub fn sent(cable: &Cable) -> Result<Self, Error> {
        Self::begin(cable.switch(), Some(cable.port()), false)
    }

    /// Captures what passes one cable, both ways. The cable's interface must exist.
    ///
    /// # Errors
    /// [`Error`] with what the operating system says.
    pub fn cable(cable: &Cable) -> Result<Self, Error> {
        Self::begin(cable.switch(), Some(cable.port()), true)
    }

    fn begin(switch: &Namespace, port: Option<&str>, both_ways: bool) -> Result<Self, Error> {
        let starting = || "starting a capture".to_owned();
        let open = || {
            let index = port.map_or(Ok(0), if_nametoindex)?;
            let socket = raw::packet_socket(index, EVERYTHING)?;
            if !both_ways {
                socket.attach_filter(&only_arriving())?;
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
        let thread = switch.thread("capture", move || reader.read(both_ways)).doing(starting)?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// What was captured so far.
    #[must_use]
    pub fn frames(&self) -> Vec<Frame> {
        self.shared.lock().clone()
    }

    /// The first captured frame that `wanted` accepts: one that is there already, or one that comes `within`
    /// this time. For a frame after some event let `wanted` look at [`Frame::at`].
    pub fn wait_for(&self, within: Duration, mut wanted: impl FnMut(&Frame) -> bool) -> Option<Frame> {
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

    /// Writes what was captured so far into a file for Wireshark and tshark (pcap with nanoseconds).
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
    fn read(&self, both_ways: bool) {
        let mut buffer = vec![0; LONGEST];
        let mut names = HashMap::new();
        while !self.ended.load(Ordering::Relaxed) {
            match raw::receive::<LinkAddr>(&self.socket, &mut buffer) {
                Ok(Some(received)) => self.keep(&buffer, &received, both_ways, &mut names),
                Ok(None) => {}
                Err(error) => {
                    tracing::error!(%error, "the capture ended");
                    return;
                }
            }
        }
    }

    fn keep(
        &self,
        buffer: &[u8],
        received: &Received<LinkAddr>,
        both_ways: bool,
        names: &mut HashMap<usize, Arc<str>>,
    ) {
        let (Some(from), Some(bytes)) = (&received.from, buffer.get(..received.length)) else { return };
        let direction = if from.pkttype() == OUTGOING { Direction::ToHost } else { Direction::FromHost };
        if direction == Direction::ToHost && !both_ways {
            return;
        }
        let port = names.entry(from.ifindex()).or_insert_with(|| port_name(from.ifindex()));
        // The bridge sees again what entered by a port; the loopback is nobody's.
        if &**port == BRIDGE || &**port == "lo" {
            return;
        }
        let frame = Frame {
            at: received.at,
            port: Arc::clone(port),
            direction,
            bytes: Bytes::copy_from_slice(bytes),
        };
        self.lock().push(frame);
        self.arrived.notify_all();
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

/// A packet filter (classic BPF): spares the reader what leaves, which it would throw away.
fn only_arriving() -> [SockFilter; 4] {
    let kind = libc::SKF_AD_OFF.wrapping_add(libc::SKF_AD_PKTTYPE).cast_unsigned();
    let op = |code: u32, if_false, operand| SockFilter::new(code as u16, 0, if_false, operand);
    [
        op(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, kind),
        op(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 1, OUTGOING.into()),
        op(libc::BPF_RET | libc::BPF_K, 0, 0),
        op(libc::BPF_RET | libc::BPF_K, 0, u32::MAX),
    ]
}

fn port_name(index: usize) -> Arc<str> {
    let name = u32::try_from(index).ok().and_then(|index| if_indextoname(index).ok());
    name.map_or_else(|| format!("({index})"), |name| name.to_string_lossy().into_owned()).into()
}

/// The format of libpcap: a header, then each frame with its time and length, all in this machine's order.
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
