//! Arguments in, exit code out.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;
use serin::app::{self, Failure};
use serin::cli::{self, Ca, Check, Cli, Demo, Explain, Rehearse, Serve, Simulate, Verb};
use serin::client;
use serin::load;
use serin::operate::{self, OperateError};
use serin::rehearse;
use serin::simulate;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Why a verb failed, whoever carried it out.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error(transparent)]
    App(#[from] Failure),
    #[error(transparent)]
    Print(client::PrintError),
    #[error("{}", app::with_causes(.0))]
    Manual(#[from] cli::ManError),
    #[error("{}", app::with_causes(.0))]
    Operate(OperateError),
    #[error("{}", app::with_causes(.0))]
    Load(#[from] load::LoadError),
    #[error("{}", app::with_causes(.0))]
    Rehearse(#[from] rehearse::RehearseError),
    #[error("{}", app::with_causes(.0))]
    Simulate(#[from] simulate::SimulateError),
}

impl From<OperateError> for Ended {
    fn from(error: OperateError) -> Self {
        match error {
            OperateError::Output(error) => Self::App(Failure::Output(error)),
            error => Self::Operate(error),
        }
    }
}

impl Ended {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::App(failure) => failure.exit_code(),
            Self::Print(_) | Self::Manual(_) => ExitCode::FAILURE,
            Self::Operate(error) => ExitCode::from(error.exit_status()),
            Self::Load(error) => ExitCode::from(error.exit_status()),
            Self::Rehearse(error) => ExitCode::from(error.exit_status()),
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
        Verb::Demo(Demo { print_config: true, .. }) => say(&mut out, app::demo_config().as_bytes()),
        Verb::Demo(Demo { print_config: false, any_port }) => Ok(app::demo(any_port, &mut out)?),
        Verb::Serve(Serve { config }) => Ok(app::serve(&app::config_path(config)?)?),
        Verb::Ca(Ca { config }) => {
            Ok(app::ca(&app::config_path(config)?, &mut out, &mut std::io::stderr())?)
        }
        Verb::Check(Check { file, json }) => {
            Ok(app::check(&app::config_path(file)?, json, &mut out)?)
        }
        Verb::Explain(arguments) => explain(arguments, &mut out),
        Verb::Rehearse(arguments) => rehearse(*arguments, &mut out),
        Verb::Load(arguments) => load(*arguments, &mut out),
        Verb::Simulate(Simulate { scenario, seed, users, json, report }) => {
            let report = report.map(|path| simulate::Report { path, command: app::command_line() });
            let options = simulate::Options { seed, users, json, report };
            Ok(simulate::run(&scenario, &options, &mut out)?)
        }
        Verb::Completions(completions) => say(&mut out, &completions.script()),
        Verb::Man(cli::Man { out: Some(folder) }) => Ok(cli::Man::write(&folder)?),
        Verb::Man(cli::Man { out: None }) => say(&mut out, &cli::Man::page()),
        Verb::Top(arguments) => top(arguments, out.is_terminal()),
        Verb::Status(it) => {
            let environment = it.env.map(cli::Environment::as_str);
            let asked = operate::Status { name: it.routine, environment };
            ask(&it.asked, |admin, output| operate::status(admin, &asked, output))
        }
        Verb::Routines(it) => {
            let asked = routines(it.action);
            ask(&it.asked, |admin, output| operate::routines(admin, &asked, output))
        }
        Verb::Versions(it) => {
            let asked = versions(it.action);
            ask(&it.asked, |admin, output| operate::versions(admin, &it.routine, &asked, output))
        }
        Verb::Bind(cli::Bind { routine, version, upstream, asked }) => {
            ask(&asked, |admin, output| operate::bind(admin, &routine, &version, &upstream, output))
        }
        Verb::Deployments(it) => {
            let id = it.action.and_then(|action| match action {
                cli::DeploymentsAction::List => None,
                cli::DeploymentsAction::Show { id } => Some(id),
            });
            let environment = it.env.map(cli::Environment::as_str);
            let asked = operate::Deployments { name: it.routine, environment, limit: it.limit, id };
            ask(&it.asked, |admin, output| operate::deployments(admin, &asked, output))
        }
        Verb::Deploy(it) => step(it.routine, operate::Step::Deploy(it.shares), &it.step),
        Verb::Forward(it) => step(it.routine, operate::Step::Forward(it.percent), &it.step),
        Verb::Promote(it) => step(it.routine, operate::Step::Promote, &it.step),
        Verb::Rollback(it) => step(it.routine, operate::Step::Rollback(it.to), &it.step),
    }
}

fn say(out: &mut impl Write, text: &[u8]) -> Result<(), Ended> {
    Ok(out.write_all(text).and_then(|()| out.flush()).map_err(Failure::Output)?)
}

fn endpoint(admin: &cli::Admin) -> Result<client::Endpoint, Failure> {
    Ok(app::endpoint(admin.url.clone(), admin.ca.as_deref())?)
}

/// Has a running Serin asked, and what it says told.
fn ask(
    asked: &cli::Asked,
    verb: impl FnOnce(&client::Endpoint, &mut operate::Output<'_>) -> Result<(), OperateError>,
) -> Result<(), Ended> {
    let mut out = std::io::stdout();
    let in_colour = app::wants_colour(out.is_terminal());
    let mut output = operate::Output { out: &mut out, as_json: asked.json, in_colour };
    Ok(verb(&endpoint(&asked.admin)?, &mut output)?)
}

fn step(routine: String, step: operate::Step, of: &cli::Step) -> Result<(), Ended> {
    let (environment, dry_run) = (of.env.as_str(), of.dry_run);
    let steps = operate::Steps { routine, environment, step, dry_run };
    ask(&of.asked, |admin, output| operate::step(admin, &steps, output))
}

fn routines(action: Option<cli::RoutinesAction>) -> operate::Routines {
    match action {
        None => operate::Routines::List(String::new()),
        Some(cli::RoutinesAction::List { search }) => {
            operate::Routines::List(search.unwrap_or_default())
        }
        Some(cli::RoutinesAction::Show { name }) => operate::Routines::Show(name),
        Some(cli::RoutinesAction::Create { name, description, assets }) => {
            operate::Routines::Create { name, description, has_assets: assets }
        }
        Some(cli::RoutinesAction::Delete { name }) => operate::Routines::Delete(name),
    }
}

fn versions(action: Option<cli::VersionsAction>) -> operate::Versions {
    match action {
        None | Some(cli::VersionsAction::List) => operate::Versions::List,
        Some(cli::VersionsAction::Add { version, upstream, description }) => {
            operate::Versions::Add { version, upstream, description }
        }
        Some(cli::VersionsAction::Delete { version }) => operate::Versions::Delete(version),
    }
}

fn top(arguments: cli::Top, on_terminal: bool) -> Result<(), Ended> {
    let admin = endpoint(&arguments.admin)?;
    let top = operate::Top {
        search: arguments.search.unwrap_or_default(),
        in_colour: app::wants_colour(on_terminal),
        on_terminal,
        stopped: app::stop_at_interrupt()?,
    };
    Ok(operate::top(&admin, top)?)
}

/// What a user or a request gets, of a config or of a running Serin.
fn explain(arguments: Explain, out: &mut impl Write) -> Result<(), Ended> {
    let question = client::Question::default()
        .with("routine", arguments.routine)
        .with("app", arguments.app)
        .with("key", arguments.key)
        .with("host", arguments.host)
        .with("path", arguments.path)
        .with("method", arguments.method)
        .with("header", arguments.headers)
        .with("client", arguments.client)
        .with("environment", [arguments.env.as_str().to_owned()]);
    let explained = if let Some(config) = arguments.config {
        app::explain(&app::config_path(config)?, &question.query())?
    } else {
        let admin = endpoint(&arguments.admin)?;
        client::explain(&admin, &question).map_err(Failure::from)?
    };
    match client::print_explained(&explained, arguments.json, out) {
        Err(client::PrintError::Output(error)) => Err(Failure::Output(error).into()),
        Err(foreign) => Err(Ended::Print(foreign)),
        Ok(()) => Ok(()),
    }
}

/// What a deployment would do, where a config or a running Serin says what is deployed.
fn rehearse(arguments: Rehearse, out: &mut impl Write) -> Result<(), Ended> {
    let environment = arguments.env.as_str();
    let current = if let Some(config) = arguments.config {
        let routine = app::routine_of(&app::config_path(config)?, &arguments.routine)?;
        rehearse::Current::of_routine(&routine, environment)?
    } else {
        let admin = endpoint(&arguments.admin)?;
        deployed(&admin, &arguments.routine, environment)?
    };
    let planned = if arguments.plan.is_empty() {
        rehearse::Planned::Shares(arguments.shares)
    } else {
        let (percents, to, from) = (arguments.plan, arguments.to, arguments.from);
        rehearse::Planned::Ramp { percents, to, from }
    };
    let users = match (arguments.access_log, arguments.keys) {
        (Some(path), _) => rehearse::Users::Log { path, field: arguments.field },
        (None, Some(path)) => rehearse::Users::Keys(path),
        (None, None) => rehearse::Users::Population(rehearse::PopulationPlan {
            users: arguments.users,
            seed: arguments.seed,
            exponent: arguments.zipf,
            requests: arguments.requests.unwrap_or(arguments.users.saturating_mul(10)),
            length: arguments.duration,
        }),
    };
    let options = rehearse::Options {
        planned,
        users,
        session: arguments.session,
        last: arguments.last,
        json: arguments.json,
        report: arguments.report,
        command: app::command_line(),
    };
    Ok(rehearse::run(current, &options, out)?)
}

/// What a running Serin has deployed, and had.
fn deployed(
    admin: &client::Endpoint,
    name: &str,
    environment: &str,
) -> Result<rehearse::Current, Ended> {
    let routine = client::routine(admin, name).map_err(Failure::from)?;
    let history = client::history(admin, name, environment).map_err(Failure::from)?;
    let shares = |live: &client::Live| {
        let shares = live.code_versions.iter();
        shares.map(|it| (it.code_version.clone(), u64::from(it.percentage))).collect::<Vec<_>>()
    };
    let live = routine.live(environment).map(shares).unwrap_or_default();
    Ok(rehearse::Current::told(
        &routine.name,
        environment,
        &routine.cohort,
        routine.versions.iter().map(|version| version.code_version.clone()),
        &live,
        &history.iter().map(shares).collect::<Vec<_>>(),
    )?)
}

/// The requests of many users.
fn load(arguments: cli::Load, out: &mut impl Write) -> Result<(), Ended> {
    let routine = arguments.routine.map(load::Release::Routine);
    let release = routine.or(arguments.app.map(load::Release::App));
    let ca = arguments.ca.as_deref();
    let admin = arguments.admin;
    let deployed = release.map(|release| {
        Ok::<_, Failure>(load::Configured::Deployed {
            admin: app::endpoint(admin, ca)?,
            release,
            environment: arguments.env.as_str().to_owned(),
        })
    });
    let deployed = deployed.transpose()?;
    let tls = app::target_tls(&arguments.url, ca, arguments.insecure).map_err(Failure::from)?;
    let planned = |deployment: cli::Deployment| load::Planned {
        at: deployment.at,
        shares: deployment.shares,
    };
    let wish = load::Wish {
        url: arguments.url,
        rate: arguments.rate,
        over: arguments.over,
        connections: arguments.connections,
        threads: arguments.threads,
        duration: arguments.duration,
        requests: arguments.requests,
        timeout: arguments.timeout,
        http2: arguments.http2,
        streams: arguments.streams,
        method: arguments.method,
        headers: arguments.headers,
        data: arguments.data,
        users: load::Users {
            count: arguments.users,
            seed: arguments.seed,
            exponent: arguments.zipf,
            heavy: arguments.heavy,
            key_prefix: arguments.key_prefix,
            regions: arguments.regions,
            region_header: arguments.region_header,
        },
        key_header: arguments.key_header,
        key_cookie: arguments.key_cookie,
        version_header: arguments.version_header,
        version_json: arguments.version_json,
        version_regex: arguments.version_regex,
        expect: arguments.expect,
        deployed,
        deployments: arguments.deployments.into_iter().map(planned).collect(),
        max_errors: arguments.max_errors,
        json: arguments.json,
        report: arguments.report,
    };
    let mut terminal = std::io::stderr();
    let is_watched = terminal.is_terminal();
    let around = load::Around {
        tls,
        raise_limit: app::raise_limit,
        stopped: app::stop_at_interrupt()?,
        terminal: is_watched.then_some(&mut terminal as _),
        words: app::words(),
        as_typed: app::as_typed,
    };
    Ok(load::load(wish, around, out)?)
}
