import { bindProblems, isSocket, portProblems, Problems, repeatedIn, scopedNameProblems } from './names';
import { isHttp, isTls, upper } from '../../../istio/protocols';
import { FieldPath } from '../../../manifests/field-path';
import { IstioSpecs, Of, Server } from '../../../manifests/specs';

export function* gatewayProblems({ servers = [] }: IstioSpecs['Gateway']): Problems {
  if (servers.length === 0) yield { field: 'spec.servers', problem: 'there is no server' };
  const twice = repeatedIn(servers.map(({ port }) => port?.name));
  for (const [at, server] of servers.entries()) {
    const field: FieldPath = `spec.servers[${at}]`;
    yield* serverProblems(server, field);
    if (twice.has(at))
      yield { field: `${field}.port.name`, problem: `${server.port?.name} is the name of another server's port` };
  }
}

function* serverProblems({ port, tls, hosts = [], bind = '' }: Server, server: FieldPath): Problems {
  const protocol = upper(port?.protocol);
  const field: FieldPath = `${server}.tls`;
  if (hosts.length === 0) yield { field: `${server}.hosts`, problem: 'there is no host' };
  for (const [at, host] of hosts.entries()) yield* scopedNameProblems(`${server}.hosts[${at}]`, host, true);
  if (!protocol) yield { field: `${server}.port.protocol`, problem: 'is missing' };
  if (port?.name === '') yield { field: `${server}.port.name`, problem: 'is missing' };
  if (isSocket(bind) && port?.number) yield { field: `${server}.port.number`, problem: 'is 0 for a socket' };
  if (!isSocket(bind)) yield* portProblems(`${server}.port.number`, port?.number);
  if (port?.targetPort) yield { field: `${server}.port.targetPort`, problem: 'is not for Gateways' };
  yield* bindProblems(`${server}.bind`, bind);
  if (isTls(protocol) && !tls) yield { field, problem: `is missing, which protocol ${protocol} needs` };
  if (!tls) return;
  yield* serverTlsProblems(tls, field);
  const passesOn = [undefined, 'PASSTHROUGH', 'AUTO_PASSTHROUGH'].includes(tls.mode ?? undefined);
  const redirectsOnly = isHttp(protocol) && passesOn && !FILES.some((name) => tls[name]);
  if (!isTls(protocol) && !redirectsOnly)
    yield { field, problem: `protocol ${protocol} allows no TLS settings but httpsRedirect` };
}

/** The fields of certificates in files. */
const FILES = ['serverCertificate', 'privateKey', 'caCertificates'] as const;
/** What a server can name certificates by. */
const CERTIFICATES = [...FILES, 'tlsCertificates', 'credentialName', 'credentialNames'] as const;

function* serverTlsProblems(tls: Of<Server, 'tls'>, field: FieldPath): Problems {
  const { mode = 'PASSTHROUGH', credentialName, credentialNames = [], tlsCertificates = [] } = tls;
  if (mode === 'ISTIO_MUTUAL') {
    const own = CERTIFICATES.find((name) => tls[name]?.length);
    if (own) yield { field: `${field}.${own}`, problem: 'is not allowed in mode ISTIO_MUTUAL' };
    return;
  }
  const isPair = !!tls.serverCertificate && !!tls.privateKey;
  const isBySecret = !!credentialName || credentialNames.length > 0;
  if ([isPair, !!credentialName, credentialNames.length > 0, tlsCertificates.length > 0].filter(Boolean).length > 1)
    yield { field, problem: 'names certificates in more than one manner' };
  if ((mode !== 'SIMPLE' && mode !== 'MUTUAL' && mode !== 'OPTIONAL_MUTUAL') || isBySecret) return;
  if (mode !== 'SIMPLE' && !tls.caCertificates)
    yield { field: `${field}.caCertificates`, problem: `is missing, which mode ${mode} needs` };
  for (const [index, pair] of (tlsCertificates.length > 0 ? tlsCertificates : [tls]).entries())
    for (const name of ['serverCertificate', 'privateKey'] as const)
      if (!pair[name])
        yield {
          field: tlsCertificates.length > 0 ? `${field}.tlsCertificates[${index}].${name}` : `${field}.${name}`,
          problem: `is missing, which mode ${mode} needs without credentialName`,
        };
  if (tls.caCrl && mode === 'SIMPLE') yield { field: `${field}.caCrl`, problem: 'is not allowed in mode SIMPLE' };
}

export function* gatewaySchemaProblems({ servers = [] }: IstioSpecs['Gateway']): Problems {
  for (const [index, server] of servers.entries()) {
    const { credentialName, credentialNames, tlsCertificates } = server?.tls ?? {};
    const field: FieldPath = `spec.servers[${index}].tls.credentialNames`;
    if (credentialNames && (credentialName || tlsCertificates))
      yield { field, problem: 'only one of credentialName, credentialNames and tlsCertificates can be set' };
    if ((credentialNames?.length ?? 0) > 2) yield { field, problem: 'there are more than two' };
  }
}
