// A shop with shoes, people and orders for generated requests; changes to them are undone before the next request.
import { must } from "../../../db/must.ts";
import type { ReceivedResponse } from "./check.ts";
import type { Operation } from "./document.ts";
import { json } from "./json.ts";
import { addOrders, restoreStock } from "./prepared-orders.ts";
import type { GeneratedRequest, Sender } from "./requests.ts";

const SHOES = 20;
const PASSWORD = "correct horse battery";
/** A busy shop responds 503 much earlier. */
const ASK_MAX_MS = 20_000;

/** Bun itself refuses a request head of more than 16 KiB with a bare 431; up to here the shop responds. */
const ADDRESS_MAX = 12_000;

type People = Record<"admin" | "customer" | "other", Person>;
type Person = { id: string; email: string; password: string; token: string; refresh: string };

export type PreparedShop = {
  /** Sends a request after replacing its placeholders by current values. */
  send(operation: Operation, request: GeneratedRequest): Promise<ReceivedResponse & { sent: string }>;
};

/** Adds shoes, people and orders to a running shop, whose admin exists already. */
export async function prepareShop(
  url: string,
  admin: { email: string; password: string },
): Promise<PreparedShop> {
  const people: People = {
    admin: await signIn(url, { ...NEW_PERSON, ...admin }),
    customer: await signUp(url),
    other: await signUp(url),
  };
  const samples = { slug: "", etag: "", cursor: "" };
  for (let index = 0; index < SHOES; index += 1) await addShoe(url, index, people.admin.token);
  const first = await json(url, "GET", "/api/shoes/fuzz0");
  const list = await json(url, "GET", "/api/shoes?limit=2");
  samples.slug = (JSON.parse(first.body) as { data: { slug: string } }).data.slug;
  samples.etag = must(first.headers.get("etag"), "the ETag");
  samples.cursor = (JSON.parse(list.body) as { pagination: { nextCursor: string } }).pagination.nextCursor;
  let orders = await addOrders(url, people);
  let sent = 0;

  /** After a change of orders: fills the stock up, and replaces the orders that are no longer as they were. */
  const restoreOrders = async (operation: Operation, { body }: ReceivedResponse): Promise<void> => {
    if (operation.id === "placeOrder") await restoreStock(url, people.admin.token, body);
    if (/^(changeOrderStatus|refundOrder)$/.test(operation.id)) orders = await addOrders(url, people);
  };

  /** After a change: adds removed shoes again, and makes sure that people can log in. */
  const restorePeopleAndShoes = async (operation: Operation, request: GeneratedRequest): Promise<void> => {
    if (/^remove(Shoe|Product)$/.test(operation.id))
      for (let index = 0; index < SHOES; index += 1) await addShoe(url, index, people.admin.token);
    if (!/\/(auth|users)\//.test(operation.path) || operation.path.endsWith("/likes")) return;
    const sentPassword = passwordIn(request.body);
    people.admin = await restoredPerson(url, people.admin, sentPassword);
    people.customer = await restoredCustomer(url, people.customer, people.admin, sentPassword);
    people.other = await restoredCustomer(url, people.other, people.admin, sentPassword);
  };

  /** Failed logins delay an account's next ones; a successful login resets that. */
  const resetFailures = async (body: string): Promise<void> => {
    for (const person of [people.admin, people.customer])
      if (body.toLowerCase().includes(person.email)) await signIn(url, person);
  };

  return {
    async send(operation, request) {
      sent += 1;
      const names = { ...namesOf(people, samples), ...orders };
      // A body may name the shoe in the path; without one it names a new shoe.
      const namesWithId = { ...names, id: filled(request.path.id ?? `new${sent}`, names) };
      const address = addressOf(operation, request, namesWithId);
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, filled(value, namesWithId)]),
      );
      const body = request.body === null ? null : filled(request.body, namesWithId);
      const response = await fetch(`${url}${address}`, {
        method: operation.method,
        headers: {
          ...headers,
          ...(body === null ? {} : { "content-type": request.contentType }),
          ...authorization(request.sender, people),
        },
        ...(body === null ? {} : { body }),
        redirect: "manual",
        signal: AbortSignal.timeout(ASK_MAX_MS),
      });
      const received = { status: response.status, headers: response.headers, body: await response.text() };
      if (received.status < 300 && operation.method !== "GET") {
        await restorePeopleAndShoes(operation, request);
        await restoreOrders(operation, received);
      }
      if (operation.id === "login" && received.status === 401) await resetFailures(body ?? "");
      return { ...received, sent: `${operation.method} ${address}` };
    },
  };
}

