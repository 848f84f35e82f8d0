//! The log: what `RUST_LOG` asks for, on stderr.

use std::env::{self, VarError};
use std::ffi::OsString;
use std::io::{self, IsTerminal, Stderr, Write};

use tracing_subscriber::EnvFilter;

use super::Failure;

/// What Serin has to say of itself, and of the libraries what is wrong.
const DEFAULT_FILTER: &str = "warn,serin=info";

/// To the first column, and everything right of it erased.
pub(super) const CLEAR_LINE: &str = "\r\x1b[K";

/// Logs to stderr from here on. `beside_a_live_line`: something may stand on the
/// terminal's last line, which an event takes.
pub fn log_to_stderr(beside_a_live_line: bool) -> Result<(), Failure> {
    let filter = filter(env::var("RUST_LOG"))?;
    let on_terminal = io::stderr().is_terminal();
    let before = if on_terminal && beside_a_live_line { CLEAR_LINE } else { "" };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(move || Events { before, stderr: io::stderr() })
        .with_ansi(on_terminal)
        .init();
    Ok(())
}

/// The filter that `RUST_LOG` asks for. Empty is as good as absent; what cannot be
/// read is refused, or somebody would wait for events that never come.
fn filter(asked: Result<String, VarError>) -> Result<EnvFilter, Failure> {
    let refused = |text: OsString, reason: String| Failure::LogFilter { text, reason };
    let text = match asked {
        Ok(text) if !text.is_empty() => text,
        Ok(_) | Err(VarError::NotPresent) => DEFAULT_FILTER.to_owned(),
        Err(VarError::NotUnicode(text)) => return Err(refused(text, "it is not UTF-8".to_owned())),
    };
    EnvFilter::builder().parse(&text).map_err(|error| refused(text.into(), error.to_string()))
}

/// Where events go, each in one write.
struct Events {
    before: &'static str,
    stderr: Stderr,
}

impl Write for Events {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let mut stderr = self.stderr.lock();
        stderr.write_all(self.before.as_bytes())?;
        stderr.write_all(event)?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stderr.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_read_or_refused_and_never_ignored() {
        let shown = |asked| filter(asked).map(|filter| filter.to_string());
        for absent in [Err(VarError::NotPresent), Ok(String::new())] {
            assert!(matches!(shown(absent), Ok(text) if text == "serin=info,warn"));
        }
        assert!(matches!(shown(Ok("debug".to_owned())), Ok(text) if text == "debug"));
        let refused = shown(Ok("serin=loud".to_owned())).expect_err("no such level");
        assert!(refused.to_string().starts_with("RUST_LOG is \"serin=loud\": "), "{refused}");
    }
}
