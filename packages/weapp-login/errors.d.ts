// Generated from the OpenAPI document of the server by scripts/errors.mjs.

/** The errors of the server: their names and HTTP statuses. */
export interface ServerErrors {
  app_unknown: 400
  avatar_malformed: 400
  avatar_missing: 400
  avatar_off: 403
  avatar_too_large: 413
  avatar_unavailable: 503
  avatar_unsupported: 415
  avatar_url_malformed: 400
  bad_request: 400
  body_timeout: 408
  body_too_large: 413
  code_malformed: 400
  code_missing: 400
  draining: 503
  encrypted_data_malformed: 400
  encrypted_data_missing: 400
  idempotency_key_malformed: 400
  internal: 500
  introspection_off: 403
  login_code_instead_of_phone_code: 400
  login_code_invalid: 401
  login_code_used: 401
  malformed_body: 400
  malformed_json: 400
  method_not_allowed: 405
  nickname_malformed: 400
  not_found: 404
  phone_code_invalid: 400
  phone_code_of_another_app: 400
  phone_code_spent: 409
  platform_busy: 503
  platform_misconfigured: 503
  platform_timed_out: 504
  platform_unintelligible: 502
  profile_missing: 400
  proof_code_invalid: 400
  rate_limited: 429
  service_key_required: 401
  session_key_stale: 409
  session_required: 401
  store_unavailable: 503
  token_missing: 400
  too_many_requests: 429
  unexpected_body: 400
  unsupported_charset: 415
  unsupported_encoding: 415
  unsupported_media_type: 415
  user_blocked: 403
  user_blocked_by_admin: 403
}
