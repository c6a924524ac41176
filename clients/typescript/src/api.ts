// Written by clients/generate.py from connect_core/web/openapi/openapi.json: edit those.

import { Transport } from "./transport.js";

/** A login that has begun. */
export interface BegunLogin {
  /** Where the browser goes; or the text that the vendor's SDK takes, or the nonce for its ID token. */
  login_url: string;
  /** Send it back with the code or ID token, to `token`. */
  ticket?: string;
}

/** A QR login that has begun. */
export interface BegunQrLogin {
  /** Draw it as a QR code. */
  handover_url: string;
  /** Seconds for which the QR code works. */
  expires_in: number;
  /** Seconds between two polls. */
  interval: number;
}

/** How a login begins that links, proves or confirms, or its code with the vendor's other parameters. */
export interface BindRequest {
  /** Where the browser goes on. Default `/connect/account`. */
  return_to?: string;
  /** As for `bind`. */
  redirect_uri?: string;
  /** As for `bind`. */
  code?: string;
  /** The vendor's own parameters, or those of the shop's check. */
  [name: string]: unknown;
}

/** Nobody is known by this identity, and the person has to choose or to agree first. */
export interface ChoiceTicket {
  /** Send it to `first-login` or `join`. */
  choice_ticket: string;
  /** Seconds for which the ticket is accepted. */
  expires_in: number;
  /** Only where the person has to agree to the shop's terms before they are registered. */
  code?: "consent_required";
  terms_version?: string;
  terms_url?: string;
  privacy_url?: string;
}

/** Where the visitor is: a PC's browser, a mobile browser, an app or a mini program. Not RFC 6749's client type. */
export type ClientType = "pc" | "h5" | "app" | "mini";

/** Where the PC lands. */
export interface CollectRequest {
  /** For a form: where the member lands in the end. */
  return_to?: string;
  /** The vendor's own parameters, or those of the shop's check. */
  [name: string]: unknown;
}

/** The member's password, or the fields that the shop's own check takes. */
export interface ConfirmingPassword {
  /** The member's password. */
  password?: string;
  /** Where the member goes on. Default `/connect/account`. */
  return_to?: string;
  /** The vendor's own parameters, or those of the shop's check. */
  [name: string]: unknown;
}

/** A place where the member is logged in; each text is empty where it is not known. */
export interface DescribedSession {
  /** Ends this login at `DELETE /connect/sessions/{id}`. */
  id: string;
  client_type: ClientType;
  device_id: string;
  /** In epoch seconds. */
  login_time: number;
  /** In epoch seconds. */
  seen_time: number;
  /** This is the login that asks. */
  is_this: boolean;
  browser: string;
  system: string;
  city: string;
  country: string;
}

/** The choice at a first login, and with `join` the credentials. */
export interface FirstLoginChoice {
  /** `register`, or `join` to log in as a member whose credentials come along. */
  decision: "register" | "join";
  /** An app's `choice_ticket`; a browser sends its cookie. */
  ticket?: string;
  /** The `subject` of the login that the person was shown; where another one waits in the browser by now, nothing is done (409 `changed_meanwhile`). */
  page_subject?: string;
  /** With `register`: the version of the terms that the person agrees to, where `[pages] consent` is `required`. */
  consent?: string;
  /** With `join`: the member's name. */
  username?: string;
  /** With `join`: the password. If a plugin of yours checks credentials, it may take other fields. */
  password?: string;
  /** The vendor's own parameters, or those of the shop's check. */
  [name: string]: unknown;
}

/** A login that can prove which account a person has. */
export interface JoinChoice {
  unavailable?: OutageNotice;
  provider: string;
  name: string;
  /** Post there. */
  join_url: string;
}

/** How the login that proves the account begins, or its code. */
export interface JoinRequest {
  /** An app's or front end's `choice_ticket`; a browser sends its cookie. It comes with the `token` request too. */
  choice_ticket?: string;
  /** As for `first-login`. */
  page_subject?: string;
  /** For a `choice_ticket`: the front end's page that posts the response to `token`. */
  redirect_uri?: string;
  /** As for `bind`. */
  code?: string;
  /** The vendor's own parameters, or those of the shop's check. */
  [name: string]: unknown;
}

/** The identity now leads to the member who was logged in already. */
export interface LinkedIdentity {
  /** The vendor, such as `ALIPAY`. */
  union_type: string;
}

/** A connection as its member sees it. */
export interface LinkedLogin {
  /** The vendor, such as `ALIPAY`. */
  union_type: string;
  nickname: string;
  /** In epoch seconds. */
  since: number;
}

