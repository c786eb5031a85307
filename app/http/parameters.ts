// Query parameters: each is read by its own rule, and one `Problem` names all that break theirs.
import { Problem } from "./problems.ts";

/** The parameters of one request; `null` means that a parameter is absent or refused. */
export type QueryParameters = {
  isGiven(name: string): boolean;
  /** The text of a parameter; refuses one that is given twice. */
  one(name: string): string | null;
  /** Every value of a parameter that may be repeated. */
  all(name: string): string[];
  /** A whole number from 1. */
  whole(name: string, max: number): number | null;
  /** An amount in major units, as minor units. */
  cents(name: string): number | null;
  flag(name: string): boolean;
  choice<T extends string>(name: string, choices: readonly T[]): T | null;
  /** Records that a parameter breaks a rule. */
  refuse(name: string, detail: string): void;
  /** Throws the `Problem` 400 that names every refused parameter; does nothing when there is none. */
  check(): void;
};

/** Opens the parameters of a query string; unknown ones are ignored. */
export function readParameters(params: URLSearchParams): QueryParameters {
  const errors: { parameter: string; detail: string }[] = [];
  const refuse = (parameter: string, detail: string) => void errors.push({ parameter, detail });
  const one = (name: string): string | null => {
    const values = params.getAll(name);
    if (values.length <= 1) return values[0] ?? null;
    refuse(name, "must be given once");
    return null;
  };
  const matching = (name: string, pattern: RegExp, rule: string): string | null => {
    const text = one(name);
    if (text === null || pattern.test(text)) return text;
    refuse(name, rule);
    return null;
  };
  return {
    isGiven: (name) => params.has(name),
    one,
    all: (name) => params.getAll(name),
    whole(name, max) {
      const rule = `must be a whole number from 1 to ${max}`;
      const text = matching(name, /^\d{1,20}$/, rule);
      if (text === null) return null;
      const value = Number(text);
      if (value >= 1 && value <= max) return value;
      refuse(name, rule);
      return null;
    },
    cents(name) {
      const rule = "must be an amount from 0 to 9999999.99 with at most two decimals";
      const text = matching(name, /^\d{1,7}(\.\d{1,2})?$/, rule);
      return text === null ? null : Math.round(Number(text) * 100);
    },
    flag: (name) => /^(true|1)$/.test(matching(name, /^(true|false|1|0)$/, "must be true or false") ?? ""),
    choice(name, choices) {
      const text = one(name);
      const choice = choices.find((known) => known === text);
      if (text !== null && choice === undefined) refuse(name, `must be one of ${choices.join(", ")}`);
      return choice ?? null;
    },
    refuse,
    check() {
      const [first] = errors;
      if (first) throw new Problem("invalid-request", `${first.parameter} ${first.detail}`, errors);
    },
  };
}
