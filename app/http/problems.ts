// Problems (RFC 9457): one error type, and one table of their types.

/** One entry per problem type: its HTTP status, its title and what the page `/problems/<type>` says. */
export const PROBLEMS = {
  "invalid-request": [
    400,
    "Invalid request",
    "A parameter or field is invalid; `errors` names each and the rule it breaks.",
  ],
  unauthorized: [
    401,
    "Unauthorized",
    "Authentication is required: sign in or refresh, and send `Authorization: Bearer <token>` with a valid token.",
  ],
  forbidden: [403, "Forbidden", "The token is valid, but its account may not do this."],
  "not-found": [404, "Not found", "Nothing exists at this address, or it was removed."],
  "payment-declined": [
    402,
    "Payment declined",
    "The payment was declined: the order `orderId` is cancelled and its stock given back; another try is a new order.",
  ],
  "method-not-allowed": [
    405,
    "Method not allowed",
    "The address exists; `Allow` lists the methods it supports.",
  ],
  "request-timeout": [
    408,
    "Request timeout",
    "The body was not complete within 15 seconds; nothing was changed, and the connection is closed.",
  ],
  conflict: [
    409,
    "Conflict",
    "The request conflicts with existing data: a name or address is taken, or a rule forbids the change.",
  ],
  "out-of-stock": [
    409,
    "Out of stock",
    "Fewer pairs are in stock than the request takes; stock never goes below zero.",
  ],
  "price-changed": [
    409,
    "Price changed",
    "Today's total is above `expectedTotal`; nothing was taken. Ask for a quote, show it, and order again.",
  ],
  "payment-unavailable": [409, "Payment unavailable", "This way of paying is not offered by the shop."],
  "request-under-way": [
    409,
    "Request under way",
    "The first request with this Idempotency-Key is still running; repeat after the seconds in `Retry-After`.",
  ],
  "precondition-failed": [
    412,
    "Precondition failed",
    "The item has changed since the version in `If-Match`, or has one in `If-None-Match`: read it again, then repeat the change.",
  ],
  "payload-too-large": [413, "Payload too large", "A request body may have at most 256 KiB."],
  "unsupported-media-type": [415, "Unsupported media type", "A body must be `application/json`."],
  "idempotency-key-reused": [
    422,
    "Idempotency key reused",
    "This Idempotency-Key was used for another request within 24 hours: a new request needs a new key.",
  ],
  "too-many-requests": [
    429,
    "Too many requests",
    "This account or address has sent too many requests; repeat after the seconds in `Retry-After`.",
  ],
  "too-many-open-orders": [
    429,
    "Too many open orders",
    "This account or address has as many orders waiting for their payment as are allowed: pay or cancel one.",
  ],
  "internal-error": [
    500,
    "Internal error",
    "The server failed; its log has the details under this `requestId`.",
  ],
  unavailable: [
    503,
    "Service unavailable",
    "Nothing was changed; repeat after the seconds in `Retry-After`.",
  ],
  "outcome-unknown": [
    504,
    "Outcome unknown",
    "The change may or may not be committed: read to find out, or repeat it with the same `Idempotency-Key`.",
  ],
} as const satisfies Record<string, readonly [number, string, string]>;

export type ProblemType = keyof typeof PROBLEMS;

/** A broken rule and its place: `pointer` in the body or `parameter` in the query. */
type ProblemDetail = { pointer: string; detail: string } | { parameter: string; detail: string };

/** A refusal that the client sees; `detail` is for people and never holds paths, SQL or secrets. */
export class Problem extends Error {
  override readonly name = "Problem";
  constructor(
    readonly type: ProblemType,
    readonly detail: string,
    readonly errors: ProblemDetail[] = [],
    readonly headers: Record<string, string> = {},
    /** Further members of the response. */
    readonly members: Record<string, unknown> = {},
  ) {
    super(detail);
  }
}

/** The `application/problem+json` response (RFC 9457), with the fields that older clients read. */
export function problemResponse(problem: Problem, instance: string, requestId: string, now: Date): Response {
  const [status, title] = PROBLEMS[problem.type];
  const body = {
    type: `/problems/${problem.type}`,
    title,
    status,
    detail: problem.detail,
    instance,
    error: problem.detail,
    timestamp: now.toISOString(),
    requestId,
    ...problem.members,
    ...(problem.errors.length > 0 ? { errors: problem.errors } : {}),
  };
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      "content-type": "application/problem+json",
      "cache-control": "private, no-store",
      ...problem.headers,
    },
  });
}
