// A JSON request to a shop that is being prepared.
import type { ReceivedResponse } from "./check.ts";

/** Sends a request with an optional JSON body and token, and reads the whole response. */
export async function json(
  url: string,
  method: string,
  path: string,
  body?: object,
  token?: string,
): Promise<ReceivedResponse> {
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
