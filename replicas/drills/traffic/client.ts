// The drills' clients: connections kept as browsers keep them, every answer and every failure as a value.

/** What is asked. */
export type Ask = {
  path: string;
  method?: string;
  /** An access token. */
  token?: string;
  /** Sent as JSON. */
  body?: unknown;
  headers?: Record<string, string>;
  /** After this the client gives up, in milliseconds. */
  patienceMs?: number;
};

/** How it ended; `status` 0: there was no answer, and `failure` names what came instead. */
export type Answer = { status: number; failure: string | null; ms: number; headers: Headers; text: string };

/** Longer than anybody should have to wait, so that a hang is seen as one. */
const PATIENCE_MS = 10_000;
const NO_HEADERS = new Headers();

/** Asks once; never throws. */
export async function ask(base: string, { path, method = "GET", ...asked }: Ask): Promise<Answer> {
  const startedAt = performance.now();
  const since = () => performance.now() - startedAt;
  try {
    const response = await fetch(base + path, {
      method,
      headers: {
        ...(asked.token === undefined ? {} : { authorization: `Bearer ${asked.token}` }),
        ...(asked.body === undefined ? {} : { "content-type": "application/json" }),
        ...asked.headers,
      },
      ...(asked.body === undefined ? {} : { body: JSON.stringify(asked.body) }),
      redirect: "manual",
      signal: AbortSignal.timeout(asked.patienceMs ?? PATIENCE_MS),
    });
    const text = await response.text();
    return { status: response.status, failure: null, ms: since(), headers: response.headers, text };
  } catch (thrown) {
    return { status: 0, failure: nameOf(thrown), ms: since(), headers: NO_HEADERS, text: "" };
  }
}

/** The driver's own name for what went wrong, such as `ConnectionRefused`; `TimeoutError`: the client's patience ended. */
function nameOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  return "code" in thrown && typeof thrown.code === "string" ? thrown.code : thrown.name;
}

/** The body as JSON; throws with the answer in words when it is another status than this. */
export function expectJson<T>(answer: Answer, status: number): T {
  if (answer.status !== status)
    throw new Error(`${answer.failure ?? answer.status} instead of ${status}: ${answer.text.slice(0, 300)}`);
  return JSON.parse(answer.text) as T;
}

/** Somebody who is signed in. */
export type Person = { id: string; token: string };

/** The cluster's first admin. */
export const ADMIN = { email: "drill@shop.example", password: "only for drills" };

type SignedIn = { token: string; user: { id: string } };

/** Signs the admin in. */
export async function signInAdmin(base: string): Promise<Person> {
  const answer = await ask(base, { path: "/api/auth/login", method: "POST", body: ADMIN });
  const { token, user } = expectJson<SignedIn>(answer, 200);
  return { id: user.id, token };
}

/** Registers customers, one after the other: each costs a password's hash. */
export async function registerCustomers(base: string, count: number): Promise<Person[]> {
  const people: Person[] = [];
  for (let at = 1; at <= count; at += 1) {
    const body = { email: `drill-${at}@shop.example`, password: ADMIN.password, name: `Drill ${at}` };
    const answer = await ask(base, { path: "/api/auth/register", method: "POST", body });
    const { token, user } = expectJson<SignedIn>(answer, 201);
    people.push({ id: user.id, token });
  }
  return people;
}

/** The id of a shoe of the demo catalogue, from 1. */
export const demoId = (number: number): string => `demo-${String(number).padStart(6, "0")}`;
