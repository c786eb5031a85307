// The fields of accounts as clients send them: checked, trimmed, each refusal with its pointer.
import type { Fields } from "../http/body.ts";
import type { Role } from "../http/caller.ts";
import { refuseFields } from "../http/fields.ts";

const EMAIL_MAX = 254;
const NAME_MAX = 100;
const PHONE_MAX = 32;
const PASSWORD_MIN = 8;
const PASSWORD_MAX = 128;
/** What is not a new password may be wrong in any way, but not without end. */
const GIVEN_PASSWORD_MAX = 1_024;
const REFRESH_TOKEN_MAX = 200;

export type Registration = { email: string; password: string; name: string };
export type Login = { email: string; password: string; cookie: boolean };
/** What is to change; what is undefined stays. */
export type AccountChange = {
  name: string | undefined;
  phone: string | null | undefined;
  role: Role | undefined;
  password: string | undefined;
  currentPassword: string | undefined;
};

type Rule = (text: string) => string | null;
type Kind = "plain" | "trimmed" | "secret";

const EMAIL_RULE: Rule = (text) =>
  text.length <= EMAIL_MAX && /^[^\s@<>()",;:\\]+@[^\s@<>()",;:\\]+\.[^\s@<>()",;:\\.]+$/.test(text)
    ? null
    : "must be an e-mail address";
const NAME_RULE: Rule = (text) =>
  text.trim() !== "" && text.length <= NAME_MAX ? null : `must have 1 to ${NAME_MAX} characters`;
const PHONE_RULE: Rule = (text) =>
  text.length <= PHONE_MAX && /^\+?[\d ()./-]*\d[\d ()./-]*$/.test(text)
    ? null
    : `must be a telephone number of at most ${PHONE_MAX} characters`;
const PASSWORD_RULE: Rule = (text) =>
  [...text].length >= PASSWORD_MIN && [...text].length <= PASSWORD_MAX
    ? null
    : `must have ${PASSWORD_MIN} to ${PASSWORD_MAX} characters`;
const GIVEN_PASSWORD_RULE: Rule = (text) =>
  text.length <= GIVEN_PASSWORD_MAX ? null : `must have at most ${GIVEN_PASSWORD_MAX} characters`;
const GIVEN_EMAIL_RULE: Rule = (text) =>
  text.length <= GIVEN_PASSWORD_MAX ? null : `must have at most ${GIVEN_PASSWORD_MAX} characters`;

/** An address in the form that makes it one account: trimmed, folded. */
export const emailKey = (email: string): string => email.normalize("NFKC").toLowerCase();

/** What is wrong with an address and a password that were given as settings or arguments; `null` when nothing is. */
export const checkEmail = (email: string): string | null => EMAIL_RULE(email);
export const checkPassword = (password: string): string | null => PASSWORD_RULE(password);

export function readRegistration(fields: Fields): Registration {
  const read = reader(fields);
  return read.done({
    email: read.trimmed("email", EMAIL_RULE),
    password: read.secret("password", PASSWORD_RULE),
    name: read.required("name", NAME_RULE),
  });
}

export function readLogin(fields: Fields): Login {
  const read = reader(fields);
  return read.done({
    email: read.trimmed("email", GIVEN_EMAIL_RULE),
    password: read.secret("password", GIVEN_PASSWORD_RULE),
    cookie: read.flag("cookie"),
  });
}

/** The refresh token; `null` when there is none. */
export function readRefreshToken(fields: Fields): string | null {
  const read = reader(fields);
  const rule: Rule = (text) => (text.length <= REFRESH_TOKEN_MAX ? null : "is not a refresh token");
  return read.done({ token: read.optional("refreshToken", rule) ?? null }).token;
}

/** The password that a removal of one's own account takes. */
export function readPassword(fields: Fields): string {
  const read = reader(fields);
  return read.done({ password: read.secret("password", GIVEN_PASSWORD_RULE) }).password;
}

export function readAccountChange(fields: Fields): AccountChange {
  const read = reader(fields);
  return read.done({
    name: read.optional("name", NAME_RULE),
    phone:
      fields.phone === null || fields.phone === "" ? null : read.optional("phone", PHONE_RULE, "trimmed"),
    role: read.role("role"),
    password: fields.password === undefined ? undefined : read.secret("password", PASSWORD_RULE),
    currentPassword:
      fields.currentPassword === undefined ? undefined : read.secret("currentPassword", GIVEN_PASSWORD_RULE),
  });
}

function reader(fields: Fields) {
  const errors: { pointer: string; detail: string }[] = [];
  const refuse = (name: string, detail: string) => void errors.push({ pointer: `/${name}`, detail });

  const text = (name: string, rule: Rule, kind: Kind): string => {
    const value = fields[name];
    if (value === undefined) refuse(name, "is required");
    if (value !== undefined && typeof value !== "string") refuse(name, "must be a string");
    if (typeof value !== "string") return "";
    const given = kind === "trimmed" ? value.trim() : value;
    const complaint = isPlain(given, kind === "secret")
      ? rule(given)
      : "must be text without control characters";
    if (complaint) refuse(name, complaint);
    return given;
  };

  return {
    required: (name: string, rule: Rule): string => text(name, rule, "plain"),
    /** Blanks at its ends are no part of it; all others are taken as they are. */
    trimmed: (name: string, rule: Rule): string => text(name, rule, "trimmed"),
    secret: (name: string, rule: Rule): string => text(name, rule, "secret"),
    optional: (name: string, rule: Rule, kind: Kind = "plain"): string | undefined =>
      fields[name] === undefined ? undefined : text(name, rule, kind),
    flag(name: string): boolean {
      const value = fields[name] ?? false;
      if (typeof value !== "boolean") refuse(name, "must be true or false");
      return value === true;
    },
    role(name: string): Role | undefined {
      const value = fields[name];
      if (value === "customer" || value === "admin") return value;
      if (value !== undefined) refuse(name, "must be customer or admin");
      return undefined;
    },
    done<T>(read: T): T {
      refuseFields(errors);
      return read;
    },
  };
}

/** Half a character cannot be stored; control characters have no place in a name. */
const isPlain = (text: string, isSecret: boolean): boolean =>
  text.isWellFormed() && (isSecret || !/\p{Cc}/u.test(text));
