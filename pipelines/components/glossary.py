"""Words that mean the same to somebody who asks: English pairs, and German words with their English ones.

Questions come in German about sources written in English. No model is needed for the few hundred words that
technical questions are made of; identifiers and loan words match by themselves.
"""

import re
from collections.abc import Iterable
from functools import cache, lru_cache

from pipelines.components.keywords import terms
from pipelines.components.pairs import is_grammar, without_particle

_SAME = """
    delete remove
    config configuration configure setting option
    start launch run
    install setup installation
    repo repository
    directory folder
    argument parameter
    auth authentication authenticate login
    documentation docs
    env environment
    error exception failure
    create make
    update upgrade
    permission right
    db database
    password credential
    licence license
    function method
    default defaults
    maximum max
    minimum min
    limit limits
    requirement dependency
    skip ignore exclude
"""

_GERMAN = """
    abbrechen cancel abort | abfrage query | abhängigkeit dependency | ablage storage | ablauf flow | absturz crash
    abstürzen crash | admin admin | adresse address url | aktualisieren update refresh | aktualisierung update
    alle all | ändern change edit | änderung change | anfrage request | anfang start | anhang attachment
    anlegen create | anmelden login sign | anmeldung login | anpassen customize adapt configure | anschluss connection
    antwort answer reply response | antworten answer reply | anweisung instruction statement | anwendung application
    anzahl number count | anzeigen show display | architektur architecture | argument argument | art kind type
    aufbau structure layout | aufgabe task job | aufrufen call invoke | aufruf call | ausführen run execute
    ausgabe output | ausnahme exception | auswählen choose select | authentifizierung authentication
    automatisch automatic | baum tree | bearbeiten edit process | bedeuten mean | bedeutung meaning | bedienung usage
    befehl command | beginnen begin start | behandlung handling | beispiel example | benachrichtigung notification
    benutzen use | benutzer user | benutzung usage | berechtigung permission right | bereich scope range area
    bericht report | beschränkung limit restriction | besitzer owner | betrieb operation | bewertung rating
    bibliothek library | bild image | browser browser | cache cache | code code | daten data | datei file
    datenbank database | datenschutz privacy | datum date | dauer duration | definieren define | dienst service
    dokument document | dokumentation documentation | eigenschaft property | eingabe input | einbinden include embed
    einladen invite | einladung invite invitation | einrichten setup configure | einrichtung setup
    einstellen configure set | einstellung setting option configuration | eintrag entry record | element element item
    empfangen receive | endpunkt endpoint | entfernen remove delete | entwickler developer | ereignis event
    erlauben allow | ersetzen replace | erstellen create | erweitern extend | erweiterung extension plugin
    erzeugen generate create | faden thread | farbe color | fehler error bug fault | fehlermeldung error message
    fehlerbehandlung error handling | fehlschlagen fail | feld field | fenster window | filtern filter | folge sequence
    format format | frage question | freigabe release share | funktion function feature | gebrauch usage
    geheim secret | geheimnis secret | gerät device | geschwindigkeit speed | gleichzeitig concurrent parallel
    grenze limit | größe size | grund reason | gruppe group | gültig valid | herunterladen download
    herunterfahren shutdown | hilfe help | hinzufügen add | hochladen upload | hosten host | index index
    indizieren index | indexierung indexing index | information information | inhalt content | installation installation
    installieren install | kanal channel | kennwort password | klasse class | klammer bracket | knopf button
    knoten node | kommentar comment | komponente component | konfigurieren configure
    setzen set | liefern serve deliver | ausliefern serve deliver | bereitstellen serve deploy provide | statisch static
    dynamisch dynamic | hintergrund background | regelmäßig periodic regular | wiederkehrend periodic | umleiten redirect
    umleitung redirect | weiterleitung redirect | zeitüberschreitung timeout | mitwirken contribute | beitragen contribute
    vermitteln broker | begrenzen limit | beschränken limit restrict | einschränken limit restrict | beenden stop end exit
    rate rate | ausnahmebehandlung exception handling | verkettung chain | verketten chain | zuordnen map route
    veröffentlichen publish release | veröffentlichung release | aufsetzen setup | unterschiedlich different
    hinzu add | fügen add insert | konfiguration configuration config | kunde customer client | latenz latency | reduzieren reduce | verringern reduce |
    erhöhen increase | bestellung order | rechnung invoice | behalten keep | aufbewahren keep retain | ausliefern deliver
    zustellen deliver | versuch attempt try | anmeldedaten credential | schlüsselwort keyword | treffer hit match
    abschnitt section | absatz paragraph | absatzweise passage | passage passage | stelle passage place | zeitplan schedule
    plan plan | planen plan schedule | dauern take | lange long | häufig often | oft often | lokal local | entfernt remote |
    verfügbar available | ausschalten disable off | einschalten enable on | aktivieren enable activate | deaktivieren disable |
    abrufen fetch get | holen fetch get | sammeln collect | zählen count | messen measure | maß measure | genauigkeit accuracy |
    merkmal feature | vergleichen compare | vergleich comparison | schnell fast quick | langsam slow | arbeiten work |
    arbeitsspeicher memory | festplatte disk | lauschen listen | zuhören listen | verknüpfen link connect | kopie copy | kopieren copy | kosten cost | laden load | lager store
    länge length | laufen run | laufzeit runtime | leer empty | leeren clear empty | leistung performance
    lesen read | linie line | link link | liste list | lizenz license | löschen delete remove | lösung solution
    meldung message | menge set amount | methode method | mitglied member | modell model | modul module
    nachricht message | name name | netz network | netzwerk network | neu new | neustart restart | neustarten restart
    nutzen use | nutzer user | nutzung usage | objekt object | öffentlich public | öffnen open | option option
    ordner folder directory | ort location place | oberfläche interface ui | paket package | parameter parameter
    parallel parallel | passwort password | person person | pfad path | platz space | platte disk | port port
    privat private | problem problem issue | projekt project | protokoll log protocol | prozess process | prüfen check verify
    prüfung check validation | puffer buffer | quelle source | quellcode source code | raum room | rahmen frame
    recht right permission | regel rule | reihenfolge order | rolle role | rückgabe return | schalter switch flag
    schicht layer | schlange queue | schleife loop | schließen close | schlüssel key | schnittstelle interface api
    schreiben write | schritt step | schutz protection | seite page | senden send | sicherheit security
    sicher safe secure | sichern backup save | sicherung backup | sitzung session | speicher memory storage
    speichern store save | sperre lock | sprache language | stand state | standard default standard | start start
    starten start run | stelle place | steuern control | stoppen stop | struktur structure | suche search
    suchen search | system system | tabelle table | tastatur keyboard | teil part | testen test | text text | titel title
    übersetzen translate compile | übersicht overview | überprüfen check verify | übertragen transfer
    umgebung environment | umgebungsvariable environment variable | umbenennen rename | unterschied difference
    unterstützen support | unterstützung support | variable variable | verarbeiten process | verarbeitung processing
    verbinden connect | verbindung connection | verbieten forbid | verhalten behavior behaviour | verhindern prevent
    verlauf history | verschieben move | verschlüsseln encrypt | verschlüsselung encryption | version version
    verwalten manage | verwaltung management | verwenden use | verwendung usage | verzeichnis directory
    vorlage template | voraussetzung requirement prerequisite | wählen choose select | warnung warning | warten wait
    warteschlange queue | webseite website page | weg path way | weiterleiten forward redirect | werkzeug tool
    wert value | wiederherstellen restore recover | wiederholen retry repeat | zahl number | zeichen character
    zeile line | zeit time | zeitlimit limit timeout | ziel target goal | zitat citation quote | zugang access
    zugriff access | zulassen allow | zustand state status | zweck purpose
"""

