"""What the world knows: its subjects, actions, cameras, and the words that people use for them.

Tables only. A subject's first word is the one that its clips are listed under; captions draw from all of them.
"""

from dataclasses import dataclass, field

RED_TO = {"red": 0, "green": 60, "blue": 110}  # OpenCV half degrees from a red sprite


@dataclass(frozen=True)
class Subject:
    name: str
    code: str  # the emoji's code point, the artwork's file name
    moves: str  # key of MOTION_VERBS
    size: float = 0.36  # side of the sprite in frame heights
    faces: str = ""  # "left" or "right" when the picture has a direction
    words: tuple[str, ...] = ()  # synonyms that captions use as well
    plural: str = ""  # default: name + "s"
    colours: dict[str, int] = field(default_factory=dict, hash=False)  # colour word → hue turn; the sprite's own first
    flies: bool = False  # is at home above the ground

    @property
    def nouns(self) -> tuple[str, ...]:
        return (self.name, *self.words)

    @property
    def plural_noun(self) -> str:
        return self.plural or self.name + "s"

    @property
    def plural_nouns(self) -> tuple[str, ...]:
        """Plurals of the name and of those synonyms that have a regular one."""
        return (self.plural_noun, *(_regular_plural(word) for word in self.words if " of " not in word
                                    and " with " not in word))


def _regular_plural(noun: str) -> str:
    """puppy -> puppies, coach -> coaches, pony -> ponies, person -> people, car -> cars."""
    head, _, last = noun.rpartition(" ")
    irregular = {"person": "people", "man": "men", "child": "children", "sheep": "sheep", "fish": "fish", "deer": "deer",
                 "shrimp": "shrimp", "wolf": "wolves", "thief": "thieves", "mouse": "mice", "goose": "geese", "ox": "oxen"}
    if last in irregular:
        last = irregular[last]
    elif last.endswith("y") and last[-2] not in "aeiou":
        last = f"{last[:-1]}ies"
    else:
        last += "es" if last.endswith(("s", "x", "ch", "sh")) else "s"
    return f"{head} {last}".strip()


