import { ExternalHost } from '../../access/access-table';
import { FieldRef, Remark } from '../answer/answer';
import { Condition } from '../answer/conditions';
import { Undetermined } from '../answer/undetermined';
import { ClientTls } from '../proxies/client-tls';
import { Registry } from '../registry/registry';
import { credentialOf, requireCredential, unreadableSecret } from './credentials';
import { Layer, settingsOf } from './flow';

const SAY_HOST = 'describe the host in an access table (--table)';

/** Why the proxy rejects the host's certificate, or cannot originate TLS at all. */
export function certificateProblem(
  registry: Registry,
  described: ExternalHost | undefined,
  certificateName: string,
  layer: Layer,
  remarks: Remark[],
  conditions: Condition[],
): { reason: string; decidedBy: FieldRef[]; condition?: Condition } | undefined {
  const tls = layer.settings!.value;
  const kind = described?.certificate ?? 'good';
  if (tls.mode === 'ISTIO_MUTUAL') {
    return {
      reason: 'ISTIO_MUTUAL accepts only certificates of the mesh, and an external host has none',
      decidedBy: settingsOf(layer, 'mode'),
    };
  }
  const credential = credentialOf(registry, layer, conditions);
  if (typeof credential === 'string') return { reason: credential, decidedBy: settingsOf(layer, 'credentialName') };
  if (credential?.lacking !== undefined) {
    const { lacking: reason, condition } = credential;
    return { reason, condition, decidedBy: settingsOf(layer, 'credentialName') };
  }
  const unreadable = tls.mode === 'MUTUAL' && credential !== undefined && unreadableSecret(registry, layer, conditions);
  if (unreadable) return { reason: unreadable, decidedBy: settingsOf(layer, 'credentialName') };
  if (tls.mode === 'MUTUAL' && !tls.credentialName) {
    if (!tls.clientCertificate || !tls.privateKey) {
      return {
        reason: 'TLS mode MUTUAL needs a credentialName, or clientCertificate and privateKey',
        decidedBy: settingsOf(layer),
      };
    }
    requireOrStop(
      registry,
      described,
      conditions,
      `the proxy has the files ${tls.clientCertificate} and ${tls.privateKey}`,
      layer,
    );
  }
  if (tls.insecureSkipVerify) {
    remarks.push({
      code: 'unverified-certificate',
      message: 'insecureSkipVerify is set: neither the certificate nor its name is verified',
      decidedBy: settingsOf(layer, 'insecureSkipVerify'),
    });
    return undefined;
  }
  if (kind === 'expired') return { reason: "the host's certificate has expired", decidedBy: settingsOf(layer) };
  const ca: string | undefined = tls.caCertificates;
  if (credential !== undefined) {
    if (described && kind !== 'private-ca') {
      return {
        reason: "the host's certificate is not signed by an authority of the credential",
        decidedBy: settingsOf(layer, 'credentialName'),
      };
    }
  } else if (ca === undefined || ca === '' || ca === 'system') {
    if (kind === 'unknown-ca' || kind === 'private-ca') {
      return {
        reason: "the host's certificate is not signed by an authority that the system trusts",
        decidedBy: settingsOf(layer, ca === undefined ? undefined : 'caCertificates'),
      };
    }
  } else {
    requireOrStop(
      registry,
      described,
      conditions,
      `the proxy has the file ${ca}, and an authority in it signed the host's certificate`,
      layer,
      'caCertificates',
    );
  }
  const own: readonly string[] = tls.subjectAltNames ?? [];
  const names = own.length > 0 ? own : (layer.declared?.names ?? []);
  const isAutomatic = !tls.sni && own.length === 0 && layer.authority !== undefined;
  // A certificate that nothing describes is for its host, and may be for others too.
  const unlessFor = (others: string): { condition?: Condition } =>
    described
      ? {}
      : { condition: { holds: `the certificate of ${certificateName} does not name ${others} too`, say: SAY_HOST } };
  if (names.length > 0 && !names.some((name) => isNamed(certificateName, name))) {
    return {
      ...unlessFor(names.join(' or ')),
      reason: `the host's certificate is for ${certificateName}, not for ${names.join(' or ')}`,
      decidedBy: own.length > 0 ? settingsOf(layer, 'subjectAltNames') : [layer.declared!.where, ...settingsOf(layer)],
    };
  }
  if (isAutomatic && !isNamed(certificateName, layer.authority!)) {
    return {
      ...unlessFor(layer.authority!),
      reason: `the host's certificate is for ${certificateName}, but the request is for ${layer.authority}`,
      decidedBy: settingsOf(layer),
    };
  }
  if (names.length === 0 && !isAutomatic) {
    const why = tls.sni
      ? 'sni is set and subjectAltNames is not'
      : 'neither sni nor subjectAltNames is set, and the proxy reads no HTTP request that would give the name';
    remarks.push({
      code: 'unverified-name',
      message: `any certificate of a trusted authority is accepted: ${why}, so the name is not verified`,
      decidedBy: settingsOf(layer, tls.sni ? 'sni' : undefined),
    });
  }
  return undefined;
}

/**
 * Manifests do not say which files a proxy has. Where the external host is not described either, the answer has a
 * condition; where it is, it stays undetermined.
 */
function requireOrStop(
  registry: Registry,
  described: ExternalHost | undefined,
  conditions: Condition[],
  holds: string,
  layer: Layer,
  field?: keyof ClientTls['value'],
): void {
  if (described) throw new Undetermined(`it is unknown whether ${holds}`, settingsOf(layer, field));
  requireCredential(registry, conditions, holds);
}

/** Whether whoever receives the request must show a certificate of this very host. */
export function provesToBe(host: string, layer: Layer | undefined): boolean {
  if (!layer) return false;
  if (layer.by === 'application') return layer.serverName?.toLowerCase() === host;
  const { mode, insecureSkipVerify, sni, subjectAltNames = [] } = layer.settings!.value;
  if (mode === 'ISTIO_MUTUAL' || insecureSkipVerify) return false;
  const names = subjectAltNames.length > 0 ? subjectAltNames : (layer.declared?.names ?? []);
  if (names.length === 0) return !sni && layer.authority === host;
  return names.every((name) => name.toLowerCase() === host);
}

/** Whether a certificate's name covers a host. */
export function isNamed(certificateName: string, host: string): boolean {
  const [name, wanted] = [certificateName.toLowerCase(), host.toLowerCase()];
  return name === wanted || (name.startsWith('*.') && wanted.slice(wanted.indexOf('.')) === name.slice(1));
}
