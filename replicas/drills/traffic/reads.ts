// What visitors ask of the shop: hot shoes and cold ones, lists, pictures, and questions that nobody has asked before.
import { type Ask, demoId, type Person } from "./client.ts";

/** Shoes of the demo catalogue. */
export const SHOES = 1_000;

const CATEGORIES = ["boots", "hiking", "kids", "loafers", "running", "sandals"];
const WORDS = ["runner", "boot", "strap", "leather", "trail", "knit"];
const CENTS_SPREAD = 97;

/** A number that looks like chance and is the same each time: 0 up to 1. */
export function chance(number: number, salt = 0): number {
  let mixed = Math.imul(number + 1, 0x9e3779b1) ^ Math.imul(salt + 1, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
}

/** One of these, by chance. */
export function oneOf<T>(all: readonly T[], number: number, salt = 0): T {
  const found = all[Math.floor(chance(number, salt) * all.length)];
  if (found === undefined) throw new Error("there is nothing to choose from");
  return found;
}

/** A shoe as visitors choose them: the n-th most wanted is asked for n times as seldom as the first. */
export const wantedId = (number: number): string =>
  demoId(Math.min(SHOES, Math.floor(SHOES ** chance(number, 1))));

/** A list that nobody has asked for before: it is in no memory. */
const newQuestion = (number: number): string =>
  `/api/shoes?minPrice=${(10 + (number % CENTS_SPREAD) / 100).toFixed(2)}&maxPrice=${(100 + number / 100).toFixed(2)}&limit=5`;

/** The question of this number that anybody may ask. */
export function publicRead(number: number): string {
  const kind = chance(number, 2);
  if (kind < 0.4) return `/api/shoes/${wantedId(number)}/relatedproducts`;
  if (kind < 0.6) return `/v1/products/${wantedId(number)}`;
  if (kind < 0.7) return `/images/${wantedId(number)}.svg`;
  if (kind < 0.8) return `/api/shoes?category=${oneOf(CATEGORIES, number)}&page=${1 + (number % 3)}`;
  if (kind < 0.85) return `/api/products?q=${oneOf(WORDS, number)}`;
  if (kind < 0.88) return "/api/categories";
  return newQuestion(number);
}

const PERSONAL_SHARE = 0.03;

/** The GET of this number: mostly public, now and then somebody's own. */
export function anyRead(number: number, people: readonly Person[]): Ask {
  if (chance(number, 3) >= PERSONAL_SHARE || people.length === 0) return { path: publicRead(number) };
  const path = number % 2 === 0 ? "/api/auth/profile" : "/api/users/me/likes?ids=true";
  return { path, token: oneOf(people, number).token };
}