SUBJECTS: dict[str, Subject] = {subject.name: subject for subject in (
    # vehicles
    Subject("car", "1f697", "drive", 0.40, "left", ("automobile", "small car", "sedan", "hatchback"), colours=RED_TO),
    Subject("taxi", "1f695", "drive", 0.40, "left", ("cab", "yellow taxi", "yellow cab", "taxicab")),
    Subject("bus", "1f68c", "drive", 0.46, "left", ("coach", "city bus", "school bus", "minibus"), "buses"),
    Subject("fire engine", "1f692", "drive", 0.46, "left",
            ("fire truck", "red fire engine", "firetruck", "fire brigade truck")),
    Subject("tractor", "1f69c", "drive", 0.42, "left", ("green tractor", "farm tractor", "little tractor")),
    Subject("locomotive", "1f682", "drive", 0.44, "left", ("steam train", "train", "steam engine", "old train")),
    Subject("racing car", "1f3ce-fe0f", "drive", 0.40, "left",
            ("race car", "formula one car", "red race car", "fast car")),
    Subject("truck", "1f69a", "drive", 0.44, "left", ("lorry", "delivery truck", "delivery van", "van", "big truck")),
    Subject("bicycle", "1f6b2", "drive", 0.38, "left", ("bike", "red bicycle", "cycle", "pushbike")),
    Subject("sailing boat", "26f5", "glide", 0.44, "", ("sailboat", "boat", "sailing ship", "little boat")),
    Subject("rocket", "1f680", "fly", 0.42, "right", ("spaceship", "space rocket", "rocket ship", "spacecraft"),
            flies=True),
    Subject("helicopter", "1f681", "fly", 0.40, "left", ("chopper", "red helicopter"), flies=True),
    Subject("flying saucer", "1f6f8", "fly", 0.40, "", ("UFO", "alien spaceship", "saucer", "spaceship of aliens"),
            flies=True),
    # animals
    Subject("dog", "1f415", "walk", 0.36, "left", ("puppy", "hound", "little dog", "doggy", "golden retriever")),
    Subject("cat", "1f408", "walk", 0.36, "left", ("kitten", "kitty", "tabby cat", "house cat", "ginger cat")),
    Subject("horse", "1f40e", "walk", 0.42, "left", ("pony", "brown horse", "stallion", "mare", "foal")),
    Subject("cow", "1f404", "walk", 0.42, "left", ("dairy cow", "black and white cow", "spotted cow", "bull")),
    Subject("pig", "1f416", "walk", 0.36, "left", ("piglet", "pink pig", "little pig", "hog")),
    Subject("sheep", "1f411", "walk", 0.38, "left", ("lamb", "woolly sheep", "white sheep", "ram"), "sheep"),
    Subject("elephant", "1f418", "walk", 0.46, "left", ("grey elephant", "baby elephant", "big elephant")),
    Subject("rabbit", "1f407", "walk", 0.34, "left", ("bunny", "hare", "white rabbit", "little rabbit")),
    Subject("penguin", "1f427", "waddle", 0.36, "", ("little penguin", "black and white penguin", "emperor penguin")),
    Subject("duck", "1f986", "waddle", 0.36, "left", ("mallard", "duckling", "little duck")),
    Subject("chicken", "1f413", "waddle", 0.36, "left", ("hen", "rooster", "cockerel", "white chicken")),
    Subject("turtle", "1f422", "crawl", 0.36, "left", ("tortoise", "green turtle", "sea turtle", "little turtle")),
    Subject("snail", "1f40c", "crawl", 0.36, "left", ("brown snail", "little snail", "slow snail")),
    Subject("crab", "1f980", "crawl", 0.36, "", ("red crab", "little crab", "lobster")),
    Subject("fish", "1f420", "swim", 0.36, "left", ("tropical fish", "blue fish", "little fish", "big fish"), "fish",
            flies=True),
    Subject("whale", "1f433", "swim", 0.44, "left", ("blue whale", "big whale", "humpback whale"), flies=True),
    Subject("octopus", "1f419", "swim", 0.38, "", ("orange octopus", "squid", "little octopus"), "octopuses",
            flies=True),
    Subject("butterfly", "1f98b", "fly", 0.34, "",
            ("orange butterfly", "moth", "colourful butterfly", "monarch butterfly"), "butterflies", flies=True),
    Subject("bee", "1f41d", "fly", 0.32, "", ("bumblebee", "honey bee", "wasp", "little bee"), flies=True),
    Subject("owl", "1f989", "fly", 0.36, "", ("brown owl", "night owl", "little owl", "bird"), flies=True),
    Subject("dinosaur", "1f996", "walk", 0.46, "left", ("T-rex", "green dinosaur", "tyrannosaurus", "dino")),
    Subject("unicorn", "1f984", "walk", 0.40, "left", ("white unicorn", "magic unicorn", "little unicorn")),
    # toys and balls
    Subject("football", "26bd", "roll", 0.28, "", ("soccer ball", "ball", "toy ball")),
    Subject("basketball", "1f3c0", "roll", 0.28, "", ("orange ball", "orange basketball", "bouncy ball")),
    Subject("balloon", "1f388", "float", 0.40, "", ("party balloon", "toy balloon", "helium balloon"),
            colours=RED_TO, flies=True),
    Subject("teddy bear", "1f9f8", "walk", 0.38, "", ("teddy", "toy bear", "stuffed bear", "bear", "brown bear")),
    Subject("robot", "1f916", "walk", 0.38, "", ("toy robot", "android", "white robot", "little robot", "machine")),
    # food
    Subject("apple", "1f34e", "roll", 0.30, "", ("red apple", "ripe apple", "shiny apple")),
    Subject("cookie", "1f36a", "roll", 0.32, "", ("biscuit", "chocolate chip cookie", "round cookie")),
    Subject("pizza", "1f355", "slide", 0.34, "", ("slice of pizza", "pizza slice", "piece of pizza")),
    Subject("doughnut", "1f369", "roll", 0.32, "", ("donut", "chocolate doughnut", "iced doughnut", "chocolate donut")),
    Subject("cake", "1f382", "slide", 0.36, "", ("birthday cake", "cake with candles", "cream cake")),
    Subject("watermelon", "1f349", "slide", 0.32, "",
            ("slice of watermelon", "melon", "watermelon slice", "piece of watermelon")),
    # people and others
    Subject("ninja", "1f977", "walk", 0.40, "", ("masked ninja", "ninja warrior", "samurai")),
    Subject("wizard", "1f9d9", "walk", 0.40, "", ("magician", "sorcerer", "old wizard", "mage")),
    Subject("queen", "1f478", "walk", 0.40, "", ("princess", "crowned queen", "woman with a crown", "girl", "woman")),
    Subject("runner", "1f3c3", "walk", 0.42, "left",
            ("jogger", "person", "man in orange", "man", "athlete", "boy", "guy")),
    Subject("superhero", "1f9b8", "fly", 0.40, "", ("hero with a cape", "hero", "caped hero"), "superheroes"),
    Subject("snowman", "26c4", "slide", 0.40, "", ("snow man", "little snowman", "happy snowman"), "snowmen"),
    Subject("ghost", "1f47b", "float", 0.36, "", ("white ghost", "spirit", "little ghost", "spook"), flies=True),
    Subject("pumpkin", "1f383", "roll", 0.34, "",
            ("jack-o'-lantern", "halloween pumpkin", "orange pumpkin", "carved pumpkin")),
)}

