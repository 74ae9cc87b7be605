import { posix } from 'path';
import { brand } from './brand';
import { assertObjectName } from './names';
import { Problems } from './problems';
import { shown } from './shown';

/**
 * The certificate that the mesh presents to an external host which requires one (mutual TLS).
 *
 * @example
 * const partner = new GatewayEgress(chart, 'partner', {
 *   gateway: exit,
 *   hosts: ['api.partner.com'],
 *   callers: [Caller.serviceAccount('payments', 'checkout')],
 * });
 * partner.originateTls('tls', { clientCertificate: ClientCertificate.fromSecret('partner-client') });
 */
export class ClientCertificate {
  /**
   * A Secret in the namespace where TLS is originated (the gateway's for a `GatewayEgress`, the callers' for a
   * `SidecarEgress`), with the keys `tls.crt`, `tls.key` and `ca.crt`.
   *
   * The external host's certificate is verified only against the `ca.crt` of this Secret, or of `<name>-cacert`: Istio
   * cannot combine a certificate from a Secret with the system's authorities. For a host with a public certificate, put
   * the public authorities into `ca.crt`. If the Secret is missing, calls are refused (503).
   *
   * @param name the name of the Secret, without a namespace
   * @see https://istio.io/latest/docs/reference/config/networking/destination-rule/#ClientTLSSettings
   */
  public static fromSecret(name: string): ClientCertificate {
    const problems = new Problems('ClientCertificate.fromSecret');
    problems.check('name', () => {
      if (typeof name === 'string' && name.includes('/')) {
        const own = assertObjectName(name.split('/').pop()!, 'Secret name');
        throw new Error(
          `"${name}" contains a namespace, but a Secret is only read from the namespace where TLS is originated: the ` +
            `gateway's, or the callers' for a SidecarEgress. Put it there and write "${own}"`,
        );
      }
      return assertObjectName(name, 'Secret name');
    });
    problems.throwIfAny();
    return new ClientCertificate(name, undefined, undefined);
  }

  /**
   * Files that are mounted into the proxy's container.
   *
   * @param certificatePath the absolute path of the PEM certificate chain, without `~` and not below `/dev`, `/proc` or
   * `/sys`
   * @param privateKeyPath the absolute path of the PEM private key, with the same limits
   * @example
   * const partner = new SidecarEgress(shop, 'partner', { hosts: ['api.partner.com'] });
   * partner.originateTls('tls', {
   *   callers: [Caller.workload(checkout)],
   *   clientCertificate: ClientCertificate.fromFiles('/etc/client/tls.crt', '/etc/client/tls.key'),
   *   certificateAuthority: CertificateAuthority.fromFile('/etc/client/ca.crt'),
   * });
   */
  public static fromFiles(certificatePath: string, privateKeyPath: string): ClientCertificate {
    const problems = new Problems('ClientCertificate.fromFiles');
    problems.check('certificatePath', () => assertAbsolutePath(certificatePath));
    problems.check('privateKeyPath', () => assertAbsolutePath(privateKeyPath));
    problems.throwIfAny();
    return new ClientCertificate(undefined, certificatePath, privateKeyPath);
  }

  private constructor(
    /** The Secret, if the certificate comes from one. */
    public readonly secretName: string | undefined,
    /** The file of the certificate chain, if it comes from files. */
    public readonly certificatePath: string | undefined,
    /** The file of the private key, if it comes from files. */
    public readonly privateKeyPath: string | undefined,
  ) {
    brand(this, 'ClientCertificate');
  }
}

/** Envoy would resolve a relative path from the directory in which the proxy was started. */
export function assertAbsolutePath(path: string): string {
  if (typeof path === 'string' && path.startsWith('/') && !path.endsWith('/')) {
    if (/[~\p{Cc}]/u.test(path))
      throw new Error(
        `${shown(path)} contains a "~", at which Istio takes paths apart, or a control character; rename it`,
      );
    if (/^\/+(dev|proc|sys)\//.test(posix.normalize(path)))
      throw new Error(`${shown(path)} is not a certificate file: the proxy might never finish reading it`);
    return path;
  }
  const file = (typeof path === 'string' && path.split('/').pop()) || 'file.pem';
  throw new Error(
    `${shown(path)} is not the absolute path of a file; write the path inside the proxy's container, such as ` +
      `"/etc/certs/${file}"`,
  );
}
