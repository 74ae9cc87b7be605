import * as fs from 'fs';
import * as path from 'path';
import { must } from './processes';
import { ExternalHost } from '../../../src/access/access-table';
import { valueIn } from '../../../src/values/grouping';

/** Files of a certificate and its key. */
export interface Pair {
  readonly certificate: string;
  readonly key: string;
}

/**
 * The certificate authorities: `public` is in the system bundle of every pod, `private` is trusted where it is
 * configured, `unknown` nowhere. `mesh` is istiod's.
 */
type Authority = 'public' | 'private' | 'unknown' | 'mesh' | 'constrained';

type ClientKind = 'client-certificate' | 'wrong-client-certificate' | 'expired-client-certificate';

/** The lab's certificates, made with openssl on demand. */
export class Pki {
  public static async make(folder: string): Promise<Pki> {
    fs.mkdirSync(folder, { recursive: true });
    await Promise.all(
      (['public', 'private', 'unknown', 'mesh'] as Authority[]).map(async (authority) => {
        const at = path.join(folder, authority);
        await newKey(`${at}.key`);
        await must('openssl', [
          'req',
          '-x509',
          '-new',
          '-key',
          `${at}.key`,
          '-sha256',
          '-days',
          '3650',
          '-subj',
          `/CN=lab ${authority} CA`,
          '-out',
          `${at}.crt`,
          '-addext',
          'keyUsage=critical,keyCertSign,cRLSign',
        ]);
      }),
    );
    // The bundle of an application that also trusts the private authority.
    fs.writeFileSync(
      path.join(folder, 'application.crt'),
      fs.readFileSync(path.join(folder, 'public.crt'), 'utf8') +
        fs.readFileSync(path.join(folder, 'private.crt'), 'utf8'),
    );
    return new Pki(folder);
  }

  /** What an application trusts: the public and the private authority. */
  public readonly trustedByApplications: string;

  private readonly pairs = new Map<string, Promise<Pair>>();

  private constructor(private readonly folder: string) {
    this.trustedByApplications = path.join(folder, 'application.crt');
  }

  public authority(authority: Authority): string {
    return path.join(this.folder, `${authority}.crt`);
  }

  /** Puts the mesh's authority where istiod looks for one that outlives it. */
  public giveMeshAuthority(folder: string): void {
    fs.mkdirSync(folder, { recursive: true });
    fs.copyFileSync(path.join(this.folder, 'mesh.key'), path.join(folder, 'ca-key.pem'));
    for (const name of ['ca-cert.pem', 'root-cert.pem', 'cert-chain.pem'])
      fs.copyFileSync(this.authority('mesh'), path.join(folder, name));
  }

  /** A certificate of the mesh's authority; istiod itself gives none for another trust domain. */
  public identity(spiffe: string): Promise<Pair> {
    return this.leaf(
      `identity-${spiffe.replace(/\W+/g, '-')}`,
      'mesh',
      'lab identity',
      `URI:${spiffe}`,
      'clientAuth',
      365,
    );
  }

  /** The same certificate again, which has run out after so many seconds. */
  public async brief(spiffe: string, seconds: number): Promise<Pair> {
    const { certificate, key } = await this.identity(spiffe);
    const at = `${certificate}.brief`;
    fs.writeFileSync(`${at}.index`, '');
    fs.writeFileSync(
      `${at}.conf`,
      `[ca]\ndefault_ca=brief\n[brief]\ndatabase=${at}.index\nnew_certs_dir=${this.folder}\ndefault_md=sha256\n` +
        'rand_serial=yes\npolicy=any\n[any]\ncommonName=supplied\n',
    );
    const time = (later: number) =>
      `${new Date(Date.now() + 1000 * later).toISOString().replace(/\D/g, '').slice(0, 14)}Z`;
    const file = certificate.replace(/crt$/, '');
    await must('openssl', [
      ...['ca', '-batch', '-notext', '-config', `${at}.conf`, '-in', `${file}csr`, '-extfile', `${file}ext`],
      ...['-cert', this.authority('mesh'), '-keyfile', path.join(this.folder, 'mesh.key'), '-out', at],
      ...['-startdate', time(-60), '-enddate', time(seconds)],
    ]);
    return { certificate: at, key };
  }

