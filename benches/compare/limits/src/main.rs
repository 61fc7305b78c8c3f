//! `limits actix|axum PORT STATUS BODY`: serves one fixed response with a bare framework, without a log or a store.

mod actix;
mod axum;

use std::env;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().collect();
    let [_, framework, port, status, body] = arguments.as_slice() else {
        return Err("limits actix|axum PORT STATUS BODY".into());
    };
    let (port, status, body) = (port.parse()?, status.parse()?, body.clone());
    match framework.as_str() {
        "actix" => actix_web::rt::System::new().block_on(actix::serve(port, status, body)),
        "axum" => axum::serve(port, status, body),
        other => Err(format!("`{other}` is neither actix nor axum").into()),
    }
}
