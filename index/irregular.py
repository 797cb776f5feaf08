"""A lower-case English word goes in; the word it is an irregular form of comes out: "drove" gives "drive".

A stemmer cuts endings and knows none of these, so an article with "drove" would be said never to mention driving. Left
out is what is more often another word than a form ("bit", "lay", "lives", "ground"), and what does not change ("cut").
"""

import re

_VERBS = """
arise arose arisen | awake awoke awoken | bear bore borne | beat beaten | become became | begin began begun
bend bent | bite bitten | bleed bled | blow blew blown | break broke broken | breed bred | bring brought
build built | burn burnt | buy bought | catch caught | choose chose chosen | cling clung | come came | creep crept
deal dealt | dig dug | draw drew drawn | dream dreamt | drink drank drunk | drive drove driven | eat ate eaten
fall fell fallen | feed fed | feel felt | fight fought | find found | flee fled | fling flung | fly flew flown
forbid forbade forbidden | foresee foresaw foreseen | forget forgot forgotten | forgive forgave forgiven
freeze froze frozen | give gave given | go went gone | grow grew grown | hang hung | hear heard | hide hid hidden
hold held | keep kept | kneel knelt | know knew known | lay laid | lead led | leap leapt | learn learnt
leave left | lend lent | light lit
lose lost | make made | mean meant | meet met | mislead misled | mistake mistook mistaken
oversee oversaw overseen | overcome overcame | overhear overheard | overtake overtook overtaken
overthrow overthrew overthrown | pay paid | prove proven | rebuild rebuilt | ride rode ridden | ring rang rung
rise rose risen | run ran | say said | see saw seen | seek sought | sell sold | send sent | sew sewn
shake shook shaken | shine shone | shoot shot | show shown | shrink shrank shrunk | sing sang sung
sink sank sunk | sit sat | slay slew slain
sleep slept | slide slid | sling slung | speak spoke spoken | speed sped | spell spelt | spend spent
spill spilt | spin spun | spoil spoilt | spring sprang sprung | stand stood | steal stole stolen | stick stuck
sting stung | stride strode | strike struck stricken | strive strove striven | swear swore sworn | sweep swept
swell swollen | swim swam swum | swing swung | take took taken | teach taught | tear tore torn | tell told
think thought | throw threw thrown | tread trod trodden | undergo underwent undergone
understand understood | undertake undertook undertaken | uphold upheld | wake woke woken | wear wore worn
weave wove woven | weep wept | win won | withdraw withdrew withdrawn | withhold withheld | withstand withstood
wring wrung | write wrote written | rewrite rewrote rewritten
"""
_NOUNS = """
calf calves | child children | foot feet | goose geese | half halves | hoof hooves | knife knives | loaf loaves
mouse mice | scarf scarves | shelf shelves | thief thieves | tooth teeth | wife wives | wolf wolves
"""
_PEOPLE = """
air business chair clergy congress country crafts door fire fisher gun horse police post repair sales sea service
sports spokes states work
"""

BASES = {
    form: base
    for word in re.split(r"[|\n]+", (_VERBS + _NOUNS).strip())
    for base, *forms in (word.split(),)
    for form in forms
} | {
    start + many: start + one for start in ("", *_PEOPLE.split()) for many, one in (("men", "man"), ("women", "woman"))
}  # fmt: skip
