// The vocabulary of demo shoes, all invented: makers, lines, styles, colourways, sentences.

/** The kind of shoes of a maker; it decides the styles that the maker sells. */
type MakerStyle = "sport" | "outdoor" | "street" | "dress" | "home";

/** The properties of a category; prices in whole units of the shop's currency. */
export type Category = {
  name: string;
  priceMin: number;
  priceMax: number;
  genders: readonly Gender[];
  build: Construction;
  /** First sentences of a description; `{title}` is replaced by the shoe's name without its maker. */
  openers: readonly string[];
};

/** How a shoe is made; it decides which sentences fit. */
type Construction = "sport" | "classic";

export type Gender = "men" | "women" | "unisex" | "kids";

export const MAKERS: readonly (readonly [string, readonly MakerStyle[]])[] = [
  ["Brindlow", ["sport", "outdoor"]],
  ["Larkspan", ["sport"]],
  ["Zephlyn", ["sport", "street"]],
  ["Plimtide", ["sport", "street"]],
  ["Quillfoot", ["sport"]],
  ["Tarnwick", ["outdoor"]],
  ["Dunmarch", ["outdoor"]],
  ["Saltmoor", ["outdoor", "home"]],
  ["Northolm", ["outdoor", "sport"]],
  ["Wrenfold", ["outdoor"]],
  ["Kettlerow", ["street"]],
  ["Hobbinside", ["street", "home"]],
  ["Tollgate Nine", ["street"]],
  ["Cobbley", ["street", "dress"]],
  ["Juniper Quay", ["street", "home"]],
  ["Pavo & Finch", ["dress"]],
  ["Ambrelle", ["dress"]],
  ["Corvelle", ["dress"]],
  ["Vesper Lane", ["dress"]],
  ["Merrowe", ["dress", "home"]],
  ["Ostlery", ["dress", "outdoor"]],
  ["Tindermoss", ["home"]],
  ["Oakenby", ["home", "outdoor"]],
  ["Havenrook", ["home", "dress"]],
];

// Every line is combined with every style, so no name suggests a kind of shoe.
export const LINES: readonly string[] = (
  "Fell Tarn Beck Cairn Heath Alder Rowan Hazel Sorrel Bracken Thistle Clover Fennel Yarrow Larch " +
  "Linden Aspen Willow Harbour Pier Anchor Skerry Tidal Estuary Lagoon Marlow Dover Lundy Sandpiper " +
  "Upland Osprey Shale Flint Basalt Quartz Garnet Opal Amberley Compass Pennant Cobble Meridian " +
  "Solstice Equinox Aurora Overcast Cirrus Drizzle Mistral Gale Ember Kindle Lantern Lighthouse Signal " +
  "Metric Vector Tangent Cadence Tempera Sonnet Ballad Refrain Nocturne Waltz Minuet Almanac Chapter " +
  "Margin Folio Parlour Veranda Terrace Arcade Canal Viaduct Junction Sidings Orchard Meadow"
).split(" ");

const ADULTS = ["men", "men", "women", "women", "unisex"] as const;

const category = (
  name: string,
  prices: readonly [number, number],
  genders: readonly Gender[],
  build: Construction,
  openers: readonly string[],
): Category => ({ name, priceMin: prices[0], priceMax: prices[1], genders, build, openers });

