//! Arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser;
use serin::app::{self, Failure};
use serin::cli::{Ca, Check, Cli, Demo, Deploy, Serve, Simulate, Verb};
use serin::client;
use serin::simulate::{self, Scenario};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let Cli { verb } = Cli::parse();
    let beside_a_live_line = matches!(verb, Verb::Demo(_));
    match app::log_to_stderr(beside_a_live_line).and_then(|()| run(verb)) {
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
            out.write_all(app::demo_config().as_bytes()).map_err(Failure::Output)
        }
        Verb::Demo(Demo { print_config: false }) => app::demo(&mut out),
        Verb::Serve(Serve { config }) => app::serve(&config),
        Verb::Ca(Ca { config }) => app::ca(&config, &mut out, &mut std::io::stderr()),
        Verb::Check(Check { file, json }) => app::check(&file, json, &mut out),
        Verb::Deploy(Deploy { routine, shares, env, admin, json }) => {
            let admin = app::endpoint(admin)?;
            let deployed = client::deploy(&admin, &routine, env.as_str(), &shares)?;
            client::print_deployed(&deployed, json, &mut out).map_err(Failure::Output)
        }
        Verb::Simulate(arguments) => simulate(&arguments, &mut out),
    }
}

fn simulate(arguments: &Simulate, out: &mut impl std::io::Write) -> Result<(), Failure> {
    let mut scenario = Scenario::read(&arguments.scenario).map_err(Failure::Scenario)?;
    if let Some(seed) = arguments.seed {
        scenario.seed = seed;
    }
    if let Some(users) = arguments.users {
        scenario = scenario.with_users(users).ok_or(Failure::Users(users))?;
    }
    let bar = simulate::bar(&scenario);
    let outcome = simulate::play(&scenario, &mut |requests| bar.inc(requests));
    bar.finish_and_clear();
    let outcome = outcome.map_err(|why| Failure::Impossible(why.to_string()))?;
    let written = if arguments.json {
        simulate::write_json(&outcome, out)
    } else {
        simulate::print(&outcome, out)
    };
    written.map_err(Failure::Output)?;
    if outcome.holds() { Ok(()) } else { Err(Failure::Found) }
}