# what there is no picture of, under the subject that comes nearest
KIN: dict[str, tuple[str, ...]] = {
    "car": ("jeep", "limousine", "convertible", "pickup", "minivan", "vehicle"),
    "racing car": ("sports car", "go-kart"),
    "bus": ("tram", "trolley", "camper", "caravan"),
    "fire engine": ("ambulance", "crane"),
    "tractor": ("bulldozer", "excavator", "digger", "tank"),
    "locomotive": ("subway", "wagon", "railway carriage"),
    "truck": ("garbage truck", "trailer"),
    "bicycle": ("motorcycle", "motorbike", "scooter", "skateboard", "moped"),
    "sailing boat": ("ship", "yacht", "canoe", "pirate ship", "ferry", "raft"),
    "rocket": ("space shuttle", "jet", "plane", "airplane", "aircraft", "satellite"),
    "helicopter": ("drone", "airship"),
    "flying saucer": ("alien", "space station"),
    "dog": ("wolf", "fox", "coyote", "poodle", "husky", "bulldog", "corgi"),
    "cat": ("lion", "tiger", "leopard", "panther", "cheetah"),
    "horse": ("donkey", "zebra", "camel", "deer", "giraffe", "reindeer", "moose"),
    "cow": ("ox", "buffalo", "bison", "yak"),
    "pig": ("boar", "hippo"),
    "sheep": ("goat", "alpaca", "llama"),
    "elephant": ("mammoth", "rhino"),
    "rabbit": ("mouse", "rat", "hamster", "squirrel", "hedgehog", "kangaroo", "raccoon"),
    "penguin": ("puffin", "seal", "walrus"),
    "duck": ("goose", "swan", "seagull", "flamingo"),
    "chicken": ("turkey", "peacock", "ostrich", "parrot"),
    "turtle": ("frog", "toad"),
    "snail": ("slug", "worm", "caterpillar", "snake"),
    "crab": ("spider", "scorpion", "shrimp"),
    "fish": ("goldfish", "shark", "salmon"),
    "whale": ("dolphin", "orca", "submarine"),
    "octopus": ("jellyfish", "starfish"),
    "butterfly": ("dragonfly", "fairy"),
    "bee": ("ladybug", "beetle", "ant", "mosquito", "hummingbird"),
    "owl": ("eagle", "hawk", "crow", "pigeon", "sparrow", "bat"),
    "dinosaur": ("dragon", "crocodile", "monster", "lizard"),
    "unicorn": ("winged horse",),
    "football": ("tennis ball", "beach ball", "volleyball"),
    "basketball": ("bowling ball", "planet"),
    "balloon": ("hot air balloon", "kite", "lantern", "soap bubble"),
    "teddy bear": ("panda", "koala", "monkey", "gorilla", "polar bear", "doll"),
    "robot": ("astronaut", "cyborg"),
    "apple": ("pear", "peach", "tomato", "strawberry", "lemon"),
    "cookie": ("pancake", "cracker", "coin"),
    "pizza": ("burger", "sandwich", "taco"),
    "doughnut": ("bagel", "tyre"),
    "cake": ("pie", "cupcake", "gift box"),
    "watermelon": ("banana", "pineapple"),
    "ninja": ("warrior", "soldier", "thief"),
    "wizard": ("witch", "old man", "king", "gnome"),
    "queen": ("lady", "bride", "ballerina", "mermaid", "grandmother"),
    "runner": ("dancer", "child", "kid", "skier", "tourist"),
    "superhero": ("knight", "pilot", "clown"),
    "snowman": ("Santa Claus", "ice sculpture"),
    "ghost": ("zombie", "skeleton", "vampire"),
    "pumpkin": ("carrot", "potato", "onion"),
}


