"""Which language a text or a question is written in, by the words that every sentence of a language is made of.

Short and mixed texts count as English, and so does all that nobody can be sure of: its words are stemmed as they always
were. No model and no letter statistics: forty function words a language decide on any paragraph, in microseconds.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Final

import Stemmer

ENGLISH: Final = "en"
_SAMPLED_WORDS: Final = 64
_LEAST_WORDS: Final = 4  # different ones: lists of addresses say "com" and "via" over and over
_LEAD: Final = 1.5  # so many function words of the language for each English one
_LEAST_ASKED: Final = 2
_MOST_ALIKE: Final = 2  # Danish and Norwegian questions look alike

_NAMES: Final[Mapping[str, str]] = {
    "de": "german", "fr": "french", "es": "spanish", "it": "italian", "pt": "portuguese", "nl": "dutch",
    "sv": "swedish", "da": "danish", "no": "norwegian", "fi": "finnish", "pl": "polish", "cs": "czech",
    "ro": "romanian", "hu": "hungarian", "tr": "turkish",
}  # fmt: skip
"""The languages of Latin letters that are told apart, with the names of their Snowball stemmers."""

OTHERS: Final = tuple(_NAMES)
STOP_WORDS_OF: Final[Mapping[str, frozenset[str]]] = {
    language: frozenset(words.split())
    for language, words in {
        "en": """
            a about am an and any are as at be been being but by can could did do does doing for from had has have
            having he her here hers him his how i if in into is it its just me might mine my no nor not of on or our
            ours please shall she should so some such tell than that the their theirs them then there these they this
            those to too us very was we were what when where which who whom whose why will with would you your yours
        """,
        "de": """
            aber als am auf aus bei bin bist das dass dein dem den denn der des die dir doch du durch ein eine einem
            einen einer eines er es etwas euch euer fuer für gibt hab habe haben hat hatte ich ihm ihn ihr ihre im ist
            ja kann kannst kein keine können man mein mich mir mit nach nein nicht noch nur oder ob ohne schon sein
            seine sich sie sind so soll sowie über um und uns unser unter vom von vor wann war waren warum was wegen
            weil welche welchem welchen welcher welches wenn wer werden wie wieso wird wo wohin wurde zu zum zur
        """,
        "fr": """
            à a ai as au aucun aussi autre aux avec avoir c ce ceci cela ces cet cette ceux chaque combien comme comment
            d dans de des doit donc dont du elle elles en entre es est et être eux fait faut fais faire il ils j je l la
            le les leur leurs lors lorsque lui m ma mais me même mes moi mon n ne nos notre nous on ont où ou par pas
            peut peux plus pour pourquoi puis puisque qu quand que quel quelle quelles quels qui quoi s sa sans se selon
            ses si son sont sous sur t ta te tes toi ton tous tout toute toutes très tu un une vers vos votre vous y
        """,
        "es": """
            a al algo como cómo con cual cuál cuales cuáles cualquier cuando cuándo cuanto cuánto cuánta cuántos cuántas
            de del desde donde dónde dos el él ella ellas ellos en entre era es esa ese eso esta está están este esto
            estos fue ha hace hacer hacia han hasta hay la las le les lo los más me mi mientras mis muy ni no nos o otra
            otro para pero por porque puede puedo pueden que qué quien quién se sea según ser si sí sin sobre son su sus
            también te tiene todo todos tu tus un una uno unos usted y ya yo
        """,
        "it": """
            a ad agli ai al alla alle allo anche che chi ci ciò col come con cosa cui da dal dalla dalle dei del della
            delle dello deve di dopo dove e è ed era essere fa fare fra gli ha hai hanno ho i il in io l la le lei li lo
            loro lui ma mi mio nei nel nella nelle nello ne no noi non nostro o ogni per perché però più può puoi
            quale quali quando quanti quanto quante quanta quella quello questa queste questi questo qui se sei senza si
            sia sono su sua sue sui sul sulla suo tra tu tutti tutto un una uno vi voi
        """,
        "pt": """
            a à ao aos as às até com como da das de dela dele depois do dos e é ela ele elas eles em entre era essa esse
            esta está estão este eu fazer foi há isso isto já lhe mais mas me mesmo meu minha muito na nas não nem no
            nos nossa nosso num numa o onde os ou para pela pelas pelo pelos pode podem por porque posso qual quais
            qualquer quando quanto quantos quantas quanta que quem se seja sem ser seu seus sobre são sua suas também te
            tem têm ter todos tu um uma umas uns você vocês
        """,
        "nl": """
            aan aantal al alle als alleen andere bij dan dat de den der deze die dit doe doen door dus een elk elke en
            er geen gebruik haar had heb hebben heeft hem het hier hij hoe hoeveel hun ik in is je kan kunnen kunt maar
            me meer men met mijn moet moeten na naar niet nog nu of om onder ons onze ook op over te tegen tot u uit uw
            van veel via voor waar waarom wanneer wat we wel welk welke werd wie wij wil worden wordt ze zelf zich zij
            zijn zo zoals zonder zou
        """,
        "sv": """
            alla allt än är att av blir där de dem den denna dess det detta dig din du där då efter eller en ett finns
            för från får ha han har hon hur hos i inte jag kan kommer man med mellan men mig min mot mycket måste ni
            någon något några när och om på sig sin ska skall som så sådan till under upp ut utan vad var varför varje
            vart vem vi via vid vilka vilken vilket vill vår är över
        """,
        "da": """
            af alle at blev bliver da de dem den denne der deres det dette dig din disse du efter eller en end er et
            flere for fra få får gør han har hun hvad hver hvilke hvilken hvilket hvis hvor hvordan hvorfor hvornår i
            ikke ind ingen jeg kan kun man mange med meget mellem men mig min mod må ned noget nogle når og også om op
            os over på sig sin skal som så til ud uden under var ved vi vil være
        """,
        "no": """
            alle at av ble blir bare da de dei dem den denne der deres det dette deg din disse du eller en enn er et
            etter flere for fordi fra få får gjør ha han har hun hva hver hvilke hvilken hvilket hvis hvor hvordan
            hvorfor i ikke ingen inn jeg kan kun man mange med meg mellom men min mot må ned noe noen når og også om opp
            oss over på seg sin skal som så til under ut uten var ved vi vil være
        """,
        "fi": """
            että eli ei eivät en ennen he hän ilman itse ja jo jos joka jotka jossa kaikki kanssa kautta kuin kuinka
            kun kuka kuten mikä miksi mikäli milloin minkä missä mistä mihin miten mitä monta moni mutta myös ne niin
            niiden niitä nämä nyt ole olla oli on ovat pitää se sekä sen siitä siinä sitten sitä sillä tai tämä tämän
            tätä tässä tulee vai vaan vain voi voidaan voit voivat yli
        """,
        "pl": """
            aby albo ale bez być będzie bo co czy czyli dla do gdy gdzie go i ich ile ilu innych ja jak jaka jaki jakie
            jako jego jej jest jeśli jeżeli już każdy kiedy kto która które którego której który którzy lub ma mają
            mam może można na nad nie niż o od on oraz po pod podczas poprzez przed przez przy są się ta tak także tam te
            tego tej ten też to tu tylko tym w we wszystkie wszystkich z za ze że
        """,
        "cs": """
            a aby ale ani asi až bez bude budou by být či co do i jak jaká jaké jaký jako je jeho jejich jen jenž jestli
            ještě jej již jsem jsou k každý kde kdo kdy když ke kolik která které kterou který mají máte mezi mohu může
            můžete na nad nebo než není o od po pod podle pokud pro proč proto před při s se si své ta tak také tato
            ten tento to tohoto toto tuto u v ve však všechny z za ze že
        """,
        "ro": """
            a acest aceasta această aceste acestea acestui ai al ale am ar are asta au ca că când care cât câte câți ce
            cel cele cine cu cum da dacă dar de deci decât din doar după este eu fi fie fiecare fără folosi fost în între
            într îl își la le li lor lui mai mult nu o or ori pe pentru poate poți prin și să sau se sunt spre sub te
            toate trebuie un unde unei unui unor va vor
        """,
        "hu": """
            a abban ahhoz amely amelyek ami amikor amit az azok azonban azt be csak de egy egyes el ez ezek ezt fel ha
            hány hanem hogy hogyan hol honnan és is itt kell ki kívül lehet lesz lett már más meg mely melyik melyek mert
            mi mit mikor milyen mindig mint miért majd még nagyon ne nem nincs ott pedig sem során szerint több tudom
            úgy után vagy van vannak volt
        """,
        "tr": """
            ama ancak aynı bana bazı belki ben bir biz bu bunu bunun çok çünkü da daha de değil diğer diye eğer en gibi
            göre hangi hem her hiç için içinde ile ise kaç kadar kendi ki kim mı mi mu mü nasıl ne neden nedir nerede
            nereye niçin o olan olarak oldu olduğu olur ona onu onun sadece sen siz sonra şey şu tüm üzerinde var
            varsa ve veya ya yani yapılır yok zaman
        """,
        "ru": """
            а без бы был была были было быть в вам вас во вот все всё всех вы где да для до его ее её если есть еще ещё
            же за и из или им их к как какая какие какими каким какого какой какую ко когда который которая которые
            которого кто ли либо мне может можно мы на над надо нам нас не него нее нет ни них но ну нужно о об он она
            они оно от по под почему при с сам свой себя сколько со так также там то тогда того тоже только том ты у уже
            чего чем через что чтобы эта эти это этого этой этот я
        """,
    }.items()
}

_ASKED_IN: Final = {
    word: frozenset(language for language, words in STOP_WORDS_OF.items() if word in words)
    for word in frozenset[str]().union(*STOP_WORDS_OF.values())
}
# A letter alone is a variable, an item of a list, a column: it tells nothing of the language of a text.
_TELLING: Final = {word: tuple(languages & _NAMES.keys()) for word, languages in _ASKED_IN.items() if len(word) > 1}
_FOREIGN: Final = frozenset(
    word for word, languages in _TELLING.items() if languages and ENGLISH not in _ASKED_IN[word]
)
_WORD: Final = re.compile(r"[^\W\d_]+")


def language_of(words: Sequence[str]) -> str:
    """Give the code of the language that a text of these words is written in, "en" when that is not plain.

    Only languages of Latin letters that have a stemmer come out; other letters say by themselves how to stem.
    """
    sample = words[:: len(words) // _SAMPLED_WORDS + 1]
    foreign = _FOREIGN.intersection(sample)
    if len(foreign) < _LEAST_WORDS:
        return ENGLISH  # decided for nearly every text, in a microsecond
    english = len(STOP_WORDS_OF[ENGLISH].intersection(sample))
    held = Counter(chain.from_iterable(map(_TELLING.__getitem__, foreign)))
    best = max(_NAMES, key=held.__getitem__)
    return best if held[best] >= max(_LEAST_WORDS, _LEAD * english) else ENGLISH


@lru_cache(maxsize=64)
def asked_in(question: str) -> frozenset[str] | None:
    """List the languages that a question may be written in; None when its words do not tell.

    A question has a few words only: the languages with most function words in it come out, all that share that place.
    """
    words = _WORD.findall(question.casefold())
    held = Counter(chain.from_iterable(_ASKED_IN.get(word, ()) for word in words))
    most = max(held.values(), default=0)
    if held[ENGLISH] == most:
        return frozenset({ENGLISH}) if most and sum(count == most for count in held.values()) == 1 else None
    return frozenset(language for language, count in held.items() if count == most)


def stop_words_of(question: str) -> frozenset[str]:
    """Give the function words of the language of a question, none unless it is plainly one other than English."""
    languages = asked_in(question) or frozenset()
    if ENGLISH in languages or not 1 <= len(languages) <= _MOST_ALIKE:
        return frozenset()
    words = frozenset.intersection(*(STOP_WORDS_OF[language] for language in languages))
    found = [word for word in _WORD.findall(question.casefold()) if word in words]
    # One word of plain letters may as well be a word of code: `die`, `con`, `via`.
    return words if len(found) >= _LEAST_ASKED or not "".join(found).isascii() else frozenset()


def stemmed_in(question: str, held: Collection[str]) -> list[str]:
    """List those of the languages `held` by an index whose stems a question should be searched by, in order."""
    asked = asked_in(question)
    return sorted(language for language in held if language in _NAMES and (asked is None or language in asked))


def stemmer(language: str) -> Callable[[str], str]:
    """Give the stemmer of one of the languages that `language_of` gives."""
    return _STEMMERS[language]


_STEMMERS: Final[Mapping[str, Callable[[str], str]]] = {
    language: Stemmer.Stemmer(name, 0).stemWord for language, name in {ENGLISH: "english", **_NAMES}.items()
}
