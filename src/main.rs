//! Arguments in, exit code out.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use serin::app::{self, Failure};
use serin::cli::{Ca, Check, Cli, Demo, Deploy, Serve, Verb};
use serin::client;

fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr();
    match run(cli.verb) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            // Whoever reads has seen enough.
            ExitCode::SUCCESS
        }
        Err(failure) => {
            let text = failure.to_string();
            if !text.is_empty() {
                eprintln!("serin: {text}");
            }
            failure.exit_code()
        }
    }
}

fn run(verb: Verb) -> Result<(), Failure> {
    let mut out = std::io::stdout();
    match verb {
        Verb::Demo(Demo { print_config: true }) => {
            use std::io::Write;
            Ok(out.write_all(app::demo_config().as_bytes())?)
        }
        Verb::Demo(Demo { print_config: false }) => app::demo(&mut out),
        Verb::Serve(Serve { config }) => app::serve(&config),
        Verb::Ca(Ca { config }) => app::ca(&config, &mut out, &mut std::io::stderr()),
        Verb::Check(Check { file, json }) => app::check(&file, json, &mut out),
        Verb::Deploy(Deploy { routine, shares, env, admin, json }) => {
            let deployed = client::deploy(&admin, &routine, env.as_str(), &shares)?;
            Ok(client::print_deployed(&deployed, json, &mut out)?)
        }
    }
}

/// The log goes to stderr: `RUST_LOG` says how much, warnings and what starts and
/// ends by default.
fn log_to_stderr() {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}
