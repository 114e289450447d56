//! Commands: each file wires the pieces for one command and returns how the process ends.
//!
//! `load` is the road that `validate`, `plan` and `run` share: paths to an execution plan, or the diagnostics that
//! stopped it.

mod approve;
mod check;
mod ci;
mod closing;
mod complete;
mod completions;
mod difference;
mod discover;
mod elsewhere;
mod ending;
mod explain;
mod hosts;
mod load;
mod lock;
mod man;
mod online;
mod output;
mod pace;
mod plan;
mod recorded;
mod report;
mod resolve;
mod resume;
mod room;
mod run;
mod runs;
mod schema;
mod select;
mod service;
mod session;
mod settings;
#[cfg(feature = "simulator")]
mod simulate;
mod told;
mod validate;
mod variables;

use crate::cli::{Cli, CommandArgs, OVERVIEW};
use crate::exit::ExitStatus;
use crate::io::credential::Environment;
use crate::terminal::console::Console;

/// What every command has at hand.
#[derive(Debug)]
struct Context {
    console: Console,
    environment: Environment,
}

impl Context {
    /// Prints the result of a command.
    fn print(&self, text: &str) -> ExitStatus {
        self.printed(self.console.result(text), ExitStatus::Success)
    }

    /// `status`, or the status for standard output that can't be written, with a message.
    fn printed(&self, written: std::io::Result<()>, status: ExitStatus) -> ExitStatus {
        match written {
            Ok(()) => status,
            Err(error) => {
                self.console.error(&format!("the result could not be written to standard output: {error}"));
                status.max(ExitStatus::Unwritable)
            }
        }
    }

    /// Says what is wrong with the call.
    fn usage(&self, message: &str) -> ExitStatus {
        self.console.error(message);
        ExitStatus::Usage
    }
}

/// Waits for what a command does with a network.
fn block_on(context: &Context, work: impl Future<Output = Result<ExitStatus, ExitStatus>>) -> ExitStatus {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return context.usage(&format!("the machine refuses what a run needs (timers, sockets): {error}"));
        }
    };
    let (Ok(status) | Err(status)) = runtime.block_on(work);
    end(runtime);
    status
}

/// Leaves plain data to the end of the process, which is near: to give back a million pieces one by one takes time for nothing.
fn leave<T>(data: T) {
    std::mem::forget(data);
}

/// Ends the runtime when the work is done. What may still go on is the look-up of a name whose server is silent: a thread that
/// nothing can stop, and that nobody waits for any more.
fn end(runtime: tokio::runtime::Runtime) {
    runtime.shutdown_background();
}

/// Performs one command.
#[must_use]
pub fn execute(cli: &Cli, environment: Environment) -> ExitStatus {
    let no_color = environment.get("NO_COLOR").is_some_and(|value| !value.is_empty());
    let obeyed = ci::is_obeyed(&environment);
    let mut context = Context { console: Console::new(&cli.global, no_color).obeyed(obeyed), environment };
    let mut cli = cli.clone();
    let settings = match settings::in_force(&context, &mut cli) {
        Ok(settings) => settings,
        Err(status) => return status,
    };
    context.console = Console::new(&cli.global, no_color).obeyed(obeyed);
    match &cli.command {
        None => {
            context.console.message(OVERVIEW);
            ExitStatus::Usage
        }
        Some(CommandArgs::Validate(args)) => validate::validate(&context, args),
        Some(CommandArgs::Plan(args)) => plan::plan(&context, args),
        Some(CommandArgs::Run(args)) => run::run(&context, args),
        Some(CommandArgs::Resume(args)) => resume::resume(&context, args),
        Some(CommandArgs::Report(args)) => report::report(&context, args),
        Some(CommandArgs::Check(args)) => check::check(&context, args),
        Some(CommandArgs::Discover(args)) => discover::discover(&context, args),
        Some(CommandArgs::Runs(args)) => runs::runs(&context, args),
        #[cfg(feature = "simulator")]
        Some(CommandArgs::Simulate(args)) => simulate::simulate(&context, args),
        Some(CommandArgs::Explain(args)) => explain::explain(&context, args),
        Some(CommandArgs::Schema(args)) => schema::schema(&context, args),
        Some(CommandArgs::Settings(args)) => settings::settings(&context, args, &settings),
        Some(CommandArgs::Completions(args)) => completions::completions(&context, args),
        Some(CommandArgs::Man(args)) => man::man(&context, args),
    }
}
