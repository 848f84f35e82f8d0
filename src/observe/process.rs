//! What the system says of this process. Where it says nothing, nothing is told.

use std::fs;

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

/// This process at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Process {
    pub cpu_seconds: Option<f64>,
    /// In bytes.
    pub resident: Option<u64>,
    /// In bytes.
    pub virtual_size: Option<u64>,
    pub threads: Option<u64>,
    pub open_descriptors: Option<u64>,
    /// `None` also where there is no limit.
    pub descriptors_max: Option<u64>,
}

impl Process {
    pub fn now() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        #[expect(clippy::cast_precision_loss, reason = "to the microsecond for centuries")]
        let cpu_seconds = cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9;
        Self {
            cpu_seconds: Some(cpu_seconds),
            resident: kilobytes(&status, "VmRSS:"),
            virtual_size: kilobytes(&status, "VmSize:"),
            threads: number(&status, "Threads:"),
            open_descriptors: open_descriptors(),
            descriptors_max: getrlimit(Resource::Nofile).current,
        }
    }
}

fn number(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

fn kilobytes(status: &str, name: &str) -> Option<u64> {
    Some(number(status, name)? * 1024)
}

fn open_descriptors() -> Option<u64> {
    let open = fs::read_dir("/proc/self/fd").ok()?.count() as u64;
    // The one that it is counted with is none of ours.
    Some(open.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_is_understood() {
        let status = "Name:\tserin\nVmSize:\t  204800 kB\nVmRSS:\t    1024 kB\nThreads:\t7\n";
        assert_eq!(kilobytes(status, "VmRSS:"), Some(1 << 20));
        assert_eq!((number(status, "Threads:"), number(status, "FDSize:")), (Some(7), None));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_uses_something_of_everything() {
        let Process { cpu_seconds, resident, virtual_size, threads, open_descriptors, .. } =
            Process::now();
        assert!(cpu_seconds.unwrap() > 0.0 && resident.unwrap() < virtual_size.unwrap());
        assert!(threads.unwrap() > 0 && open_descriptors.unwrap() > 0);
    }
}
