//! The long help of the subcommands.

pub(super) const LIST: &str = "\
Each line has the user id, the AppID, the time of the first login, the time of the block, if there is one, and the nickname. With
--json the fields are id, app, nickname, avatar_url, created_at and block, and openid if `admin.disclose_openid` is set.

--openid, --unionid and --phone-number read from standard input, so that the id is in no list of processes and in no history of a
shell. A unionid is found only for apps with apps.<name>.open_platform, and a phone number only if user.keep_phone_number was set
when the user shared it. A foreign number has its country code after a +.

Examples:
  weapp-login users list --nickname 小美
  weapp-login users list --app main --created-since 2026-11-01T00:00:00Z --json | jq -r .id
  weapp-login users list --openid < openid.txt

Exit codes: 0 on success, also if there is no such user; 1 if the database failed; 2 if the database does not exist, or an
option or a setting is wrong.";

pub(super) const SHOW: &str = "\
With --json, the user is the first line, as in `users list --json`, and each session another one, as in `sessions list --json`.

Without --json, the identities of a user who logs in to several apps, and the conflicts without a decision, are further lines.
The id of a user who was merged into another one shows that one.

Exit codes: 0 if the user exists; 1 if the database failed; 2 if the user or the database does not exist, or a setting is
wrong.";

pub(super) const BLOCK: &str = "\
A running server rejects the user's tokens from its next request on, and each login with 403 user_blocked_by_admin. The
reason is for other operators. A repeated block replaces the reason.

Example:
  weapp-login users block --user 13b59f2d606a1ae73cc4cada73866b62 --reason spam

Exit codes: 0 on success; 1 if the database failed; 2 if the user or the database does not exist, or an option or a setting is
wrong.";

pub(super) const ONE_USER: &str = "\
Exit codes: 0 on success; 1 if the database failed; 2 if the user or the database does not exist, or a setting is wrong.";

pub(super) const DELETE: &str = "\
A block is deleted too: the next login of the same person creates a new user. To keep a person out, block them.

Exit codes: 0 on success; 1 if the database failed; 2 if the user or the database does not exist, or a setting is wrong.";

pub(super) const CONFLICTS: &str = "\
Two users are in conflict if the same unionid arrived for both: they are probably one person. Apps share users if they have the same
apps.<name>.open_platform. Each line has the user who had the unionid first, the other user, the time at which the conflict was
found, and the decision. With --json the fields are kept, other, found_at, decision and decided_at.

Exit codes: 0 on success, also if there is no conflict; 1 if the database failed; 2 if the database does not exist, or an option
or a setting is wrong.";

pub(super) const MERGE: &str = "\
The sessions of OTHER end, and the next login gives KEPT, with the profile of KEPT. The ids are those that `users conflicts` prints,
in either order. `users reopen` or `users apart` undoes the merge; undo several merges in the reverse order. If KEPT was merged into
OTHER before, that merge is undone first. A blocked user is not merged.

Exit codes: 0 on success; 1 if the database failed; 2 if the two have no conflict, one of them is blocked, a later merge depends
on theirs, the database does not exist, or a setting is wrong.";

pub(super) const APART: &str = "\
The conflict is no longer listed as open. If the two were merged, they become two users again, and the sessions of OTHER end.

Exit codes: 0 on success; 1 if the database failed; 2 if the two have no conflict, one of them is blocked, a later merge depends
on theirs, the database does not exist, or a setting is wrong.";

pub(super) const REOPEN: &str = "\
If the two were merged, they become two users again, and the sessions of OTHER end.

Exit codes: 0 on success; 1 if the database failed; 2 if the two have no conflict, one of them is blocked, a later merge depends
on theirs, the database does not exist, or a setting is wrong.";
