//! `serin demo`: everything in one process, with nothing to set up.

use std::io::{self, IsTerminal, Write};

use super::live::show_live_counts;
use super::signals::Signals;
use super::{Addresses, Failure, start};
use crate::config::Config;

/// The config that the demo runs, as it stands in the repository.
pub const fn demo_config() -> &'static str {
    include_str!("../../configs/demo.toml")
}

/// Runs the demo until SIGINT or SIGTERM, on its own ports or on `any_port` that is free.
pub fn demo(any_port: bool, out: &mut (impl Write + IsTerminal)) -> Result<(), Failure> {
    let text = if any_port { on_any_port(demo_config()) } else { demo_config().to_owned() };
    let config = Config::parse(&text).expect("the embedded config has no mistakes");
    let mut signals = Signals::catch()?;
    let running = start(&config)?;
    let introduced = introduce(running.addresses, out).map_err(Failure::Output);
    if introduced.is_ok() {
        if out.is_terminal() {
            // There is no file to reload: SIGHUP means nothing.
            signals.wait(async |_| show_live_counts(&running.table, &running.tallies, out).await);
            // What is said next has a line of its own. A terminal that is gone has none.
            drop(writeln!(out));
        } else {
            signals.wait(async |_| std::future::pending().await);
        }
    }
    let drained = signals.drain(running);
    introduced.and(drained)
}

/// The config with 0 in the place of its ports, which the system then chooses.
fn on_any_port(config: &str) -> String {
    [8080, 8081, 8090].iter().fold(config.to_owned(), |config, port| {
        config.replace(&format!("\"127.0.0.1:{port}\""), "\"127.0.0.1:0\"")
    })
}

fn introduce(addresses: Addresses, out: &mut impl Write) -> io::Result<()> {
    let Addresses { production, staging, admin, .. } = addresses;
    write!(
        out,
        "\
Serin runs the routine `checkout` on two built-in backends.

  production  http://{production}   90 % 1723599747213377175, 10 % 1723599747213377176
  staging     http://{staging}  100 % 1723599747213377176
  admin       http://{admin}

Send a request as a user, and see which version answers:

  curl -s http://{production}/ -H 'Host: checkout.localhost' -H 'x-serin-key: user-42'

Give half of the users the newer version, and ask again: nobody moves back.

  curl -s http://{admin}/ -d Action=CreateRoutineCodeDeployment -d Version=2024-09-10 \\
    -d Name=checkout -d Env=production -d Strategy=percentage --data-urlencode \\
    'CodeVersions=[{{\"CodeVersion\":\"1723599747213377175\",\"Percentage\":50}},{{\"CodeVersion\":\"1723599747213377176\",\"Percentage\":50}}]'

See why a user gets a version, and from which percentage on the newer one:

  curl -s 'http://{admin}/api/v1/explain?routine=checkout&environment=production&key=user-42'

Ctrl-C ends it. State is in memory.
"
    )?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_any_port_no_port_of_the_demo_is_left() {
        let config = on_any_port(demo_config());
        assert_eq!(config.matches("127.0.0.1:0\"").count(), 3);
        assert!(!config.contains("127.0.0.1:8"), "{config}");
    }
}
