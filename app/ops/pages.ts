// Pages for people.
import { Elysia } from "elysia";
import type { Services } from "../server.ts";

/** The front page or PUBLIC_DIR, and what each problem type means. */
export const pageRoutes = (_services: Services) => new Elysia({ name: "pages" });