const running = category("Running", [70, 190], ADULTS, "sport", [
  "{title} keeps an easy rhythm from the first mile to the last.",
  "Light foam and a rocker shape make {title} quick off the line.",
  "{title} is the pair to leave by the door for the days you run before breakfast.",
  "Built for long, unhurried miles, {title} softens every landing.",
]);
const trainers = category("Trainers", [50, 140], ADULTS, "sport", [
  "{title} is a clean, low trainer that goes with everything.",
  "A cup sole and a padded collar give {title} its easy court-side look.",
  "{title} takes the school gym of thirty years ago and tidies it up for town.",
  "Simple lines, honest stitching: {title} is the pair you reach for without thinking.",
]);
const skate = category("Skate", [50, 120], ADULTS, "sport", [
  "{title} grips the board and shrugs off the kerb.",
  "A high collar and a double-stitched toe make {title} hard to wear out.",
  "{title} has a flat, sticky sole and room for a sore ankle.",
]);
const hiking = category("Hiking", [95, 260], ADULTS, "sport", [
  "{title} holds the heel on steep ground and drains fast after the ford.",
  "Deep lugs and a rubber rand take {title} over scree, roots and wet grass.",
  "{title} walks in gently: no blisters on the first hill.",
]);
const boots = category("Boots", [90, 320], ADULTS, "classic", [
  "{title} pulls on in a second and looks dressed all day.",
  "Cut from one piece of hide, {title} creases handsomely and lasts for years.",
  "{title} is the boot for cold platforms, long lunches and everything between.",
]);
const sandals = category("Sandals", [30, 130], ["women", "women", "men", "unisex"], "classic", [
  "{title} has a footbed that remembers you by the second week of summer.",
  "Soft straps and a steady buckle: {title} walks as well as it lounges.",
  "{title} goes from hot sand to a cool terrace without a change of pace.",
]);
const heels = category("Heels", [80, 290], ["women"], "classic", [
  "{title} balances a slim line with a heel you can actually stand on.",
  "A long, clean topline makes {title} the quiet star of the evening.",
  "{title} dances late and still looks sharp on the way home.",
]);
const flats = category("Flats", [50, 180], ["women"], "classic", [
  "{title} folds into a bag and out again without losing its shape.",
  "A neat bow and a soft back make {title} kind to bare feet.",
  "{title} is as light as a slipper and as tidy as a court shoe.",
]);
const loafers = category("Loafers", [80, 260], ["men", "men", "women"], "classic", [
  "{title} slips on at eight and slips off at midnight, none the worse.",
  "A hand-sewn apron gives {title} its soft, rounded toe.",
  "{title} is happiest with bare ankles, but minds its manners in socks.",
]);
const slippers = category("Slippers", [25, 90], ADULTS, "classic", [
  "{title} is a warm floor you can carry from room to room.",
  "A deep, plush cuff makes {title} the best part of a rainy Sunday.",
  "{title} has a sole firm enough to fetch the post in.",
]);
const kids = category("Kids", [30, 80], ["kids"], "sport", [
  "{title} goes on with two straps and stays on through the whole playground.",
  "Small feet grow fast: {title} leaves them room and keeps the heel in place.",
  "{title} is made to be dragged behind a scooter and worn again tomorrow.",
]);

/** The styles per kind of maker; a category with more styles gets more shoes. */
export const STYLES: Record<MakerStyle, readonly (readonly [string, Category])[]> = {
  sport: [
    ["Runner", running],
    ["Pace", running],
    ["Racer", running],
    ["Trail", running],
    ["Glide", running],
    ["Road", running],
    ["Trainer", trainers],
    ["Court", trainers],
    ["Hiker", hiking],
    ["Junior Runner", kids],
    ["Little Sprint", kids],
  ],
  outdoor: [
    ["Trek", hiking],
    ["Hiking Boot", hiking],
    ["Summit Mid", hiking],
    ["Trail Runner", running],
    ["Field Boot", boots],
    ["Winter Boot", boots],
    ["River Sandal", sandals],
    ["Junior Explorer", kids],
  ],
  street: [
    ["Low", trainers],
    ["Canvas Trainer", trainers],
    ["Retro Court", trainers],
    ["High-Top", skate],
    ["Skate Pro", skate],
    ["Deck", skate],
    ["Slide", sandals],
    ["Little Kicker", kids],
  ],
  dress: [
    ["Pump", heels],
    ["Slingback", heels],
    ["Block Heel", heels],
    ["Ballet Flat", flats],
    ["Bow Flat", flats],
    ["Penny Loafer", loafers],
    ["Soft Loafer", loafers],
    ["Driver", loafers],
    ["Chelsea Boot", boots],
    ["Ankle Boot", boots],
    ["Strap Sandal", sandals],
  ],
  home: [
    ["Slipper", slippers],
    ["House Mule", slippers],
    ["Fireside Slipper", slippers],
    ["Garden Sandal", sandals],
    ["Pull-On Boot", boots],
    ["Moccasin", loafers],
    ["Little Strap", kids],
  ],
};

