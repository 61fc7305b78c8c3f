//! The handlers of the admin API, for operators.

mod conflict;
pub mod conflicts;
pub mod statistics;
pub mod user;
pub mod users;

use std::sync::Arc;

use actix_web::web;

use crate::administration::Administration;
use crate::limits::Limits;
use crate::middleware::admin_key::AdminKeys;
use crate::settings::Admin;

/// The data of the handlers and of their guard.
#[derive(Clone)]
pub struct AdminData {
    administration: web::Data<Administration>,
    keys: web::Data<AdminKeys>,
}

impl AdminData {
    /// Takes the use cases, and the keys from the settings.
    pub fn new(administration: Administration, settings: &Admin, limits: Arc<Limits>) -> Self {
        let administration = administration.disclosing_openids(settings.disclose_openid);
        Self {
            administration: web::Data::new(administration),
            keys: web::Data::new(AdminKeys::new(&settings.keys, limits)),
        }
    }

    /// Adds the data to a service.
    pub fn add_to(&self, api: &mut web::ServiceConfig) {
        api.app_data(self.administration.clone())
            .app_data(self.keys.clone());
    }
}