def nearest_words() -> dict[str, str]:
    """What there is no picture of → what is shown instead, one and several; names that hold such a word stay."""
    near = {word: name for name, words in KIN.items() for word in words}
    near |= {_regular_plural(word): SUBJECTS[name].plural_noun for word, name in near.items()}
    own = [noun for subject in SUBJECTS.values() for noun in (*subject.nouns, *subject.plural_nouns)]
    return near | {noun: noun for noun in own if set(noun.split()) & near.keys()}


# what stands in front of a subject that passes behind something
OCCLUDERS: dict[str, str] = {"tree": "1f333", "house": "1f3e0", "rock": "1faa8"}
BURST, BRICK = "1f4a5", "1f9f1"
# all that a layout places; new ones at the end, for models know them by number
THINGS = (*SUBJECTS, *OCCLUDERS, "block", "trail of paint")

MOTION_VERBS: dict[str, tuple[str, ...]] = {
    "drive": ("drives", "drives", "rolls", "races", "speeds", "travels", "moves", "cruises", "zooms"),
    "walk": ("walks", "walks", "runs", "runs", "trots", "strolls", "goes", "moves", "wanders", "dashes", "sprints",
             "marches", "races"),
    "waddle": ("waddles", "walks", "toddles", "runs", "moves", "strolls", "wanders", "marches"),
    "crawl": ("crawls", "creeps", "walks", "goes", "moves", "plods", "swims"),
    "swim": ("swims", "glides", "drifts", "moves"),
    "fly": ("flies", "flies", "glides", "soars", "moves", "shoots", "races"),
    "float": ("floats", "floats", "drifts", "glides", "moves", "flies", "sails"),
    "roll": ("rolls", "rolls", "slides", "moves", "travels", "tumbles", "goes"),
    "slide": ("slides", "glides", "moves", "travels"),
    "glide": ("sails", "glides", "floats", "moves"),
}

# {v} is the verb in the third person; every phrase stands after the subject
ACTIONS: dict[str, tuple[str, ...]] = {
    "moves right": ("{v} to the right", "{v} from left to right", "{v} right", "{v} rightwards",
                    "{v} across the frame to the right", "{v} towards the right", "{v} over to the right side",
                    "{v} from the left side to the right side", "heads right"),
    "moves left": ("{v} to the left", "{v} from right to left", "{v} left", "{v} leftwards",
                   "{v} across the frame to the left", "{v} towards the left", "{v} over to the left side",
                   "{v} from the right side to the left side", "heads left"),
    "stands still": ("stands still", "is standing still", "stays where it is", "does not move", "rests", "waits",
                    "stands", "stands there", "sits still", "sits", "stays put", "is motionless"),
    "jumps": ("jumps", "jumps up and down", "hops", "leaps into the air", "jumps on the spot", "is jumping",
              "jumps high", "leaps", "hops up and down", "jumps for joy", "jumps into the air"),
    "bounces": ("bounces", "bounces up and down", "falls and bounces", "is bouncing", "bounces on the ground",
                "drops and bounces back up", "is dropped and bounces", "bounces off the ground", "keeps bouncing"),
    "spins": ("spins", "spins around", "turns round and round", "rotates", "twirls", "is spinning",
              "whirls around", "turns around itself", "does a pirouette", "spins on the spot", "rolls over"),
    "rises": ("rises", "rises into the air", "goes up", "floats upwards", "takes off", "ascends",
              "flies up", "floats up into the sky", "lifts off", "flies upwards", "climbs into the sky"),
    "falls": ("falls", "falls down", "drops from above", "falls from the sky", "comes down and lands",
              "drops", "drops down", "falls to the ground", "plunges down", "falls out of the sky"),
    "comes closer": ("comes closer", "comes towards us", "approaches the camera", "gets closer and bigger",
                     "{v} towards the viewer", "{v} towards the camera", "{v} towards us", "comes nearer",
                     "comes right up to the camera"),
    "goes away": ("goes away", "{v} away from us", "disappears into the distance", "gets smaller in the distance",
                  "{v} away", "{v} into the distance", "{v} away from the camera", "leaves towards the horizon",
                  "gets further and further away"),
    "circles": ("{v} in a circle", "circles around", "goes round in circles", "{v} in circles",
                "{v} around in a circle", "makes a circle", "circles"),
    "follows": ("follows", "chases", "runs after", "goes after", "pursues", "runs behind", "is chasing"),
    "passes behind": ("passes behind {o} and comes out again", "{v} behind {o} and reappears",
                      "goes behind {o} and comes out on the other side", "passes behind {o}", "disappears behind {o}",
                      "hides behind {o} and comes out", "{v} behind {o}"),
    "leaves and returns": ("leaves the frame and comes back", "{v} out of the picture and returns",
                           "goes out of view and comes back again", "{v} out of frame and comes back",
                           "leaves and comes back", "disappears from view and returns"),
    "is bitten": ("gets a bite taken out of it", "is bitten", "is eaten bit by bit", "loses a bite",
                  "is being eaten", "is eaten", "has a bite taken out of it"),
    "pops": ("pops", "bursts and is gone", "pops and disappears", "bursts",
             "explodes", "is popped"),
    "knocks over blocks": ("knocks over a tower of blocks", "crashes into a stack of bricks",
                           "topples a tower of bricks", "knocks down a stack of blocks",
                           "bumps into a tower of blocks", "runs into a stack of bricks", "knocks a tower over"),
    "paints": ("leaves a trail of paint behind", "paints a line as it goes", "draws a coloured trail",
               "leaves a colourful trail", "paints a trail on the ground", "leaves paint behind it"),
}
DIRECTED = ("moves right", "moves left")
# how people speak of either, when the way does not matter to them
ANY_WAY = ("{v}", "{v} along", "{v} past", "{v} by", "{v} across the frame", "{v} through the picture", "{v} around")

