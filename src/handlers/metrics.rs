//! `GET /metrics`: all metrics for Prometheus.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, Responder, web};

use crate::metrics::{CONTENT_TYPE, Metrics};

/// Returns all series as text.
pub async fn get_metrics(metrics: web::Data<Metrics>) -> impl Responder {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .content_type(CONTENT_TYPE)
        .body(metrics.text())
}
