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

test.each([
  "javascript:alert(1)",
  "java\u0000script:alert(1)",
  "java\tscript:alert(1)",
  "data:text/html,x",
  " JavaScript:1",
  "https://",
  "nowhere",
])("%p is refused", (text) => expect(readLink(text)).toHaveProperty("reason"));