CAMERAS: dict[str, tuple[str, ...]] = {
    "still": ("the camera stands still", "static camera", "fixed shot", "the camera does not move",
              "still camera", "locked camera"),
    "pans right": ("the camera pans right", "camera pan to the right", "the camera pans from left to right",
                   "pan right", "panning right", "the camera moves to the right", "slow pan to the right"),
    "pans left": ("the camera pans left", "camera pan to the left", "the camera pans from right to left",
                  "pan left", "panning left", "the camera moves to the left", "slow pan to the left"),
    "tilts up": ("the camera tilts up", "camera tilt upwards", "tilt up", "the camera looks up", "the camera moves up"),
    "tilts down": ("the camera tilts down", "camera tilt downwards", "tilt down", "the camera looks down",
                   "the camera moves down"),
    "zooms in": ("the camera zooms in", "slow zoom in", "zoom in", "zooming in", "camera zoom in",
                 "the camera moves in closer"),
    "zooms out": ("the camera zooms out", "slow zoom out", "zoom out", "zooming out", "camera zoom out",
                  "the camera pulls back"),
    "tracks": ("the camera follows it", "tracking shot", "the camera tracks the subject",
               "the camera moves along with it", "followed by the camera", "the camera follows", "camera tracking"),
}

PLACE_PHRASES: dict[str, tuple[str, ...]] = {
    "city": ("in the city", "through the city", "on a city street", "in front of tall buildings", "downtown",
             "in a town", "along a city street", "on a busy street", "on the street", "between skyscrapers",
             "in a big city", "down the road"),
    "beach": ("on the beach", "at the beach", "on the sand by the sea", "at the seaside", "by the ocean",
              "along the beach", "by the sea", "on a sandy beach", "along the shore", "on a tropical beach"),
    "forest": ("in the forest", "through the forest", "in the woods", "among the trees", "between tall trees",
               "in a forest", "in a dark forest", "in a pine forest", "through the woods"),
    "desert": ("in the desert", "through the desert", "among sand dunes", "on desert sand", "between the dunes",
               "across the desert", "in a sandy desert", "over the dunes", "in the desert with cactuses"),
    "meadow": ("in a meadow", "on a green meadow", "in a field of grass and flowers", "on the grass",
               "in a green field", "in a grassy field", "across a meadow", "in the park", "on a lawn", "in a field",
               "on a flower meadow"),
    "mountains": ("in the mountains", "in front of snowy mountains", "in the snow between mountains",
                  "on a snowy mountain", "in the snow", "in the snowy mountains", "among snowy peaks",
                  "in a snowy landscape", "over the mountains", "in the Alps"),
    "moon": ("on the moon", "on the surface of the moon", "in a moon landscape with craters", "in space on the moon",
             "over the moon", "across the lunar surface", "between craters on the moon"),
    "kitchen": ("in the kitchen", "in a kitchen", "on the kitchen floor", "at home in the kitchen",
                "in front of the oven", "on the kitchen tiles", "through the kitchen", "in my kitchen", "indoors"),
    "underwater": ("under water", "at the bottom of the sea", "underwater", "deep in the ocean", "on the sea floor",
                   "beneath the waves", "in the deep sea", "among corals", "under the sea"),
    "farm": ("on the farm", "on a farm in front of a barn", "at the farm", "in a farmyard", "in front of a red barn",
             "around the farm", "in the farmyard", "on a farm"),
    "playground": ("on the playground", "at a playground", "on a playground with a slide", "beside a slide",
                   "in the playground", "across the playground", "at the playground"),
    "stadium": ("in the stadium", "on a football pitch", "in a sports stadium", "on the playing field", "in a stadium",
                "on a soccer field", "across the stadium", "in front of the crowd in a stadium"),
}
INDOORS = ("kitchen", "underwater", "moon")  # no weather there

