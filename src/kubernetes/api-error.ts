// A refusal by the API server, as its Status object says it. A connection that fails is no ApiError.

/** No answer, or a part of one. What the network itself said is thrown as it is, with its code. */
export class ApiSilence extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ApiSilence";
  }
}

export class ApiError extends Error {
  /** The HTTP status. */
  readonly status: number;
  /** Kubernetes' word for it, such as `NotFound`, `Conflict` or `Expired`; empty where the answer holds none. */
  readonly reason: string;
  /** How long the server asks to wait. */
  readonly retryAfterMs: number | undefined;
  /** Words of `details.causes`, such as `ResourceVersionTooLarge`. */
  readonly causes: readonly string[];

  constructor(message: string, status: number, answer: Partial<ApiAnswer> = {}) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.reason = answer.reason ?? "";
    this.retryAfterMs = answer.retryAfterMs;
    this.causes = answer.causes ?? [];
  }
}

interface ApiAnswer {
  readonly reason: string;
  readonly retryAfterMs: number | undefined;
  readonly causes: readonly string[];
}

interface StatusObject {
  readonly message?: string;
  readonly reason?: string;
  readonly details?: {
    readonly retryAfterSeconds?: number;
    readonly causes?: readonly { readonly reason?: string; readonly message?: string }[];
  };
}

/** `action` begins the sentence: `Cannot list pods`. `body` is the answer's text or parsed Status. */
export function apiErrorOf(action: string, status: number, body: unknown): ApiError {
  const { message, reason = "", details } = statusObjectOf(body);
  const seconds = details?.retryAfterSeconds;
  return new ApiError(`${action}: ${message ?? `the API server answered ${status}`}`, status, {
    reason,
    retryAfterMs: seconds === undefined ? undefined : seconds * 1000,
    causes: (details?.causes ?? []).flatMap((cause) => cause.reason ?? []),
  });
}

export function isApiError(error: unknown, status: number): error is ApiError {
  return error instanceof ApiError && error.status === status;
}

function statusObjectOf(body: unknown): StatusObject {
  if (typeof body === "object" && body !== null) return body;
  if (typeof body !== "string") return {};
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === "object" && parsed !== null ? parsed : {};
  } catch {
    // Proxies in front of an API server answer in HTML.
    return {};
  }
}