const namesOf = (people: People, shelf: Record<string, string>): Record<string, string> => ({
  ...shelf,
  ...Object.fromEntries(Array.from({ length: SHOES }, (_, index) => [`shoe${index}`, `fuzz${index}`])),
  customer: people.customer.id,
  other: people.other.id,
  admin: people.admin.id,
  customerEmail: people.customer.email,
  CUSTOMEREMAIL: people.customer.email.toUpperCase(),
  adminEmail: people.admin.email,
  password: PASSWORD,
  refresh: people.customer.refresh,
});

function addressOf(operation: Operation, request: GeneratedRequest, names: Record<string, string>): string {
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name) =>
    filled(request.path[name] ?? "", names, encodeURIComponent),
  );
  const query = request.query
    .map((pair) => pair.map((text) => encodeURIComponent(filled(text, names).toWellFormed())).join("="))
    .join("&");
  return `${path}${query === "" ? "" : `?${query}`}`.slice(0, ADDRESS_MAX);
}

/** Adds one of the shoes that placeholders refer to, unless it exists. */
async function addShoe(url: string, number: number, token: string): Promise<void> {
  const { status, body } = await json(url, "POST", "/api/shoes", newShoe(number), token);
  if (status !== 201 && status !== 409) throw new Error(`cannot add a shoe: ${body}`);
}

const NEW_PERSON: Person = { id: "", email: "", password: PASSWORD, token: "", refresh: "" };

const newShoe = (number: number) => ({
  shoe_id: `fuzz${number}`,
  title: `Fuzz shoe ${number}`,
  price: 50 + number,
  brand: number % 2 === 0 ? "North" : "South",
  category: "Running",
  sizes: [
    { size: "9.5", stock: 100_000 },
    { size: "42", stock: 1 },
  ],
});

function authorization(sender: Sender, people: People): Record<string, string> {
  if (sender === "nobody") return {};
  return {
    authorization: `Bearer ${sender === "stranger" ? "eyJhbGciOiJub25lIn0.e30." : people[sender].token}`,
  };
}

const filled = (text: string, names: Record<string, string>, as = (name: string) => name): string =>
  text.replace(/«(\w+)»/g, (whole, name) => as(names[name] ?? whole));

function withSession(person: Person, { body }: ReceivedResponse): Person {
  const { user, token, refreshToken } = JSON.parse(body) as {
    user: { id: string; email: string };
    token: string;
    refreshToken: string;
  };
  return { ...person, id: user.id, email: user.email, token, refresh: refreshToken };
}

async function signUp(url: string): Promise<Person> {
  const email = `fuzz-${crypto.randomUUID()}@shop.example`;
  const response = await json(url, "POST", "/api/auth/register", { email, password: PASSWORD, name: "Fuzz" });
  if (response.status !== 201) throw new Error(`cannot register: ${response.body}`);
  return withSession(NEW_PERSON, response);
}

async function signIn(url: string, person: Person): Promise<Person> {
  const { email, password } = person;
  const response = await json(url, "POST", "/api/auth/login", { email, password });
  if (response.status !== 200) throw new Error(`${email} cannot sign in: ${response.body}`);
  return withSession(person, response);
}

/** The password that the request may have set. */
function passwordIn(body: string | null): string {
  try {
    const { password } = JSON.parse(body ?? "{}") as { password?: unknown };
    return typeof password === "string" ? password.replace("«password»", PASSWORD) : PASSWORD;
  } catch {
    return PASSWORD;
  }
}

/** The same person with a valid token and the common password. */
async function restoredPerson(url: string, person: Person, given: string): Promise<Person> {
  if ((await json(url, "GET", "/api/auth/profile", undefined, person.token)).status === 200) return person;
  const words = [person.password, PASSWORD, given];
  for (const password of words) {
    const response = await json(url, "POST", "/api/auth/login", { email: person.email, password });
    if (response.status !== 200) continue;
    const again = withSession({ ...person, password }, response);
    if (password === PASSWORD) return again;
    const body = { password: PASSWORD, currentPassword: password };
    await json(url, "PUT", "/api/auth/profile", body, again.token);
    return signIn(url, { ...again, password: PASSWORD });
  }
  throw new Error(`${person.email} cannot sign in any more`);
}

/** Restores the customer role; a removed customer is replaced by a new one. */
async function restoredCustomer(url: string, person: Person, admin: Person, given: string): Promise<Person> {
  const response = await json(url, "GET", `/api/users/${person.id}`, undefined, admin.token);
  if (response.status === 404) return signUp(url);
  const { data } = JSON.parse(response.body) as { data: { role: string } };
  if (data.role === "admin")
    await json(url, "PUT", `/api/users/${person.id}`, { role: "customer" }, admin.token);
  return restoredPerson(url, person, given);
}
