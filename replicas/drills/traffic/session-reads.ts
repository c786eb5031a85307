// The reads of a session: where each of its writes shows, and whether a response shows the last one.
import type { HttpResponse } from "./client.ts";
import { priceIn, type Shoe } from "./shoes.ts";

/** What a session changes: one field or shoe each. */
export type Change = "price" | "stock" | "like" | "shoe";

/** What the acknowledged writes of a session have left. */
export type SessionState = {
  version: string;
  price: number;
  stock: number;
  isLiked: boolean;
  isAdded: boolean;
};

/** The ids of the shoes that one session has for itself. */
export type SessionShoes = {
  priced: string;
  stocked: string;
  liked: string;
  /** Its only related shoe is the priced one. */
  holder: string;
  added: { id: string; brand: string };
  /** The size whose stock changes. */
  size: string;
};

/** A read, the changes that it shows, and whether a response has the last of them. */
export type SessionRead = {
  path: string;
  shows: Change[];
  isPersonal?: boolean;
  /** 404 may be the right response. */
  mayBeMissing?: boolean;
  isFresh(response: HttpResponse): boolean;
};

const LIKES_LIMIT = 100;

/** All reads of a session with these shoes; `state` changes with its writes. */
export function sessionReads(shoes: SessionShoes, state: SessionState): SessionRead[] {
  const dataOf = <T>({ text }: HttpResponse): T => (JSON.parse(text) as { data: T }).data;
  const hasStock = (shoe: Shoe | undefined) =>
    shoe?.sizes.find(({ size }) => size === shoes.size)?.stock === state.stock;
  const hasPrice = ({ text }: HttpResponse) => priceIn(text, shoes.priced) === state.price;
  return [
    { path: `/api/shoes/${shoes.priced}`, shows: ["price"], isFresh: hasPrice },
    { path: `/v1/products/${shoes.priced}`, shows: ["price"], isFresh: hasPrice },
    { path: `/api/shoes/${shoes.holder}/relatedproducts`, shows: ["price"], isFresh: hasPrice },
    {
      path: `/api/shoes?ids=${shoes.priced},${shoes.stocked}`,
      shows: ["price", "stock"],
      isFresh: (response) =>
        hasPrice(response) && hasStock(dataOf<Shoe[]>(response).find(({ id }) => id === shoes.stocked)),
    },
    {
      path: `/api/shoes/${shoes.stocked}`,
      shows: ["stock"],
      isFresh: (response) => hasStock(dataOf<Shoe>(response)),
    },
    {
      path: `/api/shoes/${shoes.liked}`,
      shows: ["like"],
      isFresh: (response) => dataOf<Shoe>(response).likes === Number(state.isLiked),
    },
    {
      path: `/api/shoes/${shoes.added.id}`,
      shows: ["shoe"],
      mayBeMissing: true,
      isFresh: ({ status }) => (status === 200) === state.isAdded,
    },
    {
      path: `/api/shoes?brand=${encodeURIComponent(shoes.added.brand)}`,
      shows: ["shoe"],
      isFresh: (response) => dataOf<Shoe[]>(response).length === Number(state.isAdded),
    },
    {
      path: `/api/users/me/likes?ids=true&limit=${LIKES_LIMIT}`,
      shows: ["like"],
      isPersonal: true,
      isFresh: (response) => dataOf<string[]>(response).includes(shoes.liked) === state.isLiked,
    },
  ];
}
