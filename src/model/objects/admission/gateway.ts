import { checkBind, isSocket, checkPort, reject, repeatedIn, checkScopedName } from './names';
import { isHttp, isTls, upper } from '../../../istio/protocols';
import { FieldPath } from '../../../manifests/field-path';
import { IstioSpecs, Of, Server } from '../../../manifests/specs';

export function checkGateway({ servers = [] }: IstioSpecs['Gateway']): void {
  if (servers.length === 0) reject('spec.servers', 'there is no server');
  const twice = repeatedIn(servers.map(({ port }) => port?.name));
  for (const [at, server] of servers.entries()) {
    const field: FieldPath = `spec.servers[${at}]`;
    checkServer(server, field);
    if (twice.has(at)) reject(`${field}.port.name`, `${server.port?.name} is the name of another server's port`);
  }
}

function checkServer({ port, tls, hosts = [], bind = '' }: Server, server: FieldPath): void {
  const protocol = upper(port?.protocol);
  const field: FieldPath = `${server}.tls`;
  if (hosts.length === 0) reject(`${server}.hosts`, 'there is no host');
  for (const [at, host] of hosts.entries()) checkScopedName(`${server}.hosts[${at}]`, host, true);
  if (!protocol) reject(`${server}.port.protocol`, 'is missing');
  if (port?.name === '') reject(`${server}.port.name`, 'is missing');
  if (isSocket(bind) && port?.number) reject(`${server}.port.number`, 'is 0 for a socket');
  if (!isSocket(bind)) checkPort(`${server}.port.number`, port?.number);
  if (port?.targetPort) reject(`${server}.port.targetPort`, 'is not for Gateways');
  checkBind(`${server}.bind`, bind);
  if (isTls(protocol) && !tls) reject(field, `is missing, which protocol ${protocol} needs`);
  if (!tls) return;
  checkServerTls(tls, field);
  const passesOn = [undefined, 'PASSTHROUGH', 'AUTO_PASSTHROUGH'].includes(tls.mode ?? undefined);
  const redirectsOnly = isHttp(protocol) && passesOn && !FILES.some((name) => tls[name]);
  if (!isTls(protocol) && !redirectsOnly)
    reject(field, `protocol ${protocol} allows no TLS settings but httpsRedirect`);
}

/** The fields of certificates in files. */
const FILES = ['serverCertificate', 'privateKey', 'caCertificates'] as const;
/** What a server can name certificates by. */
const CERTIFICATES = [...FILES, 'tlsCertificates', 'credentialName', 'credentialNames'] as const;

function checkServerTls(tls: Of<Server, 'tls'>, field: FieldPath): void {
  const { mode = 'PASSTHROUGH', credentialName, credentialNames = [], tlsCertificates = [] } = tls;
  if (mode === 'ISTIO_MUTUAL') {
    const own = CERTIFICATES.find((name) => tls[name]?.length);
    if (own) reject(`${field}.${own}`, 'is not allowed in mode ISTIO_MUTUAL');
    return;
  }
  const isPair = !!tls.serverCertificate && !!tls.privateKey;
  const isBySecret = !!credentialName || credentialNames.length > 0;
  if ([isPair, !!credentialName, credentialNames.length > 0, tlsCertificates.length > 0].filter(Boolean).length > 1)
    reject(field, 'names certificates in more than one manner');
  if ((mode !== 'SIMPLE' && mode !== 'MUTUAL' && mode !== 'OPTIONAL_MUTUAL') || isBySecret) return;
  if (mode !== 'SIMPLE' && !tls.caCertificates)
    reject(`${field}.caCertificates`, `is missing, which mode ${mode} needs`);
  for (const [index, pair] of (tlsCertificates.length > 0 ? tlsCertificates : [tls]).entries())
    for (const name of ['serverCertificate', 'privateKey'] as const)
      if (!pair[name])
        reject(
          tlsCertificates.length > 0 ? `${field}.tlsCertificates[${index}].${name}` : `${field}.${name}`,
          `is missing, which mode ${mode} needs without credentialName`,
        );
  if (tls.caCrl && mode === 'SIMPLE') reject(`${field}.caCrl`, 'is not allowed in mode SIMPLE');
}

export function checkGatewaySchema({ servers = [] }: IstioSpecs['Gateway']): void {
  for (const [index, server] of servers.entries()) {
    const { credentialName, credentialNames, tlsCertificates } = server?.tls ?? {};
    const field: FieldPath = `spec.servers[${index}].tls.credentialNames`;
    if (credentialNames && (credentialName || tlsCertificates))
      reject(field, 'only one of credentialName, credentialNames and tlsCertificates can be set');
    if ((credentialNames?.length ?? 0) > 2) reject(field, 'there are more than two');
  }
}
