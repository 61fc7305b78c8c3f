//! Messages to users: templates, the users' subscriptions, conversations with customer service, and what was sent.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::bounded::{BoundedList, LruMap};
use crate::errors::{ANSWER_TOO_LATE, ApiError, TOO_MANY_ANSWERS};

/// Maximum numbers of templates, of users with subscriptions and conversations, and of recorded messages. Our choice.
const MAX_TEMPLATES: usize = 1_000;
const MAX_USERS: usize = 10_000;
const MAX_SENT: usize = 1_000;

/// The time in which a user who wrote can be answered, and the number of answers.
///
/// Source: [sendCustomMessage](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/kf-mgnt/kf-message/sendCustomMessage.html).
const CONVERSATION: Duration = Duration::from_hours(48);
const ANSWERS: u32 = 5;

/// A template of subscription messages.
#[derive(Clone, Serialize)]
pub(crate) struct Template {
    #[serde(rename = "priTmplId")]
    pub(crate) id: String,
    pub(crate) title: String,
    /// Lines such as `Order: {{thing1.DATA}}`.
    pub(crate) content: String,
    /// 2: one message for each consent.
    #[serde(rename = "type")]
    pub(crate) kind: u8,
}

impl Template {
    /// Returns the names of the fields, for example `thing1`.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &str> {
        let parts = self.content.split("{{").skip(1);
        parts.filter_map(|part| part.split_once(".DATA}}").map(|(name, _)| name))
    }
}

/// A message that was sent.
#[derive(Clone, Serialize)]
pub(crate) struct Message {
    pub(crate) app_id: String,
    pub(crate) openid: String,
    /// The path of the call.
    pub(crate) path: String,
    pub(crate) body: Value,
}

/// All messages.
pub(crate) struct Messages {
    /// By AppID and template id.
    templates: BTreeMap<(String, String), Template>,
    /// By openid: the number of messages that the user allows, by template id.
    subscriptions: LruMap<BTreeMap<String, u32>>,
    /// By openid: the time at which the user wrote, and the number of answers.
    conversations: LruMap<(Duration, u32)>,
    pub(crate) sent: BoundedList<Message>,
}

impl Messages {
    pub(crate) fn new() -> Self {
        Self {
            templates: BTreeMap::new(),
            subscriptions: LruMap::new(MAX_USERS),
            conversations: LruMap::new(MAX_USERS),
            sent: BoundedList::new(MAX_SENT),
        }
    }

    /// Adds a template. Returns `false` if there are too many.
    pub(crate) fn add_template(&mut self, app_id: &str, template: Template) -> bool {
        let has_room = self.templates.len() < MAX_TEMPLATES;
        if has_room {
            let key = (app_id.to_owned(), template.id.clone());
            self.templates.insert(key, template);
        }
        has_room
    }

    /// Removes a template. Returns `false` if there is none with this id.
    pub(crate) fn remove_template(&mut self, app_id: &str, id: &str) -> bool {
        let key = (app_id.to_owned(), id.to_owned());
        self.templates.remove(&key).is_some()
    }

    pub(crate) fn template(&self, app_id: &str, id: &str) -> Option<&Template> {
        self.templates.get(&(app_id.to_owned(), id.to_owned()))
    }

    pub(crate) fn templates(&self, app_id: &str) -> Vec<&Template> {
        let templates = self.templates.iter();
        templates
            .filter(|((of_app, _), _)| of_app == app_id)
            .map(|(_, template)| template)
            .collect()
    }

    /// Allows one more message, as a tap on the dialog of `wx.requestSubscribeMessage` does.
    pub(crate) fn subscribe(&mut self, openid: &str, template_id: &str) {
        let of_user = self.subscriptions.get_or_insert_with(openid, BTreeMap::new);
        if of_user.len() < MAX_TEMPLATES {
            let count = of_user.entry(template_id.to_owned()).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// Uses one subscription. Returns `false` if there is none.
    pub(crate) fn use_subscription(&mut self, openid: &str, template_id: &str) -> bool {
        let of_user = self.subscriptions.get_or_insert_with(openid, BTreeMap::new);
        let Some(count) = of_user.get_mut(template_id).filter(|count| **count > 0) else {
            return false;
        };
        *count -= 1;
        true
    }

    /// Records that the user wrote to customer service.
    pub(crate) fn receive(&mut self, openid: &str, now: Duration) {
        *self.conversations.get_or_insert_with(openid, || (now, 0)) = (now, 0);
    }

    /// Counts an answer to the user, and fails if the user has not written in the last 48 hours or got five answers.
    pub(crate) fn answer(&mut self, openid: &str, now: Duration) -> Result<(), ApiError> {
        let is_open = |(at, _): &(Duration, u32)| now < at.saturating_add(CONVERSATION);
        let conversation = self.conversations.peek(openid).copied().filter(is_open);
        let (at, answers) = conversation.ok_or(ANSWER_TOO_LATE)?;
        if answers >= ANSWERS {
            return Err(TOO_MANY_ANSWERS);
        }
        *self.conversations.get_or_insert_with(openid, || (at, 0)) = (at, answers + 1);
        Ok(())
    }
}
