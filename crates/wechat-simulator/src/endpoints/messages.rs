//! Calls that send messages to users: subscription messages with their templates, and customer service.

use serde_json::{Map, Value};

use crate::app::App;
use crate::endpoints::call::{Call, text};
use crate::errors::{
    ApiError, INVALID_ARGUMENTS, INVALID_MESSAGE_TYPE, INVALID_OPENID, INVALID_TEMPLATE,
    MISSING_DATA, NO_SUBSCRIPTION,
};
use crate::json::Object;
use crate::state::messages::{Message, Template};

/// The types of messages of customer service.
const MESSAGE_TYPES: [&str; 4] = ["text", "image", "link", "miniprogrampage"];

/// `POST /cgi-bin/message/subscribe/send`: sends a message for which the user gave consent. Each consent allows one.
///
/// Source: [sendMessage](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-message-management/subscribe-message/sendMessage.html).
pub(super) fn subscribe(call: &mut Call<'_>) -> Result<Object, ApiError> {
    let app = call.app_by_token()?;
    let body = call.body()?;
    let openid = recipient(call, &app.id, &body)?;
    let template_id = text(&body, "template_id").ok_or(INVALID_TEMPLATE)?;
    let template = call.state.messages.template(&app.id, template_id);
    let template = template.ok_or(INVALID_TEMPLATE)?;
    let data = body.get("data").and_then(Value::as_object);
    let has_value = |name: &str| {
        let field = data
            .and_then(|data| data.get(name))
            .and_then(Value::as_object);
        field.and_then(|field| text(field, "value")).is_some()
    };
    if !template.fields().all(has_value) {
        return Err(MISSING_DATA);
    }
    if !call.state.messages.use_subscription(&openid, template_id) {
        return Err(NO_SUBSCRIPTION);
    }
    Ok(Object::ok().with("msgid", send(call, &app, openid, body)))
}

/// `POST /cgi-bin/message/custom/send`: answers a user who wrote in the last 48 hours, at most five times.
///
/// Source: [sendCustomMessage](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/kf-mgnt/kf-message/sendCustomMessage.html).
pub(super) fn custom(call: &mut Call<'_>) -> Result<Object, ApiError> {
    let app = call.app_by_token()?;
    let body = call.body()?;
    let openid = recipient(call, &app.id, &body)?;
    let kind = text(&body, "msgtype").ok_or(INVALID_MESSAGE_TYPE)?;
    if !MESSAGE_TYPES.contains(&kind) {
        return Err(INVALID_MESSAGE_TYPE);
    }
    if !body.get(kind).is_some_and(Value::is_object) {
        return Err(INVALID_ARGUMENTS);
    }
    call.state.messages.answer(&openid, call.now)?;
    send(call, &app, openid, body);
    Ok(Object::ok())
}

/// `GET /wxaapi/newtmpl/gettemplate`: returns the app's templates.
///
/// Source: [getMessageTemplateList](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-message-management/subscribe-message/getMessageTemplateList.html).
pub(super) fn templates(call: &mut Call<'_>) -> Result<Object, ApiError> {
    let app = call.app_by_token()?;
    Ok(Object::ok().with("data", call.state.messages.templates(&app.id)))
}

/// `POST /wxaapi/newtmpl/addtemplate`: adds a template of WeChat's library. The simulator has no library: each keyword becomes
/// a field `thing` with its number.
///
/// Source: [addMessageTemplate](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-message-management/subscribe-message/addMessageTemplate.html).
pub(super) fn add_template(call: &mut Call<'_>) -> Result<Object, ApiError> {
    let app = call.app_by_token()?;
    let body = call.body()?;
    let title = text(&body, "tid").ok_or(INVALID_ARGUMENTS)?;
    let keywords = body.get("kidList").and_then(Value::as_array);
    let keywords = keywords.filter(|list| (1..=5).contains(&list.len()));
    let lines = keywords.ok_or(INVALID_ARGUMENTS)?.iter();
    let lines: Vec<String> = lines
        .map(|keyword| format!("{keyword}:{{{{thing{keyword}.DATA}}}}\n"))
        .collect();
    let number = call.state.messages.templates(&app.id).len().to_string();
    let id = call
        .state
        .identifiers
        .template_id(&app.id, &[title, &number]);
    let template = Template {
        id: id.clone(),
        title: title.to_owned(),
        content: lines.concat(),
        kind: 2,
    };
    if !call.state.messages.add_template(&app.id, template) {
        return Err(INVALID_ARGUMENTS);
    }
    Ok(Object::ok().with("priTmplId", id))
}

/// `POST /wxaapi/newtmpl/deltemplate`.
///
/// Source: [deleteMessageTemplate](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-message-management/subscribe-message/deleteMessageTemplate.html).
pub(super) fn delete_template(call: &mut Call<'_>) -> Result<Object, ApiError> {
    let app = call.app_by_token()?;
    let body = call.body()?;
    let id = text(&body, "priTmplId").ok_or(INVALID_TEMPLATE)?;
    if call.state.messages.remove_template(&app.id, id) {
        Ok(Object::ok())
    } else {
        Err(INVALID_TEMPLATE)
    }
}

/// Returns the openid of a user of the app in `touser`.
fn recipient(call: &Call<'_>, app_id: &str, body: &Map<String, Value>) -> Result<String, ApiError> {
    let openid = text(body, "touser").ok_or(INVALID_OPENID)?;
    let user = call.state.session_keys.user(app_id, openid);
    user.map(|_| openid.to_owned()).ok_or(INVALID_OPENID)
}

/// Records a message and returns its number.
fn send(call: &mut Call<'_>, app: &App, openid: String, body: Map<String, Value>) -> u64 {
    let number = call
        .state
        .identifiers
        .number("message", &[&openid, &call.now.as_nanos().to_string()]);
    call.state.messages.sent.push(Message {
        app_id: app.id.clone(),
        openid,
        path: call.request.path.clone(),
        body: body.into(),
    });
    number % 10_000_000_000
}
