import { brand } from './brand';
import { assertAbsolutePath } from './client-certificate';
import { assertObjectName } from './names';
import { Problems } from './problems';

/**
 * The authorities that the certificate of an external host is verified against. The check cannot be switched off.
 */
export class CertificateAuthority {
  /** The public authorities in the proxy's image. */
  public static system(): CertificateAuthority {
    return new CertificateAuthority('system', undefined);
  }

  /**
   * A PEM bundle that is mounted into the proxy's container.
   *
   * @param path the absolute path of the file in the container, without `~` and not below `/dev`, `/proc` or `/sys`
   */
  public static fromFile(path: string): CertificateAuthority {
    const problems = new Problems('CertificateAuthority.fromFile');
    problems.check('path', () => assertAbsolutePath(path));
    problems.throwIfAny();
    return new CertificateAuthority(path, undefined);
  }

  /**
   * A ConfigMap with the key `ca.crt`, in the namespace where TLS is originated: the callers' for a `SidecarEgress`,
   * the gateway's for a `GatewayEgress`. Every proxy of the mesh may read it without further permissions.
   *
   * @param name the name of the ConfigMap
   * @see https://istio.io/latest/docs/reference/config/networking/destination-rule/#ClientTLSSettings
   */
  public static fromConfigMap(name: string): CertificateAuthority {
    const problems = new Problems('CertificateAuthority.fromConfigMap');
    problems.check('name', () => assertObjectName(name, 'ConfigMap name'));
    problems.throwIfAny();
    return new CertificateAuthority(undefined, name);
  }

  private constructor(
    /** The file with the authorities, or `system`; undefined if they come from a ConfigMap. */
    public readonly path: string | undefined,
    /** The ConfigMap with the authorities, if they come from one. */
    public readonly configMapName: string | undefined,
  ) {
    brand(this, 'CertificateAuthority');
  }
}
