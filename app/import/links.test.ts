// URLs and lists of URLs in the cells of a file.
import { expect, test } from "bun:test";
import { readLink, splitLinks } from "./links.ts";

const CLOUDINARY = "https://a.example/w_600,f_auto,ar_1:1/x.jpg";

test.each([
  [`${CLOUDINARY}~${CLOUDINARY}`, [CLOUDINARY, CLOUDINARY]],
  [
    `${CLOUDINARY}, https://b.example/y.jpg,//c.example/z,d.example/w`,
    [CLOUDINARY, "https://b.example/y.jpg", "//c.example/z", "d.example/w"],
  ],
  ["a.example/1.jpg | a.example/2.jpg", ["a.example/1.jpg", "a.example/2.jpg"]],
  ["https://a.example/~user/1.jpg", ["https://a.example/~user/1.jpg"]],
  ["https://a.example/1.jpg,javascript:alert(1)", ["https://a.example/1.jpg", "javascript:alert(1)"]],
  ["['a.example/1', 'a.example/2']", ["a.example/1", "a.example/2"]],
  [
    ["a.example/1", { src: "a.example/2" }],
    ["a.example/1", "a.example/2"],
  ],
  ["null", []],
  [null, []],
])("%p is split", (cell, links) => expect(splitLinks(cell)).toEqual(links));

test.each([
  ["a.example/1.jpg", "https://a.example/1.jpg"],
  ["a.example:8080/1.jpg", "https://a.example:8080/1.jpg"],
  ["//a.example/1.jpg", "https://a.example/1.jpg"],
  ["HTTP://a.example/a b.jpg", "HTTP://a.example/a%20b.jpg"],
  ["/images/1.svg", "/images/1.svg"],
])("%s is completed", (text, link) => expect(readLink(text)).toEqual({ link }));

// How a user name or password can be written, also where a browser would repair it.
const WITH_USER_NAME = [
  "https://ada:secret@a.example/x",
  "//ada:secret@a.example/x",
  "\\\\ada@a.example\\x",
  "https:\\\\ada@a.example/x",
  "HTTP://ada@a.example",
  "https://ada@a.example?x=@",
  "https://a.example\\@b.example/x".replace("\\", "%5C"),
];
test.each(WITH_USER_NAME)("%p is refused for its user name", (text) =>
  expect(readLink(text)).toEqual({ reason: "has a URL with a user name or password" }),
);

test.each(["ada:secret@a.example/x", "ada@a.example", "mailto:ada@a.example", "ftp://ada@a.example/x"])(
  "%p is refused",
  (text) => expect(readLink(text)).toHaveProperty("reason"),
);

test.each([
  "https://a.example/@ada",
  "https://a.example/x?u=ada:secret@b.example",
  "a.example/x@2x.jpg",
  "/@ada",
])("%p has an @ and no user name", (text) => expect(readLink(text)).toHaveProperty("link"));

test.each([
  "javascript:alert(1)",
  "java\u0000script:alert(1)",
  "java\tscript:alert(1)",
  "data:text/html,x",
  " JavaScript:1",
  "https://",
  "nowhere",
])("%p is refused", (text) => expect(readLink(text)).toHaveProperty("reason"));
