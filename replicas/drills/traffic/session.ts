// A customer's session that hops between nodes: it writes to shoes of its own, and knows what each of its reads must show.
import { type Account, demoId, type HttpRequest, type HttpResponse, request } from "./client.ts";
import { pick, random } from "./random.ts";
import { findShoe, priceIn, relate, type Shoe } from "./shoes.ts";

/** Whether an answer shows the session's last write, or is older; `lost` when it is no such answer at all. */
export type Freshness = "shown" | "older" | "lost";

/** What a session changes. */
type Kind = "price" | "stock" | "like" | "shoe";
const KINDS: readonly Kind[] = ["price", "stock", "like", "shoe"];

/** A read, what it shows, and what is seen in its answer; `mayMiss`: 404 may be right. */
type SessionRead = {
  path: string;
  shows: Kind[];
  isPersonal?: boolean;
  mayMiss?: boolean;
  see(answer: HttpResponse): boolean;
};

export type Session = {
  /** Changes something, at this base. What may have been changed or not is left alone from then on. */
  write(base: string, number: number): Promise<HttpResponse>;
  /** Asks for something of its own there, with the version of its last write. */
  read(
    base: string,
    number: number,
  ): Promise<{ answer: HttpResponse; freshness: Freshness; path: string; wanted: string }>;
  /** The same questions as others would ask them: without a version. */
  anybody(base: string, number: number): Promise<HttpResponse>;
};

/** Demo shoes that one session has for itself: 1,000 are enough for 250 sessions. */
const SHOES_EACH = 4;
const STOCK_MAX = 50;
/** It was not done: as if it had never been asked. */
const REFUSED = 503;
const LIKES_SHOWN = 100;

/** Opens the session of this number, from 0: makes one of its shoes show another as related. */
export async function openSession(
  number: number,
  base: string,
  person: Account,
  admin: Account,
): Promise<Session> {
  const [priced = "", stocked = "", liked = "", holder = ""] = [1, 2, 3, 4].map((at) =>
    demoId(number * SHOES_EACH + at),
  );
  const made = { id: `hopping-${number}`, brand: `Hopping ${number}` };
  const version = await relate(base, admin, holder, priced);
  const [first] = (await findShoe(base, stocked)).sizes;
  if (!first) throw new Error(`${stocked} has no sizes`);
  const { price } = await findShoe(base, priced);
  const last = { version, price, stock: first.stock, isLiked: false, isMade: false };
  const ids = { priced, stocked, liked, holder, made, size: first.size };
  return sessionOf(number, { person, admin, last, ids, unsure: new Set() });
}

type Own = {
  person: Account;
  admin: Account;
  /** What its last acknowledged writes have made so. */
  last: { version: string; price: number; stock: number; isLiked: boolean; isMade: boolean };
  /** Of these nobody knows. */
  unsure: Set<Kind>;
  ids: {
    priced: string;
    stocked: string;
    liked: string;
    holder: string;
    made: { id: string; brand: string };
    size: string;
  };
};

function sessionOf(session: number, own: Own): Session {
  const looks = looksOf(own);
  const { last, unsure } = own;
  return {
    async write(base, number) {
      const kind = kindOf(own, number);
      const { question, done, note } = changeOf(own, kind);
      const answer = await request(base, question);
      if (answer.status !== done) {
        if (answer.status !== REFUSED) unsure.add(kind);
        return answer;
      }
      note();
      const version = answer.headers.get("insole-version");
      if (version === null) throw new Error(`${question.method} ${question.path} was done without a version`);
      last.version = version;
      return answer;
    },
    async read(base, number) {
      const sure = looks.filter(({ shows }) => !shows.some((kind) => unsure.has(kind)));
      const look = pick(sure, number, 5);
      const answer = await request(base, withVersion(look, session, own));
      const isAnswer = answer.status === 200 || (look.mayMiss === true && answer.status === 404);
      const freshness = !isAnswer ? "lost" : look.see(answer) ? "shown" : "older";
      return { answer, freshness, path: look.path, wanted: JSON.stringify(last) };
    },
    anybody: (base, number) =>
      request(base, {
        path: pick(
          looks.filter(({ isPersonal }) => !isPersonal),
          number,
          6,
        ).path,
      }),
  };
}

/** Every other session is a browser, which sends the version as a cookie. */
function withVersion(
  { path, isPersonal = false }: SessionRead,
  session: number,
  { person, last }: Own,
): HttpRequest {
  if (isPersonal) return { path, token: person.token };
  const headers: Record<string, string> =
    session % 2 === 0 ? { "insole-version": last.version } : { cookie: `insole_version=${last.version}` };
  return { path, headers };
}

