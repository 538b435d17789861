//! The machine: what it is, and what a process has of it.

use std::{fs, time::Duration};

use nix::{
    time::clock_getcpuclockid,
    unistd::{Pid, SysconfVar, sysconf},
};

use crate::Failed;

/// A load above this says that others use the machine too.
const QUIET: f64 = 1.0;

/// Says what the machine is.
pub(crate) fn print() {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let models: Vec<&str> = cpuinfo.lines().filter(|line| line.starts_with("model name")).collect();
    let model =
        models.first().and_then(|line| line.split(": ").nth(1)).unwrap_or("an unknown processor");
    println!("Linux {}, {} × {model}", read("/proc/sys/kernel/osrelease").trim(), models.len());
    let load = read("/proc/loadavg");
    println!("load average {}", load.split_whitespace().take(3).collect::<Vec<_>>().join(" "));
    let latest = load.split_whitespace().next().and_then(|text| text.parse::<f64>().ok());
    if latest.is_some_and(|latest| latest > QUIET) {
        println!("warning: the machine is not quiet, the figures say less");
    }
}

/// The processor time of all threads that these processes ever had, in user mode and in the kernel.
pub(crate) fn processor_time(pids: &[u32]) -> Result<Duration, Failed> {
    pids.iter().try_fold(Duration::ZERO, |sum, pid| {
        let clock = clock_getcpuclockid(Pid::from_raw(i32::try_from(*pid)?))?;
        Ok(sum + Duration::from(clock.now()?))
    })
}

/// The processor time of the programs that these processes have started and collected, to the
/// hundredth of a second that the kernel tells.
pub(crate) fn programs_time(pids: &[u32]) -> Result<Duration, Failed> {
    /// Where a line has them, after the name: that of children, in user mode and in the kernel
    /// (`cutime` and `cstime` of proc_pid_stat(5)).
    const FIELDS: [usize; 2] = [13, 14];
    let second = u64::try_from(sysconf(SysconfVar::CLK_TCK)?.ok_or("the kernel has no ticks")?)?;
    let mut ticks = 0;
    for pid in pids {
        let path = format!("/proc/{pid}/stat");
        let stat = fs::read_to_string(&path)?;
        let fields: Vec<&str> =
            stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        for field in FIELDS {
            let value = fields.get(field).ok_or_else(|| format!("{path} is too short"))?;
            ticks += value.parse::<u64>()?;
        }
    }
    Ok(Duration::from_secs(ticks) / u32::try_from(second)?)
}

/// The memory of these processes in KiB: resident, and their share of it where pages are shared.
pub(crate) fn memory(pids: &[u32]) -> Result<(f64, f64), Failed> {
    let (mut resident, mut share) = (0.0, 0.0);
    for pid in pids {
        resident += field(&format!("/proc/{pid}/status"), "VmRSS:")?;
        share += field(&format!("/proc/{pid}/smaps_rollup"), "Pss:")?;
    }
    Ok((resident, share))
}

fn field(path: &str, name: &str) -> Result<f64, Failed> {
    let text = fs::read_to_string(path)?;
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok());
    value.ok_or_else(|| format!("{path} has no {name}").into())
}

/// The time that all processors together had so far, and how much of it nobody used: in the
/// kernel's ticks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticks {
    all: u64,
    idle: u64,
}

impl Ticks {
    pub(crate) fn now() -> Result<Self, Failed> {
        let text = fs::read_to_string("/proc/stat")?;
        let line = text.lines().next().unwrap_or_default();
        let ticks: Vec<u64> =
            line.split_whitespace().skip(1).map_while(|tick| tick.parse().ok()).collect();
        // User, nice, system, idle, waiting for a disk (which is idle, too).
        let idle = ticks.iter().skip(3).take(2).sum();
        Ok(Self { all: ticks.iter().sum(), idle })
    }

    /// The share of the time since then that nobody used, in percent.
    pub(crate) fn idle_since(self) -> Result<f64, Failed> {
        let Self { all, idle } = Self::now()?;
        let (all, idle) = (all - self.all, idle - self.idle);
        Ok(if all == 0 { 0.0 } else { idle as f64 * 100.0 / all as f64 })
    }
}