// Ten each, so that a name is used ten times before it needs a series number.
export const EDITIONS: Record<Construction, readonly string[]> = {
  sport: ["", " 2", " 3", " 4", " 5", " Plus", " Lite", " Mono", " Reissue", " Max"],
  classic: ["", " No. 2", " No. 3", " No. 5", " No. 7", " Deluxe", " Soft", " Mono", " Reissue", " Atelier"],
};

/** Colours: the name to filter by, its weight, and the names of its colourways. */
export const COLORS: readonly (readonly [string, number, readonly string[]])[] = [
  ["Black", 5, ["Ink", "Coal Cellar", "Rook"]],
  ["White", 4, ["Chalk", "First Snow", "Milk Bottle"]],
  ["Grey", 3, ["Drizzle", "Pebble", "Pigeon"]],
  ["Navy", 3, ["Midnight Ferry", "Deep Harbour", "Guardsman"]],
  ["Blue", 2, ["Cornflower", "Swimming Bath", "Airmail"]],
  ["Red", 2, ["Post Box", "Rosehip", "Brick Yard"]],
  ["Burgundy", 2, ["Mulled Wine", "Damson", "Theatre Seat"]],
  ["Green", 2, ["Fern", "Billiard", "Wild Mint"]],
  ["Olive", 2, ["Caper", "Old Tent", "Lichen"]],
  ["Yellow", 1, ["Custard", "Gorse", "Taxi"]],
  ["Orange", 1, ["Marmalade", "Apricot", "Lifebuoy"]],
  ["Pink", 2, ["Blush", "Rhubarb", "Candy Stripe"]],
  ["Brown", 3, ["Peat", "Conker", "Cocoa"]],
  ["Tan", 3, ["Biscuit", "Saddle", "Sand Dune"]],
];

export const MATERIALS: Record<Construction, readonly string[]> = {
  sport: [
    "A knitted upper of recycled yarn breathes and dries overnight.",
    "Brushed suede over mesh keeps the weight down and the rain out.",
    "Heavy cotton canvas, washed once, needs no breaking in.",
    "Smooth nubuck is cut in few pieces, so there are few seams to rub.",
    "The tongue is padded and sewn in at both sides, so that it stays where it is.",
    "The foam under the heel is poured, not pressed, and keeps its spring.",
  ],
  classic: [
    "It is cut from full-grain leather and lined with soft textile.",
    "The suede is brushed by hand and treated against rain.",
    "Waxed edges and close stitching show the patience that went into it.",
    "A cork and latex insole takes the shape of the foot within a week.",
    "Every seam is folded inwards, away from the skin.",
    "The sole is stitched, not glued, so a cobbler can replace it.",
  ],
};

/** Sentences about the colour; `{colorway}` and `{color}` are replaced. */
export const COLOR_LINES: readonly string[] = [
  "Shown in {colorway}, our take on {color}.",
  "{colorway} is a {color} that only gets better with wear.",
  "This season's {color} is called {colorway}.",
  "The {colorway} colourway pairs {color} with a quiet sole.",
];

export const CLOSERS: Record<Construction, readonly string[]> = {
  sport: [
    "True to size; between sizes, take the larger.",
    "Runs a little narrow, so consider half a size up.",
    "The insole comes out, so your own will fit.",
    "Wash by hand, dry in the shade.",
    "Made in batches of a few hundred.",
  ],
  classic: [
    "True to size; between sizes, take the smaller.",
    "Runs a little wide, so consider half a size down.",
    "Wipe clean with a damp cloth and let it dry away from the radiator.",
    "A cotton bag for travelling is in the box.",
    "Designed in our small workshop and made in batches of a few hundred.",
  ],
};
