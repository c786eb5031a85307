// The settings of mail: what each may be, and that no error shows a password.
import { expect, test } from "bun:test";
import { readMailConfig } from "./mail-settings.ts";

const read = (env: Record<string, string>) => readMailConfig({ MAIL_FROM: "shop@shop.example", ...env });

test.each<[string, Record<string, unknown>]>([
  ["smtp://mail.example", { port: 587, isSecure: false, needsTls: false, user: "", password: "" }],
  ["smtp://mail.example/", { host: "mail.example" }],
  ["smtps://mail.example", { port: 465, isSecure: true }],
  ["smtp://mail.example:2525?starttls=required", { port: 2_525, isSecure: false, needsTls: true }],
  ["smtp://[::1]:25", { host: "::1", port: 25 }],
  ["smtp://shop%40shop.example:a%3Ab%25@mail.example", { user: "shop@shop.example", password: "a:b%" }],
])("SMTP_URL=%s", (url, expected) => {
  expect(read({ SMTP_URL: url }).smtp).toMatchObject(expected);
});

test.each([
  "mail.example",
  "smtp://",
  "smtp//user:hunter2@mail.example",
  "smtp:user:hunter2@mail.example",
  "smtp://user:hunter2/a@mail.example",
  "smtp://user:25#hunter2@mail.example",
  "smtp://user:25?hunter2@mail.example",
  "http://user:hunter2@mail.example",
  "smtp://user:hunter2@mail.example/path",
  "smtp://user:hunter2%40mail.example:587",
  "smtp://user:hunter2",
  "smtp://user:hunter2%zz@mail.example",
  "smtp://us%er:hunter2@mail.example",
  "smtp://user:hunter2@mail.example:99999",
  "smtp://user:hunter2@mail.example?starttls=never",
  "smtp://user:hunter2@mail.example?tls=no",
])("SMTP_URL=%s is refused by name, without its password", (url) => {
  expect(() => read({ SMTP_URL: url })).toThrow(/^SMTP_URL (is|has) /);
  expect(() => read({ SMTP_URL: url })).not.toThrow(/hunter2/);
});

test("SMTP_URL needs the address that mails come from", () => {
  expect(() => readMailConfig({ SMTP_URL: "smtp://mail.example" })).toThrow("MAIL_FROM is missing");
  expect(readMailConfig({}).mailFrom).toEqual({ name: "Insole", address: "shop@localhost" });
});

test.each([
  ["shop@shop.example", "Sole", "shop@shop.example"],
  ["<shop@shop.example>", "Sole", "shop@shop.example"],
  ["Shoes & Co <shop@shop.example>", "Shoes & Co", "shop@shop.example"],
  ['"Shoes, Inc." <shop@shop.example>', "Shoes, Inc.", "shop@shop.example"],
])("MAIL_FROM=%s", (value, name, address) => {
  expect(read({ MAIL_FROM: value, SHOP_NAME: "Sole" }).mailFrom).toEqual({ name, address });
});

test.each([
  ["MAIL_FROM", "shop"],
  ["MAIL_FROM", "Shop <a@shop.example>, <b@shop.example>"],
  ["MAIL_FROM", "Shop\r\nBcc: x <a@shop.example>"],
  ["ADMIN_ALERT_EMAIL", "staff"],
  ["ADMIN_ALERT_EMAIL", "a@shop.example,,b@shop.example"],
  ["ADMIN_ALERT_EMAIL", "a@shop.example\r\nb@shop.example"],
  ["ADMIN_ALERT_EMAIL", Array(11).fill("a@shop.example").join(",")],
  ["SHOP_NAME", "a".repeat(61)],
  ["SHOP_NAME", "Shop\nBcc: x"],
  ["LOCALE", "en_US"],
  ["RESET_URL", "https://shop.example/reset?x=1"],
  ["LOW_STOCK", "-1"],
])("%s=%p is refused by name", (name, value) => {
  expect(() => read({ [name]: value })).toThrow(new RegExp(`^${name} is`));
});

test.each([
  [{}, "/account/reset"],
  [{ PUBLIC_URL: "https://shop.example/" }, "https://shop.example/account/reset"],
  [{ PUBLIC_URL: "https://a.example", RESET_URL: "https://b.example/r/" }, "https://b.example/r"],
])("of %p the page of a password reset is %s", (env, url) => {
  expect(read(env).resetUrl).toBe(url);
});
