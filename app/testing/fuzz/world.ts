// A shop with shoes and people to ask in the names of: whatever a request did to them is put right before the next.
import type { Answer } from "./check.ts";
import type { Operation } from "./document.ts";
import type { Asked, Who } from "./requests.ts";

const SHOES = 20;
const PASSWORD = "correct horse battery";
/** A busy shop answers 503; nothing here is that slow. */
const ASK_MAX_MS = 20_000;

/** Bun itself refuses a head of more than 16 KiB with a bare 431; up to here it is the shop that answers. */
const ADDRESS_MAX = 12_000;

type People = Record<"admin" | "customer" | "other", Person>;
type Person = { id: string; email: string; password: string; token: string; refresh: string };

export type World = Awaited<ReturnType<typeof openWorld>>;

/** Fills a running shop; the admin is one that is there already. */
export async function openWorld(url: string, admin: { email: string; password: string }) {
  const people: People = {
    admin: await signIn(url, { ...blank, ...admin }),
    customer: await signUp(url),
    other: await signUp(url),
  };
  const shelf = { slug: "", etag: "", cursor: "" };
  for (let at = 0; at < SHOES; at += 1) await addShoe(url, at, people.admin.token);
  const first = await json(url, "GET", "/api/shoes/fuzz0");
  const list = await json(url, "GET", "/api/shoes?limit=2");
  shelf.slug = (JSON.parse(first.body) as { data: { slug: string } }).data.slug;
  shelf.etag = first.headers.get("etag") ?? "";
  shelf.cursor = (JSON.parse(list.body) as { pagination: { nextCursor: string } }).pagination.nextCursor;
  let sent = 0;

  /** After a change: shoes that went come back, and people can sign in again. */
  const restore = async (operation: Operation, asked: Asked): Promise<void> => {
    if (/^remove(Shoe|Product)$/.test(operation.id))
      for (let at = 0; at < SHOES; at += 1) await addShoe(url, at, people.admin.token);
    if (!/\/(auth|users)\//.test(operation.path) || operation.path.endsWith("/likes")) return;
    const given = passwordIn(asked.body);
    people.admin = await renewed(url, people.admin, given);
    people.customer = await customerAgain(url, people.customer, people.admin, given);
    people.other = await customerAgain(url, people.other, people.admin, given);
  };

  /** Failures on an account slow its answers, and its next success forgets them. */
  const forgive = async (body: string): Promise<void> => {
    for (const person of [people.admin, people.customer])
      if (body.toLowerCase().includes(person.email)) await signIn(url, person);
  };

  return {
    /** Sends a request with its names filled in as they are now. */
    async send(operation: Operation, asked: Asked): Promise<Answer & { sent: string }> {
      sent += 1;
      const names = namesOf(people, shelf);
      // A body may name the shoe of its address; without one it has a new name.
      const told = { ...names, id: filled(asked.path.id ?? `new${sent}`, names) };
      const address = addressOf(operation, asked, told);
      const headers = Object.fromEntries(
        Object.entries(asked.headers).map(([name, value]) => [name, filled(value, told)]),
      );
      const body = asked.body === null ? null : filled(asked.body, told);
      const response = await fetch(`${url}${address}`, {
        method: operation.method,
        headers: {
          ...headers,
          ...(body === null ? {} : { "content-type": asked.contentType }),
          ...authorization(asked.who, people),
        },
        ...(body === null ? {} : { body }),
        redirect: "manual",
        signal: AbortSignal.timeout(ASK_MAX_MS),
      });
      const answer = { status: response.status, headers: response.headers, body: await response.text() };
      if (answer.status < 300 && operation.method !== "GET") await restore(operation, asked);
      if (operation.id === "login" && answer.status === 401) await forgive(body ?? "");
      return { ...answer, sent: `${operation.method} ${address}` };
    },
  };
}

const namesOf = (people: People, shelf: Record<string, string>): Record<string, string> => ({
  ...shelf,
  ...Object.fromEntries(Array.from({ length: SHOES }, (_, at) => [`shoe${at}`, `fuzz${at}`])),
  customer: people.customer.id,
  other: people.other.id,
  admin: people.admin.id,
  customerEmail: people.customer.email,
  CUSTOMEREMAIL: people.customer.email.toUpperCase(),
  adminEmail: people.admin.email,
  password: PASSWORD,
  refresh: people.customer.refresh,
});

function addressOf(operation: Operation, asked: Asked, names: Record<string, string>): string {
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name) =>
    filled(asked.path[name] ?? "", names, encodeURIComponent),
  );
  const query = asked.query
    .map((pair) => pair.map((text) => encodeURIComponent(filled(text, names).toWellFormed())).join("="))
    .join("&");
  return `${path}${query === "" ? "" : `?${query}`}`.slice(0, ADDRESS_MAX);
}

