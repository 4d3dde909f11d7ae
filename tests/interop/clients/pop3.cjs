// One round with node-pop3: WAY HOST PORT CA USER PASSWORD; see tests/interop/test_libraries.py.
const fs = require('fs');
const exported = require('node-pop3');
const Pop3Command = exported.default || exported;

const [way, host, port, ca, user, password] = process.argv.slice(2);
const base64 = (text) => Buffer.from(text, 'utf8').toString('base64');

async function round () {
  const pop = new Pop3Command({
    user,
    password,
    host,
    port: Number(port),
    tls: way === 'pop3s',
    timeout: 30000,
    tlsOptions: way === 'pop3s' ? {ca: fs.readFileSync(ca)} : {}
  });
  const uidls = await pop.UIDL();
  console.log('uidls ' + uidls.map((row) => row[1]).join(' '));
  console.log('top ' + base64(await pop.TOP(1, 0)));
  console.log('message ' + base64(await pop.RETR(1)));
  await pop.command('DELE', 1);
  await pop.QUIT();
}

round().catch((error) => {
  console.error(error);
  process.exit(1);
});
