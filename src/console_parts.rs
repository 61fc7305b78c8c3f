//! The parts of the console.

use std::sync::Arc;

use actix_web::web;
use wechat_simulator::Guard;

use crate::apps::Apps;
use crate::console::{self, ConsoleKey, Hub, Scope};
use crate::handlers::console::ConsoleState;
use crate::middleware::console_access::ConsoleAccess;
use crate::platforms::Observer;
use crate::settings::Settings;

/// The console: for development on the server's port, for operators on the admin port. All workers share its parts.
#[derive(Clone)]
pub struct Console {
    pub(crate) hub: Arc<Hub>,
    pub(crate) is_for_development: bool,
    key: ConsoleKey,
    access: web::Data<ConsoleAccess>,
    state: ConsoleState,
}

impl Console {
    /// Creates the parts, if the settings have a console. Without random numbers for its key there is none.
    pub(crate) fn of(settings: &Settings, apps: &Arc<Apps>, guard: &Guard) -> Option<Self> {
        let is_for_development = settings.has_console();
        if !is_for_development && settings.admin.address().is_none() {
            return None;
        }
        let scope = if is_for_development {
            Scope::All
        } else {
            Scope::Rejections
        };
        let key = ConsoleKey::random().ok()?;
        let access = ConsoleAccess::new(key.clone(), guard.clone());
        Some(Self {
            hub: Arc::new(Hub::new(scope)),
            is_for_development,
            access: web::Data::new(access),
            state: ConsoleState::new(Arc::clone(apps), settings.simulated()),
            key,
        })
    }

    /// Returns the observer that records the calls to the platform.
    pub(crate) fn observer(&self) -> Observer {
        console::observer(Arc::clone(&self.hub))
    }

    /// Returns the key by which pages of other machines read the data in development. There is none for operators.
    pub fn key(&self) -> Option<&ConsoleKey> {
        Some(&self.key).filter(|_| self.is_for_development)
    }

    /// Sets the check of the settings.
    pub fn check_settings_with(
        &self,
        check: impl Fn() -> Result<String, String> + Send + Sync + 'static,
    ) {
        self.state.check_settings_with(check);
    }

    /// Adds the data of the handlers to a service on the server's port.
    pub(crate) fn add_data(&self, api: &mut web::ServiceConfig) {
        api.app_data(web::Data::from(Arc::clone(&self.hub)))
            .app_data(self.access.clone())
            .app_data(web::Data::new(self.state.clone()));
    }

    /// Adds the data of the handlers to a service on the admin port.
    pub(crate) fn add_admin_data(&self, api: &mut web::ServiceConfig) {
        api.app_data(web::Data::from(Arc::clone(&self.hub)))
            .app_data(web::Data::new(self.state.for_operators()));
    }
}

impl std::fmt::Debug for Console {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Console").finish_non_exhaustive()
    }
}
