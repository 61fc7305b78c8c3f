//! The digests by which the apps of one Open Platform account recognize a person.

use zeroize::Zeroizing;

use crate::apps::App;
use crate::identity::{KeyedDigest, UnionId};
use crate::session::DataKeys;

/// Separates the digests of unionids from others under the same key.
const PURPOSE: &str = "unionid";

/// Computes the digests of a person's unionid in the app's Open Platform account, one per key, the first key's first. Empty if the
/// app shares no users.
pub(crate) fn person(app: &App, keys: &DataKeys, unionid: &UnionId) -> Vec<KeyedDigest> {
    let Some(account) = app.open_platform() else {
        return Vec::new();
    };
    let mut text = Zeroizing::new(String::new());
    // Each part has its length before it, so that no two triples make the same text.
    for part in [app.platform().as_str(), account, unionid.expose()] {
        text.push_str(&part.len().to_string());
        text.push(':');
        text.push_str(part);
    }
    keys.digests(PURPOSE, &text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{AppId, AppSecret, DataKey, PlatformName};

    fn digests(account: &str, unionid: &str, keys: &[&str]) -> Vec<KeyedDigest> {
        let app = App::new(PlatformName::Wechat, AppId::new("wx"), AppSecret::new("s"));
        let app = app.with_open_platform(account);
        let keys: Vec<_> = keys.iter().map(|key| DataKey::new(*key)).collect();
        person(&app, &DataKeys::new(&keys), &UnionId::new(unionid))
    }

    #[test]
    fn a_digest_depends_on_the_account_and_the_unionid() {
        let one = digests("acme", "o6_b", &["new", "old"]);
        assert_eq!(one.len(), 2);
        assert_eq!(one, digests("acme", "o6_b", &["new", "old"]));
        assert_eq!(one[1..], digests("acme", "o6_b", &["old"]));
        assert_ne!(one, digests("acme", "o6_c", &["new", "old"]));
        assert_ne!(one, digests("emca", "o6_b", &["new", "old"]));
        assert_ne!(
            digests("acme1", "x", &["key"]),
            digests("acme", "1x", &["key"])
        );
        assert_ne!(
            digests("acme", "14:1xxx", &["key"]),
            digests("acme7:1", "4:1xxx", &["key"])
        );
    }

    #[test]
    fn an_app_without_an_account_shares_no_users() {
        assert_eq!(digests("", "o6_b", &["key"]), []);
    }
}
