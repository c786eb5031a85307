// Readers of single settings: each reads one environment variable by its rule, and names it where the value is bad.

export type Environment = Record<string, string | undefined>;

/** The trimmed text of a setting; `fallback` where it is missing or blank. */
export const text = (env: Environment, name: string, fallback: string): string => {
  const value = env[name];
  return value === undefined || value.trim() === "" ? fallback : value.trim();
};

/** Throws the error of a bad value. */
export const refuse = (name: string, value: string, rule: string): never => {
  throw new Error(`${name} is ${JSON.stringify(value)}: it must be ${rule}`);
};

/** A whole number within bounds. */
export function whole(env: Environment, name: string, fallback: number, min: number, max: number): number {
  const value = text(env, name, String(fallback));
  const number = Number(value);
  const isValid = /^\d+$/.test(value) && number >= min && number <= max;
  return isValid ? number : refuse(name, value, `a whole number from ${min} to ${max}`);
}

/** A number from 0 to 1. */
export function share(env: Environment, name: string, fallback: number): number {
  const value = text(env, name, String(fallback));
  const isValid = /^(0|1|0?\.\d+|1\.0+|0\.0*)$/.test(value);
  return isValid ? Number(value) : refuse(name, value, "a number from 0 to 1");
}

/** `true` or `false`. */
export function flag(env: Environment, name: string, fallback: boolean): boolean {
  const value = text(env, name, String(fallback));
  return value === "true" || value === "false" ? value === "true" : refuse(name, value, "true or false");
}

/** One of a few words. */
export function choice<T extends string>(
  env: Environment,
  name: string,
  choices: readonly T[],
  fallback: T,
): T {
  const value = text(env, name, fallback);
  return choices.find((known) => known === value) ?? refuse(name, value, `one of ${choices.join(", ")}`);
}

/** An http or https URL without its last slash; empty where it is missing. */
export function httpUrl(env: Environment, name: string): string {
  const value = text(env, name, "");
  const isValid =
    value === "" || (/^https?:\/\//.test(value) && URL.canParse(value) && !/[?#@\\]/.test(value));
  return isValid
    ? value.replace(/\/+$/, "")
    : refuse(name, value, "an http or https URL without user and query");
}
