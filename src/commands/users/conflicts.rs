//! `weapp-login users conflicts`, `merge`, `apart` and `reopen`: users who are probably one person.

use jiff::Timestamp;
use weapp_login::administration::{ConflictSearch, Error, MAX_PAGE};
use weapp_login::store::Decision;

use crate::commands::Failure;
use crate::commands::users::StoredUsers;
use crate::commands::users::options::{Conflicts, Pair};
use crate::commands::users::output::{conflict_line, conflict_table};

impl StoredUsers {
    /// Reads pages until there are enough conflicts.
    pub(super) async fn conflicts(&self, options: &Conflicts) -> Result<String, Failure> {
        let mut search = ConflictSearch {
            user: options.user,
            only_open: options.open,
            after: None,
            limit: MAX_PAGE,
        };
        let mut conflicts = Vec::new();
        loop {
            let page = self.administration.conflicts(search).await;
            let page = page.map_err(Failure::internal)?;
            conflicts.extend(page.conflicts);
            search.after = page.next;
            if page.next.is_none() || conflicts.len() >= options.limit {
                break;
            }
        }
        conflicts.truncate(options.limit);
        Ok(if options.json {
            conflicts.iter().map(conflict_line).collect()
        } else {
            conflict_table(&conflicts)
        })
    }

    pub(super) async fn decide(
        &self,
        pair: Pair,
        decision: Option<Decision>,
        now: Timestamp,
    ) -> Result<String, Failure> {
        let Pair { kept, other } = pair;
        let decided = self.administration.resolve([kept, other], decision, now);
        let ended = match decided.await {
            Ok(1) => "1 session".to_owned(),
            Ok(ended) => format!("{ended} sessions"),
            Err(Error::ConflictUnknown) => {
                return Err(Failure::message(format!(
                    "users `{kept}` and `{other}` have no conflict\n  hint: `users conflicts` prints the conflicts"
                )));
            }
            Err(Error::ConflictBlocked) => {
                return Err(Failure::message(format!(
                    "one of the users `{kept}` and `{other}` is blocked, and a merge would lift the block or spread it\n  \
                     hint: use `users unblock` first"
                )));
            }
            Err(Error::ConflictHasLaterMerge) => {
                return Err(Failure::message(format!(
                    "a later merge depends on that of `{kept}` and `{other}`\n  \
                     hint: undo that first; `users conflicts --user {kept}` prints the merges"
                )));
            }
            Err(error) => return Err(Failure::internal(error)),
        };
        Ok(match decision {
            Some(Decision::Merged) => {
                format!("merged user {other} into user {kept} and ended {ended}\n")
            }
            Some(Decision::Apart) => {
                format!("decided that the two users stay apart, and ended {ended}\n")
            }
            None => format!("opened the conflict again and ended {ended}\n"),
        })
    }
}
