// The request bodies of accounts.
import type { Role } from "../http/caller.ts";
import { EMAIL, PASSWORD } from "../http/credentials.ts";
import { choice, type Form, flag, LINE, NON_BLANK_LINE, text } from "../http/field-kinds.ts";
import { allOptional, body, nullable, optional, type ReadBy, withDefault } from "../http/fields.ts";

const NAME_MAX = 100;
const PHONE_MAX = 32;
/** Bound of passwords and addresses that are only compared; they may have any form. */
const COMPARED_MAX = 1_024;
const REFRESH_TOKEN_MAX = 200;
const RESET_TOKEN_MAX = 200;
const PHONE: Form = {
  pattern: /^\+?[0-9 ()./-]*[0-9][0-9 ()./-]*$/,
  rule: "must be a telephone number",
};

/** The roles of an account. */
export const ROLES = ["customer", "admin"] as const satisfies Role[];

const NAME = text({ min: 1, max: NAME_MAX, form: NON_BLANK_LINE });
/** A password that is only compared with that of an account. */
const comparedPassword = (description?: string) => text({ max: COMPARED_MAX, description });

const PROFILE = allOptional({
  name: NAME,
  phone: nullable(
    text({ max: PHONE_MAX, form: PHONE, isTrimmed: true, description: "null or empty: none" }),
    "",
  ),
  password: PASSWORD,
  currentPassword: comparedPassword("required with password"),
});

/** The request bodies of the routes. */
export const Registration = body({ email: EMAIL, password: PASSWORD, name: NAME });
export const Login = body({
  email: text({ max: COMPARED_MAX, form: LINE, isTrimmed: true }),
  password: comparedPassword(),
  cookie: withDefault(
    nullable(
      flag(
        "keep the refresh token in an HttpOnly cookie: __Host-insole_refresh over https, else insole_refresh",
      ),
    ),
    false,
  ),
});
export const Refresh = body({
  refreshToken: optional(
    text({ max: REFRESH_TOKEN_MAX, form: LINE, description: "left out where a cookie holds it" }),
  ),
});
export const Forgot = body({ email: text({ max: COMPARED_MAX, form: LINE, isTrimmed: true }) });
export const Reset = body({
  token: text({ max: RESET_TOKEN_MAX, form: LINE, isTrimmed: true, description: "of the link in the mail" }),
  password: PASSWORD,
});
/** Missing fields do not change. A profile ignores `role`, because clients send a whole account back. */
export const Profile = body(PROFILE);
export const AccountChange = body({ ...PROFILE, role: optional(choice(ROLES)) });
export const Removal = body({
  password: optional(comparedPassword("required to remove one's own account")),
});

export type Registration = ReadBy<typeof Registration>;
export type Login = ReadBy<typeof Login>;
export type Reset = ReadBy<typeof Reset>;
export type AccountChange = ReadBy<typeof AccountChange>;
