// The sandbox's payment tokens, and what each makes happen; an order without a token is paid like `ok`.
import type { PaymentState } from "../gateway.ts";

/** The course of a payment. Times are in ms from its request. */
export type Course = {
  /** The first status of the payment. */
  status: Extract<PaymentState["status"], "processing" | "requires_action" | "authorized" | "declined">;
  /** When the request is answered; `lost`: the connection breaks before the answer. */
  answersMs: number | "lost";
  /** When a payment under processing becomes authorised, or an authorised one fails; `null`: never. */
  settlesMs: number | null;
  /** How often its event is delivered, all at once, when it begins or settles; a payment on the page has events of its own. */
  events: number;
};

/** Longer than any deadline: the request is never answered. */
export const NEVER_MS = 2 ** 31 - 1;

const COURSES = {
  /** Authorised. */
  ok: { status: "authorized", answersMs: 0, settlesMs: null, events: 0 },
  /** Declined. */
  declined: { status: "declined", answersMs: 0, settlesMs: null, events: 0 },
  /** The customer pays, or declines, on the sandbox's page. */
  redirect: { status: "requires_action", answersMs: 0, settlesMs: null, events: 0 },
  /** Authorised; the answer takes three seconds. */
  slow: { status: "processing", answersMs: 3_000, settlesMs: 2_500, events: 0 },
  /** Never answered, and stays under processing. */
  timeout: { status: "processing", answersMs: NEVER_MS, settlesMs: null, events: 0 },
  /** Authorised, and its event is sent, after the deadline of the request. */
  late: { status: "processing", answersMs: NEVER_MS, settlesMs: 8_000, events: 1 },
  /** Authorised, but the answer is lost. */
  lost: { status: "authorized", answersMs: "lost", settlesMs: null, events: 0 },
  /** Authorised; its event is delivered more than once, at the same time. */
  twice: { status: "authorized", answersMs: 0, settlesMs: null, events: 3 },
  /** Authorised; two seconds later it fails, as its event says, and a capture is refused. */
  late_failure: { status: "authorized", answersMs: 0, settlesMs: 2_000, events: 1 },
} as const satisfies Record<string, Course>;

/** The names of the tokens. */
export const TOKENS = Object.keys(COURSES) as (keyof typeof COURSES)[];

/** The course of a token; `null` for an unknown one. */
export const courseOf = (token: string | null): Course | null =>
  token === null ? COURSES.ok : isToken(token) ? COURSES[token] : null;

const isToken = (token: string): token is keyof typeof COURSES => Object.hasOwn(COURSES, token);
