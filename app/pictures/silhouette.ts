// What a drawn silhouette consists of: layers of paths, each with the paint it takes.

/** The paints a layer may take; picture.ts says how each looks. */
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
  /** Drawn first: what is seen inside and behind. */
  back: readonly Layer[];
  /** The outline of the upper: filled, shaded, and the clip of `panels`. */
  upper: string;
  /** Cut off at the upper's outline. */
  panels: readonly Layer[];
  /** Above the upper, not cut off. */
  front: readonly Layer[];
  /** How much longer and taller it is drawn than its paths say. */
  stretch: readonly [x: number, y: number];
  /** How far above the paths' ground it stands, so that low shoes too sit in the middle. */
  lift: number;
  /** Where the maker's mark goes and its size; `null`: none. */
  mark: readonly [x: number, y: number, scale: number] | null;
};
