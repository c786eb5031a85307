// Lists of rows that are numbered as they come, newest first: their questions and their answers, paged like all lists.
import { Problem, type ProblemDetail } from "./problems.ts";

const LIMIT_MAX = 100;
const LIMIT_DEFAULT = 20;
/** Deepest row a page number reaches; beyond it a cursor goes on. Totals are exact to it. */
const OFFSET_MAX = 10_000;

/** A checked question; `page` null: it goes on below `beforeSeq`. */
export type Page = { page: number | null; limit: number; offset: number; beforeSeq: number };

/** Counting stops here: one more than what is told as exact. */
export const COUNT_MAX = OFFSET_MAX + 1;

/** Reads `page`, `limit` and `cursor`; others are ignored. Throws a `Problem` that names every bad one. */
export function readPage(params: URLSearchParams): Page {
  const errors: ProblemDetail[] = [];
  const refuse = (parameter: string, detail: string) => void errors.push({ parameter, detail });
  const whole = (name: string, fallback: number, max: number): number => {
    const given = params.getAll(name);
    const value = Number(given[0] ?? fallback);
    if (given.length > 1) refuse(name, "must be given once");
    else if (given[0] !== undefined && !(/^\d{1,20}$/.test(given[0]) && value >= 1 && value <= max))
      refuse(name, `must be a whole number from 1${max === LIMIT_MAX ? ` to ${max}` : ""}`);
    return value;
  };
  const page = whole("page", 1, 1_000_000_000);
  const limit = whole("limit", LIMIT_DEFAULT, LIMIT_MAX);
  const cursor = params.get("cursor");
  const beforeSeq = cursor === null ? Number.MAX_SAFE_INTEGER : decode(cursor);
  if (beforeSeq === null) refuse("cursor", "must be a nextCursor of the same list");
  if (cursor !== null && params.has("page")) refuse("cursor", "must not be given together with page");
  if (errors.length === 0 && page * limit > OFFSET_MAX)
    refuse("page", `page * limit must be at most ${OFFSET_MAX}; go on with cursor`);
  const [first] = errors;
  if (first && "parameter" in first)
    throw new Problem("invalid-request", `${first.parameter} ${first.detail}`, errors);
  return {
    page: cursor === null ? page : null,
    limit,
    offset: cursor === null ? (page - 1) * limit : 0,
    beforeSeq: beforeSeq ?? 0,
  };
}

/** How the rows of an answer lie in their list. */
export type Pagination = {
  page: number | null;
  limit: number;
  total: number;
  pages: number;
  totalIsLowerBound?: true;
  nextCursor: string | null;
};

/** The answer's body; `rows` are one more than the limit where the list goes on, `total` is counted to `COUNT_MAX`. */
export function pageBody<T>(question: Page, rows: { seq: number; item: T }[], total: number) {
  const isLowerBound = total > OFFSET_MAX;
  const shown = Math.min(total, OFFSET_MAX);
  const listed = rows.slice(0, question.limit);
  const last = rows.length > question.limit ? listed.at(-1) : undefined;
  return {
    success: true as const,
    data: listed.map(({ item }) => item),
    pagination: {
      page: question.page,
      limit: question.limit,
      total: shown,
      pages: Math.ceil(shown / question.limit),
      ...(isLowerBound ? { totalIsLowerBound: true as const } : {}),
      nextCursor: last ? cursorAt(last.seq) : null,
    },
  };
}

/** The cursor below this row. */
export const cursorAt = (seq: number): string => Buffer.from(`s${seq}`).toString("base64url");

function decode(text: string): number | null {
  const seq = Number(/^s([1-9]\d{0,15})$/.exec(Buffer.from(text.slice(0, 32), "base64url").toString())?.[1]);
  return Number.isSafeInteger(seq) && cursorAt(seq) === text ? seq : null;
}
