//! What the service manager is told, in the protocol of `sd_notify(3)`.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::outside;

/// How much longer than a drain the end may take.
const END_SPARE: Duration = Duration::from_secs(5);

/// The way to who started this process; none where nobody asked to be told.
pub(super) struct ServiceManager(Option<UnixDatagram>);

impl ServiceManager {
    /// The one that `NOTIFY_SOCKET` names.
    pub(super) fn from_environment() -> Self {
        let Some(name) = outside::variable("NOTIFY_SOCKET") else {
            return Self(None);
        };
        let connected = connect(&name);
        if let Err(error) = &connected {
            tracing::warn!(%error, "the service manager at NOTIFY_SOCKET cannot be told anything");
        }
        Self(connected.ok())
    }

    pub(super) fn ready(&self, status: &str) {
        self.tell(&format!("READY=1\n{}", status_line(status)));
    }

    /// To be followed by [`ServiceManager::ready`], however the reload ends.
    pub(super) fn reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        let microseconds = now.tv_sec * 1_000_000 + now.tv_nsec / 1_000;
        let status = status_line("reloads the config");
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={microseconds}\n{status}"));
    }

    /// The end begins, and `drain` is how long it may take: so the manager does not cut
    /// requests that may still run.
    pub(super) fn stopping(&self, drain: Duration) {
        let patience = (drain + END_SPARE).as_micros();
        let status = status_line("drains");
        self.tell(&format!("STOPPING=1\nEXTEND_TIMEOUT_USEC={patience}\n{status}"));
    }

    fn tell(&self, news: &str) {
        let Some(socket) = &self.0 else { return };
        // A manager that is gone or does not read is no reason to serve worse.
        if let Err(error) = socket.send(news.as_bytes()) {
            tracing::debug!(%error, "the service manager was not told");
        }
    }
}

/// One line, whatever is in `status`.
fn status_line(status: &str) -> String {
    format!("STATUS={}", status.replace('\n', "; "))
}

fn connect(name: &OsStr) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    match name.as_bytes() {
        #[cfg(target_os = "linux")]
        [b'@', name @ ..] => {
            use std::os::linux::net::SocketAddrExt;
            use std::os::unix::net::SocketAddr;

            socket.connect_addr(&SocketAddr::from_abstract_name(name)?)?;
        }
        _ => socket.connect(name)?,
    }
    Ok(socket)
}
