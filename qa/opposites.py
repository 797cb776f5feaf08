"""Nothing comes in; English words of opposite meaning go out, each with the words that deny what it says.

Written for this project, in the forms that questions and articles have them in: "raised" and "lowered" beside "raise"
and "lower". A pair stands once and counts both ways.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

_PAIRS = """
first last; largest smallest; most least; before after; oldest youngest; highest lowest; more fewer; more less;
increase decrease; increased decreased; increases decreases; won lost; win lose; north south; northern southern; east
west; eastern western; longest shortest; best worst; started stopped; accepted rejected; accept reject; always never;
can cannot; male female; early late; earlier later; earliest latest; rise fall; rose fell; rising falling; gained
lost; gain lose; old new; older newer; older younger; big small; bigger smaller; large small; larger smaller; high
low; higher lower; long short; longer shorter; good bad; better worse; strong weak; stronger weaker; strongest
weakest; strength weakness; rich poor; hot cold; hottest coldest; warm cool; fast slow; faster slower; fastest
slowest; near far; nearest farthest; inside outside; internal external; above below; over under; upper lower; left
right; front back; top bottom; open closed; opened closed; open close; opening closing; arrive leave; arrived left;
enter leave; entered left; join leave; joined left; love hate; loved hated; like dislike; liked disliked; agree
disagree; agreed disagreed; support oppose; supported opposed; supporters opponents; allow forbid; allowed forbidden;
legal illegal; public private; major minor; majority minority; maximum minimum; many few; all none; everyone nobody;
something nothing; positive negative; success failure; successful unsuccessful; succeed fail; succeeded failed; create
destroy; created destroyed; build demolish; built demolished; attack defend; attacked defended; victory defeat;
defeated defended; war peace; wartime peacetime; alive dead; common rare; often rarely; frequently seldom; usually
seldom; easy difficult; easiest hardest; simple complex; possible impossible; known unknown; famous obscure; popular
unpopular; important unimportant; necessary unnecessary; full empty; heavy light; heavier lighter; deep shallow; wide
narrow; thick thin; dark light; clean dirty; wet dry; rural urban; domestic foreign; national international; local
national; ancient modern; traditional modern; natural artificial; permanent temporary; direct indirect; similar
different; same different; include exclude; included excluded; includes excludes; cause prevent; caused prevented;
causes prevents; encourage discourage; encouraged discouraged; improve worsen; improved worsened; expand shrink;
expanded shrank; raise lower; raised lowered; borrow lend; winner loser; leader follower; import export; imports
exports; imported exported; income expenses; profit loss; ascend descend; appear disappear; appeared disappeared;
remember forget; remembered forgot; find lose; found lost; hired fired; promoted demoted; guilty innocent; convicted
acquitted; approve deny; approved denied; protect harm; protected harmed; happy sad; happiest saddest; pleased angry;
liked hated; safe dangerous; healthy ill; cheap expensive; cheaper dearer; cheapest dearest; sweet bitter; hard soft;
loud quiet; active passive; primary secondary; senior junior; maternal paternal; voluntary compulsory; optional
required; with without; for against; up down; push pull; forward backward; advantage disadvantage; advantages
disadvantages; benefit drawback; pros cons; present absent; past future; previous next; former latter; temporary
lasting; partial total; whole partial; divided united; together apart; alone together; hostile friendly; honest
dishonest; solid liquid; conservative liberal; democratic authoritarian; mild severe; mildest severest; mildly
severely; slight severe; slightly severely; sparsely densely; sparse dense; sparsely heavily; lightly heavily; widely
narrowly; broad narrow; broader narrower; widened narrowed; widen narrow; broadly narrowly; including excluding;
inclusion exclusion; raises lowers; raising lowering; increasing decreasing; growing shrinking; grew shrank; grow
shrink; growth decline; rises falls; rise decline; rose declined; rising declining; climbed dropped; climbed fell;
jumped dropped; soared plunged; surged plunged; boosted cut; boost reduce; boosted reduced; increase reduce; increased
reduced; increases reduces; increasing reducing; expanded reduced; strengthen weaken; strengthened weakened;
strengthens weakens; strengthening weakening; accelerate slow; accelerated slowed; faster slowly; quickly slowly;
rapid slow; rapidly slowly; sudden gradual; suddenly gradually; brief lengthy; briefly lengthily; shortened
lengthened; shorten lengthen; extend shorten; extended shortened; insert remove; attach detach; attached detached;
connect disconnect; connected disconnected; connected separated; combined separated; unite divide; unified divided;
merge split; merged split; gather scatter; gathered scattered; open shut; opened shut; opens closes; lock unlock;
locked unlocked; cover uncover; covered uncovered; hidden visible; hide reveal; hid revealed; concealed revealed;
reveal conceal; public secret; overt covert; admit deny; admitted denied; admits denies; confirm deny; confirmed
denied; confirms denies; accepted refused; accept refuse; accepts refuses; accepting refusing; agreed refused; agree
refuse; granted denied; grant deny; granted refused; allow prevent; allowed prevented; allows prevents; allow ban;
allowed banned; permit prohibit; permitted prohibited; permits prohibits; permit forbid; permitted forbidden;
legalised banned; legalized banned; lawful unlawful; lawfully unlawfully; legally illegally; constitutional
unconstitutional; approve reject; approved rejected; approves rejects; approval rejection; praise criticise; praised
criticised; praise criticize; praised criticized; praise condemn; praised condemned; welcomed condemned; blamed
praised; blame praise; support criticise; supported criticised; supports opposes; supporting opposing; support
opposition; backed opposed; backs opposes; favour oppose; favoured opposed; favor oppose; favored opposed; helped
hindered; help hinder; helps hinders; helped harmed; help harm; helps harms; heal hurt; healed hurt; cure cause;
beneficial harmful; benefit harm; useful useless; helpful unhelpful; effective ineffective; efficient inefficient;
able unable; capable incapable; adequate inadequate; sufficient insufficient; appropriate inappropriate; proper
improper; correct incorrect; correct wrong; right wrong; true false; truth lie; real fake; genuine fake; genuine
false; certain uncertain; sure unsure; likely unlikely; probable improbable; expected unexpected; predictable
unpredictable; stable unstable; steady unsteady; secure insecure; safe unsafe; safely dangerously; armed unarmed;
dressed undressed; employed unemployed; employment unemployment; paid unpaid; skilled unskilled; trained untrained;
educated uneducated; experienced inexperienced; literate illiterate; married unmarried; married single; married
divorced; insured uninsured; registered unregistered; limited unlimited; finished unfinished; complete incomplete;
completed abandoned; begun finished; beginning ending; starts ends; begins ends; start stop; starting stopping;
continued stopped; continues stops; kept abandoned; keep abandon; maintain abandon; maintained abandoned; retained
lost; survive die; save kill; spared killed; injured unhurt; hurt unharmed; injured unharmed; wounded unhurt; sick
healthy; ill well; fertile infertile; fertile barren; living dead; birth burial; youngest eldest; elder younger; adult
child; adults children; grown young; ancestor descendant; ancestors descendants; predecessors successors; preceded
succeeded; preceded followed; precede follow; preceding following; earlier subsequent; prior subsequent; initially
finally; initial final; first final; opening final; earliest last; oldest newest; ancient recent; recent old; current
former; present former; current previous; former future; early recent; past present; day evening; sunrise sunset; dawn
dusk; noon midnight; weekday weekend; weekdays weekends; wet arid; rainy dry; rainy sunny; humid dry; warmer cooler;
warmest coolest; warm cold; warmer colder; hotter colder; heat cold; boil freeze; boiling freezing; melt freeze;
melted froze; melting freezing; tropical polar; coastal inland; upstream downstream; uphill downhill; upstairs
downstairs; upward downward; upwards downwards; inward outward; indoors outdoors; indoor outdoor; interior exterior;
inner outer; inland offshore; horizontal vertical; clockwise anticlockwise; northeast southwest; northwest southeast;
northward southward; eastward westward; mountainous flat; steep gentle; smooth rough; sharp blunt; straight curved;
tight loose; rigid flexible; hard easy; harder easier; simple complicated; simplest hardest; plain elaborate; clear
unclear; clear vague; bright dim; bright dark; brightest dimmest; lit unlit; noisy quiet; loudest quietest; strict
lenient; harsh lenient; kind unkind; polite rude; calm violent; peaceful violent; peacefully violently; nonviolent
violent; brave cowardly; proud ashamed; confident doubtful; optimistic pessimistic; hopeful hopeless; willing
unwilling; willing reluctant; willingly reluctantly; eager reluctant; happy unhappy; glad sorry; pleased disappointed;
pleased displeased; satisfied dissatisfied; satisfied unhappy; interested uninterested; loyal disloyal; faithful
unfaithful; trust distrust; trusted distrusted; believe doubt; believed doubted; believes doubts; respect contempt;
respected despised; respectful disrespectful; admire despise; admired despised; popular disliked; famous unknown;
wealthy poor; wealthier poorer; wealthiest poorest; richer poorer; richest poorest; rich impoverished; expensive
inexpensive; costly cheap; free paid; profit deficit; surplus deficit; surplus shortage; abundance shortage; abundant
scarce; plentiful scarce; excess lack; gains losses; profitable unprofitable; earned spent; save spend; saved spent;
deposit withdraw; deposited withdrew; invest divest; bought rented; owned rented; buyers sellers; lender borrower;
lenders borrowers; creditor debtor; landlord tenant; customer supplier; producer consumer; producers consumers;
produce consume; produced consumed; supply demand; input output; inputs outputs; upload download; sender receiver;
giver recipient; speak listen; remember forgot; teach study; attacker defender; attackers defenders; prosecution
defence; prosecution defense; prosecutor defendant; plaintiff defendant; guilty acquitted; charged cleared; charged
released; arrest release; detained released; captured released; captured escaped; surrendered resisted; surrender
resist; obeyed disobeyed; obey disobey; complied defied; comply defy; attacked retreated; advance retreat; advanced
retreated; invaded withdrew; invade withdraw; invasion withdrawal; conquered lost; conquered liberated; occupied
liberated; enslaved freed; slave free; offensive defensive; military civilian; soldiers civilians; combatants
civilians; wins loses; winning losing; winners losers; victorious defeated; triumph defeat; triumphed failed; passed
failed; pass fail; scored conceded; home away; host visitor; amateur professional; rookie veteran; novice expert;
beginner expert; ordinary special; ordinary extraordinary; normal abnormal; usual unusual; typical atypical; common
uncommon; familiar unfamiliar; rarely frequently; rarely usually; rarely commonly; seldom often; regular irregular;
regularly rarely; constant variable; constantly occasionally; sometimes always; generally rarely; mostly rarely;
mainly partly; entirely partly; completely partially; fully partially; wholly partly; entire partial; exactly
approximately; exact approximate; equal unequal; equally unequally; balanced unbalanced; fair unfair; just unjust;
justice injustice; biased unbiased; identical different; alike unlike; like unlike; similarity difference;
similarities differences; same opposite; consistent inconsistent; compatible incompatible; related unrelated; relevant
irrelevant; dependent independent; independence dependence; formal informal; formally informally; official unofficial;
officially unofficially; intentional accidental; intentionally accidentally; deliberate accidental; deliberately
accidentally; purposely accidentally; voluntarily forcibly; conscious unconscious; aware unaware; knowingly
unknowingly; religious secular; sacred secular; spiritual material; mental physical; theoretical practical; abstract
concrete; subjective objective; qualitative quantitative; organic inorganic; organic synthetic; natural synthetic;
natural manmade; wild tame; wild domesticated; raw cooked; fresh stale; fresh rotten; fresh salt; alkaline acidic;
soluble insoluble; visible invisible; conductor insulator; mature immature; mortal immortal; animate inanimate; single
double; singular plural; unique common; one many; few several; several none; minority most; least greatest; lesser
greater; less greater; greatest smallest; highest least; fewest most; minimal maximal; minimum highest; maximum
lowest; lowest greatest; tallest shortest; taller shorter; tall short; biggest smallest; huge tiny; vast small; giant
dwarf; fat thin; fatter thinner; thickest thinnest; widest narrowest; deepest shallowest; heaviest lightest; closest
farthest; closest furthest; nearest furthest; closer farther; near distant; close distant; local foreign; local
global; native foreign; native immigrant; domestic international; domestic overseas; urban remote; city countryside;
towards away; toward away; onto off; on off; within outside; inside beyond; entrance exit; enter exit; entered exited;
arrival departure; arrivals departures; arrived departed; arrives leaves; came went; coming going; return depart;
immigrants emigrants; immigration emigration; emigrated immigrated; import ban; lift impose; lifted imposed; imposed
repealed; enacted repealed; introduced abolished; introduce abolish; established abolished; established dissolved;
founded dissolved; created abolished; constructed demolished; construction demolition; construct destroy; assembled
dismantled; installed removed; install remove; erected demolished; erected dismantled; preserved destroyed; preserve
destroy; restore destroy; restored destroyed; fixed broken; intact damaged; intact broken; planted uprooted; filled
emptied; loaded unloaded; load unload; lifted lowered; raised dropped; picked dropped; catch drop; hold release;
caught released; push pulled; pushed pulled; inhale exhale; absorb emit; absorbed emitted; absorbs emits; absorb
release; absorbs releases; attract repel; attracts repels; attracted repelled; contracted expanded; contracts expands;
inflate deflate; activated deactivated; enable disable; enabled disabled; enables prevents; encourages discourages;
promote discourage; promoted discouraged; promote prevent; promotes prevents; stimulate inhibit; stimulates inhibits;
stimulated inhibited; hasten delay; hastened delayed; ahead behind; leading trailing; lead follow; led followed; leads
follows; dominant recessive; superior inferior; superiors subordinates; master servant; master apprentice; ruler
subject; upper bottom; nobles peasants; noble common; majority minor; mainstream fringe; left-wing right-wing; liberal
authoritarian; progressive conservative; republican monarchist; democracy dictatorship; democrats republicans; federal
state; centralised decentralised; centralized decentralized; monopoly competition; cooperate compete; cooperation
competition; cooperation conflict; unity division; agreement disagreement; consensus disagreement; peaceful warlike;
tolerance intolerance; tolerant intolerant; clean polluted; pure impure; sterile contaminated; dial-up broadband;
analog digital; analogue digital; wired wireless; manual automatic; manually automatically; mechanical electronic;
hardware software; online offline; mobile fixed; portable fixed; fiction nonfiction; comedy tragedy; hero villain;
heroes villains; optimist pessimist; question statement; masculine feminine; bride groom; widow widower; nephew niece;
grandfather grandmother; grandson granddaughter; actor actress; waiter waitress; lord lady; lords commons; sons
daughters; fathers mothers; kings queens; empire republic; founded closed; opened abandoned; begin cease; began
ceased; start cease; started ceased; continued ceased; passed repealed; pass repeal; signed vetoed; sign veto;
successful failed; held cancelled; held postponed; adopted rejected; adopt reject; adopted abandoned; adopt abandon;
developed abandoned; permanently temporarily; awarded refused; offered refused; offer refuse; given denied; received
refused; aided hindered; aid hinder; centralization decentralization; centralisation decentralisation; finite
infinite; benefits dangers; benefits risks; appointed dismissed; appoint dismiss; elected defeated; protected
persecuted; protect persecute; protect attack; protected attacked; saved destroyed; save destroy; proliferation
decline; endorse oppose; endorsed opposed; endorses opposes; favour reject; favor reject; criticism praise; failures
successes; defense offense; defence offence; acquired lost; believe deny; combined divided; repetitive non-repetitive;
virtual real
"""


@cache
def opposites() -> Mapping[str, tuple[str, ...]]:
    """Return each word, in lower case, with its opposites."""
    table: dict[str, list[str]] = {}
    for pair in _PAIRS.replace("\n", " ").split(";"):
        one, other = pair.split()
        for word, opposite in ((one, other), (other, one)):
            known = table.setdefault(word, [])
            if opposite not in known:
                known.append(opposite)
    return {word: tuple(of_word) for word, of_word in table.items()}
