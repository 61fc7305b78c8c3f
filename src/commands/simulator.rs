//! The simulator that replaces WeChat in development while no app is configured.

use weapp_login::settings::Settings;
use wechat_simulator::{Options, Simulator};

use crate::commands::Failure;

/// Seed of the simulator. It is constant, so the simulated users are the same after a restart.
const SEED: u64 = 1;

/// Starts the WeChat simulator, if no app is configured in development.
pub(crate) async fn start(settings: &Settings) -> Result<Option<Simulator>, Failure> {
    if !settings.simulated() {
        return Ok(None);
    }
    let simulator = Simulator::start(Options::new(SEED)).await;
    simulator.map(Some).map_err(Failure::internal)
}
