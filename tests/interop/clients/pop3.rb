# One round with net/pop: WAY HOST PORT CA USER PASSWORD; see tests/interop/test_libraries.py.
require "net/pop"
require "openssl"

way, host, port, ca, user, password = ARGV
pop = Net::POP3.new(host, port.to_i)
pop.enable_ssl(OpenSSL::SSL::VERIFY_PEER, ca, port.to_i) if way == "pop3s"
pop.open_timeout = pop.read_timeout = 30
pop.start(user, password)
puts "uidls " + pop.mails.map(&:unique_id).join(" ")
first = pop.mails.first
puts "top " + [first.header].pack("m0")
puts "message " + [first.pop].pack("m0")
first.delete
pop.finish
