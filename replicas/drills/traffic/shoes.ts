// Shoes as the drills at the edge see them over HTTP.
import { ask, expectJson, type Person } from "./client.ts";

/** What the drills look at of a shoe. */
export type Shoe = {
  id: string;
  price: number;
  likes: number;
  title: string;
  images: string;
  href: string;
  sizes: { size: string; stock: number }[];
};

/** Asks for a shoe; throws when it is not there. */
export async function findShoe(base: string, id: string): Promise<Shoe> {
  return expectJson<{ data: Shoe }>(await ask(base, { path: `/api/shoes/${id}` }), 200).data;
}

/** Makes the one shoe show the other as its only related one; returns the version of that. */
export async function relate(
  base: string,
  { token }: Person,
  holder: string,
  shown: string,
): Promise<string> {
  const { title, images, price, href } = await findShoe(base, holder);
  const body = { shoe_id: holder, title, images, price, href, related_products: [shown] };
  const answer = await ask(base, { path: `/api/shoes/${holder}`, method: "PUT", token, body });
  if (answer.status !== 204) throw new Error(`${answer.failure ?? answer.status}: ${answer.text}`);
  return answer.headers.get("insole-version") ?? "";
}

type Priced = Pick<Shoe, "id" | "price">;

/** The price of this shoe in a body of any kind: an item, a list, or related shoes. */
export function priceIn(text: string, id: string): number | undefined {
  const body = JSON.parse(text) as { data?: Priced | Priced[]; relatedProducts?: Priced[] };
  const shoes = [body.relatedProducts ?? body.data ?? []].flat();
  return shoes.find((shoe) => shoe.id === id)?.price;
}