/** Whose session the PC has now. */
export interface LoggedInOnPc {
  uid: number;
}

/** The tokens of a login that has just ended. */
export interface LoginTokens {
  access_token: string;
  refresh_token: string;
  token_type: string;
  expires_in: number;
  uid: number;
  /** The login has registered the member. */
  is_new_member: boolean;
}

/** Where a login ends; a client that hands in a code or an ID token needs neither. */
export interface LoginUrlRequest {
  /** Your front end's own page, in `redirect_allow`, absolute, without fragment. It posts code and state to `token`. */
  redirect_uri?: string;
  /** Instead of `redirect_uri`: the login finishes at our callback, which redirects the browser to this address. */
  return_to?: string;
  /** The vendor's own parameters, or those of the shop's check. */
  [name: string]: unknown;
}

/** The login that ends, where neither a cookie nor a bearer token says so. */
export interface LogoutRequest {
  /** The most recent refresh token of the login that ends. */
  refresh_token?: string;
  /** The vendor's own parameters, or those of the shop's check. */
  [name: string]: unknown;
}

/** The member who is logged in. */
export interface Me {
  uid: number;
  /** The member's name for logging in. */
  uname: string;
  nickname: string;
  /** The address of a picture, or empty. */
  face: string;
  /** Where the member logged in. */
  client_type: ClientType;
  /** The vendors that lead to the member, such as `ALIPAY`. */
  connections: string[];
}

/** Credentials of the second account, or the fields that the shop's own check takes. */
export interface MergeCredentials {
  /** The other account's member name. */
  username?: string;
  /** The password. If a plugin of yours checks credentials, it may take other fields. */
  password?: string;
  /** The vendor's own parameters, or those of the shop's check. */
  [name: string]: unknown;
}

/** The accounts are merged. */
export interface MergeDone {
  id: number;
  /** In epoch seconds; 0 where the merge cannot be undone. */
  undo_until: number;
}

/** What a merge would do. */
export interface MergePlanned {
  kept: ShownAccount;
  merged: ShownAccount;
  /** What else moves, in the shop's own words. */
  moves: string[];
  /** Why the shop does not merge the two; null if it does. */
  refusal: string | null;
  /** In epoch seconds; 0 where the merge could not be undone. */
  undo_until: number;
}

/** The proof of the second account. */
export interface MergeProof {
  /** The `merge_ticket`; a browser sends its cookie. */
  ticket?: string;
  /** The vendor's own parameters, or those of the shop's check. */
  [name: string]: unknown;
}

/** The member has proved a second account. */
export interface MergeTicket {
  /** Send it to `preview` and to the merge. */
  merge_ticket: string;
  /** Seconds for which the ticket is accepted. */
  expires_in: number;
}

/** The merge is undone. */
export interface MergeUndone {
  /** The vendors that lead to the other member again. */
  connections: string[];
}

/** The member's new password. */
export interface NewPassword {
  /** 8 to 128 characters, none of the commonest passwords, and not the member's own name; stored as an Argon2id hash. */
  password: string;
  /** The vendor's own parameters, or those of the shop's check. */
  [name: string]: unknown;
}

/** A provider that a client type shows. */
export interface OfferedLogin {
  unavailable?: OutageNotice;
  /** Its NAME in the configuration, and in the addresses of its routes. */
  provider: string;
  /** What it is called on a button, in the visitor's language. */
  name: string;
  /** Where a browser begins the login; null where an app or a mini program begins it. */
  login_url: string | null;
}

/** A vendor is down. */
export interface OutageNotice {
  /** A sentence for the visitor, in their language. */
  reason: string;
  /** Look again in so many seconds. */
  retry_after: number;
}

/** Credentials, beside the fields that the shop's own check takes. */
export interface PasswordLogin {
  /** The member's name, as the account page shows it. */
  username?: string;
  /** The password. */
  password?: string;
  /** Where the member lands afterwards. Default `home_url`. */
  return_to?: string;
  /** `pc`, `h5`, `app` or `mini`; by default, what the browser seems to be. */
  client?: ClientType;
  /** The app's own name for its device, at most 64 characters. */
  device_id?: string;
  /** The vendor's own parameters, or those of the shop's check. */
  [name: string]: unknown;
}

/** Why a request was refused (RFC 9457). */
export interface Problem {
  type: "about:blank";
  /** The code again: RFC 9457 wants a title. */
  title: string;
  /** The HTTP status of the answer. */
  status: number;
  code: ErrorCode;
  /** Finds the request in the service's log. Tell it to the shop's support. */
  request_id: string;
  /** Why a new password is not accepted, in a sentence. */
  detail?: string;
  /** Why a new password is not accepted: `too_short`, `too_long`, `common` or `name`. At `/readyz`, why it failed. */
  reason?: string;
  /** Where the member confirms who they are: the request needs a more recent login. */
  reauthenticate_url?: string;
}