# Words whose stem is another word's: "founded" is not "found".
_FAMILIES = {"founded": "founder", "founding": "founder", "gegründet": "founder"}
_ENDINGS = ("ten", "en", "es", "st", "te", "et", "em", "n", "e", "s", "t")


def _plain(word: str) -> str:
    """Write a German word without umlauts, so that `loeschen` and `löschen` are one."""
    for letter, spelled in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        word = word.replace(letter, spelled)
    return word


@cache
def _same() -> dict[str, frozenset[str]]:
    groups = (frozenset(stem for word in line.split() for stem in terms(word)) for line in _SAME.strip().splitlines())
    return {stem: group for group in groups for stem in group}


@cache
def _german() -> dict[str, tuple[str, ...]]:
    """Map each German word without its ending to its English ones."""
    found: dict[str, tuple[str, ...]] = {}
    for entry in re.split(r"\||\n", _GERMAN):
        german, *english = entry.split() or [""]
        if german:
            found[_stripped(_plain(german))] = tuple(english)
    return found


def _stripped(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def same_stems(stem: str) -> frozenset[str]:
    """List the stems that mean the same as this one, itself among them."""
    return _same().get(stem, frozenset()) | {stem}


def own_stems(word: str) -> list[str]:
    """List the stems of a word of a question; one whose stem means something else gives those of its family.

    Pairs of Chinese, Japanese or Korean characters that are but grammar are left out, be it all of them.
    """
    found = terms(without_particle(_FAMILIES.get(word.casefold(), word)))
    return [stem for stem in found if not is_grammar(stem)]


@lru_cache(maxsize=4_096)  # people ask with any word there is
def _readings(word: str) -> tuple[str, ...]:
    known = _german()
    for form in _forms(word):
        if form in known:
            return known[form]
    for cut in range(3, len(word) - 2):  # a compound of two known words, with or without a linking s, es, n or en
        head, tail = known.get(_stripped(word[:cut])) or known.get(word[:cut]), word[cut:]
        rest = next((known[_stripped(part)] for part in _tails(tail) if _stripped(part) in known), None)
        if head and rest:
            return (*head[:1], *rest[:1])
    return ()


def _forms(word: str) -> Iterable[str]:
    """List what may stand in the glossary: the word, without its ending, as a participle, as a plural with umlaut."""
    yield from (word, _stripped(word))
    for plural in ("er", "ern"):
        yield word.removesuffix(plural)
    if word.startswith("ge"):
        yield _stripped(word[2:])
    elif "ge" in word[2:]:  # hinzu-ge-fügt
        yield _stripped(word.replace("ge", "", 1))
    for umlaut, vowel in (("aeu", "au"), ("ae", "a"), ("oe", "o"), ("ue", "u")):
        if umlaut in word:
            yield _stripped(word.replace(umlaut, vowel))


def _tails(tail: str) -> Iterable[str]:
    return (tail[len(link) :] for link in ("", "s", "es", "n", "en") if tail.startswith(link))


def in_english(word: str) -> tuple[str, ...]:
    """Give the English words for a German one in any common form, compounds of two included; none when unknown."""
    return _readings(_plain(word.casefold()))
