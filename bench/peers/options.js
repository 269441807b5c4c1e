// What the JavaScript peers do the same way: the command line and the line that says a peer is ready.
import { parseArgs } from 'node:util';

// readOptions returns {host, port, tlsCert, tlsKey, compress}; it ends the process with status 2 on a command line it
// does not understand.
export function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        addr: { type: 'string', default: '127.0.0.1:0' },
        'tls-cert': { type: 'string' },
        'tls-key': { type: 'string' },
        compress: { type: 'boolean', default: false },
      },
    });
    const colon = values.addr.lastIndexOf(':');
    const port = Number(values.addr.slice(colon + 1));
    if (colon < 0 || !Number.isInteger(port)) throw new Error(`--addr ${values.addr}: want HOST:PORT`);
    if ((values['tls-cert'] === undefined) !== (values['tls-key'] === undefined)) {
      throw new Error('--tls-cert and --tls-key go together');
    }
    return {
      host: values.addr.slice(0, colon).replace(/^\[(.*)\]$/, '$1') || '0.0.0.0',
      port,
      tlsCert: values['tls-cert'],
      tlsKey: values['tls-key'],
      compress: values.compress,
    };
  } catch (err) {
    console.error(err.message);
    process.exit(2);
  }
}

// announce prints the address a harness waits for.
export function announce(host, port) {
  console.log(`listening ${host.includes(':') ? `[${host}]` : host}:${port}`);
}
