"""Which language a text and a question are in."""

import pytest

from pipelines.components.keywords import words_of
from pipelines.components.languages import OTHERS, asked_in, language_of, stemmed_in, stemmer, stop_words_of

PROSE = {
    "en": "The address of the server is kept in a file, and it can be changed while the service is running.",
    "de": "Die Adresse des Servers steht in einer Datei und kann geändert werden, während der Dienst läuft.",
    "fr": "L'adresse du serveur est gardée dans un fichier et elle peut être modifiée pendant que le service tourne.",
    "es": "La dirección del servidor está en un archivo y se puede cambiar mientras el servicio funciona.",
    "it": "L'indirizzo del server è scritto in un file e può essere cambiato mentre il servizio gira, anche da voi.",
    "pt": "O endereço do servidor está num ficheiro e pode ser mudado enquanto o serviço corre, também por você.",
    "nl": "Het adres van de server staat in een bestand en kan worden veranderd terwijl de dienst draait.",
    "sv": "Serverns adress står i en fil och kan ändras medan tjänsten är igång, utan att man startar om den.",
    "da": "Serverens adresse står i en fil og kan ændres, mens tjenesten kører, uden at man starter den igen efter.",
    "no": "Serverens adresse står i en fil og kan endres mens tjenesten kjører, uten at noen starter den etter på.",
    "fi": "Palvelimen osoite on tiedostossa ja sitä voidaan muuttaa, kun palvelu on käynnissä, mutta se ei ole pakko.",
    "pl": "Adres serwera jest w pliku i można go zmienić, gdy usługa działa, ale nie trzeba tego robić przez sieć.",
    "cs": "Adresa serveru je v souboru a může být změněna, když služba běží, ale není to nutné pro každý server.",
    "ro": "Adresa serverului este într-un fișier și poate fi schimbată când serviciul rulează, dar nu trebuie.",
    "hu": "A kiszolgáló címe egy fájlban van, és meg lehet változtatni, ha a szolgáltatás fut, de nem kell.",
    "tr": "Sunucunun adresi bir dosyada durur ve hizmet çalışırken de değiştirilebilir, ama bu her zaman gerekli değil.",
}


@pytest.mark.parametrize("language", PROSE)
def test_a_sentence_tells_its_language(language: str) -> None:
    """Twenty words are enough, in each of the languages."""
    assert language == language_of(words_of(PROSE[language]))


def test_there_is_a_sentence_for_each_language() -> None:
    """No language is without a test, and each has its stemmer."""
    assert {*OTHERS, "en"} == PROSE.keys()
    assert all(stemmer(language)("port") for language in PROSE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Adresse Server Datei",
        "for i in de: die(con, son, mit)",
        "via com " * 50,
        "user.name@example.com, Jan de Vries, Maria da Silva, Leonardo di Caprio, Ludwig van Beethoven",
        "a e i o u y " * 20,
        "地址在文件中",
        PROSE["en"] + " Die Adresse des Servers.",
    ],
)
def test_what_is_short_or_mixed_counts_as_english(text: str) -> None:
    """Names, code, one word over and over and a foreign phrase in an English text are no prose of another language."""
    assert "en" == language_of(words_of(text))


@pytest.mark.parametrize(
    ("question", "languages"),
    [
        ("How do I change the port?", {"en"}),
        ("Wie ändere ich den Port?", {"de"}),
        ("Comment modifier le port ?", {"fr"}),
        ("¿Cómo se cambia el puerto?", {"es"}),
        ("Как изменить порт?", {"ru"}),
        ("parse_config", None),
        ("", None),
    ],
)
def test_a_question_is_told_by_a_few_words(question: str, languages: set[str] | None) -> None:
    """A name alone is in no language, or in any."""
    assert languages == asked_in(question)


def test_stems_are_those_of_the_languages_that_are_held() -> None:
    """What an index does not hold is not asked for; a question that does not tell is asked in all that it holds."""
    held = {"de", "fr", "en"}

    assert ["de"] == stemmed_in("Wie ändere ich den Port?", held)
    assert [] == stemmed_in("¿Cómo se cambia el puerto?", held)
    assert [] == stemmed_in("How do I change the port?", held)
    assert ["de", "fr"] == stemmed_in("ports", held)


def test_function_words_of_a_question_are_those_of_its_language() -> None:
    """French filler goes from a French question; one foreign word in a question of names is a name."""
    assert {"le", "comment", "par"} <= stop_words_of("Comment changer le port par défaut ?")
    assert not stop_words_of("die")
    assert not stop_words_of("How is die handled?")
    assert "ikke" in stop_words_of("Hvordan ser jeg om den ikke kan komme med?")  # Danish or Norwegian
