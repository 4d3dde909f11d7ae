# One round with Net::POP3: WAY HOST PORT CA USER PASSWORD; see tests/interop/test_libraries.py.
use strict;
use warnings;
use MIME::Base64;
use Net::POP3;

my ($way, $host, $port, $ca, $user, $password) = @ARGV;
my %tls = (SSL_ca_file => $ca, SSL_verifycn_name => "localhost");
my $pop = Net::POP3->new($host, Port => $port, Timeout => 30, $way eq "pop3s" ? (SSL => 1, %tls) : ())
    or die "no connection: $@";
if ($way eq "stls") { $pop->starttls(%tls) or die "STLS: $@"; }
my $count = $pop->login($user, $password);
die "login: " . $pop->message unless defined $count;
my $uidls = $pop->uidl;
print "uidls ", join(" ", map { $uidls->{$_} } sort { $a <=> $b } keys %$uidls), "\n";
print "top ", encode_base64(join("", @{ $pop->top(1, 0) }), ""), "\n";
print "message ", encode_base64(join("", @{ $pop->get(1) }), ""), "\n";
$pop->delete(1) or die "DELE";
$pop->quit or die "QUIT";