/** A public key (RFC 7517 §4). */
export interface PublicKey {
  kty: string;
  kid: string;
  crv: string;
  x: string;
  y: string;
  use: string;
  alg: string;
}

/** A JWK set (RFC 7517 §5). */
export interface PublicKeySet {
  keys: PublicKey[];
}

/** How far a QR login is; a PC that polls reads `expired` for whatever cannot be collected any more. */
export type QrLoginState = "waiting" | "scanned" | "approved" | "denied" | "collected" | "expired";

/** How far a QR login is. */
export interface QrLoginStatus {
  status: QrLoginState;
}

/** The token that is exchanged. */
export interface RefreshRequest {
  /** The most recent refresh token. */
  refresh_token?: string;
  /** In a form, by a client of OAuth 2.0: `refresh_token`. Others leave it out. */
  grant_type?: string;
  /** The vendor's own parameters, or those of the shop's check. */
  [name: string]: unknown;
}

/** The new tokens are in the cookies of the `/buyer` routes. */
export interface RefreshedCookies {
  expires_in: number;
  uid: number;
}

/** Which computer wants to log in; each text is empty where it is not known. */
export interface ScannedQrLogin {
  browser: string;
  system: string;
  /** The network that the computer is in, such as `203.0.113.*`. */
  place: string;
  city: string;
  country: string;
  /** Seconds since the QR login began. */
  age: number;
  status: QrLoginState;
}

/** Where the token routes are, and what they take (RFC 8414). */
export interface ServerMetadata {
  issuer: string;
  jwks_uri: string;
  token_endpoint: string;
  token_endpoint_auth_methods_supported: string[];
  grant_types_supported: string[];
  response_types_supported: string[];
  revocation_endpoint: string;
  revocation_endpoint_auth_methods_supported: string[];
  introspection_endpoint?: string;
  introspection_endpoint_auth_methods_supported?: string[];
}

/** One of two accounts of a person. */
export interface ShownAccount {
  uid: number;
  uname: string;
  nickname: string;
  face: string;
  connections: ShownConnection[];
}

/** A connection of one of two accounts. */
export interface ShownConnection {
  union_type: string;
  nickname: string;
  /** Of the merged account: whether the connection moves, or ends. */
  moves?: boolean;
}

/** A member's tokens (RFC 6749 §5.1). */
export interface TokenAnswer {
  /** A JWT. Send it as `Authorization: Bearer`. */
  access_token: string;
  /** Gets the next tokens, once. */
  refresh_token: string;
  token_type: string;
  /** Seconds for which the access token is valid. */
  expires_in: number;
  /** The member's id. */
  uid: number;
}

/** What a login ends with, beside the vendor's own parameters, which are taken under the vendor's names. */
export interface TokenExchange {
  /** The code, also under the vendor's name for it (`auth_code`, `authCode`). */
  code?: string;
  /** If the login began with `redirect_uri`: send all parameters that your page was called with, including this one. */
  state?: string;
  /** Instead of `code`, for a client type that hands in ID tokens. */
  id_token?: string;
  /** The ticket, if `login-url` returned one. */
  ticket?: string;
  /** Your name for the device; stored with the login. */
  device_id?: string;
  /** The version of your terms that somebody new agrees to, where `[pages] consent` is `required`. */
  consent?: string;
  /** Alipay mini program: the answer of `my.getPhoneNumber`. */
  phone?: string | Record<string, unknown>;
  /** The vendor's own parameters, or those of the shop's check. */
  [name: string]: unknown;
}

/** A merge that can still be undone. */
export interface UndoableMergeRow {
  id: number;
  /** The member that was merged. */
  uid: number;
  name: string;
  /** In epoch seconds. */
  merge_time: number;
  /** In epoch seconds. */
  undo_until: number;
}

/** The login here has ended; at the vendor it has not. */
export interface VendorLogout {
  /** Send the browser there next. */
  logout_url: string;
}

/** A first login that waits for a choice. */
export interface WaitingLogin {
  provider: string;
  name: string;
  nickname: string;
  /** Names this login. Send it back as `page_subject`: another login that waits by then is then left alone. */
  subject: string;
  joins: JoinChoice[];
  code?: "consent_required";
  terms_version?: string;
  terms_url?: string;
  privacy_url?: string;
}

