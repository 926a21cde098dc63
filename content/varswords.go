package content

import "strings"

// passwordLetters are easy to tell from each other: no 0 and O, no 1, l and I,
// no 5 and S, no 2 and Z, no 8 and B. A change would give students other values.
const passwordLetters = "abcdefghijkmnpqrstuvwxyzACDEFGHJKLMNPQRTUVWXY346789"

// easyWords are short, plain and easy to type. A change would give students
// other values.
var easyWords = strings.Fields(`
acorn actor album alley angle ankle apple apron arrow atlas attic autumn badge baker bamboo banjo
barrel basin basket beach beaver berry bingo bishop blanket bottle bread breeze brick bridge bronze
brush bubble bucket butter button cabin cactus camel camera canal candle canoe canvas carbon carpet
carrot castle cedar cello chalk cherry circle cliff clock cloud clover coast cobalt cocoa comet
copper coral corner cotton cradle crane crater crayon cricket crown crystal daisy dancer desert
dinner dolphin donkey dragon drawer drum eagle earth easel echo elbow ember engine fabric falcon
farmer feather fence ferry fiddle flame flask flour flute forest fossil fountain fox frost garden
garlic gate ginger glacier globe glove goblet granite grape grass gravel guitar hammer harbor
harvest hazel helmet hermit hill honey horizon hornet igloo indigo insect island ivory jacket jaguar
jasmine jelly jigsaw jungle kayak kettle kitchen kitten ladder lagoon lantern laurel leaf lemon
lentil lily linen lizard lobster locket lotus magnet mango maple marble market meadow melon meteor
mirror mitten monkey moose mosaic muffin museum mustard napkin needle nest noodle nutmeg oasis oboe
ocean olive onion orbit orchid otter oven owl oyster paddle palace panda paper parrot pearl pebble
pencil pepper piano pigeon pillow pine planet plaza plum pocket poem pond poppy potato prism pumpkin
puzzle quail quartz quill rabbit radio raft rain raven ribbon river robin rocket saddle saffron
salad salmon sandal satin scarf school seed shadow shell shovel signal silver sketch sleigh sonnet
spice spider spoon spruce stable statue stone storm sugar summer sunset swan table tailor tango
teapot temple thimble thunder ticket tiger timber tomato torch tower tractor trumpet tulip tunnel
turtle umbrella valley vanilla velvet violin walnut walrus water whale wheat whistle willow window
winter wizard yogurt zebra
`)
