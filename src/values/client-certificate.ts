import { assertObjectName } from './names';
import { Problems } from './problems';

/**
 * The certificate that the mesh shows to an external host which demands one (mutual TLS).
 */
export class ClientCertificate {
  /**
   * A Secret in the namespace where TLS is originated (the gateway's for a `GatewayEgress`, the callers' for a
   * `SidecarEgress`), with the keys `tls.crt`, `tls.key` and `ca.crt`.
   *
   * The external host's certificate is verified against the `ca.crt` of this Secret and nothing else: Istio has no
   * way to combine a certificate from a Secret with the system's authorities. For a host with a public
   * certificate put the public authorities into `ca.crt`. A Secret that is missing refuses the calls (503).
   *
   * @param name the name of the Secret
   * @see https://istio.io/latest/docs/reference/config/networking/destination-rule/#ClientTLSSettings
   */
  public static fromSecret(name: string): ClientCertificate {
    const problems = new Problems('ClientCertificate.fromSecret');
    problems.check('name', () => {
      if (typeof name === 'string' && name.includes('/')) {
        throw new Error(
          `"${name}" carries a namespace, and a Secret is only ever read where TLS is originated: in the ` +
            'namespace of the gateway, or of the pods at the sidecar. ' +
            `Put it there and write "${name.split('/').pop()}"`,
        );
      }
      return assertObjectName(name, 'Secret');
    });
    problems.throwIfAny();
    return new ClientCertificate(name, undefined, undefined);
  }

  /**
   * Files that are mounted into the proxy's container.
   *
   * @param certificatePath absolute path of the PEM certificate chain
   * @param privateKeyPath absolute path of the PEM private key
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
  ) {}
}

/** Envoy reads files by the path as written; a relative one would depend on where the proxy was started. */
export function assertAbsolutePath(path: string): string {
  if (typeof path === 'string' && path.startsWith('/') && !path.endsWith('/')) return path;
  const file =
    String(path ?? '')
      .split('/')
      .pop() || 'file.pem';
  throw new Error(
    `${JSON.stringify(path)} is no absolute path of a file: write the path inside the proxy's container, such ` +
      `as "/etc/certs/${file}"`,
  );
}
