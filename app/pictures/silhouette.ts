// The parts of a drawn silhouette: layers of paths, each with its paint.

/** The paints of layers; picture.ts renders each. */
export type Paint =
  | "lining"
  | "lining2"
  | "tongue"
  | "panel"
  | "panel2"
  | "tone"
  | "sweep"
  | "midsole"
  | "outsole"
  | "footbed"
  | "plush"
  | "seam"
  | "stitch"
  | "lace"
  | "eyelet"
  | "elastic"
  | "groove"
  | "metal"
  | "shade"
  | "shine";

export type Layer = readonly [Paint, string];

/** One silhouette, in 640 x 480: toe to the right, standing on y = 408. */
export type Silhouette = {
  /** Drawn first: the inside and what lies behind the upper. */
  back: readonly Layer[];
  /** The outline of the upper: filled, shaded, and the clip of `panels`. */
  upper: string;
  /** Clipped at the upper's outline. */
  panels: readonly Layer[];
  /** Drawn over the upper, not clipped. */
  front: readonly Layer[];
  /** Scale factors of the paths. */
  stretch: readonly [x: number, y: number];
  /** How far the drawing is moved up, so that low shoes sit in the middle too. */
  lift: number;
  /** Position and scale of the maker's mark; `null`: none. */
  mark: readonly [x: number, y: number, scale: number] | null;
};
