// A client that writes to shoes of its own on any node, and knows what each of its later reads must show.
import { type Account, demoId, type HttpRequest, type HttpResponse, request } from "./client.ts";
import { pick, random } from "./random.ts";
import {
  type Change,
  type SessionRead,
  type SessionShoes,
  type SessionState,
  sessionReads,
} from "./session-reads.ts";
import { addRequest, findShoe, likeRequest, priceRequest, relate } from "./shoes.ts";

/** Whether a response shows the session's last write or is older; `invalid` when it is no such response at all. */
type Freshness = "fresh" | "older" | "invalid";

const CHANGES: readonly Change[] = ["price", "stock", "like", "shoe"];

export type Session = {
  /** Changes something through this base URL. After an unknown outcome that field is left alone. */
  write(base: string, number: number): Promise<HttpResponse>;
  /** Reads something of its own there, with the version of its last write. */
  read(base: string, number: number): Promise<ReadResult>;
  /** Sends one of the same reads without a version, as any other client would. */
  readWithoutVersion(base: string, number: number): Promise<HttpResponse>;
};

/** `expected` is the session's state as text. */
type ReadResult = { response: HttpResponse; freshness: Freshness; path: string; expected: string };

/** Each session has so many demo shoes for itself: 1,000 are enough for 250 sessions. */
const SHOES_EACH = 4;
const STOCK_MAX = 50;
const REFUSED = 503;

/** Opens the session of this number, from 0, and makes one of its shoes related to another. */
export async function openSession(
  number: number,
  base: string,
  customer: Account,
  admin: Account,
): Promise<Session> {
  const [priced = "", stocked = "", liked = "", holder = ""] = [1, 2, 3, 4].map((shoe) =>
    demoId(number * SHOES_EACH + shoe),
  );
  const version = await relate(base, admin, holder, priced);
  const [first] = (await findShoe(base, stocked)).sizes;
  if (!first) throw new Error(`${stocked} has no sizes`);
  const { price } = await findShoe(base, priced);
  const added = { id: `hopping-${number}`, brand: `Hopping ${number}` };
  const shoes = { priced, stocked, liked, holder, added, size: first.size };
  const state = { version, price, stock: first.stock, isLiked: false, isAdded: false };
  return sessionOf({ customer, admin, shoes, state, sendsCookie: number % 2 === 1 });
}

type Parts = {
  customer: Account;
  admin: Account;
  shoes: SessionShoes;
  state: SessionState;
  /** Browsers send the version as a cookie, programs as a header. */
  sendsCookie: boolean;
};

function sessionOf({ customer, admin, shoes, state, sendsCookie }: Parts): Session {
  const reads = sessionReads(shoes, state);
  const unknown = new Set<Change>();
  const requestOf = ({ path, isPersonal }: SessionRead): HttpRequest => {
    if (isPersonal) return { path, token: customer.token };
    const { version } = state;
    return {
      path,
      headers: sendsCookie ? { cookie: `insole_version=${version}` } : { "insole-version": version },
    };
  };
  return {
    async write(base, number) {
      const change = changeOf(number, unknown);
      const { request: sent, acknowledgedBy, next } = writeOf(change, { customer, admin, shoes, state });
      const response = await request(base, sent);
      if (response.status !== acknowledgedBy) {
        if (response.status !== REFUSED) unknown.add(change);
        return response;
      }
      const version = response.headers.get("insole-version");
      if (version === null) throw new Error(`${sent.method} ${sent.path} was acknowledged without a version`);
      Object.assign(state, next, { version });
      return response;
    },
    async read(base, number) {
      const known = reads.filter(({ shows }) => !shows.some((change) => unknown.has(change)));
      const read = pick(known, number, 5);
      const response = await request(base, requestOf(read));
      const isValid = response.status === 200 || (read.mayBeMissing === true && response.status === 404);
      const freshness = !isValid ? "invalid" : read.isFresh(response) ? "fresh" : "older";
      return { response, freshness, path: read.path, expected: JSON.stringify(state) };
    },
    readWithoutVersion(base, number) {
      const read = pick(
        reads.filter(({ isPersonal }) => !isPersonal),
        number,
        6,
      );
      return request(base, { path: read.path });
    },
  };
}

/** Mostly prices, as in a shop; never what has an unknown outcome. */
function changeOf(number: number, unknown: ReadonlySet<Change>): Change {
  const drawn = random(number, 7);
  const change = drawn < 0.55 ? "price" : drawn < 0.7 ? "stock" : drawn < 0.85 ? "like" : "shoe";
  const known = CHANGES.filter((each) => !unknown.has(each));
  return unknown.has(change) ? pick(known, number) : change;
}

/** A write: its request, the status that acknowledges it, and what it leaves. */
type SessionWrite = { request: HttpRequest; acknowledgedBy: number; next: Partial<SessionState> };

function writeOf(
  change: Change,
  { customer, admin, shoes, state }: Omit<Parts, "sendsCookie">,
): SessionWrite {
  const { token } = admin;
  if (change === "price") {
    const price = Math.floor(state.price) + 1;
    return { request: priceRequest(admin, shoes.priced, price), acknowledgedBy: 200, next: { price } };
  }
  if (change === "stock") {
    const stock = (state.stock + 1) % STOCK_MAX;
    const body = { sizes: [{ size: shoes.size, stock }] };
    const path = `/api/shoes/${shoes.stocked}/stock`;
    return { request: { method: "PUT", path, token, body }, acknowledgedBy: 200, next: { stock } };
  }
  if (change === "like") {
    const isLiked = !state.isLiked;
    const like = likeRequest(customer, shoes.liked, isLiked ? "POST" : "DELETE");
    return { request: like, acknowledgedBy: isLiked ? 201 : 204, next: { isLiked } };
  }
  const { id, brand } = shoes.added;
  const isAdded = !state.isAdded;
  const add = addRequest(admin, { shoe_id: id, title: brand, brand });
  const remove = { method: "DELETE", path: `/api/shoes/${id}`, token };
  return { request: isAdded ? add : remove, acknowledgedBy: isAdded ? 201 : 204, next: { isAdded } };
}