/** What a write asks, the status that acknowledges it, and what it makes so. */
type Change = { question: HttpRequest; done: number; note(): void };

/** Mostly prices, as in a shop. */
function kindOf({ unsure }: Own, number: number): Kind {
  const drawn = random(number, 7);
  const kind = drawn < 0.55 ? "price" : drawn < 0.7 ? "stock" : drawn < 0.85 ? "like" : "shoe";
  const sure = KINDS.filter((each) => !unsure.has(each));
  return unsure.has(kind) ? pick(sure, number) : kind;
}

function changeOf({ admin, person, last, ids }: Own, kind: Kind): Change {
  const asAdmin = (method: string, path: string, body?: unknown): HttpRequest => ({
    method,
    path,
    token: admin.token,
    ...(body === undefined ? {} : { body }),
  });
  if (kind === "price") {
    const price = Math.floor(last.price) + 1;
    return {
      question: asAdmin("PUT", `/api/products/${ids.priced}`, { price }),
      done: 200,
      note() {
        last.price = price;
      },
    };
  }
  if (kind === "stock") {
    const stock = (last.stock + 1) % STOCK_MAX;
    const sizes = [{ size: ids.size, stock }];
    return {
      question: asAdmin("PUT", `/api/shoes/${ids.stocked}/stock`, { sizes }),
      done: 200,
      note() {
        last.stock = stock;
      },
    };
  }
  if (kind === "like") {
    const isLiked = !last.isLiked;
    return {
      question: {
        method: isLiked ? "POST" : "DELETE",
        token: person.token,
        path: `/api/shoes/${ids.liked}/likes/me`,
      },
      done: isLiked ? 201 : 204,
      note() {
        last.isLiked = isLiked;
      },
    };
  }
  const { id, brand } = ids.made;
  const isMade = !last.isMade;
  const shoe = { shoe_id: id, title: brand, brand, price: 10 };
  return {
    question: isMade ? asAdmin("POST", "/api/shoes", shoe) : asAdmin("DELETE", `/api/shoes/${id}`),
    done: isMade ? 201 : 204,
    note() {
      last.isMade = isMade;
    },
  };
}

function looksOf({ last, ids }: Own): SessionRead[] {
  const shoe = ({ text }: HttpResponse): Shoe => (JSON.parse(text) as { data: Shoe }).data;
  const stockOf = (of: Shoe | undefined) => of?.sizes.find(({ size }) => size === ids.size)?.stock;
  const list = ({ text }: HttpResponse): Shoe[] => (JSON.parse(text) as { data: Shoe[] }).data;
  const isPriced = ({ text }: HttpResponse) => priceIn(text, ids.priced) === last.price;
  return [
    { path: `/api/shoes/${ids.priced}`, shows: ["price"], see: isPriced },
    { path: `/v1/products/${ids.priced}`, shows: ["price"], see: isPriced },
    { path: `/api/shoes/${ids.holder}/relatedproducts`, shows: ["price"], see: isPriced },
    {
      path: `/api/shoes?ids=${ids.priced},${ids.stocked}`,
      shows: ["price", "stock"],
      see: (answer) =>
        isPriced(answer) && stockOf(list(answer).find(({ id }) => id === ids.stocked)) === last.stock,
    },
    {
      path: `/api/shoes/${ids.stocked}`,
      shows: ["stock"],
      see: (answer) => stockOf(shoe(answer)) === last.stock,
    },
    {
      path: `/api/shoes/${ids.liked}`,
      shows: ["like"],
      see: (answer) => shoe(answer).likes === Number(last.isLiked),
    },
    {
      path: `/api/shoes/${ids.made.id}`,
      shows: ["shoe"],
      mayMiss: true,
      see: ({ status }) => (status === 200) === last.isMade,
    },
    {
      path: `/api/shoes?brand=${encodeURIComponent(ids.made.brand)}`,
      shows: ["shoe"],
      see: (answer) => list(answer).length === Number(last.isMade),
    },
    {
      path: `/api/users/me/likes?ids=true&limit=${LIKES_SHOWN}`,
      shows: ["like"],
      isPersonal: true,
      see: ({ text }) => (JSON.parse(text) as { data: string[] }).data.includes(ids.liked) === last.isLiked,
    },
  ];
}