/** One of the member's own logins. */
export interface WayToConfirm {
  unavailable?: OutageNotice;
  provider: string;
  name: string;
  /** Post there. */
  confirm_url: string;
}

/** How the member can confirm who they are. */
export interface WaysToConfirm {
  ways: WayToConfirm[];
  /** Where to post the member's password; null for a member without one. */
  password_url: string | null;
}

/** What happened. */
export type ErrorCode = "bad_request" | "state_missing" | "state_invalid" | "state_expired" | "redirect_not_allowed" | "provider_denied" | "code_missing" | "code_seen" | "code_invalid" | "not_logged_in" | "token_invalid" | "client_invalid" | "member_disabled" | "consent_required" | "forbidden" | "unsupported" | "already_bound" | "last_connection" | "changed_meanwhile" | "rate_limited" | "provider_unsigned" | "provider_bad_response" | "provider_refused" | "provider_config" | "provider_timeout" | "unavailable";

/** Calls a connect-login service; each method is an operation of its OpenAPI document. */
export class ConnectLogin extends Transport {
  /** Logs in by a password. */
  logInByPassword(body: PasswordLogin = {}): Promise<LoginTokens> {
    return this.send<LoginTokens>("POST", "/password/login", { body });
  }

  /** The providers that a client type shows, for a login page of your own. */
  listProviders(query: { client: ClientType; lang?: string }): Promise<OfferedLogin[]> {
    return this.send<OfferedLogin[]>("GET", "/providers", { query });
  }

  /** Begins a login and returns its address. */
  getLoginUrl(provider: string, client: ClientType, body: LoginUrlRequest = {}): Promise<BegunLogin> {
    return this.send<BegunLogin>("POST", `/${encodeURIComponent(provider)}/${encodeURIComponent(client)}/login-url`, { body });
  }

  /** Finishes a login and returns tokens. */
  logIn(provider: string, client: ClientType, body: TokenExchange = {}): Promise<LoginTokens | LinkedIdentity | MergeTicket | ChoiceTicket> {
    return this.send<LoginTokens | LinkedIdentity | MergeTicket | ChoiceTicket>("POST", `/${encodeURIComponent(provider)}/${encodeURIComponent(client)}/token`, { body });
  }

  /** Exchanges a refresh token for new tokens. */
  refresh(body: RefreshRequest = {}): Promise<TokenAnswer | RefreshedCookies> {
    return this.send<TokenAnswer | RefreshedCookies>("POST", "/token/refresh", { body });
  }

  /** The member who is logged in. */
  me(): Promise<Me> {
    return this.send<Me>("GET", "/me");
  }

  /** Ends the login. */
  logOut(body: LogoutRequest = {}): Promise<VendorLogout | undefined> {
    return this.send<VendorLogout | undefined>("POST", "/logout", { body });
  }

  /** The public keys of the access tokens. */
  getKeys(): Promise<PublicKeySet> {
    return this.send<PublicKeySet>("GET", "/.well-known/jwks.json");
  }

  /** The same document, where a proxy passes on /connect/ alone. */
  getMetadataBelowPrefix(): Promise<ServerMetadata> {
    return this.send<ServerMetadata>("GET", "/.well-known/oauth-authorization-server");
  }

  /** The same. */
  getConfigurationBelowPrefix(): Promise<ServerMetadata> {
    return this.send<ServerMetadata>("GET", "/.well-known/openid-configuration");
  }

  /** The page that asks a person whether they are new or have an account. */
  getWaitingLogin(): Promise<WaitingLogin> {
    return this.send<WaitingLogin>("GET", "/first-login");
  }

  /** Makes the choice at a first login, once. */
  choose(body: FirstLoginChoice): Promise<LoginTokens> {
    return this.send<LoginTokens>("POST", "/first-login", { body });
  }

  /** Begins another login, which proves an account that the person has here. */
  beginJoin(provider: string, client: ClientType, body: JoinRequest = {}): Promise<BegunLogin | LoginTokens> {
    return this.send<BegunLogin | LoginTokens>("POST", `/${encodeURIComponent(provider)}/${encodeURIComponent(client)}/join`, { body });
  }

  /** The page on which a member confirms who they are, by one of their own logins or by their password. */
  listWaysToConfirm(query: { return_to?: string } = {}): Promise<WaysToConfirm> {
    return this.send<WaysToConfirm>("GET", "/reauthenticate", { query });
  }

  /** Confirms who the member is by their password. */
  confirmByPassword(body: ConfirmingPassword = {}): Promise<LoginTokens> {
    return this.send<LoginTokens>("POST", "/reauthenticate", { body });
  }

