// Requests about a shoe that several drills send, and what they read in the responses.
import { must } from "../../../db/must.ts";
import {
  type Account,
  expectJson,
  expectStatus,
  type HttpRequest,
  type HttpResponse,
  request,
} from "./client.ts";

/** The fields of a shoe that drills read. */
export type Shoe = {
  id: string;
  price: number;
  likes: number;
  title: string;
  images: string;
  href: string;
  sizes: { size: string; stock: number }[];
};

/** Reads a shoe; throws when there is none. */
export async function findShoe(base: string, id: string): Promise<Shoe> {
  return expectJson<{ data: Shoe }>(await request(base, { path: `/api/shoes/${id}` }), 200).data;
}

/** The request that changes a shoe's price. */
export const priceRequest = ({ token }: Account, id: string, price: number): HttpRequest => ({
  method: "PUT",
  path: `/api/products/${id}`,
  token,
  body: { price },
});

/** Changes a shoe's price; throws unless that is acknowledged. */
export async function changePrice(
  base: string,
  admin: Account,
  id: string,
  price: number,
): Promise<HttpResponse> {
  const response = await request(base, priceRequest(admin, id, price));
  expectStatus(response, 200);
  return response;
}

/** The request that adds a shoe; with a key it can be repeated. */
export const addRequest = (
  { token }: Account,
  shoe: { title: string; [field: string]: string },
  key?: string,
): HttpRequest => ({
  method: "POST",
  path: "/api/shoes",
  token,
  body: { price: 10, ...shoe },
  ...(key === undefined ? {} : { headers: { "idempotency-key": key } }),
});

/** The request by which an account likes or unlikes a shoe. */
export const likeRequest = (
  { token }: Account,
  id: string,
  method: "POST" | "DELETE" = "POST",
): HttpRequest => ({
  method,
  path: `/api/shoes/${id}/likes/me`,
  token,
});

/** Makes one shoe the only related shoe of another; returns the version of that write. */
export async function relate(
  base: string,
  { token }: Account,
  holder: string,
  related: string,
): Promise<string> {
  const { title, images, price, href } = await findShoe(base, holder);
  const body = { shoe_id: holder, title, images, price, href, related_products: [related] };
  const response = await request(base, { path: `/api/shoes/${holder}`, method: "PUT", token, body });
  expectStatus(response, 204);
  return must(response.headers.get("insole-version"), "Insole-Version");
}

type Priced = Pick<Shoe, "id" | "price">;

/** The price of this shoe in the body of an item, a list, or related shoes. */
export function priceIn(text: string, id: string): number | undefined {
  const body = JSON.parse(text) as { data?: Priced | Priced[]; relatedProducts?: Priced[] };
  const shoes = [body.relatedProducts ?? body.data ?? []].flat();
  return shoes.find((shoe) => shoe.id === id)?.price;
}
