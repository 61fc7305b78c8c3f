import type { ServerErrors } from './errors'

/** Creates the client of one server. */
export function createLogin(options: LoginOptions): Login

/** Returns `true` for the errors of this package. */
export function isLoginError(error: unknown): error is LoginError

export interface LoginOptions {
  /** URL of the server, such as `https://api.example.com`, with or without a path. */
  baseUrl: string
  /** Name or AppID of the mini program. Needed if the server has several and the platform sends no Referer. */
  app?: string
  /**
   * API object of the platform. Default: the first of the globals `wx`, `uni`, `Taro`, `my`, `tt`, `qq`, `swan`, `ks` and
   * `xhs` that can send requests, and in a web page `fetch` and `localStorage`. Taro has no global: pass it.
   */
  platform?: object
  /** Sends a request, instead of the platform. Resolves for every HTTP status, and rejects if there is no reply. */
  request?: (call: SentRequest) => Promise<RawReply>
  /**
   * Returns a login code, instead of the platform. `interactive` is `true` if the program called `login()`: then the
   * function may show something to the user.
   */
  login?: (interactive: boolean) => string | Promise<string>
  /** Stores the token, instead of the platform. */
  storage?: TokenStorage
  /** Key of the token in the storage. Default: `weapp_login_token`. */
  storageKey?: string
  /** Maximum time of a request in milliseconds. Default: 10000. */
  timeout?: number
  /** If `true`, requests without a token are sent without a login, until the program calls `login()`. */
  guest?: boolean
  /** If `true`, logs in at once, even if there is a token. Requests wait for it. */
  loginAtStart?: boolean
}

export interface TokenStorage {
  get(key: string): string | null | undefined
  set(key: string, value: string): void
  remove(key: string): void
}

/** A request as it is sent, with the whole URL and the token. */
export interface SentRequest {
  url: string
  method: string
  header: Record<string, string>
  data?: unknown
  timeout: number
  [option: string]: unknown
}

/** A reply of the platform. The names in pairs are those of different platforms. */
export interface RawReply {
  statusCode?: number
  status?: number
  data: unknown
  header?: object
  headers?: object
}

export interface Login {
  /** The URL of the server. */
  readonly baseUrl: string
  /**
   * Sends a request with the token. Logs in first if there is none, and once more if the server replies `session_required`;
   * the request is then repeated once. Rejects with a `LoginError` for every status other than 2xx.
   */
  request<T = unknown>(call: RequestOptions): Promise<Reply<T>>
  /** Resolves with the token, after a login if there is none. For APIs that do not use `request`, such as `wx.uploadFile`. */
  ensureLogin(): Promise<string>
  /** Returns `true` if a token is stored. The server may have ended its session. */
  hasToken(): boolean
  /** Logs in. Concurrent calls share one login. */
  login(): Promise<Grant>
  /** Removes the token and ends the session. Rejects if the server was not reached; the token is removed even so. */
  logout(): Promise<void>
  /** Returns the phone number for the code of a `getPhoneNumber` button: `event.detail.code`. */
  phone(code: string): Promise<PhoneNumber>
  /** Decrypts data: `event.detail`, or the result of `wx.getUserInfo` and similar calls. */
  decrypt<T = Record<string, unknown>>(detail: EncryptedData): Promise<T>
  /**
   * Calls the listener with the user after each login, and with `null` after a logout or if a login to replace an expired
   * session failed. Returns a function that removes the listener.
   */
  onChange(listener: (user: User | null) => void): () => void
}

export interface RequestOptions {
  /** Path with a leading slash, such as `/session`. */
  url: string
  method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS' | 'TRACE' | 'CONNECT'
  data?: unknown
  header?: Record<string, string>
  timeout?: number
  /** `false`: without a token and without a login. `true`: with a login, for guests as well. */
  auth?: boolean
  /** Further options of the platform's `request`. */
  [option: string]: unknown
}

/** A reply of the server. */
export interface Reply<T> {
  code: number
  message: string
  data: T
}

export interface Grant {
  token: string
  /** Seconds until the session ends at the latest. */
  expires_in: number
  /** Seconds until the session ends if it is not used. */
  idle_expires_in: number
  user: User
}

export interface User {
  id: string
  /** `true` if the login created the user. */
  is_new: boolean
}

export interface PhoneNumber {
  phone_number: string
  pure_phone_number: string
  country_code: string
}

export interface EncryptedData {
  encryptedData: string
  iv: string
  rawData?: string
  signature?: string
}

/** Every error that the functions of this package reject with. `error` distinguishes them. */
export type LoginError = ServerError | PackageError

/** An error of the server. Its status and name belong together. */
export type ServerError = {
  [Name in keyof ServerErrors]: ReplyError<Name, ServerErrors[Name]>
}[keyof ServerErrors]

/** An error without a reply of the server. */
export type PackageError =
  | NamedError<'network', { readonly errMsg: string }>
  | NamedError<'platform_login_failed', { readonly errMsg: string }>
  | NamedError<'logged_out'>
  | NamedError<'path_expected'>
  | ReplyError<'unexpected_reply', number>

interface NamedErrorBase<Name extends string> extends Error {
  /** Stable name of the error. */
  readonly error: Name
}

type NamedError<Name extends string, Details = unknown> = NamedErrorBase<Name> & Details

interface ReplyError<Name extends string, Status extends number> extends NamedErrorBase<Name> {
  readonly statusCode: Status
  /** The platform's errcode if the platform rejected the call, else the HTTP status. */
  readonly code?: number
  /** Finds the cause in the server's log. */
  readonly requestId?: string
  /** Seconds to wait before the next attempt. Until then, `login` rejects without a request. */
  readonly retryAfter?: number
  /** The body of the reply. */
  readonly data: unknown
}

export type { ServerErrors }
