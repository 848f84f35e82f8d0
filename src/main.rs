//! Arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser;
use serin::app::{self, Failure};
use serin::cli::{Ca, Check, Cli, Demo, Deploy, Serve, Simulate, Verb};
use serin::client;
use serin::simulate;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Why a verb failed, whoever carried it out.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error(transparent)]
    App(#[from] Failure),
    #[error("{}", app::with_causes(.0))]
    Simulate(#[from] simulate::SimulateError),
}

impl Ended {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::App(failure) => failure.exit_code(),
            Self::Simulate(error) => ExitCode::from(error.exit_status()),
        }
    }
}

fn main() -> ExitCode {
    let Cli { verb } = Cli::parse();
    let beside_a_live_line = matches!(verb, Verb::Demo(_));
    match app::log_to_stderr(beside_a_live_line).map_err(Ended::from).and_then(|()| run(verb)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Ended::App(Failure::Output(error)))
            if error.kind() == std::io::ErrorKind::BrokenPipe =>
        {
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

fn run(verb: Verb) -> Result<(), Ended> {
    let mut out = std::io::stdout();
    match verb {
        Verb::Demo(Demo { print_config: true }) => {
            use std::io::Write;
            Ok(out.write_all(app::demo_config().as_bytes()).map_err(Failure::Output)?)
        }
        Verb::Demo(Demo { print_config: false }) => Ok(app::demo(&mut out)?),
        Verb::Serve(Serve { config }) => Ok(app::serve(&config)?),
        Verb::Ca(Ca { config }) => Ok(app::ca(&config, &mut out, &mut std::io::stderr())?),
        Verb::Check(Check { file, json }) => Ok(app::check(&file, json, &mut out)?),
        Verb::Deploy(Deploy { routine, shares, env, admin, json }) => {
            let admin = app::endpoint(admin).map_err(Failure::from)?;
            let deployed = client::deploy(&admin, &routine, env.as_str(), &shares);
            let deployed = deployed.map_err(Failure::from)?;
            Ok(client::print_deployed(&deployed, json, &mut out).map_err(Failure::Output)?)
        }
        Verb::Simulate(Simulate { scenario, seed, users, json }) => {
            let options = simulate::Options { seed, users, json };
            Ok(simulate::run(&scenario, options, &mut out)?)
        }
    }
}
