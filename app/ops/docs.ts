// The API's documentation.
import { Elysia } from "elysia";
import type { Services } from "../server.ts";

/** The Swagger page, its files and the OpenAPI document. */
export const docsRoutes = (_services: Services) => new Elysia({ name: "docs" });
