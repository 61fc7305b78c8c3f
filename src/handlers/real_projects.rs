//! Help for projects with a real AppID while WeChat is simulated.
//!
//! DevTools then gets codes and encrypted data from the real WeChat. The simulator has issued neither.

use std::fmt;
use std::sync::{Arc, Once};

use wechat_simulator::{AppHandle, Simulator};

use crate::account;
use crate::apps::TOURIST;
use crate::identity::LoginCode;
use crate::platforms::{DecryptError, Referer};
use crate::session::Device;

/// Logs in one simulated user for each real mini program and device. Does nothing with the real WeChat.
#[derive(Clone, Default)]
pub struct RealProjects(Option<Arc<Simulated>>);

struct Simulated {
    app: AppHandle,
    code_explained: Once,
    data_explained: Once,
}

impl RealProjects {
    /// Takes the simulator that replaces WeChat, if one does.
    pub fn of(simulator: Option<&Simulator>) -> Self {
        Self(simulator.map(|simulator| {
            Arc::new(Simulated {
                app: simulator.first_app().clone(),
                code_explained: Once::new(),
                data_explained: Once::new(),
            })
        }))
    }

    /// Makes a code of the real WeChat one of the simulated user for the real mini program and the device. Otherwise each
    /// code would be a new user.
    pub(super) fn adopt(&self, code: &LoginCode, from: Option<&Referer>, device: &Device) {
        let Some(simulated) = &self.0 else {
            return;
        };
        let sender = from.map(|from| from.app_id.as_str());
        let real = sender.filter(|id| *id != simulated.app.id() && *id != TOURIST);
        let Some(id) = real else {
            return;
        };
        let user = format!("{id} on {}", device.as_str());
        if simulated.app.adopt_code(code.expose(), &user) {
            simulated.code_explained.call_once(|| {
                log::warn!(
                    "a login came from the real mini program {id}, but WeChat is simulated: one simulated user stands for all \
                     people on one device. For real users, set `apps.main.app_id` and `apps.main.app_secret`"
                );
            });
        }
    }

    /// Explains why data of the real WeChat does not decrypt.
    pub(super) fn explain(&self, error: &account::Error) {
        if let (Some(simulated), account::Error::NotDecrypted(DecryptError::WrongKey)) =
            (&self.0, error)
        {
            simulated.data_explained.call_once(|| {
                log::warn!(
                    "encrypted data does not decrypt, and WeChat is simulated: data of the real WeChat never does, because \
                     its session key is not known here. Encrypt test data with the simulator, or set `apps.main.app_id` and \
                     `apps.main.app_secret`"
                );
            });
        }
    }
}

impl fmt::Debug for RealProjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RealProjects")
            .field(&self.0.is_some())
            .finish()
    }
}
