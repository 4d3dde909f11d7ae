"""What the server says to people, in French."""

from __future__ import annotations

from gateway.pop3.texts import Texts


def _fr(text: str) -> bytes:
    return text.encode("utf-8")


FRENCH = Texts(
    tag="fr",
    name="Français",
    greeting=_fr("serveur POP3 prêt"),
    goodbye=_fr("au revoir"),
    too_many_connections=_fr("trop de connexions, réessayez plus tard"),
    too_many_errors=_fr("trop d'erreurs, au revoir"),
    idle=_fr("rien reçu depuis trop longtemps, au revoir"),
    shutting_down=_fr("le serveur s'arrête, réessayez plus tard"),
    failure=_fr("une erreur s'est produite ici, réessayez plus tard"),
    line_too_long=_fr("la ligne est trop longue"),
    unknown_command=_fr("commande inconnue, HELP donne la liste des commandes"),
    usage=_fr("usage : %b"),
    not_before_login=_fr("identifiez-vous d'abord, avec USER et PASS"),
    not_after_login=_fr("vous êtes déjà identifié"),
    begin_tls=_fr("commencez la négociation TLS"),
    no_tls=_fr("ce serveur ne propose pas TLS"),
    already_tls=_fr("TLS est déjà actif"),
    plaintext_refused=_fr(
        "un mot de passe n'est pas accepté sur une connexion non chiffrée :"
        " réglez le client sur STARTTLS (STLS) ou SSL/TLS"
    ),
    utf8_before_tls=_fr(
        "STLS vient avant UTF8 (RFC 6856) : reconnectez-vous et envoyez STLS d'abord"
    ),
    utf8_accepted=_fr("UTF-8 est actif"),
    language_chosen=_fr("la langue est le français"),
    languages_follow=_fr("voici les langues"),
    unknown_language=_fr("il n'y a pas de textes dans la langue %b"),
    not_utf8=_fr(
        "un nom d'utilisateur et un mot de passe s'écrivent en UTF-8, sans caractères de contrôle"
    ),
    user_accepted=_fr("envoyez maintenant PASS"),
    user_first=_fr("envoyez d'abord USER"),
    wrong_password=_fr("nom d'utilisateur ou mot de passe incorrect"),
    try_login_later=_fr("l'identification ne marche pas pour le moment, réessayez plus tard"),
    in_use=_fr("la boîte est utilisée par une autre session"),
    in_use_since=_fr("la boîte est utilisée par une autre session, depuis %b, par %b"),
    login_delay=_fr("vous vous êtes identifié il y a un instant, réessayez dans %d secondes"),
    no_apop=_fr("APOP n'est pas disponible ici, identifiez-vous autrement"),
    mechanisms_follow=_fr("voici les mécanismes"),
    unknown_mechanism=_fr("mécanisme inconnu, AUTH sans argument donne la liste"),
    exchange_cancelled=_fr("identification annulée"),
    bad_response=_fr("la réponse est illisible : %b"),
    maildrop=_fr("la boîte contient %d messages (%d octets)"),
    capabilities_follow=_fr("voici les capacités"),
    help_follows=_fr("vous pouvez taper"),
    no_such_message=_fr("ce message n'existe pas, il y en a %d"),
    no_such_uidl=_fr("aucun message n'a cet identifiant"),
    message_deleted=_fr("le message %d est marqué comme supprimé, RSET retire les marques"),
    message_gone=_fr("le message %d n'est plus là, un autre programme l'a supprimé"),
    message_unreadable=_fr("le message %d est illisible pour le moment"),
    message_needs_utf8=_fr(
        "le message %d ne va qu'à un client qui a envoyé UTF8 avant de s'identifier"
    ),
    listing_follows=_fr("%d messages (%d octets)"),
    uidls_follow=_fr("voici les identifiants"),
    octets_follow=_fr("%d octets"),
    top_follows=_fr("voici le début du message"),
    deleted=_fr("le message %d sera supprimé à QUIT"),
    removed=_fr("le message %d est supprimé"),
    restored=_fr("la boîte contient %d messages (%d octets)"),
    nothing_done=_fr("rien à faire"),
    not_removed=_fr("%d messages sur %d n'ont pas pu être supprimés"),
    asleep=_fr("en sommeil, WAKE rouvre la boîte"),
    wake_first=_fr("en sommeil : envoyez d'abord WAKE"),
)
