// The HTTP client of the drills: keeps connections open as browsers do, and returns every response or failure.

export type HttpRequest = {
  path: string;
  method?: string;
  /** An access token. */
  token?: string;
  /** Sent as JSON. */
  body?: unknown;
  headers?: Record<string, string>;
  timeoutMs?: number;
};

/** How a request ended. Status 0 means that no response came; `failure` then names the error. */
export type HttpResponse = {
  status: number;
  failure: string | null;
  ms: number;
  headers: Headers;
  text: string;
};

/** Longer than any bound that a drill checks, so that a request without a response is seen as one. */
const TIMEOUT_MS = 10_000;
const NO_HEADERS = new Headers();

/** Sends one request to this base URL; never throws. */
export async function request(
  base: string,
  { path, method = "GET", token, body, headers, timeoutMs = TIMEOUT_MS }: HttpRequest,
): Promise<HttpResponse> {
  const startedAt = performance.now();
  const since = () => performance.now() - startedAt;
  try {
    const response = await fetch(base + path, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await response.text();
    return { status: response.status, failure: null, ms: since(), headers: response.headers, text };
  } catch (thrown) {
    return { status: 0, failure: nameOf(thrown), ms: since(), headers: NO_HEADERS, text: "" };
  }
}

/** The driver's own name of an error, such as `ConnectionRefused`; `TimeoutError` is ours. */
function nameOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  return "code" in thrown && typeof thrown.code === "string" ? thrown.code : thrown.name;
}

/** The status, or the name of the failure. */
export const statusOf = ({ status, failure }: HttpResponse): string => failure ?? String(status);

/** Throws unless the response has this status. */
export function expectStatus(response: HttpResponse, status: number): void {
  if (response.status !== status)
    throw new Error(`${statusOf(response)} instead of ${status}: ${response.text.slice(0, 300)}`);
}

/** The body as JSON; throws unless the response has this status. */
export function expectJson<T>(response: HttpResponse, status: number): T {
  expectStatus(response, status);
  return JSON.parse(response.text) as T;
}

/** An account that is signed in. */
export type Account = { id: string; token: string };

/** The cluster's first admin. */
export const ADMIN = { email: "drill@shop.example", password: "only for drills" };

type SignedIn = { token: string; user: { id: string } };

const accountOf = ({ token, user }: SignedIn): Account => ({ id: user.id, token });

/** Signs in the admin. */
export async function signInAdmin(base: string): Promise<Account> {
  const response = await request(base, { path: "/api/auth/login", method: "POST", body: ADMIN });
  return accountOf(expectJson<SignedIn>(response, 200));
}

/** Signs in the admin, and registers so many customers one after the other: each costs the hash of a password. */
export async function signInAccounts(base: string, customers: number): Promise<[Account, ...Account[]]> {
  const accounts: [Account, ...Account[]] = [await signInAdmin(base)];
  for (let number = 1; number <= customers; number += 1) {
    const body = { email: `drill-${number}@shop.example`, password: ADMIN.password, name: `Drill ${number}` };
    const response = await request(base, { path: "/api/auth/register", method: "POST", body });
    accounts.push(accountOf(expectJson<SignedIn>(response, 201)));
  }
  return accounts;
}

/** The id of a shoe of the demo catalogue, from 1. */
export const demoId = (number: number): string => `demo-${String(number).padStart(6, "0")}`;
