//! Exports and imports the apps and users.

use crate::saved_state::{SavedState, SavedStateError, SavedUser};
use crate::state::State;
use crate::user_id::UserId;

impl State {
    /// Returns the apps and the listed users, with all their ids.
    pub(crate) fn saved(&self) -> SavedState {
        let users = self.users.names().into_iter().map(|name| {
            let id = UserId::named(name);
            let data = self.users.get(&id);
            let apps = self.apps.iter();
            let unionids = apps.clone().filter_map(|app| {
                let account = app.open_platform.clone()?;
                Some((account, self.unionid(app, &id)?))
            });
            let user = SavedUser {
                phone_number: Some(data.phone_number),
                country_code: Some(data.country_code),
                nickname: Some(data.nickname),
                avatar_url: Some(data.avatar_url),
                blocked: Some(data.blocked),
                risk_rank: Some(data.risk_rank),
                openids: apps
                    .map(|app| (app.id.clone(), self.openid(app, &id)))
                    .collect(),
                unionids: unionids.collect(),
                ..SavedUser::default()
            };
            (name.to_owned(), user)
        });
        SavedState {
            seed: Some(self.options.seed),
            users: users.collect(),
            apps: self.apps.iter().map(|app| (**app).clone()).collect(),
        }
    }

    /// Starts again with the apps and users of an export. The seed, the clock and the other apps stay.
    pub(crate) fn restore(&mut self, saved: SavedState) -> Result<(), SavedStateError> {
        saved.ids(self.apps.first().map(AsRef::as_ref))?;
        for app in saved.apps.iter().cloned() {
            self.add_app(app);
        }
        self.options.saved = saved;
        self.reset();
        Ok(())
    }
}
