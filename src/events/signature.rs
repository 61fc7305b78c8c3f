//! The signature of an event, as in [Standard Webhooks](https://www.standardwebhooks.com), read 2026-11-27.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::identity::EventsSecret;

/// Signs events.
#[derive(Clone)]
pub(super) struct Signer(Hmac<Sha256>);

impl Signer {
    /// Decodes a secret such as `whsec_…`. Returns `None` if it is malformed.
    pub(super) fn new(secret: &EventsSecret) -> Option<Self> {
        let secret = secret.expose();
        let key = STANDARD.decode(secret.strip_prefix("whsec_")?).ok()?;
        Hmac::new_from_slice(&key).ok().map(Self)
    }

    /// Returns the value of `webhook-signature`.
    pub(super) fn sign(&self, id: &str, timestamp: &str, body: &str) -> String {
        let mut mac = self.0.clone();
        for part in [id, ".", timestamp, ".", body] {
            mac.update(part.as_bytes());
        }
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Python's hmac module.
    #[test]
    fn a_signature_is_that_of_standard_webhooks() {
        let secret = EventsSecret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signer = Signer::new(&secret).unwrap();
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let signature = signer.sign(id, "1614265330", r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert!(Signer::new(&EventsSecret::new("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).is_none());
    }
}