/** Adds one of the shoes that requests know; nothing where it is there. */
async function addShoe(url: string, at: number, token: string): Promise<void> {
  const { status, body } = await json(url, "POST", "/api/shoes", newShoe(at), token);
  if (status !== 201 && status !== 409) throw new Error(`no shoe could be added: ${body}`);
}

const blank: Person = { id: "", email: "", password: PASSWORD, token: "", refresh: "" };

const newShoe = (at: number) => ({
  shoe_id: `fuzz${at}`,
  title: `Fuzz shoe ${at}`,
  price: 50 + at,
  brand: at % 2 === 0 ? "North" : "South",
  category: "Running",
  sizes: [
    { size: "9.5", stock: 5 },
    { size: "42", stock: 1 },
  ],
});

function authorization(who: Who, people: People): Record<string, string> {
  if (who === "nobody") return {};
  return { authorization: `Bearer ${who === "stranger" ? "eyJhbGciOiJub25lIn0.e30." : people[who].token}` };
}

const filled = (text: string, names: Record<string, string>, as = (name: string) => name): string =>
  text.replace(/«(\w+)»/g, (whole, name) => as(names[name] ?? whole));

async function json(
  url: string,
  method: string,
  path: string,
  body?: object,
  token?: string,
): Promise<Answer> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      "content-type": "application/json",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, headers: response.headers, body: await response.text() };
}

function entered(person: Person, { body }: Answer): Person {
  const { user, token, refreshToken } = JSON.parse(body) as {
    user: { id: string; email: string };
    token: string;
    refreshToken: string;
  };
  return { ...person, id: user.id, email: user.email, token, refresh: refreshToken };
}

async function signUp(url: string): Promise<Person> {
  const email = `fuzz-${crypto.randomUUID()}@shop.example`;
  const answer = await json(url, "POST", "/api/auth/register", { email, password: PASSWORD, name: "Fuzz" });
  if (answer.status !== 201) throw new Error(`nobody can register: ${answer.body}`);
  return entered(blank, answer);
}

async function signIn(url: string, person: Person): Promise<Person> {
  const { email, password } = person;
  const answer = await json(url, "POST", "/api/auth/login", { email, password });
  if (answer.status !== 200) throw new Error(`${email} cannot sign in: ${answer.body}`);
  return entered(person, answer);
}

/** A password that the request may have set. */
function passwordIn(body: string | null): string {
  try {
    const { password } = JSON.parse(body ?? "{}") as { password?: unknown };
    return typeof password === "string" ? password.replace("«password»", PASSWORD) : PASSWORD;
  } catch {
    return PASSWORD;
  }
}

/** The same person with a token that is valid, and with the password that everybody has. */
async function renewed(url: string, person: Person, given: string): Promise<Person> {
  if ((await json(url, "GET", "/api/auth/profile", undefined, person.token)).status === 200) return person;
  const words = [person.password, PASSWORD, given];
  for (const password of words) {
    const answer = await json(url, "POST", "/api/auth/login", { email: person.email, password });
    if (answer.status !== 200) continue;
    const again = entered({ ...person, password }, answer);
    if (password === PASSWORD) return again;
    const body = { password: PASSWORD, currentPassword: password };
    await json(url, "PUT", "/api/auth/profile", body, again.token);
    return signIn(url, { ...again, password: PASSWORD });
  }
  throw new Error(`${person.email} cannot sign in any more`);
}

/** A customer who is none any more is one again; one who is gone is somebody else. */
async function customerAgain(url: string, person: Person, admin: Person, given: string): Promise<Person> {
  const answer = await json(url, "GET", `/api/users/${person.id}`, undefined, admin.token);
  if (answer.status === 404) return signUp(url);
  const { data } = JSON.parse(answer.body) as { data: { role: string } };
  if (data.role === "admin")
    await json(url, "PUT", `/api/users/${person.id}`, { role: "customer" }, admin.token);
  return renewed(url, person, given);
}
