// Sends the requests of the client: addresses, tokens, JSON, and refusals as errors with their code.
import type { ErrorCode, Problem } from "./api.js";

export interface Options {
  /** Where the service is, such as `https://shop.example`, without a slash at the end. */
  baseUrl: string;
  /** Where its routes begin; `/connect` unless the service is configured otherwise. */
  prefix?: string;
  /** The member's access token. */
  accessToken?: string;
  /** Whether a browser sends its cookies: `include` for a page of another origin. */
  credentials?: RequestCredentials;
  /** Another `fetch`, for platforms that have none. */
  fetch?: typeof fetch;
}

/** A refusal of the service. Show texts by `code`, and give `requestId` to your support. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: ErrorCode;
  readonly requestId: string;
  /** Seconds after which to try again, where the service says so. */
  readonly retryAfter: number | undefined;
  /** The whole answer, such as `reauthenticate_url` of a login that is too old. */
  readonly problem: Problem;

  constructor(problem: Problem, retryAfter: number | undefined) {
    super(`the service answers ${problem.status} ${problem.code}`);
    this.name = "Refusal";
    this.status = problem.status;
    this.code = problem.code;
    this.requestId = problem.request_id;
    this.retryAfter = retryAfter;
    this.problem = problem;
  }
}

/** The answer is none of connect-login, such as the error page of a proxy in front. */
export class UnexpectedAnswer extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`an answer with status ${status} that is not the service's`);
    this.name = "UnexpectedAnswer";
    this.status = status;
  }
}

interface Parts {
  query?: Record<string, string | undefined>;
  body?: object;
}

export class Transport {
  /** The member's access token: set it after a login and after each refresh. */
  accessToken: string | undefined;
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
    this.accessToken = options.accessToken;
  }

  protected async send<Answer>(method: string, path: string, parts: Parts = {}): Promise<Answer> {
    const { baseUrl, prefix = "/connect", credentials, fetch: ask = fetch } = this.#options;
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(parts.query ?? {})) {
      if (value !== undefined) query.set(name, value);
    }
    const headers: Record<string, string> = { accept: "application/json" };
    if (this.accessToken) headers["authorization"] = `Bearer ${this.accessToken}`;
    const init: RequestInit = { method, headers };
    if (credentials) init.credentials = credentials;
    if (parts.body) {
      headers["content-type"] = "application/json";
      init.body = JSON.stringify(parts.body);
    }
    const search = query.size ? `?${query}` : "";
    const response = await ask(`${baseUrl}${prefix}${path}${search}`, init);
    if (response.status === 204) return undefined as Answer;
    const type = response.headers.get("content-type") ?? "";
    if (response.ok && type.startsWith("application/json")) return (await response.json()) as Answer;
    if (!type.startsWith("application/problem+json")) throw new UnexpectedAnswer(response.status);
    const retryAfter = response.headers.get("retry-after");
    throw new Refusal((await response.json()) as Problem, retryAfter === null ? undefined : Number(retryAfter));
  }
}