  /** What an external host shows on port 443. */
  public server(external: ExternalHost): Promise<Pair> {
    const kind = external.certificate ?? 'good';
    const authority = kind === 'unknown-ca' ? 'unknown' : kind === 'private-ca' ? 'private' : 'public';
    const name = kind === 'wrong-name' ? `not.${external.host}` : external.host;
    return this.leaf(
      `server-${external.host}-${kind}`,
      authority,
      external.host,
      `DNS:${name}`,
      'serverAuth',
      kind === 'expired' ? -1 : 365,
    );
  }

  /** What a host may show that has the private authority: names in openssl's words, beside the common name. */
  public serverWith(names: string, host: string): Promise<Pair> {
    return this.leaf(`server-${host}-${names.replace(/\W+/g, '-')}`, 'private', host, names, 'serverAuth', 365);
  }

  /** The same from an authority below the private one, whose name constraints permit DNS names below example.org alone. */
  public async serverConstrained(names: string, host: string): Promise<Pair> {
    await valueIn(this.pairs, 'constrained', () =>
      this.sign(
        'constrained',
        'private',
        'lab constrained CA',
        'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n' +
          'nameConstraints=critical,permitted;DNS:example.org\n',
        365,
      ),
    );
    const file = `constrained-${host}-${names.replace(/\W+/g, '-')}`;
    const pair = await this.leaf(file, 'constrained', host, names, 'serverAuth', 365);
    fs.appendFileSync(pair.certificate, fs.readFileSync(this.authority('constrained')));
    return pair;
  }

  /** A client's certificate; a wrong one comes from an authority that external hosts do not know. */
  public client(kind: ClientKind = 'client-certificate', commonName = 'lab egress client'): Promise<Pair> {
    const authority = kind === 'wrong-client-certificate' ? 'unknown' : 'private';
    return this.leaf(
      `${kind}-${commonName.replace(/\W+/g, '-')}`,
      authority,
      commonName,
      'DNS:client.lab',
      'clientAuth',
      kind === 'expired-client-certificate' ? -1 : 365,
    );
  }

  /** Made once, also if several ask for it at the same time. */
  private leaf(file: string, ...of: [Authority, string, string, string, number]): Promise<Pair> {
    return valueIn(this.pairs, file, () => this.makeLeaf(file, ...of));
  }

  private makeLeaf(
    file: string,
    authority: Authority,
    commonName: string,
    san: string,
    usage: string,
    days: number,
  ): Promise<Pair> {
    const extensions = `basicConstraints=CA:FALSE\nsubjectAltName=${san}\nextendedKeyUsage=${usage}\n`;
    return this.sign(file, authority, commonName, extensions, days);
  }

  private async sign(
    file: string,
    authority: Authority,
    commonName: string,
    extensions: string,
    days: number,
  ): Promise<Pair> {
    const at = path.join(this.folder, file);
    const made = { certificate: `${at}.crt`, key: `${at}.key` };
    await newKey(made.key);
    await must('openssl', [
      'req',
      '-new',
      '-key',
      made.key,
      '-subj',
      `/CN=${commonName.slice(0, 64)}`,
      '-out',
      `${at}.csr`,
    ]);
    fs.writeFileSync(`${at}.ext`, extensions);
    await must('openssl', [
      'x509',
      '-req',
      '-in',
      `${at}.csr`,
      '-CA',
      this.authority(authority),
      '-CAkey',
      path.join(this.folder, `${authority}.key`),
      '-set_serial',
      String(Date.now()) + String(Math.floor(Math.random() * 1e6)),
      '-days',
      String(days),
      '-sha256',
      '-extfile',
      `${at}.ext`,
      '-out',
      made.certificate,
    ]);
    return made;
  }
}

function newKey(file: string): Promise<string> {
  return must('openssl', ['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', file]);
}
