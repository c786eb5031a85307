// The command `bun run openapi`: writes the OpenAPI document to the standard output, with no server and no database.
import { documentOf } from "./document.ts";
import { openHeaders } from "./http/headers.ts";
import { routes } from "./server.ts";
import type { Services } from "./services.ts";

/** Only the settings that decide which routes exist: the document calls no handler. */
const ORIGINS = { publicUrl: "", corsOrigins: [] };
const SERVICES: Partial<Services> = {
  openWrites: false,
  publicDir: null,
  origins: ORIGINS,
  headers: openHeaders(ORIGINS),
};

/** The document of a shop with the default settings, as compact JSON. */
export const openapiDocument = (): Promise<string> => documentOf(routes(SERVICES as Services).routes);

if (import.meta.main) {
  const document: unknown = JSON.parse(await openapiDocument());
  await Bun.write(Bun.stdout, `${JSON.stringify(document, null, 2)}\n`);
}
