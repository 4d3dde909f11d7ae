"""How programs and systems are told to trust a CA, for the person who sits in front of them."""

from __future__ import annotations

TRUST = """\
{file} is the certificate of the gateway's own authority. A program that trusts it trusts
whatever certificate the gateway makes for itself, renewed ones too. It holds no secret, but bring
it to each machine in a way that nobody can change it, or compare its SHA-256 fingerprint there:
  {fingerprint}

Thunderbird      Settings, Privacy & Security, Certificates, Manage Certificates, Authorities,
                 Import: choose {file}, tick "Trust this CA to identify websites".
Outlook, Windows (as administrator) certutil -addstore Root {file}
                 or double-click it: Install Certificate, Local Machine, "Place all certificates
                 in the following store", Trusted Root Certification Authorities.
iOS, iPadOS      Send {file} by AirDrop or mail, open it; Settings, Profile Downloaded,
                 Install; then Settings, General, About, Certificate Trust Settings: switch it on.
macOS            sudo security add-trusted-cert -d -r trustRoot -k \\
                 /Library/Keychains/System.keychain {file}
Android          Settings, Security, More security settings, Encryption & credentials,
                 Install a certificate, CA certificate. The mail program must take user
                 certificates: K-9 Mail and Thunderbird do.
Debian, Ubuntu   cp {file} /usr/local/share/ca-certificates/ (the name must end in .crt),
                 then update-ca-certificates
Clients must call the server by a name of its certificate: pop3gw tls show lists them."""
