// The schemas of the routes: Fastify serialises JSON faster with a response schema.
const text = { type: "string" };
const label = { type: "string", nullable: true };
const whole = { type: "integer" };
const amount = { type: "number" };

const shoe = {
  type: "object",
  properties: {
    id: text,
    slug: text,
    title: text,
    description: text,
    brand: label,
    category: label,
    color: label,
    gender: label,
    price: amount,
    priceCents: whole,
    listPrice: { type: "number", nullable: true },
    currency: text,
    images: text,
    gallery: { type: "array", items: text },
    href: text,
    stock: whole,
    sizeSystem: label,
    sizes: { type: "array", items: { type: "object", properties: { size: text, stock: whole } } },
    likes: whole,
    createdAt: text,
    updatedAt: text,
  },
};
const brief = { id: text, title: text, images: text, price: amount, href: text };
const params = { type: "object", properties: { id: text } };

export const PROBLEM = { error: "there is no such shoe" };
const problem = { type: "object", properties: { error: text } };

export const SHOE = {
  params,
  response: {
    200: { type: "object", properties: { success: { type: "boolean" }, data: shoe } },
    404: problem,
  },
};

export const LIST = {
  querystring: {
    type: "object",
    properties: {
      category: text,
      page: { type: "integer", minimum: 1, default: 1 },
      limit: { type: "integer", minimum: 1, maximum: 100, default: 20 },
    },
  },
  response: {
    200: {
      type: "object",
      properties: {
        success: { type: "boolean" },
        data: { type: "array", items: shoe },
        pagination: {
          type: "object",
          properties: { page: whole, limit: whole, total: whole, pages: whole },
        },
      },
    },
  },
};

export const RELATED = {
  params,
  response: {
    200: {
      type: "object",
      properties: {
        ...brief,
        relatedProducts: { type: "array", items: { type: "object", properties: brief } },
      },
    },
    404: problem,
  },
};