TIME_PHRASES: dict[str, tuple[str, ...]] = {
    "day": ("during the day", "in daylight", "on a sunny day", "at noon", "in bright light", "in the sunshine",
            "on a bright day", "in the daytime", "on a sunny afternoon", "under a blue sky"),
    "morning": ("in the morning", "early in the morning", "at dawn", "at sunrise", "at daybreak",
                "in the early morning", "in the morning light"),
    "sunset": ("at sunset", "in the evening", "at dusk", "in the warm light of sunset", "at golden hour",
               "while the sun sets", "as the sun goes down", "under a pink sky", "at sundown"),
    "night": ("at night", "in the dark", "at midnight", "by night", "under the stars", "under a starry sky",
              "in the moonlight", "late at night", "on a dark night"),
}
WEATHER_PHRASES: dict[str, tuple[str, ...]] = {
    "clear": ("in clear weather", "under a clear sky"),
    "rain": ("in the rain", "while it rains", "on a rainy day", "in heavy rain", "in pouring rain",
             "when it is raining", "during a rainstorm"),
    "snow": ("while it snows", "in falling snow", "during a snowfall", "as snow falls", "in a snowstorm",
             "in a blizzard", "while snowflakes fall", "when it is snowing"),
    "fog": ("in the fog", "in thick mist", "on a foggy day", "in dense fog", "on a misty day", "in the mist",
            "through the fog"),
}
STYLE_PHRASES: dict[str, tuple[str, ...]] = {
    "3d": ("as 3D toys", "3D animation", "in the style of a 3D render", "3D render", "as a 3D cartoon"),
    "pencil": ("as a pencil sketch", "pencil drawing", "hand-drawn in pencil", "pencil sketch", "sketched in pencil",
               "black and white pencil drawing"),
    "pixel": ("as pixel art", "in 8-bit pixel style", "like an old video game", "pixel art", "8-bit style",
              "retro video game style"),
    "film": ("as a black-and-white film", "in the style of an old silent film", "black and white",
             "black-and-white film", "vintage film", "old movie style", "film noir"),
    "papercut": ("as a paper cut", "made of cut paper", "paper collage style", "paper cut", "paper cutout style",
                 "as a paper collage", "made of paper"),
}
# the same, before what is shown
STYLE_OPENINGS: dict[str, tuple[str, ...]] = {
    "3d": ("a 3D animation of", "a 3D render of"),
    "pencil": ("a pencil sketch of", "a pencil drawing of", "a hand drawing of"),
    "pixel": ("pixel art of", "an old video game with", "an 8-bit game scene of"),
    "film": ("a black-and-white film of", "an old silent movie of", "a black and white video of"),
    "papercut": ("a paper cut of", "a paper collage of", "a cut-paper animation of"),
}

COLOURS: tuple[str, ...] = tuple(RED_TO)


def number_of(thing: str) -> int:
    """The number of a subject or of anything else in THINGS, from 1, whatever vocabulary a model knows."""
    return 1 + THINGS.index(thing)