  /** Begins a login that confirms who the member is. */
  beginConfirm(provider: string, client: ClientType, body: BindRequest = {}): Promise<BegunLogin | LoginTokens> {
    return this.send<BegunLogin | LoginTokens>("POST", `/${encodeURIComponent(provider)}/${encodeURIComponent(client)}/confirm`, { body });
  }

  /** Begins a QR login. */
  beginHandover(body: CollectRequest = {}): Promise<BegunQrLogin> {
    return this.send<BegunQrLogin>("POST", "/handover", { body });
  }

  /** The state of the QR login. */
  getHandoverStatus(): Promise<QrLoginStatus> {
    return this.send<QrLoginStatus>("GET", "/handover/status");
  }

  /** Opens the PC's session, once. */
  collectHandover(body: CollectRequest = {}): Promise<LoggedInOnPc> {
    return this.send<LoggedInOnPc>("POST", "/handover/collect", { body });
  }

  /** The computer that wants to log in. */
  getScannedHandover(id: string): Promise<ScannedQrLogin> {
    return this.send<ScannedQrLogin>("GET", `/h/${encodeURIComponent(id)}`);
  }

  /** Lets the PC log in. */
  approveHandover(id: string): Promise<void> {
    return this.send<void>("POST", `/h/${encodeURIComponent(id)}/approve`);
  }

  /** Declines the login, or withdraws an approval that was not collected yet. */
  denyHandover(id: string): Promise<void> {
    return this.send<void>("POST", `/h/${encodeURIComponent(id)}/deny`);
  }

  /** Erases the member. */
  eraseAccount(): Promise<void> {
    return this.send<void>("DELETE", "/account");
  }

  /** Sets the member's password, with which the member logs in on the login page from then on. */
  setPassword(body: NewPassword): Promise<void> {
    return this.send<void>("POST", "/account/password", { body });
  }

  /** The member's connections, the oldest first. */
  listConnections(): Promise<LinkedLogin[]> {
    return this.send<LinkedLogin[]>("GET", "/connections");
  }

  /** Links an identity to the member. */
  beginBind(provider: string, client: ClientType, body: BindRequest = {}): Promise<BegunLogin | LinkedIdentity> {
    return this.send<BegunLogin | LinkedIdentity>("POST", `/${encodeURIComponent(provider)}/${encodeURIComponent(client)}/bind`, { body });
  }

  /** Unlinks a vendor. */
  unbind(union_type: string, query: { logout?: string } = {}): Promise<void> {
    return this.send<void>("DELETE", `/connections/${encodeURIComponent(union_type)}`, { query });
  }

  /** Where the member is logged in. */
  listSessions(): Promise<DescribedSession[]> {
    return this.send<DescribedSession[]>("GET", "/sessions");
  }

  /** Ends all of the member's logins except this one. */
  endOtherSessions(): Promise<void> {
    return this.send<void>("DELETE", "/sessions");
  }

  /** Ends one of the member's logins. */
  endSession(id: string): Promise<void> {
    return this.send<void>("DELETE", `/sessions/${encodeURIComponent(id)}`);
  }

  /** Everything that we store about the member, as a file. */
  exportAccount(): Promise<Record<string, unknown>> {
    return this.send<Record<string, unknown>>("GET", "/account/export");
  }

  /** Merges as the preview showed, and answers {"id", "undo_until"}. */
  merge(body: MergeProof = {}): Promise<MergeDone> {
    return this.send<MergeDone>("POST", "/account/merge", { body });
  }

  /** Proves the other account by a login with it. */
  beginMerge(provider: string, client: ClientType, body: BindRequest = {}): Promise<BegunLogin | MergeTicket> {
    return this.send<BegunLogin | MergeTicket>("POST", `/${encodeURIComponent(provider)}/${encodeURIComponent(client)}/merge`, { body });
  }

  /** Proves the other account by its password. */
  proveByPassword(body: MergeCredentials = {}): Promise<MergeTicket> {
    return this.send<MergeTicket>("POST", "/account/merge/credentials", { body });
  }

  /** What the merge would do. */
  previewMerge(body: MergeProof = {}): Promise<MergePlanned> {
    return this.send<MergePlanned>("POST", "/account/merge/preview", { body });
  }

  /** The merges into this member that can still be undone, the oldest first. */
  listMerges(): Promise<UndoableMergeRow[]> {
    return this.send<UndoableMergeRow[]>("GET", "/account/merges");
  }

  /** Undoes a merge, and answers {"connections"}. */
  undoMerge(id: string): Promise<MergeUndone> {
    return this.send<MergeUndone>("POST", `/account/merges/${encodeURIComponent(id)}/undo`);
  }
}
