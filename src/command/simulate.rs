//! `hss-sync simulate`: a local HSS and IAM until Ctrl-C.

use std::num::NonZeroU32;

use tokio_util::sync::CancellationToken;

use super::Context;
use super::service::simulated_tasks;
use crate::cli::SimulateArgs;
use crate::exit::ExitStatus;
use crate::io::clock::RunClock;
use crate::io::signal::Signals;
use crate::model::{Quota, Secret, parse_duration};
use crate::simulator::{Faults, KeyPair, SimulatedIam, Simulator, SimulatorConfig, SimulatorError};

/// The token that a simulator accepts, for rehearsing with `HW_AUTH_TOKEN`; it opens nothing else.
const TOKEN: &str = "simulated-token-0123456789abcdef";

/// Serves until it is interrupted.
pub(super) fn simulate(context: &Context, args: &SimulateArgs) -> ExitStatus {
    let config = match configuration(args) {
        Ok(config) => config,
        Err(message) => return context.usage(&message),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return context.usage(&format!("the machine refuses what a server needs: {error}")),
    };
    match runtime.block_on(serve(context, args, config)) {
        Ok(status) => status,
        Err(error @ SimulatorError::Log { .. }) => {
            context.console.error(&error.to_string());
            ExitStatus::Unwritable
        }
        Err(error) => context.usage(&error.to_string()),
    }
}

fn configuration(args: &SimulateArgs) -> Result<SimulatorConfig, String> {
    let listen = args.listen.parse().map_err(|_| {
        format!("--listen {}: write a loopback address and a port, such as 127.0.0.1:8080", args.listen)
    })?;
    let quota = Quota::parse(&args.quota).map_err(|error| format!("--quota {}: {error}", args.quota))?;
    let faults = |flag: &str, spec: &Option<String>| match spec {
        Some(spec) => Faults::parse(spec).map_err(|error| format!("{flag} {spec}: {error}")),
        None => Ok(Faults::default()),
    };
    let lifetime = parse_duration(&args.token_lifetime)
        .map_err(|error| format!("--token-lifetime {}: {error}", args.token_lifetime))?;
    let iam_faults = faults("--iam-fault", &args.iam_fault)?;
    Ok(SimulatorConfig {
        listen,
        quota: Some(quota),
        keys: vec![KeyPair::made_up(args.seed)],
        tokens: vec![Secret::new(TOKEN.to_owned())],
        iam: SimulatedIam { lifetime, faults: iam_faults, ..SimulatedIam::made_up() },
        faults: faults("--fault", &args.fault)?,
        tasks: simulated_tasks(args.task_time.as_deref(), args.task_fault.as_deref())?,
        seed: args.seed,
        log: args.log.clone(),
        keep_log: 0,
        ..SimulatorConfig::default()
    })
}

async fn serve(context: &Context, args: &SimulateArgs, config: SimulatorConfig) -> Result<ExitStatus, SimulatorError> {
    let keys = KeyPair::made_up(args.seed);
    let clock = RunClock::start(NonZeroU32::new(args.time_scale).unwrap_or(NonZeroU32::MIN));
    let simulator = Simulator::start(config, clock).await?;
    let endpoint = simulator.endpoint();
    let text = format!(
        "simulating HSS and IAM on {endpoint}; quota {} for each user and source address; Ctrl-C ends it\n\n\
         In another shell:\n\n  \
         export HUAWEICLOUD_SDK_AK={}\n  \
         export HUAWEICLOUD_SDK_SK={}\n  \
         hss-sync run plans/quickstart.yaml --endpoint {endpoint}\n\n\
         or, instead of the key pair,\n\n  \
         a token:     export HW_AUTH_TOKEN={TOKEN}\n  \
         a password:  export HW_USER_NAME=simulated-user HW_USER_PASSWORD=simulated-password\n               \
         export HW_DOMAIN_NAME=simulated-domain HUAWEICLOUD_SDK_IAM_ENDPOINT={endpoint}\n  \
         an agency:   export HSS_SYNC_METADATA_ENDPOINT={endpoint}\n",
        args.quota,
        keys.access_key,
        keys.secret_key.expose(),
    );
    let printed = context.print(&text);
    if printed != ExitStatus::Success {
        return Ok(printed);
    }
    let stop = CancellationToken::new();
    match Signals::catch() {
        Ok(signals) => tokio::select! {
            () = stop.cancelled() => {}
            () = signals.watch(stop.clone(), || {}) => {}
        },
        Err(error) => return Ok(context.usage(&format!("signals can't be caught: {error}"))),
    }
    let stats = simulator.stats();
    let log_error = simulator.log_error();
    simulator.shutdown().await;
    context.console.info(&format!(
        "{} requests: {} synchronisation calls, {} accepted, {} throttled, {} unauthorised, {} for tokens and keys",
        stats.requests, stats.posts, stats.committed, stats.throttled, stats.unauthorized, stats.exchanges
    ));
    match log_error {
        Some(error) => {
            context.console.error(&format!("the request log is incomplete: {error}"));
            Ok(ExitStatus::Unwritable)
        }
        None => Ok(ExitStatus::Success),
    }
}
