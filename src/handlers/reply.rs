//! The body of a success: `{"code":0,"message":"success!","data":…}`.

use actix_web::body::BoxBody;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use crate::error::{ApiError, ErrorCode, JSON};

/// The response of a handler that succeeds, with its data. It is not cacheable, because most data are personal.
#[derive(Debug)]
pub struct Success<T>(pub T);

/// The body of a success.
#[derive(Serialize, ToSchema)]
pub struct Envelope<T> {
    #[schema(schema_with = zero)]
    code: u8,
    #[schema(schema_with = success)]
    message: &'static str,
    data: T,
}

/// The data of a handler that returns none.
#[derive(Debug, Serialize, ToSchema)]
pub struct EmptyData {}

fn zero() -> Object {
    let always = ObjectBuilder::new().schema_type(Type::Integer);
    always.enum_values(Some([json!(0)])).build()
}

fn success() -> Object {
    let always = ObjectBuilder::new().schema_type(Type::String);
    always.enum_values(Some([json!("success!")])).build()
}

/// Initial capacity of a body, in bytes: enough for most, so that they take one allocation.
const CAPACITY: usize = 384;

impl<T: Serialize> Responder for Success<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut body = Vec::with_capacity(CAPACITY);
        let envelope = Envelope {
            code: 0,
            message: "success!",
            data: self.0,
        };
        match serde_json::to_writer(&mut body, &envelope) {
            Ok(()) => HttpResponse::Ok()
                .insert_header((CACHE_CONTROL, "no-store"))
                .content_type(JSON)
                .body(body),
            Err(error) => HttpResponse::from_error(
                ApiError::from(ErrorCode::Internal).with_cause(error.to_string()),
            ),
        }
    }
}
