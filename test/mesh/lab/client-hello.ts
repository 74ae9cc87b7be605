/** The unencrypted fields of a ClientHello (RFC 8446 4.1.2, RFC 6066 3, RFC 7301 3.1). */
export interface ClientHello {
  readonly serverName?: string;
  readonly alpn: string[];
}

const HANDSHAKE = 0x16;
const SERVER_NAME = 0;
const ALPN = 16;

/** Reads the first TLS record; undefined where the bytes are not TLS. Fields that are cut off are missing. */
export function clientHello(bytes: Buffer): ClientHello | undefined {
  if (bytes.length < 6 || bytes[0] !== HANDSHAKE || bytes[1] !== 3) return undefined;
  let serverName: string | undefined;
  const alpn: string[] = [];
  try {
    let at = 5 + 4 + 2 + 32; // record, handshake, version, random
    at += 1 + bytes[at]; // session
    at += 2 + bytes.readUInt16BE(at); // cipher suites
    at += 1 + bytes[at]; // compression
    const end = at + 2 + bytes.readUInt16BE(at);
    at += 2;
    while (at < end) {
      const type = bytes.readUInt16BE(at);
      const length = bytes.readUInt16BE(at + 2);
      const body = bytes.subarray(at + 4, at + 4 + length);
      if (type === SERVER_NAME) serverName = body.subarray(5, 5 + body.readUInt16BE(3)).toString('latin1');
      if (type === ALPN)
        for (let i = 2; i < body.length; i += 1 + body[i])
          alpn.push(body.subarray(i + 1, i + 1 + body[i]).toString('latin1'));
      at += 4 + length;
    }
  } catch {
    // a ClientHello in several pieces: the first one has been read
  }
  return { serverName, alpn };
}
